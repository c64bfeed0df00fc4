//! What a page shows when there is nothing, when something went wrong, and when something was done.

use super::{
    icon::{Icon, Shape},
    marks::Tone,
};
use crate::api::ApiError;
use leptos::prelude::*;

/// Nothing here: says why, and what to do about it (the children: a link or a button).
#[component]
pub fn Empty(
    #[prop(into)] title: String,
    #[prop(into, optional)] text: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> AnyView {
    view! { <section class="empty"><h2>{title}</h2>{text.map(|text| view! { <p>{text}</p> })}{children.map(|children| children())}</section> }.into_any()
}

/// Something the reader has to know before the page: an outcome (`Tone::Ties`), a caution, a failure.
#[component]
pub fn Notice(tone: Tone, #[prop(into)] title: String, #[prop(into, optional)] text: Option<String>) -> AnyView {
    let (shape, role) = match tone {
        Tone::Ties => (Shape::Ties, "status"),
        Tone::Off => (Shape::Alert, "alert"),
        Tone::Timing => (Shape::Timing, "status"),
        Tone::Unknown => (Shape::Question, "status"),
        Tone::None | Tone::Calm => (Shape::Ring, "status"),
    };
    view! {
        <div class=format!("notice {}", tone.class()) role=role>
            <Icon shape/>
            <div><h2>{title}</h2>{text.map(|text| view! { <p>{text}</p> })}</div>
        </div>
    }
    .into_any()
}

/// What the form that led here has done, and the way back when there is one.
#[component]
pub fn Done() -> impl IntoView {
    let answer = leptos_router::hooks::use_query_map().get_untracked();
    let said = |key: &str| answer.get(key).filter(|value| !value.is_empty());
    let undo = said(super::query::UNDO);
    said(super::query::DONE).map(|done| {
        let mut letters = done.chars();
        let title: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let undo = undo.map(|edit| {
            view! {
                <form class="undo" method="post" action="/fn/undo_edit">
                    <input type="hidden" name="edit" value=edit/>
                    <input type="hidden" name="back" value=super::query::use_query().href()/>
                    <button type="submit" data-command="Undo the assignment" data-key="undo">"Undo"</button>
                </form>
            }
        });
        view! { <div class="done"><Notice tone=Tone::Ties title/>{undo}</div> }
    })
}

/// What could not be shown, and why; the answer carries the same status.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::from_u16(error.status()).unwrap_or_default());
    }
    view! { <Notice tone=Tone::Off title="This can’t be shown" text=error.to_string()/> }
}
