//! Replay by frozen set: the same posting keys, mapped anew. A list or a filter becomes ids once; within the preparer's limit
//! it runs at once, above it a second person approves just these items; workers take them in turn and write what became of
//! each. Pressing twice is harmless: what the first set moved on, the second finds changed.

use super::{WorkError, entry};
use crate::{
    Context,
    erps::Erps,
    posting::{BATCH, map},
    retry::transaction,
};
use chrono::{DateTime, TimeDelta, Utc};
use connectors::Erp;
use domain::{
    access::{Actor, Caller, Scope},
    id::{CorrelationId, DocumentId, EntityId, JobId, ReplaySetId},
    job::JobKind,
    notice::NoticeKind,
    replay::{FieldChange, ReplayResult, ReplayState, field_changes},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use store::{
    Tx,
    access::audit,
    connections::{self, AttachedEntity},
    contents, exceptions,
    jobs::{self, NewJob},
    limits::{self, Act},
    mappings,
    movements::Cause,
    postings,
    replays::{self, Done, Locked, NewSet, Source, Turn},
};
use uuid::Uuid;

/// Freezes what is in exception now, and starts it when its money is within the preparer's limit.
pub async fn prepare(cx: &Context, caller: &Caller, scope: &Scope, source: Source<'_>, title: &str) -> Result<ReplaySetId, WorkError> {
    let (set_id, now) = (ReplaySetId(Uuid::now_v7()), cx.clock.now());
    let title: String = title.chars().take(500).collect();
    let new = NewSet { set_id, title: &title, prepared_by: &caller.email, prepared_at: now };
    transaction!(&cx.pool, |tx| {
        let reaches = replays::freeze(tx, scope, source, &new).await?;
        if reaches.is_empty() {
            return Ok(Err(WorkError::Conflict("None of it is in exception, or all of it is in a replay already.".into())));
        }
        let about = format!("replay:{set_id}");
        let within_limit = limits::use_up(tx, Act { person: &caller.email, act: "replay", subject: &about, at: now }, &reaches).await?;
        if within_limit {
            replays::set_within_limit(tx, set_id).await?;
            go_on(tx, set_id, &caller.email, now).await?;
        }
        let after = serde_json::json!({ "title": title, "within_limit": within_limit });
        audit::append(tx, &entry(cx, caller, "replay.prepare", &about, None, after)).await?;
        Ok(Ok(set_id))
    })?
}

async fn go_on(tx: &mut Tx, id: ReplaySetId, by: &str, now: DateTime<Utc>) -> store::Result<()> {
    let new = NewJob { job_id: JobId(Uuid::now_v7()), kind: JobKind::Replay, subject: &id.to_string(), run_at: now, created_by: by };
    jobs::enqueue(tx, &new, now).await?;
    Ok(())
}

/// A second person lets a set run or refuses it. What changed since it was frozen voids it; whoever proposed a mapping that the
/// set waited for does not approve it.
pub async fn decide(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    id: ReplaySetId,
    approve: bool,
    comment: Option<&str>,
) -> Result<(), WorkError> {
    let now = cx.clock.now();
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    transaction!(&cx.pool, |tx| {
        let Some(set) = replays::lock(tx, scope, id).await? else { return Ok(Err(WorkError::NotFound)) };
        if let Err(error) = decidable(tx, caller, &set, id, approve).await? {
            return Ok(Err(error));
        }
        let unchanged = replays::is_unchanged(tx, id).await?;
        let to = match (unchanged, approve) {
            (false, _) => ReplayState::Void,
            (true, true) => ReplayState::Running,
            (true, false) => ReplayState::Refused,
        };
        replays::decide(tx, id, to, &caller.email, comment, now).await?;
        if to == ReplayState::Running {
            go_on(tx, id, &caller.email, now).await?;
        }
        let after = serde_json::json!({ "decision": to, "comment": comment, "prepared_by": set.prepared_by });
        audit::append(tx, &entry(cx, caller, "replay.decide", &format!("replay:{id}"), None, after)).await?;
        Ok(if unchanged {
            Ok(())
        } else {
            Err(WorkError::Conflict("Something in it changed since it was frozen; the set is void.".into()))
        })
    })?
}

async fn decidable(tx: &mut Tx, caller: &Caller, set: &Locked, id: ReplaySetId, approve: bool) -> store::Result<Result<(), WorkError>> {
    if set.state != ReplayState::Waiting {
        return Ok(Err(WorkError::Conflict(format!("Replay {} is {}.", set.number, set.state.label()))));
    }
    if set.prepared_by == caller.email {
        return Ok(Err(WorkError::Conflict("Nobody approves what he prepared.".into())));
    }
    if approve && replays::mapping_authors(tx, id).await?.contains(&caller.email) {
        return Ok(Err(WorkError::Conflict("You proposed a mapping that this replay waited for; somebody else approves it.".into())));
    }
    Ok(Ok(()))
}

/// What a person does with a set that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    Pause,
    Resume,
    /// Items whose turn has not come stay in exception.
    Cancel,
    /// So many a minute; `None`: as fast as the ERP takes them.
    Rate(Option<i32>),
}

