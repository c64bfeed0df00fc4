//! Payments, and what they settle. An invoice of the tests is 119.00, a payment 150.00.

use super::world::*;
use connectors::{Erp, PeriodTotals};
use domain::{
    posting::{ErpKind, ErpState, MappedDocument, MappedItem, MappedLine, Outcome, OutcomeKind, Probe, differences},
    stage::DocumentKind,
};
use futures::future::join_all;
use serde_json::json;

fn apply(number: &str, credit: &MappedItem, debits: &[(&MappedItem, &str, &str)]) -> MappedDocument {
    an_application(DocumentKind::CashApplication, number, credit.clone(), debits)
}

fn take_back(number: &str, credit: &MappedItem, debits: &[(&MappedItem, &str, &str)]) -> MappedDocument {
    an_application(DocumentKind::ApplicationReversal, number, credit.clone(), debits)
}

/// A payment and two invoices in the ERP.
async fn three(world: &World) -> (MappedItem, MappedItem, MappedItem) {
    (world.item(&a_payment("PAY-1")).await, world.item(&an_invoice("INV-1")).await, world.item(&an_invoice("INV-2")).await)
}

fn pairs(pairs: &[(&MappedItem, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(item, amount)| (item.erp_id.clone(), (*amount).to_owned())).collect()
}

#[tokio::test]
async fn a_payment_reads_back_equal_under_our_number() {
    let world = World::new().await;
    let payment = a_payment("PAY-1");
    let sent = world.post(&payment).await;
    let ledger = world.ledger().await;
    let erp_id = ledger[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(sent.outcome, Outcome::Accepted { erp_id, erp_number: "PAY-1".into() });
    assert_eq!((ledger[0]["recordType"].as_str(), ledger[0]["total"].as_str()), (Some("customerPayment"), Some("150.00")));
    let found = world.found(&payment).await;
    assert_eq!((found.kind, found.tax), (ErpKind::Payment, None));
    assert_eq!(differences(&payment, &found), []);
}

#[tokio::test]
async fn a_payment_is_posted_once_however_it_is_sent() {
    for fault in ["doubled", "cut_after", "server_error_after_commit"] {
        let world = World::new().await;
        let payment = a_payment("PAY-1");
        world.fault(fault).await;
        assert_ne!(world.post(&payment).await.outcome.kind(), OutcomeKind::Accepted, "{fault}");
        assert_eq!(world.post(&payment).await.outcome.kind(), OutcomeKind::Duplicate, "{fault}");
        assert_eq!(world.found(&payment).await.total, dec("150"), "{fault}");
        assert_eq!(world.ledger().await.len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn of_a_payment_that_was_never_processed_the_probe_says_absent() {
    let world = World::new().await;
    for fault in ["cut_before", "server_error"] {
        world.fault(fault).await;
        assert_eq!(world.post(&a_payment("PAY-1")).await.outcome.kind(), OutcomeKind::Ambiguous, "{fault}");
        assert_eq!(world.probe(&a_payment("PAY-1")).await.probe, Probe::Absent, "{fault}");
    }
}

#[tokio::test]
async fn a_payment_to_an_unknown_account_or_a_closed_period_is_business() {
    let world = World::new().await;
    let mut payment = a_payment("PAY-1");
    payment.lines[0].account_ref = "54".into();
    let refusal = business(world.post(&payment).await.outcome);
    assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("INVALID_CONTENT", Some("account")), "a revenue account is no bank");
    let stranger = MappedDocument { customer_ref: "9999".into(), ..a_payment("PAY-1") };
    assert_eq!(business(world.post(&stranger).await.outcome).field.as_deref(), Some("customer"));
    world.admin("periods/202610", &json!({ "closed": true })).await;
    assert_eq!(business(world.post(&a_payment("PAY-1")).await.outcome).code, "CLOSED_TRAN_PRD");
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn a_payment_on_two_accounts_is_refused_before_it_is_sent_and_two_lines_on_one_are_not() {
    let world = World::new().await;
    let mut payment = a_payment("PAY-1");
    payment.lines = ["101", "101"].map(|account| MappedLine { account_ref: account.into(), ..a_line("75.00", "0.00") }).to_vec();
    world.accepted(&payment).await;
    let mut split = a_payment("PAY-2");
    split.lines = ["101", "102"].map(|account| MappedLine { account_ref: account.into(), ..a_line("75.00", "0.00") }).to_vec();
    let sent = world.post(&split).await;
    let Outcome::Permanent(refusal) = sent.outcome else { panic!("not permanent: {:?}", sent.outcome) };
    assert_eq!(refusal.message, "A payment in NetSuite comes to one account; this one names 101 and 102.");
    assert_eq!((sent.exchange.status, sent.exchange.request.starts_with("not sent")), (None, true));
    assert_eq!(world.ledger().await.len(), 1);
}

#[tokio::test]
async fn an_application_settles_what_it_names_and_reads_back_equal() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    let application = apply("APP-1", &payment, &[(&first, "119.00", "119.00"), (&second, "31.00", "31.00")]);
    let accepted = Outcome::Accepted { erp_id: format!("{}/{}", payment.erp_id, application.posting_key), erp_number: "APP-1".into() };
    assert_eq!(world.probe(&application).await.probe, Probe::Absent);
    assert_eq!(world.post(&application).await.outcome, accepted);
    assert_eq!(world.applied(&payment).await, pairs(&[(&first, "119.00"), (&second, "31.00")]));
    let found = world.found(&application).await;
    assert_eq!((found.kind, found.customer_ref.as_deref(), found.state), (ErpKind::CashApplication, None, ErpState::Posted));
    assert_eq!(accepted, Outcome::Accepted { erp_id: found.erp_id.clone(), erp_number: found.erp_number.clone() });
    assert_eq!(differences(&application, &found), []);
}

#[tokio::test]
async fn the_same_application_again_changes_nothing() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    world.accepted(&apply("APP-1", &payment, &[(&first, "100.00", "100.00")])).await;
    let more = apply("APP-2", &payment, &[(&first, "19.00", "119.00"), (&second, "1.00", "1.00")]);
    world.fault("doubled").await;
    for outcome in join_all((0..3).map(|_| world.post(&more))).await.iter().map(|sent| sent.outcome.kind()) {
        assert_eq!(outcome, OutcomeKind::Accepted);
    }
    assert_eq!(world.applied(&payment).await, pairs(&[(&first, "119.00"), (&second, "1.00")]));
    assert_eq!(differences(&more, &world.found(&more).await), []);
}

#[tokio::test]
async fn an_application_whose_answer_was_lost_is_found_or_absent_as_it_was_processed() {
    for (fault, there) in [("server_error", false), ("server_error_after_commit", true), ("cut_before", false), ("cut_after", true)] {
        let world = World::new().await;
        let (payment, first, _) = three(&world).await;
        let application = apply("APP-1", &payment, &[(&first, "119.00", "119.00")]);
        world.fault(fault).await;
        assert_eq!(world.post(&application).await.outcome.kind(), OutcomeKind::Ambiguous, "{fault}");
        let probe = world.probe(&application).await.probe;
        assert_eq!((matches!(probe, Probe::Found(_)), probe == Probe::Absent), (there, !there), "{fault}: {probe:?}");
        world.accepted(&application).await;
        assert_eq!(world.applied(&payment).await, pairs(&[(&first, "119.00")]), "{fault}");
    }
}

#[tokio::test]
async fn what_was_surely_not_applied_says_so_and_leaves_nothing() {
    let world = World::new().await;
    let (payment, first, _) = three(&world).await;
    let application = apply("APP-1", &payment, &[(&first, "119.00", "119.00")]);
    let cases = [
        ("throttled", OutcomeKind::Throttled),
        ("locked", OutcomeKind::Transient),
        ("permission", OutcomeKind::Auth),
        ("closed_period", OutcomeKind::Business),
    ];
    for (fault, expected) in cases {
        world.fault(fault).await;
        assert_eq!(world.post(&application).await.outcome.kind(), expected, "{fault}");
        assert_eq!(world.probe(&application).await.probe, Probe::Absent, "{fault}");
    }
    for fault in ["throttled", "server_error", "cut_before", "permission"] {
        world.fault_with(json!({ "kind": fault, "on": "read", "next": 1 })).await;
        let probe = world.probe(&application).await.probe;
        assert!(matches!(probe, Probe::NotAnswered { .. }), "{fault}: {probe:?}");
    }
    assert!(world.applied(&payment).await.is_empty());
}

#[tokio::test]
async fn more_than_remains_of_an_invoice_or_of_the_payment_is_refused_in_business_words() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    let refusal = business(world.post(&apply("APP-1", &payment, &[(&first, "119.01", "119.01")])).await.outcome);
    assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("CANT_APPLY_PMT", Some("apply.items[0].amount")));
    assert_eq!(refusal.message, "119.01 can't be applied to INV-1: 119.00 remains.");
    let both = apply("APP-1", &payment, &[(&first, "119.00", "119.00"), (&second, "31.01", "31.01")]);
    assert_eq!(business(world.post(&both).await.outcome).message, "150.01 would be applied of PAY-1, which is 150.00.");
    assert!(world.applied(&payment).await.is_empty(), "all of a document or nothing of it");

    world.accepted(&apply("APP-1", &payment, &[(&first, "100.00", "100.00")])).await;
    let other = world.item(&a_payment("PAY-2")).await;
    let refusal = business(world.post(&apply("APP-2", &other, &[(&first, "20.00", "20.00")])).await.outcome);
    assert_eq!(refusal.message, "20.00 can't be applied to INV-1: 19.00 remains.");
    world.accepted(&apply("APP-2", &other, &[(&first, "19.00", "19.00")])).await;
}

#[tokio::test]
async fn another_customer_s_invoice_is_refused_and_named() {
    let world = World::new().await;
    let payment = world.item(&a_payment("PAY-1")).await;
    let theirs = world.item(&MappedDocument { customer_ref: "1002".into(), ..an_invoice("INV-9") }).await;
    let refusal = business(world.post(&apply("APP-1", &payment, &[(&theirs, "1.00", "1.00")])).await.outcome);
    assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("INVALID_CONTENT", Some("apply.items[0].doc")));
}

