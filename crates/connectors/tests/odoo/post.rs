//! One document per posting key, whatever is lost on the way.

use crate::lab::{CORRELATION, Fate, Lab, found, payload, period};
use connectors::{Erp, odoo::Config};
use domain::posting::{ErpState, Outcome, differences};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Barrier;

#[tokio::test]
async fn an_invoice_is_posted_under_our_number_and_reads_back_equal() {
    let Some(lab) = Lab::open("an_invoice_is_posted_under_our_number_and_reads_back_equal") else { return };
    let odoo = lab.connector("DE").await;
    let mut invoice = lab.invoice("DE");
    let tax = lab.setup("DE", "tax").to_string();
    lab.set_lines(&mut invoice, "DE", &tax, &[("3", "19.99", "59.97", "11.39"), ("1", "40.03", "40.03", "7.61")]);
    let payload = payload(&odoo, &invoice);
    let sent = odoo.post(&payload, CORRELATION).await;
    let Outcome::Accepted { erp_number, .. } = &sent.outcome else { panic!("{sent:?}") };
    assert_eq!(*erp_number, invoice.number);
    let theirs = found(odoo.probe(&payload, CORRELATION).await.probe);
    assert_eq!(differences(&invoice, &theirs), []);
    assert_eq!(theirs.posting_key, Some(invoice.posting_key.clone()));
    assert_eq!(theirs.tax, Some("19.00".parse().unwrap()));
}

#[tokio::test]
async fn a_quantity_that_odoo_would_cut_keeps_our_net() {
    let Some(lab) = Lab::open("a_quantity_that_odoo_would_cut_keeps_our_net") else { return };
    let odoo = lab.connector("US").await;
    let mut invoice = lab.invoice("US");
    // cut to two decimals these would be 13.00 and 0.62
    lab.set_lines(
        &mut invoice,
        "US",
        "",
        &[("0.126", "100", "12.60", "0"), ("1239.999", "0.0005", "0.62", "0"), ("1000000", "0.00012345", "123.45", "0")],
    );
    let payload = payload(&odoo, &invoice);
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    assert_eq!(differences(&invoice, &found(odoo.probe(&payload, CORRELATION).await.probe)), []);
}

#[tokio::test]
async fn a_draft_left_by_a_crash_is_finished_by_the_probe() {
    let Some(lab) = Lab::open("a_draft_left_by_a_crash_is_finished_by_the_probe") else { return };
    let cut = lab.connector_with("US", lab.through_proxy("action_post", Fate::BadGateway).await).await;
    let invoice = lab.invoice("US");
    let payload = payload(&cut, &invoice);
    assert!(matches!(cut.post(&payload, CORRELATION).await.outcome, Outcome::Ambiguous { .. }));
    assert_eq!(lab.held("US", &payload).await, [("draft".to_owned(), invoice.number.clone())]);
    let odoo = lab.connector("US").await;
    assert_eq!(differences(&invoice, &found(odoo.probe(&payload, CORRELATION).await.probe)), []);
    assert_eq!(lab.held("US", &payload).await, [("posted".to_owned(), invoice.number.clone())]);
}

#[tokio::test]
async fn a_second_draft_of_two_workers_is_removed() {
    let Some(lab) = Lab::open("a_second_draft_of_two_workers_is_removed") else { return };
    let odoo = lab.connector("US").await;
    let invoice = lab.invoice("US");
    let payload = payload(&odoo, &invoice);
    // both create at once, and no post gets through
    let met = lab.through_proxy("create", Fate::Meet(Arc::new(Barrier::new(2)))).await;
    let crash = lab.connector_with("US", lab.behind(&met).through_proxy("action_post", Fate::BadGateway).await).await;
    tokio::join!(crash.post(&payload, CORRELATION), crash.post(&payload, CORRELATION));
    assert_eq!(lab.held("US", &payload).await.len(), 2);
    found(odoo.probe(&payload, CORRELATION).await.probe);
    assert_eq!(lab.held("US", &payload).await, [("posted".to_owned(), invoice.number.clone())]);
}

