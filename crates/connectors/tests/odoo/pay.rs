//! Money received: one payment per posting key, and the receivable credited when it is posted.

use crate::lab::{CORRELATION, Fate, Lab, day, found, payload, period};
use connectors::{Erp, odoo::Config};
use domain::posting::{ErpKind, ErpState, Outcome, Probe, differences};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::Barrier;

#[tokio::test]
async fn a_payment_credits_the_receivable_and_reads_back_equal() {
    let Some(lab) = Lab::open("a_payment_credits_the_receivable_and_reads_back_equal") else { return };
    for company in ["US", "DE", "SG"] {
        let odoo = lab.connector(company).await;
        let payment = lab.payment(company, "1234.56").await;
        let payload = payload(&odoo, &payment);
        let sent = odoo.post(&payload, CORRELATION).await;
        let Outcome::Accepted { erp_id, erp_number } = &sent.outcome else { panic!("{sent:?}") };
        let theirs = found(odoo.probe(&payload, CORRELATION).await.probe);
        assert_eq!(differences(&payment, &theirs), []);
        assert_eq!((&theirs.erp_id, &theirs.erp_number), (erp_id, erp_number));
        let asked = json!({ "domain": [["ref", "=", payment.posting_key]], "fields": ["account_type", "balance"], "order": "balance" });
        let lines = lab.done("account.move.line/search_read", company, asked).await;
        assert_eq!((&lines[0]["account_type"], &lines[0]["balance"]), (&json!("asset_receivable"), &json!(-1234.56)), "{lines}");
    }
}

#[tokio::test]
async fn a_payment_in_another_currency_keeps_it() {
    let Some(lab) = Lab::open("a_payment_in_another_currency_keeps_it") else { return };
    let odoo = lab.connector("US").await;
    let mut payment = lab.payment("US", "50000").await;
    payment.currency = "JPY".parse().unwrap();
    let payload = payload(&odoo, &payment);
    let sent = odoo.post(&payload, CORRELATION).await;
    assert!(matches!(sent.outcome, Outcome::Accepted { .. }), "{sent:?}");
    assert_eq!(differences(&payment, &found(odoo.probe(&payload, CORRELATION).await.probe)), []);
}

#[tokio::test]
async fn a_payment_sent_twice_is_one() {
    let Some(lab) = Lab::open("a_payment_sent_twice_is_one") else { return };
    let odoo = lab.connector("US").await;
    let payload = payload(&odoo, &lab.payment("US", "100").await);
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Duplicate { .. }));
    assert_eq!(lab.payments("US", &payload).await.len(), 1);
}

#[tokio::test]
async fn two_payments_at_once_are_one() {
    let Some(lab) = Lab::open("two_payments_at_once_are_one") else { return };
    // both have looked and found nothing, both make it at the same moment: only the external id stands between them
    let met = lab.through_proxy("account.payment/load", Fate::Meet(Arc::new(Barrier::new(2)))).await;
    let (one, other) = (lab.connector_with("US", met.clone()).await, lab.connector_with("US", met).await);
    let payload = payload(&one, &lab.payment("US", "100").await);
    let (first, second) = tokio::join!(one.post(&payload, CORRELATION), other.post(&payload, CORRELATION));
    let outcomes = [first.outcome, second.outcome];
    assert!(outcomes.iter().any(|o| matches!(o, Outcome::Accepted { .. })), "{outcomes:?}");
    let certain = |o: &Outcome| !matches!(o, Outcome::Business(_) | Outcome::Permanent(_));
    assert!(outcomes.iter().all(certain), "a refusal would say that nothing is in the ERP: {outcomes:?}");
    assert_eq!(lab.payments("US", &payload).await.len(), 1);
}

#[tokio::test]
async fn a_late_request_changes_nothing_of_a_payment_that_is_there() {
    let Some(lab) = Lab::open("a_late_request_changes_nothing_of_a_payment_that_is_there") else { return };
    let odoo = lab.connector("US").await;
    let payment = lab.payment("US", "100").await;
    let payload = payload(&odoo, &payment);
    // the second has looked before the first made it, and its request arrives when the first is long posted
    let met = lab.through_proxy("account.payment/load", Fate::Held(Duration::from_secs(4))).await;
    let late = lab.connector_with("US", met).await;
    let (second, first) = tokio::join!(late.post(&payload, CORRELATION), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        odoo.post(&payload, CORRELATION).await
    });
    let Outcome::Accepted { erp_id, .. } = &first.outcome else { panic!("{first:?}") };
    assert!(!matches!(second.outcome, Outcome::Business(_) | Outcome::Permanent(_)), "{second:?}");
    let theirs = found(odoo.probe(&payload, CORRELATION).await.probe);
    assert_eq!((differences(&payment, &theirs), &theirs.erp_id), (vec![], erp_id));
    let asked = json!({ "domain": [["memo", "=", payment.posting_key]], "fields": ["outstanding_account_id"] });
    let read = lab.done("account.payment/search_read", "US", asked).await;
    assert!(read[0]["outstanding_account_id"].is_array(), "written again: {read}");
}

