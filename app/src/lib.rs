//! The user interface: rendered on the server, with islands that come alive in the browser.

#![recursion_limit = "256"]
#![expect(clippy::needless_pass_by_value, reason = "a component owns its properties")]

pub mod api;
mod app;
pub mod components;
pub mod pages;

pub use app::{App, shell};

/// Where the browser half begins: wakes the islands of the page the server has rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