#[tokio::test]
async fn a_reversal_takes_back_what_it_names_and_reads_back_equal() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    world.accepted(&apply("APP-1", &payment, &[(&first, "100.00", "100.00"), (&second, "31.00", "31.00")])).await;
    world.accepted(&apply("APP-2", &payment, &[(&first, "19.00", "119.00")])).await;
    let reversal = take_back("REV-1", &payment, &[(&first, "100.00", "19.00"), (&second, "31.00", "0.00")]);
    assert_eq!(world.probe(&reversal).await.probe, Probe::Absent);
    world.fault("doubled").await;
    world.accepted(&reversal).await;
    assert_eq!(world.applied(&payment).await, pairs(&[(&first, "19.00")]));
    let found = world.found(&reversal).await;
    assert_eq!((found.kind, found.total), (ErpKind::ApplicationReversal, dec("131")));
    assert_eq!(differences(&reversal, &found), []);
    // What is free again can be given to another.
    world.accepted(&apply("APP-3", &payment, &[(&second, "119.00", "119.00")])).await;
}

#[tokio::test]
async fn a_credit_memo_is_applied_like_a_payment() {
    let world = World::new().await;
    let invoice = world.item(&an_invoice("INV-1")).await;
    let memo = a_credit_memo("CM-1", "INV-1");
    let credit = world.item(&memo).await;
    let application = apply("APP-1", &credit, &[(&invoice, "119.00", "119.00")]);
    for _ in 0..2 {
        world.accepted(&application).await;
    }
    assert_eq!(world.applied(&credit).await, pairs(&[(&invoice, "119.00")]));
    assert_eq!(differences(&application, &world.found(&application).await), []);
    assert_eq!(differences(&memo, &world.found(&memo).await), [], "the memo itself is as it was");
    world.accepted(&take_back("REV-1", &credit, &[(&invoice, "119.00", "0.00")])).await;
    assert!(world.applied(&credit).await.is_empty());
}

