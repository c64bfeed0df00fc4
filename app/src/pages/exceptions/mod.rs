//! The exception queue: causes at the left, the chosen one and its documents at the right. The URL holds the filter;
//! every form leads back to it.

mod card;
pub mod cause;
mod clock;
mod clusters;
mod queue;

use crate::{
    api::exceptions::{ExceptionQuery, ExceptionsView, list_exceptions},
    components::{Empty, Failure, Page, Query, use_query},
};
use card::CauseCard;
use clock::Clock;
use clusters::{Causes, Waiting};
use domain::view::Cluster;
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
        due: key("due"),
        after: key("after"),
        preview: key("preview"),
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
                <Clock sla=exceptions.sla.clone() query=query.clone()/>
                <div><Filters exceptions=exceptions.clone() query=query.clone()/><Queue exceptions query/></div>
            </div>
        </div>
    }
    .into_any()
}
