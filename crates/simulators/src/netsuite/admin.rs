//! What no client of NetSuite has: faults on command, the other hands in the ERP, and the whole ledger to look at.

use super::{
    FaultRule, State,
    error::Refusal,
    ledger::{ArLine, Document, Entry, RecordType},
    lock,
    record::{self, Key, Write},
    serve::Work,
};
use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    routing::{get, post},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router() -> Router<Arc<State>> {
    Router::new()
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/deliver", post(deliver))
        .route("/ledger", get(ledger))
        .route("/documents", post(manual_document))
        .route("/journals", post(manual_journal))
        .route("/documents/{key}/amount", post(edit_amount))
        .route("/documents/{key}/void", post(void))
        .route("/documents/{key}/date", post(re_date))
        .route("/periods/{id}", post(set_period))
}

async fn faults(Shared(state): Shared<Arc<State>>) -> Json<Vec<FaultRule>> {
    Json(lock(&state.faults).rules.clone())
}

async fn add_fault(Shared(state): Shared<Arc<State>>, Json(rule): Json<FaultRule>) -> Json<Vec<FaultRule>> {
    lock(&state.faults).rules.push(rule);
    faults(Shared(state)).await
}

async fn clear_faults(Shared(state): Shared<Arc<State>>) -> Json<Vec<FaultRule>> {
    lock(&state.faults).rules.clear();
    Json(Vec::new())
}

/// Does what `delayed_commit` held back.
async fn deliver(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let held: Vec<Work> = std::mem::take(&mut *lock(&state.held));
    for work in &held {
        work().await;
    }
    Json(json!({ "delivered": held.len() }))
}

/// Every document; the evidence that nothing is there twice.
async fn ledger(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let documents: Vec<Value> = lock(&state.ledger).documents().map(shown).collect();
    Json(json!({ "count": documents.len(), "documents": documents }))
}

fn shown(document: &Document) -> Value {
    json!({
        "id": document.id.to_string(), "recordType": document.record_type.name(), "externalId": document.external_id,
        "tranId": document.tran_id, "subsidiary": document.subsidiary, "entity": document.entity, "currency": document.currency,
        "tranDate": document.tran_date, "dueDate": document.due_date, "postingPeriod": document.posting_period,
        "total": document.total.to_string(), "taxTotal": document.tax_total.to_string(), "voided": document.voided,
        "byHand": document.by_hand, "lines": super::compose::items(&document.body, "item").len(),
        "apply": document.apply.iter().map(|line| json!({ "doc": line.doc.to_string(), "amount": line.amount.to_string() })).collect::<Vec<_>>(),
    })
}

#[derive(Deserialize)]
struct ManualDocument {
    record_type: String,
    /// As over REST.
    body: Value,
}

/// Someone types an invoice, a credit memo or a payment into NetSuite.
async fn manual_document(Shared(state): Shared<Arc<State>>, Json(manual): Json<ManualDocument>) -> Result<Json<Value>, Refusal> {
    let record_type = RecordType::named(&manual.record_type).filter(|t| *t != RecordType::JournalEntry);
    let record_type = record_type.ok_or_else(|| Refusal::request("record_type is invoice, creditMemo or customerPayment"))?;
    let write = Write { record_type, key: Key::New, body: manual.body, replace: Vec::new(), by_hand: true };
    record::commit(&state, write).await.map(|document| Json(shown(&document)))
}

#[derive(Deserialize)]
struct ManualJournal {
    subsidiary: String,
    currency: String,
    tran_date: NaiveDate,
    /// Amounts on the AR control account; positive debits it. The other side is not simulated.
    ar_lines: Vec<String>,
}

