//! Mapping on the arrow `finalized → queued`: every reference is found, or the document stops with each missing one
//! named before anything is sent. A credit memo waits for its invoice, an application for everything that it brings together.

use super::{BATCH, new_correlation};
use crate::{Context, erps::Erps, retry::transaction};
use chrono::{DateTime, NaiveDate, Utc};
use connectors::Erp;
use domain::{
    access::Actor,
    document::DocumentContent,
    exception::Cause as Trouble,
    id::{DocumentId, EntityId, ExceptionId},
    lane::Lane,
    mapping::{MissingMapping, map},
    period::{AccountingPeriod, PeriodState},
    posting::{MappedAllocation, MappedDocument, MappedItem, MappedSettlement, PostingKey},
    seal,
    stage::Stage,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use store::{
    Conn, Result,
    connections::AttachedEntity,
    contents::{self, Stored},
    entities,
    exceptions::{self, NewException},
    mappings,
    movements::{Cause, MAPPING, Move, transition, transition_all},
    postings::{self, NewPosting},
};
use uuid::Uuid;

/// Maps what is finalized in an entity, one batch. Returns how many documents moved.
pub async fn map_finalized(cx: &Context, erps: &Erps, entity: &AttachedEntity) -> Result<usize> {
    let Some(erp) = erps.get(entity.connection_id) else { return Ok(0) };
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    transaction!(&cx.pool, |tx| {
        let cause = cause(cx, "");
        let released = postings::released(tx, entity.entity_id, limit).await?;
        transition(tx, &released, Stage::Finalized, &Cause { reason: "what it waited for is in the ERP".into(), ..cause.clone() }).await?;
        let ids = postings::claim_stage(tx, entity.entity_id, Stage::Finalized, limit).await?;
        let waiting = hold_followers(tx, &ids, &cause).await?;
        let ready: Vec<DocumentId> = ids.iter().copied().filter(|id| !waiting.contains(id)).collect();
        queue(tx, entity, erp.as_ref(), &ready, &cause).await?;
        Ok(released.len() + ids.len())
    })
}

fn cause(cx: &Context, reason: &str) -> Cause {
    Cause { actor: Actor::System(MAPPING.into()), reason: reason.into(), correlation_id: new_correlation(), at: cx.clock.now() }
}

/// What has to come after something that is not in the ERP yet is held, each with the number it waits for.
async fn hold_followers(tx: &mut Conn, ids: &[DocumentId], cause: &Cause) -> Result<HashSet<DocumentId>> {
    let mut by_number: BTreeMap<String, Vec<DocumentId>> = BTreeMap::new();
    for (id, number) in postings::waits(tx, ids).await? {
        by_number.entry(number).or_default().push(id);
    }
    let causes: Vec<Cause> = by_number.keys().map(|number| Cause { reason: format!("waits for {number}"), ..cause.clone() }).collect();
    let moves: Vec<Move> = by_number.values().zip(&causes).map(|(documents, cause)| Move { documents, to: Stage::Held, cause }).collect();
    transition_all(tx, &moves).await?;
    Ok(by_number.into_values().flatten().collect())
}

/// What mapping a set of documents came to.
#[derive(Debug, Default)]
pub struct Mapped {
    pub queued: Vec<DocumentId>,
    pub missing: Vec<(DocumentId, Vec<MissingMapping>)>,
}

/// Maps documents and moves them: to `queued`, or from `finalized` to `exception`. From `exception` a document that
/// still misses something stays, with the new cause.
pub(crate) async fn queue(tx: &mut Conn, entity: &AttachedEntity, erp: &dyn Erp, ids: &[DocumentId], cause: &Cause) -> Result<Mapped> {
    if ids.is_empty() {
        return Ok(Mapped::default());
    }
    let documents = contents::load(tx, ids).await?;
    let lookup = mappings::lookup(tx, entity.connection_id, &codes(documents.iter().map(|stored| &stored.content))).await?;
    let lanes = Lanes::at(tx, entity.entity_id, cause.at).await?;
    let mut settlements = settlements(tx, &documents).await?;
    let mut done = Mapped::default();
    let mut sendable = Vec::with_capacity(documents.len());
    for stored in &documents {
        match map(&stored.content, &entity.mapping, |kind, code| lookup.get(kind, code)) {
            Ok(mapped) => {
                let mapped = MappedDocument { settlement: settlements.remove(&stored.document_id), ..mapped };
                done.queued.push(stored.document_id);
                sendable.push(new_posting(stored, entity, erp, &mapped, &lanes)?);
            }
            Err(missing) => done.missing.push((stored.document_id, missing)),
        }
    }
    postings::enqueue(tx, &sendable, cause.at).await?;
    transition(tx, &done.queued, Stage::Queued, &Cause { reason: with("mapped", &cause.reason), ..cause.clone() }).await?;
    stop_missing(tx, entity, done, cause).await
}

/// What the applications among documents settle.
async fn settlements(tx: &mut Conn, documents: &[Stored]) -> Result<HashMap<DocumentId, MappedSettlement>> {
    let ids: Vec<DocumentId> =
        documents.iter().filter(|stored| stored.content.kind.is_application()).map(|stored| stored.document_id).collect();
    let mut settlements = HashMap::new();
    if ids.is_empty() {
        return Ok(settlements);
    }
    for part in postings::settlements(tx, &ids).await? {
        let item = |kind, key, number, erp_id| MappedItem { kind, posting_key: PostingKey(key), number, erp_id };
        let settlement = settlements.entry(part.document_id).or_insert_with(|| MappedSettlement {
            credit: item(part.credit_kind, part.credit_key, part.credit_number, part.credit_erp_id),
            debits: Vec::new(),
        });
        settlement.debits.push(MappedAllocation {
            item: item(part.debit_kind, part.debit_key, part.debit_number, part.debit_erp_id),
            amount: part.amount.normalize(),
            settled: part.settled.normalize(),
        });
    }
    Ok(settlements)
}

async fn stop_missing(tx: &mut Conn, entity: &AttachedEntity, done: Mapped, cause: &Cause) -> Result<Mapped> {
    let new: Vec<NewException> = done
        .missing
        .iter()
        .map(|(document_id, missing)| NewException {
            exception_id: ExceptionId(Uuid::now_v7()),
            document_id: *document_id,
            system: Some(entity.system),
            cause: Trouble::of_missing(missing),
            besides: missing.iter().skip(1).cloned().collect(),
        })
        .collect();
    if new.is_empty() {
        return Ok(done);
    }
    let ids: Vec<DocumentId> = new.iter().map(|n| n.document_id).collect();
    let finalized = postings::in_stage(tx, &ids, Stage::Finalized).await?;
    transition(tx, &finalized, Stage::Exception, &Cause { reason: "a mapping is missing".into(), ..cause.clone() }).await?;
    exceptions::open(tx, &new, cause.at).await?;
    postings::publish(tx, "ExceptionOpened", &finalized, cause.at).await?;
    Ok(done)
}

fn with(what: &str, why: &str) -> String {
    if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") }
}

pub(crate) fn codes<'a>(contents: impl IntoIterator<Item = &'a DocumentContent>) -> Vec<String> {
    let mut codes: Vec<String> = contents
        .into_iter()
        .flat_map(|content| {
            let lines = content.lines.iter().flat_map(|line| [line.item_code.clone(), line.tax_code.clone()]);
            std::iter::once(content.customer_code.clone()).chain(lines)
        })
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What decides an entity's lanes.
struct Lanes {
    periods: HashMap<AccountingPeriod, PeriodState>,
    today: NaiveDate,
}

impl Lanes {
    async fn at(tx: &mut Conn, entity: EntityId, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self { periods: entities::periods(tx, entity).await?, today: now.date_naive() })
    }

    fn of(&self, stored: &Stored) -> Lane {
        let state = self.periods.get(&stored.content.period).copied().unwrap_or(PeriodState::Open);
        Lane::of(stored.content.period, state, stored.content.issue_date, self.today)
    }
}

