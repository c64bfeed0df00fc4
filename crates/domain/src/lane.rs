//! In which order an ERP gets what waits for it.

use crate::{
    period::{AccountingPeriod, PeriodState},
    text_enum::text_enum,
};
use chrono::{NaiveDate, TimeDelta};

text_enum! {
    /// Lower goes first; within a lane, what became due first. Decided when a document is queued.
    pub enum Lane {
        /// Its period is being closed: soft-closed, or over and the last one that still takes anything.
        Closing = "closing",
        /// Issued days ago and not in the ERP yet.
        OldestMoney = "oldest_money",
        Normal = "normal",
        /// Of a period that nobody closes on any more, or a history that is brought in.
        Backfill = "backfill",
    }
}

/// A document that is not in the ERP after so many days waits longer than it should.
const DAYS_UNTIL_OLD: i64 = 3;

impl Lane {
    pub fn of(period: AccountingPeriod, state: PeriodState, issued: NaiveDate, today: NaiveDate) -> Self {
        let last = AccountingPeriod::of(today).previous();
        if state == PeriodState::SoftClosed || (period == last && state == PeriodState::Open) {
            Self::Closing
        } else if period < last {
            Self::Backfill
        } else if issued < today - TimeDelta::days(DAYS_UNTIL_OLD) {
            Self::OldestMoney
        } else {
            Self::Normal
        }
    }

    /// Its place in the order, from 1.
    pub fn place(self) -> i16 {
        match self {
            Self::Closing => 1,
            Self::OldestMoney => 2,
            Self::Normal => 3,
            Self::Backfill => 4,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Closing => "closing period",
            Self::OldestMoney => "oldest money",
            Self::Normal => "normal",
            Self::Backfill => "backfill",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_closed_goes_before_old_money_and_history_goes_last() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let of = |period: &str, state, issued| Lane::of(period.parse().unwrap(), state, day(issued), day("2026-11-05"));
        assert_eq!(of("2026-10", PeriodState::Open, "2026-10-31"), Lane::Closing);
        assert_eq!(of("2026-08", PeriodState::SoftClosed, "2026-08-31"), Lane::Closing, "reopened for a correction");
        assert_eq!(of("2026-11", PeriodState::Open, "2026-11-01"), Lane::OldestMoney);
        assert_eq!(of("2026-11", PeriodState::Open, "2026-11-02"), Lane::Normal);
        assert_eq!(of("2026-12", PeriodState::Open, "2026-11-05"), Lane::Normal);
        assert_eq!(of("2026-08", PeriodState::Open, "2026-08-31"), Lane::Backfill);
        assert!(Lane::ALL.windows(2).all(|pair| pair[0].place() < pair[1].place()));
    }
}
