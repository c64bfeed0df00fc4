//! Refunds that people ask for: what they consume, who has to agree, and that the money which then leaves is that refund and no second one.

use crate::{gateways::Company, invoices::invoice, money_back::movement, world::person};
use chrono::TimeDelta;
use domain::{
    id::DocumentId,
    period::PeriodState,
    refund::{Refund, RefundPayable},
    settlement::EntryKind,
    stage::Stage,
};
use pipeline::{
    cash,
    workbench::{Resolved, WorkError, approve},
};
use proptest::{prelude::*, test_runner::TestRunner};
use rust_decimal::Decimal;

const ANN: &str = "ann@lumen.example";
const BOB: &str = "bob@lumen.example";

impl Company {
    async fn live(&self, number: &str) -> DocumentId {
        let sql = "select document_id from document where number = $1 and superseded_by is null";
        DocumentId(sqlx::query_scalar(sql).bind(number).fetch_one(&self.posting.world.db.pool).await.unwrap())
    }

    async fn limit(&self, amount: i64) {
        let mut conn = self.posting.world.db.pool.acquire().await.unwrap();
        store::limits::set(&mut conn, self.posting.world.us, "USD", amount.into()).await.unwrap();
    }

    /// Asks for it the way the money came.
    async fn refund(&self, credit: &str, amount: &str) -> Result<Resolved, WorkError> {
        let (cx, scope, credit) = (&self.posting.world.cx, self.posting.scope(), self.live(credit).await);
        let ways = store::receivables::refund_ways(&mut cx.pool.acquire().await.unwrap(), &scope, credit).await.unwrap();
        let wanted = Refund { credit, amount: amount.parse().unwrap(), way: ways[0].id, reason: "paid twice".into() };
        cash::refund(cx, &person(ANN), &scope, &wanted).await
    }

    async fn payable(&self) -> Vec<RefundPayable> {
        store::views::receivables::refunds_payable(&self.posting.world.db.pool, &self.posting.scope(), "C-1").await.unwrap()
    }

    async fn refunds(&self) -> String {
        self.posting.world.text("select count(*)::text from document where kind = 'refund'").await
    }

    /// What a person does until it is in the ERP and read back.
    async fn posted(&self) {
        for _ in 0..3 {
            self.posting.post().await;
            for period in ["2026-10", "2026-11"] {
                self.posting.sync_period(period.parse().unwrap()).await;
            }
        }
    }
}

fn why(refused: Result<Resolved, WorkError>) -> String {
    refused.unwrap_err().to_string()
}

#[tokio::test]
async fn a_refund_consumes_open_money_posts_at_once_and_is_paid_out_by_the_line_that_names_it() {
    let company = Company::new().await;
    company.limit(1_000).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit").await;
    company.receive().await;
    company.posting.clock.advance(TimeDelta::days(3));
    assert_eq!(company.refund("RC-2026-000001", "150.00").await.unwrap(), Resolved::Done);
    assert_eq!((company.open("RC-2026-000001").await, company.open("RF-2026-000001").await), (Decimal::from(250), Decimal::ZERO));
    let payable = company.payable().await;
    assert_eq!(
        payable.iter().map(|refund| (refund.number.as_str(), refund.way.as_str())).collect::<Vec<_>>(),
        [("RF-2026-000001", "Operating")]
    );
    company.posted().await;
    for number in ["RF-2026-000001", "AP-2026-000001"] {
        assert_eq!(company.posting.stage(number).await, Stage::Confirmed, "{number}");
    }
    company.ties_out().await;
    company.booked(2, "D", "150.00", "NOTPROVIDED", "somebody else").await;
    company.receive().await;
    assert_eq!(company.payable().await.len(), 1, "another payment of the same amount is not it");
    company.booked(3, "D", "150.00", "NOTPROVIDED", "Refund RF-2026-000001").await;
    company.receive().await;
    assert_eq!((company.payable().await.len(), company.refunds().await.as_str()), (0, "1"));
    let lines = "select string_agg(part || ' ' || amount::float, ', ' order by part) from cash_line where part <> 'receipt'";
    assert_eq!(company.posting.world.text(lines).await, "out -150, refund -150");
    company.ties_out().await;
}

