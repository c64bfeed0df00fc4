//! Replay: the same posting key, mapped anew. Pressing twice is harmless: the second finds nothing in exception.

use super::{WorkError, entry};
use crate::{Context, erps::Erps, posting::map, retry::transaction};
use domain::{
    access::{Caller, Scope},
    id::{CorrelationId, DocumentId, EntityId},
    view::ReplayReport,
};
use std::collections::BTreeMap;
use store::{
    Tx,
    access::audit,
    connections::{self, AttachedEntity},
    exceptions,
    movements::Cause,
};
use uuid::Uuid;

/// Documents replayed in one transaction; a larger set is given in parts.
pub const REPLAY_MAX: usize = 5_000;

/// Replays those of `documents` that are in exception in the caller's entities.
pub async fn replay(
    cx: &Context,
    erps: &Erps,
    caller: &Caller,
    scope: &Scope,
    documents: &[DocumentId],
) -> Result<ReplayReport, WorkError> {
    if documents.len() > REPLAY_MAX {
        return Err(WorkError::invalid("documents", format!("At most {REPLAY_MAX} at once.")));
    }
    let cause =
        Cause { actor: caller.actor(), reason: "replayed".into(), correlation_id: CorrelationId(Uuid::now_v7()), at: cx.clock.now() };
    Ok(transaction!(&cx.pool, |tx| {
        let mut report = ReplayReport::default();
        let eligible = exceptions::lock_replayable(tx, scope, documents).await?;
        report.ineligible = count(documents.len() - eligible.len());
        let entities = connections::attached_entities(tx).await?;
        for (entity_id, ids) in by_entity(&eligible) {
            let Some((entity, erp)) =
                entities.iter().find(|e| e.entity_id == entity_id).and_then(|e| Some((e, erps.get(e.connection_id)?)))
            else {
                report.ineligible += count(ids.len());
                continue;
            };
            replay_entity(tx, entity, erp.as_ref(), &ids, &cause, &mut report).await?;
        }
        if report.queued > 0 {
            let after = serde_json::json!({ "queued": report.queued, "still_missing": report.still_missing, "correlation_id": cause.correlation_id });
            audit::append(tx, &entry(cx, caller, "exception.replay", &format!("{} documents", documents.len()), None, after)).await?;
        }
        Ok(report)
    })?)
}

async fn replay_entity(
    tx: &mut Tx,
    entity: &AttachedEntity,
    erp: &dyn connectors::Erp,
    ids: &[DocumentId],
    cause: &Cause,
    report: &mut ReplayReport,
) -> store::Result<()> {
    let mapped = map::queue(tx, entity, erp, ids, cause).await?;
    exceptions::close(tx, &mapped.queued, "replayed", cause.at).await?;
    store::postings::publish(tx, "ExceptionResolved", &mapped.queued, cause.at).await?;
    report.queued += count(mapped.queued.len());
    report.still_missing += count(mapped.missing.len());
    Ok(())
}

/// Replays what is open of a cause, up to [`REPLAY_MAX`].
pub async fn replay_cluster(
    cx: &Context,
    erps: &Erps,
    caller: &Caller,
    scope: &Scope,
    fingerprint: &str,
) -> Result<ReplayReport, WorkError> {
    let limit = i64::try_from(REPLAY_MAX).unwrap_or(i64::MAX);
    let mut conn = cx.pool.acquire().await.map_err(store::Error::from)?;
    let documents = exceptions::documents_of_cluster(&mut conn, scope, fingerprint, limit).await?;
    drop(conn);
    replay(cx, erps, caller, scope, &documents).await
}

fn by_entity(eligible: &[(EntityId, DocumentId)]) -> BTreeMap<EntityId, Vec<DocumentId>> {
    let mut groups: BTreeMap<EntityId, Vec<DocumentId>> = BTreeMap::new();
    for (entity, document) in eligible {
        groups.entry(*entity).or_default().push(*document);
    }
    groups
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
