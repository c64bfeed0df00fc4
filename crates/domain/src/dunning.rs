//! Collection: what a customer owes past its due date makes a trigger by steps, and stays silent while a dispute, unapplied cash or an
//! open retry of that customer stands. Nothing is sent to anybody.

use crate::{id::DocumentId, text_enum::text_enum};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Days past due from which the three steps count, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps([i32; 3]);

impl Steps {
    pub const USUAL: Self = Self([7, 21, 45]);
    const DAYS_MAX: i32 = 1000;

    /// Errors with the rule in words.
    pub fn new(days: [i32; 3]) -> Result<Self, String> {
        let [first, second, third] = days;
        if 0 < first && first < second && second < third && third <= Self::DAYS_MAX {
            Ok(Self(days))
        } else {
            Err(format!("Steps are three ascending numbers of days from 1 to {}; {first}, {second}, {third} are not.", Self::DAYS_MAX))
        }
    }

    pub fn days(self) -> [i32; 3] {
        self.0
    }
}

text_enum! {
    /// Why nobody is asked to pay although something is past due.
    pub enum Silence {
        Dispute = "dispute",
        UnappliedCash = "unapplied_cash",
        /// An attempt to collect failed, and the gateway makes another one.
        Retry = "retry",
    }
}

impl Silence {
    pub fn label(self) -> &'static str {
        match self {
            Self::Dispute => "an invoice is in dispute",
            Self::UnappliedCash => "money of the customer is not applied",
            Self::Retry => "the gateway tries again to collect",
        }
    }
}

/// What stands against a customer in an entity and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    pub trigger_id: Uuid,
    pub entity_code: String,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: String,
    /// 1 to 3.
    pub step: i16,
    /// Past due, of the oldest item when the trigger was raised.
    pub days: i32,
    /// From how many days on the step counts.
    pub from_days: i32,
    pub amount: Decimal,
    pub silent: Option<Silence>,
    pub raised_at: DateTime<Utc>,
    /// Oldest first.
    pub items: Vec<TriggerItem>,
}

impl Trigger {
    pub fn why(&self) -> String {
        format!("oldest item {} days past due; step {} counts from day {}", self.days, self.step, self.from_days)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerItem {
    pub document_id: DocumentId,
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_ascend_from_the_first_day_on() {
        assert_eq!(Steps::new([7, 21, 45]), Ok(Steps::USUAL));
        for wrong in [[0, 21, 45], [7, 7, 45], [21, 7, 45], [7, 21, 1001]] {
            let [first, second, third] = wrong;
            let said = format!("Steps are three ascending numbers of days from 1 to 1000; {first}, {second}, {third} are not.");
            assert_eq!(Steps::new(wrong), Err(said));
        }
    }
}
