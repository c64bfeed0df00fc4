//! The wire: key, faults, idempotency, then the books.

use super::{
    Account, VERSION,
    error::Refusal,
    write::{Answer, Write},
};
use crate::{
    gateway::{FaultKind, FaultRule, On},
    lock,
    wire::cut,
};
use axum::{
    Json,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

type Pairs = Vec<(String, String)>;

pub(super) async fn read(
    Shared(account): Shared<Arc<Account>>,
    Path(path): Path<String>,
    Query(parameters): Query<Pairs>,
    headers: HeaderMap,
) -> Response {
    if !is_ours(&account, &headers) {
        return Refusal::unauthorized().into_response();
    }
    let fault = account.desk.fault(On::Read);
    if let Some(struck) = before(fault.as_ref()).await {
        return struck;
    }
    let mut answer = lock(&account.desk.ledger).read(&path, &parameters);
    if kind(fault.as_ref()) == Some(FaultKind::RowLate)
        && let Some(rows) = answer.as_mut().ok().and_then(|list| list.get_mut("data")?.as_array_mut())
        && rows.len() > 1
    {
        rows.remove(1);
    }
    let response = answer.map_or_else(IntoResponse::into_response, |body| Json(body).into_response());
    after(fault.as_ref(), response)
}

pub(super) async fn write(
    Shared(account): Shared<Arc<Account>>,
    Path(path): Path<String>,
    headers: HeaderMap,
    axum::Form(form): axum::Form<Pairs>,
) -> Response {
    if !is_ours(&account, &headers) {
        return Refusal::unauthorized().into_response();
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let _in_flight = match key.as_deref().map(|key| InFlight::take(&account, key)) {
        Some(None) => return Refusal::key_in_use(key.as_deref().unwrap_or_default()).into_response(),
        Some(held) => held,
        None => None,
    };
    let fault = account.desk.fault(On::Write);
    if let Some(struck) = before(fault.as_ref()).await {
        return struck;
    }
    let fails = kind(fault.as_ref()) == Some(FaultKind::ServerErrorKept);
    match account.desk.write(Write { path, form, key, fails }).await {
        Ok(answer) => {
            tokio::spawn(async move { account.desk.deliver().await });
            after(fault.as_ref(), shown(answer))
        }
        Err(_) => Refusal::server_error().into_response(),
    }
}

fn shown(answer: Answer) -> Response {
    let mut response = (answer.status, Json::<Value>(answer.body)).into_response();
    response.headers_mut().insert("stripe-version", HeaderValue::from_static(VERSION));
    if answer.is_replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn kind(fault: Option<&FaultRule>) -> Option<FaultKind> {
    fault.map(|rule| rule.kind)
}

/// What is answered instead of doing anything.
async fn before(fault: Option<&FaultRule>) -> Option<Response> {
    let rule = fault?;
    let refusal = match rule.kind {
        FaultKind::Latency => {
            tokio::time::sleep(Duration::from_millis(rule.ms.unwrap_or(1000))).await;
            return None;
        }
        FaultKind::CutBefore => return Some(cut()),
        FaultKind::Throttled => Refusal::throttled(),
        FaultKind::LockTimeout => Refusal::locked(),
        FaultKind::InvalidKey => Refusal::unauthorized(),
        FaultKind::Permission => Refusal::forbidden(),
        FaultKind::ServerError => Refusal::server_error(),
        FaultKind::ServerErrorForGood => {
            let mut response = Refusal::server_error().into_response();
            response.headers_mut().insert("stripe-should-retry", HeaderValue::from_static("false"));
            return Some(response);
        }
        _ => return None,
    };
    Some(refusal.into_response())
}

/// What becomes of the answer when it was done.
fn after(fault: Option<&FaultRule>, response: Response) -> Response {
    match kind(fault) {
        Some(FaultKind::ServerErrorAfterCommit) => Refusal::server_error().into_response(),
        Some(FaultKind::CutAfter) => cut(),
        _ => response,
    }
}

/// `Bearer sk_…`, or Basic with the key as the user (contract: Base & auth).
fn is_ours(account: &Account, headers: &HeaderMap) -> bool {
    let Some(written) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    let basic = || {
        let decoded = BASE64_STANDARD.decode(written.strip_prefix("Basic ")?).ok()?;
        String::from_utf8(decoded).ok()?.split(':').next().map(str::to_owned)
    };
    let key = written.strip_prefix("Bearer ").map(str::to_owned).or_else(basic);
    key.as_deref() == Some(account.secret_key.as_str())
}

/// An idempotency key whose first request is not answered yet.
struct InFlight {
    account: Arc<Account>,
    key: String,
}

impl InFlight {
    fn take(account: &Arc<Account>, key: &str) -> Option<Self> {
        lock(&account.in_flight).insert(key.to_owned()).then(|| Self { account: account.clone(), key: key.to_owned() })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(&self.account.in_flight).remove(&self.key);
    }
}
