//! Checkpoints on screen: left against right, per entity, currency and side; the breaks behind a difference and their ages.

use crate::{
    checkpoint::{BreakKind, Checkpoint, ControlTotal, Tie},
    id::*,
    period::AccountingPeriod,
    stage::{Side, Stage},
    text_enum::text_enum,
};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

impl Stage {
    /// It was issued to the customer, so it belongs into the ERP's receivables: the left side of checkpoint 3.
    pub fn is_issued(self) -> bool {
        !matches!(self, Self::Rejected | Self::Voided | Self::Superseded)
    }
}

/// One cell of the latest run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointCell {
    pub checkpoint: Checkpoint,
    pub run_id: CheckpointRunId,
    pub entity_id: EntityId,
    pub entity_code: String,
    pub period: AccountingPeriod,
    pub currency: String,
    pub side: Side,
    pub left: ControlTotal,
    pub right: ControlTotal,
    pub timing_count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub timing_amount: Decimal,
    pub unreconciled_count: i64,
    /// Sum of absolute differences.
    #[serde(with = "rust_decimal::serde::str")]
    pub unreconciled_amount: Decimal,
    pub ran_at: DateTime<Utc>,
    /// When the sides were complete: the ERP read back, the last word of bank or gateway.
    pub read_at: DateTime<Utc>,
}

impl CheckpointCell {
    pub fn tie(&self) -> Tie {
        Tie::of(self.left, self.right, self.timing_count, self.unreconciled_count)
    }

    /// Left less right; timing and breaks explain it.
    pub fn difference(&self) -> Decimal {
        self.left.amount - self.right.amount
    }
}

/// A batch's part of the cell of its entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCell {
    /// None: what the ERP holds and no batch of ours brought.
    pub batch_id: Option<BatchId>,
    pub batch_number: Option<String>,
    pub cell: CheckpointCell,
}

/// When an entity's period was read back. Never read is *not assessed*, and never a tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadState {
    pub entity_id: EntityId,
    pub entity_code: String,
    pub period: AccountingPeriod,
    pub started_at: Option<DateTime<Utc>>,
    /// The last complete read.
    pub finished_at: Option<DateTime<Utc>>,
    pub documents: i32,
    /// Why the last try brought nothing.
    pub error: Option<String>,
}

/// An open break in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakRow {
    pub checkpoint: Checkpoint,
    pub break_id: BreakId,
    pub entity_code: String,
    pub period: AccountingPeriod,
    pub currency: String,
    pub side: Side,
    pub kind: BreakKind,
    pub document_id: Option<DocumentId>,
    pub number: Option<String>,
    pub batch_number: Option<String>,
    pub stage: Option<Stage>,
    pub erp_number: Option<String>,
    #[serde(with = "rust_decimal::serde::str")]
    pub left_amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub right_amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub difference: Decimal,
    pub explanation: String,
    pub opened_at: DateTime<Utc>,
    pub expected_by: Option<DateTime<Utc>>,
    pub owner: Option<String>,
}

/// What the URL of the break list narrows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BreakFilter {
    pub checkpoint: Checkpoint,
    pub entity: Option<EntityId>,
    pub period: Option<AccountingPeriod>,
    pub currency: Option<String>,
    pub kind: Option<BreakKind>,
    pub batch: Option<BatchId>,
}

/// How a checkpoint stands in a period, over every entity of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointState {
    pub checkpoint: Checkpoint,
    /// Cells that tie, and those that were compared. None compared is no data, and never a tie.
    pub ties: i64,
    pub timing: i64,
    pub off: i64,
    /// Of the last run of any entity.
    pub ran_at: Option<DateTime<Utc>>,
}

impl CheckpointState {
    pub fn tie(&self) -> Tie {
        match self {
            Self { off: 1.., .. } => Tie::Off,
            Self { timing: 1.., .. } => Tie::Timing,
            Self { ties: 1.., .. } => Tie::Ties,
            _ => Tie::None,
        }
    }

    pub fn cells(&self) -> i64 {
        self.ties + self.timing + self.off
    }
}

/// How long is normal between the two sides, from one source: an ERP connection, a bank account, a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingRow {
    pub entity_id: EntityId,
    pub entity_code: String,
    pub source: String,
    /// Documents of the last 90 days that it was learned from; none: too few.
    pub samples: Option<i32>,
    /// 99 of 100 took no longer.
    pub learned_hours: Option<i32>,
    /// What a controller allows at most.
    pub limit_hours: Option<i32>,
    pub learned_at: Option<DateTime<Utc>>,
}

text_enum! {
    /// How long a break has been open: hours while it is fresh, then the trade's 30-day steps.
    pub enum AgeBucket {
        Hours4 = "hours_4",
        Hours24 = "hours_24",
        Days30 = "days_30",
        Days60 = "days_60",
        Days90 = "days_90",
        Older = "older",
    }
}

impl AgeBucket {
    pub fn of(age: TimeDelta) -> Self {
        if age < TimeDelta::hours(4) {
            Self::Hours4
        } else if age < TimeDelta::hours(24) {
            Self::Hours24
        } else if age < TimeDelta::days(31) {
            Self::Days30
        } else if age < TimeDelta::days(61) {
            Self::Days60
        } else if age < TimeDelta::days(91) {
            Self::Days90
        } else {
            Self::Older
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Hours4 => "under 4 hours",
            Self::Hours24 => "4 to 24 hours",
            Self::Days30 => "1–30 days",
            Self::Days60 => "31–60 days",
            Self::Days90 => "61–90 days",
            Self::Older => "over 90 days",
        }
    }

    /// Breaks of this bucket were opened after the first moment and not after the second; `None`: no bound.
    pub fn opened_between(self, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
        let at = |age: TimeDelta| now - age;
        match self {
            Self::Hours4 => (Some(at(TimeDelta::hours(4))), now),
            Self::Hours24 => (Some(at(TimeDelta::hours(24))), at(TimeDelta::hours(4))),
            Self::Days30 => (Some(at(TimeDelta::days(31))), at(TimeDelta::hours(24))),
            Self::Days60 => (Some(at(TimeDelta::days(61))), at(TimeDelta::days(31))),
            Self::Days90 => (Some(at(TimeDelta::days(91))), at(TimeDelta::days(61))),
            Self::Older => (None, at(TimeDelta::days(91))),
        }
    }
}

/// Open breaks of an entity and currency in one age bucket; timing inside its time is not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgingCell {
    pub entity_id: EntityId,
    pub entity_code: String,
    pub currency: String,
    pub bucket: AgeBucket,
    pub count: i64,
    /// Sum of absolute differences.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_age_is_in_the_bucket_whose_bounds_hold_it() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        for hours in [0, 3, 4, 23, 24, 24 * 30, 24 * 31, 24 * 60, 24 * 61, 24 * 90, 24 * 91, 24 * 400] {
            let opened = now - TimeDelta::hours(hours);
            let bucket = AgeBucket::of(now - opened);
            for other in AgeBucket::ALL {
                let (after, until) = other.opened_between(now);
                let inside = after.is_none_or(|after| opened > after) && opened <= until;
                assert_eq!(inside, *other == bucket, "{hours} h: {other}");
            }
        }
    }
}
