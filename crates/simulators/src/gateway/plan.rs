//! What becomes of an invoice at a gateway, by the proportions of the furnished company (accounting.md). Each invoice has chances of its
//! own, drawn from the seed and its number, so more invoices do not change the fate of one.

use super::{Fate, Invoice, Method};
use crate::dice::Dice;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};

/// Card 62 and direct debit 13 of what a gateway collects.
const CARDS: u64 = 8_267;
const FIRST_ATTEMPT_FAILS: u64 = 400;
const RECOVERED: u64 = 7_000;
const RETURNED: u64 = 50;
const REFUNDED: u64 = 110;
const CHARGED_BACK: u64 = 25;
const WON: u64 = 3_500;
/// Of the refunds.
const PARTIAL: u64 = 5_000;
const RETRY_AFTER: TimeDelta = TimeDelta::days(3);

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) method: Method,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) aftermath: Option<Aftermath>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) at: DateTime<Utc>,
    pub(crate) succeeds: bool,
}

/// Counted from when the money came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aftermath {
    Returned { after: TimeDelta },
    Refunded { after: TimeDelta, is_partial: bool },
    Disputed(Dispute),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Dispute {
    pub(crate) after: TimeDelta,
    pub(crate) decided_after: TimeDelta,
    pub(crate) is_won: bool,
}

/// Nothing happens before `from`, whatever was due before.
pub(crate) fn plan(seed: u64, invoice: &Invoice, from: DateTime<Utc>) -> Plan {
    let mut dice = Dice::of(seed, &invoice.number);
    let drawn = if dice.strikes(CARDS) { Method::Card } else { Method::DirectDebit };
    let method = invoice.method.unwrap_or(drawn);
    let seconds = i64::try_from(dice.below(12 * 3600)).unwrap_or(0);
    let due = invoice.due.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(6) + TimeDelta::seconds(seconds);
    let at = due.max(from + TimeDelta::seconds(1 + seconds / 60));
    let drawn = (method == Method::Card && dice.strikes(FIRST_ATTEMPT_FAILS), dice.strikes(RECOVERED));
    let (fails, is_recovered) = match invoice.fate {
        Some(Fate::DeclinedOnce) => (true, true),
        Some(Fate::Declined) => (true, false),
        _ => drawn,
    };
    let mut attempts = vec![Attempt { at, succeeds: !fails }];
    if fails {
        attempts.push(Attempt { at: at + RETRY_AFTER, succeeds: is_recovered });
    }
    let drawn = aftermath(&mut dice, method);
    Plan { method, attempts, aftermath: invoice.fate.map_or(drawn, fated) }
}

fn fated(fate: Fate) -> Option<Aftermath> {
    let dispute = |is_won| Dispute { after: TimeDelta::days(10), decided_after: TimeDelta::days(30), is_won };
    Some(match fate {
        Fate::DeclinedOnce | Fate::Declined => return None,
        Fate::Returned => Aftermath::Returned { after: TimeDelta::days(3) },
        Fate::Refunded => Aftermath::Refunded { after: TimeDelta::days(10), is_partial: false },
        Fate::RefundedInPart => Aftermath::Refunded { after: TimeDelta::days(10), is_partial: true },
        Fate::DisputeWon => Aftermath::Disputed(dispute(true)),
        Fate::DisputeLost => Aftermath::Disputed(dispute(false)),
    })
}

fn aftermath(dice: &mut Dice, method: Method) -> Option<Aftermath> {
    let mut days = |from: u64, until: u64| TimeDelta::days(i64::try_from(from + dice.below(until - from)).unwrap_or(0));
    let (soon, later, decided) = (days(2, 7), days(5, 35), days(30, 60));
    if dice.strikes(REFUNDED) {
        return Some(Aftermath::Refunded { after: later, is_partial: dice.strikes(PARTIAL) });
    }
    match method {
        Method::DirectDebit if dice.strikes(RETURNED) => Some(Aftermath::Returned { after: soon }),
        Method::Card if dice.strikes(CHARGED_BACK) => {
            Some(Aftermath::Disputed(Dispute { after: later, decided_after: decided, is_won: dice.strikes(WON) }))
        }
        _ => None,
    }
}

/// What a gateway takes and when it pays, by the country of the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tariff {
    per_ten_thousand: i64,
    /// In the smallest unit, as is the dispute fee.
    fixed: i64,
    pub(crate) dispute_fee: i64,
    pub(crate) rhythm: Rhythm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rhythm {
    /// Daily, of what came so many working days ago.
    WorkingDays(u32),
    Weekly(Weekday),
}

