//! Import: what comes in, what is rejected row by row, what is refused as a whole, and that nothing comes in twice.

use crate::invoices::{World, batch, invoice};
use domain::{
    access::{Actor, Scope},
    document::Violation,
    view::ImportOutcome::{Conflict, Imported, Refused, Unchanged},
};
use serde_json::{Value, json};
use std::io::Cursor;

/// `field: rule` of every error.
fn said(errors: &[Violation]) -> Vec<String> {
    errors.iter().map(|error| format!("{}: {}", error.field, error.rule)).collect()
}

async fn verifies(world: &World) {
    let report = pipeline::verify::verify(&world.cx.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
}

#[tokio::test]
async fn a_batch_comes_in_with_movements_totals_seal_events_and_file() {
    let world = World::new().await;
    let mut memo = invoice("CM-1", 50);
    (memo["kind"], memo["applies_to"]) = (json!("credit_memo"), json!("INV-1"));
    let report = world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200), memo])).await;
    assert_eq!((report.documents, report.rejected), (3, 0));
    assert_eq!(report.summary, "Batch billing / B-1 is in: complete: 3 in = 3 accounted for.");
    let totals =
        "select string_agg(kind || ' ' || stage || ' ' || count || ' ' || amount || ' ' || tax, ', ' order by kind) from stage_total";
    assert_eq!(world.text(totals).await, "credit_memo finalized 1 55.0000 5.0000, invoice finalized 2 330.0000 30.0000");
    assert_eq!(
        world.text("select string_agg(event, ' ' order by outbox_id) from outbox").await,
        "InvoiceIssued InvoiceIssued CreditMemoCreated"
    );
    assert_eq!(world.text("select totals from seal").await, "USD invoice 2 330 30\nUSD credit_memo 1 55 5\n");
    assert_eq!(world.text("select string_agg(distinct actor, ' ') from movement").await, "ann@lumen.example");
    verifies(&world).await;
}

#[tokio::test]
async fn ids_follow_the_order_of_the_file() {
    let world = World::new().await;
    let documents: Vec<Value> = (1..=50).map(|n| invoice(&format!("INV-{n}"), n)).collect();
    world.imported(&batch("B-1", &documents)).await;
    let order = "select (array_agg(line order by document_id) = array_agg(line order by line))::text from document";
    assert_eq!(world.text(order).await, "true");
}

/// One change to a good invoice, and what the program says about it.
type Case = (&'static str, Value, &'static str);

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_rejected_and_kept() {
    let cases: &[Case] = &[
        ("/number", json!("  "), "number: must not be empty"),
        ("/number", json!(17), "number: must be text"),
        ("/customer/code", json!(""), "customer.code: must not be empty"),
        ("/customer/name", json!("A\u{0}B"), "customer.name: must not hold control characters"),
        ("/version", json!("x"), "version: must be a whole number from 1"),
        ("/version", json!(2), "version: is not the next version: expected 1"),
        ("/issue_date", json!("30.10.2026"), "issue_date: is not a date like 2026-10-31"),
        ("/due_date", json!(null), "due_date: is not a date like 2026-10-31"),
        ("/due_date", json!("2026-10-29"), "due_date: must not be before the issue date 2026-10-30"),
        ("/posting_date", json!("2026-02-30"), "posting_date: is not a date like 2026-10-31"),
        ("/posting_date", json!("2026-09-30"), "posting_date: 2026-09 is hard closed"),
        ("/applies_to", json!("INV-0"), "applies_to: is for credit memos"),
        ("/lines", json!([]), "lines: must hold at least one line"),
        ("/aplies_to", json!("INV-0"), "aplies_to: is not a field of the format"),
        ("/lines/0/item", json!(""), "lines[1].item: must not be empty"),
        ("/lines/0/tax_code", json!(""), "lines[1].tax_code: must not be empty"),
        ("/lines/0/quantity", json!("many"), "lines[1].quantity: is not a readable quantity"),
        ("/lines/0/quantity", json!("99"), "lines[1].net: must be quantity × unit price, rounded: 99.00"),
        ("/lines/0/unit_price", json!("1.0000000000001"), "lines[1].unit_price: must not have more than 12 decimals"),
        ("/lines/0/net", json!("100.01"), "amount: must be the sum of the lines' net plus tax: 110.01"),
        ("/lines/0/tax", json!("10.01"), "tax: must be the sum of the lines' tax: 10.01"),
    ];
    let world = World::new().await;
    for (case, (place, value, expected)) in cases.iter().enumerate() {
        let mut bad = invoice(&format!("INV-{case}"), 100);
        match bad.pointer_mut(place) {
            Some(field) => *field = value.clone(),
            None => bad[&place[1..]] = value.clone(),
        }
        let good = invoice(&format!("GOOD-{case}"), 20);
        let report = world.imported(&batch(&format!("B-{case}"), &[good, bad])).await;
        assert_eq!((report.documents, report.rejected), (2, 1), "{expected}: {report:?}");
        assert!(said(&report.errors).iter().any(|error| error == expected), "{expected}: {:?}", said(&report.errors));
        assert!(report.errors.iter().all(|error| error.line == 2), "{expected}: the second document");
    }
    let kept = "select count(*)::text from document where stage = 'rejected' and jsonb_array_length(violations) > 0";
    assert_eq!(world.text(kept).await, cases.len().to_string());
    verifies(&world).await;
}

