//! What people do with exceptions: fix the mapping, replay, resolve by hand with a second person above the limit,
//! assign and comment. Every act is audited with its actor.

pub mod approve;
pub mod bulk;
pub mod correct;
pub mod mappings;
pub mod replay;
pub mod resolve;
pub mod unknown;
pub mod unmask;
pub mod views;

use crate::{Context, retry::transaction};
use domain::{
    access::{Caller, Scope},
    id::{ApprovalId, EntityId, ExceptionId},
    notice::{NoticeKind, mentions},
};
use store::{
    access::audit,
    exceptions,
    notices::{self, Watched},
};
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
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
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

pub(crate) fn text(field: &'static str, value: &str) -> Result<String, WorkError> {
    let value = value.trim();
    if value.is_empty() {
        return Err(WorkError::invalid(field, "Say why, in a sentence."));
    }
    if value.chars().count() > TEXT_CHARS {
        return Err(WorkError::invalid(field, format!("At most {TEXT_CHARS} characters.")));
    }
    Ok(value.to_owned())
}

/// Writes a note and tells those whom it speaks to (`@name`) and those who watch. Returns the names of the former.
pub async fn comment(cx: &Context, caller: &Caller, scope: &Scope, exception: ExceptionId, body: &str) -> Result<Vec<String>, WorkError> {
    let body = text("body", body)?;
    let (note, names, now) = (Uuid::now_v7(), mentions(&body), cx.clock.now());
    transaction!(&cx.pool, |tx| {
        if !exceptions::comment(tx, scope, exception, note, &caller.email, now, &body).await? {
            return Ok(Err(WorkError::NotFound));
        }
        let told = notices::mention(tx, &[(exception, note)], &names, &caller.email, now).await?;
        notices::tell(tx, &[exception], NoticeKind::Noted, Some(&caller.email), Some(note), now).await?;
        Ok(Ok(told))
    })?
}

/// Begins to watch an exception or a cause, or ends it.
pub async fn watch(cx: &Context, caller: &Caller, scope: &Scope, what: Watched<'_>, on: bool) -> Result<(), WorkError> {
    let now = cx.clock.now();
    let found = transaction!(&cx.pool, |tx| {
        if on {
            notices::watch(tx, caller.user_id, scope, what, now).await
        } else {
            notices::unwatch(tx, caller.user_id, what).await?;
            Ok(true)
        }
    })?;
    if found { Ok(()) } else { Err(WorkError::NotFound) }
}

/// Marks a notice of the caller as read, or all of them.
pub async fn read_notices(cx: &Context, caller: &Caller, one: Option<Uuid>) -> Result<(), WorkError> {
    let now = cx.clock.now();
    Ok(transaction!(&cx.pool, |tx| notices::read(tx, caller.user_id, one, now).await)?)
}

pub(crate) fn entry(
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
