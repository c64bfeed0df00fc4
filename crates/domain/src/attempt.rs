//! Payments whose attempts to collect failed: why, when the gateway tries again, and whether the money came in the end.

use crate::{
    id::{DocumentId, GatewayAccountId},
    money::Currency,
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A payment that failed at least once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPayment {
    /// Of the account at the gateway.
    pub code: String,
    /// The invoice's number; the gateway's own where it names none.
    pub payment: String,
    /// The invoice, and whose it is.
    pub invoice: Option<(DocumentId, String)>,
    /// That failed.
    pub attempts: i64,
    /// Of the last one that failed, as is what follows.
    pub amount: Decimal,
    pub currency: Currency,
    pub reason_code: Option<String>,
    /// In the gateway's words.
    pub failure: Option<String>,
    pub last_at: DateTime<Utc>,
    pub next_retry_at: Option<DateTime<Utc>>,
    /// When the gateway collected it after all.
    pub recovered_at: Option<DateTime<Utc>>,
}

/// How a failed payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Recovered(DateTime<Utc>),
    /// The gateway tries again then.
    Retried(DateTime<Utc>),
    /// Nobody tries again.
    GivenUp,
}

impl FailedPayment {
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match (self.recovered_at, self.next_retry_at.filter(|at| *at > now)) {
            (Some(at), _) => Standing::Recovered(at),
            (None, Some(at)) => Standing::Retried(at),
            (None, None) => Standing::GivenUp,
        }
    }
}

/// How many failed payments of an account and currency came in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    pub gateway_account_id: GatewayAccountId,
    pub entity_code: String,
    pub code: String,
    pub currency: Currency,
    /// Payments whose first attempt failed in the time.
    pub failed: i64,
    pub failed_amount: Decimal,
    pub recovered: i64,
    pub recovered_amount: Decimal,
    /// Not recovered, and to be tried again.
    pub retried: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_is_open_until_its_time_and_until_the_money_came() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let mut payment = FailedPayment {
            code: "STRIPE-US".into(),
            payment: "INV-1".into(),
            invoice: None,
            attempts: 1,
            amount: 110.into(),
            currency: Currency::USD,
            reason_code: Some("card_declined".into()),
            failure: None,
            last_at: at(0),
            next_retry_at: Some(at(100)),
            recovered_at: None,
        };
        assert_eq!((payment.standing(at(99)), payment.standing(at(100))), (Standing::Retried(at(100)), Standing::GivenUp));
        payment.recovered_at = Some(at(50));
        assert_eq!(payment.standing(at(60)), Standing::Recovered(at(50)));
    }
}
