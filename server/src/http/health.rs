//! Whether the process lives, whether it can work, and what it has done.

use super::AppState;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::time::Duration;

/// Longer than this, and we are not ready.
const DATABASE_ANSWER_MAX: Duration = Duration::from_secs(2);

pub fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

async fn ready(State(state): State<AppState>) -> Response {
    // the pool tests a connection before it hands it out
    match tokio::time::timeout(DATABASE_ANSWER_MAX, state.context.pool.acquire()).await {
        Ok(Ok(_)) => "ready\n".into_response(),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response(),
    }
}

async fn metrics(State(state): State<AppState>) -> Response {
    match state.metrics.text(&state.context.pool) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