#[tokio::test]
async fn a_line_to_the_account_that_had_paid_pays_the_only_refund_that_it_can_mean() {
    let company = Company::new().await;
    company.limit(1_000).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit/IBAN/DE02120300000000202051").await;
    company.receive().await;
    company.posting.clock.advance(TimeDelta::days(2));
    company.refund("RC-2026-000001", "100.00").await.unwrap();
    company.booked(2, "D", "100.00", "NOTPROVIDED", "thank you/IBAN/DE02120300000000202051").await;
    company.receive().await;
    assert_eq!(company.payable().await.len(), 0);
    company.refund("RC-2026-000001", "50.00").await.unwrap();
    company.refund("RC-2026-000001", "50.00").await.unwrap();
    company.booked(3, "D", "50.00", "NOTPROVIDED", "thank you/IBAN/DE02120300000000202051").await;
    company.receive().await;
    assert_eq!(company.payable().await.len(), 2, "it can be either: a person has to look");
    company.ties_out().await;
}

#[tokio::test]
async fn a_refund_through_a_gateway_is_that_which_the_gateway_then_moves() {
    let company = Company::new().await;
    company.limit(1_000).await;
    let (cx, pool) = (&company.posting.world.cx, &company.posting.world.db.pool);
    let tell = async |place, kind, cents| {
        let now = cx.clock.now();
        let new = [movement(place, kind, "INV-1001", cents, now)];
        store::gateways::insert_entries(&mut pool.acquire().await.unwrap(), company.account, &new, now).await.unwrap();
        company.pull().await;
    };
    tell(1, EntryKind::Charge, 15_000).await;
    company.refund("RC-2026-000001", "40.00").await.unwrap();
    assert_eq!(company.payable().await[0].way, "Stripe", "it goes back the way it came");
    tell(2, EntryKind::Refund, 3_000).await;
    assert_eq!((company.payable().await.len(), company.refunds().await.as_str()), (1, "2"), "of another amount it is another refund");
    tell(3, EntryKind::Refund, 4_000).await;
    assert_eq!((company.payable().await.len(), company.refunds().await.as_str()), (0, "2"));
    company.ties_out().await;
    tell(4, EntryKind::Refund, 4_000).await;
    assert_eq!(company.refunds().await, "3", "a second movement is no part of it");
    company.ties_out().await;
}

#[tokio::test]
async fn above_the_limit_a_second_person_agrees_and_until_then_nothing_goes_back() {
    let company = Company::new().await;
    company.limit(100).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit").await;
    company.receive().await;
    assert_eq!(company.refund("RC-2026-000001", "60.00").await.unwrap(), Resolved::Done);
    let Resolved::Requested(approval) = company.refund("RC-2026-000001", "60.00").await.unwrap() else { panic!("120 are above 100") };
    assert_eq!(company.open("RC-2026-000001").await, Decimal::from(340));
    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    let asked = store::approvals::open_of_customer(&cx.pool, &scope, "C-1").await.unwrap();
    assert!(asked[0].plan.starts_with("60 USD of RC-2026-000001 go back to C-1 from Operating"), "{}", asked[0].plan);
    assert!(approve::decide(cx, &person(ANN), &scope, approval, true, None).await.is_err(), "nobody approves his own");
    approve::decide(cx, &person(BOB), &scope, approval, true, Some("seen")).await.unwrap();
    assert_eq!(company.open("RC-2026-000001").await, Decimal::from(280));
    let agreed: Vec<_> = company.payable().await.into_iter().map(|refund| refund.approved_by).collect();
    assert_eq!(agreed, [None, Some(BOB.to_owned())]);
    company.ties_out().await;
}

