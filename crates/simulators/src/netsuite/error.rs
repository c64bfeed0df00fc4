//! The error envelope: `type`, `title`, `status`, `o:errorDetails` [B, H:section_156570709583].

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// JSON path in the body.
    pub(super) path: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), path: None }
    }

    /// A reference or value that does not fit: 400 with the path [H:section_156570709583].
    pub(super) fn content(path: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::new(StatusCode::BAD_REQUEST, "INVALID_CONTENT", detail) }
    }

    /// Malformed: 400 [H:section_156570709583].
    pub(super) fn request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", detail)
    }

    pub(super) fn invalid_login() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_LOGIN", "Invalid login attempt.")
    }

    /// No Retry-After is documented [H:bridgehead_1509974866].
    pub(super) fn throttled() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")
    }

    /// Carries an error id in the detail [H:section_156570709583].
    pub(super) fn unexpected() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "UNEXPECTED_ERROR",
            format!("An unexpected error occurred. Error ID: {}", uuid::Uuid::new_v4().simple()),
        )
    }

    pub(super) fn absent(key: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NONEXISTENT_ID",
            format!("The record instance does not exist. Provide a valid record instance ID: {key}."),
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut detail = json!({ "detail": self.detail, "o:errorCode": self.code });
        if let Some(path) = self.path {
            detail["o:errorPath"] = path.into();
        }
        let body = json!({
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#section-15",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "o:errorDetails": [detail],
        });
        (self.status, [(header::CONTENT_TYPE, "application/vnd.oracle.resource+json; type=error")], body.to_string()).into_response()
    }
}
