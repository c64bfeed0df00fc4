use super::world::*;
use connectors::PeriodTotals;
use domain::{
    money::Currency,
    period::AccountingPeriod,
    posting::{Difference, ErpKind, ErpState, MappedDocument, Probe, differences},
};
use serde_json::json;
use std::collections::HashSet;

#[tokio::test]
async fn what_was_posted_reads_back_equal() {
    let world = World::new().await;
    let mut large = an_invoice("INV-2");
    large.lines = vec![a_line("12345678901234.10", "0.20"), a_line("0.10", "0.00")];
    (large.total, large.tax) = (dec("12345678901234.40"), dec("0.20"));
    let mut yen = MappedDocument { entity_ref: "5".into(), currency: Currency::JPY, ..an_invoice("INV-3") };
    yen.lines = vec![a_line("48412900", "4841290")];
    (yen.total, yen.tax) = (dec("53254190"), dec("4841290"));
    for document in [an_invoice("INV-1"), large, yen, a_credit_memo("CM-1", "INV-1")] {
        world.accepted(&document).await;
        assert_eq!(differences(&document, &world.found(&document).await), [], "{}", document.number);
    }
}

#[tokio::test]
async fn tax_that_the_erp_computes_per_line_can_differ_by_a_cent_and_shows() {
    let world = World::new().await;
    // 19 % of 3 × 10.03 is 5.7171: 5.72 on the document, 1.91 three times by line.
    let invoice = MappedDocument {
        tax_is_ours: false,
        total: dec("35.81"),
        tax: dec("5.72"),
        lines: vec![a_line("10.03", "1.91"), a_line("10.03", "1.91"), a_line("10.03", "1.90")],
        ..an_invoice("INV-1")
    };
    world.accepted(&invoice).await;
    let found = differences(&invoice, &world.found(&invoice).await);
    let difference = |field: &str, ours: &str, theirs: &str| Difference { field: field.into(), ours: ours.into(), theirs: theirs.into() };
    assert_eq!(found, [difference("total", "35.81", "35.82"), difference("tax", "5.72", "5.73")]);

    let ours = MappedDocument { tax_is_ours: true, ..invoice };
    let ours = MappedDocument { posting_key: an_invoice("INV-2").posting_key, number: "INV-2".into(), ..ours };
    world.accepted(&ours).await;
    assert_eq!(differences(&ours, &world.found(&ours).await), [], "with the override NetSuite keeps our tax");
}

#[tokio::test]
async fn the_ledger_survives_a_restart_and_still_refuses_the_key() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    world.accepted(&invoice).await;
    world.admin("periods/202611", &json!({ "closed": true })).await;
    let world = world.restart().await;
    assert_eq!(world.found(&invoice).await.total, invoice.total);
    assert_eq!(world.post(&invoice).await.outcome.kind(), domain::posting::OutcomeKind::Duplicate);
    let november = MappedDocument { posting_date: date("2026-11-01"), ..an_invoice("INV-2") };
    assert_eq!(world.post(&november).await.outcome.kind(), domain::posting::OutcomeKind::Business, "the period is still closed");
    assert_eq!(world.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_key_on_two_records_is_found_twice() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    world.accepted(&invoice).await;
    let mut body = world.payload(&a_credit_memo("CM-9", "INV-1")).body;
    body["externalId"] = invoice.posting_key.0.as_str().into();
    world.admin("documents", &json!({ "record_type": "creditMemo", "body": body })).await;
    let Probe::FoundTwice(found) = world.probe(&invoice).await.probe else { panic!("not twice") };
    assert_eq!(found.iter().map(|d| d.kind).collect::<Vec<_>>(), [ErpKind::Invoice, ErpKind::CreditMemo]);
}

#[tokio::test]
async fn a_probe_that_is_not_answered_never_says_absent() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    for fault in ["throttled", "server_error", "cut_before", "permission"] {
        world.fault_with(json!({ "kind": fault, "on": "read", "next": 1 })).await;
        let probe = world.probe(&invoice).await.probe;
        assert!(matches!(probe, Probe::NotAnswered { .. }), "{fault}: {probe:?}");
    }
    assert_eq!(world.probe(&invoice).await.probe, Probe::Absent);
}

#[tokio::test]
async fn a_period_reads_back_every_ar_posting_whoever_made_it() {
    let world = World::new().await;
    world.accepted(&an_invoice("INV-1")).await;
    world.accepted(&a_credit_memo("CM-1", "INV-1")).await;
    world.accepted(&MappedDocument { entity_ref: "2".into(), ..an_invoice("INV-DE") }).await;
    world.accepted(&MappedDocument { posting_date: date("2026-11-01"), ..an_invoice("INV-NOV") }).await;
    let mut manual = world.payload(&an_invoice("BY-HAND")).body;
    manual.as_object_mut().unwrap().remove("externalId");
    world.admin("documents", &json!({ "record_type": "invoice", "body": manual })).await;
    let journal = json!({ "subsidiary": "1", "currency": "1", "tran_date": "2026-10-15", "ar_lines": ["250.00", "-40.00"] });
    world.admin("journals", &journal).await;

    let (documents, _) = world.read("1", october()).await;
    let seen: Vec<_> = documents.iter().map(|d| (d.kind, d.erp_number.as_str(), d.total, d.posting_key.is_some())).collect();
    assert_eq!(
        seen,
        [
            (ErpKind::Invoice, "INV-1", dec("119"), true),
            (ErpKind::CreditMemo, "CM-1", dec("119"), true),
            (ErpKind::Invoice, "BY-HAND", dec("119"), false),
            (ErpKind::JournalDebit, "JE6", dec("250"), false),
            (ErpKind::JournalCredit, "JE6", dec("40"), false),
        ]
    );
    assert_eq!(documents.iter().map(|d| d.erp_id.as_str()).collect::<HashSet<_>>().len(), 5, "each line of a journal is its own posting");
}

