//! How much money is not applied, where, and how old: by entity, currency and status, from the day it came. Below it, how much the
//! rules applied without a person.

use super::{
    ACCOUNTS, CashTab, CashTabs, WORKBENCH,
    matrix::{AgingRow, rows, totals},
    rates::Rates,
};
use crate::{
    api::receivables::{UnappliedView, get_unapplied},
    components::{Amount, Column, CountLink, DataTable, Empty, Failure, GroupRow, MoneyLink, Page, Query, counted, money_text, use_query},
};
use domain::{
    receivable::{AgeBand, AgingCell, OpenStatus},
    stage::DocumentKind::Payment,
    view::CallerView,
};
use leptos::prelude::*;
use leptos_router::components::Redirect;
use rust_decimal::Decimal;

/// How money can stand, the least known first.
const STATUSES: [OpenStatus; 3] = [OpenStatus::Unidentified, OpenStatus::Open, OpenStatus::OnAccount];

#[component]
pub fn CashPage() -> AnyView {
    let query = use_query();
    // bank accounts were here once
    if query.get("intake").is_some() || query.get("error").is_some() {
        return view! { <Redirect path=query.moved(ACCOUNTS).href()/> }.into_any();
    }
    let entity = query.get("entity").map(str::to_owned);
    let unapplied = Resource::new_blocking(move || entity.clone(), get_unapplied);
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Unapplied/>
            <Suspense>
                {move || Suspend::new(async move {
                    match unapplied.await {
                        Ok(unapplied) => view! { <Unapplied unapplied/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
    .into_any()
}

#[component]
fn Unapplied(unapplied: UnappliedView) -> AnyView {
    let UnappliedView { today, cells, rates } = unapplied;
    let bench = use_query().only(&["entity"]).moved(WORKBENCH).href();
    let matrix = if cells.is_empty() {
        view! {
            <Empty title="No money waits to be applied" text="Money comes in with the banks’ statements, and the rules apply what they are sure of. What a person has to decide appears here.">
                <a class="button" href=ACCOUNTS>"Hand over statements"</a>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <div class="intro">
                <p>{in_short(&cells)}</p>
                <a class="button primary" href=bench data-command="Apply cash">"Apply cash"</a>
            </div>
            <Matrix cells today=today.to_string()/>
        }
        .into_any()
    };
    view! { {matrix}<Rates rates/> }.into_any()
}

/// How many, how much, and what is bad about it.
fn in_short(cells: &[AgingCell]) -> String {
    let count = |of: &dyn Fn(&&AgingCell) -> bool| cells.iter().filter(of).map(|cell| cell.count).sum::<i64>();
    let all = count(&|_| true);
    let mut sums: Vec<(&str, Decimal)> = Vec::new();
    for cell in cells {
        match sums.iter_mut().find(|(currency, _)| *currency == cell.currency) {
            Some((_, sum)) => *sum += cell.open,
            None => sums.push((&cell.currency, cell.open)),
        }
    }
    let sums: Vec<String> = sums.into_iter().map(|(currency, sum)| money_text(sum, currency)).collect();
    let is = if all == 1 { "is" } else { "are" };
    let mut said = format!("{} {is} not applied in full: {}.", counted(all, "payment"), sums.join(", "));
    let unidentified = count(&|cell| cell.status == OpenStatus::Unidentified);
    if unidentified > 0 {
        said.push_str(&format!(" The payer of {} is not known.", domain::money::grouped(unidentified.into())));
    }
    let old = count(&|cell| cell.band == AgeBand::Over90);
    if old > 0 {
        said.push_str(&format!(
            " {} older than 90 days.",
            if old == 1 { "One is".to_owned() } else { format!("{} are", domain::money::grouped(old.into())) }
        ));
    }
    said
}

#[component]
fn Matrix(cells: Vec<AgingCell>, today: String) -> AnyView {
    let caller = expect_context::<CallerView>();
    let name = |code: &str| caller.entities.iter().find(|entity| entity.code == code).map(|entity| entity.name.clone());
    let rows = rows(cells);
    let sums = totals(&rows);
    let bands = AgeBand::of_kind(Payment);
    let columns = [Column::text("Currency, status"), Column::number("Payments")]
        .into_iter()
        .chain(bands.iter().map(|band| Column::number(band.label(Payment))))
        .chain([Column::number("Total")])
        .collect();
    let groups = rows.chunk_by(|left, right| left.entity == right.entity).map(|group| {
        let code = group[0].entity.clone();
        let title = name(&code).map_or_else(|| code.clone(), |name| format!("{code} · {name}"));
        let lines = group.iter().map(|row| view! { <Lines row=row.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=7 title/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let all = (!sums.is_empty()).then(|| {
        let lines = sums.into_iter().map(|row| view! { <Lines row/> }).collect_view();
        view! { <tbody class="grand"><GroupRow columns=7 title="All entities" note="per currency; currencies are never added"/>{lines}</tbody> }
    });
    view! {
        <DataTable caption="Money that is not applied" note=format!("by days since it came, as of {today}") columns cards=true>{groups}{all}</DataTable>
    }
    .into_any()
}

/// A currency's statuses, and their sum where there are several.
#[component]
fn Lines(row: AgingRow) -> AnyView {
    let present: Vec<OpenStatus> = STATUSES.into_iter().filter(|status| row.count(Payment, &[*status]) > 0).collect();
    let lines = present.iter().map(|status| {
        let label = format!("{} {}", row.currency, status.of_money());
        view! { <Line row=row.clone() label statuses=vec![*status]/> }
    });
    let lines = lines.collect_view();
    let sum = (present.len() > 1).then(|| {
        let label = format!("{} in all", row.currency);
        view! { <Line row=row.clone() label statuses=present.clone()/> }
    });
    view! { {lines}{sum} }.into_any()
}

#[component]
fn Line(row: AgingRow, label: String, statuses: Vec<OpenStatus>) -> AnyView {
    let list = Query::new(WORKBENCH, &[("entity", row.entity.as_str()), ("currency", row.currency.as_str())]);
    let (list, is_sum) = match statuses.as_slice() {
        [status] => (list.with("status", status), false),
        _ => (list, true),
    };
    let amounts = AgeBand::of_kind(Payment).iter().map(|band| {
        let open = row.open(Payment, &statuses, &[*band]);
        let href = list.with("band", band).href();
        view! { <td class="num" data-label=band.label(Payment)><MoneyLink value=open currency=row.currency.clone() href/></td> }
    });
    let amounts = amounts.collect_view();
    let (href, count) = (list.href(), row.count(Payment, &statuses));
    let total = row.open(Payment, &statuses, AgeBand::ALL);
    view! {
        <tr class=is_sum.then_some("subtotal")>
            <th scope="row"><a href=href.clone()>{label}</a></th>
            <td class="num" data-label="Payments"><CountLink value=count href/></td>
            {amounts}
            <td class="num" data-label="Total"><b><Amount value=total currency=row.currency.clone()/></b></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::cell, *};

    #[test]
    fn the_sentence_names_every_currency_apart_and_what_is_bad() {
        let cells = [
            cell("DE", "EUR", Payment, OpenStatus::Unidentified, AgeBand::To30, 10),
            cell("DE", "USD", Payment, OpenStatus::Open, AgeBand::Over90, 20),
        ];
        assert_eq!(
            in_short(&cells),
            "2 payments are not applied in full: 10.00 EUR, 20.00 USD. The payer of 1 is not known. One is older than 90 days."
        );
        assert_eq!(in_short(&cells[1..]), "1 payment is not applied in full: 20.00 USD. One is older than 90 days.");
    }

    #[test]
    fn a_figure_leads_to_its_payments_and_several_statuses_are_summed() {
        let cells = vec![
            cell("DE", "EUR", Payment, OpenStatus::Unidentified, AgeBand::To60, 10),
            cell("DE", "EUR", Payment, OpenStatus::Open, AgeBand::To60, 5),
        ];
        let html = view! { <table><tbody><Lines row=rows(cells).remove(0)/></tbody></table> }.to_html();
        assert!(html.contains("/cash/workbench?entity=DE&amp;currency=EUR&amp;status=unidentified&amp;band=31-60"), "{html}");
        assert!(html.contains("EUR in all") && html.contains("15.00") && html.contains("subtotal"), "{html}");
    }
}
