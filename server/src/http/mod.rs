//! Routes that are not pages: the REST interface under `/api/v1`, exports, health.

pub mod api;
pub mod error;
pub mod exports;
pub mod health;
pub mod invoice_batches;
pub mod live;
pub mod statements;
pub mod uploads;
pub mod webhooks;

use crate::{config::Settings, metrics::Metrics};
use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use pipeline::Context;
use std::sync::Arc;

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    pub context: Context,
    pub settings: Arc<Settings>,
    pub leptos: LeptosOptions,
    pub metrics: Arc<Metrics>,
    pub live: live::Live,
}

impl AppState {
    pub fn new(context: Context, settings: Settings) -> Self {
        let leptos = LeptosOptions::builder()
            .output_name("tieout")
            .site_root(settings.site_root.display().to_string())
            .site_pkg_dir("pkg")
            .site_addr(settings.address)
            .build();
        Self { context, settings: Arc::new(settings), leptos, metrics: Arc::new(Metrics::default()), live: live::Live::default() }
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
