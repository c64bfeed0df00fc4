//! Postings: what is to be sent to which ERP, who has it in hand, and every attempt.
//! Stages are moved by [`crate::movements::transition`] in the same transaction; nothing here writes one.

mod claim;
mod complete;
mod lease;

pub use claim::{Claim, Claimed, Place, claim_probes, claim_sends};
pub use complete::{Finished, Late, Next, doubtful, finish_attempts, hold, hold_undecided, set_next, stop_late, write_off};
pub use lease::{Expired, end_expired, give_back};

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{ConnectionId, DocumentId, EntityId},
    lane::Lane,
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// A mapped document that becomes sendable.
#[derive(Debug, Clone)]
pub struct NewPosting {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub connection_id: ConnectionId,
    pub posting_key: String,
    pub mapped: serde_json::Value,
    pub payload: serde_json::Value,
    pub payload_hash: [u8; 32],
    pub lane: Lane,
}

/// Makes documents sendable that are surely not in the ERP: new ones, and refused ones with what they are mapped to now. Those of
/// a batch whose control totals were not compared yet wait for that ([`crate::controls::release`]). The key stays the same for ever. A try again of the same send does not come here, its payload is frozen.
pub async fn enqueue(conn: &mut Conn, postings: &[NewPosting], due_at: DateTime<Utc>) -> Result<()> {
    let documents: Vec<uuid::Uuid> = postings.iter().map(|p| p.document_id.0).collect();
    let entities: Vec<uuid::Uuid> = postings.iter().map(|p| p.entity_id.0).collect();
    let connections: Vec<uuid::Uuid> = postings.iter().map(|p| p.connection_id.0).collect();
    let keys: Vec<&str> = postings.iter().map(|p| p.posting_key.as_str()).collect();
    let mapped: Vec<&serde_json::Value> = postings.iter().map(|p| &p.mapped).collect();
    let payloads: Vec<&serde_json::Value> = postings.iter().map(|p| &p.payload).collect();
    let hashes: Vec<&[u8]> = postings.iter().map(|p| p.payload_hash.as_slice()).collect();
    let lanes: Vec<i16> = postings.iter().map(|p| p.lane.place()).collect();
    sqlx::query!(
        // shared with other mappers, not with the comparison: what is queued beside it would wait for ever
        "with control as materialized (
            select batch_id, state from batch_control
            where batch_id in (select batch_id from document where document_id = any($1)) for share
        ), queued as (
            insert into posting as p (document_id, entity_id, connection_id, lane, work, due_at)
            select d, e, c, l, case when b.state = 'passed' then 'send' end, case when b.state = 'passed' then $8::timestamptz end
            from unnest($1::uuid[], $2::uuid[], $3::uuid[], $9::smallint[]) r (d, e, c, l)
            join document on document_id = d join control b using (batch_id)
            on conflict (document_id) do update set lane = excluded.lane, work = excluded.work, due_at = excluded.due_at, attempts = 0,
                absent_probes = 0, frozen_at = null
            where p.work is null returning p.document_id
        )
        insert into posting_payload (document_id, posting_key, mapped, payload, payload_hash)
        select d, k, m, b, h from unnest($1::uuid[], $4::text[], $5::jsonb[], $6::jsonb[], $7::bytea[]) r (d, k, m, b, h) join queued on document_id = d
        on conflict (document_id) do update set mapped = excluded.mapped, payload = excluded.payload, payload_hash = excluded.payload_hash",
        &documents,
        &entities,
        &connections,
        &keys as &[&str],
        &mapped as &[&serde_json::Value],
        &payloads as &[&serde_json::Value],
        &hashes as &[&[u8]],
        due_at,
        &lanes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Documents of an entity in a stage, locked for one worker.
pub async fn claim_stage(conn: &mut Conn, entity: EntityId, stage: domain::stage::Stage, limit: i64) -> Result<Vec<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from document where entity_id = $1 and stage = $2
        order by period, document_id limit $3 for update skip locked"#,
        entity.0,
        stage.as_str(),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those that wait for others, and the number of one they wait for: a credit memo for its invoice, which may not
/// have come yet; an application for its credit, for what it settles, and for the application of the same credit before it. One that
/// waits for something that was resolved or voided waits for a person.
pub async fn waits(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<(DocumentId, String)>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    // one look by number for each credit memo, whatever the statistics say: they are stale after a large import
    let rows = sqlx::query!(
        r#"with credit as materialized (
            select document_id, entity_id, applies_to from document where document_id = any($1) and applies_to is not null
        )
        select c.document_id as "document_id!: DocumentId", c.applies_to as "number!"
        from credit c left join lateral (
            select stage from document i where i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to
                and not i.rejected and i.superseded_by is null limit 1
        ) invoice on true
        where coalesce(invoice.stage not in ('posted', 'confirmed', 'mismatch'), true)
        union all
        select distinct on (w.document_id) w.document_id, w.number from application_waits w where w.document_id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.number)).collect())
}

