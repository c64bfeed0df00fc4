//! Read-back and checkpoint 3: what other hands do inside the ERP shows, each thing as what it is, and closes by itself.

use crate::{
    fake_erp::{Posting, october},
    invoices::{batch, invoice},
};
use chrono::TimeDelta;
use domain::{
    access::{Actor, Scope},
    checkpoint::{BreakKind::*, Checkpoint, Tie},
    id::CorrelationId,
    posting::{ErpKind, ErpState},
    reconciliation::{AgeBucket, BatchCell, BreakFilter, BreakRow},
    stage::Stage,
};
use pipeline::{readback, reconcile};
use rust_decimal::Decimal;
use store::{
    erp_documents,
    movements::{Cause, transition},
    reconciliation,
};

/// Three invoices of 110, 220 and 330, in the ERP and confirmed.
async fn three_confirmed() -> Posting {
    let posting = Posting::new().await;
    posting.world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200), invoice("INV-3", 300)])).await;
    posting.post().await;
    let done = posting.sync().await;
    assert_eq!((done.read, done.confirmed, done.mismatched), (3, 3, 0));
    posting
}

async fn breaks(posting: &Posting) -> Vec<BreakRow> {
    reconciliation::breaks(&posting.world.db.pool, &posting.scope(), &BreakFilter::default(), None, 100).await.unwrap().rows
}

/// Edits the ERP, reads it back, compares October and November: the breaks as period, currency, side, kind and money.
async fn after(posting: &Posting, change: impl FnOnce(&Posting)) -> Vec<String> {
    change(posting);
    posting.sync().await;
    posting.reconcile(october()).await;
    posting.reconcile(october().next()).await;
    let mut said: Vec<String> = breaks(posting)
        .await
        .iter()
        .map(|b| format!("{} {} {} {} {}", b.period, b.currency, b.side, b.kind, b.difference.normalize()))
        .collect();
    said.sort();
    said
}

async fn tie(posting: &Posting) -> Tie {
    let cells = reconciliation::cells(&posting.world.db.pool, &posting.scope(), Checkpoint::Receivables, october()).await.unwrap();
    cells.iter().find(|cell| cell.currency == "USD").expect("a cell in USD").tie()
}

#[tokio::test]
async fn equal_documents_are_confirmed_and_tie() {
    let posting = three_confirmed().await;
    assert_eq!(after(&posting, |_| {}).await, [""; 0]);
    assert_eq!(tie(&posting).await, Tie::Ties);
    assert_eq!(posting.world.text("select count(*)::text from outbox where event = 'PostingConfirmed'").await, "3");
    assert!(pipeline::verify::verify(&posting.world.db.pool).await.unwrap().ties_out());
}

#[tokio::test]
async fn what_was_never_read_is_not_assessed() {
    let posting = Posting::new().await;
    posting.world.imported(&batch("B-1", &[invoice("INV-1", 100)])).await;
    posting.post().await;
    assert_eq!(reconcile::run(&posting.world.cx, Checkpoint::Receivables, posting.world.us, october()).await.unwrap(), None);
    assert!(reconciliation::cells(&posting.world.db.pool, &posting.scope(), Checkpoint::Receivables, october()).await.unwrap().is_empty());
    let reads = erp_documents::read_states(&posting.world.db.pool, &posting.scope(), october()).await.unwrap();
    assert_eq!(reads.iter().map(|read| read.finished_at).collect::<Vec<_>>(), [None, None]);
}

#[tokio::test]
async fn a_silent_re_dating_is_a_period_break_in_both_periods() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| p.erp.edit("INV-2", |d| d.posting_date = "2026-11-01".parse().unwrap())).await;
    assert_eq!(said, ["2026-10 USD debit period 220", "2026-11 USD debit period 220"]);
    assert_eq!(posting.stage("INV-2").await, Stage::Mismatch);
    assert_eq!(posting.world.text("select reason from movement where to_stage = 'mismatch'").await, "re-dated in the ERP");
    assert_eq!(tie(&posting).await, Tie::Off);
    let said = after(&posting, |p| p.erp.edit("INV-2", |d| d.posting_date = "2026-10-30".parse().unwrap())).await;
    assert_eq!(said, [""; 0], "moved back");
    assert_eq!(posting.stage("INV-2").await, Stage::Confirmed);
}

