//! The same comparison by batch: what a batch brought against what stands for it on the right.

use super::{
    BREAKS,
    cells::{side_words, state_words, titles},
};
use crate::components::{Amount, Column, Count, DataTable, MoneyLink, Query, TieMark};
use domain::{checkpoint::Checkpoint, reconciliation::BatchCell};
use leptos::prelude::*;

#[component]
pub fn BatchCells(checkpoint: Checkpoint, #[prop(into)] caption: String, #[prop(into)] note: String, cells: Vec<BatchCell>) -> AnyView {
    let (left, right) = titles(checkpoint);
    let lines = cells.into_iter().map(|cell| view! { <Line cell/> }).collect_view();
    let columns = vec![
        Column::text("Batch"),
        Column::text("Cell"),
        Column::number(left),
        Column::number(right),
        Column::number("Difference"),
        Column::number("Timing"),
        Column::number("Unreconciled"),
        Column::text("State"),
    ];
    view! { <DataTable caption note columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn Line(cell: BatchCell) -> AnyView {
    let BatchCell { batch_id, batch_number, cell } = cell;
    let (left, right) = titles(cell.checkpoint);
    let batch = batch_id.map(|id| id.to_string());
    let head = match (&batch, batch_number) {
        (Some(id), Some(number)) => view! { <a href=format!("/batches/{id}")>{number}</a> }.into_any(),
        _ => view! { <span>"no batch of ours"</span> }.into_any(),
    };
    let period = cell.period.to_string();
    let pairs = [("entity", cell.entity_code.as_str()), ("period", &period), ("currency", &cell.currency)];
    let breaks = Query::new("/reconciliation", &pairs).with("checkpoint", cell.checkpoint);
    let breaks = batch.iter().fold(breaks, |query, batch| query.with("batch", batch));
    let href = format!("{}{BREAKS}", breaks.href());
    let currency = cell.currency.clone();
    let place = format!("{} {currency}", cell.entity_code);
    let below = format!("{period}, {}", side_words(cell.side));
    view! {
        <tr class="tall">
            <th scope="row" class="nowrap">{head}</th>
            <td data-label="Cell" class="nowrap">{place}<small class="below">{below}</small></td>
            <td class="num" data-label=left>
                <div><Amount value=cell.left.amount currency=currency.clone()/><small class="below"><Count value=cell.left.count/></small></div>
            </td>
            <td class="num" data-label=right>
                <div><Amount value=cell.right.amount currency=currency.clone()/><small class="below"><Count value=cell.right.count/></small></div>
            </td>
            <td class="num" data-label="Difference"><MoneyLink value=cell.difference() currency=currency.clone() href=href.clone()/></td>
            <td class="num" data-label="Timing"><MoneyLink value=cell.timing_amount currency=currency.clone() href=href.clone()/></td>
            <td class="num" data-label="Unreconciled"><MoneyLink value=cell.unreconciled_amount currency href=href/></td>
            <td data-label="State"><TieMark tie=cell.tie() text=state_words(&cell)/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::cells::tests::cell, *};
    use domain::id::BatchId;

    #[test]
    fn a_line_leads_to_its_batch_and_to_its_breaks() {
        let cell = cell("DE", "EUR", (2, 300), (1, 100), (0, 0), (1, 200));
        let id = BatchId(uuid::Uuid::nil());
        let brought = BatchCell { batch_id: Some(id), batch_number: Some("B-1".into()), cell: cell.clone() };
        let html = view! { <BatchCells checkpoint=Checkpoint::Receivables caption="A" note="b" cells=vec![brought]/> }.to_html();
        assert!(html.contains(&format!("/batches/{id}")) && html.contains(&format!("batch={id}#breaks")), "{html}");
        assert!(html.contains("off by 200") && html.contains(">B-1<"), "{html}");
        let foreign = BatchCell { batch_id: None, batch_number: None, cell };
        let html = view! { <BatchCells checkpoint=Checkpoint::Receivables caption="A" note="b" cells=vec![foreign]/> }.to_html();
        assert!(html.contains("no batch of ours") && !html.contains("/batches/"), "{html}");
    }
}
