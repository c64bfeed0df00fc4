//! A question before an act, and what is folded away. A dialog is a section that its URL opens: it works without a
//! script, can be linked to, and the back button closes it.

use super::icon::{Icon, Shape};
use leptos::prelude::*;

/// `close` is the same page without the key that opened it.
#[component]
pub fn Dialog(
    #[prop(into)] id: String,
    #[prop(into)] title: String,
    #[prop(into)] close: String,
    #[prop(optional)] danger: bool,
    children: Children,
) -> AnyView {
    let (heading, labelled_by) = (format!("{id}-title"), format!("{id}-title"));
    view! {
        <section id=id class=if danger { "dialog danger" } else { "dialog" } role="dialog" aria-labelledby=labelled_by>
            <div class="dialog-head">
                <h2 id=heading>{title}</h2>
                <a class="close" href=close aria-label="Close"><Icon shape=Shape::Cross/></a>
            </div>
            {children()}
        </section>
    }
    .into_any()
}

/// Detail that opens on demand.
#[component]
pub fn Fold(#[prop(into)] summary: String, #[prop(optional)] open: bool, children: Children) -> AnyView {
    view! { <details class="fold" open=open><summary><Icon shape=Shape::Down/>{summary}</summary>{children()}</details> }.into_any()
}
