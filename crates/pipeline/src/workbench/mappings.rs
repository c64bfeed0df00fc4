//! Mappings: proposed by one person, activated by another above the limit. What an activation releases is the money
//! that waits in exception for it.

use super::{WorkError, entry, text};
use crate::{Context, retry::transaction};
use domain::{
    access::{Caller, Scope},
    id::{ConnectionId, MappingId},
    mapping::MappingKind,
};
use store::{
    Tx,
    access::audit,
    connections,
    exceptions::{self, Wanted},
    limits::{self, Act},
    mappings::{self, NewMapping},
};
use uuid::Uuid;

/// What a proposal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposed {
    /// In force: what it releases was under the author's limit, and his to release.
    Active,
    /// Waits for a second person.
    Waits,
}

/// Proposes a mapping; puts it in force at once when the money it releases is within the author's limit and every entity of the
/// connection is his.
pub async fn propose(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    connection: ConnectionId,
    kind: MappingKind,
    source_code: &str,
    target_ref: &str,
) -> Result<Proposed, WorkError> {
    let (source_code, target_ref) = (text("source_code", source_code)?, text("target_ref", target_ref)?);
    let (id, now) = (MappingId(Uuid::now_v7()), cx.clock.now());
    let new = NewMapping {
        mapping_id: id,
        connection_id: connection,
        kind,
        source_code: &source_code,
        target_ref: &target_ref,
        proposed_by: &caller.email,
        proposed_at: now,
    };
    transaction!(&cx.pool, |tx| {
        let reach = Reach::of(tx, scope, connection).await?;
        if reach == Reach::Nothing {
            return Ok(Err(WorkError::NotFound));
        }
        match mappings::propose(tx, &new).await {
            Ok(_) => {}
            Err(error) if error.is_conflict_on("mapping_proposed") => {
                return Ok(Err(WorkError::Conflict(format!("A proposal for {source_code} waits already."))));
            }
            Err(error) => return Err(error),
        }
        let about = format!("mapping:{id}");
        let act = Act { person: &caller.email, act: "mapping", subject: &about, at: now };
        let within_limit = reach == Reach::Everything && within_limit(tx, act, connection, kind, &source_code).await?;
        if within_limit {
            mappings::decide(tx, id, true, true, &caller.email, now).await?;
        }
        let after = serde_json::json!({ "connection": connection, "kind": kind, "source_code": source_code, "target_ref": target_ref, "active": within_limit });
        audit::append(tx, &entry(cx, caller, "mapping.propose", &about, None, after)).await?;
        Ok(Ok(if within_limit { Proposed::Active } else { Proposed::Waits }))
    })?
}

/// How much of a connection is the caller's. A mapping counts for all of its entities: one of them is enough to propose, all of them
/// are needed to put it in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Nothing,
    Something,
    Everything,
}

impl Reach {
    async fn of(tx: &mut Tx, scope: &Scope, connection: ConnectionId) -> store::Result<Self> {
        let entities = connections::attached_entities(tx).await?;
        let (mine, others): (Vec<_>, Vec<_>) =
            entities.iter().filter(|e| e.connection_id == connection).partition(|e| scope.contains(e.entity_id));
        Ok(match (mine.is_empty(), others.is_empty()) {
            (true, _) => Self::Nothing,
            (false, false) => Self::Something,
            (false, true) => Self::Everything,
        })
    }
}

/// What takes the place of a mapping in force reaches everything that is issued from now on, however little waits for it.
async fn within_limit(tx: &mut Tx, act: Act<'_>, connection: ConnectionId, kind: MappingKind, code: &str) -> store::Result<bool> {
    if mappings::lookup(tx, connection, &[code.to_owned()]).await?.get(kind, code).is_some() {
        return Ok(false);
    }
    let released = exceptions::released_by(tx, &[Wanted { connection_id: connection, kind, code }]).await?;
    limits::use_up(tx, act, &released.concat()).await
}

/// A second person puts a proposal in force or refuses it.
pub async fn decide(cx: &Context, caller: &Caller, scope: &Scope, id: MappingId, approve: bool) -> Result<(), WorkError> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let Some(mapping) = mappings::find(tx, id).await? else { return Ok(Err(WorkError::NotFound)) };
        if Reach::of(tx, scope, mapping.connection_id).await? != Reach::Everything {
            return Ok(Err(WorkError::NotFound));
        }
        if mapping.proposed_by == caller.email {
            return Ok(Err(WorkError::Conflict("Nobody approves what he prepared.".into())));
        }
        if !mappings::decide(tx, id, approve, false, &caller.email, now).await? {
            return Ok(Err(WorkError::Conflict("It is decided already.".into())));
        }
        let after = serde_json::json!({ "approved": approve, "kind": mapping.kind, "source_code": mapping.source_code, "target_ref": mapping.target_ref });
        audit::append(tx, &entry(cx, caller, "mapping.decide", &format!("mapping:{id}"), None, after)).await?;
        Ok(Ok(()))
    })?
}
