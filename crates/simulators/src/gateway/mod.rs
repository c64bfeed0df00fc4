//! What the simulated payment gateways have in common: what becomes of an invoice, faults on command, webhooks, and a ledger
//! that is rebuilt from the commands it was given.
//!
//! A gateway's time is told to it: `run` lives through everything that was to happen until then. So three months of a company
//! take seconds, and the same seed and commands make the same gateway.

mod admin;
mod conversion;
mod desk;
mod outbox;
mod plan;

pub(crate) use admin::router;
pub(crate) use conversion::Conversion;
pub(crate) use desk::{Desk, Ledger};
pub use outbox::Target;
pub(crate) use outbox::{Dressed, Forgery};
pub(crate) use plan::{Aftermath, Dispute, Plan, Tariff, plan, working_days_after};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub type FaultRule = crate::faults::FaultRule<FaultKind, On>;

/// What goes wrong. Kinds of requests and kinds of webhooks strike only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Works, `ms` later.
    Latency,
    Throttled,
    /// 429 because someone else holds the object.
    LockTimeout,
    /// 500, nothing done.
    ServerError,
    /// 500 that is kept under the idempotency key, nothing done.
    ServerErrorKept,
    /// 500 with the advice not to try again.
    ServerErrorForGood,
    /// 500, and yet it is done.
    ServerErrorAfterCommit,
    CutBefore,
    CutAfter,
    /// 401 whatever the key.
    InvalidKey,
    /// 403.
    Permission,
    /// A list without its second row, which is there the next time.
    RowLate,
    /// A report with a row that breaks a rule.
    BrokenRow,
    /// The webhook comes twice.
    Doubled,
    /// The webhook comes with the next delivery.
    Late,
    /// The webhook comes after the next one.
    OutOfOrder,
    /// The webhook never comes.
    Lost,
    /// Before the webhook comes a forged one: signed with another secret,
    WrongSecret,
    /// or with another body than was signed,
    AlteredBody,
    /// or signed an hour ago,
    OldTimestamp,
    /// or with a signature of a scheme that does not count.
    OtherScheme,
}

/// Which requests it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    #[default]
    Write,
    Read,
    Webhook,
}

/// An invoice that is to be paid through the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invoice {
    pub number: String,
    pub customer: String,
    #[serde(default)]
    pub customer_name: Option<String>,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: String,
    pub due: NaiveDate,
    /// Drawn from the company's proportions when it is not said.
    #[serde(default)]
    pub method: Option<Method>,
    /// Drawn likewise.
    #[serde(default)]
    pub fate: Option<Fate>,
}

/// What becomes of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The first attempt is declined and the second one goes through, or
    DeclinedOnce,
    /// the second one is declined too.
    Declined,
    Returned,
    Refunded,
    RefundedInPart,
    DisputeWon,
    DisputeLost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Card,
    DirectDebit,
}

/// Digits of the smallest unit, as payment gateways count it.
pub(crate) fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// In the smallest unit; `None` when the amount has a fraction of it.
pub(crate) fn minor(amount: Decimal, currency: &str) -> Option<i64> {
    let scaled = amount.checked_mul(Decimal::from(10u32.pow(digits(currency))))?;
    if scaled.fract().is_zero() { i64::try_from(scaled.trunc().mantissa() / 10i128.pow(scaled.trunc().scale())).ok() } else { None }
}

pub(crate) fn major(minor: i64, currency: &str) -> Decimal {
    Decimal::new(minor, digits(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_unit_goes_there_and_back() {
        for (amount, currency, expected) in
            [("10.50", "USD", Some(1050)), ("500", "JPY", Some(500)), ("1.2345", "KWD", None), ("-3", "EUR", Some(-300))]
        {
            let amount: Decimal = amount.parse().unwrap();
            assert_eq!(minor(amount, currency), expected);
            assert!(expected.is_none_or(|minor| major(minor, currency) == amount));
        }
    }
}
