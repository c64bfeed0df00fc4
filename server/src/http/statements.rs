//! `/api/v1/statements`: bank statements handed over as the bank wrote them, and what became of each.

use super::{
    AppState,
    api::ApiCaller,
    error::Problem,
    invoice_batches::{RuleBroken, receive},
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    statement::{StatementReport, StatementState, StatementView, StatementsReport},
    view::ImportOutcome,
};
use serde::{Deserialize, Serialize};
use store::views::statements;
use utoipa::{IntoParams, ToSchema};

/// What became of a statement file.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementsReceipt {
    /// `imported`, or `unchanged` when the same content was here already.
    #[schema(value_type = String)]
    outcome: ImportOutcome,
    statements: Vec<StatementReceipt>,
    /// For people.
    summary: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatementReceipt {
    #[schema(value_type = String, format = Uuid)]
    statement_id: domain::id::StatementId,
    /// Masked but for its ends.
    account: String,
    number: Option<i64>,
    lines: i32,
    unchanged: bool,
    /// `imported`; `waiting` for a second person; `interim`, whose lines come again with the day's statement.
    #[schema(value_type = String)]
    state: StatementState,
    /// Why it waits.
    doubt: Option<String>,
}

/// A refusal with every place that caused it (RFC 9457 §3.2, extension members).
#[derive(Debug, Serialize, ToSchema)]
struct StatementsProblem {
    #[serde(flatten)]
    problem: Problem,
    errors: Vec<RuleBroken>,
}

#[derive(Debug, Deserialize)]
pub struct TableOf {
    account: Option<String>,
}

/// Takes a statement file: camt.053, MT940, MT942, BAI2, or CSV by the account's column profile. All of it comes in, or nothing.
///
/// Account, days, number and name identify a statement, so sending it again is harmless: the same content answers 200 and changes
/// nothing, other content answers 409. One that does not add up from its opening to its closing balance waits for a second person.
#[utoipa::path(post, path = "/api/v1/statements",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; the statement's own identity decides"),
        ("X-File-Name" = Option<String>, Header, description = "Name under which the file is kept"),
        ("account" = Option<String>, Query, description = "Whose lines a table (CSV) holds: the account's number"),
    ),
    request_body(content = String, description = "The file as the bank wrote it", content_type = "application/octet-stream"),
    responses(
        (status = 201, body = StatementsReceipt, description = "Imported"),
        (status = 200, body = StatementsReceipt, description = "Here already with the same content; nothing changed"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = StatementsProblem, content_type = "application/problem+json", description = "A statement is here with other content"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = StatementsProblem, content_type = "application/problem+json", description = "Refused; nothing came in"),
    )
)]
pub async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<ApiCaller>,
    Query(of): Query<TableOf>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let file = receive(body).await?;
    let name = headers.get("x-file-name").and_then(|name| name.to_str().ok()).unwrap_or("statement");
    let report = pipeline::cash::import_file(&state.context, &caller.key.actor(), &caller.scope, name, of.account.as_deref(), file).await?;
    Ok(answer(report))
}

fn answer(report: StatementsReport) -> Response {
    let (status, problem) = match report.outcome {
        ImportOutcome::Imported => (StatusCode::CREATED, None),
        ImportOutcome::Unchanged => (StatusCode::OK, None),
        ImportOutcome::Conflict => (StatusCode::CONFLICT, Some(Problem::conflict(&report.summary))),
        ImportOutcome::Refused => (StatusCode::UNPROCESSABLE_ENTITY, Some(Problem::invalid(&report.summary))),
    };
    if let Some(problem) = problem {
        let errors = report.errors.into_iter().map(Into::into).collect();
        let headers = [(header::CONTENT_TYPE, "application/problem+json")];
        return (status, headers, Json(StatementsProblem { problem, errors })).into_response();
    }
    let receipt = |statement: StatementReport| StatementReceipt {
        statement_id: statement.statement_id,
        account: statement.account,
        number: statement.number,
        lines: statement.lines,
        unchanged: statement.unchanged,
        state: statement.state,
        doubt: statement.doubt,
    };
    let statements = report.statements.into_iter().map(receipt).collect();
    (status, Json(StatementsReceipt { outcome: report.outcome, statements, summary: report.summary })).into_response()
}

/// A statement and its proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statement {
    #[schema(value_type = String, format = Uuid)]
    statement_id: domain::id::StatementId,
    entity: String,
    /// Masked but for its ends.
    account: String,
    currency: String,
    number: Option<i64>,
    /// The last day that it tells of.
    #[schema(value_type = String, format = Date)]
    last_day: chrono::NaiveDate,
    /// Balances and sums, as text.
    opening: Option<String>,
    credits: String,
    debits: String,
    closing: Option<String>,
    /// Closing less opening and lines; absent when a balance is missing.
    difference: Option<String>,
    #[schema(value_type = String)]
    state: StatementState,
    doubt: Option<String>,
}

/// One page of statements, the latest days first.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementPage {
    statements: Vec<Statement>,
    /// Hand it back as `after` for the next page; absent on the last one.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct StatementQuery {
    /// `imported`, `waiting`, `refused` or `interim`.
    state: Option<String>,
    after: Option<String>,
}

/// Rows of a page.
const PAGE: usize = 100;

/// The statements that the key may read, the latest days first.
#[utoipa::path(get, path = "/api/v1/statements", params(StatementQuery), responses(
    (status = 200, body = StatementPage),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A state or place in the list that is none"),
))]
pub async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<ApiCaller>,
    Query(query): Query<StatementQuery>,
) -> Result<Json<StatementPage>, Problem> {
    let wanted = query.state.as_deref().map(str::parse).transpose().map_err(|error| Problem::invalid(format!("state: {error}")))?;
    let after = query.after.as_deref().map(place).transpose()?;
    let filter = statements::Filter { account: None, state: wanted, after };
    let mut found = statements::list(&state.context.pool, &caller.scope, &filter, i64::try_from(PAGE + 1).unwrap_or(i64::MAX)).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|last| format!("{}_{}", last.last_day, last.statement_id));
    Ok(Json(StatementPage { statements: found.into_iter().map(statement).collect(), next }))
}

fn place(after: &str) -> Result<(chrono::NaiveDate, domain::id::StatementId), Problem> {
    let read = || {
        let (day, id) = after.split_once('_')?;
        Some((day.parse().ok()?, id.parse().ok()?))
    };
    read().ok_or_else(|| Problem::invalid("after: it is no place in this list".to_owned()))
}

fn statement(view: StatementView) -> Statement {
    Statement {
        statement_id: view.statement_id,
        entity: view.entity_code,
        account: view.account_number,
        currency: view.currency,
        number: view.number,
        last_day: view.last_day,
        opening: view.opening.map(|amount| amount.to_string()),
        credits: view.credits.to_string(),
        debits: view.debits.to_string(),
        closing: view.closing.map(|amount| amount.to_string()),
        difference: view.difference.map(|amount| amount.to_string()),
        state: view.state,
        doubt: view.doubt,
    }
}