#[tokio::test]
async fn plus_and_minus_100_are_two_breaks() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| {
        p.erp.edit("INV-1", |d| d.total += Decimal::from(100));
        p.erp.edit("INV-2", |d| d.total -= Decimal::from(100));
    })
    .await;
    assert_eq!(said, ["2026-10 USD debit amount 100", "2026-10 USD debit amount 100"]);
    let cells = posting.reconcile(october()).await;
    assert_eq!(cells[0].left, cells[0].right, "the totals hide it");
    assert_eq!(cells[0].unreconciled, (2, Decimal::from(200)));
    assert_eq!(tie(&posting).await, Tie::Off);
}

/// Batch, currency, issued, in the ERP, unreconciled: what does not tie by batch.
async fn off_by_batch(posting: &Posting) -> Vec<String> {
    let wanted = reconciliation::BatchCells::OffIn(october());
    let cells = reconciliation::batch_cells(&posting.world.db.pool, &posting.scope(), Checkpoint::Receivables, wanted, 10).await.unwrap();
    let line = |b: &BatchCell| {
        let batch = b.batch_number.as_deref().unwrap_or("none");
        format!(
            "{batch} {} {} of {} off {}",
            b.cell.currency,
            b.cell.right.count,
            b.cell.left.count,
            b.cell.unreconciled_amount.normalize()
        )
    };
    cells.iter().map(line).collect()
}

#[tokio::test]
async fn a_break_is_one_of_the_batch_that_brought_the_document() {
    let posting = three_confirmed().await;
    posting.world.imported(&batch("B-2", &[invoice("INV-9", 100)])).await;
    posting.post().await;
    after(&posting, |p| p.erp.edit("INV-9", |d| d.total += Decimal::from(5))).await;
    assert_eq!(off_by_batch(&posting).await, ["B-2 USD 1 of 1 off 5"]);
    after(&posting, |p| p.erp.edit("INV-9", |d| d.currency = "EUR".parse().unwrap())).await;
    assert_eq!(off_by_batch(&posting).await, ["none EUR 1 of 0 off 115", "B-2 USD 0 of 1 off 110"]);
    let entity = reconciliation::cells(&posting.world.db.pool, &posting.scope(), Checkpoint::Receivables, october()).await.unwrap();
    let issued: Vec<_> = entity.iter().map(|cell| (cell.currency.as_str(), cell.left.count, cell.right.count)).collect();
    assert_eq!(issued, [("EUR", 0, 1), ("USD", 4, 3)], "an entity's cell is the sum of its batches");
}

#[tokio::test]
async fn what_no_batch_brought_is_a_cell_of_its_own() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| p.erp.enter("MAN-1", ErpKind::Invoice, 70)).await;
    assert_eq!(said.len(), 1);
    assert_eq!(off_by_batch(&posting).await, ["none USD 1 of 0 off 70"]);
}

#[tokio::test]
async fn breaks_and_exceptions_close_by_themselves() {
    let posting = three_confirmed().await;
    after(&posting, |p| p.erp.edit("INV-1", |d| d.total += Decimal::ONE)).await;
    let opened = breaks(&posting).await.remove(0);
    assert_eq!(opened.explanation, "invoice INV-1 is 110.00 USD with us and 111.00 USD in the ERP");
    posting.clock.advance(TimeDelta::hours(5));
    after(&posting, |_| {}).await;
    let kept = breaks(&posting).await.remove(0);
    assert_eq!((kept.break_id, kept.opened_at), (opened.break_id, opened.opened_at), "the same difference is the same break");
    assert_eq!(after(&posting, |p| p.erp.edit("INV-1", |d| d.total -= Decimal::ONE)).await, [""; 0]);
    assert_eq!(posting.stage("INV-1").await, Stage::Confirmed);
    assert_eq!(posting.world.text("select closed_as from exception").await, "cleared");
    assert_eq!(tie(&posting).await, Tie::Ties);
}

#[tokio::test]
async fn manual_invoices_and_journals_are_missing_left() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| {
        p.erp.enter("MAN-1", ErpKind::Invoice, 40);
        p.erp.enter("J-1", ErpKind::JournalDebit, 7);
        p.erp.enter("J-2", ErpKind::JournalCredit, 7);
    })
    .await;
    assert_eq!(said, ["2026-10 USD credit missing_left 7", "2026-10 USD debit missing_left 40", "2026-10 USD debit missing_left 7"]);
    let explained: Vec<String> = breaks(&posting).await.into_iter().map(|b| b.explanation).collect();
    assert!(explained.contains(&"invoice MAN-1 in the ERP was not issued by us".to_owned()), "{explained:?}");
}

