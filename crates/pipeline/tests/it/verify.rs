//! The check can fail: every way of losing, doubling or changing something is caught, and the row is named.

use crate::invoices::{World, batch, invoice};
use domain::{
    access::Actor,
    id::{BatchId, CorrelationId, DocumentId},
    stage::Stage,
};
use pipeline::verify::verify;
use proptest::prelude::*;
use serde_json::Value;
use store::movements::{Cause, MoveError, transition};

async fn three_invoices() -> World {
    let world = World::new().await;
    world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200), invoice("INV-3", 300)])).await;
    world
}

/// Tampers, and expects one of the checks to say this.
async fn caught(sql: &'static str, check: &str, words: &[&str]) {
    let world = three_invoices().await;
    assert!(verify(&world.cx.pool).await.unwrap().ties_out());
    world.tamper(sql).await;
    let report = verify(&world.cx.pool).await.unwrap();
    let found = report.checks.iter().find(|found| found.name == check).unwrap();
    let difference = found.first_difference.as_deref().unwrap_or_else(|| panic!("{sql} was not caught by {check}:\n{report}"));
    for word in words {
        assert!(difference.contains(word), "{check} says {difference:?}, not {word:?}");
    }
    assert!(!report.ties_out() && report.to_string().contains("DIFFERS"));
}

#[tokio::test]
async fn a_lease_that_holds_slots_for_nothing() {
    caught(
        "insert into lease values (gen_random_uuid(), gen_random_uuid(), 'w', 'send', now(), 1, '{}')",
        "leases against postings",
        &["holds 1 calls, 0 postings"],
    )
    .await;
}

#[tokio::test]
async fn a_skipped_total() {
    caught(
        "update stage_total set amount = amount - 110, count = count - 1",
        "stage totals against movements",
        &["B-1", "says 2, 550", "come to 3, 660"],
    )
    .await;
    caught("update period_total set tax = tax - 0.01", "period totals against stage totals", &["US", "tax 59.9900", "tax 60.0000"]).await;
}

#[tokio::test]
async fn a_roll_forward_that_closes_with_something_else_than_is_open() {
    caught(
        "update open_item set amount = amount - 1 where amount = 220",
        "roll-forward against what is open",
        &["US USD", "closes with 660", "open is 659"],
    )
    .await;
    caught(
        "insert into write_off_total select entity_id, 'USD', '2026-10', 1, 3 from entity where code = 'US'",
        "write-off totals against write-offs",
        &["US USD 2026-10", "says 1, 3", "written off are 0, 0"],
    )
    .await;
}

#[tokio::test]
async fn a_doubled_movement() {
    caught(
        "insert into movement select document_id, 2, entity_id, batch_id, currency, period, kind, 'finalized', 'queued', amount, tax, hash_term,
            actor, reason, correlation_id, moved_at from movement where amount = 220",
        "stages against last movements",
        &["INV-2", "is finalized (sequence 1)", "queued (sequence 2)"],
    )
    .await;
}

#[tokio::test]
async fn a_lost_movement() {
    caught("delete from movement where amount = 330", "stages against last movements", &["INV-3", "last movement says nothing"]).await;
}

#[tokio::test]
async fn a_direct_update_of_a_stage() {
    caught("update document set stage = 'confirmed' where number = 'INV-2'", "stages against last movements", &["INV-2", "is confirmed"])
        .await;
    caught("update document set stage = 'confirmed' where number = 'INV-2'", "stage totals against documents", &["B-1"]).await;
    caught("update document set stage = 'queued' where number = 'INV-2'", "postings against stages", &["INV-2", "waits for nothing"]).await;
}

#[tokio::test]
async fn an_illegal_move_with_everything_else_in_order() {
    caught(
        "update document set stage = 'confirmed', sequence = 2 where number = 'INV-2';
        insert into movement select document_id, 2, entity_id, batch_id, currency, period, kind, 'finalized', 'confirmed', amount, tax, hash_term,
            actor, reason, correlation_id, moved_at from movement where amount = 220",
        "movements are legal",
        &["from finalized to confirmed is not legal"],
    )
    .await;
}

