//! OAuth 2.0 machine to machine: a signed assertion for a token of an hour [H:section_162755359851, H:section_162790605110].

use super::{FaultKind, On, State, error::Refusal, lock};
use anyhow::Result;
use axum::{
    Form, Json,
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use p256::{
    elliptic_curve::rand_core::OsRng,
    pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding},
};
use serde::Deserialize;
use serde_json::json;
use std::{collections::HashMap, sync::Arc};

pub(super) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";
const TOKEN_SECONDS: i64 = 3600;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The mapping of application and certificate, per account [H:section_162686838198].
#[derive(Debug, Clone)]
pub struct RegisteredClient {
    pub client_id: String,
    pub certificate_id: String,
    pub public_key_pem: String,
}

/// What a client needs, and what its account must know of it.
#[derive(Clone)]
pub struct ClientCredentials {
    pub registered: RegisteredClient,
    pub private_key_pem: String,
}

/// A new P-256 key pair with new ids.
pub fn client_credentials() -> Result<ClientCredentials> {
    let key = p256::SecretKey::random(&mut OsRng);
    Ok(ClientCredentials {
        registered: RegisteredClient {
            client_id: uuid::Uuid::new_v4().simple().to_string(),
            certificate_id: uuid::Uuid::new_v4().simple().to_string(),
            public_key_pem: key.public_key().to_public_key_pem(LineEnding::LF)?,
        },
        private_key_pem: key.to_pkcs8_pem(LineEnding::LF)?.to_string(),
    })
}

/// Tokens issued since the start; a restart forgets them, like a revocation.
#[derive(Default)]
pub(super) struct Tokens(HashMap<String, DateTime<Utc>>);

impl Tokens {
    pub(super) fn revoke(&mut self, token: &str) {
        self.0.remove(token);
    }
}

/// The token of a request; unknown or expired is 401 `INVALID_LOGIN` [H:section_156570709583].
pub(super) fn bearer(state: &State, headers: &HeaderMap) -> Result<String, Refusal> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let valid = |token: &&str| lock(&state.tokens).0.get(*token).is_some_and(|expires_at| state.now() < *expires_at);
    token.filter(valid).map(str::to_owned).ok_or_else(Refusal::invalid_login)
}

#[derive(Deserialize)]
pub(super) struct TokenRequest {
    grant_type: String,
    client_assertion_type: String,
    client_assertion: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: Scope,
    iat: i64,
    exp: i64,
}

/// The scope is a text, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scope {
    One(String),
    Many(Vec<String>),
}

impl Scope {
    fn has(&self, name: &str) -> bool {
        match self {
            Self::One(text) => text.split([' ', ',']).any(|scope| scope == name),
            Self::Many(list) => list.iter().any(|scope| scope == name),
        }
    }
}

pub(super) async fn token(Shared(state): Shared<Arc<State>>, Form(request): Form<TokenRequest>) -> Response {
    let fault = lock(&state.faults).draw(On::Token);
    match fault.map(|rule| rule.kind) {
        None => {}
        Some(FaultKind::Throttled) => return Refusal::throttled().into_response(),
        Some(FaultKind::ServerError) => return Refusal::unexpected().into_response(),
        Some(FaultKind::CutBefore) => return crate::wire::cut(),
        Some(_) => return invalid_grant("a fault on the token endpoint"),
    }
    match check(&state, &request) {
        Err(reason) => invalid_grant(&reason),
        Ok(()) => {
            let token = uuid::Uuid::new_v4().simple().to_string();
            let now = state.now();
            let mut tokens = lock(&state.tokens);
            tokens.0.retain(|_, expires_at| now < *expires_at);
            tokens.0.insert(token.clone(), now + TimeDelta::seconds(TOKEN_SECONDS));
            // `expires_in` 3600, no refresh token [H:section_162755359851].
            Json(json!({ "access_token": token, "expires_in": TOKEN_SECONDS.to_string(), "token_type": "bearer" })).into_response()
        }
    }
}

fn invalid_grant(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant", "error_description": reason }))).into_response()
}

/// Header `alg` PS… or ES… (no RS256) and `kid`; payload `iss`, `scope`, `aud`, `iat`, `exp` within 60 minutes
/// [H:section_162790605110].
fn check(state: &State, request: &TokenRequest) -> Result<(), String> {
    if request.grant_type != "client_credentials" || request.client_assertion_type != ASSERTION_TYPE {
        return Err("grant_type or client_assertion_type".into());
    }
    let client = &state.config.client;
    let header = jsonwebtoken::decode_header(&request.client_assertion).map_err(|error| error.to_string())?;
    if header.kid.as_deref() != Some(&client.certificate_id) {
        return Err("kid is not a mapped certificate".into());
    }
    let pem = client.public_key_pem.as_bytes();
    let key = match header.alg {
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
        Algorithm::PS256 => DecodingKey::from_rsa_pem(pem),
        other => return Err(format!("alg {other:?}; use PS256 or ES256")),
    }
    .map_err(|error| error.to_string())?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[format!("{}{TOKEN_PATH}", state.url)]);
    validation.validate_exp = false; // against the simulator's clock, below
    let claims = jsonwebtoken::decode::<Claims>(&request.client_assertion, &key, &validation).map_err(|error| error.to_string())?.claims;
    if claims.iss != client.client_id {
        return Err("iss is not the client id".into());
    }
    if !claims.scope.has("rest_webservices") {
        return Err("scope lacks rest_webservices".into());
    }
    let now = state.now().timestamp();
    if claims.exp <= now || claims.exp - claims.iat >= 3600 || claims.iat > now + 60 {
        return Err("iat and exp: expired, or an hour or more apart".into());
    }
    Ok(())
}
