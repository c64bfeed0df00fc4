//! Every AR posting of a period, whoever made it.

use crate::lab::{CORRELATION, Lab, payload, period};
use connectors::{Erp, PeriodTotals, odoo::Config};
use domain::posting::{ErpDocument, ErpKind, ErpState};
use serde_json::{Value, json};

async fn by_hand(lab: &Lab, values: Value, then: &[&str]) -> i64 {
    let created = lab.done("account.move/create", "US", json!({ "vals_list": [values] })).await;
    for method in then {
        lab.done(&format!("account.move/{method}"), "US", json!({ "ids": created })).await;
    }
    created[0].as_i64().unwrap()
}

fn of(documents: &[ErpDocument], id: i64) -> Vec<&ErpDocument> {
    let of_line = format!("{id}/");
    documents.iter().filter(|d| d.erp_id == id.to_string() || d.erp_id.starts_with(&of_line)).collect()
}

fn side(lab: &Lab, account: &Value, debit: u32, credit: u32) -> Value {
    let customer = lab.customer("US");
    json!([0, 0, { "name": "by hand", "account_id": account, "debit": debit, "credit": credit, "partner_id": customer }])
}

async fn receivable(lab: &Lab) -> Value {
    let asked = json!({ "domain": [["account_type", "=", "asset_receivable"]], "limit": 1 });
    lab.done("account.account/search", "US", asked).await[0].clone()
}

#[tokio::test]
async fn a_period_holds_the_postings_of_other_hands_too() {
    let Some(lab) = Lab::open("a_period_holds_the_postings_of_other_hands_too") else { return };
    // pages of three, so that everything crosses page borders
    let odoo = lab.connector_with("US", Config { page_rows: 3, ..lab.config() }).await;
    let line =
        json!({ "name": "by hand", "quantity": 1, "price_unit": 70, "account_id": lab.setup("US", "account"), "tax_ids": [[6, 0, []]] });
    let customer = lab.customer("US");
    let manual =
        json!({ "move_type": "out_invoice", "partner_id": customer, "invoice_date": "2026-08-12", "invoice_line_ids": [[0, 0, line]] });
    let posted = by_hand(&lab, manual.clone(), &["action_post"]).await;
    let draft = by_hand(&lab, manual.clone(), &[]).await;
    let voided = by_hand(&lab, manual, &["action_post", "button_draft", "button_cancel"]).await;
    let ar = receivable(&lab).await;
    // 30 from one customer's AR to another's: nets to zero and still is two postings
    let journal = json!({ "move_type": "entry", "date": "2026-08-13", "line_ids": [side(&lab, &ar, 30, 0), side(&lab, &ar, 0, 30)] });
    let moved = by_hand(&lab, journal, &["action_post"]).await;
    let mut invoice = lab.invoice("US");
    (invoice.document_date, invoice.posting_date) = (crate::lab::day("2026-08-31"), crate::lab::day("2026-08-31"));
    odoo.post(&payload(&odoo, &invoice), CORRELATION).await;

    let documents = period(&odoo, &invoice.entity_ref, "2026-08").await.unwrap();
    let states = |id| of(&documents, id).iter().map(|d| d.state).collect::<Vec<_>>();
    assert_eq!((states(posted), states(draft), states(voided)), (vec![ErpState::Posted], vec![ErpState::Draft], vec![ErpState::Voided]));
    assert_eq!(of(&documents, posted)[0].posting_key, None);
    let sides: Vec<_> = of(&documents, moved).iter().map(|d| (d.kind, d.total.normalize().to_string())).collect();
    assert!(
        sides.len() == 2 && sides.contains(&(ErpKind::JournalDebit, "30".into())) && sides.contains(&(ErpKind::JournalCredit, "30".into())),
        "{sides:?}"
    );
    assert_eq!(documents.iter().filter(|d| d.posting_key.as_ref() == Some(&invoice.posting_key)).count(), 1);
    let mut ids: Vec<_> = documents.iter().map(|d| &d.erp_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), documents.len(), "a page repeats a document");
    assert!(documents.iter().all(|d| d.posting_date >= crate::lab::day("2026-08-01") && d.posting_date <= crate::lab::day("2026-08-31")));
}

