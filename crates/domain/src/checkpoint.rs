//! Checkpoints: two sides of a hand-off compared, control totals first, then rows. Debits and credits are totalled
//! apart and differences are absolute as well, so that +100 and −100 are two breaks and never nothing.

use crate::text_enum::text_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What kind of difference a break is.
    pub enum BreakKind {
        /// In the ERP, not issued by us: a manual invoice, a direct journal.
        MissingLeft = "missing_left",
        /// Issued, not in the ERP, past its time.
        MissingRight = "missing_right",
        Amount = "amount",
        Tax = "tax",
        Currency = "currency",
        /// Same document, other accounting period.
        Period = "period",
        /// More than one ERP document for one of ours.
        Duplicate = "duplicate",
        /// Issued, on its way, inside its time.
        Timing = "timing",
    }
}

impl BreakKind {
    pub fn label(self) -> &'static str {
        match self {
            Self::MissingLeft => "in the ERP only",
            Self::MissingRight => "missing in the ERP",
            Self::Amount => "amount differs",
            Self::Tax => "tax differs",
            Self::Currency => "currency differs",
            Self::Period => "other period in the ERP",
            Self::Duplicate => "twice in the ERP",
            Self::Timing => "on its way",
        }
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
