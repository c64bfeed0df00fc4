//! The matrix: one line per entity, currency and side; per currency in total, and no line adds two currencies.

use super::BREAKS;
use crate::{
    components::{Amount, Column, Count, DataTable, Empty, GroupRow, MoneyLink, Query, TieMark, money_text},
    pages::batches::CountLink,
};
use domain::{
    checkpoint::{BreakKind, Checkpoint, ControlTotal, Tie},
    money::grouped,
    period::AccountingPeriod,
    reconciliation::{CheckpointCell, ReadState},
    stage::{DocumentKind, Side},
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The worst of an entity's cells; no cell is no tie.
fn tie_of(cells: &[&CheckpointCell]) -> Tie {
    let any = |tie: Tie| cells.iter().any(|cell| cell.tie() == tie);
    [Tie::Off, Tie::Timing, Tie::Ties].into_iter().find(|tie| any(*tie)).unwrap_or(Tie::None)
}

/// What is compared, and for whom.
#[derive(Debug, Clone)]
pub struct Compared {
    pub checkpoint: Checkpoint,
    pub period: AccountingPeriod,
    /// Codes of the entities that it is about.
    pub entities: Vec<String>,
    /// Those with an ERP, read back or not.
    pub read: Vec<ReadState>,
}

/// Every entity, with its cells; those without were not compared.
fn by_entity<'a>(cells: &'a [CheckpointCell], compared: &'a Compared) -> BTreeMap<&'a str, Vec<&'a CheckpointCell>> {
    let mut entities: BTreeMap<&str, Vec<&CheckpointCell>> = compared.entities.iter().map(|code| (code.as_str(), Vec::new())).collect();
    for cell in cells {
        entities.entry(&cell.entity_code).or_default().push(cell);
    }
    entities
}

/// When every entity ties.
fn all_tie(compared: &Compared) -> String {
    let period = compared.period;
    match compared.checkpoint {
        Checkpoint::Receivables => format!("What was issued in {period} is in the ERPs, equal, and nothing else is."),
        Checkpoint::Cash => format!("What banks and gateways settled in {period} is applied, or kept on account by a person."),
        Checkpoint::Usage | Checkpoint::Billing | Checkpoint::Ledger => format!("Both sides agree in {period}."),
    }
}

/// When there is nobody to compare.
fn nobody(checkpoint: Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::Receivables => "No entity of yours is attached to an ERP, so nothing can be assessed.",
        _ => "You see no entity, so nothing can be assessed.",
    }
}

/// What is so, in a sentence or two.
pub fn in_short(cells: &[CheckpointCell], compared: &Compared) -> String {
    let entities = by_entity(cells, compared);
    if entities.is_empty() {
        return nobody(compared.checkpoint).to_owned();
    }
    let period = compared.period;
    if cells.is_empty() && compared.checkpoint != Checkpoint::Receivables {
        let (left, right) = compared.checkpoint.sides();
        return format!("No data yet of {left} or {right} in {period}: not assessed.");
    }
    let with = |tie: Tie| entities.iter().filter(|(_, cells)| tie_of(cells) == tie).map(|(code, _)| *code).collect::<Vec<_>>();
    let (ties, off, timing, none) = (with(Tie::Ties), with(Tie::Off), with(Tie::Timing), with(Tie::None));
    if ties.len() == entities.len() {
        return all_tie(compared);
    }
    let breaks: i64 = cells.iter().map(|cell| cell.unreconciled_count).sum();
    let mut said =
        format!("{} of {} {} in {period}.", ties.len(), entities.len(), if ties.len() == 1 { "entities ties" } else { "entities tie" });
    if !off.is_empty() {
        let breaks = if breaks == 1 { "1 break".to_owned() } else { format!("{} breaks", grouped(breaks.into())) };
        said.push_str(&format!(" Off: {}, with {breaks} to explain below.", off.join(", ")));
    }
    if !timing.is_empty() {
        said.push_str(&format!(" On its way, inside its time: {}.", timing.join(", ")));
    }
    if !none.is_empty() {
        said.push_str(&format!(" Not assessed: {}.", none.join(", ")));
    }
    said
}

