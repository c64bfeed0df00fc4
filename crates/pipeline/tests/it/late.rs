//! After a hard close nothing is sent into the period: what waited for it waits for a person, and what the ERP holds is adopted.

use crate::world::{Company, PROCESSING, ambiguous, person};
use domain::{posting::Probe, stage::Stage};
use pipeline::workbench::{
    WorkError,
    unknown::{self, Word},
};

impl Company {
    async fn hard_close(&self) {
        self.execute("insert into accounting_period select distinct entity_id, period, 'hard_closed' from document").await;
    }

    async fn reopen(&self) {
        self.execute("update accounting_period set state = 'open' where period = '2026-10'").await;
    }

    async fn unknown_in_closed_period() -> Self {
        let company = Self::with(&["I-1"]).await;
        company.erp.answers("I-1", [ambiguous()]);
        company.drain().await;
        assert_eq!(company.stage("I-1").await, Stage::Unknown);
        company.hard_close().await;
        company
    }
}

#[tokio::test]
async fn a_claim_takes_nothing_of_a_hard_closed_period() {
    let company = Company::queued(&["I-1"]).await;
    company.hard_close().await;
    assert!(company.desk().take(4).await.unwrap().claimed.is_empty());
    company.reopen().await;
    assert_eq!(company.desk().take(4).await.unwrap().claimed.len(), 1);
}

#[tokio::test]
async fn what_was_queued_when_its_period_closed_waits_for_a_person_and_goes_on_when_it_is_reopened() {
    let company = Company::queued(&["I-1"]).await;
    company.import("DE", "B-2", &[crate::invoices::invoice("D-1", 100)]).await;
    company.execute("insert into accounting_period select entity_id, period, 'hard_closed' from document where number = 'I-1'").await;
    company.drain_after(86_400).await;
    assert_eq!(company.history("I-1").await, "finalized queued exception");
    assert_eq!(company.stage("D-1").await, Stage::Posted, "another entity's books");
    assert!(company.erp.sent("I-1").is_empty());
    let (kind, code, message) = company.trouble("I-1").await.unwrap();
    assert_eq!((kind.as_str(), code.as_str()), ("period", "PERIOD_HARD_CLOSED"));
    assert_eq!(message, "The accounting period 2026-10 was hard closed before it was sent");
    assert_eq!(company.next("I-1").await.0, None);
    company.reopen().await;
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Exception, "not by itself");
    assert_eq!(company.replay(&[company.document("I-1").await]).await, (1, 0, 0));
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    company.ties_out().await;
}

#[tokio::test]
async fn a_batch_that_is_compared_after_the_close_sends_nothing() {
    let company = Company::with(&["I-1"]).await;
    company.hard_close().await;
    company.drain().await;
    assert_eq!((company.stage("I-1").await, company.erp.sent("I-1").len()), (Stage::Exception, 0));
    assert_eq!(company.world.text("select state from batch_control").await, "passed", "it was compared whole");
    company.ties_out().await;
}

#[tokio::test]
async fn one_proved_absent_from_a_hard_closed_period_is_not_sent_again() {
    let company = Company::unknown_in_closed_period().await;
    company.drain_after(PROCESSING + 60).await;
    company.drain_after(PROCESSING).await;
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown queued exception");
    assert_eq!(company.erp.sent("I-1").len(), 1);
    assert_eq!(company.trouble("I-1").await.unwrap().0, "period");
    company.ties_out().await;
}

#[tokio::test]
async fn one_that_the_erp_committed_before_the_close_is_adopted() {
    let company = Company::unknown_in_closed_period().await;
    company.erp.looks("I-1", [Probe::Found(Box::new(company.in_erp("I-1").await))]);
    company.drain_after(60).await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    company.ties_out().await;
}

#[tokio::test]
async fn two_people_do_not_send_into_a_hard_closed_period_either() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.erp.looks("I-1", (0..50).map(|_| Probe::NotAnswered { reason: "HTTP 503".into() }));
    company.drain().await;
    company.drain_after(PROCESSING + 1).await;
    let id = company.document("I-1").await;
    let ask =
        || async { unknown::ask(&company.world.cx, &person("ann@lumen.example"), &company.scope(), id, &Word::NotInErp, "Looked").await };
    company.hard_close().await;
    match ask().await {
        Err(WorkError::Conflict(words)) => assert!(words.contains("hard closed"), "{words}"),
        other => panic!("{other:?}"),
    }
    company.reopen().await;
    let pipeline::workbench::Resolved::Requested(approval) = ask().await.unwrap() else { panic!("done alone") };
    company.execute("update accounting_period set state = 'hard_closed'").await;
    let error = company.decide("ben@lumen.example", approval, true).await.unwrap_err();
    assert!(error.to_string().contains("hard closed"), "{error}");
    assert_eq!(company.stage("I-1").await, Stage::Unknown);
}
