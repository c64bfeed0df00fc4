//! A report over HTTP: GET of the address in the webhook with the report user's Basic credentials (U).

use crate::gateway::{self, GatewayError};
use anyhow::{Context, ensure};
use domain::posting::Refusal;
use reqwest::{Client, Url};
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// A report user. Holds the password, so it is never printed.
pub struct Config {
    /// `https://ca-live.adyen.com`: the only place that gets the credentials, whatever a webhook says.
    pub base_url: String,
    /// `report@Company.YourCompany`.
    pub user: String,
    pub password: String,
    /// For the whole report.
    pub request_timeout: Duration,
}

impl Config {
    pub fn new(base_url: &str, user: &str, password: &str) -> Self {
        Self { base_url: base_url.to_owned(), user: user.to_owned(), password: password.to_owned(), request_timeout: REQUEST_TIMEOUT }
    }
}

pub struct Adyen {
    http: Client,
    base_url: Url,
    user: String,
    password: String,
}

impl Adyen {
    pub fn new(config: Config) -> anyhow::Result<Self> {
        let base_url: Url = config.base_url.parse().context("base URL of Adyen")?;
        ensure!(base_url.has_host(), "base URL of Adyen has no host");
        Ok(Self { http: gateway::client(config.request_timeout)?, base_url, user: config.user, password: config.password })
    }

    /// Writes the report as it comes, and returns its length in bytes. What was written before an error is not a report.
    /// A report that does not exist yet is [`GatewayError::Transient`] (contract: Errors).
    pub async fn download(&self, address: &str, into: &mut (impl AsyncWrite + Unpin)) -> Result<u64, GatewayError> {
        let url = self.trusted(address)?;
        let request = self.http.get(url).basic_auth(&self.user, Some(&self.password));
        let mut response = request.send().await.map_err(|error| GatewayError::of(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(failure(status));
        }
        let unwritten = |error: std::io::Error| GatewayError::Transient(format!("the report cannot be written: {error}"));
        let mut length = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| GatewayError::of(&error))? {
            into.write_all(&chunk).await.map_err(unwritten)?;
            length += chunk.len() as u64;
        }
        into.flush().await.map_err(unwritten)?;
        Ok(length)
    }

    fn trusted(&self, address: &str) -> Result<Url, GatewayError> {
        let url = address.parse().ok().filter(|url: &Url| url.origin() == self.base_url.origin());
        url.ok_or_else(|| refused("foreign_address", format!("the report's address {address:?} is not at {}", self.base_url)))
    }
}

fn failure(status: u16) -> GatewayError {
    match status {
        401 | 403 => GatewayError::Auth(format!("HTTP {status}")),
        404 => GatewayError::Transient("the report is not there yet".to_owned()),
        429 => GatewayError::Throttled { retry_after_seconds: None },
        500.. => GatewayError::Transient(format!("HTTP {status}")),
        _ => refused("http", format!("HTTP {status}")),
    }
}

fn refused(code: &str, message: String) -> GatewayError {
    GatewayError::Permanent(Refusal { code: code.to_owned(), message, field: None })
}
