//! The download of a report with the report user's Basic credentials (U); 404 until it is generated (contract: Errors).

use super::Account;
use crate::{
    gateway::{FaultKind, On},
    lock,
    wire::cut,
};
use axum::{
    extract::{Path, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{sync::Arc, time::Duration};

pub(super) async fn download(
    Shared(account): Shared<Arc<Account>>,
    Path((merchant, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if !is_report_user(&account, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let fault = account.desk.fault(On::Read);
    match fault.as_ref().map(|rule| (rule.kind, rule.ms)) {
        None | Some((FaultKind::BrokenRow, _)) => {}
        Some((FaultKind::Latency, ms)) => tokio::time::sleep(Duration::from_millis(ms.unwrap_or(1000))).await,
        Some((FaultKind::Throttled, _)) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some((FaultKind::InvalidKey, _)) => return StatusCode::UNAUTHORIZED.into_response(),
        Some((FaultKind::Permission, _)) => return StatusCode::FORBIDDEN.into_response(),
        Some((FaultKind::CutBefore | FaultKind::CutAfter, _)) => return cut(),
        Some(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    let ledger = lock(&account.desk.ledger);
    let report = ledger.reports.get(&file).filter(|report| report.is_ready && merchant == account.config.merchant_account);
    match report {
        Some(report) => {
            let is_broken = fault.is_some_and(|rule| rule.kind == FaultKind::BrokenRow);
            let csv = if is_broken { report.csv.replacen(",CET,", ",C.E.T.,", 1) } else { report.csv.clone() };
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], csv).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn is_report_user(account: &Account, headers: &HeaderMap) -> bool {
    let expected = BASE64_STANDARD.encode(format!("{}:{}", account.config.report_user, account.config.report_password));
    let written = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    written.and_then(|written| written.strip_prefix("Basic ")) == Some(expected.as_str())
}
