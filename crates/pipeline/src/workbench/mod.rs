//! What people do with exceptions: fix the mapping, replay, resolve by hand with a second person above the limit,
//! assign and comment. Every act is audited with its actor.

pub mod approve;
pub mod correct;
pub mod mappings;
pub mod replay;
pub mod resolve;
pub mod unknown;

use crate::{Context, retry::transaction};
use domain::{
    access::{Caller, Scope},
    id::{ApprovalId, EntityId, ExceptionId},
};
use store::{access::audit, exceptions};
use uuid::Uuid;

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("it is not there, not open any more, or not yours")]
    NotFound,
    /// Somebody was faster, or the state does not allow it.
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl WorkError {
    fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

/// What an act about one document came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    Done,
    /// Above the limit: a second person has to approve.
    Requested(ApprovalId),
}

/// Longest note or reason.
const TEXT_CHARS: usize = 4000;

fn text(field: &'static str, value: &str) -> Result<String, WorkError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(WorkError::invalid(field, "Say why, in a sentence."));
    }
    if value.chars().count() > TEXT_CHARS {
        return Err(WorkError::invalid(field, format!("At most {TEXT_CHARS} characters.")));
    }
    Ok(value.to_owned())
}

/// Gives exceptions an owner by e-mail, or takes him away.
pub async fn assign(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    exceptions: &[ExceptionId],
    owner: Option<&str>,
) -> Result<u64, WorkError> {
    let owner = owner.map(str::trim).filter(|owner| !owner.is_empty());
    let entry = entry(cx, caller, "exception.assign", &subject(exceptions), None, serde_json::json!({ "owner": owner }));
    let done = transaction!(&cx.pool, |tx| {
        let done = exceptions::assign(tx, scope, exceptions, owner).await?;
        if done > 0 {
            audit::append(tx, &entry).await?;
        }
        Ok(done)
    })?;
    if done == 0 { Err(WorkError::NotFound) } else { Ok(done) }
}

pub async fn comment(cx: &Context, caller: &Caller, scope: &Scope, exception: ExceptionId, body: &str) -> Result<(), WorkError> {
    let body = text("body", body)?;
    let written = transaction!(&cx.pool, |tx| {
        exceptions::comment(tx, scope, exception, Uuid::now_v7(), &caller.email, cx.clock.now(), &body).await
    })?;
    if written { Ok(()) } else { Err(WorkError::NotFound) }
}

fn subject(exceptions: &[ExceptionId]) -> String {
    match exceptions {
        [one] => format!("exception:{one}"),
        many => format!("{} exceptions", many.len()),
    }
}

fn entry(
    cx: &Context,
    caller: &Caller,
    action: &'static str,
    subject: &str,
    entity_id: Option<EntityId>,
    after: serde_json::Value,
) -> audit::AuditEntry {
    audit::AuditEntry {
        at: cx.clock.now(),
        actor: caller.actor(),
        action,
        subject: subject.to_owned(),
        entity_id,
        before: None,
        after: Some(after),
    }
}
