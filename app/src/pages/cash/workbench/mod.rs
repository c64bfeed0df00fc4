//! The workbench of cash: payments that are not applied at the left, one of them at the right with what its bank said, what the rules
//! suggest and why, and the invoices that it can be given to. The URL holds filter and payment; every form leads back to it.

mod acts;
mod candidates;
mod credit;
mod keys;
mod left;
mod list;
mod suggestions;

use super::{CashTab, CashTabs, applications::Applications, unmask::Unmask};
use crate::{
    api::receivables::{Bench, ItemQuery, WorkbenchView, get_workbench},
    components::{Empty, Failure, Page, Query, use_query},
};
use acts::Acts;
use candidates::Candidates;
use chrono::NaiveDate;
use credit::Credit;
use domain::{access::Action, receivable::OpenItemRow, unmask::Subject};
use keys::BenchKeys;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use list::Payments;
use suggestions::Suggestions;

/// What the filter bar asks; the entity is in the top bar.
const OWN: &[&str] = &["kind", "currency", "status", "band"];
/// Whose invoices are offered, and the suggestion whose parts the form begins with.
const WHOSE: &str = "whose";
const FROM: &str = "from";

#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let query = use_query();
    let asked = ItemQuery::of(|key| query.get(key));
    let id = use_params_map().get_untracked().get("id");
    let whose = query.get(WHOSE).map(str::to_owned);
    let chosen = id.is_some();
    let bench =
        Resource::new_blocking(move || (asked.clone(), id.clone(), whose.clone()), |(query, id, whose)| get_workbench(query, id, whose));
    view! {
        <Page title="Apply cash" crumbs=vec![("Unapplied cash".to_owned(), super::UNAPPLIED.to_owned())]>
            <CashTabs current=CashTab::Unapplied/>
            <Suspense>
                {move || Suspend::new(async move {
                    match bench.await {
                        Ok(view) => view! { <Desk view chosen query=use_query()/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// The list of this filter, with nothing opened.
fn list_of(query: &Query) -> Query {
    query.here_without(WHOSE).here_without(FROM).moved(super::WORKBENCH)
}

/// `chosen`: somebody asked for this payment; on a phone it is then the page.
#[component]
fn Desk(view: WorkbenchView, chosen: bool, query: Query) -> AnyView {
    let WorkbenchView { list, bench, reach } = view;
    let today = list.today;
    let open = bench.as_ref().map(|bench| bench.credit.item.document_id);
    let class = if chosen { "bench chosen" } else { "bench" };
    let may_not = bench.as_ref().and_then(|bench| reach.why_not_in(Action::ApplyCash, &bench.credit.item.entity_code));
    let none = list.items.rows.is_empty();
    view! {
        <div class="toolbar"><span class="grow"></span><BenchKeys/></div>
        <div class=class>
            <Payments list open query=query.clone()/>
            {match bench {
                Some(bench) => view! { <One bench today may_not query/> }.into_any(),
                None if none => view! {
                    <Empty title="Nothing waits here" text="Every payment of this filter is applied in full. Money comes in with the banks’ statements.">
                        <a class="button" href=super::UNAPPLIED>"All unapplied cash"</a>
                    </Empty>
                }.into_any(),
                None => ().into_any(),
            }}
        </div>
    }
    .into_any()
}

/// One payment or credit memo, with everything that helps to decide.
#[component]
fn One(bench: Bench, today: NaiveDate, #[prop(optional_no_strip)] may_not: Option<String>, query: Query) -> AnyView {
    let Bench { credit, suggestions, customer, candidates, more, applications, ways } = bench;
    let item = credit.item.clone();
    let has_account = credit.line.as_ref().is_some_and(|line| line.payer_account.is_some());
    let open = !item.open.is_zero();
    let prefilled = query.parsed::<usize>(FROM).and_then(|number| suggestions.as_ref()?.suggestions.get(number.checked_sub(1)?).cloned());
    let whose = query.get(WHOSE).map(str::to_owned);
    view! {
        <div class="stack">
            <Credit credit today back=list_of(&query).href()/>
            {has_account.then(|| view! { <Unmask subject=Subject::Payment(item.document_id).to_string()/> })}
            {open.then(|| view! {
                <Suggestions suggestions item=item.clone() may_not=may_not.clone() query=query.clone()/>
                <Candidates item=item.clone() customer whose candidates more prefilled may_not=may_not.clone() today query=query.clone()/>
                <Acts item ways may_not=may_not.clone() back=query.here_without(FROM).href()/>
            })}
            <Applications applications may_not/>
        </div>
    }
    .into_any()
}

/// Who paid: as the bank says, else the customer.
fn payer(item: &OpenItemRow) -> String {
    match (item.customer_name.as_str(), item.customer_code.as_str()) {
        ("", "") => "unknown payer".to_owned(),
        ("", code) => code.to_owned(),
        (name, _) => name.to_owned(),
    }
}
