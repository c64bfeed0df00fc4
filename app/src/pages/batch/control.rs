//! What proves that a batch travels whole: the manifest against what is here, and, before the first send, against what was mapped
//! for the ERP.

use super::{super::batches::line_label, has_other_kinds};
use crate::{
    api::form_error,
    components::{Amount, Column, Count, DataTable, GroupRow, Notice, StageBadge, Submit, TieMark, Tone},
};
use domain::{
    checkpoint::Tie,
    control::{BatchControl, ControlRow, ControlTotal},
    id::BatchId,
    view::MatrixRow,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// One measure of one line: announced, found.
struct Control {
    measure: &'static str,
    declared: Decimal,
    found: Decimal,
}

/// Count, amount and tax of a line, as announced and as found.
fn controls(row: &MatrixRow) -> [Control; 3] {
    let tax = row.stages.iter().map(|cell| cell.tax).sum();
    [
        Control { measure: "Documents", declared: row.came_in.into(), found: row.accounted_for().into() },
        Control { measure: "Amount", declared: row.amount, found: row.amount_accounted_for() },
        Control { measure: "Tax", declared: row.tax, found: tax },
    ]
}

impl Control {
    fn difference(&self) -> Decimal {
        self.found - self.declared
    }
}

#[component]
pub fn ControlTotals(rows: Vec<MatrixRow>) -> AnyView {
    let with_kind = has_other_kinds(&rows);
    let groups = rows.iter().map(|row| {
        let lines = controls(row).into_iter().map(|control| view! { <ControlLine control currency=row.currency.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=5 title=line_label(row, with_kind)/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![
        Column::text("Control total"),
        Column::number("Manifest"),
        Column::number("Accounted for"),
        Column::number("Difference"),
        Column::text("Ties"),
    ];
    view! { <DataTable caption="Control totals" note="what the manifest announced and what is here" columns cards=true>{groups}</DataTable> }.into_any()
}

#[component]
fn ControlLine(control: Control, currency: String) -> AnyView {
    let (tie, difference) = if control.difference().is_zero() { (Tie::Ties, Decimal::ZERO) } else { (Tie::Off, control.difference()) };
    let figure = |value: Decimal| measured(control.measure, value, &currency);
    view! {
        <tr>
            <th scope="row">{control.measure}</th>
            <td class="num" data-label="Manifest">{figure(control.declared)}</td>
            <td class="num" data-label="Accounted for">{figure(control.found)}</td>
            <td class="num" data-label="Difference">{figure(difference)}</td>
            <td data-label="Ties"><TieMark tie/></td>
        </tr>
    }
    .into_any()
}

/// Documents are counted, everything else is money.
fn measured(measure: &str, value: Decimal, currency: &str) -> AnyView {
    if measure == "Documents" {
        view! { <Count value=i64::try_from(value).ok()/> }.into_any()
    } else {
        view! { <Amount value currency=currency.to_owned()/> }.into_any()
    }
}

/// The comparison that a batch passes before anything of it is sent.
#[component]
pub fn BeforeSend(control: BatchControl) -> AnyView {
    let groups = control.totals.into_iter().map(|total| {
        let title = format!("{} · {}s", total.currency, total.kind.label());
        let counts = [total.announced_count, total.aside_count, total.to_send_count].map(Decimal::from);
        let amounts = [total.announced_amount, total.aside_amount, total.to_send_amount];
        let taxes = [total.announced_tax, total.aside_tax, total.to_send_tax];
        let lines = [("Documents", counts), ("Amount", amounts), ("Tax", taxes)];
        let lines = lines.map(|(measure, figures)| view! { <SendLine measure figures currency=total.currency.clone()/> }).collect_view();
        view! { <tbody><GroupRow columns=6 title/>{lines}<HashLine total/></tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![
        Column::text("Control total"),
        Column::number("Manifest less rejected"),
        Column::number("Set aside"),
        Column::number("Mapped to be sent"),
        Column::number("Difference"),
        Column::text("Ties"),
    ];
    view! { <DataTable caption="Before the first send" note="set aside: in exception or held when the totals were compared" columns cards=true>{groups}</DataTable> }
        .into_any()
}

/// Announced, set aside, to be sent.
#[component]
fn SendLine(measure: &'static str, figures: [Decimal; 3], currency: String) -> AnyView {
    let [announced, aside, to_send] = figures;
    let difference = aside + to_send - announced;
    let tie = if difference.is_zero() { Tie::Ties } else { Tie::Off };
    let figure = |value: Decimal| measured(measure, value, &currency);
    view! {
        <tr>
            <th scope="row">{measure}</th>
            <td class="num" data-label="Manifest less rejected">{figure(announced)}</td>
            <td class="num" data-label="Set aside">{figure(aside)}</td>
            <td class="num" data-label="Mapped to be sent">{figure(to_send)}</td>
            <td class="num" data-label="Difference">{figure(difference)}</td>
            <td data-label="Ties"><TieMark tie/></td>
        </tr>
    }
    .into_any()
}

/// The hash total has no unit: it only ties or does not.
#[component]
fn HashLine(total: ControlTotal) -> AnyView {
    let tie = if total.hash_ties { Tie::Ties } else { Tie::Off };
    view! {
        <tr>
            <th scope="row">"Hash total"</th>
            <td colspan="4" data-label="Over"><small>"number, currency, amount, tax, posting and due date of each document to be sent"</small></td>
            <td data-label="Ties"><TieMark tie/></td>
        </tr>
    }
    .into_any()
}

/// Nothing of the batch is sent: which rows make the difference, and how it goes on.
#[component]
pub fn Stopped(control: BatchControl, batch: BatchId, #[prop(optional_no_strip)] why_not: Option<String>) -> AnyView {
    let error = form_error("compare_batch_again").map(|error| error.to_string());
    let text = "What was mapped for the ERP is not what the manifest announced. Look into the documents below; when they are right, compare again.";
    let rows = control.rows.into_iter().map(|row| view! { <Differing row/> }).collect_view();
    let columns = vec![
        Column::text("Document"),
        Column::text("Stage"),
        Column::number("Amount issued"),
        Column::number("Amount mapped"),
        Column::number("Tax issued"),
        Column::number("Tax mapped"),
    ];
    view! {
        <Notice tone=Tone::Off title="Stopped: nothing of this batch is sent" text=text.to_owned()/>
        {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
        <DataTable caption="Documents that differ" note="the first ones, in the order of the batch" columns cards=true><tbody>{rows}</tbody></DataTable>
        <form class="actions" method="post" action="/fn/compare_batch_again">
            <input type="hidden" name="batch" value=batch.to_string()/>
            <Submit text="Compare again" why_not primary=true/>
        </form>
    }
    .into_any()
}

#[component]
fn Differing(row: ControlRow) -> AnyView {
    let mapped = row.mapped_currency.clone().unwrap_or_else(|| row.currency.clone());
    let figure = |value: Option<Decimal>| match value {
        Some(value) => view! { <Amount value currency=mapped.clone() code=true/> }.into_any(),
        None => view! { <span class="na">"not mapped"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/documents/{}", row.document_id)>{row.number}</a></th>
            <td data-label="Stage"><StageBadge place=row.stage/></td>
            <td class="num" data-label="Amount issued"><Amount value=row.amount currency=row.currency.clone() code=true/></td>
            <td class="num" data-label="Amount mapped">{figure(row.mapped_amount)}</td>
            <td class="num" data-label="Tax issued"><Amount value=row.tax currency=row.currency code=true/></td>
            <td class="num" data-label="Tax mapped">{figure(row.mapped_tax)}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::super::batches::tests::row, *};
    use chrono::DateTime;
    use domain::stage::{DocumentKind, Stage};

    fn total() -> ControlTotal {
        ControlTotal {
            currency: "EUR".into(),
            kind: DocumentKind::Invoice,
            announced_count: 3,
            announced_amount: 300.into(),
            announced_tax: 30.into(),
            aside_count: 1,
            aside_amount: 100.into(),
            aside_tax: 10.into(),
            to_send_count: 2,
            to_send_amount: 150.into(),
            to_send_tax: 20.into(),
            hash_ties: false,
        }
    }

    #[test]
    fn the_difference_is_what_was_found_less_what_was_announced() {
        let line = row("EUR", 3, 300, &[(Stage::Confirmed, 2, 250)]);
        let differences: Vec<Decimal> = controls(&line).iter().map(Control::difference).collect();
        assert_eq!(differences, [Decimal::from(-1), Decimal::from(-50), Decimal::ZERO]);
        let html = view! { <ControlTotals rows=vec![line]/> }.to_html();
        assert!(html.contains("(50.00)") && html.matches("is-off").count() == 2 && html.matches("is-ties").count() == 1, "{html}");
    }

    #[test]
    fn before_the_first_send_each_measure_ties_or_not_by_itself() {
        let control = BatchControl { stopped: true, compared_at: DateTime::UNIX_EPOCH, totals: vec![total()], rows: Vec::new() };
        let html = view! { <BeforeSend control/> }.to_html();
        assert!(html.contains("(50.00)") && html.matches("is-off").count() == 2 && html.matches("is-ties").count() == 2, "{html}");
    }
}
