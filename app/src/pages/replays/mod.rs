//! Replays: every frozen set, newest first.

mod set;

pub use set::{ReplayPage, Watch};

use crate::{
    api::replays::{ReplaysView, list_replays},
    components::{Column, Count, DataTable, Empty, Failure, Page, Pager, Pill, Sums, Time, Tone, use_query},
};
use domain::replay::{ReplaySetView, ReplayState};
use leptos::prelude::*;

#[component]
pub fn ReplaysPage() -> impl IntoView {
    let query = use_query();
    let asked = (query.get("entity").map(str::to_owned), query.get("after").map(str::to_owned));
    let replays = Resource::new_blocking(move || asked.clone(), |(entity, after)| list_replays(entity, after));
    view! {
        <Page title="Replays">
            <Suspense>
                {move || Suspend::new(async move {
                    match replays.await {
                        Ok(view) => view! { <Replays view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Replays(view: ReplaysView) -> AnyView {
    let query = use_query();
    let rows = view.sets.rows;
    if rows.is_empty() {
        return view! {
            <Empty title="Nothing has been replayed" text="A replay begins in the queue of exceptions: for what is ticked, for a cause, or for all that a filter shows.">
                <a class="button" href="/exceptions">"Exceptions"</a>
            </Empty>
        }
        .into_any();
    }
    let (first, older) =
        (query.get("after").map(|_| query.without("after").href()), view.sets.next.map(|next| query.with("after", next).href()));
    let shown = format!("{} on this page", rows.len());
    let lines = rows.into_iter().map(|set| view! { <Line set/> }).collect_view();
    let columns = vec![
        Column::text("Replay"),
        Column::text("State"),
        Column::number("Documents"),
        Column::number("Had their turn"),
        Column::number("Amount"),
        Column::text("Prepared"),
        Column::text("Approved"),
    ];
    view! {
        <DataTable caption="Replays" note="each a set of documents, frozen when it was prepared" columns cards=true><tbody>{lines}</tbody></DataTable>
        <Pager shown newer=first older words=("First", "More")/>
    }
    .into_any()
}

#[component]
fn Line(set: ReplaySetView) -> AnyView {
    let done = set.done();
    view! {
        <tr class="tall">
            <th scope="row">
                <a href=format!("/replays/{}", set.set_id)>{format!("Replay {}", set.number)}</a>
                <small class="below prose">{set.title}</small>
            </th>
            <td data-label="State"><State state=set.state/></td>
            <td class="num" data-label="Documents"><Count value=i64::from(set.items)/></td>
            <td class="num" data-label="Had their turn"><Count value=i64::from(done)/></td>
            <td class="num" data-label="Amount"><Sums money=set.money/></td>
            <td data-label="Prepared"><div>{set.prepared_by}<small class="below"><Time at=set.prepared_at/></small></div></td>
            <td data-label="Approved">{approved(set.within_limit, set.decided_by)}</td>
        </tr>
    }
    .into_any()
}

/// Who answers for it beside the preparer.
fn approved(within_limit: bool, decided_by: Option<String>) -> String {
    decided_by.unwrap_or_else(|| if within_limit { "within the limit".to_owned() } else { "–".to_owned() })
}

#[component]
fn State(state: ReplayState) -> AnyView {
    let tone = match state {
        ReplayState::Waiting | ReplayState::Paused => Tone::Timing,
        ReplayState::Running => Tone::Calm,
        ReplayState::Done => Tone::Ties,
        ReplayState::Cancelled | ReplayState::Refused => Tone::None,
        ReplayState::Void => Tone::Off,
    };
    view! { <Pill tone text=state.label()/> }.into_any()
}
