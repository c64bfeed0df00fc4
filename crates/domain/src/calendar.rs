//! Working time of an entity: its days, hours, holidays and time zone; when something is due, and how much time is left.

use crate::{
    exception::ExceptionKind,
    working_time::{ClockState, WorkingDay},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use std::collections::{BTreeMap, BTreeSet};

/// Days looked ahead until the clock gives up: a calendar of holidays only has no working time.
const DAYS_MAX: u64 = 3660;
/// Due times stand on a quarter of an hour: totals by due time are exact and few.
const QUARTER_SECONDS: i64 = 900;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub zone: Tz,
    pub days: BTreeSet<WorkingDay>,
    pub opens_at: NaiveTime,
    pub closes_at: NaiveTime,
    pub holidays: BTreeSet<NaiveDate>,
    /// Working hours of the kinds that differ from what they allow by themselves.
    pub allowances: BTreeMap<ExceptionKind, i32>,
}

impl Calendar {
    /// Monday to Friday, 9 to 17, no holidays.
    pub fn usual(zone: Tz) -> Self {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        Self {
            zone,
            days: WorkingDay::ALL[..5].iter().copied().collect(),
            opens_at: hour(9),
            closes_at: hour(17),
            holidays: BTreeSet::new(),
            allowances: BTreeMap::new(),
        }
    }

    /// When an exception of a kind that opens now has to be dealt with, on the next quarter of an hour. `None`: nobody ever works.
    pub fn due(&self, kind: ExceptionKind, opened_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let hours = self.allowances.get(&kind).copied().unwrap_or_else(|| kind.allowance_hours());
        let due = self.after(opened_at, TimeDelta::hours(hours.into()))?;
        let over = due.timestamp().rem_euclid(QUARTER_SECONDS);
        let whole = due.with_nanosecond(0)?;
        Some(if over == 0 && whole == due { due } else { whole + TimeDelta::seconds(QUARTER_SECONDS - over) })
    }

    /// When so much working time has passed.
    fn after(&self, from: DateTime<Utc>, time: TimeDelta) -> Option<DateTime<Utc>> {
        let mut left = time;
        for (opens, closes) in self.spans(from, DAYS_MAX) {
            let begins = opens.max(from);
            let room = (closes - begins).max(TimeDelta::zero());
            if left <= room {
                return Some(begins + left);
            }
            left -= room;
        }
        None
    }

    /// Working time between two moments.
    pub fn working_time(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let days = u64::try_from((to - from).num_days().max(0)).unwrap_or_default() + 2;
        self.spans(from, days).map(|(opens, closes)| (closes.min(to) - opens.max(from)).max(TimeDelta::zero())).sum()
    }

    /// Whether the clock runs at a moment, and until when.
    pub fn state(&self, now: DateTime<Utc>) -> ClockState {
        let local = |at: DateTime<Utc>| at.with_timezone(&self.zone).naive_local();
        match self.spans(now, DAYS_MAX).find(|(_, closes)| *closes > now) {
            Some((opens, closes)) if opens <= now => ClockState::Open { until: local(closes) },
            span => ClockState::Closed { until: span.map(|(opens, _)| local(opens)) },
        }
    }

    /// Midnight that ends the day.
    pub fn end_of_day(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.midnight(self.day(now) + Days::new(1))
    }

    /// Midnight that ends the Sunday.
    pub fn end_of_week(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let today = self.day(now);
        self.midnight(today + Days::new(7 - u64::from(today.weekday().num_days_from_monday())))
    }

    /// Midnight that begins a day.
    pub fn midnight(&self, day: NaiveDate) -> DateTime<Utc> {
        self.instant(day, NaiveTime::MIN)
    }

