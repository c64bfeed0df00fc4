//! Money that goes back through a gateway: what it does to the payment, the invoice and the credit memo.

use crate::{
    gateways::Company,
    invoices::{batch, invoice},
    receivables::{ANN, BOB},
    world::person,
};
use chrono::{DateTime, Utc};
use domain::{
    id::DocumentId,
    money::Currency,
    receivable::{Allocate, Apply, WriteOffReason},
    settlement::{EntryKind, GatewayEntry},
    stage::{DocumentKind, Stage},
};
use pipeline::{
    cash,
    workbench::{Resolved, approve},
};
use proptest::{prelude::*, test_runner::TestRunner};
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

impl Company {
    async fn document(&self, number: &str) -> DocumentId {
        let sql = "select document_id from document where number = $1 and superseded_by is null";
        DocumentId(sqlx::query_scalar(sql).bind(number).fetch_one(&self.posting.world.db.pool).await.unwrap())
    }
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
    // payment and invoice, application, its reversal, the application to the chargeback: each waits until the one before it is confirmed
    for _ in 0..4 {
        company.posting.post().await;
        for period in ["2026-10", "2026-11"] {
            company.posting.sync_period(period.parse().unwrap()).await;
        }
    }
    for number in ["CB-2026-000001", "RV-2026-000001", "AP-2026-000002"] {
        assert_eq!(company.posting.stage(number).await, Stage::Confirmed, "{number}");
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
async fn a_dispute_that_is_won_lifts_its_own_mark_and_nobody_elses() {
    let company = Company::new().await;
    company.charge_with("INV-1001", "110.00", "card", "dispute_won").await;
    let sql = "select document_id from document where number = 'INV-1001'";
    let invoice = sqlx::query_scalar(sql).fetch_one(&company.posting.world.db.pool).await.unwrap();
    let (cx, ann, scope) = (&company.posting.world.cx, person("ann@lumen.example"), company.posting.scope());
    pipeline::cash::keep(cx, &ann, &scope, DocumentId(invoice), true, "the hours are wrong").await.unwrap();
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    assert_eq!(dispute(&company).await.status.as_str(), "won");
    assert_eq!(kept(&company, "INV-1001").await.as_deref(), Some("disputed"), "somebody marked it for another reason");
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
async fn a_lost_dispute_is_written_off_under_a_reason_of_its_own_and_only_by_a_second_person() {
    let company = Company::new().await;
    let (cx, pool) = (&company.posting.world.cx, &company.posting.world.db.pool);
    let (ann, bob, scope) = (person(ANN), person(BOB), company.posting.scope());
    let lost = || async { clearing::lost(pool, &scope, 10).await.unwrap() };
    company.charge_with("INV-1001", "110.00", "card", "dispute_lost").await;
    company.live_until("2026-11-12T06:00:00Z").await;
    company.pull().await;
    let invoice = company.document("INV-1001").await;
    assert!(lost().await.is_empty(), "it is not decided yet");
    let early = cash::give_up(cx, &ann, &scope, invoice, "lost").await.unwrap_err();
    assert!(early.to_string().contains("No lost dispute left INV-1001 owed"), "{early}");
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    assert_eq!(lost().await[0].open, Decimal::from(110));
    let Resolved::Requested(asked) = cash::give_up(cx, &ann, &scope, invoice, "evidence was refused").await.unwrap() else {
        panic!("no limit lets one person write a dispute off")
    };
    assert_eq!((company.open("INV-1001").await, lost().await[0].asked_by.as_deref()), (Decimal::from(110), Some(ANN)));
    assert!(approve::decide(cx, &ann, &scope, asked, true, None).await.is_err(), "nobody approves his own");
    approve::decide(cx, &bob, &scope, asked, true, None).await.unwrap();
    assert_eq!((company.open("INV-1001").await, company.open("WO-2026-000001").await), (Decimal::ZERO, Decimal::ZERO));
    assert!(lost().await.is_empty() && kept(&company, "INV-1001").await.is_none());
    let why = "select w.reason || ' ' || l.item_code || ' ' || w.decided_by from write_off w join document_line l using (document_id)";
    let told = company.posting.world.text(why).await;
    assert_eq!(told, "dispute_lost WRITE-OFF-DISPUTE ann@lumen.example, approved by bob@lumen.example");
    assert!(cash::give_up(cx, &ann, &scope, invoice, "again").await.is_err(), "nothing is owed any more");
    company.posting.post().await;
    assert_eq!(company.posting.stage("WO-2026-000001").await, Stage::Posted);
    company.ties_out().await;
}

#[tokio::test]
async fn what_was_asked_for_a_lost_dispute_is_void_once_something_else_settled_a_part_and_no_short_payment_has_its_reason() {
    let company = Company::new().await;
    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    company.charge_with("INV-1001", "110.00", "card", "dispute_lost").await;
    company.live_until("2026-12-20T06:00:00Z").await;
    company.pull().await;
    let invoice = company.document("INV-1001").await;
    let Resolved::Requested(asked) = cash::give_up(cx, &person(ANN), &scope, invoice, "lost").await.unwrap() else { panic!("asked") };
    company.booked(1, "C", "40.00", "E2E-9", "part of what we owe").await;
    company.receive().await;
    let credit = company.document("RC-2026-000002").await;
    let part = |write_off| Apply {
        credit,
        allocations: vec![Allocate { debit: invoice, amount: 40.into(), write_off }],
        deducted: Vec::new(),
        reason: "it says so".into(),
    };
    let lost = part(Some((WriteOffReason::DisputeLost, 70.into())));
    let refused = cash::apply(cx, &person(ANN), &scope, &lost).await.unwrap_err();
    assert!(refused.to_string().contains("no short payment has"), "{refused}");
    assert_eq!(cash::apply(cx, &person(ANN), &scope, &part(None)).await.unwrap(), Resolved::Done);
    let void = approve::decide(cx, &person(BOB), &scope, asked, true, None).await.unwrap_err();
    assert!(void.to_string().contains("70.00 USD are open by now"), "{void}");
    assert_eq!(company.open("INV-1001").await, Decimal::from(70));
    company.ties_out().await;
}

#[tokio::test]
async fn what_went_back_of_an_unknown_payer_is_settled_when_the_payment_is_said_to_be_his() {
    for (fate, number) in [("refunded", "RF-2026-000001"), ("dispute_lost", "CB-2026-000001")] {
        let company = Company::new().await;
        let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
        company.charge_with("INV-9999", "110.00", "card", fate).await;
        company.live_until("2026-12-20T06:00:00Z").await;
        company.pull().await;
        for held in ["RC-2026-000001", number] {
            assert_eq!(company.posting.stage(held).await, Stage::Held, "{held}");
        }
        let (payment, back) = (company.document("RC-2026-000001").await, company.document(number).await);
        let alone = cash::identify(cx, &person(ANN), &scope, back, "C-1", "a guess").await.unwrap_err();
        assert!(alone.to_string().contains("Say who paid RC-2026-000001"), "{alone}");
        cash::identify(cx, &person(ANN), &scope, payment, "C-1", "he wrote to us").await.unwrap();
        assert_eq!((company.open("RC-2026-000001").await, company.open(number).await), (Decimal::ZERO, Decimal::ZERO));
        let whose = "select string_agg(distinct customer_code, ' ') from document where is_money(kind) and superseded_by is null";
        assert_eq!(company.posting.world.text(whose).await, "C-1");
        let of_live = "select count(*)::text from payment p join document d on d.document_id = p.takes_back
            join document b on b.document_id = p.document_id where d.superseded_by is null and b.superseded_by is null";
        assert_eq!(company.posting.world.text(of_live).await, "1", "it takes the new version back");
        company.posting.post().await;
        let posted = "select string_agg(distinct stage, ' ') from document where is_money(kind) and superseded_by is null";
        assert_eq!(company.posting.world.text(posted).await, "posted");
        company.ties_out().await;
    }
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

/// A movement of the balance that the gateway tells of, about one of its charges.
pub fn movement(place: i64, kind: EntryKind, charge: &str, cents: i64, at: DateTime<Utc>) -> GatewayEntry {
    let comes = kind.document() == Some(DocumentKind::Payment);
    let amount = Decimal::new(if comes { cents } else { -cents }, 2);
    GatewayEntry {
        id: format!("txn_{place}"),
        kind,
        amount,
        currency: Currency::USD,
        gross: amount,
        fee: Decimal::ZERO,
        net: amount,
        settlement_currency: Currency::USD,
        exchange_rate: None,
        created_at: at,
        available_on: None,
        payout: None,
        source: None,
        payment_reference: Some(format!("pi_{charge}")),
        merchant_reference: None,
        invoice_numbers: vec![charge.to_owned()],
        customer_reference: None,
        reason: None,
    }
}

const KINDS: [EntryKind; 6] =
    [EntryKind::Charge, EntryKind::Refund, EntryKind::RefundFailure, EntryKind::Return, EntryKind::Dispute, EntryKind::DisputeReversal];

#[test]
fn no_cash_is_lost_and_no_item_over_given_whatever_moves_in_whatever_order() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let steps = prop::collection::vec((0..KINDS.len(), 0..3usize, 1..40_000i64, any::<bool>()), 1..14);
    let mut runner = TestRunner::new(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() });
    let tried = runner.run(&steps, |steps| {
        runtime.block_on(moves(&steps));
        Ok(())
    });
    tried.unwrap();
}

/// Each step is a movement about an invoice; with `pulls` the documents are made at once, else with those that follow.
async fn moves(steps: &[(usize, usize, i64, bool)]) {
    let company = Company::new().await;
    let (cx, pool) = (&company.posting.world.cx, &company.posting.world.db.pool);
    for (place, (kind, invoice, cents, pulls)) in (0i64..).zip(steps) {
        let charge = ["INV-1001", "INV-1002", "INV-1003"][*invoice];
        let at = cx.clock.now() + chrono::TimeDelta::seconds(place);
        let new = [movement(place, KINDS[*kind], charge, *cents, at)];
        store::gateways::insert_entries(&mut pool.acquire().await.unwrap(), company.account, &new, at).await.unwrap();
        if *pulls {
            company.pull().await;
            company.receive().await;
        }
    }
    company.pull().await;
    company.receive().await;
    let conserved = "select (sum(case when debits_ar(kind) then open else -open end) = sum(case when debits_ar(kind) then amount else -amount end))::text
        from open_item";
    assert_eq!(company.posting.world.text(conserved).await, "true", "applications are zero-sum");
    let moved = "select (select coalesce(sum(amount), 0) from gateway_entry)
        = (select coalesce(sum(case when kind = 'payment' then amount else -amount end), 0) from document where is_money(kind))";
    assert!(sqlx::query_scalar::<_, bool>(moved).fetch_one(pool).await.unwrap(), "every movement is one document");
    company.ties_out().await;
}

impl Company {
    /// A statement with one line, `C` or `RC` (the reversal of a credit), under a reference from end to end.
    pub async fn booked(&self, number: u32, mark: &str, amount: &str, reference: &str, text: &str) {
        let opening = Decimal::from(1_000 * number);
        let moved: Decimal = amount.parse().unwrap();
        let closing = if mark == "C" { opening + moved } else { opening - moved };
        let swift = |amount: Decimal| format!("{amount:.2}").replace('.', ",");
        let file = format!(
            ":20:ST{number}\r\n:25:000123456789\r\n:28C:{number}/1\r\n:60F:C261102USD{}\r\n:61:2611031103{mark}{}NTRFNONREF//P{number}\r\n\
             :86:/EREF/{reference}/NAME/Acme, Inc./REMI/{text}\r\n:62F:C261103USD{}\r\n-\r\n",
            swift(opening),
            swift(moved),
            swift(closing)
        );
        self.statement(file).await;
    }
}

#[tokio::test]
async fn returns_that_could_mean_the_same_payments_take_one_each() {
    let company = Company::new().await;
    for number in [1, 2] {
        company.booked(number, "C", "110.00", "MANDATE-7", "INV-1001").await;
    }
    company.receive().await;
    for number in [3, 4, 5] {
        company.booked(number, "RC", "110.00", "MANDATE-7", "AC04 account closed").await;
    }
    assert_eq!(company.receive().await.returned, 3);
    let taken = "select string_agg(d.number || ' ' || coalesce(p.number, '-'), ', ' order by d.number) from payment t
        join document d using (document_id) left join document p on p.document_id = t.takes_back where d.kind = 'returned_payment'";
    let expected = "RT-2026-000001 RC-2026-000001, RT-2026-000002 RC-2026-000002, RT-2026-000003 -";
    assert_eq!(company.posting.world.text(taken).await, expected);
    company.ties_out().await;
}

#[tokio::test]
async fn a_payment_that_the_bank_takes_back_is_owed_again() {
    let company = Company::new().await;
    company.booked(1, "C", "110.00", "E2E-7", "INV-1001").await;
    assert_eq!(company.receive().await.applied, 1);
    assert_eq!(company.open("INV-1001").await, Decimal::ZERO);
    company.booked(2, "RC", "110.00", "E2E-7", "AC04 account closed").await;
    company.booked(3, "RC", "75.00", "E2E-8", "nobody knows").await;
    assert_eq!(company.receive().await.returned, 2);
    assert_eq!((company.open("INV-1001").await, company.open("RT-2026-000001").await), (Decimal::from(110), Decimal::ZERO));
    assert_eq!((company.open("RC-2026-000001").await, kept(&company, "INV-1001").await), (Decimal::ZERO, None));
    assert_eq!(company.posting.stage("RT-2026-000002").await, Stage::Held, "whose it is nobody knows yet");
    assert_eq!(company.receive().await.returned, 0);
    company.ties_out().await;
    company.posting.world.tamper("update document set amount = 100 where number = 'RT-2026-000002'").await;
    let report = pipeline::verify::verify(&company.posting.world.db.pool).await.unwrap().to_string();
    assert!(report.contains("DIFFERS bank lines against payments and payouts"), "{report}");
}
