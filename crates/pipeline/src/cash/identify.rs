//! What people say of money without applying it: whose it is, and that it is kept.

use super::{
    enter::{self, Entry},
    give::{Decider, SOURCE},
    money,
};
use crate::{
    Context,
    retry::transaction,
    workbench::{WorkError, entry, text},
};
use domain::{
    access::{Caller, Scope},
    id::{CorrelationId, DocumentId},
    stage::Stage,
};
use serde_json::json;
use store::{
    access::audit,
    documents,
    movements::{Cause, transition},
    receivables::{self, Moved},
};
use uuid::Uuid;

/// Says whose a payment is. It comes in again as a new version under that customer; its id is the answer.
pub async fn identify(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    paid: DocumentId,
    customer_code: &str,
    reason: &str,
) -> Result<DocumentId, WorkError> {
    let (reason, customer_code) = (text("reason", reason)?, customer_code.trim());
    transaction!(&cx.pool, |tx| {
        let Some(item) = receivables::lock_items(tx, scope, &[paid]).await?.pop() else { return Ok(Err(WorkError::NotFound)) };
        let Some(receipt) = receivables::money(tx, paid).await? else { return Ok(Err(WorkError::NotFound)) };
        let known = receivables::customers(tx, item.entity_id).await?.into_iter().find(|known| known.code == customer_code);
        let Some(customer) = known else {
            return Ok(Err(WorkError::invalid("customer", format!("{customer_code:?} has no receivables in this entity."))));
        };
        if item.customer_code == customer.code {
            return Ok(Err(WorkError::Conflict(format!("It is {}'s already.", customer.code))));
        }
        if item.stage.check_move(Stage::Superseded).is_err() || item.open != receipt.amount {
            let why = format!("{} is {} and in part applied or in the ERP under {}.", item.number, item.stage.label(), item.customer_code);
            return Ok(Err(WorkError::Conflict(why)));
        }
        let decider = Decider::of(cx, tx, item.entity_id, caller.actor()).await?;
        let version = documents::version(tx, paid).await?;
        let id = DocumentId(Uuid::now_v7());
        let content = money::document(item.kind, &receipt, item.number.clone(), version + 1, (customer.code.clone(), customer.name));
        documents::name_successors(tx, &[(paid, id)]).await?;
        let cause = Cause {
            actor: decider.actor.clone(),
            reason: format!("paid by {}: {reason}", customer.code),
            correlation_id: CorrelationId(Uuid::now_v7()),
            at: decider.at,
        };
        transition(tx, &[paid], Stage::Superseded, &cause).await?;
        let batch = Entry {
            entity: item.entity_id,
            source: SOURCE,
            number: &format!("{} {} v{}", decider.entity_code, item.number, version + 1),
            period: content.period,
            actor: &decider.actor,
            reason: cause.reason.clone(),
            at: decider.at,
            manifest: None,
        };
        enter::enter(tx, batch, &[(id, content)]).await?;
        receivables::link(tx, &[Moved { document_id: id, origin: receipt.origin, takes_back: receipt.takes_back }]).await?;
        let told = json!({ "customer": customer.code, "reason": reason });
        audit::append(tx, &entry(cx, caller, "cash.identify", &format!("document:{id}"), Some(item.entity_id), told)).await?;
        Ok(Ok(id))
    })?
}

/// Keeps an item, or not any more: a payment on account, an invoice as disputed.
pub async fn keep(cx: &Context, caller: &Caller, scope: &Scope, item: DocumentId, on: bool, reason: &str) -> Result<(), WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        let Some(found) = receivables::lock_items(tx, scope, &[item]).await?.pop() else { return Ok(Err(WorkError::NotFound)) };
        if !receivables::keep(tx, scope, item, on).await? {
            return Ok(Err(WorkError::Conflict(format!("{} stands so already, or nothing of it is open.", found.number))));
        }
        let told = json!({ "kept": on, "reason": reason });
        audit::append(tx, &entry(cx, caller, "cash.keep", &format!("document:{item}"), Some(found.entity_id), told)).await?;
        Ok(Ok(()))
    })?
}
