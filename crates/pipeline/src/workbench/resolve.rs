//! Resolution by hand: with the number the ERP gave (then read back), or with a reason and, above the limit that adds
//! up per person, entity and day, a second person. A decision is bound to what was shown.

use super::{Resolved, WorkError, approve, entry, text};
use crate::{Context, erps::Erps, posting::map, retry::transaction};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::{DocumentId, ExceptionId},
    notice::NoticeKind,
    stage::Stage,
};
use rust_decimal::Decimal;
use store::{
    Error, Tx,
    access::audit,
    approvals::Ask,
    connections,
    exceptions::{self, Subject},
    limits::{self, Act, Reach},
    movements::{Cause, transition},
    postings,
};

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
        let plan = "It is closed without a document in the ERP; gate 3 keeps it until one reads back.".to_owned();
        let ask = Ask { act: ApprovalAct::Resolve, plan, erp_number: None, dated: None, content: None, reason: reason.clone() };
        let asked = approve::request(cx, tx, caller, &subject, ask, within_limit).await?;
        if within_limit && asked.is_ok() {
            close(tx, subject.document_id, &approve::cause(caller, reason.clone(), now)).await?;
        }
        Ok(asked)
    })?
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

pub(super) async fn close(tx: &mut Tx, document: DocumentId, cause: &Cause) -> store::Result<()> {
    transition(tx, &[document], Stage::Resolved, cause).await?;
    exceptions::close(tx, &[document], NoticeKind::Resolved, Some(&cause.actor.to_string()), cause.at).await?;
    postings::publish(tx, "ExceptionResolved", &[document], cause.at).await
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
        let cause = approve::cause(caller, format!("entered in the ERP by hand as {erp_number}"), cx.clock.now());
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