#[tokio::test]
async fn a_receipt_without_a_payment_is_a_payment_all_the_same() {
    let Some(lab) = Lab::open("a_receipt_without_a_payment_is_a_payment_all_the_same") else { return };
    let odoo = lab.connector("US").await;
    let mut invoice = lab.invoice("US");
    (invoice.document_date, invoice.posting_date) = (crate::lab::day("2026-07-05"), crate::lab::day("2026-07-05"));
    let sent = odoo.post(&payload(&odoo, &invoice), CORRELATION).await;
    let domain::posting::Outcome::Accepted { erp_id, .. } = sent.outcome else { panic!("{sent:?}") };
    let bank = lab.done("account.journal/search", "US", json!({ "domain": [["type", "=", "bank"]], "limit": 1 })).await;
    let ar = receivable(&lab).await;
    let lines = [side(&lab, lab.setup("US", "account"), 100, 0), side(&lab, &ar, 0, 100)];
    let receipt = json!({ "move_type": "entry", "journal_id": bank[0], "date": "2026-07-20", "line_ids": lines });
    let receipt = by_hand(&lab, receipt, &["action_post"]).await;
    let documents = period(&odoo, &invoice.entity_ref, "2026-07").await.unwrap();
    let receipts: Vec<_> = of(&documents, receipt).iter().map(|d| (d.kind, d.total.normalize().to_string())).collect();
    assert_eq!(receipts, [(ErpKind::Payment, "100".to_owned())]);
    assert_eq!(of(&documents, erp_id.parse().unwrap()).len(), 1);
}

#[tokio::test]
async fn companies_do_not_mix() {
    let Some(lab) = Lab::open("companies_do_not_mix") else { return };
    let (us, de) = (lab.connector("US").await, lab.connector("DE").await);
    let (american, german) = (lab.invoice("US"), lab.invoice("DE"));
    us.post(&payload(&us, &american), CORRELATION).await;
    de.post(&payload(&de, &german), CORRELATION).await;
    let documents = period(&us, &german.entity_ref, "2026-11").await.unwrap();
    assert!(documents.iter().any(|d| d.posting_key.as_ref() == Some(&german.posting_key)));
    assert!(documents.iter().all(|d| d.entity_ref == german.entity_ref));
}

#[tokio::test]
async fn pages_hold_what_odoo_totalled_before_and_nothing_that_came_later() {
    let Some(lab) = Lab::open("pages_hold_what_odoo_totalled_before_and_nothing_that_came_later") else { return };
    let odoo = lab.connector("US").await;
    let june = "2026-06".parse().unwrap();
    let mut invoice = lab.invoice("US");
    (invoice.document_date, invoice.posting_date) = (crate::lab::day("2026-06-05"), crate::lab::day("2026-06-05"));
    odoo.post(&payload(&odoo, &invoice), CORRELATION).await;
    let customer = lab.customer("US");
    let draft = json!({ "move_type": "out_refund", "partner_id": customer, "invoice_date": "2026-06-12", "date": "2026-06-12" });
    let draft = by_hand(&lab, draft, &[]).await;
    let before = odoo.open_period(&invoice.entity_ref, june).await.unwrap();
    assert_eq!(of(&period(&odoo, &invoice.entity_ref, "2026-06").await.unwrap(), draft).len(), 1);

    let mut later = lab.invoice("US");
    (later.document_date, later.posting_date) = (crate::lab::day("2026-06-20"), crate::lab::day("2026-06-20"));
    odoo.post(&payload(&odoo, &later), CORRELATION).await;
    let read = async || {
        let mut read = PeriodTotals::default();
        let page = odoo.read_period(&invoice.entity_ref, june, &before.cursor).await.unwrap();
        page.documents.iter().for_each(|document| read.add_document(document));
        read
    };
    assert_eq!(read().await, before.totals);
    lab.done("account.move/unlink", "US", json!({ "ids": [draft] })).await;
    let difference = before.totals.difference(&read().await, june).unwrap();
    assert!(difference.starts_with("credit memos of 2026-06 in USD: the ERP totals"), "{difference}");
}