#[tokio::test]
async fn a_movement_with_another_amount() {
    caught("update movement set amount = 221 where amount = 220", "movements are whole", &["INV-2", "carries 221", "says 220"]).await;
}

#[tokio::test]
async fn a_changed_line() {
    caught(
        "update document_line set net = net + 0.01 where net = 200",
        "documents against their lines",
        &["INV-2", "amount 220.0000", "220.0100"],
    )
    .await;
    caught("update document_line set description = 'calls' where net = 200", "content hashes", &["INV-2", "its content hashes to"]).await;
    caught("delete from document_line where net = 200", "documents against their lines", &["INV-2"]).await;
}

#[tokio::test]
async fn a_changed_cent() {
    caught("update document set amount = amount + 0.01 where number = 'INV-2'", "content hashes", &["INV-2"]).await;
    caught(
        "update document set amount = amount + 0.01 where number = 'INV-2'",
        "manifests against documents",
        &["B-1", "660.0000", "660.0100"],
    )
    .await;
    // less than the currency has is a change, too
    caught("update document set amount = amount + 0.0001 where number = 'INV-2'", "content hashes", &["INV-2", "more decimals"]).await;
}

#[tokio::test]
async fn a_cent_that_moved_between_two_documents() {
    caught(
        "update document set amount = amount + case number when 'INV-1' then 0.01 else -0.01 end where number in ('INV-1', 'INV-2')",
        "content hashes",
        &["INV-1"],
    )
    .await;
}

#[tokio::test]
async fn a_flipped_byte_of_a_seal() {
    caught("update seal set seal_hash = set_byte(seal_hash, 7, get_byte(seal_hash, 7) # 1)", "seals", &["seal 1 of US", "was changed"])
        .await;
    caught("update seal set totals = replace(totals, '660', '661')", "seals", &["seal 1 of US"]).await;
    caught("update document set line = 9 where line = 1", "seals", &["B-1", "not in the sealed order"]).await;
    caught("delete from seal", "seals", &["0 intake seals"]).await;
}

#[tokio::test]
async fn a_lost_document() {
    caught("delete from document where number = 'INV-2'", "batches hold what came", &["B-1", "3 documents, now there are 2"]).await;
}

#[tokio::test]
async fn a_changed_audit_event() {
    caught("update audit_event set actor = 'nobody'", "audit log", &["audit event 1"]).await;
}

#[tokio::test]
async fn chains_without_an_anchor_are_said_to_be() {
    let report = verify(&three_invoices().await.cx.pool).await.unwrap().to_string();
    assert!(report.contains("seals of US: 1 rows, unanchored since 2026-10-31 18:00:00 UTC"), "{report}");
    assert!(report.contains("audit log: 1 rows, unanchored since"), "{report}");
}

fn cause(at: chrono::DateTime<chrono::Utc>) -> Cause {
    Cause { actor: Actor::System("test".into()), reason: "a move".into(), correlation_id: CorrelationId(uuid::Uuid::nil()), at }
}

async fn documents(world: &World, batch: BatchId) -> Vec<DocumentId> {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select document_id from document where batch_id = $1 order by line")
        .bind(batch.0)
        .fetch_all(&world.db.pool)
        .await
        .unwrap();
    ids.into_iter().map(DocumentId).collect()
}

async fn move_all(world: &World, ids: &[DocumentId], to: Stage) -> Result<u64, MoveError> {
    let mut tx = world.db.pool.begin().await.unwrap();
    let moved = transition(&mut tx, ids, to, &cause(world.cx.clock.now())).await;
    if moved.is_ok() {
        tx.commit().await.unwrap();
    } else {
        tx.rollback().await.unwrap();
    }
    moved
}

