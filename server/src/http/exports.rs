//! Files for people: CSV that opens in a spreadsheet.

mod collections;
mod exceptions;

use super::AppState;
use anyhow::Context as _;
use app::api::documents::{DocumentQuery, matching};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use domain::{
    access::{Action, Caller, Grant, ReviewRow, conflicts},
    replay::ReplayItem,
    view::DocumentRow,
};
use futures::StreamExt;
use store::{access::grants, replays};

/// Documents read at once.
const EXPORT_PAGE: i64 = 1_000;

const DOCUMENT_COLUMNS: [&str; 14] = [
    "document_id",
    "entity",
    "kind",
    "number",
    "version",
    "customer",
    "posting_date",
    "period",
    "currency",
    "amount",
    "tax",
    "stage",
    "since",
    "erp_number",
];

const REVIEW_COLUMNS: [&str; 11] =
    ["user", "name", "active", "role", "entity", "granted_by", "granted_at", "approved_by", "approved_at", "last_use", "conflicts"];

pub fn router() -> Router<AppState> {
    Router::new()
        .route("/export/access-review.csv", get(access_review))
        .route("/export/documents.csv", get(documents))
        .route("/export/exceptions.csv", get(exceptions::csv))
        .route("/export/exceptions.xlsx", get(exceptions::xlsx))
        .route("/export/collections.csv", get(collections::csv))
        .route("/export/replays/{set}", get(replay))
}

/// The access review: user, role, entity, granted by, approved by, last use, conflicts.
async fn access_review(State(state): State<AppState>, Extension(caller): Extension<Caller>) -> Response {
    let scope = caller.scope(Action::ReadUsers);
    if scope.is_empty() {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let written = async {
        let mut conn = state.context.pool.acquire().await?;
        csv_of(&grants::review(&mut conn, &scope, None).await?)
    };
    match written.await {
        Ok(csv) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=access-review.csv"),
            ];
            (headers, csv).into_response()
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "access review failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn csv_of(rows: &[ReviewRow]) -> anyhow::Result<String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(REVIEW_COLUMNS)?;
    for row in rows {
        let of_user = rows.iter().filter(|other| other.email == row.email);
        let grants: Vec<Grant> = of_user.map(|other| Grant { role: other.role, entity_id: other.entity_id }).collect();
        out.write_record([
            safe(&row.email),
            safe(&row.name),
            if row.active { "yes" } else { "no" }.to_owned(),
            row.role.to_string(),
            row.entity_code.clone(),
            safe(&row.granted_by),
            row.granted_at.to_rfc3339(),
            safe(row.let_in_by()),
            row.approved_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            row.last_login_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            conflicts(&grants, row.entity_id).join("; "),
        ])?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}

/// Every item of a replay with what became of it, streamed.
async fn replay(State(state): State<AppState>, Extension(caller): Extension<Caller>, Path(file): Path<String>) -> Response {
    let scope = caller.scope(Action::ReadFinance);
    let Some(set) = file.strip_suffix(".csv").and_then(|id| id.parse().ok()) else { return StatusCode::NOT_FOUND.into_response() };
    let found = match replays::find(&state.context.pool, &scope, set).await {
        Ok(Some(found)) => found,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "replay export failed");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let head = "item,document_id,entity,number,currency,amount,result,detail,stage,erp_number\r\n".to_owned();
    let pages = futures::stream::try_unfold((state, scope, set, Some(replays::Page::default())), async |(state, scope, set, page)| {
        let Some(page) = page else { return anyhow::Ok(None) };
        let rows = replays::items(&state.context.pool, &scope, set, page, EXPORT_PAGE).await?;
        let full = i64::try_from(rows.len())? == EXPORT_PAGE;
        let next = rows.last().filter(|_| full).map(|last| replays::Page { after: last.item, ..page });
        Ok(Some((replay_csv(&rows)?, (state, scope, set, next))))
    });
    let body = Body::from_stream(futures::stream::once(async { anyhow::Ok(head) }).chain(pages));
    let name = format!("attachment; filename=replay-{}.csv", found.number);
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)], body).into_response()
}

fn replay_csv(rows: &[ReplayItem]) -> anyhow::Result<String> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let said = row.result.map(|result| result.to_string()).or_else(|| row.verdict.map(|verdict| verdict.to_string()));
        out.write_record([
            row.item.to_string(),
            row.document_id.to_string(),
            row.entity_code.clone(),
            safe(&row.number),
            row.currency.clone(),
            row.amount.to_string(),
            said.unwrap_or_default(),
            safe(row.detail.as_deref().unwrap_or_default()),
            row.stage.to_string(),
            safe(row.erp_number.as_deref().unwrap_or_default()),
        ])?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}

/// The documents behind a figure, in the order of the screen, streamed: all that match, not the page.
async fn documents(State(state): State<AppState>, Extension(caller): Extension<Caller>, query: Query<DocumentQuery>) -> Response {
    let scope = caller.scope(Action::ReadFinance);
    if scope.is_empty() {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let Query(first) = query;
    // the first page decides the status: a filter that can't be read is an answer, not a broken file
    let rows = match matching(&state.context, &scope, &first, EXPORT_PAGE).await {
        Ok(rows) => rows,
        Err(error) => return (StatusCode::from_u16(error.status()).unwrap_or_default(), error.to_string()).into_response(),
    };
    let head = DOCUMENT_COLUMNS.join(",") + "\r\n";
    let pages = futures::stream::try_unfold((state, scope, first, Some(rows)), async |(state, scope, mut query, rows)| {
        let Some(rows) = rows else { return anyhow::Ok(None) };
        let csv = documents_csv(&rows)?;
        query.after = rows.last().map(|row| row.document_id.to_string());
        let full = i64::try_from(rows.len())? == EXPORT_PAGE;
        let next = if full { Some(matching(&state.context, &scope, &query, EXPORT_PAGE).await?) } else { None };
        Ok(Some((csv, (state, scope, query, next))))
    });
    let body = Body::from_stream(futures::stream::once(async { anyhow::Ok(head) }).chain(pages));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=documents.csv")];
    (headers, body).into_response()
}

fn documents_csv(rows: &[DocumentRow]) -> anyhow::Result<String> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        out.write_record([
            row.document_id.to_string(),
            row.entity_code.clone(),
            row.kind.to_string(),
            safe(&row.number),
            row.version.to_string(),
            safe(&row.customer_name),
            row.posting_date.to_string(),
            row.period.to_string(),
            row.currency.clone(),
            row.amount.to_string(),
            row.tax.to_string(),
            row.stage.to_string(),
            row.stage_at.to_rfc3339(),
            safe(row.erp_number.as_deref().unwrap_or_default()),
        ])?;
    }
    String::from_utf8(out.into_inner().context("csv")?).context("csv")
}

/// A spreadsheet runs what begins like a formula.
fn safe(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_formula() {
        assert_eq!(safe("=cmd()"), "'=cmd()");
        assert_eq!(safe("Ann"), "Ann");
    }
}