impl Control {
    /// The state that follows, when the one it is in allows it.
    fn follows(self, state: ReplayState) -> Option<ReplayState> {
        match (self, state) {
            (Self::Pause, ReplayState::Running) => Some(ReplayState::Paused),
            (Self::Resume, ReplayState::Paused) => Some(ReplayState::Running),
            (Self::Cancel, state) if !state.is_finished() => Some(ReplayState::Cancelled),
            (Self::Rate(_), state) if !state.is_finished() => Some(state),
            _ => None,
        }
    }
}

pub async fn control(cx: &Context, caller: &Caller, scope: &Scope, id: ReplaySetId, act: Control) -> Result<(), WorkError> {
    let now = cx.clock.now();
    if let Control::Rate(Some(rate)) = act
        && rate <= 0
    {
        return Err(WorkError::invalid("per_minute", "A rate is more than 0 a minute; leave it empty for no limit."));
    }
    transaction!(&cx.pool, |tx| {
        let Some(set) = replays::lock(tx, scope, id).await? else { return Ok(Err(WorkError::NotFound)) };
        let Some(to) = act.follows(set.state) else {
            return Ok(Err(WorkError::Conflict(format!("Replay {} is {}.", set.number, set.state.label()))));
        };
        match act {
            Control::Rate(rate) => replays::set_rate(tx, id, rate).await?,
            Control::Pause | Control::Resume | Control::Cancel => replays::set_state(tx, id, to, now).await?,
        }
        if to == ReplayState::Running {
            go_on(tx, id, &caller.email, now).await?;
        }
        let after = serde_json::json!({ "act": format!("{act:?}"), "state": to });
        audit::append(tx, &entry(cx, caller, "replay.control", &format!("replay:{id}"), None, after)).await?;
        Ok(Ok(()))
    })?
}

/// Runs a set to its end, or until somebody stops it, without its pauses: the demo's past and tests. Returns how many items had
/// their turn.
pub async fn run(cx: &Context, erps: &Erps, id: ReplaySetId) -> store::Result<usize> {
    let mut total = 0;
    while let Some(turn) = turn(cx, erps, id).await? {
        total += turn.items;
    }
    Ok(total)
}

/// What a turn of a set did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turned {
    pub items: usize,
    /// Until its next turn.
    pub pause: TimeDelta,
}

/// The next items of a set, in one transaction. `None`: it does not run, or nothing is left.
pub async fn turn(cx: &Context, erps: &Erps, id: ReplaySetId) -> store::Result<Option<Turned>> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let everywhere = Scope::of_system(store::entities::list(tx).await?.into_iter().map(|entity| entity.entity_id).collect());
        let Some(set) = replays::lock(tx, &everywhere, id).await? else { return Ok(None) };
        if set.state != ReplayState::Running {
            return Ok(None);
        }
        // about ten seconds' worth, so that pausing and a new rate are felt soon
        let limit = set.per_minute.map_or(BATCH, |rate| usize::try_from(rate / 6).unwrap_or(BATCH).clamp(1, BATCH));
        let turns = replays::next(tx, id, i64::try_from(limit).unwrap_or(i64::MAX)).await?;
        if turns.is_empty() {
            replays::set_state(tx, id, ReplayState::Done, now).await?;
            return Ok(None);
        }
        let done = take(tx, erps, &set, &turns, now).await?;
        replays::finish_items(tx, id, &done, now).await?;
        Ok(Some(Turned { items: turns.len(), pause: pause(turns.len(), set.per_minute) }))
    })
}

