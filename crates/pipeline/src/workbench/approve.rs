//! What one person prepares about a document and, above the limit or always, a second one decides. A decision is bound to what was
//! shown: the content, where the document stands, what exactly would be done, and why.

use super::{Resolved, WorkError, correct, entry, resolve, unknown};
use crate::{Context, cash, retry::transaction};
use chrono::{DateTime, Utc};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::{ApprovalId, CorrelationId},
    seal::Canonical,
};
use serde_json::json;
use store::{
    Tx,
    access::audit,
    approvals::{self, Ask, NewApproval},
    exceptions::{self, Subject},
    movements::Cause,
};
use uuid::Uuid;

/// Records what is asked; `within_limit`: it is decided by that, and the caller carries it out.
pub(crate) async fn request(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    subject: &Subject,
    ask: Ask,
    within_limit: bool,
) -> store::Result<Result<Resolved, WorkError>> {
    let approval = NewApproval {
        approval_id: ApprovalId(Uuid::now_v7()),
        entity_id: subject.entity_id,
        document_id: subject.document_id,
        shown_hash: shown_hash(subject, &ask),
        currency: subject.currency.clone(),
        amount: subject.amount,
        ask,
        requested_by: caller.email.clone(),
        requested_at: cx.clock.now(),
        within_limit,
    };
    if let Err(error) = approvals::insert(tx, &approval).await {
        let waits = || WorkError::Conflict("A request for this document waits for its approver already.".into());
        return if error.is_conflict_on("approval_document") { Ok(Err(waits())) } else { Err(error) };
    }
    let after = json!({
        "plan": approval.ask.plan, "reason": approval.ask.reason, "amount": subject.amount,
        "currency": subject.currency, "within_limit": within_limit,
    });
    let about = format!("document:{}", subject.document_id);
    audit::append(tx, &entry(cx, caller, audited_as(approval.ask.act), &about, Some(subject.entity_id), after)).await?;
    Ok(Ok(if within_limit { Resolved::Done } else { Resolved::Requested(approval.approval_id) }))
}

fn audited_as(act: ApprovalAct) -> &'static str {
    match act {
        ApprovalAct::Resolve => "document.resolve",
        ApprovalAct::SendAgain => "document.send_again",
        ApprovalAct::TakeNumber => "document.take_number",
        ApprovalAct::Reverse => "document.reverse",
        ApprovalAct::Credit => "document.credit",
        ApprovalAct::Repost => "document.repost",
        ApprovalAct::WriteOff => "cash.write_off",
    }
}

/// What the approver is shown. Any change voids the request.
fn shown_hash(subject: &Subject, ask: &Ask) -> [u8; 32] {
    Canonical::new("approval")
        .text(&subject.document_id.to_string())
        .bytes(&subject.content_hash)
        .text(subject.stage.as_str())
        .integer(subject.sequence.into())
        .text(ask.act.as_str())
        .text(&ask.plan)
        .text(&ask.reason)
        .finish()
}

pub(super) fn cause(caller: &Caller, reason: String, at: DateTime<Utc>) -> Cause {
    Cause { actor: caller.actor(), reason, correlation_id: CorrelationId(Uuid::now_v7()), at }
}

/// A second person's decision. Errors when he is the preparer, when the document changed since, or when it can't be done any more.
pub async fn decide(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    approval: ApprovalId,
    approve: bool,
    comment: Option<&str>,
) -> Result<(), WorkError> {
    let comment = comment.map(str::trim).filter(|c| !c.is_empty());
    // what a correction makes is read before the transaction: the document's content never changes
    let made = correct::prepare_approved(cx, scope, approval).await?;
    transaction!(&cx.pool, |tx| {
        let Some(open) = approvals::lock_open(tx, scope, approval).await? else { return Ok(Err(WorkError::NotFound)) };
        if open.requested_by == caller.email {
            return Ok(Err(WorkError::Conflict("Nobody approves what he prepared.".into())));
        }
        let Some(subject) = exceptions::lock_document(tx, scope, open.document_id).await? else { return Ok(Err(WorkError::NotFound)) };
        let unchanged = shown_hash(&subject, &open.ask).as_slice() == open.shown_hash;
        let decision = match (unchanged, approve) {
            (false, _) => "void",
            (true, true) => "approved",
            (true, false) => "refused",
        };
        if decision == "approved" {
            let cause = cause(caller, format!("{} (prepared by {})", open.ask.reason, open.requested_by), cx.clock.now());
            let done = match open.ask.act {
                ApprovalAct::Resolve => resolve::close(tx, open.document_id, &cause).await.map(Ok)?,
                ApprovalAct::SendAgain | ApprovalAct::TakeNumber => unknown::carry_out(tx, &open, &cause).await?,
                ApprovalAct::Reverse | ApprovalAct::Credit | ApprovalAct::Repost => {
                    correct::carry_out(cx, tx, caller, &subject, made.as_ref()).await?
                }
                ApprovalAct::WriteOff => cash::carry_out(cx, tx, caller, scope, &open).await?,
            };
            if let Err(error) = done {
                return Ok(Err(error));
            }
        }
        approvals::decide(tx, approval, decision, &caller.email, comment, cx.clock.now()).await?;
        let after = json!({ "act": open.ask.act, "decision": decision, "comment": comment, "requested_by": open.requested_by });
        audit::append(tx, &entry(cx, caller, "approval.decide", &format!("approval:{approval}"), Some(open.entity_id), after)).await?;
        Ok(if unchanged {
            Ok(())
        } else {
            Err(WorkError::Conflict("The document changed since it was shown; the request is void.".into()))
        })
    })?
}
