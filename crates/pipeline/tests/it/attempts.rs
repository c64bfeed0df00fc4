//! Attempts to collect that failed: kept with the reason and the next retry, without a document, and known to collection.

use crate::gateways::Company;
use chrono::{DateTime, Utc};
use domain::{
    attempt::{FailedPayment, Standing},
    dunning::Silence,
};
use pipeline::cash;
use store::{
    receivables::{TriggerFilter, triggers},
    views::attempts::{self, Of},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl Company {
    async fn failed(&self, of: Of<'_>) -> Vec<FailedPayment> {
        attempts::failed(&self.posting.world.db.pool, &self.posting.scope(), of, at("2026-10-01T00:00:00Z"), 10).await.unwrap()
    }

    async fn silence(&self) -> Option<Silence> {
        cash::collect(&self.posting.world.cx, self.posting.world.us).await.unwrap();
        let standing = triggers(&self.posting.world.db.pool, &self.posting.scope(), &TriggerFilter::default(), 10).await.unwrap();
        standing[0].silent
    }

    async fn text(&self, sql: &'static str) -> String {
        self.posting.world.text(sql).await
    }
}

#[tokio::test]
async fn a_declined_card_is_kept_with_its_reason_and_next_retry_makes_no_document_and_is_recovered_by_its_charge() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "declined_once").await;
    company.live_until("2026-11-01T06:00:00Z").await;
    let pulled = company.pull().await;
    assert_eq!((pulled.attempts, pulled.entries, pulled.documents), (1, 0, 0), "it moves no money");
    let [failed] = company.failed(Of::Unrecovered).await.try_into().unwrap();
    assert_eq!((failed.payment.as_str(), failed.attempts, failed.amount.normalize()), ("INV-1001", 1, 110.into()));
    assert_eq!(failed.reason_code.as_deref(), Some("card_declined"));
    assert_eq!(failed.failure.as_deref(), Some("Your card has insufficient funds."));
    assert!(matches!(failed.standing(company.posting.world.cx.clock.now()), Standing::Retried(_)), "{failed:?}");
    assert_eq!(company.pull().await.attempts, 0, "the same again changes nothing");
    assert_eq!(company.failed(Of::Customer("C-1")).await, [failed]);
    assert!(company.failed(Of::Customer("C-2")).await.is_empty());
    company.live_until("2026-11-05T06:00:00Z").await;
    let pulled = company.pull().await;
    assert_eq!((pulled.attempts, pulled.documents, pulled.applied), (1, 1, 1), "the retry is not open any more");
    assert!(company.failed(Of::Unrecovered).await.is_empty());
    let [recovered] = company.failed(Of::Customer("C-1")).await.try_into().unwrap();
    assert!(matches!(recovered.standing(company.posting.world.cx.clock.now()), Standing::Recovered(_)), "{recovered:?}");
    company.ties_out().await;
}

#[tokio::test]
async fn the_share_recovered_counts_each_payment_once_however_often_it_failed() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "declined_once").await;
    company.charge_with("INV-1002", "220.00", "card", "declined").await;
    company.live_until("2026-11-08T06:00:00Z").await;
    company.pull().await;
    let (pool, scope) = (&company.posting.world.db.pool, company.posting.scope());
    let now = company.posting.world.cx.clock.now();
    let [share] = attempts::recovery(pool, &scope, at("2026-10-01T00:00:00Z"), now).await.unwrap().try_into().unwrap();
    assert_eq!((share.failed, share.recovered, share.retried), (2, 1, 0));
    assert_eq!((share.failed_amount.normalize(), share.recovered_amount.normalize()), (330.into(), 110.into()));
    let [given_up] = company.failed(Of::Unrecovered).await.try_into().unwrap();
    assert_eq!((given_up.payment.as_str(), given_up.attempts, given_up.standing(now)), ("INV-1002", 2, Standing::GivenUp));
    assert!(attempts::recovery(pool, &scope, now, now).await.unwrap().is_empty(), "none failed at first since then");
    let foreign = domain::access::Scope::of_system(vec![]);
    assert!(attempts::recovery(pool, &foreign, at("2026-10-01T00:00:00Z"), now).await.unwrap().is_empty());
    company.ties_out().await;
}

#[tokio::test]
async fn a_direct_debit_waits_for_its_bank_and_one_that_comes_back_later_is_a_return_and_no_failed_attempt() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "direct_debit", "returned").await;
    company.live_until("2026-11-01T06:00:00Z").await;
    company.pull().await;
    assert_eq!(company.text("select status from gateway_attempt").await, "pending");
    company.live_until("2026-11-06T06:00:00Z").await;
    company.pull().await;
    assert_eq!(company.text("select status from gateway_attempt").await, "succeeded");
    company.live_until("2026-11-20T06:00:00Z").await;
    company.pull().await;
    assert!(company.failed(Of::Customer("C-1")).await.is_empty());
    assert_eq!(
        company.text("select string_agg(kind, ' ' order by kind) from document where is_money(kind)").await,
        "payment returned_payment"
    );
}

#[tokio::test]
async fn collection_is_silent_while_the_gateway_tries_again_and_not_when_it_gave_up() {
    let company = Company::new().await;
    // due on 29 November: the first step counts from 6 December
    company.live_until("2026-12-06T08:00:00Z").await;
    company.charge_with("INV-1002", "220.00", "card", "declined").await;
    company.live_until("2026-12-06T20:00:00Z").await;
    assert_eq!(company.silence().await, None, "nobody has said that it failed");
    company.pull().await;
    assert_eq!(company.silence().await, Some(Silence::Retry));
    company.live_until("2026-12-10T08:00:00Z").await;
    company.pull().await;
    assert_eq!(company.silence().await, None);
    assert_eq!(
        company.text("select string_agg(coalesce(silent, 'asked'), ' ' order by raised_at, ended_at) from collection_trigger").await,
        "asked retry asked"
    );
}