#[tokio::test]
async fn a_rejected_row_opens_an_exception_that_its_correction_closes() {
    let world = World::new().await;
    let mut bad = [invoice("INV-1", 100), invoice("INV-2", 200)];
    for invoice in &mut bad {
        invoice["due_date"] = json!("2026-10-01");
    }
    world.imported(&batch("B-1", &bad)).await;
    let open =
        "select count(*) || ' of ' || count(distinct fingerprint) || ' cause: ' || min(message) from exception where closed_at is null";
    assert_eq!(world.text(open).await, "2 of 1 cause: due_date: must not be before the issue date 2026-10-30");
    world.imported(&batch("B-2", &[invoice("INV-1", 100), invoice("INV-2", 200)])).await;
    assert_eq!(world.text("select string_agg(closed_as, ' ') from exception").await, "superseded superseded");
    verifies(&world).await;
}

#[tokio::test]
async fn a_number_is_used_once() {
    let world = World::new().await;
    let report = world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-1", 100), invoice("INV-2", 30)])).await;
    assert_eq!(said(&report.errors), ["number: stands in this file already, at line 1"]);
    let again = world.imported(&batch("B-2", &[invoice("INV-2", 30)])).await;
    assert_eq!(said(&again.errors), ["number: was seen before: version 1 in batch B-1, now finalized"]);
    // another kind numbers for itself
    let mut memo = invoice("INV-2", 30);
    memo["kind"] = json!("credit_memo");
    assert_eq!(world.imported(&batch("B-3", &[memo])).await.rejected, 0);
    verifies(&world).await;
}

#[tokio::test]
async fn money_that_cannot_be_read_refuses_the_batch_with_its_place() {
    let cases: &[Case] = &[
        ("/amount", json!("12,50"), "amount: is not a readable amount"),
        ("/amount", json!(null), "amount: is not a readable amount"),
        ("/amount", json!("110.001"), "amount: is not an amount in USD: 110.001 has more decimals than USD (2)"),
        ("/amount", json!("-110"), "amount: must not be negative: the kind says the side"),
        ("/amount", json!("1_000"), "amount: is not a readable amount"),
        ("/tax", json!(true), "tax: is not a readable amount"),
        ("/currency", json!("EURO"), "currency: is not an ISO 4217 currency, so its money can't be read"),
        ("/kind", json!("bill"), "kind: must be invoice or credit_memo"),
        ("/lines/0/net", json!("1e400"), "lines[1].net: is not a readable amount"),
        ("/lines/0/unit_price", json!(""), "lines[1].unit_price: is not a readable amount"),
    ];
    let world = World::new().await;
    for (place, value, expected) in cases {
        let mut file = batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 100)]);
        *file.pointer_mut(&format!("/documents/1{place}")).unwrap() = value.clone();
        let report = world.import(&file).await;
        assert_eq!((report.outcome, said(&report.errors)), (Refused, vec![(*expected).to_owned()]));
        assert_eq!(report.errors[0].line, 2);
    }
    assert_eq!(world.text("select count(*)::text from batch").await, "0");
    // a refused batch reserves nothing
    world.imported(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 100)])).await;
}

