//! Batch control, lanes and rates: what is sent when.

use crate::{
    invoices::invoice,
    world::{Company, person},
};
use chrono::TimeDelta;
use domain::{control::BatchControl, id::BatchId, stage::Stage};
use pipeline::posting::{control, map, worker};
use serde_json::json;

async fn batch_of(company: &Company, number: &str) -> BatchId {
    let id = sqlx::query_scalar("select batch_id from batch where number = $1").bind(number).fetch_one(&company.world.db.pool).await;
    BatchId(id.unwrap())
}

async fn found(company: &Company, batch: BatchId) -> Option<BatchControl> {
    store::controls::find(&company.world.db.pool, &company.scope(), batch, 10).await.unwrap()
}

/// Maps everything and compares nothing.
async fn map_only(company: &Company) {
    let entities = store::connections::attached_entities(&mut company.world.db.pool.acquire().await.unwrap()).await.unwrap();
    for entity in entities {
        while map::map_finalized(&company.world.cx, &company.erps, &entity).await.unwrap() > 0 {}
    }
}

#[tokio::test]
async fn nothing_of_a_batch_is_sent_before_its_totals_were_compared() {
    let company = Company::with(&["I-1", "I-2"]).await;
    map_only(&company).await;
    assert_eq!(company.stage("I-1").await, Stage::Queued);
    assert!(company.desk().take(10).await.unwrap().claimed.is_empty());
    assert_eq!(found(&company, batch_of(&company, "B-1").await).await, None);

    control::compare_waiting(&company.world.cx).await.unwrap();
    let control = found(&company, batch_of(&company, "B-1").await).await.unwrap();
    let [total] = control.totals.as_slice() else { panic!("{control:?}") };
    assert_eq!((total.announced_count, total.aside_count, total.to_send_count), (2, 0, 2));
    assert_eq!((total.announced_amount, total.to_send_amount, total.to_send_tax), (220.into(), 220.into(), 20.into()));
    assert!(!control.stopped && control.rows.is_empty());
    assert_eq!(company.desk().take(10).await.unwrap().claimed.len(), 2);
}

#[tokio::test]
async fn rejected_rows_and_what_was_set_aside_are_no_difference() {
    let company = Company::new().await;
    let mut unmapped = invoice("I-2", 100);
    unmapped["lines"][0]["item"] = json!("NEW");
    let mut wrong = invoice("I-3", 100);
    wrong["lines"][0]["net"] = json!("99.00");
    company.import("US", "B-1", &[invoice("I-1", 100), unmapped, wrong]).await;
    company.drain().await;
    let control = found(&company, batch_of(&company, "B-1").await).await.unwrap();
    let counts: Vec<_> = control.totals.iter().map(|t| (t.announced_count, t.aside_count, t.to_send_count, t.ties())).collect();
    assert_eq!(counts, [(2, 1, 1, true)]);
    assert_eq!(company.stage("I-1").await, Stage::Posted);
}

#[tokio::test]
async fn totals_that_differ_stop_the_batch_and_name_the_rows_until_somebody_looked() {
    for (change, expected) in [
        ("update posting_payload set mapped = jsonb_set(mapped, '{total}', '\"109.00\"') where mapped ->> 'number' = 'I-2'", Some(109)),
        ("delete from posting_payload where mapped ->> 'number' = 'I-2'", None),
    ] {
        let company = Company::with(&["I-1", "I-2", "I-3"]).await;
        map_only(&company).await;
        company.world.tamper("create table kept as select * from posting_payload").await;
        company.world.tamper(change).await;
        company.drain().await;
        let batch = batch_of(&company, "B-1").await;
        let control = found(&company, batch).await.unwrap();
        assert!(control.stopped);
        let rows: Vec<_> = control.rows.iter().map(|row| (row.number.as_str(), row.mapped_amount)).collect();
        assert_eq!(rows, [("I-2", expected.map(rust_decimal::Decimal::from))]);
        for number in ["I-1", "I-2", "I-3"] {
            assert_eq!(company.stage(number).await, Stage::Queued, "nothing of the batch was sent");
        }
        assert_eq!(company.world.text("select action from audit_event order by sequence desc limit 1").await, "batch.stop");

        company.world.tamper("delete from posting_payload").await;
        company.world.tamper("insert into posting_payload select * from kept").await;
        company.drain().await;
        assert_eq!(company.stage("I-2").await, Stage::Queued, "a stopped batch stays stopped until a person says so");
        control::compare_again(&company.world.cx, &person("ann@lumen.example"), &company.scope(), batch).await.unwrap();
        company.drain().await;
        assert_eq!(company.stage("I-2").await, Stage::Posted);
        company.ties_out().await;
    }
}

