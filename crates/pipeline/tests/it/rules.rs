//! Rules of cash application: what a proposed version would have done with history is shown before it may decide, its author never puts
//! it in force, and whatever is in force decides from the next run.

use crate::{
    invoices::{batch, invoice},
    receivables::{ANN, BOB, Company},
    world::person,
};
use chrono::TimeDelta;
use domain::{
    id::{ApprovalId, RuleTableId},
    rules::{Difference, RuleTableState, RuleTableView},
};
use pipeline::{
    cash::rules::{self, ProposeError},
    workbench::{Resolved, WorkError, approve},
};
use rust_decimal::Decimal;

const ACME: &str = "ACME INC/IBAN/NL91ABNA0417164300";
/// Payer and amount suffice, and much less has to speak for it.
const GENEROUS: [(&str, &str); 3] = [("confirm_without_reference", "yes"), ("confirm_threshold", "60"), ("minimum_margin", "1")];

struct Rules {
    company: Company,
}

impl Rules {
    /// A payment without any reference that people gave to the invoice of its amount, one that they did not, and one that named its
    /// invoice.
    async fn new() -> Self {
        let mut company = Company::new().await;
        company.posting.world.imported(&batch("B-2", &[invoice("INV-2002", 400)])).await;
        company.told(&[("5.00", ACME, "deposit")]).await;
        company.receive().await;
        company.apply(ANN, "RC-2026-000001", &[("INV-1003", "5", None)]).await.unwrap();
        company.posting.clock.advance(TimeDelta::days(1));
        company.told(&[("110.00", ACME, "thanks"), ("220.00", ACME, "thanks"), ("440.00", ACME, "INV-2002")]).await;
        let received = company.receive().await;
        assert_eq!((received.payments, received.applied, received.suggested), (3, 1, 2), "the standard rules leave two to a person");
        company.posting.clock.advance(TimeDelta::days(1));
        company.apply(ANN, "RC-2026-000002", &[("INV-1003", "110", None)]).await.unwrap();
        company.apply(ANN, "RC-2026-000003", &[("INV-1002", "220", None)]).await.unwrap();
        Self { company }
    }

    async fn propose(&self, from: i32, changes: &[(&str, &str)]) -> Result<i32, ProposeError> {
        let (cx, scope, us) = (&self.company.posting.world.cx, self.company.posting.scope(), self.company.posting.world.us);
        let changes: Vec<_> = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        rules::propose(cx, &person(ANN), &scope, us, from, &changes, "fewer by hand").await
    }

    async fn table(&self, version: i32) -> RuleTableView {
        let world = &self.company.posting.world;
        let tables = store::rules::tables(&world.db.pool, &self.company.posting.scope(), world.us, 10).await.unwrap();
        tables.into_iter().find(|table| table.version == version).unwrap()
    }

    async fn id(&self, version: i32) -> RuleTableId {
        self.table(version).await.rule_table_id
    }

    async fn test(&self, version: i32) -> rules::Ran {
        rules::backtest(&self.company.posting.world.cx, self.id(version).await).await.unwrap()
    }

    async fn ask(&self, who: &str, version: i32) -> Result<ApprovalId, WorkError> {
        let (cx, scope, id) = (&self.company.posting.world.cx, self.company.posting.scope(), self.id(version).await);
        match rules::ask(cx, &person(who), &scope, id, "the figures are good").await? {
            Resolved::Requested(approval) => Ok(approval),
            Resolved::Done => panic!("nobody puts rules in force alone"),
        }
    }

    async fn decide(&self, who: &str, approval: ApprovalId, yes: bool) -> Result<(), WorkError> {
        let (cx, scope) = (&self.company.posting.world.cx, self.company.posting.scope());
        approve::decide(cx, &person(who), &scope, approval, yes, None).await
    }

    /// Proposed, tested, asked for and approved.
    async fn put_in_force(&self, from: i32, changes: &[(&str, &str)]) -> i32 {
        let version = self.propose(from, changes).await.unwrap();
        self.test(version).await;
        let approval = self.ask(ANN, version).await.unwrap();
        self.decide(BOB, approval, true).await.unwrap();
        version
    }
}

