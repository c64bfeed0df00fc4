//! Records: create, upsert, update, read.

use super::{
    DuplicateCode, On, State, apply,
    compose::{self, Rules},
    error::Refusal,
    ledger::{Document, Entry, Ledger, RecordType},
    lock,
    serve::{self, Work},
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A change of one record as it was asked for.
#[derive(Clone)]
pub(super) struct Write {
    pub(super) record_type: RecordType,
    pub(super) key: Key,
    pub(super) body: Value,
    /// Sublists whose lines are replaced; lines of others are added [B].
    pub(super) replace: Vec<String>,
    pub(super) by_hand: bool,
}

#[derive(Clone)]
pub(super) enum Key {
    New,
    /// `PUT …/eid:`: made when it does not exist [H:section_156335203191].
    Upsert(String),
    /// `PATCH …/{id or eid:}`.
    Existing(String),
}

#[derive(Deserialize)]
pub(super) struct WriteQuery {
    replace: Option<String>,
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    Path(record_type): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    write(&state, &record_type, Key::New, None, &headers, &body).await
}

pub(super) async fn upsert(
    Shared(state): Shared<Arc<State>>,
    Path((record_type, key)): Path<(String, String)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match key.strip_prefix("eid:") {
        Some(external_id) => write(&state, &record_type, Key::Upsert(external_id.to_owned()), query.replace, &headers, &body).await,
        // PUT goes with an external id only [H:section_156335203191].
        None => Refusal::request("PUT needs an external id: …/eid:…").into_response(),
    }
}

pub(super) async fn update(
    Shared(state): Shared<Arc<State>>,
    Path((record_type, key)): Path<(String, String)>,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    write(&state, &record_type, Key::Existing(key), query.replace, &headers, &body).await
}

async fn write(state: &Arc<State>, record_type: &str, key: Key, replace: Option<String>, headers: &HeaderMap, body: &Bytes) -> Response {
    let parsed = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
    let record_type = RecordType::named(record_type);
    let strict = headers.get("x-netsuite-propertynamevalidation").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"error"));
    let replace: Vec<String> = replace.map(|names| names.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let shared = state.clone();
    let work: Work = Arc::new(move || {
        let (state, key, replace, parsed) = (shared.clone(), key.clone(), replace.clone(), parsed.clone());
        Box::pin(async move {
            let Some(record_type) = record_type else { return Refusal::request("Record type is not simulated.").into_response() };
            let Some(body) = parsed else { return Refusal::request("The body is not a JSON object.").into_response() };
            if let (true, Err(refusal)) = (strict, compose::check_names(record_type, &body)) {
                return refusal.into_response();
            }
            commit(&state, Write { record_type, key, body, replace, by_hand: false }).await.map_or_else(
                IntoResponse::into_response,
                |document| {
                    // 204 without a body; the id is in Location only [H:section_1545141395].
                    let location = format!("{}/services/rest/record/v1/{}/{}", state.url, record_type.name(), document.id);
                    (StatusCode::NO_CONTENT, [(header::LOCATION, location)]).into_response()
                },
            )
        })
    });
    serve::run(state, headers, On::Write, work).await
}

/// One change of the ledger: checked and made under its lock, on disk before it returns.
pub(super) async fn commit(state: &State, write: Write) -> Result<Document, Refusal> {
    let settled = {
        let mut ledger = lock(&state.ledger);
        change(state, &ledger, write).and_then(|document| {
            let entry = Entry::Document(Box::new(document.clone()));
            let settled = state.journal.append(&entry).map_err(|_| Refusal::unexpected())?;
            ledger.apply(entry);
            Ok((document, settled))
        })
    };
    match settled {
        Ok((document, settled)) => settled.await.map(|()| document).map_err(|_| Refusal::unexpected()),
        Err(refusal) => {
            settle(state).await?;
            Err(refusal)
        }
    }
}

/// An answer waits until what it speaks of is on disk.
pub(super) async fn settle(state: &State) -> Result<(), Refusal> {
    let settled = state.journal.barrier().map_err(|_| Refusal::unexpected())?;
    settled.await.map_err(|_| Refusal::unexpected())
}

fn change(state: &State, ledger: &Ledger, write: Write) -> Result<Document, Refusal> {
    let Write { record_type, key, mut body, replace, by_hand } = write;
    let asked = body.as_object_mut().and_then(|fields| fields.remove("apply"));
    let rules = Rules { lists: &state.config.lists, ledger, closed_period: state.config.switches.closed_period, now: state.now() };
    let existing = match &key {
        Key::New => None,
        Key::Upsert(external_id) => {
            body["externalId"] = external_id.as_str().into();
            ledger.by_external_id(record_type, external_id)
        }
        Key::Existing(key) => Some(ledger.find(record_type, key).ok_or_else(|| Refusal::absent(key))?),
    };
    match existing {
        Some(existing) => {
            let before: &[_] = if replace.iter().any(|name| name == "apply") { &[] } else { &existing.apply };
            let changed = updated(&rules, existing, body, &replace)?;
            let apply = apply::applied(ledger, &changed, before, asked.as_ref())?;
            Ok(Document { apply, by_hand: existing.by_hand, ..changed })
        }
        None => {
            let made = compose::document(&rules, record_type, body, ledger.next_id(), ledger.next_key())?;
            if made.external_id.as_deref().is_some_and(|external_id| ledger.by_external_id(record_type, external_id).is_some()) {
                return Err(duplicate(state.config.switches.duplicate));
            }
            let apply = apply::applied(ledger, &made, &[], asked.as_ref())?;
            Ok(Document { apply, by_hand, ..made })
        }
    }
}

