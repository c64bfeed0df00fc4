//! How long is normal between the two sides: what history says, by where it comes from, and the longest that a controller allows.

use crate::{
    api::{form_error, reach::Reach},
    components::{Column, DataTable, GroupRow, Notice, Submit, Tone},
};
use domain::{access::Action, checkpoint::Checkpoint, reconciliation::TimingRow};
use leptos::prelude::*;

/// What timing is called at a checkpoint; `None`: nothing is compared there yet.
fn about(checkpoint: Checkpoint) -> Option<(&'static str, &'static str)> {
    match checkpoint {
        Checkpoint::Receivables => Some(("Connection", "from issued to read back; 24 hours until something is learned")),
        Checkpoint::Cash => Some(("Account or gateway", "from settled to applied; 7 days until something is learned")),
        Checkpoint::Usage | Checkpoint::Billing | Checkpoint::Ledger => None,
    }
}

fn hours(hours: i32) -> String {
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours} h"),
        (days, 0) => format!("{days} d"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

#[component]
pub fn Normal(checkpoint: Checkpoint, rows: Vec<TimingRow>, reach: Reach, back: String) -> AnyView {
    let Some((source, note)) = about(checkpoint).filter(|_| !rows.is_empty()) else { return ().into_any() };
    let error = form_error("limit_timing").map(|error| view! { <Notice tone=Tone::Off title=error.to_string()/> });
    let groups = rows
        .chunk_by(|a, b| a.entity_id == b.entity_id)
        .map(|rows| view! { <OfEntity checkpoint rows=rows.to_vec() reach=reach.clone() back=back.clone()/> });
    let groups = groups.collect_view();
    let columns = vec![Column::text(source), Column::number("99 of 100 within"), Column::number("Learned from"), Column::text("Learned")];
    view! {
        <section id="timing" class="anchor record">
            {error}
            <DataTable caption="How long is normal" note columns cards=true>{groups}</DataTable>
        </section>
    }
    .into_any()
}

#[component]
fn OfEntity(checkpoint: Checkpoint, rows: Vec<TimingRow>, reach: Reach, back: String) -> AnyView {
    let Some(first) = rows.first().cloned() else { return ().into_any() };
    let limit = first.limit_hours.map_or_else(|| "no limit set".to_owned(), |limit| format!("at most {}", hours(limit)));
    let lines = rows.into_iter().filter(|row| !row.source.is_empty()).map(|row| {
        view! {
            <tr>
                <th scope="row">{row.source}</th>
                <td class="num" data-label="99 of 100 within">{row.learned_hours.map(hours)}</td>
                <td class="num" data-label="Learned from">{row.samples.map(|samples| format!("{samples} documents"))}</td>
                <td data-label="Learned">{row.learned_at.map(|at| at.format("%Y-%m-%d").to_string())}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let why_not = reach.why_not_in(Action::Reconcile, &first.entity_code);
    let field = format!("hours-{}", first.entity_code);
    view! {
        <tbody>
            <GroupRow columns=4 title=first.entity_code.clone() note=limit/>
            {lines}
            <tr>
                <td colspan="4">
                    <form class="actions" method="post" action="/fn/limit_timing">
                        <input type="hidden" name="entity" value=first.entity_code.clone()/>
                        <input type="hidden" name="checkpoint" value=checkpoint.to_string()/>
                        <input type="hidden" name="back" value=back/>
                        <label for=field.clone()>"At most, hours"</label>
                        <input id=field name="hours" type="number" min="1" max="8760" required value=first.limit_hours.map(|limit| limit.to_string())/>
                        <Submit text="Set the limit" why_not/>
                    </form>
                </td>
            </tr>
        </tbody>
    }
    .into_any()
}
