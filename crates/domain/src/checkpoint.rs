//! Checkpoints: two sides of a hand-off compared, control totals first, then rows. Debits and credits are totalled
//! apart and differences are absolute as well, so that +100 and −100 are two breaks and never nothing.

use crate::text_enum::text_enum;
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// A hand-off between two stages, in the order of the way from usage to the ledger.
    #[derive(Default)]
    pub enum Checkpoint {
        /// Usage captured against usage rated.
        Usage = "1",
        /// Rated usage and contracted charges against invoice lines.
        Billing = "2",
        /// Invoices, credit memos and money against the ERP's receivables, read back.
        #[default]
        Receivables = "3",
        /// Money settled by banks and gateways against cash applied.
        Cash = "4",
        /// The revenue subledger against general ledger balances, read back.
        Ledger = "5",
    }
}

impl Checkpoint {
    /// 1 to 5.
    pub fn number(self) -> i16 {
        match self {
            Self::Usage => 1,
            Self::Billing => 2,
            Self::Receivables => 3,
            Self::Cash => 4,
            Self::Ledger => 5,
        }
    }

    /// What it compares, on the left and on the right.
    pub fn sides(self) -> (&'static str, &'static str) {
        match self {
            Self::Usage => ("captured", "rated"),
            Self::Billing => ("rated", "invoiced"),
            Self::Receivables => ("issued", "in the ERP"),
            Self::Cash => ("settled", "applied"),
            Self::Ledger => ("subledger", "general ledger"),
        }
    }
}

text_enum! {
    /// What kind of difference a break is.
    pub enum BreakKind {
        /// On the right only: in the ERP, and not issued by us.
        MissingLeft = "missing_left",
        /// On the left only, past its time: issued and not in the ERP, settled and not applied.
        MissingRight = "missing_right",
        Amount = "amount",
        Tax = "tax",
        Currency = "currency",
        /// Same document, other accounting period.
        Period = "period",
        /// More than one on the right for one on the left.
        Duplicate = "duplicate",
        /// On the left only, inside its time.
        Timing = "timing",
    }
}

impl BreakKind {
    /// As people at this checkpoint say it.
    pub fn label(self, at: Checkpoint) -> &'static str {
        match (self, at) {
            (Self::MissingLeft, Checkpoint::Receivables) => "in the ERP only",
            (Self::MissingRight, Checkpoint::Receivables) => "missing in the ERP",
            (Self::Period, Checkpoint::Receivables) => "other period in the ERP",
            (Self::Duplicate, Checkpoint::Receivables) => "twice in the ERP",
            (Self::Timing, Checkpoint::Receivables) => "on its way",
            (Self::MissingRight, Checkpoint::Cash) => "not applied",
            (Self::MissingLeft, _) => "on the right only",
            (Self::MissingRight, _) => "missing on the right",
            (Self::Amount, _) => "amount differs",
            (Self::Tax, _) => "tax differs",
            (Self::Currency, _) => "currency differs",
            (Self::Period, _) => "other period",
            (Self::Duplicate, _) => "doubled",
            (Self::Timing, _) => "inside its time",
        }
    }
}

/// How long something may be on its way from the left to the right before its absence is an error: what history says, but never longer
/// than the limit that a controller set (accounting.md, Period and close), and `usual` until there is history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    pub learned_hours: Option<i32>,
    pub limit_hours: Option<i32>,
}

impl Timing {
    pub fn allowed(self, usual: TimeDelta) -> TimeDelta {
        let learned = self.learned_hours.map_or(usual, |hours| TimeDelta::hours(hours.into()));
        self.limit_hours.map_or(learned, |hours| learned.min(TimeDelta::hours(hours.into())))
    }
}

/// Count, amount and tax of one side of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ControlTotal {
    pub count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
}

text_enum! {
    /// The tie mark: what a cell says at one glance.
    pub enum Tie {
        Ties = "ties",
        Timing = "timing",
        Off = "off",
        None = "none",
    }
}

impl Tie {
    /// No data is never a tie.
    pub fn of(left: ControlTotal, right: ControlTotal, timing_count: i64, unreconciled_count: i64) -> Self {
        if left.count == 0 && right.count == 0 && unreconciled_count == 0 {
            Self::None
        } else if unreconciled_count > 0 {
            Self::Off
        } else if timing_count > 0 {
            Self::Timing
        } else if left == right {
            Self::Ties
        } else {
            Self::Off
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(count: i64, amount: i64) -> ControlTotal {
        ControlTotal { count, amount: amount.into(), tax: 0.into() }
    }

    #[test]
    fn time_is_what_history_says_and_never_more_than_the_limit() {
        let usual = TimeDelta::hours(24);
        let timing = |learned_hours, limit_hours| Timing { learned_hours, limit_hours }.allowed(usual).num_hours();
        assert_eq!(timing(None, None), 24);
        assert_eq!(timing(Some(70), None), 70);
        assert_eq!(timing(Some(70), Some(48)), 48);
        assert_eq!(timing(None, Some(8)), 8);
        assert_eq!(timing(Some(4), Some(48)), 4);
    }

    #[test]
    fn no_data_is_never_a_tie() {
        assert_eq!(Tie::of(total(0, 0), total(0, 0), 0, 0), Tie::None);
    }

    #[test]
    fn equal_sums_with_open_breaks_do_not_tie() {
        assert_eq!(Tie::of(total(2, 100), total(2, 100), 0, 2), Tie::Off);
        assert_eq!(Tie::of(total(2, 100), total(2, 100), 0, 0), Tie::Ties);
        assert_eq!(Tie::of(total(2, 100), total(1, 60), 1, 0), Tie::Timing);
        assert_eq!(Tie::of(total(2, 100), total(1, 60), 0, 0), Tie::Off);
    }
}