#[tokio::test]
async fn json_numbers_are_read_exactly() {
    let world = World::new().await;
    let text = batch("B-1", &[invoice("INV-1", 100)]).to_string().replace(r#""110.00""#, "110.00").replace(r#""1.00""#, "1.000000000000");
    assert!(text.contains(":110.00,"));
    assert_eq!(world.import_text(&text).await.rejected, 0);
    let cent = batch("B-2", &[invoice("INV-2", 100)]).to_string().replace(r#""amount":"110.00""#, r#""amount":110.0000000000000000001"#);
    assert_eq!(world.import_text(&cent).await.outcome, Refused);
}

#[tokio::test]
async fn a_difference_from_the_manifest_refuses_the_batch_with_the_figures() {
    let world = World::new().await;
    let mut file = batch("B-1", &[invoice("INV-1", 100), invoice("", 100)]);
    file["manifest"][0]["total"] = json!("220.01");
    let report = world.import(&file).await;
    let expected = "manifest.USD.invoice.total: the manifest declares 220.01, the documents come to 220.00: difference -0.01";
    assert_eq!((report.outcome, said(&report.errors)), (Refused, vec![expected.to_owned()]));
    // an invoice and a credit memo of the same amount are two differences, not none
    file["manifest"] = json!([{"currency": "EUR", "count": 0, "total": "0", "tax": "0"}]);
    assert_eq!(world.import(&file).await.errors.len(), 3);
    // rejected rows count
    file["manifest"] = json!([{"currency": "USD", "count": 2, "total": "220", "tax": "20.0"}]);
    assert_eq!(world.imported(&file).await.rejected, 1);
}

#[tokio::test]
async fn what_is_no_batch_is_refused_and_kept() {
    let world = World::new().await;
    let good = batch("B-1", &[invoice("INV-1", 100)]);
    let without = |name: &str| {
        let mut file = good.clone();
        file.as_object_mut().unwrap().remove(name);
        file.to_string()
    };
    let with = |name: &str, value: Value| {
        let mut file = good.clone();
        file[name] = value;
        file.to_string()
    };
    let files = [
        (without("manifest"), "manifest: a batch declares"),
        (without("documents"), "file: is not a readable batch: missing field `documents`"),
        (without("source"), "source: must be text"),
        (with("format", json!("tieout.invoice-batch/2")), "format: must be tieout.invoice-batch/1"),
        (with("entity", json!("FR")), "entity: is not an entity that you import for"),
        // there is one, but not for this caller
        (with("entity", json!("DE")), "entity: is not an entity that you import for"),
        (with("period", json!("2026-13")), "period: is not an accounting period"),
        (with("documents", json!([])), "manifest.USD.invoice.count: the manifest declares 1"),
        (with("surplus", json!(1)), "is not a field of"),
        (good.to_string().replacen('{', r#"{"batch":"B-0","#, 1), "file: is not a readable batch: batch is given twice"),
        (good.to_string()[..300].to_owned(), "file: is not a readable batch: EOF"),
        (String::new(), "file: the file is empty"),
        ("number;amount\n1;2\n".to_owned(), "file: the first row must be a batch row"),
    ];
    for (text, expected) in &files {
        let report = world.import_text(text).await;
        assert_eq!(report.outcome, Refused, "{expected}");
        assert!(said(&report.errors)[0].contains(expected), "{expected}: {:?}", said(&report.errors));
    }
    let kept = "select count(*)::text from intake where outcome = 'refused' and batch_id is null and jsonb_array_length(errors) > 0";
    assert_eq!(world.text(kept).await, files.len().to_string());
    assert_eq!(world.text("select count(*)::text from batch").await, "0");
}

#[tokio::test]
async fn every_file_is_kept_to_the_byte() {
    let world = World::new().await;
    let refused = batch("B-1", &[invoice("INV-1", 100)]).to_string().replace("110.00", "110.0O");
    world.import_text(&refused).await;
    let chunk: Vec<u8> = sqlx::query_scalar("select content from intake_chunk").fetch_one(&world.db.pool).await.unwrap();
    assert_eq!(zstd::stream::decode_all(&chunk[..]).unwrap(), refused.as_bytes());
    let hash: Vec<u8> = sqlx::query_scalar("select raw_hash from intake").fetch_one(&world.db.pool).await.unwrap();
    assert_eq!(hash, blake3::hash(refused.as_bytes()).as_bytes());
}

const AS_CSV: &str = "\u{feff}#;kind;number;…
batch;tieout.invoice-batch/1;billing;B-1;US;2026-10;;
manifest;USD;;2;330;30.0;;
document;invoice;INV-2;;C-1;Acme, Inc.;USD;220;20;2026-10-30;2026-11-29;;;
line;API;API calls;100;2;200;20;CA
document;invoice;INV-1;1;C-1;\"Acme, Inc.\";USD;110.00;10.00;2026-10-30;2026-11-29;2026-10-30;
line;API;API calls;100.0;1.000;100.00;10;CA

";

#[tokio::test]
async fn the_same_content_is_the_same_batch_in_any_order_and_spelling() {
    let world = World::new().await;
    let file = batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 200)]);
    let first = world.imported(&file).await;
    let turned = batch("B-1", &[invoice("INV-2", 200), invoice("INV-1", 100)]);
    for text in [file.to_string(), turned.to_string(), AS_CSV.to_owned()] {
        let again = world.import_text(&text).await;
        assert_eq!((again.outcome, again.batch_id), (Unchanged, first.batch_id), "{again:?}");
    }
    let other = world.import(&batch("B-1", &[invoice("INV-1", 100), invoice("INV-2", 210)])).await;
    assert_eq!((other.outcome, other.batch_id), (Conflict, first.batch_id));
    assert_eq!(world.text("select count(*)::text from document").await, "2");
    assert_eq!(
        world.text("select string_agg(outcome, ' ' order by intake_id) from intake").await,
        "imported unchanged unchanged unchanged conflict"
    );
    verifies(&world).await;
}

#[tokio::test]
async fn csv_comes_in_like_json_and_names_its_lines() {
    let world = World::new().await;
    let report = world.import_text(&AS_CSV.replace("100.0;1.000", "101;1.000")).await;
    assert_eq!((report.outcome, report.documents, report.rejected), (Imported, 2, 1));
    assert_eq!(report.errors[0].to_string(), "line 7, lines[1].net: must be quantity × unit price, rounded: 101.00 (got \"100.00\")");
    for (from, to, expected) in [
        ("line;API", "lien;API", "file: a row is batch, manifest, document or line, not \"lien\""),
        (";CA\n", ";CA;;;more\n", "file: column 11 has no meaning in a line row"),
        ("220;20;", "220,00;20;", "amount: is not a readable amount"),
    ] {
        let report = world.import_text(&AS_CSV.replacen(from, to, 1).replace("B-1", "B-9")).await;
        assert_eq!((report.outcome, said(&report.errors)), (Refused, vec![expected.to_owned()]));
    }
    verifies(&world).await;
}

#[tokio::test]
async fn a_new_version_takes_the_place_of_the_old_one() {
    let world = World::new().await;
    let mut broken = invoice("INV-2", 200);
    broken["due_date"] = json!("soon");
    world.imported(&batch("B-1", &[invoice("INV-1", 100), broken, invoice("INV-3", 70)])).await;
    let mut second = invoice("INV-1", 120);
    second["version"] = json!(2);
    let mut sent = invoice("INV-3", 80);
    sent["version"] = json!(2);
    let id = sqlx::query_scalar("select document_id from document where number = 'INV-3'").fetch_one(&world.db.pool).await.unwrap();
    let mut tx = world.db.pool.begin().await.unwrap();
    let cause = store::movements::Cause {
        actor: Actor::System("test".into()),
        reason: "mapped".into(),
        correlation_id: domain::id::CorrelationId(uuid::Uuid::nil()),
        at: world.cx.clock.now(),
    };
    store::movements::transition(&mut tx, &[domain::id::DocumentId(id)], domain::stage::Stage::Queued, &cause).await.unwrap();
    tx.commit().await.unwrap();
    let report = world.imported(&batch("B-2", &[second, invoice("INV-2", 200), sent])).await;
    assert_eq!(said(&report.errors), ["version: version 1 is queued and can't be replaced; correct it by a credit memo"]);
    let stages =
        "select string_agg(number || ' v' || version || ' ' || stage, ', ' order by number, version, line, stage desc) from document";
    assert_eq!(
        world.text(stages).await,
        "INV-1 v1 superseded, INV-1 v2 finalized, INV-2 v1 superseded, INV-2 v1 finalized, INV-3 v1 queued, INV-3 v2 rejected"
    );
    let successors = "select string_agg(new.number || ' v' || new.version || ' ' || new.stage, ', ' order by new.number)
        from document old join document new on new.document_id = old.superseded_by";
    assert_eq!(world.text(successors).await, "INV-1 v2 finalized, INV-2 v1 finalized");
}

#[tokio::test]
async fn two_processes_with_one_batch_import_it_once() {
    let world = World::new().await;
    let documents: Vec<Value> = (1..=200).map(|n| invoice(&format!("INV-{n}"), n)).collect();
    let file = batch("B-1", &documents);
    let outcomes = futures::future::join_all((0..4).map(|_| world.import(&file))).await;
    let mut outcomes: Vec<_> = outcomes.into_iter().map(|report| report.outcome).collect();
    outcomes.sort();
    assert_eq!(outcomes, [Imported, Unchanged, Unchanged, Unchanged]);
    verifies(&world).await;
}

#[tokio::test]
async fn two_batches_with_one_number_bring_it_in_once() {
    let world = World::new().await;
    let files: Vec<Value> = (0..4).map(|n| batch(&format!("B-{n}"), &[invoice("INV-1", 100), invoice(&format!("INV-1{n}"), 10)])).collect();
    let reports = futures::future::join_all(files.iter().map(|file| world.import(file))).await;
    assert!(reports.iter().all(|report| report.outcome == Imported), "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.rejected).sum::<i64>(), 3);
    verifies(&world).await;
}

#[tokio::test]
async fn the_canonical_content_is_the_same_batch() {
    let world = World::new().await;
    let mut memo = invoice("CM-1", 50);
    (memo["kind"], memo["applies_to"]) = (json!("credit_memo"), json!("INV-1"));
    let file = batch("B-1", &[invoice("INV-1", 100), memo]).to_string();
    world.import_text(&file).await;
    let mut canonical = Vec::new();
    pipeline::import::read_only(&mut Cursor::new(file), &mut canonical).unwrap().unwrap();
    let canonical = String::from_utf8(canonical).unwrap();
    assert!(serde_json::from_str::<Value>(&canonical).is_ok(), "{canonical}");
    assert_eq!(world.import_text(&canonical).await.outcome, Unchanged, "{canonical}");
}

#[tokio::test]
async fn reading_only_says_what_is_wrong() {
    let mut bad = invoice("INV-1", 100);
    bad["due_date"] = json!("soon");
    let mut out = Vec::new();
    let errors = pipeline::import::read_only(&mut Cursor::new(batch("B-1", &[bad]).to_string()), &mut out).unwrap().unwrap_err();
    assert_eq!((said(&errors), out.len()), (vec!["due_date: is not a date like 2026-10-31".to_owned()], 0));
}

#[tokio::test]
async fn the_examples_of_the_documentation_come_in() {
    let world = World::new().await;
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut outcomes = Vec::new();
    for name in ["invoice-batch.json", "invoice-batch.csv"] {
        let text = std::fs::read_to_string(format!("{examples}/{name}")).unwrap();
        let report = world.import_text(&text).await;
        assert_eq!(report.rejected, 0, "{report:?}");
        outcomes.push(report.outcome);
    }
    // one batch in two spellings
    assert_eq!(outcomes, [Imported, Unchanged]);
}

#[tokio::test]
async fn an_import_leaves_a_trace_in_the_audit_log() {
    let world = World::new().await;
    world.imported(&batch("B-1", &[invoice("INV-1", 100)])).await;
    assert_eq!(
        world.text("select actor || ' ' || action || ' ' || (after->>'batch') from audit_event").await,
        "ann@lumen.example batch.import billing / B-1"
    );
}

#[tokio::test]
async fn a_caller_without_entities_imports_nothing() {
    let world = World::new().await;
    let file = Cursor::new(batch("B-1", &[invoice("INV-1", 100)]).to_string());
    let nobody = Scope::of_system(Vec::new());
    let report = pipeline::import::import_file(&world.cx, &Actor::Key("k".into()), &nobody, "x", file).await.unwrap();
    assert_eq!(report.outcome, Refused);
}
