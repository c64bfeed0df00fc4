//! Money that goes back through a gateway: what it does to the payment, the invoice and the credit memo.

use crate::{
    gateways::Company,
    invoices::{batch, invoice},
};
use domain::stage::Stage;
use rust_decimal::Decimal;
use serde_json::Value;
use store::views::clearing;

fn credit_memo(number: &str, of: &str, net: i64) -> Value {
    let mut memo = invoice(number, net);
    memo["kind"] = "credit_memo".into();
    memo["applies_to"] = of.into();
    memo.as_object_mut().unwrap().remove("due_date");
    memo
}

async fn kept(company: &Company, number: &str) -> Option<String> {
    let sql = "select kept from open_item join document using (document_id) where number = $1";
    sqlx::query_scalar(sql).bind(number).fetch_one(&company.posting.world.db.pool).await.unwrap()
}

async fn dispute(company: &Company) -> domain::clearing::DisputeView {
    clearing::disputes(&company.posting.world.db.pool, &company.posting.scope(), 10).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_refund_consumes_the_credit_memo_and_never_an_open_invoice() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "refunded").await;
    company.live_until("2026-11-15T06:00:00Z").await;
    company.pull().await;
    company.receive().await;
    assert_eq!((company.open("RF-2026-000001").await, company.open("INV-1001").await), (Decimal::from(110), Decimal::ZERO));
    assert_eq!(company.open("INV-1002").await, Decimal::from(220), "what the customer owes besides is left alone");
    company.ties_out().await;
    company.posting.world.imported(&batch("B-2", &[credit_memo("CM-1", "INV-1001", 100)])).await;
    assert_eq!(company.receive().await.credits, 1);
    assert_eq!((company.open("RF-2026-000001").await, company.open("CM-1").await), (Decimal::ZERO, Decimal::ZERO));
    company.posting.post().await;
    company.posting.post().await;
    assert_eq!(company.posting.stage("RF-2026-000001").await, Stage::Posted);
    company.ties_out().await;
}

#[tokio::test]
async fn a_refund_takes_what_is_left_of_its_payment_first() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "150.00", "card", "refunded_in_part").await;
    company.live_until("2026-11-15T06:00:00Z").await;
    company.pull().await;
    let refunded: Decimal = company.posting.world.text("select amount::text from document where kind = 'refund'").await.parse().unwrap();
    assert!(refunded > Decimal::ZERO && refunded < Decimal::from(150));
    let from_payment = refunded.min(Decimal::from(40));
    assert_eq!(company.open("RC-2026-000001").await, (Decimal::from(40) - from_payment).normalize());
    assert_eq!(company.open("RF-2026-000001").await, (refunded - from_payment).normalize());
    assert_eq!(company.open("INV-1001").await, Decimal::ZERO, "the invoice stays paid");
    company.ties_out().await;
}

#[tokio::test]
async fn a_chargeback_makes_the_invoice_owed_again_as_disputed_until_it_is_won() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "dispute_won").await;
    company.live_until("2026-11-12T06:00:00Z").await;
    company.pull().await;
    assert_eq!((company.open("INV-1001").await, company.open("RC-2026-000001").await), (Decimal::from(110), Decimal::ZERO));
    assert_eq!((company.open("CB-2026-000001").await, kept(&company, "INV-1001").await.as_deref()), (Decimal::ZERO, Some("disputed")));
    let waiting = dispute(&company).await;
    assert!(!waiting.status.is_decided() && waiting.respond_by.is_some(), "{waiting:?}");
    assert_eq!(waiting.chargeback.unwrap().1, "CB-2026-000001");
    // payment and invoice, application, its reversal, the application to the chargeback: each waits for the one before it
    for _ in 0..4 {
        company.posting.post().await;
    }
    for number in ["CB-2026-000001", "RV-2026-000001", "AP-2026-000002"] {
        assert_eq!(company.posting.stage(number).await, Stage::Posted, "{number}");
    }
    company.ties_out().await;
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    assert_eq!((company.open("INV-1001").await, kept(&company, "INV-1001").await), (Decimal::ZERO, None));
    assert_eq!(dispute(&company).await.status.as_str(), "won");
    company.ties_out().await;
}

#[tokio::test]
async fn a_dispute_and_its_end_in_one_pull_leave_the_same_as_in_two() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "dispute_won").await;
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    for number in ["INV-1001", "RC-2026-000001", "RC-2026-000002", "CB-2026-000001"] {
        assert_eq!(company.open(number).await, Decimal::ZERO, "{number}");
    }
    assert_eq!(kept(&company, "INV-1001").await, None);
    company.ties_out().await;
}

#[tokio::test]
async fn a_lost_dispute_leaves_the_invoice_owed_and_disputed() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "dispute_lost").await;
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    assert_eq!((company.open("INV-1001").await, kept(&company, "INV-1001").await.as_deref()), (Decimal::from(110), Some("disputed")));
    assert_eq!(dispute(&company).await.status.as_str(), "lost");
    company.ties_out().await;
}

#[tokio::test]
async fn a_returned_direct_debit_makes_the_invoice_owed_again() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "direct_debit", "returned").await;
    company.live_until("2026-11-20T06:00:00Z").await;
    company.pull().await;
    assert_eq!((company.open("INV-1001").await, company.open("RT-2026-000001").await), (Decimal::from(110), Decimal::ZERO));
    assert_eq!(kept(&company, "INV-1001").await, None, "nobody disputes it: the bank did not pay");
    company.ties_out().await;
}

#[tokio::test]
async fn a_document_of_another_meaning_than_its_movement_is_found() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "refunded").await;
    company.live_until("2026-11-15T06:00:00Z").await;
    company.pull().await;
    company.posting.world.tamper("update gateway_entry set kind = 'dispute' where kind = 'refund'").await;
    let report = pipeline::verify::verify(&company.posting.world.db.pool).await.unwrap().to_string();
    assert!(report.contains("DIFFERS gateway movements against documents"), "{report}");
    assert!(report.contains("DIFFERS gateway totals against gateway movements"), "{report}");
}
