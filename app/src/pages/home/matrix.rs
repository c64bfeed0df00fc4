//! Where issued documents are, by entity and currency, in short: each number leads to its documents.

use super::documents;
use crate::{
    components::{Amount, Column, Count, DataTable, GroupRow, Query},
    pages::batches::CountLink,
};
use domain::{
    stage::Stage,
    view::{CallerView, MatrixRow},
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// Between issue and the ERP's answer.
const ON_ITS_WAY: [Stage; 5] = [Stage::Finalized, Stage::Held, Stage::Queued, Stage::InFlight, Stage::Unknown];
/// The rest of what was issued, each with a column; together with the first they are all of it.
const PLACES: [Stage; 5] = [Stage::Exception, Stage::Posted, Stage::Mismatch, Stage::Confirmed, Stage::Resolved];

fn on_its_way(row: &MatrixRow) -> i64 {
    ON_ITS_WAY.iter().map(|stage| row.count_in(*stage)).sum()
}

fn issued(row: &MatrixRow) -> i64 {
    row.stages.iter().filter(|cell| cell.stage.is_issued()).map(|cell| cell.count).sum()
}

fn open_amount(row: &MatrixRow) -> Decimal {
    row.stages.iter().filter(|cell| cell.stage.awaits_confirmation()).map(|cell| cell.amount).sum()
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
    let totals = PLACES.map(|stage| view! { <td class="num" data-label=stage.label()><Count value=sum(&|row| row.count_in(stage))/></td> });
    let (all, under_way) = (sum(&issued), sum(&on_its_way));
    let columns = ["Issued", "On its way"]
        .into_iter()
        .chain(["Exception", "Posted", "Differs", "Confirmed", "Resolved", "Not yet confirmed"])
        .map(Column::number);
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
    let base = Query::new("/documents", &[("entity", &entity), ("batch_period", &period), ("currency", &row.currency)]);
    let batches = Query::new("/batches", &[("entity", &entity), ("period", &period)]).href();
    // one stage has a list of its own; several are told apart on the batches' page
    let mut stages = ON_ITS_WAY.iter().filter(|stage| row.count_in(**stage) > 0);
    let under_way = match (stages.next(), stages.next()) {
        (Some(only), None) => documents(&base, *only),
        _ => batches.clone(),
    };
    let places = PLACES.map(|stage| {
        view! { <td class="num" data-label=stage.label()><CountLink value=row.count_in(stage) href=documents(&base, stage)/></td> }
    });
    let currency = row.currency.clone();
    view! {
        <tr>
            <th scope="row"><a href=base.href()>{currency.clone()}</a></th>
            <td class="num" data-label="Issued"><CountLink value=issued(&row) href=base.href()/></td>
            <td class="num" data-label="On its way"><CountLink value=on_its_way(&row) href=under_way/></td>
            {places.into_iter().collect_view()}
            <td class="num" data-label="Not yet confirmed"><a href=batches><Amount value=open_amount(&row) currency/></a></td>
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
            let places = ON_ITS_WAY.iter().chain(&PLACES).filter(|place| *place == stage).count();
            assert_eq!(places, 1, "{stage}");
        }
    }

    #[test]
    fn a_line_adds_both_kinds_and_leads_to_the_list_of_its_stage() {
        let invoices = row("EUR", 3, 0, &[(Stage::Queued, 2, 50), (Stage::Confirmed, 1, 10)]);
        let memos = row("EUR", 1, 0, &[(Stage::Queued, 1, 5)]);
        let lines = by_currency(vec![("DE".to_owned(), invoices), ("DE".to_owned(), memos)]);
        assert_eq!((lines.len(), issued(&lines[0].1), on_its_way(&lines[0].1), open_amount(&lines[0].1)), (1, 4, 3, 55.into()));
        let html = view! { <Line row=lines[0].1.clone() entity="DE".to_owned() period=String::new()/> }.to_html();
        assert!(html.contains("/documents?entity=DE&amp;currency=EUR&amp;stage=queued") && html.contains("55.00"), "{html}");
    }
}
