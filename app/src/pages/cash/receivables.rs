//! Receivables by age: invoices by their due date, disputed ones apart, and beside them what reduces them. What of it is AR adds up
//! in the row; money of unknown payers stands beside it, never inside.

use super::{
    CashTab, CashTabs, ITEMS, WORKBENCH,
    matrix::{AgingRow, rows, totals},
    roll::RollForwards,
    tie::ArTies,
};
use crate::{
    api::receivables::{ReceivablesView, get_receivables},
    components::{Amount, Column, DataTable, Empty, Failure, GroupRow, MoneyLink, Page, Query, money_text, use_query},
};
use domain::{
    money::grouped,
    receivable::{AgeBand, AgingCell, OpenStatus},
    refund::RefundsPayable,
    roll_forward::RollPart,
    stage::DocumentKind::{self, CreditMemo, Invoice, Payment},
    view::CallerView,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

#[component]
pub fn ReceivablesPage() -> impl IntoView {
    let entity = use_query().get("entity").map(str::to_owned);
    let receivables = Resource::new_blocking(move || entity.clone(), get_receivables);
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Receivables/>
            <Suspense>
                {move || Suspend::new(async move {
                    match receivables.await {
                        Ok(ReceivablesView { today, cells, .. }) if cells.is_empty() => {
                            view! { <Empty title="Nothing is open" text=format!("As of {today} no invoice, credit memo or payment of these entities has anything open. Invoices come in with batches.")/> }.into_any()
                        }
                        Ok(ReceivablesView { today, cells, tie, rolled, payable }) => {
                            view! {
                                <div class="intro"><p>{in_short(&cells)}</p></div>
                                <AgingTable cells caption="Receivables by age" as_of=today.to_string()/>
                                {payable_words(&payable).map(|words| view! { <p class="muted beside-it">{words}</p> })}
                                <ArTies view=tie/>
                                <RollForwards rows=rolled/>
                            }
                            .into_any()
                        }
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// How many invoices are open, late and in dispute; money is per currency below.
fn in_short(cells: &[AgingCell]) -> String {
    let count = |of: &dyn Fn(&AgingCell) -> bool| {
        let invoices = cells.iter().filter(|cell| cell.kind == Invoice && of(cell));
        grouped(invoices.map(|cell| cell.count).sum::<i64>().into())
    };
    let (open, late) = (count(&|_| true), count(&|cell| cell.band != AgeBand::Current));
    let (old, disputed) = (count(&|cell| cell.band == AgeBand::Over90), count(&|cell| cell.status == OpenStatus::Disputed));
    let more = [(old, "older than 90 days"), (disputed, "disputed")].into_iter().filter(|(count, _)| count != "0");
    let more: Vec<String> = more.map(|(count, what)| format!("{count} {what}")).collect();
    let more = if more.is_empty() { String::new() } else { format!("; {}", more.join(", ")) };
    format!("Of the invoices {open} are open and {late} of them overdue{more}.")
}

/// Rows by entity and currency; `customer` keeps the lists behind the figures to one customer.
#[component]
pub fn AgingTable(
    cells: Vec<AgingCell>,
    #[prop(into)] caption: String,
    as_of: String,
    #[prop(into, optional)] customer: Option<String>,
) -> AnyView {
    let caller = expect_context::<CallerView>();
    let name = |code: &str| caller.entities.iter().find(|entity| entity.code == code).map(|entity| entity.name.clone());
    let rows = rows(cells);
    let beside = unidentified(&rows);
    let sums = totals(&rows);
    let of_customer = customer.is_some();
    let groups = rows.chunk_by(|left, right| left.entity == right.entity).map(|group| {
        let code = group[0].entity.clone();
        let title = name(&code).map_or_else(|| code.clone(), |name| format!("{code} · {name}"));
        let lines = group.iter().map(|row| view! { <Line row=row.clone() customer=customer.clone()/> }).collect_view();
        let head = (!of_customer).then(|| view! { <GroupRow columns=COLUMNS title/> });
        view! { <tbody>{head}{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let all = (!sums.is_empty()).then(|| {
        let lines = sums.into_iter().map(|row| view! { <Line row customer=None/> }).collect_view();
        view! {
            <tbody class="grand"><GroupRow columns=COLUMNS title="All entities" note="per currency; currencies are never added"/>{lines}</tbody>
        }
    });
    let note = format!("invoices by days after their due date, as of {as_of}; receivable: invoices less credit memos and money");
    view! {
        <DataTable caption note columns=columns() cards=true wide=true>{groups}{all}</DataTable>
        {beside.map(|words| view! { <p class="muted beside-it">{words}</p> })}
    }
    .into_any()
}

const COLUMNS: u32 = 12;

fn columns() -> Vec<Column> {
    let bands = AgeBand::ALL.iter().map(|band| Column::number(band.label(Invoice)));
    let beside = ["Disputed", RollPart::GivenBack.label(), "Credit memos", "Unapplied", "On account", "Receivable"].map(Column::number);
    std::iter::once(Column::text("Currency")).chain(bands).chain(beside).collect()
}

/// Money of unknown payers, per currency, in a sentence.
fn unidentified(rows: &[AgingRow]) -> Option<String> {
    let mut sums: Vec<(String, Decimal)> = Vec::new();
    for row in rows {
        let open = row.open(Payment, &[OpenStatus::Unidentified], AgeBand::ALL);
        match sums.iter_mut().find(|(currency, _)| *currency == row.currency) {
            Some((_, sum)) => *sum += open,
            None => sums.push((row.currency.clone(), open)),
        }
    }
    let sums = sums.iter().filter(|(_, sum)| !sum.is_zero()).map(|(currency, sum)| money_text(*sum, currency));
    let sums: Vec<String> = sums.collect();
    (!sums.is_empty()).then(|| format!("Beside it, not inside, stands money whose payer is not known: {}.", sums.join(", ")))
}

/// What is agreed to go back and did not leave yet, per currency, in a sentence.
fn payable_words(payable: &[RefundsPayable]) -> Option<String> {
    let sums: Vec<String> = payable.iter().map(|sum| money_text(sum.amount, &sum.currency)).collect();
    (!sums.is_empty()).then(|| {
        format!("Refunds payable, beside it too: {}. They are agreed, and no bank or gateway has shown that they left.", sums.join(", "))
    })
}

/// Money that went back and that no credit covers yet.
fn money_back(row: &AgingRow) -> Decimal {
    DocumentKind::MONEY_BACK.into_iter().map(|kind| row.open(kind, &[OpenStatus::Open], AgeBand::ALL)).sum()
}

/// What AR holds of a row: open invoices, disputed ones too, and money that went back, less open credit memos and money of known payers.
fn receivable(row: &AgingRow) -> Decimal {
    row.open(Invoice, OpenStatus::ALL, AgeBand::ALL) + money_back(row)
        - row.open(CreditMemo, OpenStatus::ALL, AgeBand::ALL)
        - row.open(Payment, &[OpenStatus::Open, OpenStatus::OnAccount], AgeBand::ALL)
}

#[component]
fn Line(row: AgingRow, #[prop(optional_no_strip)] customer: Option<String>) -> AnyView {
    let pairs =
        [("entity", row.entity.as_str()), ("currency", row.currency.as_str()), ("customer", customer.as_deref().unwrap_or_default())];
    let list = |path: &str, kind: DocumentKind, status: OpenStatus| Query::new(path, &pairs).with("kind", kind).with("status", status);
    let money = |value: Decimal, href: String| view! { <MoneyLink value currency=row.currency.clone() href/> };
    let bands = AgeBand::ALL.iter().map(|band| {
        let href = list(ITEMS, Invoice, OpenStatus::Open).with("band", band).href();
        view! { <td class="num" data-label=band.label(Invoice)>{money(row.open(Invoice, &[OpenStatus::Open], &[*band]), href)}</td> }
    });
    let bands = bands.collect_view();
    // what reduces a receivable is negative
    let beside = [
        ("Disputed", ITEMS, Invoice, OpenStatus::Disputed, Decimal::ONE),
        ("Credit memos", ITEMS, CreditMemo, OpenStatus::Open, Decimal::NEGATIVE_ONE),
        ("Unapplied", WORKBENCH, Payment, OpenStatus::Open, Decimal::NEGATIVE_ONE),
        ("On account", WORKBENCH, Payment, OpenStatus::OnAccount, Decimal::NEGATIVE_ONE),
    ];
    let beside = beside.map(|(label, path, kind, status, sign)| {
        let class = if label == "Disputed" { "num scale" } else { "num" };
        let value = row.open(kind, &[status], AgeBand::ALL) * sign;
        view! { <td class=class data-label=label>{money(value, list(path, kind, status).href())}</td> }
    });
    let [disputed, reducing @ ..] = beside;
    // the list shows one kind: the first of which something is open
    let kind = DocumentKind::MONEY_BACK.into_iter().find(|kind| row.count(*kind, &[OpenStatus::Open]) > 0).unwrap_or(DocumentKind::Refund);
    let back = money(money_back(&row), list(ITEMS, kind, OpenStatus::Open).href());
    let all = Query::new(ITEMS, &pairs).with("kind", Invoice).href();
    view! {
        <tr>
            <th scope="row"><a href=all>{row.currency.clone()}</a></th>
            {bands}
            {disputed}
            <td class="num" data-label=RollPart::GivenBack.label()>{back}</td>
            {Vec::from(reducing)}
            <td class="num scale" data-label="Receivable"><b><Amount value=receivable(&row) currency=row.currency.clone()/></b></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::cell, *};

    fn row() -> AgingRow {
        let open = OpenStatus::Open;
        rows(vec![
            cell("DE", "EUR", Invoice, open, AgeBand::Current, 100),
            cell("DE", "EUR", Invoice, OpenStatus::Disputed, AgeBand::To30, 40),
            cell("DE", "EUR", CreditMemo, open, AgeBand::To30, 8),
            cell("DE", "EUR", Payment, open, AgeBand::To30, 4),
            cell("DE", "EUR", Payment, OpenStatus::OnAccount, AgeBand::To30, 2),
            cell("DE", "EUR", Payment, OpenStatus::Unidentified, AgeBand::To30, 1),
        ])
        .remove(0)
    }

    #[test]
    fn a_receivable_holds_disputed_invoices_and_no_money_of_unknown_payers() {
        assert_eq!(receivable(&row()), 126.into());
        assert_eq!(unidentified(&[row(), row()]).unwrap(), "Beside it, not inside, stands money whose payer is not known: 2.00 EUR.");
        assert_eq!(unidentified(&[]), None);
        let payable = [RefundsPayable { currency: "EUR".into(), amount: 7.into() }];
        assert!(payable_words(&payable).unwrap().starts_with("Refunds payable, beside it too: 7.00 EUR."));
    }

    #[test]
    fn the_sentence_counts_invoices_and_nothing_else() {
        assert_eq!(in_short(&row().cells), "Of the invoices 2 are open and 1 of them overdue; 1 disputed.");
    }

    #[test]
    fn each_figure_leads_to_its_items_and_what_reduces_is_negative() {
        let html = view! { <table><tbody><Line row=row() customer=None/></tbody></table> }.to_html();
        assert!(html.contains("/cash/items?entity=DE&amp;currency=EUR&amp;kind=invoice&amp;status=open&amp;band=current"), "{html}");
        assert!(html.contains("/cash/workbench?entity=DE&amp;currency=EUR&amp;kind=payment&amp;status=on_account"), "{html}");
        assert!(html.contains("(8.00)") && html.contains("126.00"), "{html}");
    }
}