#[tokio::test]
async fn two_documents_that_changed_their_amounts_stop_the_batch_though_every_sum_ties() {
    let company = Company::new().await;
    company.import("US", "B-1", &[invoice("I-1", 100), invoice("I-2", 200)]).await;
    map_only(&company).await;
    company
        .world
        .tamper(
            "update posting_payload set mapped = jsonb_set(mapped, '{number}', case mapped ->> 'number' when 'I-1' then '\"I-2\"' else '\"I-1\"' end::jsonb)",
        )
        .await;
    company.drain().await;
    let control = found(&company, batch_of(&company, "B-1").await).await.unwrap();
    assert!(control.stopped && !control.totals[0].hash_ties, "{control:?}");
    assert_eq!(control.rows.len(), 2);
}

#[tokio::test]
async fn a_replay_into_a_batch_that_waits_goes_with_it() {
    let company = Company::new().await;
    let mut unmapped = invoice("I-1", 100);
    unmapped["lines"][0]["item"] = json!("NEW");
    company.import("US", "B-1", &[unmapped]).await;
    map_only(&company).await;
    assert_eq!(company.stage("I-1").await, Stage::Exception);
    let rows = [(domain::mapping::MappingKind::Item, "NEW"), (domain::mapping::MappingKind::Account, "NEW")]
        .map(|(kind, code)| (domain::id::MappingId(uuid::Uuid::now_v7()), kind, code.to_owned(), "erp".to_owned()));
    let now = company.world.cx.clock.now();
    let mut conn = company.world.db.pool.acquire().await.unwrap();
    store::mappings::load(&mut conn, company.us_connection, &rows, "set-up", now).await.unwrap();
    drop(conn);
    company.replay(&[company.document("I-1").await]).await;
    assert_eq!(company.next("I-1").await.0, None, "its batch was not compared yet");
    company.drain().await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
}

#[tokio::test]
async fn a_closing_period_goes_before_old_money_and_that_before_the_rest() {
    let company = Company::new().await;
    let dated = |number: &str, issued: &str, posted: &str| {
        let mut document = invoice(number, 100);
        (document["issue_date"], document["posting_date"]) = (json!(issued), json!(posted));
        document
    };
    company.clock.advance(TimeDelta::days(10));
    let rows = [
        dated("I-new", "2026-11-09", "2026-11-09"),
        dated("I-history", "2026-08-31", "2026-08-31"),
        dated("I-old", "2026-11-01", "2026-11-01"),
        dated("I-closing", "2026-10-30", "2026-10-30"),
    ];
    company.import("US", "B-1", &rows).await;
    worker::map_all(&company.world.cx, &company.erps).await.unwrap();
    let mut order = Vec::new();
    for _ in &rows {
        let hand = company.desk().take(1).await.unwrap();
        order.push(hand.claimed[0].number.clone());
    }
    assert_eq!(order, ["I-closing", "I-old", "I-new", "I-history"]);
}

#[tokio::test]
async fn no_more_sends_begin_in_a_minute_than_the_vendor_allows() {
    let company = Company::queued(&["I-1", "I-2", "I-3"]).await;
    sqlx::query("update erp_connection set per_minute = 2").execute(&company.world.db.pool).await.unwrap();
    assert_eq!(company.desk().take(1).await.unwrap().claimed.len(), 1);
    company.clock.advance(TimeDelta::seconds(59));
    assert_eq!(company.desk().take(5).await.unwrap().claimed.len(), 1, "one of two was used");
    assert!(company.desk_of("two").take(5).await.unwrap().claimed.is_empty(), "the limit is all processes' together");
    company.clock.advance(TimeDelta::seconds(2));
    assert_eq!(company.desk().take(5).await.unwrap().claimed.len(), 1);
}
