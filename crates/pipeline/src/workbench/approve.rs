//! What one person prepares about a document and, above the limit or always, a second one decides. A decision is bound to what was
//! shown: the content, where the document stands, what exactly would be done, and why. The rules of cash application are put in force
//! the same way, bound to their content and to the figures of their back-test.

use super::{Resolved, WorkError, correct, entry, resolve, unknown};
use crate::{
    Context,
    cash::{self, rules, rules::Tested},
    retry::transaction,
};
use chrono::{DateTime, Utc};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::{ApprovalId, CorrelationId, DocumentId},
    seal::Canonical,
};
use serde::Serialize;
use serde_json::json;
use store::{
    Tx,
    access::audit,
    approvals::{self, About, Ask, NewApproval, Open},
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
        about: About::Document(subject.document_id),
        shown_hash: shown_hash(subject, &ask),
        money: Some((subject.currency.clone(), subject.amount)),
        ask,
        requested_by: caller.email.clone(),
        requested_at: cx.clock.now(),
        within_limit,
    };
    record(cx, tx, caller, approval).await
}

/// What somebody wants done with an item of receivables; words are not enough to do it, so `content` says what exactly.
pub(crate) struct Wanted<'a, T> {
    pub item: DocumentId,
    pub act: ApprovalAct,
    pub plan: String,
    pub content: &'a T,
    pub reason: &'a str,
}

/// Asks a second person for it.
pub(crate) async fn request_wanted<T: Serialize>(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    scope: &Scope,
    wanted: Wanted<'_, T>,
) -> store::Result<Result<Resolved, WorkError>> {
    let Some(subject) = exceptions::lock_document(tx, scope, wanted.item).await? else { return Ok(Err(WorkError::NotFound)) };
    let content = serde_json::to_value(wanted.content).map_err(|error| store::DriverError::Encode(error.into()))?;
    let ask =
        Ask { act: wanted.act, plan: wanted.plan, erp_number: None, dated: None, content: Some(content), reason: wanted.reason.to_owned() };
    request(cx, tx, caller, &subject, ask, false).await
}

/// Asks for a version of the rules to be put in force; a second person always decides.
pub(crate) async fn request_rules(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    version: &Tested,
    ask: Ask,
) -> store::Result<Result<Resolved, WorkError>> {
    let approval = NewApproval {
        approval_id: ApprovalId(Uuid::now_v7()),
        entity_id: version.table.entity_id,
        about: About::Rules(version.table.rule_table_id),
        shown_hash: version.shown_hash(&ask),
        money: None,
        ask,
        requested_by: caller.email.clone(),
        requested_at: cx.clock.now(),
        within_limit: false,
    };
    record(cx, tx, caller, approval).await
}

async fn record(cx: &Context, tx: &mut Tx, caller: &Caller, approval: NewApproval) -> store::Result<Result<Resolved, WorkError>> {
    if let Err(error) = approvals::insert(tx, &approval).await {
        let waits = |what| WorkError::Conflict(format!("A request for this {what} waits for its approver already."));
        return match error {
            error if error.is_conflict_on("approval_document") => Ok(Err(waits("document"))),
            error if error.is_conflict_on("approval_rule_table") => Ok(Err(waits("rule table"))),
            error => Err(error),
        };
    }
    let (currency, amount) = approval.money.clone().unzip();
    let after = json!({
        "plan": approval.ask.plan, "reason": approval.ask.reason, "amount": amount, "currency": currency,
        "within_limit": approval.within_limit,
    });
    let about = match approval.about {
        About::Document(id) => format!("document:{id}"),
        About::Rules(id) => format!("rule_table:{id}"),
    };
    audit::append(tx, &entry(cx, caller, audited_as(approval.ask.act), &about, Some(approval.entity_id), after)).await?;
    Ok(Ok(if approval.within_limit { Resolved::Done } else { Resolved::Requested(approval.approval_id) }))
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
        ApprovalAct::Refund => "cash.ask_refund",
        ApprovalAct::Transfer => "cash.ask_transfer",
        ApprovalAct::PutRulesInForce => "rules.ask",
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
        let Some(shown) = Shown::lock(tx, scope, &open).await? else { return Ok(Err(WorkError::NotFound)) };
        let unchanged = shown.hash(&open.ask).as_slice() == open.shown_hash;
        let decision = match (unchanged, approve) {
            (false, _) => "void",
            (true, true) => "approved",
            (true, false) => "refused",
        };
        if decision == "approved" {
            let done = match &shown {
                Shown::Document(subject) => carry_out(cx, tx, caller, scope, &open, subject, made.as_ref()).await?,
                Shown::Rules(version) => rules::put_in_force(cx, tx, caller, version, &open).await.map(Ok)?,
            };
            if let Err(error) = done {
                return Ok(Err(error));
            }
        }
        approvals::decide(tx, approval, decision, &caller.email, comment, cx.clock.now()).await?;
        let after = json!({ "act": open.ask.act, "decision": decision, "comment": comment, "requested_by": open.requested_by });
        audit::append(tx, &entry(cx, caller, "approval.decide", &format!("approval:{approval}"), Some(open.entity_id), after)).await?;
        Ok(if unchanged { Ok(()) } else { Err(WorkError::Conflict(shown.void().into())) })
    })?
}

/// What a request is about, as it stands at the decision.
enum Shown {
    Document(Subject),
    Rules(Box<Tested>),
}

impl Shown {
    async fn lock(tx: &mut Tx, scope: &Scope, open: &Open) -> store::Result<Option<Self>> {
        Ok(match open.about {
            About::Document(id) => exceptions::lock_document(tx, scope, id).await?.map(Self::Document),
            About::Rules(id) => Tested::find(tx, scope, id).await?.map(|version| Self::Rules(Box::new(version))),
        })
    }

    fn hash(&self, ask: &Ask) -> [u8; 32] {
        match self {
            Self::Document(subject) => shown_hash(subject, ask),
            Self::Rules(version) => version.shown_hash(ask),
        }
    }

    fn void(&self) -> &'static str {
        match self {
            Self::Document(_) => "The document changed since it was shown; the request is void.",
            Self::Rules(_) => "Other rules are in force, or it was back-tested again, since it was shown; the request is void.",
        }
    }
}

/// What a second person agreed to about a document.
async fn carry_out(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    scope: &Scope,
    open: &Open,
    subject: &Subject,
    made: Option<&correct::Made>,
) -> store::Result<Result<(), WorkError>> {
    let cause = cause(caller, format!("{} (prepared by {})", open.ask.reason, open.requested_by), cx.clock.now());
    match open.ask.act {
        ApprovalAct::Resolve => resolve::close(tx, subject.document_id, &cause).await.map(Ok),
        ApprovalAct::SendAgain | ApprovalAct::TakeNumber => unknown::carry_out(tx, subject.document_id, &open.ask, &cause).await,
        ApprovalAct::Reverse | ApprovalAct::Credit | ApprovalAct::Repost => correct::carry_out(cx, tx, caller, subject, made).await,
        ApprovalAct::WriteOff => cash::carry_out(cx, tx, caller, scope, open).await,
        ApprovalAct::Refund => cash::carry_out_refund(cx, tx, caller, scope, open).await,
        ApprovalAct::Transfer => cash::carry_out_transfer(cx, tx, caller, scope, open).await,
        // the database ties it to a rule table
        ApprovalAct::PutRulesInForce => Ok(Err(WorkError::NotFound)),
    }
}