fn why<T>(done: Result<T, impl std::fmt::Display>) -> String {
    done.err().unwrap().to_string()
}

#[tokio::test]
async fn a_table_that_is_too_generous_shows_what_it_gets_wrong_and_the_money_at_risk() {
    let rules = Rules::new().await;
    assert_eq!(rules.propose(1, &GENEROUS).await.unwrap(), 2);
    assert_eq!(rules.table(2).await.state, RuleTableState::Testing);
    let ran = rules.test(2).await;
    assert_eq!((ran.lines, ran.left_out), (3, 1), "what the rules applied the day before is not proved yet");
    rules.company.posting.clock.advance(TimeDelta::days(8));
    assert_eq!(rules.test(2).await.lines, 4);
    let table = rules.table(2).await;
    let test = table.test.unwrap();
    let [total] = test.totals.as_slice() else { panic!("one currency: {test:?}") };
    assert_eq!((test.against, table.state), (1, RuleTableState::Tested));
    assert_eq!((total.lines, total.received.normalize()), (4, Decimal::from(775)));
    assert_eq!((total.confirmed_before, total.confirmed), (1, 3));
    assert_eq!((total.gained, total.gained_amount.normalize()), (1, Decimal::from(220)), "the person gave it to the same invoice");
    assert_eq!((total.wrong, total.at_risk.normalize()), (1, Decimal::from(110)), "the person gave it to another one");
    assert_eq!((total.wrong_before, total.lost), (0, 0));
    let sample =
        store::rules::sample(&rules.company.posting.world.db.pool, &rules.company.posting.scope(), table.rule_table_id).await.unwrap();
    let said: Vec<_> =
        sample.iter().map(|line| (line.difference, line.number.as_str(), line.after.as_str(), line.stood.as_str())).collect();
    let [wrong, gained] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((wrong.0, wrong.1, wrong.3), (Difference::Wrong, "RC-2026-000002", "INV-1003 110 USD"));
    assert!(wrong.2.starts_with("applies INV-1001 110.00 USD, score"), "{wrong:?}");
    assert_eq!((gained.0, gained.1, gained.3), (Difference::Gained, "RC-2026-000003", "INV-1002 220 USD"));
    rules.company.ties_out().await;
}

#[tokio::test]
async fn a_version_decides_only_when_a_second_person_has_seen_its_figures() {
    let mut rules = Rules::new().await;
    rules.propose(1, &GENEROUS).await.unwrap();
    assert!(why(rules.ask(ANN, 2).await).contains("back-test is not finished"));
    rules.test(2).await;
    assert!(why(rules.ask(BOB, 2).await).contains("who proposed it asks"));
    let approval = rules.ask(ANN, 2).await.unwrap();
    assert!(why(rules.ask(ANN, 2).await).contains("waits for its approver"));
    assert!(why(rules.decide(ANN, approval, true).await).contains("Nobody approves what he prepared"));
    let world = &rules.company.posting.world;
    let forced = sqlx::query("update approval set decision = 'approved', decided_by = requested_by, decided_at = now()");
    let forced = forced.execute(&world.db.pool).await.unwrap_err().to_string();
    assert!(forced.contains("preparer_is_not_approver"), "the database refuses it as well: {forced}");
    let plan = world.text("select plan from approval").await;
    assert!(plan.contains("takes the place of 1") && plan.contains("1 wrongly with 110 at risk"), "{plan}");
    rules.company.told(&[("110.00", ACME, "thanks")]).await;
    assert_eq!(rules.company.receive().await.applied, 0, "it is only asked for");
    rules.decide(BOB, approval, true).await.unwrap();
    assert_eq!(rules.table(2).await.state, RuleTableState::InForce);
    rules.company.posting.clock.advance(TimeDelta::days(1));
    rules.company.told(&[("5.00", ACME, "nothing of this amount is open")]).await;
    assert_eq!(rules.company.receive().await.applied, 1, "the payment that waited is applied by the next run");
    assert_eq!(rules.company.open("INV-1001").await, Decimal::ZERO);
    let world = &rules.company.posting.world;
    let by = "select string_agg(distinct rules::text, ' ' order by rules::text) from application where rules is not null";
    assert_eq!(world.text(by).await, "1 2", "each application says which rules decided");
    let acts = "select string_agg(distinct action, ' ' order by action) from audit_event where action like 'rules.%'";
    assert_eq!(world.text(acts).await, "rules.ask rules.backtest rules.propose rules.put_in_force");
    rules.company.ties_out().await;
}