#[tokio::test]
async fn what_is_owed_unknown_or_closed_is_not_given_back() {
    let company = Company::new().await;
    company.limit(1_000).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit").await;
    company.receive().await;
    assert!(why(company.refund("RC-2026-000001", "400.01").await).contains("only 400 USD are open"));
    assert!(why(company.refund("RC-2026-000001", "1.005").await).contains("is no amount of USD"));
    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    let ways =
        store::receivables::refund_ways(&mut cx.pool.acquire().await.unwrap(), &scope, company.live("RC-2026-000001").await).await.unwrap();
    let of = async |credit: &str, way| {
        let wanted = Refund { credit: company.live(credit).await, amount: Decimal::ONE, way, reason: "why not".into() };
        why(cash::refund(cx, &person(ANN), &scope, &wanted).await)
    };
    assert!(of("INV-1001", ways[0].id).await.contains("is owed to us"));
    assert!(of("RC-2026-000001", uuid::Uuid::nil()).await.contains("Choose an account of USD"));
    let mut conn = cx.pool.acquire().await.unwrap();
    store::entities::set_period(&mut conn, company.posting.world.us, "2026-10".parse().unwrap(), PeriodState::HardClosed).await.unwrap();
    assert!(why(company.refund("RC-2026-000001", "10.00").await).contains("2026-10 is hard closed in US"));
}

#[tokio::test]
async fn a_refund_that_never_leaves_is_put_back_by_a_payment() {
    let company = Company::new().await;
    company.limit(1_000).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit").await;
    company.receive().await;
    company.refund("RC-2026-000001", "150.00").await.unwrap();
    let (cx, scope, refund) = (&company.posting.world.cx, company.posting.scope(), company.live("RF-2026-000001").await);
    cash::withdraw_refund(cx, &person(ANN), &scope, refund, "the account is closed").await.unwrap();
    assert_eq!((company.payable().await.len(), company.open("RC-2026-000002").await), (0, Decimal::from(150)));
    let twice = cash::withdraw_refund(cx, &person(ANN), &scope, refund, "again").await.unwrap_err();
    assert!(twice.to_string().contains("withdrawn already"), "{twice}");
    company.posted().await;
    assert_eq!(company.posting.stage("RC-2026-000002").await, Stage::Confirmed);
    company.ties_out().await;
    company.posting.world.tamper("update refund set paid_at = now(), withdrawn_by = null").await;
    let report = pipeline::verify::verify(&company.posting.world.db.pool).await.unwrap().to_string();
    assert!(report.contains("DIFFERS refunds against money and accounts"), "{report}");
}

/// One thing that happens to money that came.
#[derive(Debug, Clone)]
enum Deed {
    Apply {
        credit: usize,
        debit: usize,
        cents: i64,
    },
    Refund {
        credit: usize,
        cents: i64,
    },
    Withdraw {
        which: i64,
    },
    Reverse {
        which: i64,
    },
    /// The bank pays a refund out.
    PaidOut {
        which: i64,
    },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0..2usize, 0..3usize, 1..30_000i64).prop_map(|(credit, debit, cents)| Deed::Apply { credit, debit, cents }),
        3 => (0..2usize, 1..30_000i64).prop_map(|(credit, cents)| Deed::Refund { credit, cents }),
        1 => (0..4i64).prop_map(|which| Deed::Withdraw { which }),
        1 => (0..6i64).prop_map(|which| Deed::Reverse { which }),
        2 => (0..4i64).prop_map(|which| Deed::PaidOut { which }),
    ];
    proptest::collection::vec(deed, 1..16)
}

/// Whatever is applied, given back, withdrawn, taken back and paid out in whatever order.
#[test]
fn cash_is_conserved_over_any_sequence_with_refunds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() });
    let tried = runner.run(&deeds(), |deeds| {
        runtime.block_on(done(&deeds));
        Ok(())
    });
    tried.unwrap();
}

