//! What people say about money itself: whose it is, and whether it is kept.

use super::{
    enter::{self, Entry},
    give::{Decider, SOURCE},
    money,
    take_back::{self, Back},
};
use crate::{
    Context,
    retry::transaction,
    workbench::{WorkError, entry, text},
};
use domain::{
    access::{Caller, Scope},
    document::DocumentContent,
    id::{CorrelationId, DocumentId},
    stage::Stage,
};
use serde_json::json;
use store::{
    Result as Stored, Tx,
    access::audit,
    documents,
    movements::{Cause, transition},
    receivables::{self, BookCustomer, Item, Moved, Receipt},
};
use uuid::Uuid;

/// Says whose a payment is. It comes in again as a new version under that customer; its id is the answer. What went back of it is his as
/// well, and takes it back.
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
        if let Some(error) = refusal(tx, &item, &receipt, &customer).await? {
            return Ok(Err(error));
        }
        let decider = Decider::of(cx, tx, item.entity_id, caller.actor()).await?;
        let named = Named { decider: &decider, customer: &customer, reason: &reason };
        let (id, _) = named.succeed(tx, &item, &receipt, receipt.takes_back).await?;
        named.take_back_what_went(tx, scope, paid, id).await?;
        let told = json!({ "customer": customer.code, "reason": reason });
        audit::append(tx, &entry(cx, caller, "cash.identify", &format!("document:{id}"), Some(item.entity_id), told)).await?;
        Ok(Ok(id))
    })?
}

/// Why money can't be said to be a customer's.
async fn refusal(tx: &mut Tx, item: &Item, receipt: &Receipt, customer: &BookCustomer) -> Stored<Option<WorkError>> {
    if item.customer_code == customer.code {
        return Ok(Some(WorkError::Conflict(format!("It is {}'s already.", customer.code))));
    }
    if !may_succeed(item, receipt) {
        let why = format!("{} is {} and in part applied or in the ERP under {}.", item.number, item.stage.label(), item.customer_code);
        return Ok(Some(WorkError::Conflict(why)));
    }
    let Some(payment) = receipt.takes_back else { return Ok(None) };
    let payment = receivables::find(tx, payment).await?.filter(|payment| payment.customer_code.is_empty());
    Ok(payment.map(|payment| WorkError::Conflict(format!("Say who paid {}: {} is his then.", payment.number, item.number))))
}

/// Nothing of it is applied, and no ERP holds it.
fn may_succeed(item: &Item, receipt: &Receipt) -> bool {
    item.stage.check_move(Stage::Superseded).is_ok() && item.open == receipt.amount
}

/// The customer that a person named.
struct Named<'a> {
    decider: &'a Decider,
    customer: &'a BookCustomer,
    reason: &'a str,
}

impl Named<'_> {
    /// Enters money again as the customer's.
    async fn succeed(
        &self,
        tx: &mut Tx,
        item: &Item,
        receipt: &Receipt,
        takes_back: Option<DocumentId>,
    ) -> Stored<(DocumentId, DocumentContent)> {
        let Self { decider, customer, reason } = self;
        let version = documents::version(tx, item.document_id).await? + 1;
        let id = DocumentId(Uuid::now_v7());
        let whose = (customer.code.clone(), customer.name.clone());
        let content = money::document(item.kind, receipt, item.number.clone(), version, whose);
        documents::name_successors(tx, &[(item.document_id, id)]).await?;
        let cause = Cause {
            actor: decider.actor.clone(),
            reason: format!("paid by {}: {reason}", customer.code),
            correlation_id: CorrelationId(Uuid::now_v7()),
            at: decider.at,
        };
        transition(tx, &[item.document_id], Stage::Superseded, &cause).await?;
        let batch = Entry {
            entity: item.entity_id,
            source: SOURCE,
            number: &format!("{} {} v{version}", decider.entity_code, item.number),
            period: content.period,
            actor: &decider.actor,
            reason: cause.reason.clone(),
            at: decider.at,
            manifest: None,
        };
        enter::enter(tx, batch, &[(id, content.clone())]).await?;
        receivables::link(tx, &[Moved { document_id: id, origin: receipt.origin.clone(), takes_back }]).await?;
        Ok((id, content))
    }

    /// What went back of a payment whose payer was not known waited for him: it is his now, and takes the payment's new version back.
    async fn take_back_what_went(&self, tx: &mut Tx, scope: &Scope, before: DocumentId, payment: DocumentId) -> Stored<()> {
        let went = receivables::went_back(tx, before).await?;
        for item in receivables::lock_items(tx, scope, &went).await? {
            let Some(receipt) = receivables::money(tx, item.document_id).await? else { continue };
            if may_succeed(&item, &receipt) {
                let (id, content) = self.succeed(tx, &item, &receipt, Some(payment)).await?;
                take_back::take_back(tx, self.decider, &Back { id, content: &content, payment }).await?;
            }
        }
        Ok(())
    }
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
