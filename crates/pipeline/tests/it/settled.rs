//! Checkpoint 4: what banks told against what was applied. Nothing of it is read from the documents' own totals, so a line that became no
//! payment, or another one, is found.

use crate::{
    receivables::{ANN, Company},
    world::person,
};
use chrono::TimeDelta;
use domain::{
    checkpoint::{BreakKind, Checkpoint, Tie},
    period::AccountingPeriod,
    reconciliation::{BreakFilter, BreakRow, CheckpointCell},
    stage::Side,
};
use pipeline::{cash, reconcile};
use rust_decimal::Decimal;
use store::reconciliation;

fn october() -> AccountingPeriod {
    "2026-10".parse().unwrap()
}

impl Company {
    async fn compared(&self) -> Option<CheckpointCell> {
        let posting = &self.posting;
        reconcile::run(&posting.world.cx, Checkpoint::Cash, posting.world.us, october()).await.unwrap()?;
        let cells = reconciliation::cells(&posting.world.db.pool, &posting.scope(), Checkpoint::Cash, october()).await.unwrap();
        cells.into_iter().find(|cell| cell.side == Side::Credit)
    }

    /// Numbers of the payments, in their order.
    async fn money(&self) -> Vec<String> {
        let sql = "select number from document where kind = 'payment' and superseded_by is null order by number";
        sqlx::query_scalar(sql).fetch_all(&self.posting.world.db.pool).await.unwrap()
    }

    async fn breaks(&self) -> Vec<BreakRow> {
        let filter = BreakFilter { checkpoint: Checkpoint::Cash, ..BreakFilter::default() };
        reconciliation::breaks(&self.posting.world.db.pool, &self.posting.scope(), &filter, None, 100).await.unwrap().rows
    }
}

fn figures(cell: &CheckpointCell) -> (Tie, String, String, String, String) {
    let text = |amount: Decimal| amount.normalize().to_string();
    (cell.tie(), text(cell.left.amount), text(cell.right.amount), text(cell.timing_amount), text(cell.unreconciled_amount))
}

fn told(tie: Tie, left: &str, right: &str, timing: &str, unreconciled: &str) -> (Tie, String, String, String, String) {
    (tie, left.into(), right.into(), timing.into(), unreconciled.into())
}

#[tokio::test]
async fn money_that_is_not_applied_is_on_the_way_for_its_time_and_a_break_after_it_until_a_person_keeps_it() {
    let mut company = Company::new().await;
    assert_eq!(company.compared().await, None, "no bank has told of anything");
    company.told(&[("110.00", "ACME INC", "INV-1001"), ("75.00", "NOBODY KNOWN", "thanks")]).await;
    assert_eq!(figures(&company.compared().await.unwrap()), told(Tie::Timing, "185", "0", "185", "0"), "lines that are no payments yet");

    company.receive().await;
    assert_eq!(figures(&company.compared().await.unwrap()), told(Tie::Timing, "185", "110", "75", "0"));
    company.posting.clock.advance(TimeDelta::days(8));
    assert_eq!(figures(&company.compared().await.unwrap()), told(Tie::Off, "185", "110", "0", "75"));
    let breaks = company.breaks().await;
    assert_eq!(breaks.len(), 1);
    assert_eq!((breaks[0].kind, breaks[0].left_amount, breaks[0].right_amount), (BreakKind::MissingRight, 75.into(), 0.into()));
    assert!(breaks[0].explanation.contains("whose payer is not known"), "{}", breaks[0].explanation);

    let (cx, scope) = (&company.posting.world.cx, company.posting.scope());
    let number = breaks[0].number.clone().unwrap();
    cash::identify(cx, &person(ANN), &scope, company.live(&number).await, "C-1", "the contract says so").await.unwrap();
    cash::keep(cx, &person(ANN), &scope, company.live(&number).await, true, "a deposit").await.unwrap();
    assert_eq!(figures(&company.compared().await.unwrap()), told(Tie::Ties, "185", "185", "0", "0"));
    assert!(company.breaks().await.is_empty(), "it closed by itself");
}

#[tokio::test]
async fn a_controller_s_limit_ends_the_time_however_long_history_says_it_takes() {
    let mut company = Company::new().await;
    company.told(&[("75.00", "NOBODY KNOWN", "thanks")]).await;
    company.receive().await;
    company.posting.clock.advance(TimeDelta::days(2));
    assert_eq!(company.compared().await.unwrap().tie(), Tie::Timing);
    let (cx, us) = (&company.posting.world.cx, company.posting.world.us);
    let refused = reconcile::limit_timing(cx, &person(ANN).actor(), us, Checkpoint::Cash, 0).await.unwrap_err();
    assert!(refused.to_string().contains("1 to 8760 hours; 0 is not"), "{refused}");
    reconcile::limit_timing(cx, &person(ANN).actor(), us, Checkpoint::Cash, 24).await.unwrap();
    assert_eq!(company.compared().await.unwrap().tie(), Tie::Off);
    let rows = reconciliation::timing::rows(&company.posting.world.db.pool, &company.posting.scope(), Checkpoint::Cash).await.unwrap();
    assert!(rows.iter().any(|row| row.entity_code == "US" && row.limit_hours == Some(24)), "{rows:?}");
}

#[tokio::test]
async fn how_long_is_normal_is_learned_from_what_was_applied_and_from_no_few() {
    let mut company = Company::new().await;
    let pool = company.posting.world.db.pool.clone();
    let (cx, us) = (company.posting.world.cx.clone(), company.posting.world.us);
    company.told(&[("1.00", "ACME INC", "INV-1003"); 19]).await;
    company.receive().await;
    company.posting.clock.advance(TimeDelta::hours(30));
    for number in company.money().await {
        company.apply(ANN, &number, &[("INV-1003", "1.00", None)]).await.unwrap();
    }
    let learned = async || -> Vec<(i32, i32)> {
        sqlx::query_as("select samples, hours from learned_timing where checkpoint = 4").fetch_all(&pool).await.unwrap()
    };
    reconcile::learn(&cx, us).await.unwrap();
    assert_eq!(learned().await, [], "19 say nothing");
    company.told(&[("1.00", "ACME INC", "INV-1003")]).await;
    company.receive().await;
    let last = company.money().await.pop().unwrap();
    company.apply(ANN, &last, &[("INV-1003", "1.00", None)]).await.unwrap();
    reconcile::learn(&cx, us).await.unwrap();
    assert_eq!(learned().await, [(20, 30)]);
}

#[tokio::test]
async fn a_line_that_says_another_amount_than_its_payment_is_found() {
    let mut company = Company::new().await;
    company.told(&[("110.00", "ACME INC", "INV-1001")]).await;
    company.receive().await;
    assert_eq!(company.compared().await.unwrap().tie(), Tie::Ties);
    let flip = "alter table statement_line disable trigger user; update statement_line set amount = amount + 0.01;
        alter table statement_line enable trigger user";
    sqlx::raw_sql(flip).execute(&company.posting.world.db.pool).await.unwrap();
    assert_eq!(figures(&company.compared().await.unwrap()), told(Tie::Off, "110.01", "110", "0", "0.01"));
    assert_eq!(company.breaks().await[0].kind, BreakKind::Amount);
}
