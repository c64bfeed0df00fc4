//! When the company bills: working days, the peak at month-end, and where each entity's day ends.

use anyhow::Context as _;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use domain::period::AccountingPeriod;

/// Working day of the next month on which the ERP closes a month for receivables, in the evening.
pub const ERP_CLOSES_ON: usize = 2;
/// Working day of the next month on which the books of a month are hard closed.
pub const HARD_CLOSE_ON: usize = 5;
/// How far the company's past reaches back, at least.
const PAST: Days = Days::new(75);
/// Days before the end on which it bills in any case: what is new today is seen.
const LAST_DAYS: usize = 3;
/// Per mille of a month: the last two days and the first; mid-month; the rest.
const PEAK: u64 = 650;
const MIDDLE: u64 = 200;
const REST: u64 = 150;

/// A day on which every entity hands over a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingDay {
    pub date: NaiveDate,
    /// Share of the documents.
    pub weight: u64,
}

impl BillingDay {
    pub fn period(&self) -> AccountingPeriod {
        AccountingPeriod::of(self.date)
    }
}

/// The company's past: whole months up to yesterday.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Nothing of the script happens at or after this day.
    pub today: NaiveDate,
    pub days: Vec<BillingDay>,
}

impl Calendar {
    /// A small company bills on fewer days.
    pub fn new(today: NaiveDate, is_small: bool) -> Self {
        let mut month = AccountingPeriod::of(today.checked_sub_days(PAST).unwrap_or(today));
        let mut days = Vec::new();
        while month.first_day() < today {
            days.extend(billing_days(month, today, is_small));
            month = month.next();
        }
        Self { today, days }
    }

    pub fn start(&self) -> NaiveDate {
        self.days.first().map_or(self.today, |day| AccountingPeriod::of(day.date).first_day())
    }

    /// The months with documents, oldest first.
    pub fn periods(&self) -> Vec<AccountingPeriod> {
        let mut periods: Vec<AccountingPeriod> = self.days.iter().map(|day| AccountingPeriod::of(day.date)).collect();
        periods.dedup();
        periods
    }

    /// Moment from which on only the real clock counts.
    pub fn end(&self) -> DateTime<Utc> {
        self.today.and_time(NaiveTime::MIN).and_utc()
    }
}

fn billing_days(month: AccountingPeriod, today: NaiveDate, is_small: bool) -> Vec<BillingDay> {
    let working = working_days(month);
    let count = working.len();
    let last_known = working.iter().filter(|date| **date < today).count();
    let is_last = |at: usize| today.checked_sub_days(Days::new(7)).is_some_and(|week| working[at] > week) && at + LAST_DAYS >= last_known;
    let peak = |at: usize| at == 0 || at + 2 >= count;
    let middle = |at: usize| at == count / 2 || (at + 1 == count / 2 && !is_small);
    let rest = |at: usize| at == 2 || ((at == 3 || at == 6 || at + 6 == count) && !is_small) || is_last(at);
    let others = (0..last_known).filter(|at| rest(*at) && !peak(*at) && !middle(*at)).count().max(4) as u64;
    (0..last_known)
        .filter_map(|at| {
            let weight = match () {
                () if peak(at) => PEAK / 3,
                () if middle(at) => MIDDLE / 2,
                () if rest(at) => REST / others,
                () => return None,
            };
            Some(BillingDay { date: working[at], weight })
        })
        .collect()
}

/// Monday to Friday.
pub fn working_days(month: AccountingPeriod) -> Vec<NaiveDate> {
    month.first_day().iter_days().take_while(|date| month.contains(*date)).filter(|date| is_working(*date)).collect()
}

fn is_working(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The n-th working day of a month, from 1.
pub fn working_day(month: AccountingPeriod, n: usize) -> NaiveDate {
    working_days(month).get(n.saturating_sub(1)).copied().unwrap_or(month.last_day())
}

/// So many working days later.
pub fn after(date: NaiveDate, days: usize) -> NaiveDate {
    date.iter_days().skip(1).filter(|date| is_working(*date)).nth(days.saturating_sub(1)).unwrap_or(date)
}

/// A wall clock's time in a place.
pub fn local(date: NaiveDate, hour: u32, minute: u32, zone: &str) -> anyhow::Result<DateTime<Utc>> {
    let zone: Tz = zone.parse().map_err(|error| anyhow::anyhow!("{zone}: {error}"))?;
    let time = NaiveTime::from_hms_opt(hour, minute, 0).context("no such time of day")?;
    // an hour that is skipped in spring is no business hour
    let at = date.and_time(time).and_local_timezone(zone).earliest().context("no such local time")?;
    Ok(at.with_timezone(&Utc))
}

/// The night after a day's last batch, when everybody's day has ended.
pub fn night_after(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(25)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_past_is_whole_months_up_to_yesterday() {
        for (today, first, months) in [("2026-11-20", "2026-09-01", 3), ("2026-12-01", "2026-09-01", 3), ("2027-01-31", "2026-11-02", 3)] {
            let calendar = Calendar::new(date(today), false);
            assert_eq!(calendar.days[0].date, date(first), "{today}");
            assert_eq!(calendar.periods().len(), months, "{today}");
            assert!(calendar.days.iter().all(|day| day.date < date(today)));
            assert!(calendar.days.windows(2).all(|pair| pair[0].date < pair[1].date));
        }
    }

    #[test]
    fn most_is_billed_in_the_last_two_days_and_the_first() {
        let calendar = Calendar::new(date("2026-12-10"), false);
        let october: Vec<_> = calendar.days.iter().filter(|day| day.date.month() == 10).collect();
        let peak: u64 = october.iter().filter(|day| [1, 29, 30].contains(&day.date.day())).map(|day| day.weight).sum();
        let all: u64 = october.iter().map(|day| day.weight).sum();
        assert!((620..680).contains(&(peak * 1000 / all)), "{peak} of {all}");
    }

    #[test]
    fn working_days_leave_out_weekends() {
        let november = AccountingPeriod::new(2026, 11).unwrap();
        assert_eq!(working_day(november, 1), date("2026-11-02"));
        assert_eq!(after(date("2026-11-20"), 1), date("2026-11-23"));
    }
}