/// Held documents that wait for nothing any more.
pub async fn released(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from document where document_id in (
            select c.document_id from document c
            join document i on i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to and not i.rejected
                and i.superseded_by is null
            where c.entity_id = $1 and c.stage = 'held' and c.applies_to is not null and i.stage in ('posted', 'confirmed', 'mismatch')
            union all
            select a.document_id from document a where a.entity_id = $1 and a.stage = 'held'
                and a.kind in ('cash_application', 'application_reversal')
                and not exists (select from application_waits w where w.document_id = a.document_id)
        ) and stage = 'held' order by document_id limit $2 for update skip locked"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A part of what an application settles, with what the ERP calls both sides.
#[derive(Debug, Clone)]
pub struct SettlementPart {
    pub document_id: DocumentId,
    pub credit_kind: DocumentKind,
    pub credit_number: String,
    pub credit_key: String,
    pub credit_erp_id: String,
    pub debit_kind: DocumentKind,
    pub debit_number: String,
    pub debit_key: String,
    pub debit_erp_id: String,
    pub amount: Decimal,
    /// What the credit settles of the item with this application and those before it.
    pub settled: Decimal,
}

/// What applications settle, in the order of their lines. All items are in the ERP.
pub async fn settlements(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<SettlementPart>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        SettlementPart,
        r#"select a.document_id as "document_id: DocumentId", c.kind as "credit_kind: DocumentKind", c.number as credit_number,
            cb.posting_key as credit_key, cp.erp_id as "credit_erp_id!", d.kind as "debit_kind: DocumentKind", d.number as debit_number,
            db.posting_key as debit_key, dp.erp_id as "debit_erp_id!", l.amount, so_far.amount as "settled!"
        from application a join allocation l using (document_id)
        join document c on c.document_id = a.credit_id join posting_payload cb on cb.document_id = a.credit_id
        join posting cp on cp.document_id = a.credit_id join document d on d.document_id = l.debit_id
        join posting_payload db on db.document_id = l.debit_id join posting dp on dp.document_id = l.debit_id
        cross join lateral (
            select sum(case when b.reverses is null then o.amount else -o.amount end) as amount
            from application b join allocation o using (document_id)
            where b.credit_id = a.credit_id and b.place <= a.place and o.debit_id = l.debit_id
        ) so_far
        where a.document_id = any($1) order by a.document_id, l.line"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// What documents were mapped to.
pub async fn mapped(conn: &mut Conn, documents: &[DocumentId]) -> Result<HashMap<DocumentId, serde_json::Value>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows =
        sqlx::query!(r#"select document_id as "document_id: DocumentId", mapped from posting_payload where document_id = any($1)"#, &ids)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.mapped)).collect())
}

/// Business events of documents, in the transaction that made them true.
pub async fn publish(conn: &mut Conn, event: &str, documents: &[DocumentId], at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into outbox (event, document_id, entity_id, occurred_at) select $1, document_id, entity_id, $3 from document where document_id = any($2)",
        event,
        &ids,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these documents, those in a stage, locked in id order.
pub async fn in_stage(conn: &mut Conn, documents: &[DocumentId], stage: domain::stage::Stage) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from document where document_id = any($1) and stage = $2
        order by document_id for update"#,
        &ids,
        stage.as_str()
    )
    .fetch_all(conn)
    .await?)
}

/// The number that people gave a document in the ERP; nothing is sendable any more.
pub async fn enter_number(conn: &mut Conn, document: DocumentId, erp_number: &str) -> Result<()> {
    sqlx::query!("update posting set work = null, due_at = null, erp_number = $2 where document_id = $1", document.0, erp_number)
        .execute(conn)
        .await?;
    Ok(())
}

/// A posting of unknown outcome, as far as people may decide it.
#[derive(Debug, Clone)]
pub struct Undecided {
    pub sent_at: DateTime<Utc>,
    /// How long the ERP may still work on it after that.
    pub processing_seconds_max: i32,
    /// A probe is asking right now.
    pub probing: bool,
    /// Nothing is added to its period any more.
    pub period_closed: bool,
}

/// Locks a posting whose outcome is unknown. `None`: it is not unknown.
pub async fn lock_undecided(conn: &mut Conn, document: DocumentId) -> Result<Option<Undecided>> {
    Ok(sqlx::query_as!(
        Undecided,
        r#"select p.sent_at as "sent_at!", c.processing_seconds_max, p.attempt_id is not null as "probing!",
            exists (select from accounting_period a where a.entity_id = d.entity_id and a.period = d.period and a.state = 'hard_closed')
                as "period_closed!"
        from posting p join erp_connection c using (connection_id) join document d using (document_id)
        where p.document_id = $1 and p.work = 'probe' and d.stage = 'unknown' and p.sent_at is not null for update of p"#,
        document.0
    )
    .fetch_optional(conn)
    .await?)
}
