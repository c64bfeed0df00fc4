//! Payments in other currencies are converted to the one the account is paid in.

use super::{digits, major};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use std::collections::BTreeMap;

pub(crate) struct Conversion {
    /// Upper-case.
    pub(crate) settlement: String,
    /// Settlement currency per unit of another.
    pub(crate) rates: BTreeMap<String, Decimal>,
}

impl Conversion {
    pub(crate) fn knows(&self, currency: &str) -> bool {
        currency == self.settlement || self.rates.contains_key(currency)
    }

    /// In the smallest unit of both; and the rate, where there is one.
    pub(crate) fn settled(&self, amount: i64, currency: &str) -> (i64, Option<Decimal>) {
        let currency = currency.to_uppercase();
        match self.rates.get(&currency).filter(|_| currency != self.settlement) {
            None => (amount, None),
            Some(rate) => {
                let exact = major(amount, &currency) * rate * Decimal::from(10u32.pow(digits(&self.settlement)));
                let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
                (rounded.to_i64().unwrap_or_default(), Some(*rate))
            }
        }
    }
}
