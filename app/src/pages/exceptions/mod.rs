//! The exception queue: causes at the left, the chosen one and its documents at the right. The URL holds the filter;
//! every form leads back to it.

pub mod cause;
mod clusters;
mod queue;

use crate::{
    api::exceptions::{ExceptionQuery, ExceptionsView, list_exceptions},
    components::{Empty, Failure, Page, Pill, Query, Submit, Time, Tone, use_query},
};
use cause::{FixForm, extent, never_replayed, title, unmapped};
use clusters::{Causes, Waiting};
use domain::{
    access::Action,
    view::{Cluster, StageMoney},
};
use leptos::prelude::*;
use queue::{Filters, Queue};

fn asked(query: &Query) -> ExceptionQuery {
    let key = |key: &str| query.get(key).map(str::to_owned);
    ExceptionQuery {
        entity: key("entity"),
        period: key("period"),
        currency: key("currency"),
        kind: key("kind"),
        connection: key("connection"),
        cause: key("cause"),
        owner: key("owner"),
        hours: key("hours"),
        amount: key("amount"),
        after: key("after"),
    }
}

#[component]
pub fn ExceptionsPage() -> impl IntoView {
    let query = asked(&use_query());
    let exceptions = Resource::new_blocking(move || query.clone(), list_exceptions);
    view! {
        <Page title="Exceptions">
            <Suspense>
                {move || Suspend::new(async move {
                    match exceptions.await {
                        Ok(exceptions) => view! { <Exceptions exceptions/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Exceptions(exceptions: ExceptionsView) -> AnyView {
    let query = use_query();
    let cause: Option<Cluster> =
        query.get("cause").and_then(|cause| Cluster::merged(exceptions.clusters.clone()).into_iter().find(|c| c.fingerprint == cause));
    let all_causes = query.without("cause").href();
    let none_left = query.get("cause").is_some() && cause.is_none();
    view! {
        <div class="split">
            <div class="first">
                <Causes clusters=exceptions.clusters.clone() query=query.clone()/>
                <Waiting groups=exceptions.waiting.clone() query=query.clone()/>
            </div>
            <div class="stack">
                {cause.map(|cluster| view! { <CauseCard cluster exceptions=exceptions.clone()/> })}
                {none_left.then(|| view! {
                    <Empty title="Nothing of this cause is open here" text="What was replayed travels on; what comes back opens again.">
                        <a class="button" href=all_causes>"All causes"</a>
                    </Empty>
                })}
                <div><Filters exceptions=exceptions.clone() query=query.clone()/><Queue exceptions query/></div>
            </div>
        </div>
    }
    .into_any()
}

/// The chosen cause: what it is, what to do, the form that fixes it, and the replay of all of it.
#[component]
fn CauseCard(cluster: Cluster, exceptions: ExceptionsView) -> AnyView {
    let ExceptionsView { replay, fixes, reach, .. } = exceptions;
    let subject = cluster.missing_code.clone().map_or_else(String::new, |code| format!(": {code}"));
    let heading = format!("{}{subject}", title(cluster.kind, cluster.missing_kind));
    let why_not = reach.why_not(Action::Replay, &cluster.entities).or_else(|| unmapped(&fixes));
    let fixes = fixes.into_iter().map(|fix| view! { <FixForm fix reach=reach.clone()/> }).collect_view();
    let elsewhere = hidden_by_filter(&cluster, &replay);
    let answer = cluster.missing_code.is_none().then(|| view! { <p class="answer"><code>{cluster.code}</code>" "{cluster.message}</p> });
    let act = match never_replayed(cluster.kind) {
        Some(reason) => view! { <p class="muted">{format!("Not replayed: {reason}.")}</p> }.into_any(),
        None => view! {
            <form class="actions" method="post" action="/fn/replay_matching">
                <input type="hidden" name="query[cause]" value=cluster.fingerprint.clone()/>
                <input type="hidden" name="title" value=heading.clone()/>
                <Submit text=format!("Replay all of this cause: {}", if replay.is_empty() { extent(&cluster.money) } else { extent(&replay) }) why_not primary=true/>
                {elsewhere.then(|| view! { <small>"All entities and periods you may replay in, whatever the filter shows"</small> })}
            </form>
        }
        .into_any(),
    };
    view! {
        <section class="card pane" aria-labelledby="cause">
            <div class="pane-head">
                <div>
                    <h2 id="cause">{heading}</h2>
                    <small>
                        {extent(&cluster.money)}" · "{cluster.entities.join(", ")}" · first "<Time at=cluster.first_seen/>", last "<Time at=cluster.last_seen/>
                    </small>
                </div>
                <Pill tone=Tone::Off text="needs a person"/>
            </div>
            {answer}
            <p>{cluster.kind.advice()}</p>
            {fixes}
            {act}
        </section>
    }
    .into_any()
}

/// Whether a replay takes more or less than the list shows.
fn hidden_by_filter(cluster: &Cluster, replay: &[StageMoney]) -> bool {
    !replay.is_empty() && replay.iter().map(|sum| sum.count).sum::<i64>() != cluster.count
}