/// Someone books a journal to the AR control account.
async fn manual_journal(Shared(state): Shared<Arc<State>>, Json(journal): Json<ManualJournal>) -> Result<Json<Value>, Refusal> {
    let amounts: Result<Vec<Decimal>, _> = journal.ar_lines.iter().map(|amount| amount.parse()).collect();
    let amounts = amounts.map_err(|_| Refusal::request("ar_lines are decimal texts"))?;
    let lists = &state.config.lists;
    let period = lists.period_of(journal.tran_date).ok_or_else(|| Refusal::request("no period for tran_date"))?.id.clone();
    let known = lists.subsidiaries.iter().any(|s| s.id == journal.subsidiary) && lists.currency(&journal.currency).is_some();
    if !known {
        return Err(Refusal::request("unknown subsidiary or currency"));
    }
    let now = state.now();
    change(&state, |ledger| {
        let (id, first_key) = (ledger.next_id(), ledger.next_key());
        let ar = (first_key..).zip(&amounts).map(|(unique_key, amount)| ArLine { unique_key, amount: *amount }).collect();
        Ok(Document {
            id,
            record_type: RecordType::JournalEntry,
            external_id: None,
            tran_id: format!("JE{id}"),
            subsidiary: journal.subsidiary,
            entity: None,
            currency: journal.currency,
            tran_date: journal.tran_date,
            due_date: None,
            posting_period: period,
            tax_total: Decimal::ZERO,
            total: amounts.iter().sum(),
            ar,
            apply: Vec::new(),
            voided: false,
            by_hand: true,
            last_modified: now,
            body: json!({}),
        })
    })
    .await
}

#[derive(Deserialize)]
struct NewTotal {
    total: String,
}

/// Someone edits the amount of a posted document.
async fn edit_amount(
    Shared(state): Shared<Arc<State>>,
    Path(key): Path<String>,
    Json(new): Json<NewTotal>,
) -> Result<Json<Value>, Refusal> {
    let total: Decimal = new.total.parse().map_err(|_| Refusal::request("total is a decimal text"))?;
    edit(&state, &key, |document| {
        document.total = total;
        if let Some(line) = document.ar.first_mut() {
            line.amount = document.record_type.ar_amount(total);
        }
    })
    .await
}

/// A direct void sets the amounts to zero and keeps the document (U); a credit settles nothing any more.
async fn void(Shared(state): Shared<Arc<State>>, Path(key): Path<String>) -> Result<Json<Value>, Refusal> {
    edit(&state, &key, |document| {
        document.voided = true;
        document.total = Decimal::ZERO;
        document.tax_total = Decimal::ZERO;
        document.apply.clear();
        for line in &mut document.ar {
            line.amount = Decimal::ZERO;
        }
    })
    .await
}

#[derive(Deserialize)]
struct NewDate {
    tran_date: NaiveDate,
}

/// Someone moves a document to another date, and with it to that date's period.
async fn re_date(Shared(state): Shared<Arc<State>>, Path(key): Path<String>, Json(new): Json<NewDate>) -> Result<Json<Value>, Refusal> {
    let period = state.config.lists.period_of(new.tran_date).ok_or_else(|| Refusal::request("no period for tran_date"))?.id.clone();
    edit(&state, &key, |document| {
        document.tran_date = new.tran_date;
        document.posting_period = period;
    })
    .await
}

#[derive(Deserialize)]
struct SetPeriod {
    closed: bool,
}

async fn set_period(Shared(state): Shared<Arc<State>>, Path(id): Path<String>, Json(set): Json<SetPeriod>) -> Result<Json<Value>, Refusal> {
    if state.config.lists.period(&id).is_none() {
        return Err(Refusal::absent(&id));
    }
    let entry = Entry::Period { id: id.clone(), closed: set.closed };
    {
        let mut ledger = lock(&state.ledger);
        state.journal.append(&entry).map_err(|_| Refusal::unexpected())?;
        ledger.apply(entry);
    }
    record::settle(&state).await?;
    Ok(Json(json!({ "id": id, "closed": set.closed })))
}

/// The document under an internal id, or under `eid:…` whatever its type.
async fn edit(state: &State, key: &str, change_it: impl FnOnce(&mut Document)) -> Result<Json<Value>, Refusal> {
    let now = state.now();
    change(state, |ledger| {
        let found = RecordType::ALL.iter().find_map(|record_type| ledger.find(*record_type, key)).ok_or_else(|| Refusal::absent(key))?;
        let mut document = found.clone();
        change_it(&mut document);
        document.last_modified = now;
        Ok(document)
    })
    .await
}

async fn change(state: &State, make: impl FnOnce(&super::Ledger) -> Result<Document, Refusal>) -> Result<Json<Value>, Refusal> {
    let answer = {
        let mut ledger = lock(&state.ledger);
        let document = make(&ledger)?;
        let answer = shown(&document);
        let entry = Entry::Document(Box::new(document));
        state.journal.append(&entry).map_err(|_| Refusal::unexpected())?;
        ledger.apply(entry);
        answer
    };
    record::settle(state).await?;
    Ok(Json(answer))
}
