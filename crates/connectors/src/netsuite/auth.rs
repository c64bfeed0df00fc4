//! OAuth 2.0 machine to machine: a JWT signed with the certificate's key buys a token for an hour; there is no refresh
//! token [H:section_162755359851, H:section_162790605110].

use super::{Config, wire::Failure};
use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::sync::Mutex;

pub(super) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Of the assertion, which is used at once; the vendor's limit is below 60 minutes.
const ASSERTION_SECONDS: i64 = 300;
/// A token is renewed this long before it expires, so that none expires on its way.
const RENEW_BEFORE_SECONDS: i64 = 300;

pub(super) struct Login {
    client_id: String,
    certificate_id: String,
    key: EncodingKey,
    token_url: String,
    clock: Arc<dyn Clock>,
    /// Locked while it is renewed: one assertion for all who wait.
    token: Mutex<Option<Token>>,
}

struct Token {
    text: String,
    renew_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: [&'a str; 1],
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl Login {
    pub(super) fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self> {
        Ok(Self {
            client_id: config.client_id.clone(),
            certificate_id: config.certificate_id.clone(),
            key: EncodingKey::from_ec_pem(config.private_key_pem.as_bytes())
                .context("the private key is not an EC P-256 key in PKCS #8")?,
            token_url: format!("{}{TOKEN_PATH}", config.account_url),
            clock,
            token: Mutex::new(None),
        })
    }

    /// A valid token. `refused` names one that NetSuite has just refused and that must not come back.
    pub(super) async fn token(&self, http: &reqwest::Client, refused: Option<&str>, timeout: Duration) -> Result<String, Failure> {
        let mut cached = self.token.lock().await;
        if let Some(token) = cached.as_ref().filter(|token| Some(token.text.as_str()) != refused && self.clock.now() < token.renew_at) {
            return Ok(token.text.clone());
        }
        let token = self.fetch(http, timeout).await?;
        Ok(cached.insert(token).text.clone())
    }

    async fn fetch(&self, http: &reqwest::Client, timeout: Duration) -> Result<Token, Failure> {
        let now = self.clock.now();
        let assertion = self.assertion(now).map_err(|error| Failure::Login(error.to_string()))?;
        let form = [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)];
        // The document itself has not been sent, so nothing here is ambiguous.
        let response = http.post(&self.token_url).form(&form).timeout(timeout).send().await.map_err(|error| Failure::not_sent(&error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| Failure::not_sent(&error))?;
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        match status.as_u16() {
            200 => token(&answer, now).ok_or_else(|| Failure::NotSent("the token endpoint answered without a token".to_owned())),
            429 => Err(Failure::Throttled),
            400..=499 => {
                let reason = answer["error"].as_str().unwrap_or("refused");
                Err(Failure::Login(format!("token endpoint: {reason} {}", answer["error_description"].as_str().unwrap_or_default())))
            }
            other => Err(Failure::NotSent(format!("token endpoint: HTTP {other}"))),
        }
    }

    fn assertion(&self, now: DateTime<Utc>) -> jsonwebtoken::errors::Result<String> {
        // RS256 is not accepted [H:section_162790605110].
        let header = Header { kid: Some(self.certificate_id.clone()), ..Header::new(Algorithm::ES256) };
        let iat = now.timestamp();
        let claims = Claims { iss: &self.client_id, scope: ["rest_webservices"], aud: &self.token_url, iat, exp: iat + ASSERTION_SECONDS };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }
}

/// `expires_in` comes as a number or as a text.
fn token(answer: &Value, now: DateTime<Utc>) -> Option<Token> {
    let text = answer["access_token"].as_str()?.to_owned();
    let seconds = answer["expires_in"].as_i64().or_else(|| answer["expires_in"].as_str()?.parse().ok())?;
    let renew_at = now + TimeDelta::seconds((seconds - RENEW_BEFORE_SECONDS).max(seconds / 2));
    Some(Token { text, renew_at })
}