fn pause(items: usize, per_minute: Option<i32>) -> TimeDelta {
    let milliseconds = |rate: i32| i64::try_from(items).unwrap_or(i64::MAX).saturating_mul(60_000) / i64::from(rate.max(1));
    per_minute.map_or(TimeDelta::zero(), |rate| TimeDelta::milliseconds(milliseconds(rate)))
}

async fn take(tx: &mut Tx, erps: &Erps, set: &Locked, turns: &[Turn], now: DateTime<Utc>) -> store::Result<Vec<Done>> {
    let cause = Cause {
        actor: Actor::User(set.prepared_by.clone()),
        reason: format!("replay {}", set.number),
        correlation_id: CorrelationId(Uuid::now_v7()),
        at: now,
    };
    let mut done = Vec::with_capacity(turns.len());
    let mut eligible: BTreeMap<EntityId, Vec<&Turn>> = BTreeMap::new();
    for turn in turns {
        let obstacle = if !turn.unchanged {
            Some(format!("went on since: {}", turn.stage.label()))
        } else {
            turn.period_closed.then(|| "its period is hard closed".to_owned())
        };
        match obstacle {
            Some(_) => done.push(Done { item: turn.item, result: ReplayResult::Ineligible, detail: obstacle }),
            None => eligible.entry(turn.entity_id).or_default().push(turn),
        }
    }
    let entities = connections::attached_entities(tx).await?;
    for (entity_id, turns) in eligible {
        let items: HashMap<DocumentId, i32> = turns.iter().map(|turn| (turn.document_id, turn.item)).collect();
        match attached(erps, &entities, entity_id) {
            Some((entity, erp)) => done.extend(take_of_entity(tx, entity, erp.as_ref(), &items, &cause).await?),
            None => done.extend(items.values().map(|item| Done {
                item: *item,
                result: ReplayResult::Ineligible,
                detail: Some("its entity has no ERP".into()),
            })),
        }
    }
    Ok(done)
}

fn attached<'a>(erps: &Erps, entities: &'a [AttachedEntity], entity: EntityId) -> Option<(&'a AttachedEntity, Arc<dyn Erp>)> {
    let entity = entities.iter().find(|attached| attached.entity_id == entity)?;
    Some((entity, erps.get(entity.connection_id)?.clone()))
}

async fn take_of_entity(
    tx: &mut Tx,
    entity: &AttachedEntity,
    erp: &dyn Erp,
    items: &HashMap<DocumentId, i32>,
    cause: &Cause,
) -> store::Result<Vec<Done>> {
    let ids: Vec<DocumentId> = items.keys().copied().collect();
    let mapped = map::queue(tx, entity, erp, &ids, cause).await?;
    exceptions::close(tx, &mapped.queued, NoticeKind::Replayed, Some(&cause.actor.to_string()), cause.at).await?;
    postings::publish(tx, "ExceptionResolved", &mapped.queued, cause.at).await?;
    let queued = mapped.queued.iter().map(|id| (id, ReplayResult::Queued, None));
    let missing = mapped.missing.iter().map(|(id, missing)| (id, ReplayResult::Missing, missing.first().map(ToString::to_string)));
    Ok(queued.chain(missing).filter_map(|(id, result, detail)| Some(Done { item: *items.get(id)?, result, detail })).collect())
}

/// What a replay would change in the wire body of an item, field by field; what it still misses instead.
pub async fn changes(
    cx: &Context,
    erps: &Erps,
    scope: &Scope,
    id: ReplaySetId,
    item: i32,
) -> Result<Result<Vec<FieldChange>, String>, WorkError> {
    let mut conn = cx.pool.acquire().await.map_err(store::Error::from)?;
    let Some((document, old)) = replays::item_payload(&mut conn, scope, id, item).await? else { return Err(WorkError::NotFound) };
    let entities = connections::attached_entities(&mut conn).await?;
    for stored in contents::load(&mut conn, &[document]).await? {
        let Some((entity, erp)) = attached(erps, &entities, stored.entity_id) else { continue };
        let lookup = mappings::lookup(&mut conn, entity.connection_id, &map::codes([&stored.content])).await?;
        return Ok(match domain::mapping::map(&stored.content, &entity.mapping, |kind, code| lookup.get(kind, code)) {
            Ok(mapped) => Ok(field_changes(&old.unwrap_or_default(), &erp.payload(&mapped))),
            Err(missing) => Err(missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        });
    }
    Ok(Err("its entity has no ERP".into()))
}
