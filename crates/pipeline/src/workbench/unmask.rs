//! Account numbers in full: asked for with a reason that is in the audit log, and shown once.

use super::{WorkError, entry, text};
use crate::{Context, retry::transaction};
use chrono::TimeDelta;
use domain::{
    access::{Caller, Scope},
    statement::masked,
    unmask::{Subject, Unmasked},
};
use serde_json::json;
use store::{
    access::audit,
    unmaskings::{self, NewUnmasking},
};
use uuid::Uuid;

/// So long after he asked a person may open what he asked for.
const WAITS: TimeDelta = TimeDelta::minutes(5);

/// Asks to see the numbers of a subject; the answer is what [`show`] shows.
pub async fn ask(cx: &Context, caller: &Caller, scope: &Scope, subject: &str, reason: &str) -> Result<Uuid, WorkError> {
    let reason = text("reason", reason)?;
    let subject: Subject = subject.parse().map_err(|_| WorkError::NotFound)?;
    let id = Uuid::now_v7();
    transaction!(&cx.pool, |tx| {
        let Some((entity_id, numbers)) = unmaskings::numbers(tx, scope, subject).await? else { return Ok(Err(WorkError::NotFound)) };
        let new = NewUnmasking { unmasking_id: id, entity_id, person: &caller.email, subject, reason: &reason, asked_at: cx.clock.now() };
        unmaskings::insert(tx, &new).await?;
        let numbers: Vec<String> = numbers.iter().map(|account| masked(&account.number)).collect();
        let told = json!({ "numbers": numbers, "reason": reason });
        audit::append(tx, &entry(cx, caller, "account.unmask", &subject.to_string(), Some(entity_id), told)).await?;
        Ok(Ok(id))
    })?
}

/// Shows what the caller asked for, once and soon after.
pub async fn show(cx: &Context, caller: &Caller, scope: &Scope, id: Uuid) -> Result<Unmasked, WorkError> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let Some(asked) = unmaskings::take(tx, id, &caller.email, now - WAITS, now).await? else { return Ok(Err(WorkError::NotFound)) };
        let Ok(subject) = asked.subject.parse() else { return Ok(Err(WorkError::NotFound)) };
        // his rights may have ended meanwhile
        let found = unmaskings::numbers(tx, scope, subject).await?;
        Ok(found.map(|(_, numbers)| Unmasked { numbers, reason: asked.reason, shown_at: now }).ok_or(WorkError::NotFound))
    })?
}
