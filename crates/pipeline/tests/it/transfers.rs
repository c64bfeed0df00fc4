//! Money that goes to another customer, in its entity or in another one: two documents that are nothing in all, and the way back.

use crate::{
    fake_erp::october,
    invoices::{batch, invoice},
    receivables::{ANN, BOB, Company, why},
    world::person,
};
use domain::{
    access::{Actor, Scope},
    id::{DocumentId, EntityId},
    period::PeriodState,
    roll_forward::RollPart,
    stage::Stage,
    transfer::Transfer,
};
use pipeline::{
    cash, readback,
    workbench::{Resolved, WorkError, approve},
};
use proptest::{prelude::*, test_runner::TestRunner};
use rust_decimal::Decimal;
use std::io::Cursor;

impl Company {
    /// With a second customer in each entity, and what transfers need in the ERP.
    async fn with_others() -> Self {
        let mut company = Self::new().await;
        let (world, connection) = (&company.posting.world, company.posting.connection);
        let accounts = ["TRANSFER", "DUE-TO-DE", "DUE-FROM-US", "DUE-TO-US", "DUE-FROM-DE"];
        for (kind, code) in accounts.map(|code| ("bank_account", code)).into_iter().chain([("customer", "C-2")]) {
            sqlx::query("insert into mapping values ($1, $2, $3, $4, $5, 1, 'active', 'ann', now(), 'bob', now())")
                .bind(uuid::Uuid::now_v7())
                .bind(connection.0)
                .bind(kind)
                .bind(code)
                .bind(format!("erp-{code}"))
                .execute(&world.db.pool)
                .await
                .unwrap();
        }
        for (entity, number) in [("US", "INV-2001"), ("DE", "INV-3001")] {
            let mut other = invoice(number, 400);
            other["customer"] = serde_json::json!({ "code": "C-2", "name": "Borealis Ltd" });
            let mut file = batch(number, &[other]);
            file["entity"] = entity.into();
            let scope = Scope::of_system(vec![world.us, company.posting.de]);
            let file = Cursor::new(file.to_string().into_bytes());
            let report = pipeline::import::import_file(&world.cx, &Actor::User(ANN.into()), &scope, "batch.json", file).await.unwrap();
            assert!(report.errors.is_empty(), "{report:?}");
        }
        company.limit(1_000).await;
        company.told(&[("100.00", "ACME INC", "deposit"), ("80.00", "ACME INC", "deposit")]).await;
        company.receive().await;
        company
    }

    async fn limit(&self, amount: i64) {
        let mut conn = self.posting.world.db.pool.acquire().await.unwrap();
        for entity in [self.posting.world.us, self.posting.de] {
            store::limits::set(&mut conn, entity, "USD", amount.into()).await.unwrap();
        }
    }

    async fn transfer(&self, credit: &str, amount: &str, to_entity: EntityId, customer: &str) -> Result<Resolved, WorkError> {
        let (credit, amount) = (self.live(credit).await, amount.parse().unwrap());
        let wanted = Transfer { credit, amount, to_entity, customer_code: customer.into(), reason: "paid by mistake".into() };
        cash::transfer(&self.posting.world.cx, &person(ANN), &self.posting.scope(), &wanted).await
    }

    async fn take_back(&self, transfer: &str) -> Result<(), WorkError> {
        let transfer = self.live(transfer).await;
        cash::reverse_transfer(&self.posting.world.cx, &person(ANN), &self.posting.scope(), transfer, "it was right before").await
    }

    async fn opens(&self, numbers: &[&str]) -> Vec<Decimal> {
        let mut open = Vec::new();
        for number in numbers {
            open.push(self.open(number).await);
        }
        open
    }

