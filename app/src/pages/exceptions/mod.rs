//! The exception queue: causes at the left, the chosen one and its documents at the right. The URL holds the filter;
//! every form leads back to it.

mod beside;
pub mod cause;
mod clusters;
mod keys;
mod news;
mod queue;
mod saved;
mod selection;
mod told;

use crate::{
    api::{
        ApiError,
        bulk::{EditView, get_edit},
        exceptions::{ExceptionDetail, ExceptionQuery, ExceptionsView, get_exception, list_exceptions},
        views::list_views,
    },
    components::{
        Empty, Failure, Page, Pill, Query, Submit, Time, Tone,
        query::{DID, is_answer},
        use_query,
    },
};
use beside::{Beside, OPEN, PART};
use cause::{FixForm, extent, never_replayed, title, unmapped};
use chrono::{DateTime, Utc};
use clusters::{Causes, Waiting};
use domain::{
    access::Action,
    bulk::SavedView,
    view::{Cluster, StageMoney},
};
use keys::Keys;
use leptos::prelude::*;
use leptos_router::{components::Redirect, hooks::use_query_map};
use news::News;
use queue::{Filters, Queue};
use saved::{Views, led_to};
use selection::Select;
use told::LeftAlone;

#[component]
pub fn ExceptionsPage() -> impl IntoView {
    let query = use_query();
    let (filter, whole) = (ExceptionQuery::of(|key| query.get(key)), Select::of(&query) == Select::Matching);
    let (open, alone) = (query.get(OPEN).map(str::to_owned), query.get(PART).is_some());
    let did = use_query_map().get_untracked().get(DID);
    let views = Resource::new_blocking(|| (), |()| list_views());
    let opened = Resource::new_blocking(
        move || open.clone(),
        async |open| match open {
            Some(id) => Some(get_exception(id).await),
            None => None,
        },
    );
    let exceptions = Resource::new_blocking(
        move || (!alone).then(|| (filter.clone(), whole)),
        async |asked| match asked {
            Some((filter, whole)) => Some(list_exceptions(filter, whole).await),
            None => None,
        },
    );
    let told = Resource::new_blocking(
        move || did.clone(),
        async |did| match did {
            Some(id) => get_edit(id).await.ok(),
            None => None,
        },
    );
    view! {
        <Page title="Exceptions">
            <Suspense>
                {move || Suspend::new(async move {
                    let (query, views, opened, told) = (use_query(), views.await.unwrap_or_default(), opened.await, told.await);
                    let bare = use_query_map().get_untracked().into_iter().all(|(key, _)| !is_answer(&key));
                    if let Some(path) = led_to(&query, &views).filter(|_| bare) {
                        return view! { <Redirect path/> }.into_any();
                    }
                    match exceptions.await {
                        None => view! { <Beside opened query/> }.into_any(),
                        Some(Ok(exceptions)) => view! { <Desk views exceptions opened told/> }.into_any(),
                        Some(Err(error)) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// Views, filter and list, and beside them the exception that is open.
#[component]
fn Desk(
    views: Vec<SavedView>,
    exceptions: ExceptionsView,
    opened: Option<Result<ExceptionDetail, ApiError>>,
    told: Option<EditView>,
) -> AnyView {
    let query = use_query();
    view! {
        <Toolbar views as_of=exceptions.as_of query=query.clone()/>
        {told.map(|told| view! { <LeftAlone told/> })}
        <div class="desk">
            <Exceptions exceptions/>
            <Beside opened query/>
        </div>
    }
    .into_any()
}

/// Views, what came in since, files of what is shown, and the keys.
#[component]
fn Toolbar(views: Vec<SavedView>, as_of: DateTime<Utc>, query: Query) -> AnyView {
    // everything that was opened later sorts after this
    let since = format!("{}~{}", as_of.to_rfc3339(), uuid::Uuid::max());
    let file = |kind: &str| query.only(&ExceptionQuery::KEYS).moved(format!("/export/exceptions.{kind}")).href();
    let live = query.only(&ExceptionQuery::KEYS).moved("/live/exceptions").with("after", &since).href();
    let newer = query.here_without("select").here_without(OPEN).with("after", &since).href();
    view! {
        <div class="toolbar">
            <Views views query=query.clone()/>
            <News live newer/>
            <span class="grow"></span>
            <a class="button quiet" href=file("csv") download="" data-command="Export as CSV">"CSV"</a>
            <a class="button quiet" href=file("xlsx") download="" data-command="Export as XLSX">"XLSX"</a>
            <Keys/>
        </div>
    }
    .into_any()
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
                <Causes clusters=exceptions.clusters.clone() query=query.here_without(OPEN)/>
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