/// The two sides as columns.
pub(super) fn titles(checkpoint: Checkpoint) -> (&'static str, &'static str) {
    match checkpoint {
        Checkpoint::Usage => ("Captured", "Rated"),
        Checkpoint::Billing => ("Rated", "Invoiced"),
        Checkpoint::Receivables => ("Issued", "In the ERP"),
        Checkpoint::Cash => ("Settled", "Applied"),
        Checkpoint::Ledger => ("Subledger", "General ledger"),
    }
}

/// Why an entity has no figures.
fn not_assessed(checkpoint: Checkpoint, state: Option<&ReadState>) -> String {
    if checkpoint != Checkpoint::Receivables {
        return "no data yet".to_owned();
    }
    match state {
        Some(ReadState { finished_at: Some(_), documents: 0, .. }) => "read back: nothing issued, nothing in the ERP".to_owned(),
        Some(ReadState { finished_at: Some(_), .. }) => "read back, not compared yet".to_owned(),
        Some(ReadState { error: Some(error), .. }) => format!("could not be read: {error}"),
        _ => "not read back yet".to_owned(),
    }
}

fn times(cell: &CheckpointCell) -> String {
    let CheckpointCell { read_at, ran_at, checkpoint, .. } = cell;
    let read = if *checkpoint == Checkpoint::Cash { "last told" } else { "read back" };
    format!("{read} {}, compared {}", read_at.format("%Y-%m-%d %H:%M UTC"), ran_at.format("%H:%M UTC"))
}

/// What the tie mark of a cell says.
pub(super) fn state_words(cell: &CheckpointCell) -> String {
    match cell.tie() {
        Tie::Off if !cell.unreconciled_amount.is_zero() => format!("off by {}", money_text(cell.unreconciled_amount, &cell.currency)),
        Tie::None => "not assessed".to_owned(),
        tie => tie.to_string(),
    }
}

pub(super) fn side_words(side: Side) -> &'static str {
    match side {
        Side::Debit => "debits",
        Side::Credit => "credits",
    }
}

/// Cells of many entities added up per currency and side.
fn totals(cells: &[CheckpointCell]) -> Vec<CheckpointCell> {
    fn add(sum: &mut ControlTotal, more: ControlTotal) {
        sum.count += more.count;
        sum.amount += more.amount;
        sum.tax += more.tax;
    }
    let mut sums: Vec<CheckpointCell> = Vec::new();
    for cell in cells {
        match sums.iter_mut().find(|sum| sum.currency == cell.currency && sum.side == cell.side) {
            Some(sum) => {
                add(&mut sum.left, cell.left);
                add(&mut sum.right, cell.right);
                sum.timing_count += cell.timing_count;
                sum.timing_amount += cell.timing_amount;
                sum.unreconciled_count += cell.unreconciled_count;
                sum.unreconciled_amount += cell.unreconciled_amount;
            }
            None => sums.push(cell.clone()),
        }
    }
    sums.sort_by(|left, right| (&left.currency, left.side).cmp(&(&right.currency, right.side)));
    sums
}

fn against(checkpoint: Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::Usage => "Captured against rated",
        Checkpoint::Billing => "Rated against invoiced",
        Checkpoint::Receivables => "Issued against read back",
        Checkpoint::Cash => "Settled against applied",
        Checkpoint::Ledger => "Subledger against general ledger",
    }
}

/// What there has to be before anything can be compared.
fn needs(checkpoint: Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::Usage => "Usage that was captured, and what rating made of it.",
        Checkpoint::Billing => "Rated usage and contracted charges, and the invoice lines made of them.",
        Checkpoint::Receivables => "An entity has to be attached to an ERP, and read back, before issued and posted can be compared.",
        Checkpoint::Cash => "A statement of a bank or a movement of a gateway that tells of money in this period.",
        Checkpoint::Ledger => "Revenue schedules, and the balances of the general ledger read back.",
    }
}

