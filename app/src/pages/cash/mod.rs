//! Cash: money that is not applied and the workbench that applies it, receivables by age, our accounts at banks, and what gateways hold.

mod account;
mod accounts;
pub mod applications;
mod clearing;
mod collections;
mod customer;
mod daily;
mod disputes;
mod failed;
mod items;
mod lost;
mod matrix;
mod movements;
mod rates;
mod receivables;
mod refunds;
mod refused;
mod roll;
mod rules;
mod statement;
mod table;
mod tie;
mod transfers;
mod unapplied;
mod unmask;
mod workbench;

pub use account::BankAccountPage;
pub use accounts::BankAccountsPage;
pub use clearing::ClearingPage;
pub use collections::CollectionsPage;
pub use customer::CustomerPage;
pub use daily::DailyPage;
pub use items::OpenItemsPage;
pub use movements::MovementsPage;
pub use receivables::ReceivablesPage;
pub use rules::{RulesPage, rules_href};
pub use statement::StatementPage;
pub use unapplied::CashPage;
pub use unmask::UnmaskedPage;
pub use workbench::WorkbenchPage;

use crate::components::{Badge, Query, Shape, Tab, Tabs, Tone, use_query};
use chrono::NaiveDate;
use domain::{receivable::OpenStatus, stage::DocumentKind};
use leptos::prelude::*;

pub const WORKBENCH: &str = "/cash/workbench";
const UNAPPLIED: &str = "/cash";
const RECEIVABLES: &str = "/cash/receivables";
const COLLECTIONS: &str = "/cash/collections";
const ITEMS: &str = "/cash/items";
const ACCOUNTS: &str = "/cash/accounts";
const DAILY: &str = "/cash/daily";
const CLEARING: &str = "/cash/clearing";
const RULES: &str = "/cash/rules";
const MOVEMENTS: &str = "/cash/clearing/movements";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CashTab {
    Unapplied,
    Receivables,
    Collections,
    Accounts,
    Daily,
    Clearing,
    Rules,
}

/// The sides of cash; the entity travels along.
#[component]
fn CashTabs(current: CashTab) -> AnyView {
    let carried = use_query().only(&["entity"]);
    let tabs = [
        (CashTab::Unapplied, "Unapplied cash", UNAPPLIED),
        (CashTab::Receivables, "Receivables", RECEIVABLES),
        (CashTab::Collections, "Collection", COLLECTIONS),
        (CashTab::Accounts, "Bank accounts", ACCOUNTS),
        (CashTab::Daily, "Daily proof", DAILY),
        (CashTab::Clearing, "Gateway clearing", CLEARING),
        (CashTab::Rules, "Rules", RULES),
    ];
    let tabs = tabs.map(|(tab, label, path)| Tab {
        label: label.to_owned(),
        href: carried.moved(path).href(),
        count: None,
        current: tab == current,
    });
    view! { <Tabs label="Cash" tabs=Vec::from(tabs)/> }.into_any()
}

/// Where a form leads back to.
#[component]
fn BackTo(#[prop(into)] href: String) -> impl IntoView {
    view! { <input type="hidden" name="back" value=href/> }
}

/// The account of a customer in an entity.
pub fn customer_href(entity: &str, customer: &str) -> String {
    Query::new("/cash/customer", &[("entity", entity), ("customer", customer)]).href()
}

/// How old an item is: an invoice by its due date, anything else by its own.
fn age(kind: DocumentKind, aged_from: NaiveDate, today: NaiveDate) -> String {
    let days = (today - aged_from).num_days();
    match days {
        0 if kind == DocumentKind::Invoice => "due today".to_owned(),
        ..0 if kind == DocumentKind::Invoice => format!("due in {} d", -days),
        _ if kind == DocumentKind::Invoice => format!("{days} d over"),
        // a bank may book ahead
        _ => format!("{} d", days.max(0)),
    }
}

/// The word for how an item stands.
pub fn status_word(kind: DocumentKind, status: OpenStatus) -> &'static str {
    if kind == DocumentKind::Payment { status.of_money() } else { status.as_str() }
}

#[component]
pub fn StatusBadge(kind: DocumentKind, status: OpenStatus) -> AnyView {
    let (tone, shape) = match status {
        OpenStatus::Open if kind == DocumentKind::Payment => (Tone::Timing, Shape::Timing),
        OpenStatus::Open => (Tone::None, Shape::Ring),
        OpenStatus::Unidentified => (Tone::Unknown, Shape::Question),
        OpenStatus::OnAccount => (Tone::Calm, Shape::Pause),
        OpenStatus::Disputed => (Tone::Off, Shape::Alert),
    };
    view! { <Badge tone shape text=status_word(kind, status)/> }.into_any()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use domain::{
        id::{DocumentId, EntityId},
        receivable::{AgeBand, AgingCell, OpenItemRow},
        stage::Stage,
    };
    use uuid::Uuid;

    pub fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    pub fn cell(entity: &str, currency: &str, kind: DocumentKind, status: OpenStatus, band: AgeBand, open: i64) -> AgingCell {
        let entity_id = EntityId(Uuid::nil());
        AgingCell { entity_id, entity_code: entity.into(), currency: currency.into(), kind, status, band, count: 1, open: open.into() }
    }

    pub fn item(id: u128, kind: DocumentKind, open: i64) -> OpenItemRow {
        OpenItemRow {
            document_id: DocumentId(Uuid::from_u128(id)),
            entity_id: EntityId(Uuid::nil()),
            entity_code: "DE".into(),
            kind,
            number: format!("N-{id}"),
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: "EUR".into(),
            aged_from: day("2026-10-31"),
            amount: 100.into(),
            open: open.into(),
            status: OpenStatus::Open,
            stage: Stage::Confirmed,
            score: None,
        }
    }

    #[test]
    fn an_invoice_ages_by_its_due_date_and_money_by_the_day_it_came() {
        let today = day("2026-11-21");
        let said = |kind, from: &str| age(kind, day(from), today);
        assert_eq!(said(DocumentKind::Invoice, "2026-11-21"), "due today");
        assert_eq!(said(DocumentKind::Invoice, "2026-12-01"), "due in 10 d");
        assert_eq!(said(DocumentKind::Invoice, "2026-11-01"), "20 d over");
        assert_eq!(said(DocumentKind::Payment, "2026-11-01"), "20 d");
        assert_eq!(said(DocumentKind::Payment, "2026-11-23"), "0 d");
    }

    #[test]
    fn a_customer_s_address_holds_any_code() {
        assert_eq!(customer_href("DE", "C/1&2"), "/cash/customer?entity=DE&customer=C%2F1%262");
    }
}