#[tokio::test]
async fn a_version_that_is_superseded_decides_nothing_any_more() {
    let mut rules = Rules::new().await;
    assert_eq!(rules.put_in_force(1, &GENEROUS).await, 2);
    assert_eq!(rules.put_in_force(1, &[("suggest_threshold", "19")]).await, 3);
    assert_eq!((rules.table(2).await.state, rules.table(3).await.state), (RuleTableState::Superseded, RuleTableState::InForce));
    rules.company.told(&[("110.00", ACME, "thanks")]).await;
    let received = rules.company.receive().await;
    assert_eq!((received.applied, received.suggested), (0, 1), "rule table 2 would apply it");
    let said = rules.company.posting.world.text("select distinct decision ->> 'rules' from suggestion").await;
    assert_eq!(said, "3");
}

#[tokio::test]
async fn a_request_is_void_when_other_rules_came_in_force_since_it_was_shown() {
    let rules = Rules::new().await;
    for _ in 0..2 {
        rules.propose(1, &GENEROUS).await.unwrap();
    }
    rules.test(2).await;
    rules.test(3).await;
    let (second, third) = (rules.ask(ANN, 2).await.unwrap(), rules.ask(ANN, 3).await.unwrap());
    rules.decide(BOB, third, true).await.unwrap();
    assert!(why(rules.decide(BOB, second, true).await).contains("the request is void"));
    assert_eq!(rules.table(2).await.state, RuleTableState::Tested);
    assert!(why(rules.ask(ANN, 2).await).contains("It was held against rule table 1, and 3 is in force"));
    rules.test(2).await;
    let again = rules.ask(ANN, 2).await.unwrap();
    rules.decide(BOB, again, false).await.unwrap();
    assert_eq!(rules.table(2).await.state, RuleTableState::Refused);
    assert_eq!(rules.table(3).await.state, RuleTableState::InForce);
}

#[tokio::test]
async fn a_table_that_can_not_be_is_refused_by_entry_and_rule_and_nothing_is_kept() {
    let rules = Rules::new().await;
    let Err(ProposeError::Entry(fault)) = rules.propose(1, &[("minimum_margin", "0")]).await else { panic!("a tie would be applied") };
    assert_eq!((fault.entry.as_str(), fault.value.as_str()), ("minimum_margin", "0"));
    assert!(fault.rule.contains("from 1 to 100"), "{fault}");
    assert!(why(rules.propose(1, &[]).await).contains("change something"));
    assert!(why(rules.propose(7, &GENEROUS).await).contains("not there"));
    let world = &rules.company.posting.world;
    assert_eq!(world.text("select count(*)::text from rule_table").await, "0");
    rules.propose(1, &GENEROUS).await.unwrap();
    let waits = "select string_agg(state, ' ') from job where kind = 'backtest' and subject <> ''";
    assert_eq!(world.text(waits).await, "available", "a worker is asked for its back-test");
    let changed = sqlx::query("update rule_table set content = '{}'").execute(&world.db.pool).await.unwrap_err();
    assert!(changed.to_string().contains("append-only"), "{changed}");
    rules.company.ties_out().await;
    for sql in ["alter table rule_table disable trigger user", "update rule_table set content = '{}'"] {
        sqlx::query(sql).execute(&world.db.pool).await.unwrap();
    }
    let report = pipeline::verify::verify(&world.db.pool).await.unwrap();
    assert!(report.to_string().contains("rule table 2 of US is not what its hash says"), "{report}");
}
