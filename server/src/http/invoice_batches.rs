//! `/api/v1/invoice-batches`: handed over as JSON or CSV, streamed to a file and imported from there; and where their documents
//! are now.

use super::{AppState, api::ApiCaller, error::Problem};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    document::Violation,
    view::{BatchView, ImportOutcome, ImportReport, MatrixRow, StageCell},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::io::Write;
use store::views::batches;
use utoipa::{IntoParams, ToSchema};

/// Largest batch over HTTP: a million invoices. Larger ones come by `tieout import`.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchReceipt {
    /// `imported`, or `unchanged` when the same content was here already.
    #[schema(value_type = String)]
    outcome: ImportOutcome,
    #[schema(value_type = String, format = Uuid)]
    batch_id: Option<domain::id::BatchId>,
    /// Source and batch number.
    batch: String,
    documents: i64,
    /// Rows that broke a rule: kept, never sent, to be corrected at the source.
    rejected: i64,
    errors: Vec<RuleBroken>,
    /// For people.
    summary: String,
}

/// A rule that a row broke.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleBroken {
    /// Line of the file (CSV) or ordinal of the document (JSON), from 1.
    line: u32,
    field: String,
    rule: String,
    value: String,
}

impl From<Violation> for RuleBroken {
    fn from(error: Violation) -> Self {
        Self { line: error.line, field: error.field, rule: error.rule, value: error.value }
    }
}

/// A refusal with every place that caused it (RFC 9457 §3.2, extension members).
#[derive(Debug, Serialize, ToSchema)]
struct BatchProblem {
    #[serde(flatten)]
    problem: Problem,
    batch: String,
    errors: Vec<RuleBroken>,
}

/// Takes an invoice batch, `tieout.invoice-batch/1`, as JSON or CSV. All of it comes in, or nothing.
///
/// Source and batch number identify it, so sending it again is harmless: the same content answers 200 and changes nothing, other
/// content answers 409. An `Idempotency-Key` is accepted and adds nothing to that.
#[utoipa::path(post, path = "/api/v1/invoice-batches",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; the batch's own identity decides"),
        ("X-File-Name" = Option<String>, Header, description = "Name under which the file is kept"),
    ),
    request_body(content = String, description = "docs/import-format.md", content_type = "application/json"),
    responses(
        (status = 201, body = BatchReceipt, description = "Imported"),
        (status = 200, body = BatchReceipt, description = "Here already with the same content; nothing changed"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = BatchProblem, content_type = "application/problem+json", description = "The batch number is taken by other content"),
        (status = 413, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = BatchProblem, content_type = "application/problem+json", description = "Refused; nothing came in"),
    )
)]
pub async fn create(
    State(state): State<AppState>,
    Extension(caller): Extension<ApiCaller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let file = receive(body).await?;
    let name = headers.get("x-file-name").and_then(|name| name.to_str().ok()).unwrap_or("invoice-batch");
    let report = pipeline::import::import_file(&state.context, &caller.key.actor(), &caller.scope, name, file).await?;
    Ok(answer(report))
}

/// A batch, and where its documents are now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Batch {
    #[schema(value_type = String, format = Uuid)]
    batch_id: domain::id::BatchId,
    source: String,
    batch: String,
    entity: String,
    /// Calendar month.
    #[schema(example = "2026-10")]
    period: String,
    #[schema(value_type = String, format = DateTime)]
    received_at: chrono::DateTime<chrono::Utc>,
    lines: Vec<BatchLine>,
}

