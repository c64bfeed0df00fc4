//! The roll-forward of receivables: how what was open at the beginning of a period became what was open at its end.

use crate::components::{Amount, Column, DataTable, GroupRow, MoneyLink, Query};
use domain::{
    roll_forward::{RollForward, RollPart},
    stage::{DocumentKind, Side, StageGroup},
};
use leptos::prelude::*;

/// Periods shown of an entity and currency; what was before is in the opening.
const PERIODS: usize = 6;

#[component]
pub fn RollForwards(rows: Vec<RollForward>) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let groups = rows.chunk_by(|left, right| (&left.entity_code, &left.currency) == (&right.entity_code, &right.currency)).map(|group| {
        let title = format!("{} · {}", group[0].entity_code, group[0].currency);
        let lines = group.iter().rev().take(PERIODS).map(|row| view! { <Line row=row.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=COLUMNS title/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let parts = RollPart::ALL.iter().map(|part| Column::number(part.label()));
    let columns = [Column::text("Period"), Column::number("Opening")].into_iter().chain(parts).chain([Column::number("Closing")]).collect();
    let note = "by accounting period, in transaction currency, so nothing is revalued; chargebacks are among what was returned; \
        money of unknown payers is not inside";
    view! { <DataTable caption="Roll-forward" note columns cards=true>{groups}</DataTable> }.into_any()
}

const COLUMNS: u32 = 9;

#[component]
fn Line(row: RollForward) -> AnyView {
    let currency = row.currency.clone();
    let parts = RollPart::ALL.iter().map(|part| {
        let amount = match part.side() {
            Side::Debit => row.amount(*part),
            Side::Credit => -row.amount(*part),
        };
        let figure = match documents(&row, *part) {
            Some(href) => view! { <MoneyLink value=amount currency=currency.clone() href/> }.into_any(),
            None => view! { <Amount value=amount currency=currency.clone()/> }.into_any(),
        };
        view! { <td class="num" data-label=part.label()>{figure}</td> }
    });
    let parts = parts.collect_view();
    view! {
        <tr>
            <th scope="row">{row.period.to_string()}</th>
            <td class="num" data-label="Opening"><Amount value=row.opening currency=currency.clone()/></td>
            {parts}
            <td class="num" data-label="Closing"><b><Amount value=row.closing() currency/></b></td>
        </tr>
    }
    .into_any()
}

/// The list that holds exactly the documents of a figure, where there is one.
fn documents(row: &RollForward, part: RollPart) -> Option<String> {
    let mut kinds = DocumentKind::ALL.iter().filter(|kind| RollPart::of(**kind) == Some(part));
    let (kind, more) = (kinds.next()?, kinds.next());
    if more.is_some() || row.in_part.contains(&part) || row.amount(part).is_zero() {
        return None;
    }
    let (period, stage) = (row.period.to_string(), StageGroup::Issued.to_string());
    let keys = [
        ("entity", row.entity_code.as_str()),
        ("currency", &row.currency),
        ("period", &period),
        ("kind", kind.as_str()),
        ("stage", &stage),
    ];
    Some(Query::new("/documents", &keys).href())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    #[test]
    fn a_figure_leads_to_its_documents_only_where_a_list_holds_exactly_these() {
        let row = RollForward {
            entity_code: "DE".into(),
            currency: "EUR".into(),
            period: "2026-10".parse().unwrap(),
            opening: Decimal::from(50),
            moved: [(RollPart::Invoices, 100), (RollPart::CreditMemos, 10), (RollPart::Receipts, 40), (RollPart::WriteOffs, 2)]
                .map(|(part, amount)| (part, Decimal::from(amount)))
                .into(),
            in_part: vec![RollPart::CreditMemos],
        };
        assert_eq!(
            documents(&row, RollPart::Invoices).as_deref(),
            Some("/documents?entity=DE&currency=EUR&period=2026-10&kind=invoice&stage=issued")
        );
        assert_eq!(
            (documents(&row, RollPart::CreditMemos), documents(&row, RollPart::WriteOffs)),
            (None, None),
            "write-offs are credit memos too"
        );
        let html = view! { <RollForwards rows=vec![row]/> }.to_html();
        assert!(html.contains("98.00") && html.contains("(40.00)"), "{html}");
    }
}
