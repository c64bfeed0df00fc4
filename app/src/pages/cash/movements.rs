//! The movements of a gateway's balance behind a figure, newest first.

use super::{CLEARING, CashTab, CashTabs, WORKBENCH};
use crate::{
    api::clearing::{MovementQuery, list_movements},
    components::{Amount, Column, DataTable, Empty, Failure, Page, Pager, Query, Time, use_query},
};
use domain::{clearing::ClearingEntry, settlement::ClearingLine, view::Paged};
use leptos::prelude::*;

#[component]
pub fn MovementsPage() -> impl IntoView {
    let query = use_query();
    let key = |key: &str| query.get(key).map(str::to_owned);
    let asked = MovementQuery {
        account: key("account"),
        currency: key("currency"),
        line: key("line"),
        from: key("from"),
        until: key("until"),
        payout: key("payout"),
        after: key("after"),
    };
    let movements = Resource::new_blocking(move || asked.clone(), list_movements);
    view! {
        <Page title="Movements of a gateway" crumbs=vec![("Gateway clearing".to_owned(), CLEARING.to_owned())]>
            <CashTabs current=CashTab::Clearing/>
            <Suspense>
                {move || Suspend::new(async move {
                    match movements.await {
                        Ok(Paged { rows, .. }) if rows.is_empty() => {
                            view! { <Empty title="Nothing moved" text="No movement is behind this figure."/> }.into_any()
                        }
                        Ok(movements) => view! { <Movements movements query=use_query()/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// What the list holds, in words.
fn caption(query: &Query) -> String {
    let line = query.parsed::<ClearingLine>("line").map_or("Movements", ClearingLine::label);
    let mut words = line.to_owned();
    for (key, word) in [("payout", "of payout"), ("from", "since"), ("until", "before")] {
        if let Some(value) = query.get(key) {
            words.push_str(&format!(" {word} {value}"));
        }
    }
    words
}

#[component]
fn Movements(movements: Paged<ClearingEntry>, query: Query) -> AnyView {
    let shown = format!("{} on this page", movements.rows.len());
    let first = query.get("after").map(|_| query.without("after").href());
    let next = movements.next.map(|next| query.with("after", next).href());
    let columns = vec![
        Column::text("Time"),
        Column::text("What"),
        Column::text("Invoice"),
        Column::text("Payment"),
        Column::number("Paid"),
        Column::number("Gross"),
        Column::number("Fee"),
        Column::number("Net"),
    ];
    let rows = movements.rows.into_iter().map(|entry| view! { <MovementLine entry/> }).collect_view();
    view! {
        <DataTable caption=caption(&query) note="what raises the balance is positive" columns cards=true><tbody>{rows}</tbody></DataTable>
        <Pager shown newer=first older=next words=("First page", "Next")/>
    }
    .into_any()
}

#[component]
fn MovementLine(entry: ClearingEntry) -> AnyView {
    let settled = entry.settlement_currency.code();
    let payment = entry.payment.map(|(id, number)| view! { <a href=format!("{WORKBENCH}/{id}")>{number}</a> });
    view! {
        <tr class="two-line">
            <th scope="row" class="nowrap"><Time at=entry.created_at/><small class="below">{entry.entry_id}</small></th>
            <td data-label="What">{entry.kind.as_str().replace('_', " ")}<small class="below">{entry.reason}</small></td>
            <td data-label="Invoice">{entry.invoice_numbers.join(", ")}</td>
            <td data-label="Payment">{payment}</td>
            <td class="num" data-label="Paid"><Amount value=entry.amount currency=entry.currency.code() code=true/></td>
            <td class="num" data-label="Gross"><Amount value=entry.gross currency=settled/></td>
            <td class="num" data-label="Fee"><Amount value=entry.fee currency=settled/></td>
            <td class="num" data-label="Net"><Amount value=entry.net currency=settled code=true/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caption_says_what_the_list_holds() {
        let of = |pairs: &[(&str, &str)]| caption(&Query::new("/", pairs));
        assert_eq!(of(&[("line", "fees"), ("from", "2026-11-01")]), "Fees since 2026-11-01");
        assert_eq!(of(&[("payout", "po_1")]), "Movements of payout po_1");
    }
}