#[tokio::test]
async fn what_other_hands_change_shows() {
    let world = World::new().await;
    let (edited, voided, moved) = (an_invoice("INV-1"), an_invoice("INV-2"), an_invoice("INV-3"));
    for invoice in [&edited, &voided, &moved] {
        world.accepted(invoice).await;
    }
    let at = |invoice: &MappedDocument, what: &str| format!("documents/eid:{}/{what}", invoice.posting_key);
    world.admin(&at(&edited, "amount"), &json!({ "total": "119.01" })).await;
    world.admin(&at(&voided, "void"), &json!({})).await;
    world.admin(&at(&moved, "date"), &json!({ "tran_date": "2026-11-02" })).await;

    assert_eq!(world.found(&edited).await.total, dec("119.01"));
    assert_eq!(world.found(&voided).await.state, ErpState::Voided);
    assert_eq!(world.found(&moved).await.posting_date, date("2026-11-02"));
    let numbers = |documents: Vec<domain::posting::ErpDocument>| documents.into_iter().map(|d| d.erp_number).collect::<Vec<_>>();
    assert_eq!(numbers(world.read("1", october()).await.0), ["INV-1", "INV-2"]);
    assert_eq!(numbers(world.read("1", AccountingPeriod::new(2026, 11).unwrap()).await.0), ["INV-3"]);
}

#[tokio::test]
async fn a_period_of_more_than_a_page_is_read_completely_and_without_repeats() {
    let world = World::new().await;
    let template = world.payload(&an_invoice("INV-X")).body;
    let make = |n: u32| {
        let mut body = template.clone();
        body["externalId"] = format!("tieout-US-inv-{n}-v1").into();
        body["tranId"] = format!("INV-{n}").into();
        json!({ "record_type": "invoice", "body": body })
    };
    for chunk in (0..2_050).collect::<Vec<u32>>().chunks(50) {
        futures::future::join_all(chunk.iter().map(|n| {
            let (world, body) = (&world, make(*n));
            async move { world.admin("documents", &body).await }
        }))
        .await;
    }
    let (documents, sizes) = world.read("1", october()).await;
    assert_eq!(sizes, [1000, 1000, 50]);
    assert_eq!(documents.iter().map(|d| &d.erp_id).collect::<HashSet<_>>().len(), 2_050);
    assert!(world.read("3", october()).await.0.is_empty());
}

#[tokio::test]
async fn a_read_that_is_not_answered_is_an_error_and_not_an_empty_page() {
    use connectors::{Erp, ReadError};
    let world = World::new().await;
    for (fault, expected) in [
        ("throttled", "throttled"),
        ("server_error", "not answered"),
        ("cut_before", "not answered"),
        ("permission", "credentials refused"),
    ] {
        world.fault_with(json!({ "kind": fault, "on": "read", "next": 1 })).await;
        let error = world.erp.read_period("1", october(), "0:9").await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{fault}: {error}");
        world.fault_with(json!({ "kind": fault, "on": "read", "next": 1 })).await;
        let error = world.erp.open_period("1", october()).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{fault}: {error}");
    }
    assert!(matches!(world.erp.open_period("1 OR 1 = 1", october()).await, Err(ReadError::Unreadable(_))));
    assert!(matches!(world.erp.read_period("1 OR 1 = 1", october(), "0:9").await, Err(ReadError::Unreadable(_))));
    assert!(matches!(world.erp.read_period("1", october(), "0:9 OR 1 = 1").await, Err(ReadError::Unreadable(_))));
}

#[tokio::test]
async fn a_page_that_lacks_a_row_differs_from_the_totals_and_a_later_posting_does_not() {
    use connectors::Erp;
    let world = World::new().await;
    for number in ["INV-1", "INV-2", "INV-3"] {
        world.accepted(&an_invoice(number)).await;
    }
    let opening = world.erp.open_period("1", october()).await.unwrap();
    world.accepted(&an_invoice("INV-4")).await;
    let read = async || {
        let mut read = PeriodTotals::default();
        let page = world.erp.read_period("1", october(), &opening.cursor).await.unwrap();
        page.documents.iter().for_each(|document| read.add_document(document));
        read
    };
    assert_eq!(read().await, opening.totals, "what came meanwhile is not read");
    world.fault_with(json!({ "kind": "row_lost", "on": "read", "next": 1 })).await;
    let difference = opening.totals.difference(&read().await, october()).unwrap();
    assert_eq!(difference, "invoices of 2026-10 in USD: the ERP totals 3 of 357, its pages hold 2 of 238");
}
