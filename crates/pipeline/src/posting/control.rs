//! Batch control: nothing of a batch is sent before its totals, as mapped for the ERP, tie to its manifest.

use crate::{Context, retry::transaction, workbench::WorkError};
use domain::{
    access::{Actor, Caller, Scope},
    control::ControlTotal,
    id::{BatchId, EntityId},
};
use serde_json::Value;
use store::{Result, Tx, access::audit, controls};

/// Compares batches of which nothing is left to map, and releases or stops them. Returns how many were compared.
pub async fn compare_waiting(cx: &Context) -> Result<usize> {
    let mut compared = 0;
    while transaction!(&cx.pool, |tx| compare_next(cx, tx).await)? {
        compared += 1;
    }
    Ok(compared)
}

async fn compare_next(cx: &Context, tx: &mut Tx) -> Result<bool> {
    let Some((batch, entity)) = controls::claim(tx).await? else { return Ok(false) };
    let now = cx.clock.now();
    let totals = controls::compare(tx, batch, now).await?;
    if totals.iter().all(ControlTotal::ties) {
        controls::release(tx, batch, now).await?;
        return Ok(true);
    }
    tracing::error!(batch.id = %batch, "stopped before the first send: its control totals differ");
    let found = serde_json::to_value(&totals).ok();
    let system = Actor::System("batch-control".into());
    record(cx, tx, system, "batch.stop", batch, entity, found).await?;
    Ok(true)
}

/// A stopped batch is compared again with the next round: somebody has looked into the rows that differ.
pub async fn compare_again(cx: &Context, caller: &Caller, scope: &Scope, batch: BatchId) -> std::result::Result<(), WorkError> {
    transaction!(&cx.pool, |tx| {
        let Some(entity) = controls::again(tx, scope, batch).await? else { return Ok(Err(WorkError::NotFound)) };
        record(cx, tx, caller.actor(), "batch.compare_again", batch, entity, None).await?;
        Ok(Ok(()))
    })?
}

async fn record(
    cx: &Context,
    tx: &mut Tx,
    actor: Actor,
    action: &'static str,
    batch: BatchId,
    entity: EntityId,
    after: Option<Value>,
) -> Result<()> {
    let (at, subject) = (cx.clock.now(), format!("batch:{batch}"));
    audit::append(tx, &audit::AuditEntry { at, actor, action, subject, entity_id: Some(entity), before: None, after }).await?;
    Ok(())
}
