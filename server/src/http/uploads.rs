//! The files of the upload pages: streamed to disk, imported, answered with a redirect, so that it works without a script and a reload
//! sends nothing twice.

use super::AppState;
use app::components::Query;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State, multipart::MultipartError},
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use domain::{
    access::{Action, Caller},
    id::BankAccountId,
    statement::StatementsReport,
    view::ImportOutcome,
};
use pipeline::cash;
use std::io::Write;

const BATCHES: &str = "/batches/upload";
const CASH: &str = "/cash/upload";
/// Where what became of a statement file is told.
const ACCOUNTS: &str = "/cash/accounts";
const ACCOUNT: &str = "/cash/accounts/{id}/upload";
/// The form's field.
const FIELD: &str = "file";
/// Largest upload; the page says so.
const FILE_BYTES_MAX: usize = 256 << 20;

pub fn router() -> Router<AppState> {
    let limit = DefaultBodyLimit::max(FILE_BYTES_MAX);
    Router::new()
        .route(BATCHES, post(upload).layer(limit))
        .route(CASH, post(upload).layer(limit))
        .route(ACCOUNT, post(upload_table).layer(limit))
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

async fn upload(State(state): State<AppState>, Extension(caller): Extension<Caller>, uri: Uri, form: Multipart) -> Response {
    let page = if uri.path() == CASH { ACCOUNTS } else { BATCHES };
    if !caller.may(Action::ImportBatch) {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let to = match receive(form).await {
        Ok(received) => import(&state, &caller, received, page).await,
        Err(trouble) => Err(trouble),
    };
    answer(to, page)
}

fn answer(to: Result<String, Trouble>, page: &str) -> Response {
    match to {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(Trouble::OfForm(word)) => Redirect::to(&Query::new(page, &[("error", word)]).href()).into_response(),
        Err(Trouble::OfServer(error)) => {
            tracing::error!(error = format!("{error:#}"), "upload failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "The file could not be imported. Nothing of it came in.").into_response()
        }
    }
}

/// A table of an account: imported by the account's column profile; without one, the page asks to confirm what the table suggests.
async fn upload_table(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<BankAccountId>,
    form: Multipart,
) -> Response {
    if !caller.may(Action::ImportBatch) {
        return (StatusCode::FORBIDDEN, "Your roles do not allow this.").into_response();
    }
    let page = format!("/cash/accounts/{id}");
    let to = match receive(form).await {
        Ok(received) => import_table(&state, &caller, id, received, &page).await,
        Err(trouble) => Err(trouble),
    };
    answer(to, &page)
}

async fn import_table(state: &AppState, caller: &Caller, id: BankAccountId, mut received: Received, page: &str) -> Result<String, Trouble> {
    let (actor, scope) = (caller.actor(), caller.scope(Action::ImportBatch));
    let accounts = async { store::statements::accounts(&mut *state.context.pool.acquire().await?, &scope).await };
    let accounts = accounts.await.map_err(|error| Trouble::OfServer(error.into()))?;
    let account = accounts.into_iter().find(|account| account.bank_account_id == id).ok_or(Trouble::OfForm("unknown"))?;
    std::io::Seek::rewind(&mut received.file)?;
    if account.csv_profile.is_none()
        && let Some(suggested) = cash::suggest(&mut received.file, &received.name)?
    {
        let proposal = suggested.map_err(|_| Trouble::OfForm("no_table"))?;
        let proposal = serde_json::to_string(&proposal).map_err(|error| Trouble::OfServer(error.into()))?;
        return Ok(Query::new(page, &[("table", &proposal)]).href());
    }
    let report = cash::import_file(&state.context, &actor, &scope, &received.name, Some(&account.number), received.file).await;
    after_import(&report.map_err(Trouble::OfServer)?)
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

/// Imports for the entities in which the caller may, and says where to go on. What a file holds decides what becomes of it, not the
/// page that it was chosen on.
async fn import(state: &AppState, caller: &Caller, mut received: Received, page: &str) -> Result<String, Trouble> {
    let (actor, scope) = (caller.actor(), caller.scope(Action::ImportBatch));
    std::io::Seek::rewind(&mut received.file)?;
    if cash::kind_of(&mut received.file)? == cash::FileKind::Statement {
        let report =
            cash::import_file(&state.context, &actor, &scope, &received.name, None, received.file).await.map_err(Trouble::OfServer)?;
        return after_import(&report);
    }
    let report =
        pipeline::import::import_file(&state.context, &actor, &scope, &received.name, received.file).await.map_err(Trouble::OfServer)?;
    let intake = report.intake_id.map(|id| id.to_string()).unwrap_or_default();
    let page = match (report.outcome, report.batch_id) {
        (ImportOutcome::Imported | ImportOutcome::Unchanged, Some(batch)) => format!("/batches/{batch}"),
        _ if page == BATCHES => BATCHES.to_owned(),
        _ => ACCOUNTS.to_owned(),
    };
    Ok(Query::new(page, &[("intake", &intake)]).href())
}

/// To the statement when there is one; otherwise to what is said of the file.
fn after_import(report: &StatementsReport) -> Result<String, Trouble> {
    Ok(match report.statements.as_slice() {
        [statement] => format!("/cash/statements/{}", statement.statement_id),
        _ => Query::new(ACCOUNTS, &[("intake", &report.intake_id.to_string())]).href(),
    })
}
