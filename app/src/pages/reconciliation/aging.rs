//! Aging on two scales: hours for those who operate, days for the books. Each scale adds up to the same total.

use crate::components::{Amount, Column, DataTable, MoneyLink, Query};
use domain::reconciliation::{AgeBucket, AgingCell};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// One entity and currency.
#[derive(Debug, PartialEq, Eq)]
struct AgeRow {
    entity: String,
    currency: String,
    /// By [`AgeBucket`].
    amounts: Vec<(AgeBucket, Decimal)>,
}

impl AgeRow {
    fn within(&self, buckets: &[AgeBucket]) -> Decimal {
        self.amounts.iter().filter(|(bucket, _)| buckets.contains(bucket)).map(|(_, amount)| *amount).sum()
    }
}

use AgeBucket::{Days30, Days60, Days90, Hours4, Hours24, Older};

/// Hours for operations.
const OPERATIONS: [(&str, &[AgeBucket]); 3] =
    [("Under 4 h", &[Hours4]), ("4–24 h", &[Hours24]), ("Over 24 h", &[Days30, Days60, Days90, Older])];
/// Days for accounting.
const ACCOUNTING: [(&str, &[AgeBucket]); 4] =
    [("0–30 days", &[Hours4, Hours24, Days30]), ("31–60 days", &[Days60]), ("61–90 days", &[Days90]), ("Over 90 days", &[Older])];

fn rows(cells: Vec<AgingCell>) -> Vec<AgeRow> {
    let mut rows: Vec<AgeRow> = Vec::new();
    for cell in cells {
        match rows.iter_mut().find(|row| row.entity == cell.entity_code && row.currency == cell.currency) {
            Some(row) => row.amounts.push((cell.bucket, cell.amount)),
            None => rows.push(AgeRow { entity: cell.entity_code, currency: cell.currency, amounts: vec![(cell.bucket, cell.amount)] }),
        }
    }
    rows
}

/// `list` and `fragment`: where the list behind a cell is; entity and currency are added.
#[component]
pub fn AgingTable(
    #[prop(into)] caption: String,
    #[prop(into)] note: String,
    cells: Vec<AgingCell>,
    list: Query,
    #[prop(default = "")] fragment: &'static str,
) -> AnyView {
    let scales = || OPERATIONS.iter().chain(&ACCOUNTING);
    let lines = rows(cells).into_iter().map(|row| {
        let href = format!("{}{fragment}", list.with("entity", &row.entity).with("currency", &row.currency).href());
        let amounts = scales().map(|(label, buckets)| {
            let class = if *label == ACCOUNTING[0].0 { "num scale" } else { "num" };
            view! { <td class=class data-label=*label><MoneyLink value=row.within(buckets) currency=row.currency.clone() href=href.clone()/></td> }
        });
        let amounts = amounts.collect_view();
        view! {
            <tr>
                <th scope="row"><a href=href>{format!("{} {}", row.entity, row.currency)}</a></th>
                {amounts}
                <td class="num scale" data-label="Total"><b><Amount value=row.within(AgeBucket::ALL) currency=row.currency.clone()/></b></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = std::iter::once(Column::text("Entity, currency"))
        .chain(scales().map(|(label, _)| Column::number(*label)))
        .chain([Column::number("Total")])
        .collect();
    view! { <section class="sparse"><DataTable caption note columns cards=true><tbody>{lines}</tbody></DataTable></section> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::EntityId;

    fn cell(bucket: AgeBucket, amount: i64) -> AgingCell {
        AgingCell {
            entity_id: EntityId(uuid::Uuid::nil()),
            entity_code: "DE".into(),
            currency: "EUR".into(),
            bucket,
            count: 1,
            amount: amount.into(),
        }
    }

    #[test]
    fn both_scales_hold_every_bucket_once_and_add_up_to_the_total() {
        let all = AgeBucket::ALL.iter().zip([1, 2, 4, 8, 16, 32]).map(|(bucket, amount)| cell(*bucket, amount)).collect();
        let rows = rows(all);
        assert_eq!(rows.len(), 1);
        for scale in [&OPERATIONS[..], &ACCOUNTING[..]] {
            let sum: Decimal = scale.iter().map(|(_, buckets)| rows[0].within(buckets)).sum();
            assert_eq!(sum, rows[0].within(AgeBucket::ALL));
        }
        assert_eq!(rows[0].within(ACCOUNTING[0].1), 7.into());
    }

    #[test]
    fn a_cell_leads_to_its_list() {
        let cells = vec![cell(AgeBucket::Hours4, 12)];
        let html = view! { <AgingTable caption="A" note="b" cells list=Query::new("/reconciliation", &[]) fragment="#breaks"/> }.to_html();
        assert!(html.contains("/reconciliation?entity=DE&amp;currency=EUR#breaks") && html.contains("12.00"), "{html}");
    }
}
