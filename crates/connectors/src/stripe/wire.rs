//! One request and what its answer means.

use super::Config;
use crate::gateway::{self, GatewayError};
use domain::posting::Refusal;
use reqwest::{Client, RequestBuilder, header::HeaderMap};
use serde_json::Value;

/// Pinned, because invoices lost fields between versions (contract: Surprises, 1).
const VERSION: &str = "2025-03-31.basil";

pub(super) struct Wire {
    http: Client,
    base_url: String,
    secret_key: String,
}

/// Name and value; lists and maps are written into the name, as in `created[gte]`.
pub(super) type Parameters<'a> = [(&'a str, String)];

impl Wire {
    pub(super) fn new(config: &Config) -> reqwest::Result<Self> {
        Ok(Self {
            http: gateway::client(config.request_timeout)?,
            base_url: config.base_url.clone(),
            secret_key: config.secret_key.clone(),
        })
    }

    pub(super) async fn get(&self, path: &str, parameters: &Parameters<'_>) -> Result<Value, GatewayError> {
        self.send(self.http.get(self.url(path)).query(parameters)).await
    }

    /// The same key with the same parameters is done once, for at least 24 hours (contract: Idempotency).
    pub(super) async fn post(&self, path: &str, parameters: &Parameters<'_>, idempotency_key: &str) -> Result<Value, GatewayError> {
        self.send(self.http.post(self.url(path)).header("Idempotency-Key", idempotency_key).form(parameters)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base_url)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, GatewayError> {
        let request = request.bearer_auth(&self.secret_key).header("Stripe-Version", VERSION);
        let response = request.send().await.map_err(|error| GatewayError::of(&error))?;
        let (status, hints) = (response.status().as_u16(), Hints::of(response.headers()));
        let body = response.text().await.map_err(|error| GatewayError::of(&error))?;
        if status != 200 {
            return Err(failure(status, &hints, &body));
        }
        serde_json::from_str(&body).map_err(|error| GatewayError::Unreadable(error.to_string()))
    }
}

/// What the headers add to a status.
#[derive(Debug, Default)]
struct Hints {
    should_retry: Option<bool>,
    /// The answer is one that was kept under the idempotency key.
    is_replayed: bool,
    retry_after_seconds: Option<u64>,
}

impl Hints {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            should_retry: text("stripe-should-retry").and_then(|value| value.parse().ok()),
            is_replayed: text("idempotent-replayed") == Some("true"),
            retry_after_seconds: text("retry-after").and_then(|value| value.parse().ok()),
        }
    }
}

/// The table of the contract (Errors). The header overrules the status, as in Stripe's own client [PY]; a server error that is
/// kept under the key comes back on every try, so that a person has to look what became of it.
fn failure(status: u16, hints: &Hints, body: &str) -> GatewayError {
    let refusal = refusal(status, body);
    let summary = || format!("HTTP {status} {}: {}", refusal.code, refusal.message);
    match status {
        401 | 403 => GatewayError::Auth(summary()),
        429 if refusal.code == "lock_timeout" => GatewayError::Transient(summary()),
        429 => GatewayError::Throttled { retry_after_seconds: hints.retry_after_seconds },
        402 => GatewayError::Declined(refusal),
        500.. if hints.is_replayed => GatewayError::Permanent(refusal),
        _ => match hints.should_retry {
            Some(true) => GatewayError::Transient(summary()),
            None if status == 409 || status >= 500 => GatewayError::Transient(summary()),
            _ => GatewayError::Permanent(refusal),
        },
    }
}

/// `{"error": {"type", "code", "decline_code", "message", "param"}}`; the finest code that is there.
fn refusal(status: u16, body: &str) -> Refusal {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = &body["error"];
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    Refusal {
        code: ["decline_code", "code", "type"].iter().find_map(|name| text(name)).unwrap_or_else(|| format!("HTTP_{status}")),
        message: text("message").unwrap_or_else(|| format!("HTTP {status} without a readable error")),
        field: text("param"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: &str, code: &str) -> String {
        serde_json::json!({ "error": { "type": kind, "code": code, "message": "m", "param": "p" } }).to_string()
    }

    #[test]
    fn every_answer_is_exactly_one_failure() {
        let plain = Hints::default;
        let retry = |should_retry| Hints { should_retry: Some(should_retry), ..Hints::default() };
        let replayed = || Hints { is_replayed: true, ..Hints::default() };
        let cases = [
            (429, plain(), error("invalid_request_error", "rate_limit"), "throttled"),
            (429, retry(false), error("invalid_request_error", "rate_limit"), "throttled"),
            (429, plain(), error("invalid_request_error", "lock_timeout"), "transient"),
            (500, plain(), error("api_error", "api_error"), "transient"),
            (503, plain(), "<html>".into(), "transient"),
            (500, retry(false), error("api_error", "api_error"), "permanent"),
            (500, replayed(), error("api_error", "api_error"), "permanent"),
            (409, plain(), error("idempotency_error", "idempotency_key_in_use"), "transient"),
            (409, retry(false), error("idempotency_error", "idempotency_key_in_use"), "permanent"),
            (400, plain(), error("idempotency_error", "idempotency_error"), "permanent"),
            (400, retry(true), error("invalid_request_error", "x"), "transient"),
            (400, plain(), error("invalid_request_error", "parameter_unknown"), "permanent"),
            (404, plain(), error("invalid_request_error", "resource_missing"), "permanent"),
            (402, plain(), error("card_error", "card_declined"), "declined"),
            (401, plain(), error("authentication_error", ""), "auth"),
            (403, plain(), error("permission", ""), "auth"),
            (302, plain(), String::new(), "permanent"),
        ];
        for (status, hints, body, expected) in cases {
            let found = match failure(status, &hints, &body) {
                GatewayError::Throttled { .. } => "throttled",
                GatewayError::Transient(_) => "transient",
                GatewayError::Unanswered(_) => "unanswered",
                GatewayError::Auth(_) => "auth",
                GatewayError::Declined(_) => "declined",
                GatewayError::Permanent(_) => "permanent",
                GatewayError::Unreadable(_) => "unreadable",
            };
            assert_eq!(found, expected, "{status} {hints:?} {body}");
        }
    }

    #[test]
    fn a_refusal_names_the_finest_code_and_the_parameter() {
        let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"No.","param":"source"}}"#;
        let expected = Refusal { code: "insufficient_funds".into(), message: "No.".into(), field: Some("source".into()) };
        assert_eq!(failure(402, &Hints::default(), body), GatewayError::Declined(expected));
    }
}
