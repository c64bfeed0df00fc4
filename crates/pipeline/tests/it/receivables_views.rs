//! What screens read of receivables: agings from totals, items behind them, suggestions as they still stand, what settles what.

use crate::{
    receivables::{ANN, Company},
    world::person,
};
use chrono::{NaiveDate, TimeDelta};
use domain::{
    access::Scope,
    receivable::{AgeBand, OpenItemRow, OpenStatus},
    stage::DocumentKind::{self, CreditMemo, Invoice, Payment},
};
use pipeline::cash;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use store::views::receivables::{self as views, Filter};

/// Money of every standing, an invoice in dispute, one settled in part.
async fn company() -> Company {
    let mut company = Company::new().await;
    company.told(&[("40.00", "ACME INC", "deposit"), ("75.00", "Nobody Knows Ltd", "thanks"), ("20.00", "ACME INC", "part")]).await;
    company.receive().await;
    let (cx, scope, ann) = (company.posting.world.cx.clone(), company.posting.scope(), person(ANN));
    cash::keep(&cx, &ann, &scope, company.live("RC-2026-000001").await, true, "a deposit").await.unwrap();
    cash::keep(&cx, &ann, &scope, company.live("INV-1003").await, true, "disputes the hours").await.unwrap();
    company.apply(ANN, "RC-2026-000003", &[("INV-1002", "12.50", None)]).await.unwrap();
    company
}

fn all(kind: DocumentKind) -> Filter {
    Filter { kind, currency: None, status: None, aged_from: (None, None), customer: None, after: None }
}

impl Company {
    async fn items(&self, filter: &Filter, limit: i64) -> Vec<OpenItemRow> {
        views::list(&self.posting.world.db.pool, &self.posting.scope(), filter, limit).await.unwrap()
    }

