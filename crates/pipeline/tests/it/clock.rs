//! The clock of exceptions: when one is due, what is late, what will be.

use crate::world::{Company, refusal};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{access::Actor, exception::ExceptionKind, working_time::WorkingDay};
use pipeline::{
    company::{CalendarForm, set_calendar},
    workbench::WorkError,
};
use store::views::exceptions::{Filter, list, sla};

impl Company {
    /// Stands at nine on a Monday, where the US entity is.
    async fn on_monday() -> Self {
        let company = Self::new().await;
        let monday: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        company.clock.advance(monday - company.world.cx.clock.now());
        company
    }

    /// What the ERP refuses for a closed period, which allows eight working hours.
    async fn refuse(&self, batch: &str, numbers: &[&str]) {
        let documents: Vec<_> = numbers.iter().map(|number| crate::invoices::invoice(number, 100)).collect();
        for number in numbers {
            self.erp.answers(number, [refusal("CLOSED_TRAN_PRD")]);
        }
        self.import("US", batch, &documents).await;
        self.drain().await;
    }

    async fn due(&self, number: &str) -> DateTime<Utc> {
        let rows = list(&self.world.db.pool, &self.scope(), &Filter::default(), 100).await.unwrap();
        rows.into_iter().find(|row| row.number == number).unwrap().due_at.unwrap()
    }

    async fn calendar(&self, form: CalendarForm) {
        set_calendar(&self.world.cx, &Actor::Cli("test".into()), "US", &form).await.unwrap();
    }

    async fn due_within(&self, hours: i64) -> usize {
        let due_before = Some(self.world.cx.clock.now() + TimeDelta::hours(hours));
        list(&self.world.db.pool, &self.scope(), &Filter { due_before, ..Filter::default() }, 100).await.unwrap().len()
    }
}

#[tokio::test]
async fn an_exception_is_due_on_the_calendar_of_its_entity_as_it_was_when_it_opened() {
    let company = Company::on_monday().await;
    company.refuse("B-1", &["I-1"]).await;
    assert_eq!(company.due("I-1").await.to_rfc3339(), "2026-11-23T17:00:00+00:00");
    company
        .calendar(CalendarForm {
            days: Some(vec![WorkingDay::Mon, WorkingDay::Wed]),
            hours: Some(("08:00:00".parse().unwrap(), "12:00:00".parse().unwrap())),
            holidays: vec![("2026-11-25".parse().unwrap(), "Closed".into())],
            allowances: vec![(ExceptionKind::Period, 6)],
            ..CalendarForm::default()
        })
        .await;
    company.refuse("B-2", &["I-2"]).await;
    assert_eq!(company.due("I-2").await.to_rfc3339(), "2026-11-30T11:00:00+00:00", "three hours today, the rest a week later");
    assert_eq!(company.due("I-1").await.to_rfc3339(), "2026-11-23T17:00:00+00:00", "what is open keeps its time");
    let audited =
        company.world.text("select actor || ' ' || (after ->> 'opens_at') from audit_event where action = 'entity.calendar'").await;
    assert_eq!(audited, "cli:test 08:00:00");
    company.ties_out().await;
}

#[tokio::test]
async fn a_calendar_that_can_not_be_is_refused_with_field_and_rule_and_changes_nothing() {
    let company = Company::on_monday().await;
    let hours = |opens: &str, closes: &str| Some((opens.parse().unwrap(), closes.parse().unwrap()));
    let day = "2026-12-25".parse().unwrap();
    for (form, expected) in [
        (CalendarForm { days: Some(vec![]), ..CalendarForm::default() }, "days: An entity works on one day at least."),
        (
            CalendarForm { hours: hours("17:00:00", "09:00:00"), ..CalendarForm::default() },
            "closes_at: It closes after it opens; 09:00 is not after 17:00.",
        ),
        (
            CalendarForm { holidays: vec![(day, " ".into())], ..CalendarForm::default() },
            "name: A holiday has a name of 1 to 100 characters.",
        ),
        (
            CalendarForm { allowances: vec![(ExceptionKind::Tax, 0)], ..CalendarForm::default() },
            "hours: An allowance is 1 to 2000 working hours; 0 is not.",
        ),
    ] {
        match set_calendar(&company.world.cx, &Actor::Cli("test".into()), "US", &form).await {
            Err(WorkError::Invalid { field, message }) => assert_eq!(format!("{field}: {message}"), expected),
            other => panic!("{other:?} instead of {expected}"),
        }
    }
    assert_eq!(company.world.text("select count(*)::text from audit_event where action = 'entity.calendar'").await, "0");
    let christmas = CalendarForm { holidays: vec![(day, " Christmas ".into())], ..CalendarForm::default() };
    company.calendar(christmas).await;
    let mut conn = company.world.db.pool.acquire().await.unwrap();
    let views = store::calendars::views(&mut conn, company.world.cx.clock.now()).await.unwrap();
    let us = views.into_iter().find(|view| view.entity.code == "US").unwrap();
    assert_eq!((us.holidays[0].day, us.holidays[0].name.as_str(), us.clock.to_string()), (day, "Christmas", "open until 17:00".to_owned()));
}

#[tokio::test]
async fn a_new_cause_does_not_turn_the_clock_back() {
    let company = Company::on_monday().await;
    company.refuse("B-1", &["I-1"]).await;
    let due = company.due("I-1").await;
    company.clock.advance(TimeDelta::hours(3));
    company.execute("update exception set kind = 'customer', fingerprint = 'another'").await;
    assert_eq!(company.due("I-1").await, due);
    company.ties_out().await;
}

#[tokio::test]
async fn what_is_late_and_what_will_be_is_told_from_totals() {
    let company = Company::on_monday().await;
    company.refuse("B-1", &["I-1", "I-2", "I-3"]).await;
    let clock = async || sla(&company.world.db.pool, &company.scope(), company.world.cx.clock.now()).await.unwrap();
    let now = clock().await;
    assert_eq!((now.breached, now.due_today, now.due_this_week, now.late_today), (0, 3, 3, 3), "nobody closes anything");
    assert_eq!((company.due_within(0).await, company.due_within(8).await), (0, 3));
    company.clock.advance(TimeDelta::hours(4));
    company.execute("update exception set closed_at = opened_at, closed_as = 'resolved' where document_id = (select document_id from document where number = 'I-1')").await;
    // one closed in the 44 working hours of the week so far; the four that are left are not enough for another
    let now = clock().await;
    assert_eq!((now.due_today, now.closed, now.late_today), (2, 1, 2));
    company.clock.advance(TimeDelta::hours(20));
    let now = clock().await;
    assert_eq!((now.breached, now.due_today, now.ages), (2, 0, [0, 0, 2, 0, 0]));
    assert_eq!(company.due_within(0).await, 2);
    company.ties_out().await;
}
