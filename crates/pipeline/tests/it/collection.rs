//! Collection triggers: by step and day past due, silent while something speaks against asking, and each kept with its reason.

use crate::{
    receivables::{ANN, Company},
    world::person,
};
use chrono::TimeDelta;
use domain::{
    access::{Actor, Scope},
    dunning::{Silence, Trigger},
};
use pipeline::{cash, workbench::WorkError};
use store::receivables::{Raised, TriggerFilter, triggers};

impl Company {
    async fn collect(&self) -> (u64, u64) {
        let Raised { raised, ended } = cash::collect(&self.posting.world.cx, self.posting.world.us).await.unwrap();
        (raised, ended)
    }

    async fn stands(&self, filter: &TriggerFilter) -> Vec<Trigger> {
        triggers(&self.posting.world.db.pool, &self.posting.scope(), filter, 10).await.unwrap()
    }

    async fn only(&self) -> Trigger {
        let [one] = self.stands(&TriggerFilter::default()).await.try_into().unwrap();
        one
    }

    /// Three invoices over 660.00, due on 29 November, looked at so many days later.
    async fn past_due(days: i64) -> Self {
        let company = Self::new().await;
        company.posting.clock.advance(TimeDelta::days(29 + days));
        company
    }
}

#[tokio::test]
async fn what_is_past_due_makes_a_trigger_by_step_and_the_same_again_changes_nothing() {
    let company = Company::past_due(6).await;
    assert_eq!(company.collect().await, (0, 0), "a day too early");
    company.posting.clock.advance(TimeDelta::days(1));
    assert_eq!((company.collect().await, company.collect().await), ((1, 0), (0, 0)));
    let first = company.only().await;
    assert_eq!((first.customer_code.as_str(), first.step, first.days, first.amount.normalize()), ("C-1", 1, 7, 660.into()));
    assert_eq!(first.items.iter().map(|item| item.number.as_str()).collect::<Vec<_>>(), ["INV-1001", "INV-1002", "INV-1003"]);
    assert_eq!((first.silent, first.why().as_str()), (None, "oldest item 7 days past due; step 1 counts from day 7"));
    company.posting.clock.advance(TimeDelta::days(14));
    assert_eq!(company.collect().await, (1, 1));
    assert_eq!((company.only().await.step, company.only().await.days), (2, 21));
    let history = company
        .posting
        .world
        .text("select string_agg(step || coalesce(' until ' || ended_at::date, ''), ', ' order by step) from collection_trigger");
    assert_eq!(history.await, "1 until 2026-12-20, 2");
    let foreign = triggers(&company.posting.world.db.pool, &Scope::of_system(vec![]), &TriggerFilter::default(), 10).await.unwrap();
    assert!(foreign.is_empty());
}

#[tokio::test]
async fn a_trigger_is_silent_while_a_dispute_or_unapplied_cash_stands_and_keeps_the_reason() {
    let mut company = Company::past_due(8).await;
    let (cx, scope) = (company.posting.world.cx.clone(), company.posting.scope());
    let disputed = company.live("INV-1002").await;
    cash::keep(&cx, &person(ANN), &scope, disputed, true, "wrong price").await.unwrap();
    company.collect().await;
    assert_eq!(company.only().await.silent, Some(Silence::Dispute));
    cash::keep(&cx, &person(ANN), &scope, disputed, false, "settled").await.unwrap();
    company.collect().await;
    assert_eq!(company.only().await.silent, None);
    company.told(&[("40.00", "ACME INC", "deposit")]).await;
    company.receive().await;
    company.collect().await;
    let silent = company.only().await;
    assert_eq!((silent.silent, silent.amount.normalize()), (Some(Silence::UnappliedCash), 660.into()));
    assert!(company.stands(&TriggerFilter { silent: Some(false), ..TriggerFilter::default() }).await.is_empty());
    company.apply(ANN, "RC-2026-000001", &[("INV-1001", "40", None)]).await.unwrap();
    company.collect().await;
    let asked = company.only().await;
    assert_eq!((asked.silent, asked.amount.normalize()), (None, 620.into()));
    let rows = company
        .posting
        .world
        .text("select string_agg(coalesce(silent, 'asked'), ' ' order by raised_at, trigger_id) from collection_trigger");
    assert_eq!(rows.await.split(' ').count(), 4, "each is kept with its reason");
}

#[tokio::test]
async fn an_entity_has_steps_of_its_own() {
    let company = Company::past_due(8).await;
    let (cx, actor) = (&company.posting.world.cx, Actor::Cli("test".into()));
    company.collect().await;
    cash::set_dunning(cx, &actor, "US", [9, 30, 60]).await.unwrap();
    assert_eq!(company.collect().await, (0, 1), "nothing is nine days past due");
    match cash::set_dunning(cx, &actor, "US", [9, 9, 60]).await {
        Err(WorkError::Invalid { field, message }) => assert!(field == "days" && message.contains("9, 9, 60 are not"), "{message}"),
        other => panic!("{other:?}"),
    }
    let said =
        company.posting.world.text("select actor || ' ' || (after ->> 'days') from audit_event where action = 'entity.dunning'").await;
    assert_eq!(said, "cli:test [9,30,60]");
}