impl Tariff {
    pub(crate) fn of(country: &str) -> Self {
        match country {
            "DE" | "GB" | "FR" | "NL" | "IE" => {
                Self { per_ten_thousand: 150, fixed: 25, dispute_fee: 2_000, rhythm: Rhythm::WorkingDays(3) }
            }
            "JP" => Self { per_ten_thousand: 290, fixed: 30, dispute_fee: 2_000, rhythm: Rhythm::Weekly(Weekday::Fri) },
            _ => Self { per_ten_thousand: 290, fixed: 30, dispute_fee: 1_500, rhythm: Rhythm::WorkingDays(2) },
        }
    }

    pub(crate) fn fee(&self, amount: i64) -> i64 {
        (amount * self.per_ten_thousand + 5_000) / 10_000 + self.fixed
    }

    /// From when a payment of this day can be paid out.
    pub(crate) fn available_on(&self, day: NaiveDate) -> NaiveDate {
        match self.rhythm {
            Rhythm::WorkingDays(days) => working_days_after(day, days),
            Rhythm::Weekly(_) => working_days_after(day, 4),
        }
    }

    pub(crate) fn pays_on(&self, day: NaiveDate) -> bool {
        match self.rhythm {
            Rhythm::WorkingDays(_) => is_working_day(day),
            Rhythm::Weekly(weekday) => day.weekday() == weekday,
        }
    }
}

fn is_working_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

pub(crate) fn working_days_after(day: NaiveDate, days: u32) -> NaiveDate {
    let (mut day, mut left) = (day, days);
    while left > 0 {
        day = day + Days::new(1);
        left -= u32::from(is_working_day(day));
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invoices_fare_by_the_companys_proportions() {
        let start = DateTime::UNIX_EPOCH;
        let plans: Vec<Plan> = (0..100_000)
            .map(|number| {
                let invoice = Invoice {
                    number: format!("INV-{number}"),
                    customer: "C".into(),
                    customer_name: None,
                    amount: 1.into(),
                    currency: "USD".into(),
                    due: NaiveDate::default(),
                    method: None,
                    fate: None,
                };
                plan(7, &invoice, start)
            })
            .collect();
        let cards: Vec<&Plan> = plans.iter().filter(|plan| plan.method == Method::Card).collect();
        let debits: Vec<&Plan> = plans.iter().filter(|plan| plan.method == Method::DirectDebit).collect();
        let check = |name: &str, found: usize, of: usize, per_ten_thousand: usize, slack: usize| {
            let share = found * 10_000 / of;
            assert!(share.abs_diff(per_ten_thousand) <= slack, "{name}: {share}, not {per_ten_thousand}");
        };
        let is = |plan: &&&Plan, test: fn(&Aftermath) -> bool| plan.aftermath.as_ref().is_some_and(test);
        check("cards", cards.len(), plans.len(), 8_267, 50);
        let failed: Vec<&&Plan> = cards.iter().filter(|plan| plan.attempts.len() == 2).collect();
        check("first attempts that fail", failed.len(), cards.len(), 400, 30);
        check("recovered", failed.iter().filter(|plan| plan.attempts[1].succeeds).count(), failed.len(), 7_000, 300);
        let disputed: Vec<_> = cards.iter().filter(|plan| is(plan, |a| matches!(a, Aftermath::Disputed(_)))).collect();
        check("chargebacks", disputed.len(), cards.len(), 25, 6);
        check("returns", debits.iter().filter(|plan| is(plan, |a| matches!(a, Aftermath::Returned { .. }))).count(), debits.len(), 50, 15);
        let refunded = plans.iter().filter(|plan| matches!(plan.aftermath, Some(Aftermath::Refunded { .. }))).count();
        check("refunds", refunded, plans.len(), 110, 12);
    }

    #[test]
    fn money_is_paid_out_after_two_or_three_working_days_and_weekly_in_japan() {
        let thursday: NaiveDate = "2026-10-01".parse().unwrap();
        let available = |country| Tariff::of(country).available_on(thursday).to_string();
        assert_eq!((available("US"), available("DE")), ("2026-10-05".into(), "2026-10-06".into()));
        let japan = Tariff::of("JP");
        let paydays: Vec<u32> = (1..=14).filter(|day| japan.pays_on(thursday.with_day(*day).unwrap())).collect();
        assert_eq!(paydays, [2, 9]);
        assert_eq!((Tariff::of("US").fee(10_000), Tariff::of("DE").fee(10_000)), (320, 175));
    }
}