/// An update that only applies leaves the document as it is, its period open or closed: it moves nothing in the ledger (U).
fn updated(rules: &Rules<'_>, existing: &Document, body: Value, replace: &[String]) -> Result<Document, Refusal> {
    if existing.voided {
        // The code is from [P].
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "CANT_MODIFY_VOID_TRANS", "A voided transaction can't be changed."));
    }
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Document { last_modified: rules.now, ..existing.clone() });
    }
    let unique_key = existing.ar.first().map_or_else(|| rules.ledger.next_key(), |line| line.unique_key);
    compose::document(rules, existing.record_type, merge(&existing.body, body, replace), existing.id, unique_key)
}

/// The code of a POST with a used `externalId` is one of two of [P]; which, and the status 400, are U.
fn duplicate(switch: DuplicateCode) -> Refusal {
    let (code, detail) = match switch {
        DuplicateCode::DupRcrd => ("DUP_RCRD", "This record already exists."),
        DuplicateCode::UniqueRcrdIdReqd => {
            ("UNIQUE_RCRD_ID_REQD", "Another record with the same external id exists. A unique id is required.")
        }
    };
    Refusal::new(StatusCode::BAD_REQUEST, code, detail)
}

/// Fields are replaced; lines without a `line` key are added again, unless the sublist is replaced [H:section_161488248489, B].
fn merge(old: &Value, new: Value, replace: &[String]) -> Value {
    let mut merged = old.clone();
    let Value::Object(fields) = new else { return merged };
    for (name, value) in fields {
        let adds_lines = value["items"].is_array() && !replace.contains(&name);
        match merged.get_mut(&name).and_then(|old| old.get_mut("items")).and_then(Value::as_array_mut) {
            Some(lines) if adds_lines => lines.extend(value["items"].as_array().cloned().unwrap_or_default()),
            _ => merged[&name] = value,
        }
    }
    merged
}

#[derive(Deserialize)]
pub(super) struct ReadQuery {
    #[serde(rename = "expandSubResources")]
    expand: Option<bool>,
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    Path((record_type, key)): Path<(String, String)>,
    Query(query): Query<ReadQuery>,
    headers: HeaderMap,
) -> Response {
    let shared = state.clone();
    let work: Work = Arc::new(move || {
        let (state, record_type, key) = (shared.clone(), record_type.clone(), key.clone());
        Box::pin(async move {
            let found = RecordType::named(&record_type).and_then(|record_type| {
                let ledger = lock(&state.ledger);
                ledger.find(record_type, &key).map(|document| shown(&ledger, document, query.expand == Some(true)))
            });
            if let Err(refusal) = settle(&state).await {
                return refusal.into_response();
            }
            match found {
                Some(record) => Json(record).into_response(),
                None => Refusal::absent(&key).into_response(),
            }
        })
    });
    serve::run(&state, &headers, On::Read, work).await
}

/// A record as GET gives it; sublists only when they are expanded.
fn shown(ledger: &Ledger, document: &Document, expand: bool) -> Value {
    let mut body = document.body.clone();
    if !expand && let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value["items"].is_array());
    }
    body["id"] = document.id.to_string().into();
    body["tranId"] = document.tran_id.as_str().into();
    body["tranDate"] = document.tran_date.to_string().into();
    body["postingPeriod"] = json!({ "id": document.posting_period });
    body["lastModifiedDate"] = document.last_modified.to_rfc3339().into();
    if document.record_type == RecordType::CustomerPayment {
        body["payment"] = number(document.total);
    } else {
        body["total"] = number(document.total);
        body["taxTotal"] = number(document.tax_total);
    }
    match document.record_type {
        RecordType::CreditMemo | RecordType::CustomerPayment => apply::show(&mut body, ledger, document, expand),
        RecordType::Invoice => body["amountRemaining"] = number(ledger.remaining(document, None)),
        // A journal says nothing of what is applied to it (U).
        RecordType::JournalEntry => {}
    }
    body
}

/// Amounts are JSON numbers [B].
pub(super) fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.to_string()).unwrap_or_default()
}

/// [H:article_0625010817]; the names of the fields are U.
pub(super) async fn governance_limits(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Response {
    let limit = state.config.concurrency_limit;
    let work: Work = Arc::new(move || {
        Box::pin(
            async move { Json(json!({ "accountConcurrencyLimit": limit, "accountUnallocatedConcurrencyLimit": limit })).into_response() },
        )
    });
    serve::run(&state, &headers, On::Read, work).await
}