    async fn find(&self, number: &str) -> OpenItemRow {
        let id = self.live(number).await;
        views::find(&self.posting.world.db.pool, &self.posting.scope(), id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn an_aging_is_what_its_open_items_come_to_on_every_day() {
    let company = company().await;
    let (pool, scope) = (&company.posting.world.db.pool, company.posting.scope());
    let kinds = [Invoice, CreditMemo, Payment];
    let mut items = Vec::new();
    for kind in kinds {
        items.extend(company.items(&all(kind), 100).await);
    }
    assert_eq!(items.len(), 6);
    let first: NaiveDate = "2026-10-01".parse().unwrap();
    for today in (0..200).map(|days| first + TimeDelta::days(days)) {
        let mut expected: BTreeMap<(DocumentKind, OpenStatus, AgeBand), (i64, Decimal)> = BTreeMap::new();
        for item in &items {
            let band = AgeBand::of(item.kind, (today - item.aged_from).num_days());
            let sum = expected.entry((item.kind, item.status, band)).or_default();
            *sum = (sum.0 + 1, sum.1 + item.open);
        }
        let cells = views::aging(pool, &scope, &kinds, today).await.unwrap();
        let told = cells.iter().map(|cell| ((cell.kind, cell.status, cell.band), (cell.count, cell.open))).collect();
        assert_eq!(expected, told, "{today}");
        let of_customer = views::of_customer(pool, &scope, "C-1", today).await.unwrap();
        let known = cells.iter().filter(|cell| cell.status != OpenStatus::Unidentified).map(|cell| cell.open).sum::<Decimal>();
        assert_eq!(of_customer.iter().map(|cell| cell.open).sum::<Decimal>(), known, "{today}");
    }
    let elsewhere = Scope::of_system(Vec::new());
    assert_eq!(views::aging(pool, &elsewhere, &kinds, first).await.unwrap(), []);
}

#[tokio::test]
async fn items_come_oldest_first_page_by_page_and_every_filter_holds() {
    let company = company().await;
    let payments = company.items(&all(Payment), 10).await;
    assert_eq!(payments.len(), 3);
    assert!(payments.windows(2).all(|pair| (pair[0].aged_from, pair[0].document_id) < (pair[1].aged_from, pair[1].document_id)));
    let mut paged = Vec::new();
    let mut after = None;
    while let Some(row) = company.items(&Filter { after, ..all(Payment) }, 1).await.pop() {
        after = Some((row.aged_from, row.document_id));
        paged.push(row);
    }
    assert_eq!(paged, payments);
    for status in OpenStatus::ALL {
        let filtered = company.items(&Filter { status: Some(*status), ..all(Payment) }, 10).await;
        let expected: Vec<_> = payments.iter().filter(|row| row.status == *status).cloned().collect();
        assert_eq!(filtered, expected, "{status}");
    }
    assert_eq!(company.items(&Filter { currency: Some("EUR".into()), ..all(Payment) }, 10).await, []);
    assert_eq!(company.items(&Filter { customer: Some("C-1".into()), ..all(Payment) }, 10).await.len(), 2);
    let day = payments[0].aged_from;
    let later = Filter { aged_from: (Some(day + TimeDelta::days(1)), None), ..all(Payment) };
    assert_eq!(company.items(&later, 10).await, []);
    let disputed = company.items(&Filter { status: Some(OpenStatus::Disputed), ..all(Invoice) }, 10).await;
    assert_eq!(disputed.iter().map(|row| row.number.as_str()).collect::<Vec<_>>(), ["INV-1003"]);
}

#[tokio::test]
async fn a_suggestion_is_shown_until_what_it_asks_for_is_not_open_any_more() {
    let mut company = Company::new().await;
    company.told(&[("110.00", "Nobody Knows Ltd", "thanks")]).await;
    company.receive().await;
    let (cx, scope) = (company.posting.world.cx.clone(), company.posting.scope());
    let payment = company.find("RC-2026-000001").await;
    let shown = cash::suggestions(&cx, &scope, &payment).await.unwrap().unwrap();
    let pays = |view: &domain::receivable::SuggestionsView| {
        view.suggestions.iter().any(|one| one.parts.iter().any(|part| part.number == "INV-1001"))
    };
    assert!(pays(&shown), "{shown:?}");
    assert_eq!(payment.score, shown.suggestions.first().map(|best| best.score));
    company.told(&[("30.00", "ACME INC", "part")]).await;
    company.receive().await;
    company.apply(ANN, "RC-2026-000002", &[("INV-1001", "30", None)]).await.unwrap();
    let left = cash::suggestions(&cx, &scope, &payment).await.unwrap().unwrap();
    assert!(!pays(&left), "only 80.00 of it are open: {left:?}");
    assert!(cash::suggestions(&cx, &Scope::of_system(Vec::new()), &payment).await.unwrap().is_none(), "not his to see");
}

#[tokio::test]
async fn both_sides_and_the_application_itself_show_what_settles_what() {
    let company = company().await;
    let (cx, pool, scope) = (company.posting.world.cx.clone(), &company.posting.world.db.pool, company.posting.scope());
    let application = company.live("AP-2026-000001").await;
    for number in ["RC-2026-000003", "INV-1002", "AP-2026-000001"] {
        let settlement = views::settlement(pool, &scope, company.live(number).await).await.unwrap();
        let [one] = settlement.applications.as_slice() else { panic!("{number}: {settlement:?}") };
        assert_eq!(
            (one.document_id, one.amount(), one.decided_by.as_deref(), one.reversed_by),
            (application, Decimal::new(125, 1), Some(ANN), None)
        );
        assert_eq!(one.allocations[0].number, "INV-1002");
        assert_eq!(settlement.item.is_none(), number.starts_with("AP"), "{number}");
    }
    cash::reverse(&cx, &person(ANN), &scope, application, "the wrong invoice").await.unwrap();
    let reversal = company.live("RV-2026-000001").await;
    for id in [application, reversal] {
        let settlement = views::settlement(pool, &scope, id).await.unwrap();
        assert_eq!(settlement.applications.iter().map(|one| one.reversed_by).collect::<Vec<_>>(), [Some(reversal)]);
    }
    assert_eq!(views::applications_of_customer(pool, &scope, "C-1").await.unwrap().len(), 1, "also when nothing is open of it");
    let elsewhere = views::settlement(pool, &Scope::of_system(Vec::new()), application).await.unwrap();
    assert_eq!(elsewhere.applications, []);
}

#[tokio::test]
async fn a_payment_shows_its_bank_line_and_its_newest_version() {
    let company = company().await;
    let (cx, pool, scope) = (company.posting.world.cx.clone(), &company.posting.world.db.pool, company.posting.scope());
    let unknown = company.live("RC-2026-000002").await;
    let line = views::bank_line(pool, &scope, unknown).await.unwrap().unwrap();
    assert_eq!((line.payer_name.as_deref(), line.text.as_str()), (Some("Nobody Knows Ltd"), "thanks"));
    assert!(line.account_number.ends_with("6789") && !line.account_number.contains("12345"), "{}", line.account_number);
    let known = cash::identify(&cx, &person(ANN), &scope, unknown, "C-1", "the contract says so").await.unwrap();
    assert_eq!(views::live_version(pool, &scope, unknown).await.unwrap(), Some(known));
    assert_eq!(views::live_version(pool, &scope, known).await.unwrap(), Some(known));
    assert_eq!(views::find(pool, &scope, unknown).await.unwrap(), None, "it counts no more");
    assert_eq!(views::customer_of(pool, &scope, "INV-1001").await.unwrap().as_deref(), Some("C-1"));
    assert_eq!(views::customer_of(pool, &scope, "INV-9").await.unwrap(), None);
}

#[tokio::test]
async fn match_rates_hold_what_rules_did_beside_what_people_did() {
    let mut company = company().await;
    company.told(&[("110.00", "ACME INC", "INV-1001")]).await;
    company.receive().await;
    let (pool, scope, now) = (&company.posting.world.db.pool, company.posting.scope(), company.posting.world.cx.clock.now());
    let rates = views::rates(pool, &scope, now - TimeDelta::days(30)).await.unwrap();
    let [usd] = rates.as_slice() else { panic!("{rates:?}") };
    assert_eq!((usd.lines, usd.confirmed, usd.in_full), (4, 1, 1));
    assert_eq!((usd.received, usd.applied), (Decimal::from(245), Decimal::from(110)));
    assert_eq!((usd.items, usd.items_by_rules), (2, 1), "a person settled one");
    assert_eq!(views::rates(pool, &scope, now + TimeDelta::days(1)).await.unwrap(), [], "nothing ran since");
}
