//! One exception beside the list. A key of the URL opens it, so it can be linked to and works without a script; with one only
//! this part of the page is fetched, and list, filter and place stay as they are.

use crate::{
    api::{ApiError, exceptions::ExceptionDetail},
    components::{Failure, Icon, Query, Shape},
    pages::exception::{Acts, History, LastAttempt, Notes, Trouble},
};
use leptos::prelude::*;

/// The key that opens it, and the one that asks for nothing else.
pub const OPEN: &str = "open";
pub const PART: &str = "part";

/// Empty while nothing is open: what is fetched later takes this place.
#[component]
pub fn Beside(opened: Option<Result<ExceptionDetail, ApiError>>, query: Query) -> AnyView {
    let close = query.here_without(OPEN).here_without(PART).href();
    let within = opened.map(|opened| match opened {
        Ok(detail) => view! { <One detail close query/> }.into_any(),
        Err(error) => view! { <Head title="Exception".to_owned() page=None close/><Failure error/> }.into_any(),
    });
    view! { <aside id="beside" class="beside" aria-label="The exception that is open">{within}</aside> }.into_any()
}

#[component]
fn Head(title: String, page: Option<String>, close: String) -> AnyView {
    view! {
        <div class="beside-head">
            <h2 tabindex="-1">{title}</h2>
            {page.map(|page| view! { <a class="button quiet" href=page>"Open as a page"</a> })}
            <a class="close" href=close aria-label="Close"><Icon shape=Shape::Cross/></a>
        </div>
    }
    .into_any()
}

#[component]
fn One(mut detail: ExceptionDetail, close: String, query: Query) -> AnyView {
    let row = &detail.exception.row;
    let page = query.here_without(OPEN).here_without(PART).moved(format!("/exceptions/{}", row.exception_id)).href();
    let title = format!("{} · {}", row.number, row.customer_name);
    // the cause's own card stands above the list, with the same form
    if query.get("cause") == Some(row.fingerprint.as_str()) {
        detail.fix = None;
    }
    let document = detail.document.clone();
    view! {
        <Head title page=Some(page) close/>
        <Trouble detail=detail.clone()/>
        <Acts detail=detail.clone()/>
        <Notes detail/>
        <LastAttempt attempts=document.attempts payload=document.posting.map(|posting| posting.payload)/>
        <History movements=document.movements/>
    }
    .into_any()
}
