//! Who may call what. The server asks [`GUARDS`] before a server function's arguments are even read; the function itself
//! takes the entities it may touch from [`require`].

use super::ApiError;
use crate::components::query::{DONE, is_answer};
use axum::http::request::Parts;
use domain::access::{Action, Caller, Scope};
use leptos::prelude::*;
use pipeline::access::AccessError;
use tower_sessions::Session;

/// What it takes to call a server function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    Public,
    SignedIn,
    May(Action),
}

/// Every server function, by its endpoint.
pub const GUARDS: &[(&str, Guard)] = &[
    ("sign_in_step", Guard::Public),
    ("sign_in", Guard::Public),
    ("confirm_code", Guard::Public),
    ("sign_out", Guard::Public),
    ("set_theme", Guard::SignedIn),
    ("list_batches", Guard::May(Action::ReadFinance)),
    ("get_batch", Guard::May(Action::ReadFinance)),
    ("compare_batch_again", Guard::May(Action::WorkExceptions)),
    ("get_intake", Guard::May(Action::ImportBatch)),
    ("list_documents", Guard::May(Action::ReadFinance)),
    ("get_document", Guard::May(Action::ReadFinance)),
    ("correct_document", Guard::May(Action::Resolve)),
    ("decide_unknown", Guard::May(Action::Resolve)),
    ("list_exceptions", Guard::May(Action::ReadFinance)),
    ("get_exception", Guard::May(Action::ReadFinance)),
    ("assign_exceptions", Guard::May(Action::WorkExceptions)),
    ("comment_exceptions", Guard::May(Action::WorkExceptions)),
    ("undo_edit", Guard::May(Action::WorkExceptions)),
    ("get_edit", Guard::May(Action::ReadFinance)),
    ("list_views", Guard::May(Action::ReadFinance)),
    ("save_view", Guard::May(Action::ReadFinance)),
    ("delete_view", Guard::May(Action::ReadFinance)),
    ("set_default_view", Guard::May(Action::ReadFinance)),
    ("find_anything", Guard::SignedIn),
    ("comment_exception", Guard::May(Action::WorkExceptions)),
    ("replay_documents", Guard::May(Action::Replay)),
    ("replay_exceptions", Guard::May(Action::Replay)),
    ("replay_matching", Guard::May(Action::Replay)),
    ("list_inbox", Guard::May(Action::ReadFinance)),
    ("read_notices", Guard::May(Action::ReadFinance)),
    ("watch", Guard::May(Action::ReadFinance)),
    ("list_replays", Guard::May(Action::ReadFinance)),
    ("get_replay", Guard::May(Action::ReadFinance)),
    ("decide_replay", Guard::May(Action::Approve)),
    ("control_replay", Guard::May(Action::Replay)),
    ("resolve_exception", Guard::May(Action::Resolve)),
    ("posted_by_hand", Guard::May(Action::Resolve)),
    ("get_cash", Guard::May(Action::ReadFinance)),
    ("get_clearing", Guard::May(Action::ReadFinance)),
    ("list_movements", Guard::May(Action::ReadFinance)),
    ("get_bank_account", Guard::May(Action::ReadFinance)),
    ("get_daily", Guard::May(Action::ReadFinance)),
    ("get_statement", Guard::May(Action::ReadFinance)),
    ("open_bank_account", Guard::May(Action::ManageBankAccounts)),
    ("learn_table", Guard::May(Action::ManageBankAccounts)),
    ("decide_statement", Guard::May(Action::Approve)),
    ("get_unapplied", Guard::May(Action::ReadFinance)),
    ("get_receivables", Guard::May(Action::ReadFinance)),
    ("list_triggers", Guard::May(Action::ReadFinance)),
    ("list_open_items", Guard::May(Action::ReadFinance)),
    ("get_workbench", Guard::May(Action::ReadFinance)),
    ("get_customer", Guard::May(Action::ReadFinance)),
    ("apply_cash", Guard::May(Action::ApplyCash)),
    ("write_off_dispute", Guard::May(Action::ApplyCash)),
    ("reverse_application", Guard::May(Action::ApplyCash)),
    ("identify_payer", Guard::May(Action::ApplyCash)),
    ("keep_item", Guard::May(Action::ApplyCash)),
    ("unmask", Guard::May(Action::Unmask)),
    ("get_unmasked", Guard::May(Action::Unmask)),
    ("refund_money", Guard::May(Action::ApplyCash)),
    ("withdraw_refund", Guard::May(Action::ApplyCash)),
    ("transfer_money", Guard::May(Action::ApplyCash)),
    ("reverse_transfer", Guard::May(Action::ApplyCash)),
    ("get_rules", Guard::May(Action::ReadFinance)),
    ("propose_rules", Guard::May(Action::EditRules)),
    ("test_rules", Guard::May(Action::EditRules)),
    ("ask_rules", Guard::May(Action::EditRules)),
    ("list_approvals", Guard::SignedIn),
    ("decide_approval", Guard::May(Action::Approve)),
    ("list_mappings", Guard::May(Action::ReadFinance)),
    ("propose_mapping", Guard::May(Action::EditMapping)),
    ("decide_mapping", Guard::May(Action::Approve)),
    ("list_connections", Guard::May(Action::ReadConnections)),
    ("list_calendars", Guard::SignedIn),
    ("set_working_hours", Guard::May(Action::ManageEntities)),
    ("add_holiday", Guard::May(Action::ManageEntities)),
    ("remove_holiday", Guard::May(Action::ManageEntities)),
    ("get_home", Guard::SignedIn),
    ("get_reconciliation", Guard::May(Action::ReadFinance)),
    ("read_back_now", Guard::May(Action::Reconcile)),
    ("limit_timing", Guard::May(Action::Reconcile)),
    ("list_jobs", Guard::May(Action::ReadJobs)),
    ("run_job", Guard::May(Action::RunJobs)),
    ("list_audit", Guard::May(Action::ReadAudit)),
    ("list_users", Guard::May(Action::ReadUsers)),
    ("create_user", Guard::May(Action::ManageUsers)),
    ("set_grants", Guard::May(Action::ManageUsers)),
    ("decide_grant", Guard::May(Action::ManageUsers)),
    ("deactivate_user", Guard::May(Action::ManageUsers)),
    ("reset_second_factor", Guard::May(Action::ManageUsers)),
    ("set_password", Guard::May(Action::ManageUsers)),
];