#[tokio::test]
async fn a_draft_that_a_person_changed_is_neither_posted_nor_removed() {
    let Some(lab) = Lab::open("a_draft_that_a_person_changed_is_neither_posted_nor_removed") else { return };
    let cut = lab.connector_with("US", lab.through_proxy("action_post", Fate::BadGateway).await).await;
    let invoice = lab.invoice("US");
    let payload = payload(&cut, &invoice);
    cut.post(&payload, CORRELATION).await;
    let drafts = lab.done("account.move/search", "US", json!({ "domain": [["ref", "=", payload.posting_key]] })).await;
    let more = json!({ "name": "by hand", "quantity": 1, "price_unit": 5, "tax_ids": [[6, 0, []]] });
    lab.done("account.move/write", "US", json!({ "ids": drafts, "vals": { "invoice_line_ids": [[0, 0, more]] } })).await;
    let theirs = found(lab.connector("US").await.probe(&payload, CORRELATION).await.probe);
    assert_eq!(theirs.state, ErpState::Draft);
    let fields: Vec<_> = differences(&invoice, &theirs).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["total", "state"]);
}

#[tokio::test]
async fn posting_twice_gives_one_document() {
    let Some(lab) = Lab::open("posting_twice_gives_one_document") else { return };
    let odoo = lab.connector("US").await;
    let payload = payload(&odoo, &lab.invoice("US"));
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Duplicate { .. }));
    assert_eq!(lab.held("US", &payload).await.len(), 1);
}

#[tokio::test]
async fn two_at_once_give_one_posted_document() {
    let Some(lab) = Lab::open("two_at_once_give_one_posted_document") else { return };
    // both have looked and found nothing, both have created, both post at the same moment: only the number stands between them
    let met = lab.through_proxy("action_post", Fate::Meet(Arc::new(Barrier::new(2)))).await;
    let (one, other) = (lab.connector_with("US", met.clone()).await, lab.connector_with("US", met).await);
    let payload = payload(&one, &lab.invoice("US"));
    let (first, second) = tokio::join!(one.post(&payload, CORRELATION), other.post(&payload, CORRELATION));
    let outcomes = [first.outcome, second.outcome];
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Outcome::Accepted { .. })).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Outcome::Duplicate { .. })).count(), 1, "{outcomes:?}");
    assert_eq!(lab.held("US", &payload).await, [("posted".to_owned(), payload.number.clone())]);
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_is_ambiguous_and_then_found() {
    let Some(lab) = Lab::open("an_answer_lost_after_the_commit_is_ambiguous_and_then_found") else { return };
    for method in ["create", "action_post"] {
        let late = lab.through_proxy(method, Fate::Late(Duration::from_secs(20))).await;
        let odoo = lab.connector_with("US", Config { request_timeout: Duration::from_secs(6), ..late }).await;
        let invoice = lab.invoice("US");
        let payload = payload(&odoo, &invoice);
        let sent = odoo.post(&payload, CORRELATION).await;
        assert!(matches!(sent.outcome, Outcome::Ambiguous { .. }), "{method}: {:?}", sent.outcome);
        assert_eq!(differences(&invoice, &found(lab.connector("US").await.probe(&payload, CORRELATION).await.probe)), [], "{method}");
        assert_eq!(lab.held("US", &payload).await, [("posted".to_owned(), payload.number.clone())], "{method}");
    }
}

#[tokio::test]
async fn a_number_of_another_year_is_kept() {
    let Some(lab) = Lab::open("a_number_of_another_year_is_kept") else { return };
    let odoo = lab.connector("US").await;
    let mut invoice = lab.invoice("US");
    invoice.number = invoice.number.replace("INV-2026-", "INV/2024/05/");
    let sent = odoo.post(&payload(&odoo, &invoice), CORRELATION).await;
    let Outcome::Accepted { erp_number, .. } = &sent.outcome else { panic!("{sent:?}") };
    assert_eq!(*erp_number, invoice.number);
}