fn new_posting(stored: &Stored, entity: &AttachedEntity, erp: &dyn Erp, mapped: &MappedDocument, lanes: &Lanes) -> Result<NewPosting> {
    let corrupt = |error: serde_json::Error| store::Error::Corrupt {
        table: "posting",
        column: "mapped",
        id: stored.document_id.to_string(),
        why: error.to_string(),
    };
    let payload = erp.payload(mapped);
    Ok(NewPosting {
        document_id: stored.document_id,
        entity_id: stored.entity_id,
        connection_id: entity.connection_id,
        posting_key: mapped.posting_key.0.clone(),
        payload_hash: payload_hash(&payload),
        mapped: serde_json::to_value(mapped).map_err(corrupt)?,
        payload,
        lane: lanes.of(stored),
    })
}

/// Hash of the wire body. Keys of a JSON object are sorted here, so the database may reorder them.
pub fn payload_hash(payload: &serde_json::Value) -> [u8; 32] {
    seal::Canonical::new("payload").text(&payload.to_string()).finish()
}

/// Maps one document and keeps its posting without making it sendable: somebody entered it in the ERP by hand.
pub(crate) async fn prepare(
    tx: &mut Conn,
    entity: &AttachedEntity,
    erp: &dyn Erp,
    id: DocumentId,
    at: DateTime<Utc>,
) -> Result<std::result::Result<(), Vec<MissingMapping>>> {
    let documents = contents::load(tx, &[id]).await?;
    let lookup = mappings::lookup(tx, entity.connection_id, &codes(documents.iter().map(|stored| &stored.content))).await?;
    let lanes = Lanes::at(tx, entity.entity_id, at).await?;
    for stored in &documents {
        match map(&stored.content, &entity.mapping, |kind, code| lookup.get(kind, code)) {
            Ok(mapped) => postings::enqueue(tx, &[new_posting(stored, entity, erp, &mapped, &lanes)?], at).await?,
            Err(missing) => return Ok(Err(missing)),
        }
    }
    Ok(Ok(()))
}
