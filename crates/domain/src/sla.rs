//! The clock of exceptions: what is due, how old it is, and how much of it will be late.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Days whose closings are the present rate, today with them.
pub const RATE_DAYS: u64 = 7;

/// Upper edges of operational aging in hours, and how they are called; the last has none.
pub const AGES: [(i64, &str); 5] = [(4, "< 4 h"), (24, "4–24 h"), (72, "1–3 d"), (168, "3–7 d"), (i64::MAX, "> 7 d")];

/// Open exceptions by their clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaView {
    /// Past their time.
    pub breached: i64,
    /// Due by the end of today and of this week on the entities' calendars, without those past their time.
    pub due_today: i64,
    pub due_this_week: i64,
    /// Open past their time at the end of today and of this week, if closing goes on at the present rate.
    pub late_today: i64,
    pub late_this_week: i64,
    /// Closed in the last seven days, and the working hours of those.
    pub closed: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub hours: Decimal,
    /// How many are how old, by the edges of [`AGES`].
    pub ages: [i64; 5],
}

/// Of what is due by then, what is left when closing goes on at the present rate: closed so far per working hour, times the working
/// hours until then, in the order of due times, and nothing new comes.
pub fn late_by_then(due: i64, closed: i64, hours: Decimal, hours_left: Decimal) -> i64 {
    if hours.is_zero() {
        return due;
    }
    let closing = (Decimal::from(closed) * hours_left / hours).round_dp_with_strategy(0, RoundingStrategy::ToZero);
    i64::try_from((Decimal::from(due) - closing).max(Decimal::ZERO)).unwrap_or(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_late_is_what_is_due_without_what_will_be_closed_until_then() {
        // 80 closed in 40 hours: two an hour
        assert_eq!(late_by_then(30, 80, 40.into(), 6.into()), 18);
        assert_eq!(late_by_then(5, 80, 40.into(), 6.into()), 0);
        assert_eq!(late_by_then(5, 0, 40.into(), 6.into()), 5, "nobody closes anything");
        assert_eq!(late_by_then(5, 0, Decimal::ZERO, Decimal::ZERO), 5, "nobody worked");
        assert_eq!(late_by_then(3, 1, 40.into(), 39.into()), 3, "not a whole one");
    }
}
