//! What needs a person, what clears by itself, what came in last.

use crate::{
    components::{Amount, Column, Count, CountLink, DataTable, Empty, FlowBar, Pill, Query, StageBadge, Sums, Time, Tone, age},
    pages::{batches::segments, exceptions::cause::title},
};
use chrono::{DateTime, Utc};
use domain::{
    stage::Stage,
    view::{BatchView, Cluster, WaitingGroup},
};
use leptos::prelude::*;

#[component]
pub fn Causes(causes: Vec<Cluster>, now: DateTime<Utc>, query: Query) -> AnyView {
    if causes.is_empty() {
        return view! { <section class="record"><Empty title="Nothing needs a person" text="No document has an open exception."/></section> }.into_any();
    }
    let lines = causes.into_iter().map(|cause| {
        let href = query.at("/exceptions").with("cause", &cause.fingerprint).href();
        let what = cause.missing_code.clone().unwrap_or(cause.message);
        view! {
            <tr class="tall">
                <th scope="row"><a href=href.clone()>{title(cause.kind, cause.missing_kind)}</a><small class="below">{what}</small></th>
                <td data-label="Entities">{cause.entities.join(", ")}</td>
                <td class="num" data-label="Documents"><CountLink value=cause.count href/></td>
                <td class="num" data-label="Amount"><Sums money=cause.money/></td>
                <td data-label="Oldest" class="nowrap">{age(cause.first_seen, now)}</td>
                <td data-label="What to do"><span class="prose">{cause.kind.advice()}</span></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Cause"),
        Column::text("Entities"),
        Column::number("Documents"),
        Column::number("Amount"),
        Column::text("Oldest"),
        Column::text("What to do"),
    ];
    view! { <DataTable caption="What needs a person" note="open exceptions by cause, most documents first" columns cards=true><tbody>{lines}</tbody></DataTable> }
        .into_any()
}

/// In which stage, and why no one is needed.
fn waits_for(what: &str) -> (Stage, &'static str) {
    match what {
        "unknown" => (Stage::Unknown, "outcome unknown; a probe asks the ERP before anything is sent again"),
        "held" => (Stage::Held, "waits for the document it depends on"),
        _ => (Stage::Queued, "throttled or refused for the moment; sent again under the same key"),
    }
}

#[component]
pub fn Waiting(groups: Vec<WaitingGroup>) -> AnyView {
    if groups.is_empty() {
        return ().into_any();
    }
    let lines = groups.into_iter().map(|group| {
        let (stage, why) = waits_for(&group.what);
        let pairs = [("entity", group.entity_code.as_str()), ("currency", &group.currency)];
        let href = Query::new("/documents", &pairs).with("stage", stage).href();
        let next = group.next_at.map_or_else(|| "–".into_any(), |at| view! { <Time at/> }.into_any());
        view! {
            <tr>
                <th scope="row"><StageBadge place=stage/></th>
                <td data-label="Entity">{group.entity_code}</td>
                <td class="num" data-label="Documents"><CountLink value=group.count href/></td>
                <td class="num" data-label="Amount"><Amount value=group.amount currency=group.currency code=true/></td>
                <td data-label="Next try">{next}</td>
                <td data-label="Why">{why}" "<Pill tone=Tone::Calm text="clears by itself"/></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Where"),
        Column::text("Entity"),
        Column::number("Documents"),
        Column::number("Amount"),
        Column::text("Next try"),
        Column::text("Why"),
    ];
    view! { <DataTable caption="What clears by itself" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
pub fn Newest(batches: Vec<BatchView>) -> AnyView {
    let lines = batches.into_iter().map(|batch| {
        let exceptions: i64 = batch.matrix.iter().map(|row| row.count_in(Stage::Exception)).sum();
        let id = batch.batch_id.to_string();
        let of_batch = Query::new("/documents", &[("batch", &id)]);
        let in_exception = of_batch.with("stage", Stage::Exception).href();
        view! {
            <tr>
                <th scope="row"><a href=format!("/batches/{id}")>{batch.number}</a></th>
                <td data-label="Entity">{batch.entity_code}</td>
                <td data-label="Received"><Time at=batch.received_at/></td>
                <td class="num" data-label="Documents"><Count value=i64::from(batch.document_count)/></td>
                <td class="flow-cell"><FlowBar segments=segments(&batch.matrix)/></td>
                <td class="num" data-label="Exceptions"><CountLink value=exceptions href=in_exception/></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Batch"),
        Column::text("Entity"),
        Column::text("Received"),
        Column::number("Documents"),
        Column::text("Where they are"),
        Column::number("Exceptions"),
    ];
    view! { <DataTable caption="Newest batches" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}
