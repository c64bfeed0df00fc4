//! `{"error": {"type", "code", "decline_code", "message", "param", …}}` (contract: Errors).

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    error: Value,
}

impl Refusal {
    fn new(status: StatusCode, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        let refusal = Self { status, error: json!({ "type": kind, "message": message.into() }) };
        match code {
            Some(code) => refusal.with("code", code),
            None => refusal,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.error[name] = value.into();
        self
    }

    pub(super) fn request(code: &str, param: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some(code), message).with("param", param)
    }

    pub(super) fn unknown_parameter(name: &str) -> Self {
        Self::request("parameter_unknown", name, &format!("Received unknown parameter: {name}"))
    }

    /// 404 for the object of a path, as for one that a parameter names.
    pub(super) fn missing(what: &str, id: &str) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some("resource_missing"), message).with("param", what)
    }

    pub(super) fn unknown_path(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", None, format!("Unrecognized request URL ({path})."))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", None, "Invalid API Key provided.")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "invalid_request_error", None, "The provided key does not have the required permissions.")
    }

    pub(super) fn throttled() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", Some("rate_limit"), "Request rate limit exceeded.")
    }

    pub(super) fn locked() -> Self {
        let message = "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", Some("lock_timeout"), message)
    }

    pub(super) fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "An unknown error occurred.")
    }

    pub(super) fn key_in_use(key: &str) -> Self {
        let message = format!("There is currently another in-progress request using this Idempotency Key {key}.");
        Self::new(StatusCode::CONFLICT, "idempotency_error", Some("idempotency_key_in_use"), message)
    }

    pub(super) fn other_parameters(key: &str) -> Self {
        let message = format!("Keys for idempotent requests can only be used with the same parameters they were first used with: {key}.");
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message)
    }

    pub(super) fn declined(code: &str, charge: &str) -> Self {
        let refusal = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", Some("card_declined"), "Your card was declined.");
        refusal.with("decline_code", code).with("charge", charge)
    }

    pub(super) fn body(&self) -> Value {
        json!({ "error": self.error })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