#[tokio::test]
async fn confirmation_is_lost_by_whatever_happens_in_the_erp() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| {
        p.erp.edit("INV-1", |d| d.state = ErpState::Voided);
        p.erp.edit("INV-2", |d| d.state = ErpState::Draft);
        p.erp.ledger().documents.retain(|d| d.erp_number != "INV-3");
    })
    .await;
    assert_eq!(said, ["2026-10 USD debit missing_right 110", "2026-10 USD debit missing_right 220", "2026-10 USD debit missing_right 330"]);
    for (number, code) in [("INV-1", "VOIDED_IN_ERP"), ("INV-2", "ERP_DIFFERS"), ("INV-3", "GONE_FROM_ERP")] {
        assert_eq!(posting.stage(number).await, Stage::Mismatch, "{number}");
        let found: String = sqlx::query_scalar("select code from exception where document_id = $1 and closed_at is null")
            .bind(posting.document(number).await.0)
            .fetch_one(&posting.world.db.pool)
            .await
            .unwrap();
        assert_eq!(found, code);
    }
    assert!(pipeline::verify::verify(&posting.world.db.pool).await.unwrap().ties_out());
}

#[tokio::test]
async fn a_second_copy_is_a_duplicate_wherever_it_stands() {
    let posting = three_confirmed().await;
    let copy = |p: &Posting, id: &str, date: &str| {
        let mut ledger = p.erp.ledger();
        let mut copy = ledger.documents[0].clone();
        (copy.erp_id, copy.posting_date) = (id.into(), date.parse().unwrap());
        ledger.documents.push(copy);
    };
    assert_eq!(after(&posting, |p| copy(p, "c-1", "2026-10-30")).await, ["2026-10 USD debit duplicate 110"]);
    assert_eq!(posting.stage("INV-1").await, Stage::Mismatch);
    posting.erp.ledger().documents.pop();
    assert_eq!(after(&posting, |p| copy(p, "c-2", "2026-11-02")).await, ["2026-11 USD debit duplicate 110"]);
    assert_eq!(posting.stage("INV-1").await, Stage::Mismatch);
    assert_eq!(after(&posting, |p| drop(p.erp.ledger().documents.pop())).await, [""; 0]);
    assert_eq!(posting.stage("INV-1").await, Stage::Confirmed);
}

#[tokio::test]
async fn tax_and_currency_are_breaks_of_their_own() {
    let posting = three_confirmed().await;
    let said = after(&posting, |p| {
        p.erp.edit("INV-1", |d| d.tax = Some(Decimal::from(9)));
        p.erp.edit("INV-2", |d| d.currency = "EUR".parse().unwrap());
    })
    .await;
    assert_eq!(said, ["2026-10 EUR debit currency 220", "2026-10 USD debit currency 220", "2026-10 USD debit tax 1"]);
}

#[tokio::test]
async fn another_legal_entity_is_seen_from_both() {
    let posting = three_confirmed().await;
    posting.erp.edit("INV-1", |d| d.entity_ref = "2".into());
    readback::sync(&posting.world.cx, &posting.erps, posting.de, october()).await.unwrap();
    posting.sync().await;
    posting.reconcile(october()).await;
    reconcile::run(&posting.world.cx, Checkpoint::Receivables, posting.de, october()).await.unwrap().unwrap();
    let mut said: Vec<String> =
        breaks(&posting).await.iter().map(|b| format!("{} {} {}", b.entity_code, b.kind, b.difference.normalize())).collect();
    said.sort();
    assert_eq!(said, ["DE missing_left 110", "US missing_right 110"]);
    assert_eq!(posting.stage("INV-1").await, Stage::Mismatch);
}

#[tokio::test]
async fn what_is_on_its_way_is_timing_until_its_time_is_over() {
    let posting = three_confirmed().await;
    posting.world.imported(&batch("B-2", &[invoice("INV-4", 400)])).await;
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit timing 440"]);
    assert_eq!(tie(&posting).await, Tie::Timing);
    let timing = breaks(&posting).await.remove(0);
    posting.clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit timing 440"]);
    posting.clock.advance(TimeDelta::seconds(1));
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit missing_right 440"]);
    assert_eq!(breaks(&posting).await[0].break_id, timing.break_id, "the same item, older");
    assert_eq!(tie(&posting).await, Tie::Off);
    posting.post().await;
    assert_eq!(after(&posting, |_| {}).await, [""; 0]);
}

