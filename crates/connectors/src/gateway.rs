//! What the payment gateways have in common: how they are asked, and what their answers can mean.

use domain::posting::Refusal;
use reqwest::{Client, redirect};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a gateway did not do what it was asked. Exactly one of these; nothing guesses towards success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error("throttled")]
    Throttled { retry_after_seconds: Option<u64> },
    /// Later it may work; a write goes out again under the same key.
    #[error("not now: {0}")]
    Transient(String),
    /// Sent, and nobody knows; the same write under the same key finds out.
    #[error("not answered: {0}")]
    Unanswered(String),
    #[error("credentials refused: {0}")]
    Auth(String),
    /// The payer's bank or the gateway's rules say no: a matter of business.
    #[error("declined: {}: {}", .0.code, .0.message)]
    Declined(Refusal),
    /// Never goes through unchanged.
    #[error("refused: {}: {}", .0.code, .0.message)]
    Permanent(Refusal),
    #[error("unreadable answer: {0}")]
    Unreadable(String),
}

impl GatewayError {
    /// Whether the same request, with the same key, is to be sent again.
    pub fn is_worth_another_try(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Transient(_) | Self::Unanswered(_))
    }

    pub(crate) fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() { Self::Transient(reason(error)) } else { Self::Unanswered(reason(error)) }
    }
}

/// Follows no redirect, which would carry credentials elsewhere, and repeats nothing by itself.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
}

/// The innermost cause, without the URL.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "time-out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
