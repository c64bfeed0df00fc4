//! No such page.

use crate::{
    api::ApiError,
    components::{Empty, Failure},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <main class="main" id="main">
            <Failure error=ApiError::NotFound/>
            <Empty title="This address leads nowhere" text="It may have been mistyped, or the thing it named is not yours to see.">
                <a class="button" href="/">"To the first page"</a>
            </Empty>
        </main>
    }
}