async fn refused_and_resolved() -> Posting {
    let posting = Posting::new().await;
    posting.world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200)])).await;
    posting.erp.ledger().refused.insert("INV-2".into());
    posting.post().await;
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit missing_right 220"], "an exception is no timing");
    let cause = Cause {
        actor: Actor::User("ann@lumen.example".into()),
        reason: "settled outside".into(),
        correlation_id: CorrelationId(uuid::Uuid::now_v7()),
        at: posting.world.cx.clock.now(),
    };
    let id = posting.document("INV-2").await;
    let mut tx = posting.world.db.pool.begin().await.unwrap();
    transition(&mut tx, &[id], Stage::Resolved, &cause).await.unwrap();
    tx.commit().await.unwrap();
    posting
}

#[tokio::test]
async fn a_resolved_item_is_kept_until_an_equal_document_is_read() {
    let posting = refused_and_resolved().await;
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit missing_right 220"]);
    let key = |p: &Posting, total: i64| {
        let mut ledger = p.erp.ledger();
        let mut entered = ledger.documents[0].clone();
        let key = entered.posting_key.take().unwrap().0.replace("INV-1", "INV-2");
        entered.posting_key = Some(domain::posting::PostingKey(key));
        (entered.erp_id, entered.erp_number, entered.total, entered.tax) =
            ("by-hand".into(), "INV-2".into(), total.into(), Some(20.into()));
        ledger.documents.retain(|d| d.erp_id != "by-hand");
        ledger.documents.push(entered);
    };
    assert_eq!(after(&posting, |p| key(p, 219)).await, ["2026-10 USD debit amount 1"]);
    assert_eq!(after(&posting, |p| key(p, 220)).await, [""; 0]);
    assert_eq!(tie(&posting).await, Tie::Ties);
}

#[tokio::test]
async fn an_approved_reason_lets_a_resolved_item_go() {
    let posting = refused_and_resolved().await;
    let approve =
        "insert into approval (approval_id, entity_id, document_id, shown_hash, currency, amount, reason, requested_by, requested_at,
            decision, decided_by, decided_at, act, plan)
        select gen_random_uuid(), entity_id, document_id, content_hash, currency, amount, 'settled outside', 'ann', now(), $1, $2, now(),
            'resolve', 'closed without a document'
        from document where number = 'INV-2'";
    let decide =
        async |decision: &str, by: &str| sqlx::query(approve).bind(decision).bind(by).execute(&posting.world.db.pool).await.unwrap();
    decide("within_limit", "ann").await;
    assert_eq!(after(&posting, |_| {}).await, ["2026-10 USD debit missing_right 220"], "alone is not enough");
    decide("approved", "bob").await;
    assert_eq!(after(&posting, |_| {}).await, [""; 0]);
    assert_eq!(tie(&posting).await, Tie::Ties);
}

#[tokio::test]
async fn a_number_entered_by_hand_is_read_back_and_confirmed() {
    let posting = Posting::new().await;
    posting.world.imported(&batch("B-1", &[invoice("INV-1", 100)])).await;
    posting.erp.ledger().refused.insert("INV-1".into());
    posting.post().await;
    let id = posting.document("INV-1").await;
    let cause = Cause {
        actor: Actor::User("ann@lumen.example".into()),
        reason: "entered by hand".into(),
        correlation_id: CorrelationId(uuid::Uuid::now_v7()),
        at: posting.world.cx.clock.now(),
    };
    let mut tx = posting.world.db.pool.begin().await.unwrap();
    store::postings::enter_number(&mut tx, id, "SI-77").await.unwrap();
    transition(&mut tx, &[id], Stage::Posted, &cause).await.unwrap();
    tx.commit().await.unwrap();
    posting.erp.enter("SI-77", ErpKind::Invoice, 110);
    posting.erp.edit("SI-77", |d| d.posting_date = "2026-10-30".parse().unwrap());
    assert_eq!(posting.sync().await.confirmed, 1);
    assert_eq!(posting.stage("INV-1").await, Stage::Confirmed);
}

#[tokio::test]
async fn an_erp_that_does_not_answer_changes_nothing() {
    let posting = three_confirmed().await;
    posting.erp.edit("INV-1", |d| d.state = ErpState::Voided);
    posting.erp.ledger().silent = true;
    let error = readback::sync(&posting.world.cx, &posting.erps, posting.world.us, october()).await.unwrap_err();
    assert!(format!("{error:#}").contains("connection cut"), "{error:#}");
    assert_eq!(posting.stage("INV-1").await, Stage::Confirmed);
    let reads = erp_documents::read_states(&posting.world.db.pool, &posting.scope(), october()).await.unwrap();
    let us = reads.iter().find(|read| read.entity_code == "US").unwrap();
    assert_eq!((us.documents, us.error.as_deref()), (3, Some("not answered: connection cut")));
    assert!(us.finished_at.is_some(), "the last complete read still counts");
}

