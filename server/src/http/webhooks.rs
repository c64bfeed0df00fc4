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
use domain::{id::GatewayAccountId, settlement::Gateway};
use pipeline::gateways::{self, Heard};

/// An event with its object; nobody fills our disk with larger ones.
const EVENT_BYTES_MAX: usize = 256 * 1024;

pub fn router() -> Router<AppState> {
    Router::new().route("/webhooks/{gateway}/{account}", post(event)).layer(DefaultBodyLimit::max(EVENT_BYTES_MAX))
}

/// Answers as soon as the event is kept; the pull that it asks for comes after.
async fn event(
    State(state): State<AppState>,
    Path((gateway, account)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (Ok(gateway), Ok(account)) = (gateway.parse::<Gateway>(), account.parse::<GatewayAccountId>()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match gateways::hear(&state.context, gateway, account, signature, &body).await {
        // the words that Adyen waits for; Stripe looks at the status only
        Ok(Heard::Genuine) => (StatusCode::OK, "[accepted]").into_response(),
        Ok(Heard::Forged(reason)) => (StatusCode::BAD_REQUEST, reason).into_response(),
        Ok(Heard::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%account, error = format!("{error:#}"), "a webhook was not kept");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
