//! One call: a token, the request, its answer. Everything within one time-out.

use super::{Config, auth::Login};
use anyhow::Result;
use domain::{clock::Clock, posting::Exchange};
use reqwest::{Client, Method, StatusCode, header, redirect};
use serde_json::Value;
use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Wire {
    http: Client,
    login: Login,
    account_url: String,
    timeout: Duration,
}

pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) header: Option<(&'static str, &'static str)>,
    pub(super) body: Option<&'a Value>,
    pub(super) correlation_id: &'a str,
}

impl Call<'_> {
    /// As it is kept: the credentials are masked.
    pub(super) fn shown(&self) -> String {
        let header = self.header.map(|(name, value)| format!("{name}: {value}\n")).unwrap_or_default();
        let body = self.body.map(Value::to_string).unwrap_or_default();
        format!("{} {}\nAuthorization: Bearer ***\n{header}X-Correlation-Id: {}\n\n{body}", self.method, self.path, self.correlation_id)
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) location: Option<String>,
    pub(super) retry_after_seconds: Option<u64>,
    pub(super) body: String,
}

/// No answer to the request itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("not sent: {0}")]
    NotSent(String),
    #[error("throttled at the token endpoint")]
    Throttled,
    #[error("credentials refused: {0}")]
    Login(String),
    /// Sent, at least in part, and nobody knows.
    #[error("no answer: {0}")]
    Lost(String),
}

impl Failure {
    pub(super) fn not_sent(error: &reqwest::Error) -> Self {
        Self::NotSent(reason(error))
    }

    fn of(error: &reqwest::Error) -> Self {
        if error.is_connect() { Self::not_sent(error) } else { Self::Lost(reason(error)) }
    }
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

impl Wire {
    pub(super) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(config.request_timeout / 2))
            // A redirected or repeated POST would be a second send.
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build()?;
        Ok(Self { http, login: Login::new(config, clock)?, account_url: config.account_url.clone(), timeout: config.request_timeout })
    }

    /// A token refused with 401 is renewed once, because the request was not processed then. A second 401 is the answer:
    /// under load NetSuite shows too many requests as a failed login [J issue 26], and more tries would feed it.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Answer, Failure> {
        let deadline = Instant::now() + self.timeout;
        let token = self.token(None, deadline).await?;
        let answer = self.send(call, &token, deadline).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.token(Some(&token), deadline).await?;
        self.send(call, &token, deadline).await
    }

    async fn token(&self, refused: Option<&str>, deadline: Instant) -> Result<String, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        let token = tokio::time::timeout(left, self.login.token(&self.http, refused, left)).await;
        token.unwrap_or_else(|_| Err(Failure::NotSent("time-out before a token came".to_owned())))
    }

    async fn send(&self, call: &Call<'_>, token: &str, deadline: Instant) -> Result<Answer, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::NotSent("no time left".to_owned()));
        }
        let mut request = self.http.request(call.method.clone(), format!("{}{}", self.account_url, call.path));
        request = request.timeout(left).bearer_auth(token).header("X-Correlation-Id", call.correlation_id);
        if let Some((name, value)) = call.header {
            request = request.header(name, value);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| Failure::of(&error))?;
        let text = |name| response.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).map(str::to_owned);
        let (status, location) = (response.status(), text(header::LOCATION));
        let retry_after_seconds = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
        let body = response.text().await.map_err(|error| Failure::Lost(reason(&error)))?;
        Ok(Answer { status, location, retry_after_seconds, body })
    }
}

pub(super) fn exchange(request: String, answer: &Result<Answer, Failure>) -> Exchange {
    match answer {
        Ok(answer) => {
            let location = answer.location.as_deref().map(|location| format!("Location: {location}\n\n")).unwrap_or_default();
            Exchange { request, status: Some(answer.status.as_u16()), answer: Some(format!("{location}{}", answer.body)) }
        }
        Err(failure) => Exchange { request, status: None, answer: Some(failure.to_string()) },
    }
}

/// Percent-encoded for one segment of a path.
pub(super) fn escaped(segment: &str) -> String {
    let mut escaped = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").ok();
        }
    }
    escaped
}
