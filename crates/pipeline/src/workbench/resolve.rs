//! Resolution by hand: with the number the ERP gave (then read back), or with a reason and, above the limit that adds
//! up per person, entity and day, a second person. A decision is bound to what was shown.

use super::{WorkError, entry, text};
use crate::{Context, erps::Erps, posting::map, retry::transaction};
use chrono::{DateTime, Utc};
use domain::{
    access::{Caller, Scope},
    id::{ApprovalId, CorrelationId, DocumentId, ExceptionId},
    notice::NoticeKind,
    seal::Canonical,
    stage::Stage,
};
use rust_decimal::Decimal;
use store::{
    Error, Tx,
    access::audit,
    approvals::{self, NewApproval},
    connections,
    exceptions::{self, Subject},
    limits::{self, Act, Reach},
    movements::{Cause, transition},
    postings,
};
use uuid::Uuid;

/// What a resolution came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    Done,
    /// Above the limit: a second person has to approve.
    Requested(ApprovalId),
}

/// Closes an exception with a reason and no ERP document. Gate 3 keeps the item until an ERP document reads back.
pub async fn resolve(cx: &Context, caller: &Caller, scope: &Scope, exception: ExceptionId, reason: &str) -> Result<Resolved, WorkError> {
    let reason = text("reason", reason)?;
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let Some(subject) = exceptions::lock_subject(tx, scope, exception).await? else { return Ok(Err(WorkError::NotFound)) };
        if let Err(error) = resolvable(&subject) {
            return Ok(Err(error));
        }
        let about = format!("document:{}", subject.document_id);
        let reach = Reach { entity_id: subject.entity_id, currency: subject.currency.clone(), amount: subject.amount };
        let within_limit = limits::use_up(tx, Act { person: &caller.email, act: "resolve", subject: &about, at: now }, &[reach]).await?;
        let approval = request(&subject, caller, &reason, now, within_limit);
        if let Err(error) = approvals::insert(tx, &approval).await {
            return if error.is_conflict_on("approval_document") { Ok(Err(waits())) } else { Err(error) };
        }
        if within_limit {
            close(tx, subject.document_id, &cause(caller, reason.clone(), now)).await?;
        }
        let after =
            serde_json::json!({ "reason": reason, "amount": subject.amount, "currency": subject.currency, "within_limit": within_limit });
        audit::append(tx, &entry(cx, caller, "exception.resolve", &about, Some(subject.entity_id), after)).await?;
        Ok(Ok(if within_limit { Resolved::Done } else { Resolved::Requested(approval.approval_id) }))
    })?
}

fn waits() -> WorkError {
    WorkError::Conflict("A request for this document waits for its approver already.".into())
}

fn resolvable(subject: &Subject) -> Result<(), WorkError> {
    match subject.stage.check_move(Stage::Resolved) {
        Ok(()) => Ok(()),
        Err(_) if subject.stage == Stage::Rejected => {
            Err(WorkError::Conflict("A rejected row is corrected at the source and imported again as a new version.".into()))
        }
        Err(error) => Err(WorkError::Conflict(format!("{error}."))),
    }
}

fn request(subject: &Subject, caller: &Caller, reason: &str, now: DateTime<Utc>, within_limit: bool) -> NewApproval {
    NewApproval {
        approval_id: ApprovalId(Uuid::now_v7()),
        entity_id: subject.entity_id,
        document_id: subject.document_id,
        shown_hash: shown_hash(subject, reason),
        currency: subject.currency.clone(),
        amount: subject.amount,
        reason: reason.to_owned(),
        requested_by: caller.email.clone(),
        requested_at: now,
        within_limit,
    }
}

/// What the approver is shown: the content, where the document stands, and the reason. Any change voids the request.
fn shown_hash(subject: &Subject, reason: &str) -> [u8; 32] {
    Canonical::new("resolution")
        .text(&subject.document_id.to_string())
        .bytes(&subject.content_hash)
        .text(subject.stage.as_str())
        .integer(subject.sequence.into())
        .text(reason)
        .finish()
}

fn cause(caller: &Caller, reason: String, at: DateTime<Utc>) -> Cause {
    Cause { actor: caller.actor(), reason, correlation_id: CorrelationId(Uuid::now_v7()), at }
}

