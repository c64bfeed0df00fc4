//! Currencies as statements name them: also withdrawn ones, because statements outlive currencies.

use domain::money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Three capital letters. ISO 4217's active codes carry their minor units; of others two digits are assumed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurrencyCode {
    code: [u8; 3],
    /// Digits after the decimal point; `None`: not an active code of ISO 4217.
    minor_units: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency code of three capital letters")]
pub struct NotACurrency(String);

impl CurrencyCode {
    pub const USD: Self = Self { code: *b"USD", minor_units: Some(2) };
    pub const EUR: Self = Self { code: *b"EUR", minor_units: Some(2) };

    pub(crate) fn from_bytes(text: &[u8]) -> Option<Self> {
        let code: [u8; 3] = text.try_into().ok()?;
        if !code.iter().all(u8::is_ascii_uppercase) {
            return None;
        }
        let known = std::str::from_utf8(&code).ok()?.parse::<Currency>().ok();
        Some(Self { code, minor_units: known.and_then(|currency| u8::try_from(currency.minor_units()).ok()) })
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// The same as a currency that documents are written in; withdrawn codes are none.
    pub fn active(&self) -> Option<Currency> {
        self.as_str().parse().ok()
    }

    pub fn minor_units(&self) -> u32 {
        self.minor_units.map_or(2, u32::from)
    }

    /// The amount with the digits of the currency. Error: more of them than the currency has; a withdrawn one may have had five,
    /// as many as ISO 20022 writes.
    pub(crate) fn fit(&self, amount: Decimal) -> Result<Decimal, &'static str> {
        let digits = self.minor_units();
        let mut fitted = amount;
        if amount.scale() > digits {
            fitted = amount.normalize();
            if fitted.scale() > digits {
                let allowed = self.minor_units.is_none() && fitted.scale() <= 5;
                return if allowed { Ok(fitted) } else { Err("more decimals than the currency has") };
            }
        }
        fitted.rescale(digits);
        Ok(fitted)
    }
}

impl FromStr for CurrencyCode {
    type Err = NotACurrency;
    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        Self::from_bytes(text.as_bytes()).ok_or_else(|| NotACurrency(text.to_owned()))
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for CurrencyCode {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_currency_is_a_currency_and_a_word_is_none() {
        let mark: CurrencyCode = "DEM".parse().unwrap();
        assert_eq!((mark.active(), mark.minor_units()), (None, 2));
        for text in ["eur", "EU", "EURO", "", "E1R"] {
            assert!(text.parse::<CurrencyCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_amount_has_the_digits_of_its_currency() {
        let fit = |code: &str, amount: &str| code.parse::<CurrencyCode>().unwrap().fit(amount.parse().unwrap()).map(|d| d.to_string());
        assert_eq!(fit("EUR", "300"), Ok("300.00".into()));
        assert_eq!(fit("JPY", "2700.00"), Ok("2700".into()));
        assert_eq!(fit("KWD", "1.5"), Ok("1.500".into()));
        assert!(fit("EUR", "1.005").is_err());
        assert_eq!(fit("DEM", "1.005"), Ok("1.005".into()), "nothing is known of a withdrawn currency");
        assert!(fit("DEM", "1.000005").is_err());
    }
}
