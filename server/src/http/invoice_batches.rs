//! `POST /api/v1/invoice-batches`: a batch as JSON or CSV, streamed to a file and imported from there.

use super::{AppState, api::ApiCaller, error::Problem};
use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    document::Violation,
    view::{ImportOutcome, ImportReport},
};
use futures::TryStreamExt;
use serde::Serialize;
use std::io::Write;
use utoipa::ToSchema;

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
struct RuleBroken {
    /// Line of the file (CSV) or ordinal of the document (JSON), from 1.
    line: u32,
    field: String,
    rule: String,
    value: String,
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

/// Streams the body into a file that is gone when it is closed.
async fn receive(body: Body) -> Result<std::fs::File, Problem> {
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
    let broken = |error: Violation| RuleBroken { line: error.line, field: error.field, rule: error.rule, value: error.value };
    let errors = report.errors.into_iter().map(broken).collect();
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
