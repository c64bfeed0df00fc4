//! What a lost dispute left owed is given up: a credit memo of our own, with a reason of its own, that a second person always agrees to
//! (accounting.md, Receivables: lost needs an approved write-off or credit memo).

use super::{
    apply::{Done, write_off},
    give::{Decider, Given},
};
use crate::{
    Context,
    retry::transaction,
    workbench::{
        Resolved, WorkError,
        approve::{self, Wanted},
        entry, text,
    },
};
use chrono::Datelike;
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    id::DocumentId,
    money::Money,
    receivable::{GiveUp, WriteOffReason},
};
use serde_json::json;
use store::{
    Tx,
    access::audit,
    approvals::Open,
    receivables::{self, Item, WriteOff},
};
use uuid::Uuid;

const REASON: WriteOffReason = WriteOffReason::DisputeLost;

/// Asks that what a lost dispute left owed of an invoice be written off.
pub async fn give_up(cx: &Context, caller: &Caller, scope: &Scope, invoice: DocumentId, reason: &str) -> Result<Resolved, WorkError> {
    let reason = text("reason", reason)?;
    transaction!(&cx.pool, |tx| {
        let owed = match Owed::lock(tx, scope, invoice).await? {
            Ok(owed) => owed,
            Err(error) => return Ok(Err(error)),
        };
        let plan = format!("{} of {} written off: dispute {} is lost", owed.money, owed.item.number, owed.dispute);
        let content = GiveUp { invoice, amount: owed.money.amount() };
        let wanted = Wanted { item: invoice, act: ApprovalAct::WriteOff, plan, content: &content, reason: &reason };
        approve::request_wanted(cx, tx, caller, scope, wanted).await
    })?
}

/// What a second person agreed to; void where something else settled a part meanwhile.
pub(super) async fn carry_out(cx: &Context, tx: &mut Tx, caller: &Caller, scope: &Scope, open: &Open, wanted: &GiveUp) -> Done<()> {
    let Owed { item, money, dispute } = match Owed::lock(tx, scope, wanted.invoice).await? {
        Ok(owed) => owed,
        Err(error) => return Ok(Err(error)),
    };
    if money.amount() != wanted.amount {
        return Ok(Err(WorkError::Conflict(format!("Of {} {money} are open by now.", item.number))));
    }
    let decider = Decider::of(cx, tx, item.entity_id, caller.actor()).await?;
    let decided_by = format!("{}, approved by {}", open.requested_by, caller.email);
    let id = DocumentId(Uuid::now_v7());
    let number = receivables::take_numbers(tx, item.entity_id, "WO", decider.today.year(), 1).await?.remove(0);
    let amount = money.amount().normalize();
    let given = Given {
        credit_id: id,
        credit_number: number.clone(),
        customer: (item.customer_code.clone(), item.customer_name.clone()),
        currency: money.currency(),
        debits: vec![(item.document_id, item.number.clone(), amount)],
        reverses: None,
        decided_by: Some(decided_by.clone()),
        reason: open.ask.reason.clone(),
        score: None,
        rules: None,
    };
    let memo = write_off(&item, money.currency(), REASON, amount, number, decider.today);
    decider.give(tx, vec![(id, memo)], &[given]).await?;
    let new = WriteOff { document_id: id, debit_id: item.document_id, reason: REASON, payment_id: None };
    receivables::record_write_offs(tx, &[new], &decided_by, &open.ask.reason).await?;
    receivables::give_up_dispute(tx, item.document_id).await?;
    let told = json!({ "plan": open.ask.plan, "dispute": dispute, "prepared_by": open.requested_by });
    audit::append(tx, &entry(cx, caller, "cash.give_up", &format!("document:{}", item.document_id), Some(item.entity_id), told)).await?;
    Ok(Ok(()))
}

/// An invoice that a lost dispute left owed, locked.
struct Owed {
    item: Item,
    /// What is open of it.
    money: Money,
    /// By the gateway's id.
    dispute: String,
}

impl Owed {
    async fn lock(tx: &mut Tx, scope: &Scope, invoice: DocumentId) -> Done<Self> {
        let Some(item) = receivables::lock_items(tx, scope, &[invoice]).await?.pop() else { return Ok(Err(WorkError::NotFound)) };
        let Some(dispute) = receivables::lost_dispute(tx, invoice).await? else {
            return Ok(Err(WorkError::Conflict(format!("No lost dispute left {} owed.", item.number))));
        };
        let money = item.currency.parse().ok().and_then(|currency| Money::new(item.open, currency).ok());
        Ok(money.map(|money| Self { item, money, dispute }).ok_or(WorkError::NotFound))
    }
}