#[tokio::test]
async fn the_outstanding_account_of_the_journal_comes_before_the_companys() {
    let Some(lab) = Lab::open("the_outstanding_account_of_the_journal_comes_before_the_companys") else { return };
    let odoo = lab.connector("US").await;
    let mut payment = lab.payment("US", "100").await;
    let code = payment.number[9..].to_uppercase();
    let account = json!({ "name": "On its way", "code": code, "account_type": "asset_current", "reconcile": true });
    let account = lab.done("account.account/create", "US", json!({ "vals_list": [account] })).await;
    let journal = json!({ "name": "Second bank", "code": format!("B{}", &code[..4]), "type": "bank", "company_id": lab.company("US") });
    let journal = lab.done("account.journal/create", "US", json!({ "vals_list": [journal] })).await;
    let inbound = json!({ "domain": [["journal_id", "=", journal[0]], ["payment_type", "=", "inbound"]] });
    let methods = lab.done("account.payment.method.line/search", "US", inbound).await;
    let set = json!({ "ids": methods, "vals": { "payment_account_id": account[0] } });
    lab.done("account.payment.method.line/write", "US", set).await;
    payment.lines[0].account_ref = journal[0].to_string();
    let sent = odoo.post(&payload(&odoo, &payment), CORRELATION).await;
    assert!(matches!(sent.outcome, Outcome::Accepted { .. }), "{sent:?}");
    let asked = json!({ "domain": [["ref", "=", payment.posting_key], ["balance", ">", 0]], "fields": ["account_id"] });
    assert_eq!(lab.done("account.move.line/search_read", "US", asked).await[0]["account_id"][0], account[0]);
}

#[tokio::test]
async fn a_payment_left_as_a_draft_by_a_crash_is_finished_by_the_probe() {
    let Some(lab) = Lab::open("a_payment_left_as_a_draft_by_a_crash_is_finished_by_the_probe") else { return };
    let cut = lab.connector_with("US", lab.through_proxy("account.payment/action_post", Fate::BadGateway).await).await;
    let payment = lab.payment("US", "100").await;
    let payload = payload(&cut, &payment);
    assert!(matches!(cut.post(&payload, CORRELATION).await.outcome, Outcome::Ambiguous { .. }));
    assert_eq!(lab.payments("US", &payload).await, ["draft"]);
    let odoo = lab.connector("US").await;
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Duplicate { .. }));
    assert_eq!(differences(&payment, &found(odoo.probe(&payload, CORRELATION).await.probe)), []);
    assert_eq!(lab.payments("US", &payload).await.len(), 1);
}

#[tokio::test]
async fn a_payment_draft_that_a_person_changed_stays() {
    let Some(lab) = Lab::open("a_payment_draft_that_a_person_changed_stays") else { return };
    let cut = lab.connector_with("US", lab.through_proxy("account.payment/action_post", Fate::BadGateway).await).await;
    let payment = lab.payment("US", "100").await;
    let payload = payload(&cut, &payment);
    cut.post(&payload, CORRELATION).await;
    let drafts = lab.done("account.payment/search", "US", json!({ "domain": [["memo", "=", payload.posting_key]] })).await;
    lab.done("account.payment/write", "US", json!({ "ids": drafts, "vals": { "amount": 90 } })).await;
    let theirs = found(lab.connector("US").await.probe(&payload, CORRELATION).await.probe);
    assert_eq!(theirs.state, ErpState::Draft);
    let fields: Vec<_> = differences(&payment, &theirs).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["total", "state"]);
}

