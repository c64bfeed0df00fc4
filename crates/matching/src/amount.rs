//! Amounts as the algorithms need them: whole minor units, which add and compare in one instruction.

use domain::money::{Currency, Money, MoneyError};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Minor units of a currency: 10.50 USD is 1050, 10 JPY is 10. In JSON a decimal text with its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "AmountText", into = "AmountText")]
pub struct Amount {
    pub minor: i64,
    pub currency: Currency,
}

impl Amount {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn with(self, minor: i64) -> Self {
        Self { minor, ..self }
    }

    pub fn decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.minor_units())
    }
}

#[derive(Serialize, Deserialize)]
struct AmountText {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency: Currency,
}

impl From<Amount> for AmountText {
    fn from(amount: Amount) -> Self {
        Self { amount: amount.decimal(), currency: amount.currency }
    }
}

impl TryFrom<AmountText> for Amount {
    type Error = MoneyError;
    fn try_from(text: AmountText) -> Result<Self, MoneyError> {
        Money::new(text.amount, text.currency)?.try_into()
    }
}

impl TryFrom<Money> for Amount {
    type Error = MoneyError;
    fn try_from(money: Money) -> Result<Self, MoneyError> {
        let minor = i64::try_from(money.minor()).map_err(|_| MoneyError::OutOfRange)?;
        Ok(Self { minor, currency: money.currency() })
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", domain::money::grouped(self.decimal()), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_carries_an_amount_as_decimal_text() {
        let amount = Amount::new(-1050, Currency::USD);
        let json = serde_json::to_string(&amount).unwrap();
        assert_eq!(json, r#"{"amount":"-10.50","currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        assert!(serde_json::from_str::<Amount>(r#"{"amount":"1.5","currency":"JPY"}"#).is_err());
    }
}
