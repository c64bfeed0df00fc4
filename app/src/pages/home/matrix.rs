//! Where issued documents are, by entity and currency, in short: each number leads to its documents.

use super::documents;
use crate::components::{Column, Count, CountLink, DataTable, GroupRow, MoneyLink, Query};
use domain::{
    stage::{Family, Stage, StageGroup},
    view::{CallerView, MatrixRow},
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// What was issued and is not on its way, each with a column; together they are all of it.
const PLACES: [(Stage, &str); 5] = [
    (Stage::Exception, "Exception"),
    (Stage::Posted, "Posted"),
    (Stage::Mismatch, "Differs"),
    (Stage::Confirmed, "Confirmed"),
    (Stage::Resolved, "Resolved"),
];

fn count_of(row: &MatrixRow, group: StageGroup) -> i64 {
    row.stages.iter().filter(|cell| group.contains(cell.stage)).map(|cell| cell.count).sum()
}

fn open_amount(row: &MatrixRow) -> Decimal {
    row.stages.iter().filter(|cell| StageGroup::NotConfirmed.contains(cell.stage)).map(|cell| cell.amount).sum()
}

/// Invoices and credit memos of an entity and currency in one line.
fn by_currency(matrix: Vec<(String, MatrixRow)>) -> Vec<(String, MatrixRow)> {
    let mut lines: Vec<(String, MatrixRow)> = Vec::new();
    for (entity, row) in matrix {
        match lines.iter_mut().find(|(code, line)| *code == entity && line.currency == row.currency) {
            Some((_, line)) => line.stages.extend(row.stages),
            None => lines.push((entity, row)),
        }
    }
    lines
}

#[component]
pub fn StageMatrix(matrix: Vec<(String, MatrixRow)>, query: Query, caller: CallerView) -> AnyView {
    let lines = by_currency(matrix);
    let period = query.get("period").unwrap_or_default().to_owned();
    let name = |code: &str| caller.entities.iter().find(|entity| entity.code == code).map(|entity| entity.name.clone());
    let groups = lines.chunk_by(|left, right| left.0 == right.0).map(|group| {
        let code = group[0].0.clone();
        let title = name(&code).map_or_else(|| code.clone(), |name| format!("{code} · {name}"));
        let rows = group.iter().map(|(_, row)| view! { <Line row=row.clone() entity=code.clone() period=period.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=9 title/>{rows}</tbody> }
    });
    let groups = groups.collect_view();
    let sum = |of: &dyn Fn(&MatrixRow) -> i64| lines.iter().map(|(_, row)| of(row)).sum::<i64>();
    let totals =
        PLACES.map(|(stage, label)| view! { <td class="num" data-label=label><Count value=sum(&|row| row.count_in(stage))/></td> });
    let (all, under_way) = (sum(&|row| count_of(row, StageGroup::Issued)), sum(&|row| count_of(row, StageGroup::OnItsWay)));
    let columns =
        ["Issued", "On its way"].into_iter().chain(PLACES.map(|(_, label)| label)).chain(["Not yet confirmed"]).map(Column::number);
    view! {
        <section class="sparse"><DataTable
            caption="Where issued documents are"
            note="documents, invoices and credit memos together; the amount is gross"
            columns=std::iter::once(Column::text("Entity, currency")).chain(columns).collect()
            cards=true
        >
            {groups}
            <tfoot>
                <tr>
                    <th scope="row">"All"</th>
                    <td class="num" data-label="Issued"><Count value=all/></td>
                    <td class="num" data-label="On its way"><Count value=under_way/></td>
                    {totals.into_iter().collect_view()}
                    <td class="num"><small>"per currency above"</small></td>
                </tr>
            </tfoot>
        </DataTable></section>
    }
    .into_any()
}

#[component]
fn Line(row: MatrixRow, entity: String, period: String) -> AnyView {
    let base = Query::new("/documents", &[("entity", &entity), ("batch_period", &period), ("currency", &row.currency)])
        .with("kind", Family::Billing);
    let of = |group: StageGroup| base.with("stage", group).href();
    let places = PLACES.map(|(stage, label)| {
        view! { <td class="num" data-label=label><CountLink value=row.count_in(stage) href=documents(&base, stage)/></td> }
    });
    let currency = row.currency.clone();
    view! {
        <tr>
            <th scope="row"><a href=base.href()>{currency.clone()}</a></th>
            <td class="num" data-label="Issued"><CountLink value=count_of(&row, StageGroup::Issued) href=of(StageGroup::Issued)/></td>
            <td class="num" data-label="On its way"><CountLink value=count_of(&row, StageGroup::OnItsWay) href=of(StageGroup::OnItsWay)/></td>
            {places.into_iter().collect_view()}
            <td class="num" data-label="Not yet confirmed"><MoneyLink value=open_amount(&row) currency href=of(StageGroup::NotConfirmed)/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::batches::tests::row;

    #[test]
    fn the_columns_hold_every_issued_stage_once() {
        for stage in Stage::ALL.iter().filter(|stage| stage.is_issued()) {
            let places = PLACES.iter().filter(|(place, _)| place == stage).count();
            assert_eq!(places + usize::from(StageGroup::OnItsWay.contains(*stage)), 1, "{stage}");
        }
    }

    #[test]
    fn a_line_adds_both_kinds_and_leads_to_the_list_of_its_stage() {
        let invoices = row("EUR", 3, 0, &[(Stage::Queued, 2, 50), (Stage::Confirmed, 1, 10)]);
        let memos = row("EUR", 1, 0, &[(Stage::Queued, 1, 5)]);
        let lines = by_currency(vec![("DE".to_owned(), invoices), ("DE".to_owned(), memos)]);
        let count = |group| count_of(&lines[0].1, group);
        assert_eq!((lines.len(), count(StageGroup::Issued), count(StageGroup::OnItsWay), open_amount(&lines[0].1)), (1, 4, 3, 55.into()));
        let html = view! { <Line row=lines[0].1.clone() entity="DE".to_owned() period=String::new()/> }.to_html();
        let list = "/documents?entity=DE&amp;currency=EUR&amp;kind=billing&amp;stage=";
        for word in ["issued", "on_its_way", "not_confirmed", "confirmed"] {
            assert!(html.contains(&format!("{list}{word}\"")), "{word}: {html}");
        }
        assert!(html.contains("55.00"), "{html}");
    }
}
