//! What no client of a gateway has: invoices to collect, time that passes, faults on command, and the books to look at.

use super::{Desk, FaultRule, Invoice, Ledger, Target};
use crate::lock;
use axum::{
    Json, Router,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn router<L: Ledger>() -> Router<Arc<Desk<L>>> {
    Router::new()
        .route("/faults", get(faults::<L>).post(add_fault::<L>).delete(clear_faults::<L>))
        .route("/invoices", post(feed::<L>))
        .route("/run", post(run::<L>))
        .route("/webhook", post(listen::<L>).delete(stop_listening::<L>))
        .route("/deliver", post(deliver::<L>))
        .route("/ledger", get(overview::<L>))
}

async fn faults<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>) -> Json<Vec<FaultRule>> {
    Json(lock(&desk.faults).rules.clone())
}

async fn add_fault<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>, Json(rule): Json<FaultRule>) -> Json<Vec<FaultRule>> {
    lock(&desk.faults).rules.push(rule);
    faults(Shared(desk)).await
}

async fn clear_faults<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>) -> Json<Vec<FaultRule>> {
    lock(&desk.faults).rules.clear();
    Json(Vec::new())
}

/// Invoices to collect, from now on by their due dates.
async fn feed<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>, Json(invoices): Json<Vec<Invoice>>) -> Response {
    let count = invoices.len();
    match desk.feed(invoices).await {
        Ok(()) => Json(json!({ "taken": count })).into_response(),
        Err(reason) => (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response(),
    }
}

#[derive(Deserialize)]
struct Until {
    /// Now when it is not said.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
}

/// Lives through what was to happen, and tells it.
async fn run<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>, Json(run): Json<Until>) -> Response {
    let until = run.until.unwrap_or_else(|| desk.now());
    match desk.run(until).await {
        Ok(()) => {
            let delivered = desk.deliver().await;
            Json(json!({ "until": until, "delivered": delivered })).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

async fn listen<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>, Json(target): Json<Target>) -> Json<Value> {
    desk.listen(Some(target));
    Json(json!({}))
}

async fn stop_listening<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>) -> Json<Value> {
    desk.listen(None);
    Json(json!({}))
}

/// Sends what is held or was refused.
async fn deliver<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>) -> Response {
    Json(desk.deliver().await).into_response()
}

async fn overview<L: Ledger>(Shared(desk): Shared<Arc<Desk<L>>>) -> Json<Value> {
    Json(lock(&desk.ledger).overview())
}
