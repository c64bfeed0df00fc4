//! What two people decide about one document: an outcome that nobody knows, and corrections of what the ERP holds.

use crate::{
    invoices::invoice,
    world::{Company, PROCESSING, ambiguous, person},
};
use chrono::TimeDelta;
use domain::{
    correction::Correction,
    id::{ApprovalId, DocumentId},
    posting::{Outcome, Probe},
    stage::Stage,
};
use pipeline::workbench::{
    Resolved, WorkError, correct,
    unknown::{self, Word},
};

const ANN: &str = "ann@lumen.example";
const BEN: &str = "ben@lumen.example";

fn accepted(number: &str) -> Outcome {
    Outcome::Accepted { erp_id: format!("id-{number}"), erp_number: format!("E-{number}") }
}

/// One invoice that was sent, and whose answer never came; probes are not answered either.
async fn unknown() -> Company {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous(), accepted("I-1")]);
    company.erp.looks("I-1", (0..50).map(|_| Probe::NotAnswered { reason: "HTTP 503".into() }));
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Unknown);
    company
}

async fn say(company: &Company, word: Word) -> Result<ApprovalId, WorkError> {
    let id = company.document("I-1").await;
    match unknown::ask(&company.world.cx, &person(ANN), &company.scope(), id, &word, "Looked in the ERP by hand").await? {
        Resolved::Requested(approval) => Ok(approval),
        Resolved::Done => panic!("one person alone decided"),
    }
}

#[tokio::test]
async fn nobody_says_that_it_is_absent_while_the_erp_may_still_work_on_it() {
    let company = unknown().await;
    let error = say(&company, Word::NotInErp).await.unwrap_err();
    assert!(error.to_string().contains("may be working on it until"), "{error}");
    assert_eq!(company.stage("I-1").await, Stage::Unknown);
}

#[tokio::test]
async fn two_people_send_an_unknown_one_again_under_the_same_key_and_payload() {
    let company = unknown().await;
    company.limit(1_000_000).await;
    company.drain_after(PROCESSING + 1).await;
    let before = company.world.text("select posting_key || payload_hash::text from posting join posting_payload using (document_id)").await;
    let approval = say(&company, Word::NotInErp).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Unknown, "however much one may do alone");
    assert!(matches!(company.decide(ANN, approval, true).await, Err(WorkError::Conflict(_))));
    company.decide(BEN, approval, true).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Queued);
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    let after = company.world.text("select posting_key || payload_hash::text from posting join posting_payload using (document_id)").await;
    assert_eq!(before, after);
    let reason = company.world.text("select reason from movement where from_stage = 'unknown' and to_stage = 'queued'").await;
    assert!(reason.contains("two people") && reason.contains("prepared by ann@"), "{reason}");
    company.ties_out().await;
}

#[tokio::test]
async fn a_probe_that_decides_first_makes_the_request_void() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.drain().await;
    company.clock.advance(TimeDelta::seconds(PROCESSING + 1));
    let approval = say(&company, Word::NotInErp).await.unwrap();
    company.erp.looks("I-1", [Probe::Found(Box::new(company.in_erp("I-1").await))]);
    company.drain_after(3_600).await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    let error = company.decide(BEN, approval, true).await.unwrap_err();
    assert!(error.to_string().contains("void"), "{error}");
    assert_eq!(company.stage("I-1").await, Stage::Posted);
}

#[tokio::test]
async fn two_people_take_the_number_of_an_unknown_one() {
    let company = unknown().await;
    let approval = say(&company, Word::InErpAs("SI-77".into())).await.unwrap();
    company.decide(BEN, approval, true).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    assert_eq!(company.world.text("select erp_number from posting").await, "SI-77");
    company.drain_after(7_200).await;
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown posted", "nothing is sent or asked any more");
    company.ties_out().await;
}

/// One invoice of 110.00 that the ERP has accepted.
async fn posted() -> Company {
    let company = Company::with(&["I-1"]).await;
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    company
}

async fn ask(company: &Company, correction: Correction) -> Result<Resolved, WorkError> {
    let id = company.document("I-1").await;
    correct::ask(&company.world.cx, &person(ANN), &company.scope(), id, correction, "Billed to the wrong customer").await
}

async fn refusals(company: &Company, document: DocumentId, stage: Stage) -> Vec<(Correction, bool)> {
    let views = correct::proposals(&company.world.cx, &company.scope(), document, stage).await.unwrap();
    views.into_iter().map(|view| (view.correction, view.refusal.is_some())).collect()
}

#[tokio::test]
async fn a_reversal_within_the_limit_comes_in_as_a_batch_of_its_own_and_is_posted() {
    let company = posted().await;
    company.limit(1_000).await;
    assert_eq!(ask(&company, Correction::Reverse).await.unwrap(), Resolved::Done);
    company.drain().await;
    assert_eq!(company.stage("I-1-RV").await, Stage::Posted);
    let row = "select b.source || ' ' || b.number || ' ' || d.kind || ' ' || d.amount || ' ' || d.period || ' ' || d.applies_to
        from document d join batch b using (batch_id) where d.number = 'I-1-RV'";
    assert_eq!(company.world.text(row).await, "tieout-corrections US-invoice-I-1-reverse credit_memo 110.0000 2026-10 I-1");
    assert_eq!(company.stage("I-1").await, Stage::Posted, "the document itself never changes");
    let error = ask(&company, Correction::Credit).await.unwrap_err();
    assert!(error.to_string().contains("I-1-RV credits it already"), "{error}");
    company.ties_out().await;
}