#[tokio::test]
async fn a_payment_whose_answer_is_lost_is_ambiguous_and_then_found() {
    let Some(lab) = Lab::open("a_payment_whose_answer_is_lost_is_ambiguous_and_then_found") else { return };
    for method in ["account.payment/load", "account.payment/action_post"] {
        let late = lab.through_proxy(method, Fate::Late(Duration::from_secs(20))).await;
        let odoo = lab.connector_with("US", Config { request_timeout: Duration::from_secs(6), ..late }).await;
        let payment = lab.payment("US", "100").await;
        let payload = payload(&odoo, &payment);
        let sent = odoo.post(&payload, CORRELATION).await;
        assert!(matches!(sent.outcome, Outcome::Ambiguous { .. }), "{method}: {:?}", sent.outcome);
        assert_eq!(differences(&payment, &found(lab.connector("US").await.probe(&payload, CORRELATION).await.probe)), [], "{method}");
    }
}

#[tokio::test]
async fn a_payment_that_was_cancelled_is_shown_as_voided_and_a_copy_as_a_second() {
    let Some(lab) = Lab::open("a_payment_that_was_cancelled_is_shown_as_voided_and_a_copy_as_a_second") else { return };
    let odoo = lab.connector("US").await;
    let payload = payload(&odoo, &lab.payment("US", "100").await);
    odoo.post(&payload, CORRELATION).await;
    let ids = lab.done("account.payment/search", "US", json!({ "domain": [["memo", "=", payload.posting_key]] })).await;
    lab.done("account.payment/action_draft", "US", json!({ "ids": ids })).await;
    lab.done("account.payment/action_cancel", "US", json!({ "ids": ids })).await;
    assert_eq!(found(odoo.probe(&payload, CORRELATION).await.probe).state, ErpState::Voided);
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Duplicate { .. }));
    lab.done("account.payment/copy", "US", json!({ "ids": ids })).await;
    assert!(matches!(odoo.probe(&payload, CORRELATION).await.probe, Probe::FoundTwice(_)));
}

#[tokio::test]
async fn a_payment_without_an_entry_credits_nothing_and_is_not_posted() {
    let Some(lab) = Lab::open("a_payment_without_an_entry_credits_nothing_and_is_not_posted") else { return };
    let cut = lab.connector_with("US", lab.through_proxy("account.payment/action_post", Fate::BadGateway).await).await;
    let payment = lab.payment("US", "100").await;
    let payload = payload(&cut, &payment);
    cut.post(&payload, CORRELATION).await;
    let ids = lab.done("account.payment/search", "US", json!({ "domain": [["memo", "=", payload.posting_key]] })).await;
    let read = lab.done("account.payment/read", "US", json!({ "ids": ids, "fields": ["payment_method_line_id"] })).await;
    // written as it was, and Odoo forgets the outstanding account
    let same = json!({ "payment_method_line_id": read[0]["payment_method_line_id"][0] });
    lab.done("account.payment/write", "US", json!({ "ids": ids, "vals": same })).await;
    lab.done("account.payment/action_post", "US", json!({ "ids": ids })).await;
    assert_eq!(lab.payments("US", &payload).await, ["in_process"]);
    let theirs = found(lab.connector("US").await.probe(&payload, CORRELATION).await.probe);
    let fields: Vec<_> = differences(&payment, &theirs).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["state"]);
}

#[tokio::test]
async fn a_payment_in_a_locked_period_is_booked_elsewhere_and_shows_it() {
    let Some(lab) = Lab::open("a_payment_in_a_locked_period_is_booked_elsewhere_and_shows_it") else { return };
    let odoo = lab.connector("SG").await;
    lab.done("res.company/write", "SG", json!({ "ids": [lab.company("SG")], "vals": { "fiscalyear_lock_date": "2026-09-30" } })).await;
    let mut payment = lab.payment("SG", "100").await;
    (payment.document_date, payment.posting_date) = (day("2026-09-15"), day("2026-09-15"));
    let payload = payload(&odoo, &payment);
    assert!(matches!(odoo.post(&payload, CORRELATION).await.outcome, Outcome::Accepted { .. }));
    let theirs = found(odoo.probe(&payload, CORRELATION).await.probe);
    let fields: Vec<_> = differences(&payment, &theirs).into_iter().map(|d| d.field).collect();
    assert_eq!(fields, ["posting date"]);
    assert!(!period(&odoo, &payment.entity_ref, "2026-09").await.unwrap().iter().any(|d| d.erp_id == theirs.erp_id));
}