#[component]
pub fn Cells(cells: Vec<CheckpointCell>, compared: Compared) -> AnyView {
    let entities = by_entity(&cells, &compared);
    if entities.is_empty() || cells.is_empty() && compared.checkpoint != Checkpoint::Receivables {
        return view! { <Empty title="Nothing to compare" text=needs(compared.checkpoint)/> }.into_any();
    }
    let (left, right) = titles(compared.checkpoint);
    let many = entities.len() > 1;
    let groups = entities.iter().map(|(code, cells)| {
        let state = compared.read.iter().find(|state| state.entity_code == *code);
        let note = cells.first().map_or_else(|| not_assessed(compared.checkpoint, state), |cell| times(cell));
        let lines = cells.iter().map(|cell| view! { <Line cell=(*cell).clone() entity=Some((*code).to_owned())/> }).collect_view();
        let none = cells.is_empty().then(|| view! { <tr><td colspan="9"><TieMark tie=Tie::None/></td></tr> });
        view! { <tbody><GroupRow columns=9 title=(*code).to_owned() note/>{lines}{none}</tbody> }
    });
    let groups = groups.collect_view();
    let sums = totals(&cells).into_iter().map(|cell| view! { <Line cell entity=None/> }).collect_view();
    let columns = vec![
        Column::text("Entity, currency, side"),
        Column::number(left),
        Column::number(format!("{left}, amount")),
        Column::number(right),
        Column::number(format!("{right}, amount")),
        Column::number("Difference"),
        Column::number("Timing"),
        Column::number("Unreconciled"),
        Column::text("State"),
    ];
    view! {
        <DataTable
            caption=format!("{}, {}", against(compared.checkpoint), compared.period)
            note=format!("checkpoint {}; debits and credits never net, unreconciled is absolute", compared.checkpoint)
            columns
            cards=true
        >
            {groups}
            {many.then(|| view! { <tbody class="grand"><GroupRow columns=9 title="All entities" note="per currency; currencies are never added"/>{sums}</tbody> })}
        </DataTable>
    }
    .into_any()
}