    /// Posts until nothing moves, reading both entities back.
    async fn posted(&self) {
        for _ in 0..3 {
            self.posting.post().await;
            for entity in [self.posting.world.us, self.posting.de] {
                readback::sync(&self.posting.world.cx, &self.posting.erps, entity, october()).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn money_of_another_customer_is_his_by_two_documents_that_are_nothing_in_all() {
    let company = Company::with_others().await;
    let us = company.posting.world.us;
    assert_eq!(company.transfer("RC-2026-000001", "60.00", us, "C-2").await.unwrap(), Resolved::Done);
    let open = company.opens(&["RC-2026-000001", "TR-2026-000001", "TI-2026-000001"]).await;
    assert_eq!(open, [40.into(), Decimal::ZERO, 60.into()]);
    assert_eq!(company.apply(ANN, "TI-2026-000001", &[("INV-2001", "60", None)]).await.unwrap(), Resolved::Done);
    company.posted().await;
    for number in ["TR-2026-000001", "TI-2026-000001", "AP-2026-000001", "AP-2026-000002"] {
        assert_eq!(company.posting.stage(number).await, Stage::Confirmed, "{number}");
    }
    let accounts = "select string_agg(d.number || ' ' || (p.payload #>> '{lines,0,account_ref}'), ', ' order by d.number)
        from posting_payload p join document d using (document_id) where d.number like 'T%'";
    assert_eq!(company.posting.world.text(accounts).await, "TI-2026-000001 erp-TRANSFER, TR-2026-000001 erp-TRANSFER");
    let rolled = store::receivables::roll_forward(&company.posting.world.db.pool, &company.posting.scope()).await.unwrap();
    let of_us = rolled.iter().find(|row| row.entity_code == "US").unwrap();
    assert_eq!((of_us.amount(RollPart::Transfers), of_us.amount(RollPart::Receipts)), (Decimal::ZERO, 180.into()), "it is no receipt");
    company.ties_out().await;
}

#[tokio::test]
async fn between_entities_what_the_one_owes_is_what_the_other_is_owed() {
    let company = Company::with_others().await;
    let de = company.posting.de;
    company.transfer("RC-2026-000001", "100.00", de, "C-2").await.unwrap();
    let lines = "select string_agg(e.code || ' ' || d.kind || ' ' || l.item_code || ' ' || l.net::float, ', ' order by e.code)
        from document d join entity e using (entity_id) join document_line l using (document_id) where d.number like 'T%'";
    assert_eq!(company.posting.world.text(lines).await, "DE payment DUE-FROM-US 100, US transfer DUE-TO-DE 100");
    let age = "select (count(distinct aged_from) = 1)::text from open_item join document using (document_id)
        where number in ('RC-2026-000001', 'TI-2026-000001')";
    assert_eq!(company.posting.world.text(age).await, "true", "the money is as old as it was");
    let rolled = store::receivables::roll_forward(&company.posting.world.db.pool, &company.posting.scope()).await.unwrap();
    let transfers: Vec<_> = rolled.iter().map(|row| (row.entity_code.as_str(), row.amount(RollPart::Transfers).normalize())).collect();
    assert_eq!(transfers, [("DE", (-100).into()), ("US", 100.into())]);
    company.posted().await;
    for number in ["TR-2026-000001", "TI-2026-000001", "AP-2026-000001"] {
        assert_eq!(company.posting.stage(number).await, Stage::Confirmed, "{number}");
    }
    company.ties_out().await;
    company.posting.world.tamper("update document_line set item_code = 'DUE-FROM-DE' where item_code = 'DUE-FROM-US'").await;
    let report = pipeline::verify::verify(&company.posting.world.db.pool).await.unwrap().to_string();
    assert!(report.contains("DIFFERS transfers against documents and each other"), "{report}");
}

#[tokio::test]
async fn between_entities_both_periods_have_to_be_open() {
    let company = Company::with_others().await;
    let (us, de) = (company.posting.world.us, company.posting.de);
    let set = async |entity, state| {
        let mut conn = company.posting.world.db.pool.acquire().await.unwrap();
        store::entities::set_period(&mut conn, entity, october(), state).await.unwrap();
    };
    set(de, PeriodState::SoftClosed).await;
    assert!(why(company.transfer("RC-2026-000001", "10", de, "C-2").await).contains("2026-10 is not open in DE"));
    set(de, PeriodState::Open).await;
    set(us, PeriodState::SoftClosed).await;
    assert!(why(company.transfer("RC-2026-000001", "10", de, "C-2").await).contains("2026-10 is not open in US"));
    assert_eq!(company.transfer("RC-2026-000001", "10", us, "C-2").await.unwrap(), Resolved::Done, "in one entity its own is enough");
    set(us, PeriodState::HardClosed).await;
    assert!(why(company.transfer("RC-2026-000001", "10", us, "C-2").await).contains("hard closed"));
    company.ties_out().await;
}

#[tokio::test]
async fn a_transfer_that_can_not_be_is_refused_with_the_reason() {
    let company = Company::with_others().await;
    let (us, de) = (company.posting.world.us, company.posting.de);
    assert!(why(company.transfer("RC-2026-000001", "100.01", us, "C-2").await).contains("only 100 USD are open"));
    assert!(why(company.transfer("RC-2026-000001", "10", us, "C-1").await).contains("C-1's already"));
    assert!(why(company.transfer("RC-2026-000001", "10", de, "C-1").await).contains("\"C-1\" has no receivables in that entity"));
    assert!(why(company.transfer("INV-1001", "10", us, "C-2").await).contains("only money is transferred"));
    let wanted = Transfer {
        credit: company.live("RC-2026-000001").await,
        amount: 10.into(),
        to_entity: de,
        customer_code: "C-2".into(),
        reason: "so".into(),
    };
    let only_us = Scope::of_system(vec![us]);
    let refused = cash::transfer(&company.posting.world.cx, &person(ANN), &only_us, &wanted).await.unwrap_err();
    assert!(matches!(refused, WorkError::NotFound), "{refused}");
}

#[tokio::test]
async fn above_the_limit_of_either_entity_a_second_person_agrees() {
    let company = Company::with_others().await;
    let mut conn = company.posting.world.db.pool.acquire().await.unwrap();
    store::limits::set(&mut conn, company.posting.de, "USD", 50.into()).await.unwrap();
    let asked = company.transfer("RC-2026-000001", "60", company.posting.de, "C-2").await.unwrap();
    let Resolved::Requested(approval) = asked else { panic!("60 are above 50 in DE") };
    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    let plan = store::approvals::open_of_customer(&cx.pool, &scope, "C-1").await.unwrap().remove(0).plan;
    assert_eq!(plan, "60 USD of RC-2026-000001 go from C-1 to C-2 in DE, which US then owes it");
    let only_us = Scope::of_system(vec![company.posting.world.us]);
    assert!(approve::decide(cx, &person(BOB), &only_us, approval, true, None).await.is_err(), "he has to be let in to both");
    approve::decide(cx, &person(BOB), &scope, approval, true, None).await.unwrap();
    let shown = store::views::receivables::transfers_of_customer(&cx.pool, &scope, "C-2", 10).await.unwrap();
    assert_eq!(
        shown.iter().map(|one| (one.out_number.as_str(), one.approved_by.as_deref())).collect::<Vec<_>>(),
        [("TR-2026-000001", Some(BOB))]
    );
    company.ties_out().await;
}

#[tokio::test]
async fn a_transfer_is_taken_back_once_by_one_the_other_way_and_only_whole() {
    let company = Company::with_others().await;
    company.transfer("RC-2026-000001", "60.00", company.posting.de, "C-2").await.unwrap();
    company.apply(ANN, "TI-2026-000001", &[("INV-3001", "10", None)]).await.unwrap();
    let refused = company.take_back("TR-2026-000001").await.unwrap_err().to_string();
    assert!(refused.contains("Of TI-2026-000001 only 50 USD are open"), "{refused}");
    let (cx, scope, ann) = (&company.posting.world.cx, company.posting.scope(), person(ANN));
    let application =
        company.posting.world.text("select document_id::text from application where credit_id = (select in_id from transfer)").await;
    cash::reverse(cx, &ann, &scope, application.parse().unwrap(), "wrong").await.unwrap();
    let given =
        company.posting.world.text("select document_id::text from application where credit_id = (select credit_id from transfer)").await;
    let by_itself = cash::reverse(cx, &ann, &scope, given.parse().unwrap(), "no").await.unwrap_err().to_string();
    assert!(by_itself.contains("take the transfer back instead"), "{by_itself}");
    company.take_back("TR-2026-000001").await.unwrap();
    let back = "select string_agg(e.code || ' ' || d.customer_code || ' ' || l.item_code || ' ' || i.open::float, ', ' order by e.code, d.kind)
        from transfer t join document d on d.document_id in (t.out_id, t.in_id) join entity e on e.entity_id = d.entity_id
        join document_line l on l.document_id = d.document_id join open_item i on i.document_id = d.document_id where t.reverses is not null";
    assert_eq!(company.posting.world.text(back).await, "DE C-2 DUE-TO-US 0, US C-1 DUE-FROM-DE 60");
    let again = company.take_back("TR-2026-000001").await.unwrap_err().to_string();
    assert!(again.contains("taken back already"), "{again}");
    company.posted().await;
    company.ties_out().await;
}

/// One thing that happens to money that came.
#[derive(Debug, Clone)]
enum Deed {
    Transfer { credit: i64, cents: i64, crosses: bool, back: bool },
    TakeBack { which: i64 },
    Apply { credit: i64, cents: i64 },
    Reverse { which: i64 },
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (0..5i64, 1..8_000i64, any::<bool>(), any::<bool>())
            .prop_map(|(credit, cents, crosses, back)| Deed::Transfer { credit, cents, crosses, back }),
        2 => (0..4i64).prop_map(|which| Deed::TakeBack { which }),
        2 => (0..5i64, 1..8_000i64).prop_map(|(credit, cents)| Deed::Apply { credit, cents }),
        1 => (0..6i64).prop_map(|which| Deed::Reverse { which }),
    ];
    proptest::collection::vec(deed, 1..14)
}

/// Wherever money goes and comes back from: it is never more and never less, and entities owe each other the same.
#[test]
fn cash_is_conserved_over_any_sequence_of_transfers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() });
    let tried = runner.run(&deeds(), |deeds| {
        runtime.block_on(done(&deeds));
        Ok(())
    });
    tried.unwrap();
}