    /// Which day it is where the entity is.
    pub fn day(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.zone).date_naive()
    }

    /// Opening and closing of the working days from the day of a moment on.
    fn spans(&self, from: DateTime<Utc>, days: u64) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let first = self.day(from);
        (0..days)
            .map(move |day| first + Days::new(day))
            .filter(|day| self.days.contains(&day.weekday().into()) && !self.holidays.contains(day))
            .map(|day| (self.instant(day, self.opens_at), self.instant(day, self.closes_at)))
    }

    /// A local time; one that a change of clocks skips is taken as if they had not been changed yet.
    fn instant(&self, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
        let local = day.and_time(time);
        let skipped = || self.zone.from_local_datetime(&(local - TimeDelta::hours(1))).earliest().map(|at| at + TimeDelta::hours(1));
        let at = self.zone.from_local_datetime(&local).earliest().or_else(skipped);
        at.map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Calendar {
        Calendar::usual(chrono_tz::Europe::Berlin)
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(calendar: &Calendar, opened: &str, due: &str) {
        assert_eq!(calendar.due(ExceptionKind::Mapping, at(opened)), Some(at(due)), "opened {opened}");
    }

    #[test]
    fn a_clock_runs_in_working_time_only() {
        // eight hours in Berlin, an hour ahead of UTC in November
        check(&berlin(), "2026-11-20T08:00:00Z", "2026-11-20T16:00:00Z");
        check(&berlin(), "2026-11-20T12:00:00Z", "2026-11-23T12:00:00Z");
        check(&berlin(), "2026-11-21T03:00:00Z", "2026-11-23T16:00:00Z");
        check(&berlin(), "2026-11-20T05:00:00Z", "2026-11-20T16:00:00Z");
        let mut calendar = berlin();
        calendar.holidays.insert("2026-11-23".parse().unwrap());
        check(&calendar, "2026-11-20T12:00:00Z", "2026-11-24T12:00:00Z");
        calendar.allowances.insert(ExceptionKind::Mapping, 2);
        check(&calendar, "2026-11-20T12:00:00Z", "2026-11-20T14:00:00Z");
    }

    #[test]
    fn a_due_time_stands_on_the_next_quarter_of_an_hour() {
        check(&berlin(), "2026-11-20T08:00:01Z", "2026-11-23T08:15:00Z");
        check(&berlin(), "2026-11-20T10:07:00Z", "2026-11-23T10:15:00Z");
    }

    #[test]
    fn hours_are_those_of_the_place_when_clocks_change() {
        // Friday before and Monday after the end of summer time
        check(&berlin(), "2026-10-23T12:00:00Z", "2026-10-26T13:00:00Z");
        let mut nights = berlin();
        (nights.days, nights.opens_at) = (WorkingDay::ALL.iter().copied().collect(), "02:30:00".parse().unwrap());
        assert!(nights.due(ExceptionKind::Mapping, at("2026-03-28T16:00:00Z")).is_some(), "02:30 does not exist on 29 March");
    }

    #[test]
    fn a_calendar_without_working_days_has_no_due_time() {
        let mut never = berlin();
        never.days.clear();
        assert_eq!(never.due(ExceptionKind::Mapping, at("2026-11-20T08:00:00Z")), None);
        assert_eq!(never.working_time(at("2026-11-20T08:00:00Z"), at("2026-12-20T08:00:00Z")), TimeDelta::zero());
    }

    #[test]
    fn the_clock_says_until_when_it_is_open_or_closed_where_the_entity_is() {
        let says = |calendar: &Calendar, now: &str| calendar.state(at(now)).to_string();
        assert_eq!(says(&berlin(), "2026-11-20T07:59:59Z"), "closed until Fri 20 Nov, 09:00");
        assert_eq!(says(&berlin(), "2026-11-20T08:00:00Z"), "open until 17:00");
        assert_eq!(says(&berlin(), "2026-11-20T16:00:00Z"), "closed until Mon 23 Nov, 09:00");
        let mut calendar = berlin();
        calendar.holidays.insert("2026-11-23".parse().unwrap());
        assert_eq!(says(&calendar, "2026-11-20T16:00:00Z"), "closed until Tue 24 Nov, 09:00");
        calendar.days.clear();
        assert_eq!(says(&calendar, "2026-11-20T16:00:00Z"), "closed, no working time ahead");
    }

    #[test]
    fn working_time_is_counted_between_two_moments() {
        let hours = |from: &str, to: &str| berlin().working_time(at(from), at(to)).num_minutes();
        assert_eq!(hours("2026-11-20T10:00:00Z", "2026-11-20T11:30:00Z"), 90);
        assert_eq!(hours("2026-11-20T15:00:00Z", "2026-11-23T09:00:00Z"), 120);
        assert_eq!(hours("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"), 0);
        assert_eq!(berlin().end_of_day(at("2026-11-20T23:30:00Z")), at("2026-11-21T23:00:00Z"));
        assert_eq!(berlin().end_of_week(at("2026-11-21T10:00:00Z")), at("2026-11-22T23:00:00Z"));
    }
}