#[tokio::test]
async fn a_locked_period_moves_the_date_and_the_read_back_shows_it() {
    let Some(lab) = Lab::open("a_locked_period_moves_the_date_and_the_read_back_shows_it") else { return };
    let odoo = lab.connector("SG").await;
    lab.done("res.company/write", "SG", json!({ "ids": [lab.company("SG")], "vals": { "fiscalyear_lock_date": "2026-09-30" } })).await;
    let mut invoice = lab.invoice("SG");
    (invoice.document_date, invoice.posting_date) = (crate::lab::day("2026-09-15"), crate::lab::day("2026-09-15"));
    invoice.number = invoice.number.replace("INV-2026-", "INV/2026/09/"); // what Odoo would take for its own series
    let payload = payload(&odoo, &invoice);
    let Outcome::Accepted { erp_id, erp_number } = odoo.post(&payload, CORRELATION).await.outcome else { panic!("not accepted") };
    assert_eq!(erp_number, invoice.number, "with another number the fence is gone");
    let theirs = found(odoo.probe(&payload, CORRELATION).await.probe);
    let fields: Vec<_> = differences(&invoice, &theirs).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["posting date"]);
    let entity = &invoice.entity_ref;
    assert!(!period(&odoo, entity, "2026-09").await.unwrap().iter().any(|d| d.erp_id == erp_id));
    assert!(period(&odoo, entity, "2026-10").await.unwrap().iter().any(|d| d.erp_id == erp_id));
}

#[tokio::test]
async fn a_cent_of_tax_shows_as_a_difference() {
    let Some(lab) = Lab::open("a_cent_of_tax_shows_as_a_difference") else { return };
    let odoo = lab.connector("DE").await;
    let mut invoice = lab.invoice("DE");
    // 3 × 1.13 at 19 %: rounded per line 0.63, on the document 0.64; we claim what Odoo doesn't compute
    let tax = lab.setup("DE", "tax").to_string();
    lab.set_lines(&mut invoice, "DE", &tax, &[("1", "1.13", "1.13", "0.21"), ("1", "1.13", "1.13", "0.21"), ("1", "1.13", "1.13", "0.21")]);
    let payload = payload(&odoo, &invoice);
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    let found = differences(&invoice, &found(odoo.probe(&payload, CORRELATION).await.probe));
    let cents: Vec<_> = found.iter().map(|d| (d.field.as_str(), d.ours.as_str(), d.theirs.as_str())).collect();
    assert_eq!(cents, [("total", "4.02", "4.03"), ("tax", "0.63", "0.64")]);
}

#[tokio::test]
async fn a_credit_memo_reduces_the_invoice_it_corrects() {
    let Some(lab) = Lab::open("a_credit_memo_reduces_the_invoice_it_corrects") else { return };
    let odoo = lab.connector("US").await;
    let invoice = lab.invoice("US");
    let memo = lab.credit_memo("US", &invoice.number);
    let early = odoo.post(&payload(&odoo, &memo), CORRELATION).await;
    let Outcome::Business(refusal) = early.outcome else { panic!("{early:?}") };
    assert_eq!(refusal.field.as_deref(), Some("applies_to"));

    let Outcome::Accepted { erp_id, .. } = odoo.post(&payload(&odoo, &invoice), CORRELATION).await.outcome else { panic!("invoice") };
    let mut memo = lab.credit_memo("US", &invoice.number);
    lab.set_lines(&mut memo, "US", "", &[("1", "40", "40.00", "0")]);
    let sent = payload(&odoo, &memo);
    assert!(matches!(odoo.post(&sent, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    assert_eq!(differences(&memo, &found(odoo.probe(&sent, CORRELATION).await.probe)), []);
    let id: i64 = erp_id.parse().unwrap();
    let corrected = lab.done("account.move/read", "US", json!({ "ids": [id], "fields": ["amount_residual"] })).await;
    assert_eq!(corrected[0]["amount_residual"].to_string(), "60.0");
}
