//! Problem details (RFC 9457): how the REST interface says no.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pipeline::access::AccessError;
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal or failure. `type` is stable; `detail` is for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self { kind, title, status: status.as_u16(), detail: None }
    }

    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "urn:tieout:problem:unauthenticated", "A valid API key is needed")
    }

    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "urn:tieout:problem:forbidden", "The API key does not allow this")
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:tieout:problem:not-found", "There is no such thing, or it is not yours to see")
    }

    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "urn:tieout:problem:invalid", "The content breaks a rule").because(detail)
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "urn:tieout:problem:conflict", "This conflicts with what is there").because(detail)
    }

    /// Logs what happened; the caller learns only that it did.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "urn:tieout:problem:internal", "Something failed on our side")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::internal(error)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::internal(format!("{error:#}"))
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Invalid { field, message } => Self::invalid(format!("{field}: {message}")),
            AccessError::OutOfScope | AccessError::Oneself => Self::forbidden().because(error.to_string()),
            AccessError::Conflict(message) => Self::conflict(message),
            AccessError::NotFound => Self::not_found(),
            AccessError::Store(error) => error.into(),
            AccessError::Other(error) => error.into(),
        }
    }
}
