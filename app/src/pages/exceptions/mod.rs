//! The exception queue: causes at the left, the chosen one and its documents at the right. The URL holds the filter;
//! every form leads back to it.

mod beside;
mod card;
pub mod cause;
mod clock;
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
        exceptions::{ExceptionDetail, ExceptionQuery, ExceptionsView, Since, get_exception, list_exceptions},
        views::list_views,
    },
    components::{
        Empty, Failure, Page, Query,
        query::{DID, is_answer},
        use_query,
    },
};
use beside::{Beside, OPEN, PART};
use card::CauseCard;
use clock::Clock;
use clusters::{Causes, Waiting};
use domain::{bulk::SavedView, view::Cluster};
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
                        // another view is the way out of one that can't be shown
                        Some(Err(error)) => view! { <div class="toolbar"><Views views query/></div><Failure error/> }.into_any(),
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
        <Toolbar views news=exceptions.news.clone() query=query.clone()/>
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
fn Toolbar(views: Vec<SavedView>, news: Since, query: Query) -> AnyView {
    let file = |kind: &str| query.only(&ExceptionQuery::KEYS).moved(format!("/export/exceptions.{kind}")).href();
    let live = query.only(&ExceptionQuery::KEYS).moved("/live/exceptions").with("known", news.known).with("after", &news.place).href();
    let newer = query.here_without("select").here_without(OPEN).with("after", &news.place).href();
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
                <Causes clusters=exceptions.clusters.clone() count=exceptions.of_all_causes query=query.here_without(OPEN)/>
                <Waiting groups=exceptions.waiting.clone() query=query.clone()/>
            </div>
            <div class="stack">
                {cause.map(|cluster| view! { <CauseCard cluster exceptions=exceptions.clone()/> })}
                {none_left.then(|| view! {
                    <Empty title="Nothing of this cause is open here" text="What was replayed travels on; what comes back opens again.">
                        <a class="button" href=all_causes>"All causes"</a>
                    </Empty>
                })}
                <Clock sla=exceptions.sla.clone() query=query.clone()/>
                <div><Filters exceptions=exceptions.clone() query=query.clone()/><Queue exceptions query/></div>
            </div>
        </div>
    }
    .into_any()
}