#[tokio::test]
async fn a_page_that_leaves_a_document_out_once_is_read_again() {
    let posting = three_confirmed().await;
    posting.erp.ledger().left_out = Some(("INV-2".into(), 1));
    assert_eq!(posting.sync().await.gone, 0);
    assert_eq!(posting.stage("INV-2").await, Stage::Confirmed);
}

#[tokio::test]
async fn pages_that_never_hold_what_the_erp_totals_fail_the_read_with_both_figures_and_change_nothing() {
    let posting = three_confirmed().await;
    posting.erp.ledger().left_out = Some(("INV-2".into(), u32::MAX));
    let error = readback::sync(&posting.world.cx, &posting.erps, posting.world.us, october()).await.unwrap_err();
    assert!(format!("{error:#}").contains("the ERP totals 3 of"), "{error:#}");
    assert_eq!(posting.stage("INV-2").await, Stage::Confirmed, "left out of a page is not gone from the ERP");
    let reads = erp_documents::read_states(&posting.world.db.pool, &posting.scope(), october()).await.unwrap();
    let us = reads.iter().find(|read| read.entity_code == "US").unwrap();
    assert!(us.error.as_deref().unwrap().contains("its pages hold 2 of"), "{:?}", us.error);
}

#[tokio::test]
async fn an_older_read_does_not_overwrite_a_newer_one() {
    let posting = three_confirmed().await;
    let older = erp_documents::Read {
        read_id: uuid::Uuid::nil(),
        entity: posting.world.us,
        connection: posting.connection,
        started_at: posting.world.cx.clock.now(),
    };
    let mut stale = posting.erp.ledger().documents[0].clone();
    stale.state = ErpState::Voided;
    let mut tx = posting.world.db.pool.begin().await.unwrap();
    assert_eq!(erp_documents::upsert(&mut tx, older, &[stale]).await.unwrap(), 0);
    assert_eq!(erp_documents::mark_gone(&mut tx, older, &[october()], older.started_at).await.unwrap(), 0);
}

#[tokio::test]
async fn the_list_pages_filters_and_keeps_to_the_callers_entities() {
    let posting = three_confirmed().await;
    after(&posting, |p| (1..=5).for_each(|n| p.erp.enter(&format!("MAN-{n}"), ErpKind::Invoice, n))).await;
    let pool = &posting.world.db.pool;
    let all = BreakFilter::default();
    let (mut next, mut seen) = (None, Vec::new());
    loop {
        let page = reconciliation::breaks(pool, &posting.scope(), &all, next.as_deref(), 2).await.unwrap();
        assert!(page.rows.len() <= 2);
        seen.extend(page.rows.into_iter().map(|row| row.erp_number.unwrap()));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    seen.sort();
    assert_eq!(seen, ["MAN-1", "MAN-2", "MAN-3", "MAN-4", "MAN-5"]);
    let count = async |scope: &Scope, filter: BreakFilter| reconciliation::breaks(pool, scope, &filter, None, 10).await.unwrap().rows.len();
    assert_eq!(count(&Scope::of_system(vec![posting.de]), all.clone()).await, 0);
    assert_eq!(count(&posting.scope(), BreakFilter { kind: Some(Amount), ..all.clone() }).await, 0);
    assert_eq!(count(&posting.scope(), BreakFilter { currency: Some("USD".into()), kind: Some(MissingLeft), ..all.clone() }).await, 5);
    assert_eq!(count(&posting.scope(), BreakFilter { entity: Some(posting.de), ..all.clone() }).await, 0);
    assert_eq!(count(&posting.scope(), BreakFilter { period: Some(october().next()), ..all }).await, 0);
}

#[tokio::test]
async fn breaks_age_by_entity_and_currency() {
    let posting = three_confirmed().await;
    after(&posting, |p| p.erp.enter("MAN-1", ErpKind::Invoice, 40)).await;
    posting.clock.advance(TimeDelta::days(40));
    after(&posting, |p| p.erp.enter("MAN-2", ErpKind::Invoice, 2)).await;
    let now = posting.world.cx.clock.now();
    let aging = reconciliation::aging(&posting.world.db.pool, &posting.scope(), Checkpoint::Receivables, now).await.unwrap();
    let said: Vec<_> = aging.iter().map(|cell| (cell.entity_code.as_str(), cell.bucket, cell.count, cell.amount.normalize())).collect();
    assert_eq!(said, [("US", AgeBucket::Hours4, 1, 2.into()), ("US", AgeBucket::Days60, 1, 40.into())]);
}
