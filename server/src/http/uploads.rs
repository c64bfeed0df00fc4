//! The file of the upload page: streamed to disk, imported, answered with a redirect, so that it works without a script and a reload
//! sends nothing twice.

use super::AppState;
use app::components::Query;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartError},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use domain::{
    access::{Action, Caller},
    view::ImportOutcome,
};
use std::io::Write;

const PAGE: &str = "/batches/upload";
/// The form's field.
const FIELD: &str = "file";
/// Largest upload; the page says so.
const FILE_BYTES_MAX: usize = 256 << 20;

pub fn router() -> Router<AppState> {
    Router::new().route(PAGE, post(upload).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// A file as it arrived.
struct Received {
    name: String,
    file: std::fs::File,
}

enum Trouble {
    /// The word by which the page knows it.
    OfForm(&'static str),
    OfServer(anyhow::Error),
}

impl From<MultipartError> for Trouble {
    fn from(error: MultipartError) -> Self {
        Self::OfForm(if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "broken" })
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::OfServer(error.into())
    }
}

async fn upload(State(state): State<AppState>, Extension(caller): Extension<Caller>, form: Multipart) -> Response {
    if !caller.may(Action::ImportBatch) {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let to = match receive(form).await {
        Ok(received) => import(&state, &caller, received).await,
        Err(trouble) => Err(trouble),
    };
    match to {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(Trouble::OfForm(word)) => Redirect::to(&Query::new(PAGE, &[("error", word)]).href()).into_response(),
        Err(Trouble::OfServer(error)) => {
            tracing::error!(error = format!("{error:#}"), "upload failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "The file could not be imported. Nothing of it came in.").into_response()
        }
    }
}

/// Streams the file into one that is gone when it is closed.
async fn receive(mut form: Multipart) -> Result<Received, Trouble> {
    while let Some(mut field) = form.next_field().await? {
        if field.name() != Some(FIELD) {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let (mut file, mut length) = (tempfile::tempfile()?, 0);
        while let Some(chunk) = field.chunk().await? {
            length += chunk.len();
            // into the page cache: no more than a copy in memory
            file.write_all(&chunk)?;
        }
        // a form sent without a choice has an empty field
        return if length == 0 { Err(Trouble::OfForm("none")) } else { Ok(Received { name, file }) };
    }
    Err(Trouble::OfForm("none"))
}

/// Imports for the entities in which the caller may, and says where to go on.
async fn import(state: &AppState, caller: &Caller, received: Received) -> Result<String, Trouble> {
    let (actor, scope) = (caller.actor(), caller.scope(Action::ImportBatch));
    let report =
        pipeline::import::import_file(&state.context, &actor, &scope, &received.name, received.file).await.map_err(Trouble::OfServer)?;
    let intake = report.intake_id.map(|id| id.to_string()).unwrap_or_default();
    let page = match (report.outcome, report.batch_id) {
        (ImportOutcome::Imported | ImportOutcome::Unchanged, Some(batch)) => format!("/batches/{batch}"),
        _ => PAGE.to_owned(),
    };
    Ok(Query::new(page, &[("intake", &intake)]).href())
}