#[tokio::test]
async fn above_the_limit_a_second_person_decides_on_exactly_what_was_shown() {
    let company = posted().await;
    let Resolved::Requested(approval) = ask(&company, Correction::Repost).await.unwrap() else { panic!("done alone") };
    let waiting = store::approvals::open(&company.world.db.pool, &company.scope(), 10).await.unwrap();
    assert_eq!(
        waiting[0].plan,
        "credit memo I-1-CR of 110.00 USD, posting date 2026-10-31; invoice I-1-R of 110.00 USD, posting date 2026-10-31"
    );
    company.clock.advance(TimeDelta::days(2));
    company.decide(BEN, approval, true).await.unwrap();
    company.drain().await;
    for number in ["I-1-CR", "I-1-R"] {
        assert_eq!(company.stage(number).await, Stage::Posted);
    }
    assert_eq!(company.world.text("select min(posting_date)::text from document where number <> 'I-1'").await, "2026-10-31");
    let agreed = company.world.text("select count(*)::text from no_posting_approved").await;
    assert_eq!(agreed, "0", "it was agreed to correct it, not to leave it out of the ERP");
    company.ties_out().await;
}

#[tokio::test]
async fn a_period_that_was_closed_meanwhile_stops_an_approved_correction_and_nothing_comes_in() {
    let company = posted().await;
    let Resolved::Requested(approval) = ask(&company, Correction::Reverse).await.unwrap() else { panic!("done alone") };
    company.execute("insert into accounting_period select distinct entity_id, period, 'hard_closed' from document").await;
    let error = company.decide(BEN, approval, true).await.unwrap_err();
    assert!(error.to_string().contains("is closed"), "{error}");
    assert_eq!(company.world.text("select count(*)::text from document").await, "1");
    assert_eq!(company.world.text("select count(*)::text from approval where decision is null").await, "1", "it can still be refused");
}

#[tokio::test]
async fn the_same_number_is_corrected_in_two_entities() {
    let company = posted().await;
    company.import("DE", "B-2", &[invoice("I-1", 100)]).await;
    company.drain().await;
    company.limit(1_000).await;
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select document_id from document").fetch_all(&company.world.db.pool).await.unwrap();
    for id in ids {
        let done = correct::ask(&company.world.cx, &person(ANN), &company.scope(), DocumentId(id), Correction::Reverse, "Both wrong").await;
        assert_eq!(done.unwrap(), Resolved::Done);
    }
    let batches = "select string_agg(number, ' ' order by number) from batch where source = 'tieout-corrections'";
    assert_eq!(company.world.text(batches).await, "DE-invoice-I-1-reverse US-invoice-I-1-reverse");
    company.drain().await;
    assert_eq!(company.world.text("select count(*)::text from document where stage = 'posted'").await, "4");
    company.ties_out().await;
}

#[tokio::test]
async fn a_correction_is_dated_by_the_day_of_the_entity() {
    let company = posted().await;
    company.limit(1_000).await;
    company.execute("update entity set time_zone = 'America/Los_Angeles' where code = 'US'").await;
    company.execute("insert into accounting_period select entity_id, '2026-11', 'hard_closed' from entity where code = 'US'").await;
    company.clock.advance(TimeDelta::hours(12));
    let id = company.document("I-1").await;
    let views = correct::proposals(&company.world.cx, &company.scope(), id, Stage::Posted).await.unwrap();
    let credit = views.iter().find(|view| view.correction == Correction::Credit).unwrap();
    assert_eq!(credit.effects[0].period.to_string(), "2026-10", "{:?}", credit.refusal);
    assert_eq!(ask(&company, Correction::Credit).await.unwrap(), Resolved::Done);
    assert_eq!(company.world.text("select posting_date::text from document where number = 'I-1-CR'").await, "2026-10-31");
}

#[tokio::test]
async fn only_what_the_erp_holds_is_corrected() {
    let company = posted().await;
    let id = company.document("I-1").await;
    assert_eq!(
        refusals(&company, id, Stage::Posted).await,
        [(Correction::Reverse, false), (Correction::Credit, false), (Correction::Repost, false), (Correction::Void, true)]
    );
    assert!(refusals(&company, id, Stage::Exception).await.iter().all(|(_, refused)| *refused));
    company.import("US", "B-2", &[invoice("I-9", 100)]).await;
    let nine = company.document("I-9").await;
    let error = correct::ask(&company.world.cx, &person(ANN), &company.scope(), nine, Correction::Credit, "why not").await.unwrap_err();
    assert!(error.to_string().contains("only what the ERP holds"), "{error}");
}