/// The database and the time of this request.
pub fn context() -> pipeline::Context {
    expect_context::<pipeline::Context>()
}

fn parts() -> Result<Parts, ApiError> {
    use_context::<Parts>().ok_or_else(|| internal("no request in context"))
}

/// Who is signed in.
pub fn caller() -> Result<Caller, ApiError> {
    parts()?.extensions.get::<Caller>().cloned().ok_or(ApiError::Unauthenticated)
}

/// Who is signed in, and the entities in which he may do this.
pub fn require(action: Action) -> Result<(Caller, Scope), ApiError> {
    let caller = caller()?;
    let scope = caller.scope(action);
    if scope.is_empty() { Err(ApiError::Forbidden) } else { Ok((caller, scope)) }
}

pub(super) fn session() -> Result<Session, ApiError> {
    parts()?.extensions.get::<Session>().cloned().ok_or_else(|| internal("no session layer"))
}

/// Where the request came from, as the server understood it.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

pub(super) fn client_address() -> Result<String, ApiError> {
    parts()?.extensions.get::<ClientAddress>().map(|address| address.0.clone()).ok_or_else(|| internal("no client address"))
}

/// Logs what happened and answers with the reference under which it is found.
pub fn internal(error: impl std::fmt::Display) -> ApiError {
    let id = use_context::<Parts>().and_then(|parts| Some(parts.headers.get("x-request-id")?.to_str().ok()?.to_owned()));
    let request_id = id.unwrap_or_else(|| "none".to_owned());
    tracing::error!(request_id, %error, "server function failed");
    ApiError::Internal { request_id }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        internal(error)
    }
}

impl From<tower_sessions::session::Error> for ApiError {
    fn from(error: tower_sessions::session::Error) -> Self {
        internal(error)
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Invalid { field, message } => Self::invalid(field, message),
            AccessError::OutOfScope => Self::Forbidden,
            AccessError::Oneself => Self::Conflict { message: "Nobody changes his own access; ask another admin.".into() },
            AccessError::Conflict(message) => Self::Conflict { message: message.into() },
            AccessError::NotFound => Self::NotFound,
            AccessError::Store(error) => error.into(),
            AccessError::Other(error) => internal(format!("{error:#}")),
        }
    }
}

impl From<pipeline::workbench::WorkError> for ApiError {
    fn from(error: pipeline::workbench::WorkError) -> Self {
        use pipeline::workbench::WorkError;
        match error {
            WorkError::Invalid { field, message } => Self::invalid(field, message),
            WorkError::NotFound => Self::NotFound,
            WorkError::Conflict(message) => Self::Conflict { message },
            WorkError::Store(error) => error.into(),
        }
    }
}

/// Answers a form: back to its page, filters and all, with what was done. Only a path of ours is gone back to.
pub(super) fn go_back(back: &str, done: &str) {
    go_back_with(back, &[(DONE, done)]);
}

/// The same with more of the answer.
pub(super) fn go_back_with(back: &str, answer: &[(&str, &str)]) {
    let path = if back.starts_with('/') && !back.starts_with("//") && !back.contains('\\') { back } else { "/" };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let own = |pair: &&str| !pair.is_empty() && !is_answer(pair.split('=').next().unwrap_or_default());
    let answer = answer.iter().map(|(key, value)| format!("{key}={}", value.bytes().map(percent).collect::<String>()));
    let pairs: Vec<String> = query.split('&').filter(own).map(str::to_owned).chain(answer).collect();
    leptos_axum::redirect(&format!("{path}?{}", pairs.join("&")));
}

/// Percent-encodes one byte of a query value (RFC 3986, unreserved characters stay).
fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}