#[tokio::test]
async fn what_other_hands_applied_differs_by_what_the_pairs_hold() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    let application = apply("APP-1", &payment, &[(&first, "60.00", "60.00"), (&second, "40.00", "40.00")]);
    for (held, total) in [
        ([(&first, "60.00", "60.00"), (&second, "15.00", "15.00")], "75"),
        ([(&first, "119.00", "119.00"), (&second, "0.00", "0.00")], "119"),
        // The sum is ours, the pairs are not: only what is as it was sent counts.
        ([(&first, "50.00", "50.00"), (&second, "50.00", "50.00")], "0"),
    ] {
        world.accepted(&apply("BY-HAND", &payment, &held)).await;
        let found = world.found(&application).await;
        assert_eq!((found.state, found.total), (ErpState::Posted, dec(total)));
        assert_eq!(differences(&application, &found).into_iter().map(|d| d.field).collect::<Vec<_>>(), ["total"]);
    }
}

#[tokio::test]
async fn an_application_of_a_voided_or_missing_credit_differs_and_is_never_absent() {
    let world = World::new().await;
    let invoice = world.item(&an_invoice("INV-1")).await;
    for document in [a_payment("PAY-1"), a_credit_memo("CM-1", "INV-1")] {
        let credit = world.item(&document).await;
        let application = apply("APP-1", &credit, &[(&invoice, "19.00", "19.00")]);
        let reversal = take_back("REV-1", &credit, &[(&invoice, "19.00", "0.00")]);
        world.accepted(&application).await;
        world.admin(&format!("documents/{}/void", credit.erp_id), &json!({})).await;
        let missing = apply("APP-2", &MappedItem { erp_id: "999".into(), ..credit }, &[(&invoice, "1.00", "1.00")]);
        for document in [&application, &reversal, &missing] {
            let found = world.found(document).await;
            assert_eq!((found.state, found.total), (ErpState::Voided, dec("0")), "{}", document.number);
        }
        assert_eq!(world.post(&missing).await.outcome.kind(), OutcomeKind::Permanent);
        assert_eq!(business(world.post(&application).await.outcome).code, "CANT_MODIFY_VOID_TRANS");
    }
}