#[tokio::test]
async fn a_payment_that_odoo_refuses_leaves_nothing_and_names_the_field() {
    let Some(lab) = Lab::open("a_payment_that_odoo_refuses_leaves_nothing_and_names_the_field") else { return };
    let odoo = lab.connector("US").await;
    let mut unknown = lab.payment("US", "100").await;
    unknown.customer_ref = "99999999".into();
    let mut sales = lab.payment("US", "100").await;
    sales.lines[0].account_ref = lab.setup("US", "journal").to_string();
    let mut elsewhere = lab.payment("US", "100").await;
    elsewhere.lines[0].account_ref = lab.journal("DE", "bank").await.to_string();
    let mut both = lab.payment("US", "100").await;
    let cash = domain::posting::MappedLine { account_ref: lab.journal("US", "cash").await.to_string(), ..both.lines[0].clone() };
    both.lines.push(cash);
    let mut text = lab.payment("US", "100").await;
    text.lines[0].account_ref = "Bank".into();
    let negative = lab.payment("US", "-100").await;
    for (payment, field) in
        [(unknown, "customer"), (sales, "account"), (elsewhere, "account"), (both, "account"), (text, "account"), (negative, "amount")]
    {
        let payload = payload(&odoo, &payment);
        let sent = odoo.post(&payload, CORRELATION).await;
        let (Outcome::Business(refusal) | Outcome::Permanent(refusal)) = &sent.outcome else { panic!("{field}: {sent:?}") };
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal:?}");
        assert!(!refusal.message.contains('\n') && !refusal.message.contains("psycopg2"), "{}", refusal.message);
        assert!(lab.payments("US", &payload).await.is_empty());
        assert!(matches!(odoo.probe(&payload, CORRELATION).await.probe, Probe::Absent));
    }
}

#[tokio::test]
async fn a_number_with_blanks_and_dots_is_one_payment_too() {
    let Some(lab) = Lab::open("a_number_with_blanks_and_dots_is_one_payment_too") else { return };
    let odoo = lab.connector("US").await;
    let mut payment = lab.payment("US", "100").await;
    payment.posting_key.0 = payment.posting_key.0.replace("PAY-2026-", "PAY 2026.11 50%20 ");
    let payload = payload(&odoo, &payment);
    let sent = odoo.post(&payload, CORRELATION).await;
    assert!(matches!(sent.outcome, Outcome::Accepted { .. }), "{sent:?}");
    assert_eq!(differences(&payment, &found(odoo.probe(&payload, CORRELATION).await.probe)), []);
}

async fn by_hand(lab: &Lab, payment_type: &str) -> String {
    let values = json!({
        "payment_type": payment_type, "partner_type": "customer", "partner_id": lab.customer("US"), "amount": 70,
        "date": "2026-05-12", "journal_id": lab.journal("US", "cash").await,
    });
    let created = lab.done("account.payment/create", "US", json!({ "vals_list": [values] })).await;
    lab.done("account.payment/action_post", "US", json!({ "ids": created })).await;
    let read = lab.done("account.payment/read", "US", json!({ "ids": created, "fields": ["name"] })).await;
    read[0]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_period_holds_the_payments_of_all_hands_once() {
    let Some(lab) = Lab::open("a_period_holds_the_payments_of_all_hands_once") else { return };
    let odoo = lab.connector_with("US", Config { page_rows: 2, ..lab.config() }).await;
    let mut payment = lab.payment("US", "100").await;
    (payment.document_date, payment.posting_date) = (day("2026-05-31"), day("2026-05-31"));
    let sent = odoo.post(&payload(&odoo, &payment), CORRELATION).await;
    let Outcome::Accepted { erp_id, .. } = &sent.outcome else { panic!("{sent:?}") };
    let (received, refunded) = (by_hand(&lab, "inbound").await, by_hand(&lab, "outbound").await);
    let documents = period(&odoo, &payment.entity_ref, "2026-05").await.unwrap();
    let ours: Vec<_> = documents.iter().filter(|d| d.erp_id == *erp_id).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(differences(&payment, ours[0]), []);
    assert_eq!(ours[0].posting_key.as_ref(), Some(&payment.posting_key));
    let of = |number: &str| {
        let found = documents.iter().filter(|d| d.erp_number == number);
        found.map(|d| (d.kind, d.total.normalize().to_string(), d.posting_key.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(of(&received), [(ErpKind::Payment, "70".to_owned(), false)]);
    assert_eq!(of(&refunded), [(ErpKind::JournalDebit, "70".to_owned(), false)]);
    let mut ids: Vec<_> = documents.iter().map(|d| &d.erp_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), documents.len(), "a page repeats a document");
}
