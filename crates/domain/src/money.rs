//! Money: an exact decimal in a currency, never more digits than the currency has.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An ISO 4217 currency code with its minor units (list one of the ISO 4217 maintenance agency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Currencies whose minor unit is not 2 digits; every other active code has two.
const MINOR_UNITS: &[(&str, u32)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
    ("UYW", 4),
];

/// Active two-digit currencies of ISO 4217.
const TWO_DIGITS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR \
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY \
TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{0:?} is not an ISO 4217 currency")]
    UnknownCurrency(String),
    #[error("{amount} has more decimals than {currency} ({minor_units})")]
    TooManyDecimals { amount: Decimal, currency: Currency, minor_units: u32 },
    #[error("{left} and {right} are different currencies")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("the amount is out of range")]
    OutOfRange,
}

/// The largest magnitude an amount column holds: `numeric(20,4)`.
const MAGNITUDE_MAX: Decimal = Decimal::from_parts(0x6FC0_FFFF, 0x0023_86F2, 0, false, 0); // 9_999_999_999_999_999 and below

impl Currency {
    pub const USD: Self = Self(*b"USD");
    pub const EUR: Self = Self(*b"EUR");
    pub const JPY: Self = Self(*b"JPY");

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the decimal point: 0 (JPY), 2 (most), 3 (KWD) or 4.
    pub fn minor_units(self) -> u32 {
        MINOR_UNITS.iter().find(|(code, _)| *code == self.code()).map_or(2, |(_, digits)| *digits)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let known = text.len() == 3
            && (MINOR_UNITS.iter().any(|(code, _)| *code == text) || TWO_DIGITS.split_ascii_whitespace().any(|code| code == text));
        match text.as_bytes() {
            [a, b, c] if known => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::UnknownCurrency(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in a currency. Signed: balances and differences may be negative, documents are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "MoneyText", into = "MoneyText")]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

#[derive(Serialize, Deserialize)]
struct MoneyText {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency: Currency,
}

impl TryFrom<MoneyText> for Money {
    type Error = MoneyError;
    fn try_from(text: MoneyText) -> Result<Self, MoneyError> {
        Self::new(text.amount, text.currency)
    }
}

impl From<Money> for MoneyText {
    fn from(money: Money) -> Self {
        Self { amount: money.amount, currency: money.currency }
    }
}

impl Money {
    /// Refuses what the currency can't carry: `10.005` USD is an error, `10.5000` USD is `10.50`.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let minor_units = currency.minor_units();
        let mut amount = amount.normalize();
        if amount.scale() > minor_units {
            return Err(MoneyError::TooManyDecimals { amount, currency, minor_units });
        }
        if amount.abs() > MAGNITUDE_MAX {
            return Err(MoneyError::OutOfRange);
        }
        amount.rescale(minor_units);
        Ok(Self { amount, currency })
    }

    /// The only rounding in the code: half away from zero to the currency's minor unit.
    pub fn round(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        Self::new(amount.round_dp_with_strategy(currency.minor_units(), RoundingStrategy::MidpointAwayFromZero), currency)
    }

    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.minor_units()), currency }
    }

    pub fn amount(self) -> Decimal {
        self.amount
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// The amount as an integer of minor units: 10.50 USD is 1050, 10 JPY is 10.
    pub fn minor(self) -> i128 {
        self.amount.mantissa()
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.amount.checked_add(other.amount).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    pub fn checked_subtract(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Self::new(self.amount.checked_sub(other.amount).ok_or(MoneyError::OutOfRange)?, self.currency)
    }

    /// Splits by weights with the largest remainder; the parts always add up to the whole.
    /// Errors when the weights are empty, negative or all zero.
    pub fn allocate(self, weights: &[Decimal]) -> Result<Vec<Self>, MoneyError> {
        let whole: Decimal = weights.iter().copied().try_fold(Decimal::ZERO, Decimal::checked_add).ok_or(MoneyError::OutOfRange)?;
        if whole <= Decimal::ZERO || weights.iter().any(|w| w.is_sign_negative() && !w.is_zero()) {
            return Err(MoneyError::OutOfRange);
        }
        let unit = Decimal::new(1, self.currency.minor_units());
        let sign = if self.amount.is_sign_negative() { -unit } else { unit };
        let mut parts = Vec::with_capacity(weights.len());
        let mut left = self.amount;
        for weight in weights {
            let exact = self.amount.checked_mul(*weight).ok_or(MoneyError::OutOfRange)? / whole;
            let part = exact.round_dp_with_strategy(self.currency.minor_units(), RoundingStrategy::ToZero);
            left -= part;
            parts.push((part, (exact - part).abs()));
        }
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by(|a, b| parts[*b].1.cmp(&parts[*a].1).then(a.cmp(b)));
        for index in order.into_iter().cycle() {
            if left.is_zero() {
                break;
            }
            if !weights[index].is_zero() {
                parts[index].0 += sign;
                left -= sign;
            }
        }
        parts.into_iter().map(|(part, _)| Self::new(part, self.currency)).collect()
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", grouped(self.amount), self.currency)
    }
}

/// `1234567.80` as `1,234,567.80`.
pub fn grouped(amount: Decimal) -> String {
    let text = amount.abs().to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() + text.len() / 3 + 1);
    if amount.is_sign_negative() && !amount.is_zero() {
        out.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(feature = "sqlx")]
mod column {
    use super::Currency;
    use sqlx::{Decode, Encode, Postgres, Type, encode::IsNull, error::BoxDynError, postgres::*};

    impl Type<Postgres> for Currency {
        fn type_info() -> PgTypeInfo {
            <str as Type<Postgres>>::type_info()
        }
        fn compatible(ty: &PgTypeInfo) -> bool {
            <str as Type<Postgres>>::compatible(ty)
        }
    }
    impl PgHasArrayType for Currency {
        fn array_type_info() -> PgTypeInfo {
            <String as PgHasArrayType>::array_type_info()
        }
        fn array_compatible(ty: &PgTypeInfo) -> bool {
            <String as PgHasArrayType>::array_compatible(ty)
        }
    }
    impl<'r> Decode<'r, Postgres> for Currency {
        fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
            Ok(<&str as Decode<Postgres>>::decode(value)?.parse()?)
        }
    }
    impl<'q> Encode<'q, Postgres> for Currency {
        fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            <&str as Encode<Postgres>>::encode(self.code(), buf)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(amount: &str, currency: &str) -> Result<Money, MoneyError> {
        Money::new(amount.parse().unwrap(), currency.parse().unwrap())
    }

    #[test]
    fn an_amount_never_has_more_digits_than_its_currency() {
        assert_eq!(money("10.5000", "USD").unwrap().to_string(), "10.50 USD");
        assert_eq!(money("48412900", "JPY").unwrap().to_string(), "48,412,900 JPY");
        assert_eq!(money("1.005", "KWD").unwrap().minor(), 1005);
        assert!(matches!(money("10.005", "USD"), Err(MoneyError::TooManyDecimals { .. })));
        assert!(matches!(money("0.5", "JPY"), Err(MoneyError::TooManyDecimals { .. })));
        assert_eq!(money("10000000000000000", "USD"), Err(MoneyError::OutOfRange));
        assert!(money("9999999999999999.99", "USD").is_err() || money("9999999999999999", "USD").is_ok());
    }

    #[test]
    fn an_unknown_currency_is_refused() {
        for code in ["usd", "XXX", "US", "DOLLAR", ""] {
            assert_eq!(code.parse::<Currency>(), Err(MoneyError::UnknownCurrency(code.to_owned())));
        }
    }

    #[test]
    fn different_currencies_never_add() {
        let (usd, eur) = (money("1", "USD").unwrap(), money("1", "EUR").unwrap());
        assert!(matches!(usd.checked_add(eur), Err(MoneyError::CurrencyMismatch { .. })));
        assert_eq!(usd.checked_add(usd).unwrap().to_string(), "2.00 USD");
    }

    #[test]
    fn half_a_cent_rounds_away_from_zero() {
        let round = |text: &str| Money::round(text.parse().unwrap(), Currency::USD).unwrap().to_string();
        assert_eq!((round("0.005"), round("-0.005"), round("0.0049")), ("0.01 USD".into(), "-0.01 USD".into(), "0.00 USD".into()));
    }

    #[test]
    fn json_carries_money_as_text() {
        let json = serde_json::to_string(&money("10.5", "USD").unwrap()).unwrap();
        assert_eq!(json, r#"{"amount":"10.50","currency":"USD"}"#);
        assert!(serde_json::from_str::<Money>(r#"{"amount":"10.505","currency":"USD"}"#).is_err());
    }

    proptest! {
        #[test]
        fn the_parts_of_an_allocation_add_up_to_the_whole(minor in -1_000_000_000i64..1_000_000_000, weights in prop::collection::vec(0u32..10_000, 1..20)) {
            let weights: Vec<Decimal> = weights.into_iter().map(Decimal::from).collect();
            let whole = Money::new(Decimal::new(minor, 2), Currency::USD).unwrap();
            match whole.allocate(&weights) {
                Ok(parts) => {
                    let sum = parts.iter().try_fold(Money::zero(Currency::USD), |sum, part| sum.checked_add(*part)).unwrap();
                    prop_assert_eq!(sum, whole);
                }
                Err(_) => prop_assert!(weights.iter().all(Decimal::is_zero)),
            }
        }
    }
}