async fn close(tx: &mut Tx, document: DocumentId, cause: &Cause) -> store::Result<()> {
    transition(tx, &[document], Stage::Resolved, cause).await?;
    exceptions::close(tx, &[document], NoticeKind::Resolved, Some(&cause.actor.to_string()), cause.at).await?;
    postings::publish(tx, "ExceptionResolved", &[document], cause.at).await
}

/// A second person's decision. Errors when he is the preparer, or when the document changed since.
pub async fn decide(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    approval: ApprovalId,
    approve: bool,
    comment: Option<&str>,
) -> Result<(), WorkError> {
    let now = cx.clock.now();
    let comment = comment.map(str::trim).filter(|c| !c.is_empty());
    transaction!(&cx.pool, |tx| {
        let Some(open) = approvals::lock_open(tx, scope, approval).await? else { return Ok(Err(WorkError::NotFound)) };
        if open.requested_by == caller.email {
            return Ok(Err(WorkError::Conflict("Nobody approves what he prepared.".into())));
        }
        let Some(subject) = exceptions::lock_document(tx, scope, open.document_id).await? else { return Ok(Err(WorkError::NotFound)) };
        let unchanged = shown_hash(&subject, &open.reason).as_slice() == open.shown_hash;
        let decision = match (unchanged, approve) {
            (false, _) => "void",
            (true, true) => "approved",
            (true, false) => "refused",
        };
        approvals::decide(tx, approval, decision, &caller.email, comment, now).await?;
        if decision == "approved" {
            let reason = format!("{} (prepared by {})", open.reason, open.requested_by);
            close(tx, open.document_id, &cause(caller, reason, now)).await?;
        }
        let after = serde_json::json!({ "decision": decision, "comment": comment, "requested_by": open.requested_by });
        audit::append(tx, &entry(cx, caller, "approval.decide", &format!("approval:{approval}"), Some(open.entity_id), after)).await?;
        Ok(if unchanged {
            Ok(())
        } else {
            Err(WorkError::Conflict("The document changed since it was shown; the request is void.".into()))
        })
    })?
}

/// Takes the number of a document that people entered in the ERP: `posted`, then read back and compared like ours.
/// Needs the mappings, because the read-back compares with them.
pub async fn posted_by_hand(
    cx: &Context,
    erps: &Erps,
    caller: &Caller,
    scope: &Scope,
    exception: ExceptionId,
    erp_number: &str,
) -> Result<(), WorkError> {
    let erp_number = text("erp_number", erp_number)?;
    transaction!(&cx.pool, |tx| {
        let Some(subject) = exceptions::lock_subject(tx, scope, exception).await? else { return Ok(Err(WorkError::NotFound)) };
        if let Err(error) = subject.stage.check_move(Stage::Posted) {
            return Ok(Err(WorkError::Conflict(format!("{error}."))));
        }
        let entities = connections::attached_entities(tx).await?;
        let found = entities.iter().find(|e| e.entity_id == subject.entity_id).and_then(|e| Some((e, erps.get(e.connection_id)?)));
        let Some((entity, erp)) = found else { return Err(Error::RowsAffected { expected: 1, actual: 0 }) };
        if let Err(missing) = map::prepare(tx, entity, erp.as_ref(), subject.document_id, cx.clock.now()).await? {
            let missing = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Ok(Err(WorkError::invalid("erp_number", format!("{missing}. Map it first: the read-back compares with the mapping."))));
        }
        postings::enter_number(tx, subject.document_id, &erp_number).await?;
        let cause = cause(caller, format!("entered in the ERP by hand as {erp_number}"), cx.clock.now());
        transition(tx, &[subject.document_id], Stage::Posted, &cause).await?;
        exceptions::close(tx, &[subject.document_id], NoticeKind::Resolved, Some(&cause.actor.to_string()), cause.at).await?;
        postings::publish(tx, "ExceptionResolved", &[subject.document_id], cause.at).await?;
        let after = serde_json::json!({ "erp_number": erp_number });
        let about = format!("document:{}", subject.document_id);
        audit::append(tx, &entry(cx, caller, "exception.posted_by_hand", &about, Some(subject.entity_id), after)).await?;
        Ok(Ok(()))
    })?
}

/// The rest of a person's limit today, for the form.
pub async fn limit_left(cx: &Context, caller: &Caller, entity: domain::id::EntityId, currency: &str) -> Result<Decimal, WorkError> {
    let now = cx.clock.now();
    Ok(transaction!(&cx.pool, |tx| limits::left(tx, entity, currency, &caller.email, now).await)?)
}
