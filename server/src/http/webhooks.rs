//! `/webhooks`: what payment gateways announce. No session and no key: the signature is what lets it in.

use super::AppState;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use domain::id::GatewayAccountId;
use pipeline::gateways::{self, Heard};

/// An event with its object; nobody fills our disk with larger ones.
const EVENT_BYTES_MAX: usize = 256 * 1024;

pub fn router() -> Router<AppState> {
    Router::new().route("/webhooks/stripe/{account}", post(stripe)).layer(DefaultBodyLimit::max(EVENT_BYTES_MAX))
}

/// Answers as soon as the event is kept; the pull that it asks for comes after.
async fn stripe(State(state): State<AppState>, Path(account): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(account) = account.parse::<GatewayAccountId>() else { return StatusCode::NOT_FOUND.into_response() };
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match gateways::hear(&state.context, account, signature, &body).await {
        Ok(Heard::Genuine) => StatusCode::OK.into_response(),
        Ok(Heard::Forged(reason)) => (StatusCode::BAD_REQUEST, reason).into_response(),
        Ok(Heard::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%account, error = format!("{error:#}"), "a webhook was not kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