async fn done(deeds: &[Deed]) {
    let company = Company::with_others().await;
    company.limit(1_000_000).await;
    let (cx, scope, ann, us, de) =
        (&company.posting.world.cx, company.posting.scope(), person(ANN), company.posting.world.us, company.posting.de);
    let nth = async |kind: &str, which: i64| -> Option<DocumentId> {
        let sql = "select document_id from document where kind = $1 order by document_id offset $2 limit 1";
        sqlx::query_scalar::<_, uuid::Uuid>(sql).bind(kind).bind(which).fetch_optional(&cx.pool).await.unwrap().map(DocumentId)
    };
    for deed in deeds {
        match deed {
            Deed::Transfer { credit, cents, crosses, back } => {
                let Some(credit) = nth("payment", *credit).await else { continue };
                let (to_entity, customer_code) = if *crosses { (de, "C-2") } else { (us, if *back { "C-1" } else { "C-2" }) };
                let wanted = Transfer {
                    credit,
                    amount: Decimal::new(*cents, 2),
                    to_entity,
                    customer_code: customer_code.into(),
                    reason: "so".into(),
                };
                let _ = cash::transfer(cx, &ann, &scope, &wanted).await;
            }
            Deed::TakeBack { which } => {
                if let Some(transfer) = nth("transfer", *which).await {
                    let _ = cash::reverse_transfer(cx, &ann, &scope, transfer, "no").await;
                }
            }
            Deed::Apply { credit, cents } => {
                let Some(credit) = nth("payment", *credit).await else { continue };
                for debit in ["INV-1003", "INV-2001", "INV-3001"] {
                    let part =
                        domain::receivable::Allocate { debit: company.live(debit).await, amount: Decimal::new(*cents, 2), write_off: None };
                    let wanted = domain::receivable::Apply { credit, deducted: Vec::new(), allocations: vec![part], reason: "so".into() };
                    let _ = cash::apply(cx, &ann, &scope, &wanted).await;
                }
            }
            Deed::Reverse { which } => {
                if let Some(application) = nth("cash_application", *which).await {
                    let _ = cash::reverse(cx, &ann, &scope, application, "no").await;
                }
            }
        }
    }
    let conserved = "select concat_ws(' ', sum(amount) filter (where kind = 'payment') - coalesce(sum(amount) filter (where kind = 'transfer'), 0) = 180,
            sum(applied) filter (where not debits_ar(kind)) = sum(applied) filter (where debits_ar(kind)),
            coalesce(bool_and(open = 0) filter (where kind = 'transfer'), true)) from open_item";
    assert_eq!(company.posting.world.text(conserved).await, "t t t");
    company.ties_out().await;
}
