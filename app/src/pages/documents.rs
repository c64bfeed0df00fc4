//! The documents behind a figure.

use crate::{
    api::documents::{DocumentQuery, list_documents},
    components::{Amount, Choice, Column, DataTable, Empty, Failure, Field, FilterBar, Page, Pager, Query, StageBadge, Time, use_query},
};
use domain::{
    stage::{DocumentKind, Family, Side, Stage, StageGroup},
    view::{DocumentRow, Paged},
};
use leptos::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What the filter bar asks for.
const OWN: &[&str] = &["stage", "currency", "kind", "number"];

#[component]
pub fn DocumentsPage() -> impl IntoView {
    let query = use_query();
    let asked = asked(&query);
    let documents = Resource::new_blocking(move || asked.clone(), list_documents);
    view! {
        <Page title="Documents">
            <Filters query=query.clone()/>
            <Suspense>
                {move || {
                    let query = query.clone();
                    Suspend::new(async move {
                        match documents.await {
                            Ok(page) => view! { <Documents page query/> }.into_any(),
                            Err(error) => view! { <Failure error/> }.into_any(),
                        }
                    })
                }}
            </Suspense>
        </Page>
    }
}

fn asked(query: &Query) -> DocumentQuery {
    let key = |name: &str| query.get(name).map(str::to_owned);
    DocumentQuery {
        entity: key("entity"),
        batch: key("batch"),
        period: key("period"),
        stage: key("stage"),
        currency: key("currency"),
        kind: key("kind"),
        batch_period: key("batch_period"),
        number: key("number"),
        after: key("after"),
    }
}

#[component]
fn Filters(query: Query) -> AnyView {
    let any = |text: &str| (String::new(), text.to_owned());
    let groups = StageGroup::ALL.iter().map(|group| (group.to_string(), group.label().to_owned()));
    let stages = Stage::ALL.iter().map(|stage| (stage.to_string(), stage.label().to_owned()));
    let stages = std::iter::once(any("Any stage")).chain(groups).chain(stages).collect();
    let sides = [(Side::Debit, "Debits of AR"), (Side::Credit, "Credits of AR")].map(|(side, label)| (side.to_string(), label.to_owned()));
    let kinds = DocumentKind::ALL.iter().map(|kind| (kind.to_string(), kind.label().to_owned()));
    let families = Family::ALL.iter().map(|family| (family.to_string(), family.label().to_owned()));
    let kinds = std::iter::once(any("Any kind")).chain(families).chain(sides).chain(kinds).collect();
    let state = query.clone();
    let value = move |key: &str| state.get(key).unwrap_or_default().to_owned();
    // what the figure that led here brought along, each taken away by its link
    let narrowed = [("batch", "Of one batch"), ("batch_period", "Of the batches made for")].into_iter().filter_map(|(key, words)| {
        let value = query.get(key)?.to_owned();
        let text = if key == "batch" { words.to_owned() } else { format!("{words} {value}") };
        Some(view! { <a class="button quiet" href=query.without(key).href() title="Show documents of all batches">{text}" ×"</a> })
    });
    let narrowed = narrowed.collect_view();
    view! {
        <FilterBar query=query.clone() own=OWN>
            <Field name="number" label="Number" value=value("number")/>
            <Choice name="stage" label="Stage" options=stages selected=value("stage")/>
            <Choice name="kind" label="Kind" options=kinds selected=value("kind")/>
            <Field name="currency" label="Currency" value=value("currency")/>
            {narrowed}
        </FilterBar>
    }
    .into_any()
}

#[component]
fn Documents(page: Paged<DocumentRow>, query: Query) -> AnyView {
    if page.rows.is_empty() {
        let text = "Take a filter away, or look under another entity or period.";
        return view! { <Empty title="No document matches" text=text.to_owned()><a class="button" href="/documents">"Show all documents"</a></Empty> }
            .into_any();
    }
    let count = page.rows.len();
    let whole = query.get("after").is_none() && page.next.is_none();
    let totals = view! { <Totals rows=page.rows.clone() whole/> };
    let rows = page.rows.into_iter().map(|row| view! { <DocumentLine row/> }).collect_view();
    let columns = vec![
        Column::text("Number"),
        Column::text("Customer"),
        Column::text("Entity"),
        Column::text("Posting date"),
        Column::text("Stage"),
        Column::text("Since"),
        Column::text("ERP number"),
        Column::text("Currency"),
        Column::number("Tax"),
        Column::number("Amount"),
    ];
    let first = query.get("after").map(|_| query.without("after").href());
    let next = page.next.map(|next| query.with("after", next).href());
    let csv = query.at("/export/documents.csv").href();
    view! {
        <DataTable caption="Documents" note="in the order they came in" columns cards=true><tbody>{rows}</tbody>{totals}</DataTable>
        <Pager shown=format!("{count} on this page") newer=first older=next words=("First page", "Next")/>
        <p class="actions"><a class="button" href=csv download>"All that match (CSV)"</a></p>
    }
    .into_any()
}

