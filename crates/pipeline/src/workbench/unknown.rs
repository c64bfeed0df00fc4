//! An outcome that nobody knows, decided by people because the ERP does not say: always by two, with a reason, and never while the
//! ERP may still be working on the send.

use super::{Resolved, WorkError, approve, text};
use crate::{Context, retry::transaction};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::DocumentId,
    stage::Stage,
};
use store::{
    Tx,
    approvals::Ask,
    exceptions,
    movements::{Cause, transition},
    postings::{self, Next, Undecided},
};

/// What the people say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    NotInErp,
    InErpAs(String),
}

/// Asks for a second person who says the same.
pub async fn ask(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    document: DocumentId,
    word: &Word,
    reason: &str,
) -> Result<Resolved, WorkError> {
    let reason = text("reason", reason)?;
    let (act, erp_number, plan) = match word {
        Word::NotInErp => {
            (ApprovalAct::SendAgain, None, "The ERP does not hold it; the same payload is sent again under the same key.".to_owned())
        }
        Word::InErpAs(number) => {
            let number = text("erp_number", number)?;
            let plan = format!("The ERP holds it as {number}; it is posted, and the read-back compares it.");
            (ApprovalAct::TakeNumber, Some(number), plan)
        }
    };
    transaction!(&cx.pool, |tx| {
        let Some(subject) = exceptions::lock_document(tx, scope, document).await? else { return Ok(Err(WorkError::NotFound)) };
        if let Err(error) = decidable(tx, document, act, cx.clock.now()).await? {
            return Ok(Err(error));
        }
        let ask = Ask { act, plan: plan.clone(), erp_number: erp_number.clone(), dated: None, content: None, reason: reason.clone() };
        approve::request(cx, tx, caller, &subject, ask, false).await
    })?
}

/// Whether people may decide it now.
async fn decidable(tx: &mut Tx, document: DocumentId, act: ApprovalAct, now: DateTime<Utc>) -> store::Result<Result<(), WorkError>> {
    let conflict = |text: String| Ok(Err(WorkError::Conflict(text)));
    let Some(Undecided { sent_at, processing_seconds_max, probing, period_closed }) = postings::lock_undecided(tx, document).await? else {
        return conflict("Its outcome is not unknown any more.".into());
    };
    if probing {
        return conflict("A probe is asking the ERP right now; look again in a moment.".into());
    }
    if act == ApprovalAct::SendAgain && period_closed {
        return conflict("Its period is hard closed: nothing is sent into it any more. A probe may still find it in the ERP.".into());
    }
    let done_by = sent_at + TimeDelta::seconds(processing_seconds_max.into());
    if act == ApprovalAct::SendAgain && now < done_by {
        return conflict(format!(
            "The ERP may be working on it until {} UTC; before that nobody can say it is not there.",
            done_by.format("%Y-%m-%d %H:%M")
        ));
    }
    Ok(Ok(()))
}

pub(super) async fn carry_out(tx: &mut Tx, document: DocumentId, ask: &Ask, cause: &Cause) -> store::Result<Result<(), WorkError>> {
    if let Err(error) = decidable(tx, document, ask.act, cause.at).await? {
        return Ok(Err(error));
    }
    match &ask.erp_number {
        Some(number) => {
            postings::enter_number(tx, document, number).await?;
            let reason = format!("in the ERP as {number} on two people's word: {}", cause.reason);
            transition(tx, &[document], Stage::Posted, &Cause { reason, ..cause.clone() }).await?;
        }
        None => {
            postings::set_next(tx, &[Next { work: Some("send"), due_at: Some(cause.at), ..Next::nothing(document) }]).await?;
            let reason = format!("not in the ERP on two people's word: {}", cause.reason);
            transition(tx, &[document], Stage::Queued, &Cause { reason, ..cause.clone() }).await?;
        }
    }
    Ok(Ok(()))
}
