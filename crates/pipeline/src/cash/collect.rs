//! Collection: a worker writes what customers owe past its due date as triggers. Nothing is sent to anybody.

use crate::{Context, retry::transaction, workbench::WorkError};
use domain::{access::Actor, dunning::Steps, id::EntityId};
use serde_json::json;
use store::{
    access::audit::{self, AuditEntry},
    entities,
    receivables::{Raised, raise, set_steps},
};

/// Raises and ends the triggers of an entity, as of now.
pub async fn collect(cx: &Context, entity: EntityId) -> store::Result<Raised> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        store::receivables::lock_entity(tx, entity).await?;
        raise(tx, entity, now).await
    })
}

/// Says from how many days past due the steps of an entity count; the next run of the worker goes by it. Errors with the rule that the
/// days break.
pub async fn set_dunning(cx: &Context, actor: &Actor, code: &str, days: [i32; 3]) -> Result<Steps, WorkError> {
    let steps = Steps::new(days).map_err(|why| WorkError::invalid("days", why))?;
    let known = entities::list(&mut *cx.pool.acquire().await.map_err(store::Error::from)?).await?;
    let entity = known.iter().find(|entity| entity.code == code).ok_or(WorkError::NotFound)?.entity_id;
    transaction!(&cx.pool, |tx| {
        set_steps(tx, entity, steps).await?;
        let entry = AuditEntry {
            at: cx.clock.now(),
            actor: actor.clone(),
            action: "entity.dunning",
            subject: format!("entity:{entity}"),
            entity_id: Some(entity),
            before: None,
            after: Some(json!({ "days": steps.days() })),
        };
        audit::append(tx, &entry).await?;
        Ok(())
    })?;
    Ok(steps)
}
