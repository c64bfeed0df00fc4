//! The account's slots, and faults around a piece of work.

use super::{ClosedPeriodError, FaultKind, FaultRule, On, OverConcurrency, State, compose, error::Refusal, lock, oauth};
use crate::wire::cut;
use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What a request does to the ledger; can be done late, or twice.
pub(super) type Work = Arc<dyn Fn() -> BoxFuture<'static, Response> + Send + Sync>;

/// Login, then a slot of the account, then the work, with the fault that strikes it.
pub(super) async fn run(state: &Arc<State>, headers: &HeaderMap, on: On, work: Work) -> Response {
    let token = match oauth::bearer(state, headers) {
        Ok(token) => token,
        Err(refusal) => return refusal.into_response(),
    };
    // The limit is the account's, shared by all its clients [H:bridgehead_1500275603].
    let Ok(_slot) = state.slots.clone().try_acquire_owned() else {
        return match state.config.switches.over_concurrency {
            OverConcurrency::Throttled => Refusal::throttled().into_response(),
            OverConcurrency::InvalidLogin { after } => {
                tokio::time::sleep(after).await;
                Refusal::invalid_login().into_response()
            }
        };
    };
    let fault = lock(&state.faults).draw(on);
    match fault {
        None => work().await,
        Some(rule) => strike(state, &rule, &token, work).await,
    }
}

async fn strike(state: &Arc<State>, rule: &FaultRule, token: &str, work: Work) -> Response {
    match rule.kind {
        FaultKind::Latency => {
            tokio::time::sleep(Duration::from_millis(rule.ms.unwrap_or(1000))).await;
            work().await
        }
        FaultKind::Throttled => Refusal::throttled().into_response(),
        FaultKind::ServerError => Refusal::unexpected().into_response(),
        FaultKind::ServerErrorAfterCommit => {
            work().await;
            Refusal::unexpected().into_response()
        }
        FaultKind::CutBefore => cut(),
        FaultKind::CutAfter => {
            work().await;
            cut()
        }
        FaultKind::DelayedCommit => {
            match rule.ms {
                None => lock(&state.held).push(work),
                Some(ms) => drop(tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    work().await;
                })),
            }
            cut()
        }
        FaultKind::Doubled => {
            work().await;
            work().await
        }
        FaultKind::ClosedPeriod => closed_period(state.config.switches.closed_period).into_response(),
        FaultKind::UnknownAccount => compose::unknown("item.items[0].account", "account", "?").into_response(),
        FaultKind::TokenExpired => {
            lock(&state.tokens).revoke(token);
            Refusal::invalid_login().into_response()
        }
        FaultKind::InvalidLogin => Refusal::invalid_login().into_response(),
        FaultKind::Permission => {
            // The code is from [P]; its HTTP status is U.
            Refusal::new(StatusCode::FORBIDDEN, "INSUFFICIENT_PERMISSION", "You do not have permissions to perform this operation.")
                .into_response()
        }
        FaultKind::Locked => Refusal::new(StatusCode::BAD_REQUEST, "RCRD_HAS_BEEN_CHANGED", "Record has been changed.").into_response(),
        FaultKind::RowLost => without_last_row(work().await).await,
    }
}

async fn without_last_row(answer: Response) -> Response {
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap_or_default();
    let mut page: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(items) = page["items"].as_array_mut() {
        items.pop();
        page["count"] = items.len().into();
    }
    page["hasMore"] = false.into();
    Json(page).into_response()
}

pub(super) fn closed_period(switch: ClosedPeriodError) -> Refusal {
    let detail = "The accounting period of the transaction is closed.";
    match switch {
        ClosedPeriodError::ClosedTranPrd => {
            Refusal { path: Some("postingPeriod".into()), ..Refusal::new(StatusCode::BAD_REQUEST, "CLOSED_TRAN_PRD", detail) }
        }
        ClosedPeriodError::UserError => {
            Refusal::new(StatusCode::BAD_REQUEST, "USER_ERROR", format!("Error while accessing a resource. {detail}"))
        }
    }
}