#[tokio::test]
async fn an_outcome_is_sealed_once_when_everything_is_over_and_again_when_it_changed() {
    let world = World::new().await;
    let report = world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200), invoice("INV-3", 300)])).await;
    let ids = documents(&world, report.batch_id.unwrap()).await;
    let seal = async || pipeline::import::seals::seal_outcomes(&world.cx).await.unwrap();
    assert_eq!(seal().await, 0);
    move_all(&world, &ids[..2], Stage::Voided).await.unwrap();
    assert_eq!(seal().await, 0, "one is still open");
    for to in [Stage::Exception, Stage::Resolved] {
        move_all(&world, &ids[2..], to).await.unwrap();
    }
    assert_eq!((seal().await, seal().await), (1, 0));
    assert!(verify(&world.cx.pool).await.unwrap().ties_out());
    let totals = world.text("select totals from seal where purpose = 'outcome'").await;
    assert_eq!(totals, "USD invoice resolved 1 330 30\nUSD invoice voided 2 330 30\nmovements 7\n");
    world.tamper("update document set stage = 'voided' where stage = 'resolved'").await;
    let report = verify(&world.cx.pool).await.unwrap();
    let outcome = report.checks.iter().find(|check| check.name == "outcomes against seals").unwrap();
    assert!(outcome.first_difference.as_deref().unwrap_or_default().contains("B-1"), "{report}");
}

/// Random sets of documents to random stages. What the state machine allows happens to all of the set, anything else to none.
#[derive(Debug, Clone)]
struct Try {
    chosen: Vec<bool>,
    to: Stage,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    // a version takes another one's place only in an import
    let stages: Vec<Stage> = Stage::ALL.iter().copied().filter(|stage| *stage != Stage::Superseded).collect();
    let one =
        (prop::collection::vec(prop::bool::weighted(0.3), 6), prop::sample::select(stages)).prop_map(|(chosen, to)| Try { chosen, to });
    prop::collection::vec(one, 1..60)
}

#[test]
fn totals_always_equal_the_sources() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() });
    let case = std::cell::Cell::new(0);
    let done = runner.run(&tries(), |tries| {
        case.set(case.get() + 1);
        runtime.block_on(random_moves(&world, case.get(), tries))
    });
    done.unwrap();
}

/// Six documents of a batch of their own, one of them rejected, moved about.
async fn random_moves(world: &World, case: i64, tries: Vec<Try>) -> Result<(), TestCaseError> {
    let mut invoices: Vec<Value> = (1..=6).map(|n| invoice(&format!("INV-{case}-{n}"), n * 10 + case)).collect();
    invoices[5]["due_date"] = "soon".into();
    let name = format!("B-{case}");
    let ids = documents(world, world.imported(&batch(&name, &invoices)).await.batch_id.unwrap()).await;
    for Try { chosen, to } in tries {
        let ids: Vec<DocumentId> = ids.iter().zip(chosen).filter_map(|(id, chosen)| chosen.then_some(*id)).collect();
        let legal = legal(world, &ids, to).await;
        match move_all(world, &ids, to).await {
            Ok(moved) => prop_assert!(legal && moved == u64::try_from(ids.len()).unwrap(), "{moved} moved to {to}"),
            Err(MoveError::Illegal { found, .. }) => prop_assert!(!legal && found.check_move(to).is_err()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }
    let report = verify(&world.cx.pool).await.unwrap();
    // moves without workers leave no postings behind
    let differs = report.checks.iter().any(|check| check.first_difference.is_some() && check.name != "postings against stages");
    prop_assert!(!differs, "{report}");
    Ok(())
}

async fn legal(world: &World, ids: &[DocumentId], to: Stage) -> bool {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let stages: Vec<String> =
        sqlx::query_scalar("select stage from document where document_id = any($1)").bind(&ids).fetch_all(&world.db.pool).await.unwrap();
    stages.iter().all(|stage| stage.parse::<Stage>().unwrap().check_move(to).is_ok())
}

#[tokio::test]
async fn a_cause_that_counts_too_many() {
    let world = World::new().await;
    let mut late = invoice("INV-1", 100);
    late["posting_date"] = "2026-09-30".into();
    world.imported(&batch("B-1", &[late])).await;
    let report = verify(&world.cx.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
    world.tamper("update exception_total set count = count + 1").await;
    let report = verify(&world.cx.pool).await.unwrap();
    let found = report.checks.iter().find(|found| found.name == "exception totals against exceptions").unwrap();
    assert!(found.first_difference.as_deref().is_some_and(|said| said.contains("says 2, ") && said.contains("come to 1, ")), "{report}");
}
