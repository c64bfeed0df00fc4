//! Figures of the home page that no other page has: the flow of documents by day, and what is not reconciled.

use crate::{stage::Stage, view::StageMoney};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

impl Stage {
    /// Issued, and neither confirmed in the ERP nor closed by people.
    pub fn awaits_confirmation(self) -> bool {
        self.is_issued() && !matches!(self, Self::Confirmed | Self::Resolved)
    }
}

/// How many documents came in, were posted and were confirmed on one day, as the entity's calendar has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlowDay {
    pub day: NaiveDate,
    /// Accepted at import.
    pub came_in: i64,
    /// Of those, the ones that came in at least [`TIMELY_MINUTES`] before they were counted.
    pub measured: i64,
    /// Of the measured, the ones that an ERP answered with a document number within that time.
    pub timely: i64,
    pub posted: i64,
    pub confirmed: i64,
}

/// Within which time a posting is called timely.
pub const TIMELY_MINUTES: i64 = 15;

/// Days on which something moved, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flow {
    pub days: Vec<FlowDay>,
    /// `None`: never counted.
    pub counted_at: Option<DateTime<Utc>>,
}

impl Flow {
    /// Measured, and timely among them.
    pub fn timeliness(&self) -> (i64, i64) {
        self.days.iter().fold((0, 0), |(measured, timely), day| (measured + day.measured, timely + day.timely))
    }

    /// One entry per day of the window that ends with `until`: a day without movements is zero, not left out.
    pub fn calendar(&self, until: NaiveDate, length: usize) -> Vec<FlowDay> {
        let mut days: Vec<NaiveDate> = until.succ_opt().unwrap_or(until).iter_days().rev().skip(1).take(length).collect();
        days.reverse();
        let on = |day: NaiveDate| self.days.iter().find(|flow| flow.day == day).cloned().unwrap_or(FlowDay { day, ..FlowDay::default() });
        days.into_iter().map(on).collect()
    }
}

/// Open differences of checkpoint 3 that are not timing, per currency, absolute; and for how much of the company that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unreconciled {
    pub money: Vec<StageMoney>,
    /// Entities that have been compared at least once.
    pub assessed: i64,
    pub entities: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_without_movements_is_zero_and_not_left_out() {
        let flow = Flow { days: vec![FlowDay { day: day("2026-11-01"), posted: 7, ..FlowDay::default() }], counted_at: None };
        let shown: Vec<(String, i64)> = flow.calendar(day("2026-11-02"), 4).iter().map(|one| (one.day.to_string(), one.posted)).collect();
        let expected =
            [("2026-10-30", 0), ("2026-10-31", 0), ("2026-11-01", 7), ("2026-11-02", 0)].map(|(day, posted)| (day.to_owned(), posted));
        assert_eq!(shown, expected);
    }
}
