//! Views of one page as links.

use super::amount::Count;
use leptos::prelude::*;

#[derive(Debug, Clone)]
pub struct Tab {
    pub label: String,
    pub href: String,
    pub count: Option<i64>,
    pub current: bool,
}

#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> AnyView {
    let links = tabs.into_iter().map(|tab| {
        let count = tab.count.map(|count| view! { <small><Count value=count/></small> });
        view! { <a href=tab.href aria-current=tab.current.then_some("page")>{tab.label}{count}</a> }
    });
    view! { <nav class="tabs" aria-label=label>{links.collect_view()}</nav> }.into_any()
}