/// What came in of one currency and kind is what its stages hold.
#[derive(Debug, Serialize, ToSchema)]
struct BatchLine {
    currency: String,
    /// `invoice` or `credit_memo`.
    kind: String,
    count: i64,
    /// Gross, as text.
    amount: String,
    tax: String,
    stages: Vec<StageLine>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StageLine {
    stage: String,
    count: i64,
    amount: String,
}

/// One page of batches, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchPage {
    batches: Vec<Batch>,
    /// Hand it back as `after` for the next page; absent on the last one.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
pub struct BatchQuery {
    /// Calendar month, `2026-10`.
    period: Option<String>,
    after: Option<String>,
}

/// Rows of a page.
const PAGE: usize = 100;

/// The batches that the key may read, newest first, with what came in and where it is now.
#[utoipa::path(get, path = "/api/v1/invoice-batches", params(BatchQuery), responses(
    (status = 200, body = BatchPage),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A period or place in the list that is none"),
))]
pub async fn list(
    State(state): State<AppState>,
    Extension(caller): Extension<ApiCaller>,
    Query(query): Query<BatchQuery>,
) -> Result<Json<BatchPage>, Problem> {
    let period = query.period.as_deref().map(str::parse).transpose().map_err(|error| Problem::invalid(format!("period: {error}")))?;
    let after = query.after.as_deref().map(place).transpose()?;
    let filter = batches::Filter { entity_id: None, period, family: domain::stage::Family::Billing, after };
    let mut found = batches::list(&state.context.pool, &caller.scope, &filter, i64::try_from(PAGE + 1).unwrap_or(i64::MAX)).await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let last = found.last().filter(|_| more);
    let next = last.map(|batch| format!("{}_{}", batch.received_at.timestamp_micros(), batch.batch_id));
    Ok(Json(BatchPage { batches: found.into_iter().map(batch).collect(), next }))
}

fn place(after: &str) -> Result<(chrono::DateTime<chrono::Utc>, domain::id::BatchId), Problem> {
    let read = || {
        let (micros, id) = after.split_once('_')?;
        Some((chrono::DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
    };
    read().ok_or_else(|| Problem::invalid("after: it is no place in this list".to_owned()))
}

fn batch(view: BatchView) -> Batch {
    let stage = |cell: StageCell| StageLine { stage: cell.stage.to_string(), count: cell.count, amount: cell.amount.to_string() };
    let line = |row: MatrixRow| BatchLine {
        currency: row.currency,
        kind: row.kind.to_string(),
        count: row.came_in,
        amount: row.amount.to_string(),
        tax: row.tax.to_string(),
        stages: row.stages.into_iter().map(stage).collect(),
    };
    Batch {
        batch_id: view.batch_id,
        source: view.source,
        batch: view.number,
        entity: view.entity_code,
        period: view.period.to_string(),
        received_at: view.received_at,
        lines: view.matrix.into_iter().map(line).collect(),
    }
}

/// Streams the body into a file that is gone when it is closed.
pub(super) async fn receive(body: Body) -> Result<std::fs::File, Problem> {
    let mut file = tempfile::tempfile().map_err(Problem::internal)?;
    let (mut chunks, mut length) = (body.into_data_stream(), 0);
    while let Some(chunk) = chunks.try_next().await.map_err(|error| Problem::invalid(format!("The body broke off: {error}")))? {
        length += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if length > FILE_BYTES_MAX {
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:tieout:problem:too-large", "The batch is too large for HTTP"));
        }
        // into the page cache: no more than a copy in memory
        file.write_all(&chunk).map_err(Problem::internal)?;
    }
    Ok(file)
}

fn answer(report: ImportReport) -> Response {
    let errors = report.errors.into_iter().map(Into::into).collect();
    let (status, problem) = match report.outcome {
        ImportOutcome::Imported => (StatusCode::CREATED, None),
        ImportOutcome::Unchanged => (StatusCode::OK, None),
        ImportOutcome::Conflict => (StatusCode::CONFLICT, Some(Problem::conflict(&report.summary))),
        ImportOutcome::Refused => (StatusCode::UNPROCESSABLE_ENTITY, Some(Problem::invalid(&report.summary))),
    };
    match problem {
        Some(problem) => {
            let headers = [(header::CONTENT_TYPE, "application/problem+json")];
            (status, headers, Json(BatchProblem { problem, batch: report.batch, errors })).into_response()
        }
        None => {
            let ImportReport { outcome, batch_id, batch, documents, rejected, summary, .. } = report;
            (status, Json(BatchReceipt { outcome, batch_id, batch, documents, rejected, errors, summary })).into_response()
        }
    }
}
