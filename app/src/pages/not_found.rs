//! No such page.

use crate::{
    api::ApiError,
    components::{Brand, Failure},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <main class="gate" id="main">
            <div class="card">
                <h1><Brand/></h1>
                <Failure error=ApiError::NotFound/>
                <a class="button" href="/">"To the first page"</a>
            </div>
        </main>
    }
}