#[tokio::test]
async fn an_application_that_names_no_credit_is_refused_before_it_is_sent() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    let nameless = MappedDocument { settlement: None, ..apply("APP-1", &payment, &[]) };
    for document in [nameless, apply("APP-1", &payment, &[]), apply("APP-1", &first, &[(&second, "1.00", "1.00")])] {
        let outcome = world.post(&document).await.outcome;
        assert!(matches!(&outcome, Outcome::Permanent(refusal) if refusal.code == "nothing_to_apply"), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_wire_names_only_the_lines_that_change_with_exact_numbers() {
    let world = World::new().await;
    let (payment, first, second) = three(&world).await;
    let application = apply("APP-1", &payment, &[(&first, "10.00", "100.10"), (&second, "5.00", "0.00")]);
    let body = world.payload(&application).body;
    assert_eq!(body["record"], "customerPayment");
    assert_eq!(body.to_string(), world.payload(&application).body.to_string());
    let request = world.post(&application).await.exchange.request;
    assert!(request.starts_with(&format!("PATCH /services/rest/record/v1/customerPayment/{}\n", payment.erp_id)), "{request}");
    let lines = format!(
        r#"{{"apply":{{"items":[{{"amount":100.10,"apply":true,"doc":{{"id":"{}"}}}},{{"apply":false,"doc":{{"id":"{}"}}}}]}}}}"#,
        first.erp_id, second.erp_id
    );
    assert!(request.ends_with(&lines), "{request}");
}

#[tokio::test]
async fn a_period_with_payments_in_it_totals_what_its_pages_hold() {
    let world = World::new().await;
    let (payment, first, _) = three(&world).await;
    world.accepted(&apply("APP-1", &payment, &[(&first, "119.00", "119.00")])).await;
    let mut manual = world.payload(&a_payment("BY-HAND")).body;
    manual.as_object_mut().unwrap().remove("externalId");
    world.admin("documents", &json!({ "record_type": "customerPayment", "body": manual })).await;
    // `read` compares totals and pages.
    let (documents, _) = world.read("1", october()).await;
    let seen: Vec<_> = documents.iter().map(|d| (d.kind, d.erp_number.as_str(), d.total, d.posting_key.is_some())).collect();
    assert_eq!(
        seen,
        [
            (ErpKind::Payment, "PAY-1", dec("150"), true),
            (ErpKind::Invoice, "INV-1", dec("119"), true),
            (ErpKind::Invoice, "INV-2", dec("119"), true),
            (ErpKind::Payment, "BY-HAND", dec("150"), false),
        ]
    );
    let opening = world.erp.open_period("1", october()).await.unwrap();
    world.fault_with(json!({ "kind": "row_lost", "on": "read", "next": 1 })).await;
    let mut read = PeriodTotals::default();
    let page = world.erp.read_period("1", october(), &opening.cursor).await.unwrap();
    page.documents.iter().for_each(|document| read.add_document(document));
    let difference = opening.totals.difference(&read, october()).unwrap();
    assert_eq!(difference, "payments and journals of 2026-10 in USD: the ERP totals 2 of -300, its pages hold 1 of -150");
}

#[tokio::test]
async fn what_is_applied_survives_a_restart() {
    let world = World::new().await;
    let (payment, first, _) = three(&world).await;
    let application = apply("APP-1", &payment, &[(&first, "100.00", "100.00")]);
    world.accepted(&application).await;
    let world = world.restart().await;
    assert_eq!(differences(&application, &world.found(&application).await), []);
    let other = world.item(&a_payment("PAY-2")).await;
    let refusal = business(world.post(&apply("APP-2", &other, &[(&first, "20.00", "20.00")])).await.outcome);
    assert_eq!(refusal.message, "20.00 can't be applied to INV-1: 19.00 remains.");
    assert_eq!(world.post(&a_payment("PAY-1")).await.outcome.kind(), OutcomeKind::Duplicate);
}

/// 60.00 that went back from the account that payments come to.
fn money_back(number: &str) -> MappedDocument {
    let kind = DocumentKind::Chargeback;
    let line = MappedLine { account_ref: "101".into(), ..a_payment(number).lines.remove(0) };
    let line = MappedLine { unit_price: dec("60.00"), net: dec("60.00"), ..line };
    MappedDocument {
        posting_key: domain::posting::PostingKey::of("US", kind, number, 1),
        kind,
        total: dec("60.00"),
        lines: vec![line],
        ..a_payment(number)
    }
}

#[tokio::test]
async fn money_that_went_back_debits_the_receivable_once_and_reads_back_equal() {
    let world = World::new().await;
    let back = money_back("CB-1");
    world.fault("doubled").await;
    assert_ne!(world.post(&back).await.outcome.kind(), OutcomeKind::Accepted);
    assert_eq!(world.post(&back).await.outcome.kind(), OutcomeKind::Duplicate);
    let found = world.found(&back).await;
    assert_eq!((found.kind, found.total), (ErpKind::MoneyBack, dec("60")));
    assert_eq!(differences(&back, &found), []);
    let ledger = world.ledger().await;
    assert_eq!((ledger.len(), ledger[0]["recordType"].as_str()), (1, Some("journalEntry")));
}

#[tokio::test]
async fn a_payment_is_applied_to_the_money_that_took_it_back() {
    let world = World::new().await;
    let (payment, invoice, _) = three(&world).await;
    let back = world.item(&money_back("CB-1")).await;
    world.accepted(&apply("APP-1", &payment, &[(&back, "60.00", "60.00"), (&invoice, "90.00", "90.00")])).await;
    assert_eq!(world.applied(&payment).await, pairs(&[(&invoice, "90.00"), (&back, "60.00")]));
    let memo = world.item(&a_credit_memo("CM-1", "INV-1")).await;
    let refusal = business(world.post(&apply("APP-2", &memo, &[(&back, "1.00", "1.00")])).await.outcome);
    assert_eq!(refusal.message, "1.00 can't be applied to CB-1: 0.00 remains.");
}

#[tokio::test]
async fn money_back_without_a_receivables_account_or_unbalanced_is_refused() {
    let world = World::new().await;
    let bare = world.without_receivables_account();
    let back = money_back("CB-1");
    let payload = connectors::Payload {
        posting_key: back.posting_key.clone(),
        kind: back.kind,
        entity_ref: back.entity_ref.clone(),
        number: back.number.clone(),
        body: bare.payload(&back),
    };
    let sent = bare.post(&payload, "c").await;
    let Outcome::Permanent(refusal) = sent.outcome else { panic!("not permanent: {:?}", sent.outcome) };
    assert!(refusal.message.contains("receivables_account") && sent.exchange.request.starts_with("not sent"), "{refusal:?}");
    let odd = MappedDocument { total: dec("61.00"), ..back };
    assert_eq!(business(world.post(&odd).await.outcome).code, "JE_AMOUNTS_MUST_BALANCE");
    assert!(world.ledger().await.is_empty());
}