#[component]
fn DocumentLine(row: DocumentRow) -> AnyView {
    let href = format!("/documents/{}", row.document_id);
    let version = (row.version > 1).then(|| format!(" v{}", row.version));
    let kind = (row.kind != DocumentKind::Invoice).then(|| view! { <br/><small>{row.kind.label()}</small> });
    view! {
        <tr>
            <th scope="row" class="nowrap"><a href=href>{row.number}{version}</a>{kind}</th>
            <td data-label="Customer">{if row.customer_name.is_empty() { view! { <span class="na">"n/a"</span> }.into_any() } else { row.customer_name.into_any() }}</td>
            <td data-label="Entity">{row.entity_code}</td>
            <td data-label="Posting date" class="nowrap">{row.posting_date.to_string()}</td>
            <td data-label="Stage"><StageBadge place=row.stage/></td>
            <td data-label="Since"><Time at=row.stage_at/></td>
            <td data-label="ERP number"><span class="id">{row.erp_number.unwrap_or_else(|| "–".to_owned())}</span></td>
            <td data-label="Currency">{row.currency.clone()}</td>
            <td class="num" data-label="Tax"><Amount value=row.tax currency=row.currency.clone()/></td>
            <td class="num" data-label="Amount"><Amount value=row.amount currency=row.currency.clone()/></td>
        </tr>
    }
    .into_any()
}

/// Count, tax and amount per currency and kind: currencies are never added, debits and credits neither.
fn totals(rows: &[DocumentRow]) -> BTreeMap<(String, DocumentKind), (i64, Decimal, Decimal)> {
    let mut totals = BTreeMap::new();
    for row in rows {
        let sums: &mut (i64, Decimal, Decimal) = totals.entry((row.currency.clone(), row.kind)).or_default();
        *sums = (sums.0 + 1, sums.1 + row.tax, sums.2 + row.amount);
    }
    totals
}

#[component]
fn Totals(rows: Vec<DocumentRow>, whole: bool) -> AnyView {
    let what = if whole { "Total" } else { "Page total" };
    let lines = totals(&rows).into_iter().map(|((currency, kind), (count, tax, amount))| {
        let documents = if count == 1 { kind.label().to_lowercase() } else { format!("{}s", kind.label().to_lowercase()) };
        view! {
            <tr>
                <th scope="row" colspan="7">{format!("{what}: {count} {documents}")}</th>
                <td data-label="Currency">{currency.clone()}</td>
                <td class="num" data-label="Tax"><Amount value=tax currency=currency.clone()/></td>
                <td class="num" data-label="Amount"><Amount value=amount currency/></td>
            </tr>
        }
    });
    view! { <tfoot>{lines.collect_view()}</tfoot> }.into_any()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::id::DocumentId;

    pub(in super::super) fn document(currency: &str, kind: DocumentKind, amount: i64) -> DocumentRow {
        DocumentRow {
            document_id: DocumentId(uuid::Uuid::nil()),
            kind,
            number: "INV-1".to_owned(),
            version: 1,
            customer_name: "Acme".to_owned(),
            entity_code: "DE".to_owned(),
            currency: currency.to_owned(),
            amount: amount.into(),
            tax: Decimal::ONE,
            posting_date: chrono::NaiveDate::default(),
            period: "2026-10".parse().unwrap(),
            stage: Stage::Queued,
            stage_at: chrono::DateTime::default(),
            erp_number: None,
        }
    }

    #[test]
    fn neither_currencies_nor_sides_are_added() {
        use DocumentKind::{CreditMemo, Invoice};
        let rows = [document("EUR", Invoice, 5), document("EUR", Invoice, 7), document("EUR", CreditMemo, 2), document("USD", Invoice, 3)];
        let expected = [(("EUR", Invoice), (2, 2, 12)), (("EUR", CreditMemo), (1, 1, 2)), (("USD", Invoice), (1, 1, 3))];
        let expected = expected
            .map(|((currency, kind), (n, tax, amount))| ((currency.to_owned(), kind), (n, Decimal::from(tax), Decimal::from(amount))));
        assert_eq!(totals(&rows), BTreeMap::from(expected));
    }

    #[test]
    fn a_page_of_many_says_that_its_total_is_not_all() {
        let rows = vec![document("EUR", DocumentKind::Invoice, 5)];
        let part = view! { <table><Totals rows=rows.clone() whole=false/></table> }.to_html();
        assert!(part.contains("Page total: 1 invoice<"), "{part}");
        assert!(view! { <table><Totals rows whole=true/></table> }.to_html().contains(">Total: 1 invoice<"));
    }

    #[test]
    fn the_export_asks_for_what_the_page_shows() {
        let query = Query::new("/documents", &[("entity", "DE"), ("stage", "exception"), ("after", "x")]);
        assert_eq!(query.at("/export/documents.csv").href(), "/export/documents.csv?entity=DE&stage=exception");
        assert_eq!(asked(&query).stage.as_deref(), Some("exception"));
    }
}
