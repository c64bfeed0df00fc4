//! The open items behind a figure, oldest first.

use super::{CashTab, CashTabs, StatusBadge, WORKBENCH, age, customer_href, status_word};
use crate::{
    api::receivables::{ItemQuery, OpenItemsView, list_open_items},
    components::{
        Amount, Choice, Column, DataTable, Empty, Failure, Field, FilterBar, Page, Pager, Query, StageBadge, counted, money_text, use_query,
    },
};
use chrono::NaiveDate;
use domain::{
    receivable::{AgeBand, AgingCell, OpenItemRow, OpenStatus},
    stage::{DocumentKind, Side},
    view::StageMoney,
};
use leptos::prelude::*;

/// What the filter bar asks; the entity is in the top bar.
const OWN: &[&str] = &["kind", "currency", "status", "band", "customer"];

#[component]
pub fn OpenItemsPage() -> impl IntoView {
    let query = use_query();
    let asked = ItemQuery::of(|key| query.get(key));
    let items = Resource::new_blocking(move || asked.clone(), list_open_items);
    view! {
        <Page title="Open items" crumbs=vec![("Receivables".to_owned(), super::RECEIVABLES.to_owned())]>
            <CashTabs current=CashTab::Receivables/>
            <Suspense>
                {move || Suspend::new(async move {
                    match items.await {
                        Ok(items) => view! { <Items items query=use_query()/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Items(items: OpenItemsView, query: Query) -> AnyView {
    let OpenItemsView { today, kind, items, cells } = items;
    let filters = view! { <Filters kind cells=cells.clone() query=query.clone() own=OWN/> };
    if items.rows.is_empty() {
        return view! {
            {filters}
            <Empty title="Nothing is open here" text="Take a filter away, or look under another entity."/>
        }
        .into_any();
    }
    let whole = query.get("after").is_none() && items.next.is_none();
    let first = query.get("after").map(|_| query.without("after").href());
    let next = items.next.map(|next| query.with("after", next).href());
    let shown = match matching(&cells, &query) {
        Some((count, money)) => format!("{} on this page; all that match: {count} · {money}", items.rows.len()),
        None => format!("{} on this page", items.rows.len()),
    };
    view! {
        {filters}
        <ItemTable caption=title(kind) items=items.rows today whole/>
        <Pager shown newer=first older=next words=("First page", "Next")/>
    }
    .into_any()
}

pub fn title(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::CreditMemo => "Open credit memos",
        DocumentKind::Payment => "Money that is not applied",
        DocumentKind::Refund => "Refunds that no credit covers",
        DocumentKind::ReturnedPayment => "Returned payments whose payment is not known",
        DocumentKind::Chargeback => "Chargebacks whose payment is not known",
        DocumentKind::Transfer => "Transfers whose payment was taken back",
        _ => "Open invoices",
    }
}

/// How many match, and how much it is, from the totals; `None`: totals don't know customers.
pub fn matching(cells: &[AgingCell], query: &Query) -> Option<(String, String)> {
    if query.get("customer").is_some() {
        return None;
    }
    let (entity, currency) = (query.get("entity"), query.get("currency"));
    let (status, band) = (query.parsed::<OpenStatus>("status"), query.parsed::<AgeBand>("band"));
    let found = cells.iter().filter(|cell| {
        entity.is_none_or(|code| cell.entity_code == code)
            && currency.is_none_or(|code| cell.currency == code)
            && status.is_none_or(|status| cell.status == status)
            && band.is_none_or(|band| cell.band == band)
    });
    let sums =
        StageMoney::per_currency(found.map(|cell| StageMoney { currency: cell.currency.clone(), count: cell.count, amount: cell.open }));
    let count: i64 = sums.iter().map(|sum| sum.count).sum();
    let money: Vec<String> = sums.iter().map(|sum| money_text(sum.amount, &sum.currency)).collect();
    Some((domain::money::grouped(count.into()), money.join(", ")))
}

/// Options with how many each would leave; the first is "any".
fn options<T: ToString + PartialEq + Copy>(values: &[T], word: impl Fn(T) -> String, count: impl Fn(T) -> i64) -> Vec<(String, String)> {
    let listed = values.iter().map(|value| (value.to_string(), *value, count(*value))).filter(|(.., count)| *count > 0);
    let listed = listed.map(|(value, which, count)| (value, format!("{} ({})", word(which), domain::money::grouped(count.into()))));
    std::iter::once((String::new(), "any".to_owned())).chain(listed).collect()
}

/// `own`: the keys that the bar asks for; all others are kept.
#[component]
pub fn Filters(kind: DocumentKind, cells: Vec<AgingCell>, query: Query, own: &'static [&'static str]) -> AnyView {
    let count = |of: &dyn Fn(&AgingCell) -> bool| cells.iter().filter(|cell| of(cell)).map(|cell| cell.count).sum::<i64>();
    let statuses = options(OpenStatus::ALL, |status| status_word(kind, status).to_owned(), |status| count(&|cell| cell.status == status));
    let bands = options(AgeBand::of_kind(kind), |band| band.label(kind).to_owned(), |band| count(&|cell| cell.band == band));
    let mut currencies: Vec<&str> = cells.iter().map(|cell| cell.currency.as_str()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let currencies = options(&currencies, str::to_owned, |code| count(&|cell| cell.currency == code));
    let kinds = DocumentKind::ALL.iter().filter(|kind| !kind.is_application());
    let kinds = kinds.filter(|kind| own.contains(&"customer") || kind.side() == Some(Side::Credit));
    let kinds = kinds.map(|kind| (kind.to_string(), kind.label().to_owned())).collect();
    let state = query.clone();
    let now = move |key: &str| state.get(key).unwrap_or_default().to_owned();
    let customer = own.contains(&"customer").then(|| view! { <Field name="customer" label="Customer" value=now("customer")/> });
    view! {
        <FilterBar query own>
            <Choice name="kind" label="Kind" options=kinds selected=kind.to_string()/>
            <Choice name="currency" label="Currency" options=currencies selected=now("currency")/>
            <Choice name="status" label="Status" options=statuses selected=now("status")/>
            <Choice name="band" label="Age" options=bands selected=now("band")/>
            {customer}
        </FilterBar>
    }
    .into_any()
}

/// Rows with their totals per currency; `whole`: there are no others.
#[component]
pub fn ItemTable(#[prop(into)] caption: String, items: Vec<OpenItemRow>, today: NaiveDate, whole: bool) -> AnyView {
    let what = if whole { "Total" } else { "Page total" };
    let sums =
        StageMoney::per_currency(items.iter().map(|item| StageMoney { currency: item.currency.clone(), count: 1, amount: item.open }));
    let totals = sums.into_iter().map(|sum| {
        view! {
            <tr>
                <th scope="row" colspan="6">{format!("{what}: {}", counted(sum.count, "item"))}</th>
                <td class="num" data-label="Open"><Amount value=sum.amount currency=sum.currency code=true/></td>
            </tr>
        }
    });
    let totals = totals.collect_view();
    let aged = if items.first().is_some_and(|item| item.kind == DocumentKind::Invoice) { "Due" } else { "Date" };
    let lines = items.into_iter().map(|item| view! { <ItemLine item today aged/> }).collect_view();
    let columns = vec![
        Column::text("Number"),
        Column::text("Customer"),
        Column::text(aged),
        Column::text("Status"),
        Column::text("Stage"),
        Column::number("Amount"),
        Column::number("Open"),
    ];
    view! {
        <DataTable caption note="oldest first" columns cards=true><tbody>{lines}</tbody><tfoot>{totals}</tfoot></DataTable>
    }
    .into_any()
}

#[component]
fn ItemLine(item: OpenItemRow, today: NaiveDate, aged: &'static str) -> AnyView {
    let href = if item.kind.side() == Some(Side::Debit) {
        format!("/documents/{}", item.document_id)
    } else {
        format!("{WORKBENCH}/{}", item.document_id)
    };
    let customer = if item.customer_code.is_empty() {
        view! { <span>{item.customer_name}</span><small class="below">"payer not known"</small> }.into_any()
    } else {
        let account = customer_href(&item.entity_code, &item.customer_code);
        view! { <a href=account>{item.customer_name}</a><small class="below">{item.customer_code}</small> }.into_any()
    };
    let words = age(item.kind, item.aged_from, today);
    view! {
        <tr class="two-line">
            <th scope="row"><a href=href>{item.number}</a><small class="below">{item.entity_code}</small></th>
            <td data-label="Customer">{customer}</td>
            <td class="nowrap" data-label=aged>{item.aged_from.to_string()}<small class="below">{words}</small></td>
            <td data-label="Status"><StatusBadge kind=item.kind status=item.status/></td>
            <td data-label="Stage"><StageBadge place=item.stage/></td>
            <td class="num" data-label="Amount"><Amount value=item.amount currency=item.currency.clone()/></td>
            <td class="num" data-label="Open"><Amount value=item.open currency=item.currency code=true/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{cell, day, item},
        *,
    };

    #[test]
    fn all_that_match_are_told_from_totals_unless_a_customer_is_asked_for() {
        let invoice = |status, band, open| cell("DE", "EUR", DocumentKind::Invoice, status, band, open);
        let cells = [invoice(OpenStatus::Open, AgeBand::Current, 10), invoice(OpenStatus::Disputed, AgeBand::To30, 20)];
        let asked = |pairs: &[(&str, &str)]| matching(&cells, &Query::new("/cash/items", pairs));
        assert_eq!(asked(&[]), Some(("2".into(), "30.00 EUR".into())));
        assert_eq!(asked(&[("status", "disputed")]), Some(("1".into(), "20.00 EUR".into())));
        assert_eq!(asked(&[("customer", "C-1")]), None);
    }

    #[test]
    fn an_invoice_leads_to_its_document_and_money_to_the_workbench() {
        let table = |kind| view! { <ItemTable caption="x" items=vec![item(7, kind, 60)] today=day("2026-11-10") whole=true/> }.to_html();
        let (invoice, payment) = (table(DocumentKind::Invoice), table(DocumentKind::Payment));
        assert!(invoice.contains("/documents/0") && invoice.contains("10 d over") && invoice.contains("Total: 1 item"), "{invoice}");
        assert!(payment.contains("/cash/workbench/0") && payment.contains("unapplied"), "{payment}");
    }
}
