//! Amounts are integers of what Stripe calls the smallest unit, which is not always ISO 4217's: the list of
//! docs.stripe.com/currencies (the contract reference leaves it open).

use domain::money::{Currency, Money, MoneyError};
use rust_decimal::{Decimal, prelude::ToPrimitive};

const ZERO_DECIMAL: &[&str] = &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
const THREE_DECIMAL: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// ISK and UGX have no minor unit and still two digits here, as they once had.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        code if ZERO_DECIMAL.contains(&code) => 0,
        code if THREE_DECIMAL.contains(&code) => 3,
        _ => 2,
    }
}

/// `code` is lower-case, as Stripe writes it. Errors on an unknown currency, and on a fraction that the currency hasn't.
pub fn from_minor(amount: i64, code: &str) -> Result<Money, MoneyError> {
    let currency: Currency = code.to_uppercase().parse()?;
    Money::new(Decimal::new(amount, digits(currency)), currency)
}

/// What goes into a request. Three-decimal amounts must end in 0, because the card networks carry two digits.
pub fn to_minor(money: Money) -> Result<i64, MoneyError> {
    let (currency, digits) = (money.currency(), digits(money.currency()));
    let carried = digits.min(2);
    let scaled = money.amount().checked_mul(Decimal::from(10u32.pow(digits))).ok_or(MoneyError::OutOfRange)?;
    if money.amount().normalize().scale() > carried {
        return Err(MoneyError::TooManyDecimals { amount: money.amount(), currency, minor_units: carried });
    }
    scaled.to_i64().ok_or(MoneyError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_unit_is_stripes_and_not_always_isos() {
        for (minor, code, text) in [
            (1050, "usd", "10.50 USD"),
            (500, "jpy", "500 JPY"),
            (5120, "kwd", "5.120 KWD"),
            (500, "isk", "5 ISK"),
            (700, "ugx", "7 UGX"),
            (5, "mga", "5.00 MGA"),
            (-99, "eur", "-0.99 EUR"),
        ] {
            let money = from_minor(minor, code).unwrap();
            assert_eq!((money.to_string().as_str(), to_minor(money).unwrap()), (text, minor), "{code}");
        }
    }

    #[test]
    fn a_fraction_that_cannot_be_carried_is_refused() {
        assert!(matches!(from_minor(550, "isk"), Err(MoneyError::TooManyDecimals { .. })));
        assert!(matches!(from_minor(1, "zzz"), Err(MoneyError::UnknownCurrency(_))));
        let thousandths = Money::new("5.124".parse().unwrap(), "KWD".parse().unwrap()).unwrap();
        assert!(matches!(to_minor(thousandths), Err(MoneyError::TooManyDecimals { minor_units: 2, .. })));
    }
}