async fn done(deeds: &[Deed]) {
    let company = Company::new().await;
    company.limit(1_000_000).await;
    company.booked(1, "C", "400.00", "NOTPROVIDED", "deposit").await;
    company.booked(2, "C", "250.00", "NOTPROVIDED", "another").await;
    company.receive().await;
    let (cx, scope, ann) = (&company.posting.world.cx, company.posting.scope(), person(ANN));
    let (credits, debits) = (["RC-2026-000001", "RC-2026-000002"], ["INV-1001", "INV-1002", "INV-1003"]);
    let nth = async |kind: &str, which: i64| -> Option<(uuid::Uuid, String)> {
        let sql = "select document_id, number || ' ' || amount from document where kind = $1 order by number offset $2 limit 1";
        sqlx::query_as(sql).bind(kind).bind(which).fetch_optional(&cx.pool).await.unwrap()
    };
    for (place, deed) in (3u32..).zip(deeds) {
        match deed {
            Deed::Apply { credit, debit, cents } => {
                let allocations = vec![domain::receivable::Allocate {
                    debit: company.live(debits[*debit]).await,
                    amount: Decimal::new(*cents, 2),
                    write_off: None,
                }];
                let credit = company.live(credits[*credit]).await;
                let _ = cash::apply(
                    cx,
                    &ann,
                    &scope,
                    &domain::receivable::Apply { credit, deducted: Vec::new(), allocations, reason: "so".into() },
                )
                .await;
            }
            Deed::Refund { credit, cents } => {
                let amount = Decimal::new(*cents, 2);
                let fits = amount <= company.open(credits[*credit]).await;
                assert_eq!(company.refund(credits[*credit], &amount.to_string()).await.is_ok(), fits);
            }
            Deed::Withdraw { which } => {
                if let Some((id, _)) = nth("refund", *which).await {
                    let _ = cash::withdraw_refund(cx, &ann, &scope, DocumentId(id), "no").await;
                }
            }
            Deed::Reverse { which } => {
                if let Some((id, _)) = nth("cash_application", *which).await {
                    let _ = cash::reverse(cx, &ann, &scope, DocumentId(id), "no").await;
                }
            }
            Deed::PaidOut { which } => {
                if let Some((_, said)) = nth("refund", *which).await {
                    let (number, amount) = said.split_once(' ').unwrap();
                    let amount: Decimal = amount.parse().unwrap();
                    company.booked(place, "D", &format!("{amount:.2}"), "NOTPROVIDED", number).await;
                    company.receive().await;
                }
            }
        }
    }
    let conserved = "select (sum(case when debits_ar(kind) then open else -open end) = sum(case when debits_ar(kind) then amount else -amount end))::text
        from open_item";
    assert_eq!(company.posting.world.text(conserved).await, "true", "applications are zero-sum");
    let given_back = "select (coalesce(sum(amount) filter (where kind = 'refund'), 0) - coalesce(sum(amount) filter (where kind = 'payment'), 0) + 650
        = coalesce((select sum(d.amount) from refund r join document d using (document_id) where r.withdrawn_by is null), 0))::text from document";
    assert_eq!(company.posting.world.text(given_back).await, "true", "what left is what was refunded and not withdrawn");
    company.ties_out().await;
}

#[tokio::test]
async fn a_credit_memo_can_be_refunded_too() {
    let company = Company::new().await;
    company.limit(1_000).await;
    let mut memo = invoice("CM-1", 100);
    memo["kind"] = "credit_memo".into();
    memo.as_object_mut().unwrap().remove("due_date");
    company.posting.world.imported(&crate::invoices::batch("B-2", &[memo])).await;
    company.refund("CM-1", "110.00").await.unwrap();
    assert_eq!((company.open("CM-1").await, company.payable().await[0].credit_number.as_str()), (Decimal::ZERO, "CM-1"));
    company.posted().await;
    assert_eq!(company.posting.stage("AP-2026-000001").await, Stage::Confirmed);
    company.ties_out().await;
}