/// One currency and side, of an entity or of all.
#[component]
fn Line(cell: CheckpointCell, entity: Option<String>) -> AnyView {
    let entity = entity.unwrap_or_default();
    let period = cell.period.to_string();
    let pairs = [("entity", entity.as_str()), ("period", &period), ("currency", &cell.currency)];
    let (left, right) = titles(cell.checkpoint);
    let counted = match (cell.checkpoint, cell.side) {
        (Checkpoint::Receivables, side) => {
            let issued = Query::new("/documents", &pairs).with("kind", side).href();
            view! { <CountLink value=cell.left.count href=issued/> }.into_any()
        }
        (Checkpoint::Cash, Side::Credit) => {
            let payments = Query::new("/documents", &pairs).with("kind", DocumentKind::Payment).href();
            view! { <CountLink value=cell.left.count href=payments/> }.into_any()
        }
        _ => view! { <Count value=cell.left.count/> }.into_any(),
    };
    let breaks = Query::new("/reconciliation", &pairs).with("checkpoint", cell.checkpoint);
    let (all, timing) = (format!("{}{BREAKS}", breaks.href()), format!("{}{BREAKS}", breaks.with("kind", BreakKind::Timing).href()));
    let currency = cell.currency.clone();
    view! {
        <tr>
            <th scope="row"><a href=all.clone()>{format!("{currency} {}", side_words(cell.side))}</a></th>
            <td class="num" data-label=left>{counted}</td>
            <td class="num" data-label=format!("{left}, amount")><Amount value=cell.left.amount currency=currency.clone()/></td>
            <td class="num" data-label=right><Count value=cell.right.count/></td>
            <td class="num" data-label=format!("{right}, amount")><Amount value=cell.right.amount currency=currency.clone()/></td>
            <td class="num" data-label="Difference"><MoneyLink value=cell.difference() currency=currency.clone() href=all.clone()/></td>
            <td class="num" data-label="Timing"><MoneyLink value=cell.timing_amount currency=currency.clone() href=timing/></td>
            <td class="num" data-label="Unreconciled"><MoneyLink value=cell.unreconciled_amount currency href=all/></td>
            <td data-label="State"><TieMark tie=cell.tie() text=state_words(&cell)/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::id::{CheckpointRunId, EntityId};
    use rust_decimal::Decimal;

    pub fn period() -> AccountingPeriod {
        AccountingPeriod::new(2026, 10).unwrap()
    }

    fn total(count: i64, amount: i64) -> ControlTotal {
        ControlTotal { count, amount: amount.into(), tax: Decimal::ZERO }
    }

    pub fn cell(
        entity: &str,
        currency: &str,
        left: (i64, i64),
        right: (i64, i64),
        timing: (i64, i64),
        unreconciled: (i64, i64),
    ) -> CheckpointCell {
        CheckpointCell {
            checkpoint: Checkpoint::Receivables,
            run_id: CheckpointRunId(uuid::Uuid::nil()),
            entity_id: EntityId(uuid::Uuid::nil()),
            entity_code: entity.into(),
            period: period(),
            currency: currency.into(),
            side: Side::Debit,
            left: total(left.0, left.1),
            right: total(right.0, right.1),
            timing_count: timing.0,
            timing_amount: timing.1.into(),
            unreconciled_count: unreconciled.0,
            unreconciled_amount: unreconciled.1.into(),
            ran_at: DateTime::UNIX_EPOCH,
            read_at: DateTime::UNIX_EPOCH,
        }
    }

    fn state(entity: &str) -> ReadState {
        ReadState {
            entity_id: EntityId(uuid::Uuid::nil()),
            entity_code: entity.into(),
            period: period(),
            started_at: None,
            finished_at: None,
            documents: 0,
            error: None,
        }
    }

    fn of(entities: &[&str]) -> Compared {
        let entities: Vec<String> = entities.iter().map(|code| (*code).to_owned()).collect();
        Compared {
            checkpoint: Checkpoint::Receivables,
            period: period(),
            read: entities.iter().map(|code| state(code)).collect(),
            entities,
        }
    }

    #[test]
    fn a_checkpoint_without_data_is_not_assessed_whoever_asks() {
        for checkpoint in [Checkpoint::Usage, Checkpoint::Billing, Checkpoint::Cash, Checkpoint::Ledger] {
            let compared = Compared { checkpoint, ..of(&["US"]) };
            assert!(in_short(&[], &compared).contains("not assessed"), "{checkpoint}");
            let html = view! { <Cells cells=Vec::new() compared/> }.to_html();
            assert!(html.contains("Nothing to compare") && !html.contains("tie"), "{checkpoint}: {html}");
        }
    }

    #[test]
    fn an_entity_that_was_not_read_is_not_assessed_and_never_ties() {
        let cells = [cell("US", "USD", (2, 100), (2, 100), (0, 0), (0, 0))];
        assert_eq!(in_short(&cells, &of(&["US"])), "What was issued in 2026-10 is in the ERPs, equal, and nothing else is.");
        assert_eq!(in_short(&cells, &of(&["US", "DE"])), "1 of 2 entities ties in 2026-10. Not assessed: DE.");
        let html = view! { <Cells cells=cells.to_vec() compared=of(&["DE"])/> }.to_html();
        assert!(html.contains("not assessed") && html.contains("not read back yet"), "{html}");
        assert!(in_short(&[], &of(&[])).contains("nothing can be assessed"));
    }

    #[test]
    fn one_currency_off_puts_the_entity_off() {
        let cells = [cell("US", "USD", (2, 100), (2, 100), (0, 0), (0, 0)), cell("US", "CAD", (2, 100), (1, 60), (0, 0), (1, 40))];
        assert_eq!(in_short(&cells, &of(&["US"])), "0 of 1 entities tie in 2026-10. Off: US, with 1 break to explain below.");
    }

    #[test]
    fn totals_add_entities_and_never_currencies_and_differences_stay_absolute() {
        let cells = [
            cell("DE", "EUR", (2, 100), (1, 60), (0, 0), (1, 40)),
            cell("UK", "EUR", (1, 60), (2, 100), (0, 0), (1, 40)),
            cell("UK", "GBP", (1, 5), (1, 5), (0, 0), (0, 0)),
        ];
        let sums = totals(&cells);
        assert_eq!(sums.len(), 2);
        assert_eq!((sums[0].difference(), sums[0].unreconciled_amount, sums[0].tie()), (0.into(), 80.into(), Tie::Off));
        assert_eq!(sums[1].tie(), Tie::Ties);
    }

    #[test]
    fn a_figure_leads_to_its_breaks_and_to_its_documents() {
        let html = view! { <Line cell=cell("DE", "EUR", (2, 100), (1, 60), (0, 0), (1, 40)) entity=Some("DE".to_owned())/> }.to_html();
        assert!(html.contains("/reconciliation?entity=DE&amp;period=2026-10&amp;currency=EUR&amp;checkpoint=3#breaks"), "{html}");
        assert!(html.contains("/documents?entity=DE&amp;period=2026-10&amp;currency=EUR&amp;kind=debit"), "{html}");
        assert!(html.contains("off by 40.00 EUR") && !html.contains("kind=timing"), "nothing is behind a zero: {html}");
    }
}
