//! Postings: what is to be sent to which ERP, who holds the lease, and every attempt.
//! Stages are moved by [`crate::movements::transition`] in the same transaction; nothing here writes one.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{AttemptId, ConnectionId, CorrelationId, DocumentId, EntityId},
    stage::DocumentKind,
};

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
}

/// Makes documents sendable. A posting that was sent before keeps its frozen payload.
pub async fn enqueue(conn: &mut Conn, postings: &[NewPosting], due_at: DateTime<Utc>) -> Result<()> {
    let documents: Vec<uuid::Uuid> = postings.iter().map(|p| p.document_id.0).collect();
    let entities: Vec<uuid::Uuid> = postings.iter().map(|p| p.entity_id.0).collect();
    let connections: Vec<uuid::Uuid> = postings.iter().map(|p| p.connection_id.0).collect();
    let keys: Vec<&str> = postings.iter().map(|p| p.posting_key.as_str()).collect();
    let mapped: Vec<&serde_json::Value> = postings.iter().map(|p| &p.mapped).collect();
    let payloads: Vec<&serde_json::Value> = postings.iter().map(|p| &p.payload).collect();
    let hashes: Vec<&[u8]> = postings.iter().map(|p| p.payload_hash.as_slice()).collect();
    sqlx::query!(
        "insert into posting as p (document_id, entity_id, connection_id, posting_key, mapped, payload, payload_hash, work, due_at)
        select d, e, c, k, m, b, h, 'send', $8
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::jsonb[], $7::bytea[]) r (d, e, c, k, m, b, h)
        on conflict (document_id) do update set work = 'send', due_at = $8, attempts = 0, absent_probes = 0,
            mapped = case when p.frozen_at is null then excluded.mapped else p.mapped end,
            payload = case when p.frozen_at is null then excluded.payload else p.payload end,
            payload_hash = case when p.frozen_at is null then excluded.payload_hash else p.payload_hash end",
        &documents,
        &entities,
        &connections,
        &keys as &[&str],
        &mapped as &[&serde_json::Value],
        &payloads as &[&serde_json::Value],
        &hashes as &[&[u8]],
        due_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A posting in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub document_id: DocumentId,
    pub attempt_id: AttemptId,
    pub entity_id: EntityId,
    pub posting_key: String,
    pub kind: DocumentKind,
    pub number: String,
    pub mapped: serde_json::Value,
    pub payload: serde_json::Value,
    pub attempts: i32,
    pub absent_probes: i16,
    pub sent_at: Option<DateTime<Utc>>,
}

/// What a claim is made for.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    pub connection: ConnectionId,
    pub worker: &'a str,
    pub correlation_id: CorrelationId,
    pub now: DateTime<Utc>,
    pub lease_seconds: i32,
}

/// Takes due postings under a lease, in order, never more than the connection's free slots (over all processes) and
/// `ids.len()`. Locks the connection's row, so that two processes can't both take the last slot. An open circuit
/// gives nothing, or one call when its next probe is due. The caller moves the documents to `in_flight`.
pub async fn claim_sends(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId]) -> Result<Vec<Claimed>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let free = sqlx::query_scalar!(
        r#"select case when circuit = 'closed' then slots when circuit_probe_at <= $2 then 1 else 0 end
            - (select count(*) from posting p where p.connection_id = $1 and p.work = 'lease')::integer as "free!"
        from erp_connection where connection_id = $1 for update"#,
        claim.connection.0,
        claim.now
    )
    .fetch_optional(&mut *conn)
    .await?
    .unwrap_or(0)
    .min(i32::try_from(ids.len()).unwrap_or(i32::MAX));
    if free <= 0 {
        return Ok(Vec::new());
    }
    let claimed = sqlx::query_as!(
        Claimed,
        r#"with due as materialized (
            select document_id from posting
            where connection_id = $1 and work = 'send' and due_at <= $2
            order by lane, due_at, document_id limit $3 for update skip locked
        ), numbered as (
            select document_id, ($4::uuid[])[row_number() over (order by document_id)] as attempt_id from due
        ), leased as (
            update posting p set work = 'lease', due_at = null, attempt_id = n.attempt_id, frozen_at = coalesce(frozen_at, $2),
                sent_at = $2, absent_probes = 0, lease_expires_at = clock_timestamp() + $5::integer * interval '1 second'
            from numbered n where p.document_id = n.document_id
            returning p.document_id, n.attempt_id, p.entity_id, p.posting_key, p.mapped, p.payload, p.attempts, p.absent_probes, p.sent_at
        ), attempted as (
            insert into posting_attempt (attempt_id, document_id, connection_id, purpose, worker, correlation_id, claimed_at)
            select attempt_id, document_id, $1, 'send', $6, $7, $2 from leased
        )
        select l.document_id as "document_id: DocumentId", l.attempt_id as "attempt_id!: AttemptId", l.entity_id as "entity_id: EntityId",
            l.posting_key, d.kind as "kind: DocumentKind", d.number, l.mapped, l.payload, l.attempts, l.absent_probes, l.sent_at
        from leased l join document d using (document_id) order by l.document_id"#,
        claim.connection.0,
        claim.now,
        i64::from(free),
        &ids,
        claim.lease_seconds,
        claim.worker,
        claim.correlation_id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(claimed)
}

/// Takes unknown outcomes that are due for a probe. The next look is put off by `hidden_until`, so that no second
/// worker asks at the same time and a crash of this one only delays.
pub async fn claim_probes(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId], hidden_until: DateTime<Utc>) -> Result<Vec<Claimed>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Claimed,
        r#"with due as materialized (
            select document_id from posting
            where connection_id = $1 and work = 'probe' and due_at <= $2
                and exists (select from erp_connection c where c.connection_id = $1 and (c.circuit = 'closed' or c.circuit_probe_at <= $2))
            order by lane, due_at, document_id limit cardinality($3::uuid[]) for update skip locked
        ), numbered as (
            select document_id, ($3::uuid[])[row_number() over (order by document_id)] as attempt_id from due
        ), hidden as (
            update posting p set due_at = $4 from numbered n where p.document_id = n.document_id
            returning p.document_id, n.attempt_id, p.entity_id, p.posting_key, p.mapped, p.payload, p.attempts, p.absent_probes, p.sent_at
        ), attempted as (
            insert into posting_attempt (attempt_id, document_id, connection_id, purpose, worker, correlation_id, claimed_at)
            select attempt_id, document_id, $1, 'probe', $5, $6, $2 from hidden
        )
        select h.document_id as "document_id: DocumentId", h.attempt_id as "attempt_id!: AttemptId", h.entity_id as "entity_id: EntityId",
            h.posting_key, d.kind as "kind: DocumentKind", d.number, h.mapped, h.payload, h.attempts, h.absent_probes, h.sent_at
        from hidden h join document d using (document_id) order by h.document_id"#,
        claim.connection.0,
        claim.now,
        &ids,
        hidden_until,
        claim.worker,
        claim.correlation_id.0
    )
    .fetch_all(conn)
    .await?)
}

/// How an attempt ended, for the attempt's row.
#[derive(Debug, Clone)]
pub struct Finished {
    pub attempt_id: AttemptId,
    pub document_id: DocumentId,
    pub outcome: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub field: Option<String>,
    pub request: Option<String>,
    pub http_status: Option<i16>,
    pub answer: Option<String>,
}

/// Writes how attempts ended. The answer of an attempt that was written off before is kept and marked late.
pub async fn finish_attempts(conn: &mut Conn, finished: &[Finished], now: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = finished.iter().map(|f| f.attempt_id.0).collect();
    let outcomes: Vec<&str> = finished.iter().map(|f| f.outcome.as_str()).collect();
    let codes: Vec<Option<&str>> = finished.iter().map(|f| f.code.as_deref()).collect();
    let messages: Vec<Option<&str>> = finished.iter().map(|f| f.message.as_deref()).collect();
    let fields: Vec<Option<&str>> = finished.iter().map(|f| f.field.as_deref()).collect();
    let requests: Vec<Option<&str>> = finished.iter().map(|f| f.request.as_deref()).collect();
    let statuses: Vec<Option<i16>> = finished.iter().map(|f| f.http_status).collect();
    let answers: Vec<Option<&str>> = finished.iter().map(|f| f.answer.as_deref()).collect();
    sqlx::query!(
        "update posting_attempt a set finished_at = coalesce(a.finished_at, $9), outcome = coalesce(a.outcome, r.outcome), code = r.code,
            message = r.message, field = r.field, request = r.request, http_status = r.status, answer = r.answer, late = a.outcome is not null
        from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[])
            r (attempt_id, outcome, code, message, field, request, status, answer)
        where a.attempt_id = r.attempt_id",
        &ids,
        &outcomes as &[&str],
        &codes as &[Option<&str>],
        &messages as &[Option<&str>],
        &fields as &[Option<&str>],
        &requests as &[Option<&str>],
        &statuses as &[Option<i16>],
        &answers as &[Option<&str>],
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these attempts, the documents whose lease they still hold, locked. Completion is fenced by this.
pub async fn hold_leases(conn: &mut Conn, attempts: &[(DocumentId, AttemptId)]) -> Result<Vec<DocumentId>> {
    let documents: Vec<uuid::Uuid> = attempts.iter().map(|a| a.0.0).collect();
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|a| a.1.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select p.document_id as "document_id: DocumentId" from posting p
        join unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id) on p.document_id = r.document_id and p.attempt_id = r.attempt_id
        where p.work = 'lease' order by p.document_id for update of p"#,
        &documents,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those that wait for a probe, locked: a late or probed answer may decide them.
pub async fn hold_unknown(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from posting where document_id = any($1) and work = 'probe'
        order by document_id for update"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// What a posting waits for after its lease ended or its probe decided.
#[derive(Debug, Clone)]
pub struct Next {
    pub document_id: DocumentId,
    /// `send`, `probe`, or nothing.
    pub work: Option<&'static str>,
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the try counts.
    pub burnt: bool,
    pub absent_probes: i16,
    pub erp_id: Option<String>,
    pub erp_number: Option<String>,
}

/// Ends leases: says for each posting what comes next.
pub async fn set_next(conn: &mut Conn, next: &[Next]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = next.iter().map(|n| n.document_id.0).collect();
    let works: Vec<Option<&str>> = next.iter().map(|n| n.work).collect();
    let dues: Vec<Option<DateTime<Utc>>> = next.iter().map(|n| n.due_at).collect();
    let burnt: Vec<i32> = next.iter().map(|n| i32::from(n.burnt)).collect();
    let absent: Vec<i16> = next.iter().map(|n| n.absent_probes).collect();
    let erp_ids: Vec<Option<&str>> = next.iter().map(|n| n.erp_id.as_deref()).collect();
    let erp_numbers: Vec<Option<&str>> = next.iter().map(|n| n.erp_number.as_deref()).collect();
    sqlx::query!(
        "update posting p set work = r.work, due_at = r.due_at, attempt_id = null, lease_expires_at = null, attempts = p.attempts + r.burnt,
            absent_probes = r.absent, erp_id = coalesce(r.erp_id, p.erp_id), erp_number = coalesce(r.erp_number, p.erp_number)
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::integer[], $5::smallint[], $6::text[], $7::text[])
            r (document_id, work, due_at, burnt, absent, erp_id, erp_number)
        where p.document_id = r.document_id",
        &ids,
        &works as &[Option<&str>],
        &dues as &[Option<DateTime<Utc>>],
        &burnt,
        &absent,
        &erp_ids as &[Option<&str>],
        &erp_numbers as &[Option<&str>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An attempt whose lease ended without an answer.
#[derive(Debug)]
pub struct Expired {
    pub document_id: DocumentId,
    pub attempt_id: AttemptId,
    pub sent_at: Option<DateTime<Utc>>,
}

/// Leases that ended: locked, for the caller to move to `unknown`.
pub async fn expired_leases(conn: &mut Conn, connection: ConnectionId, limit: i64) -> Result<Vec<Expired>> {
    Ok(sqlx::query_as!(
        Expired,
        r#"select document_id as "document_id: DocumentId", attempt_id as "attempt_id!: AttemptId", sent_at
        from posting where connection_id = $1 and work = 'lease' and lease_expires_at < clock_timestamp()
        order by document_id limit $2 for update skip locked"#,
        connection.0,
        limit
    )
    .fetch_all(conn)
    .await?)
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

/// Of these credit memos, those whose invoice is not in the ERP yet: id and the number waited for.
/// An invoice that never came in through Tieout is not waited for: the ERP decides.
pub async fn waits_for_invoice(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<(DocumentId, String)>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select c.document_id as "document_id: DocumentId", i.number
        from document c join document i on i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to
            and not i.rejected and i.superseded_by is null
        where c.document_id = any($1) and i.stage not in ('posted', 'confirmed', 'mismatch', 'voided', 'resolved')"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.number)).collect())
}

/// Credit memos whose number of an invoice is not known at all: they came before it.
pub async fn waits_for_unknown_invoice(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<(DocumentId, String)>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select c.document_id as "document_id: DocumentId", c.applies_to as "number!"
        from document c where c.document_id = any($1) and c.applies_to is not null and not exists (
            select from document i where i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to
                and not i.rejected and i.superseded_by is null)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.number)).collect())
}

/// Held credit memos whose invoice is in the ERP now.
pub async fn released(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select c.document_id as "document_id: DocumentId" from document c
        join document i on i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to and not i.rejected and i.superseded_by is null
        where c.entity_id = $1 and c.stage = 'held' and i.stage in ('posted', 'confirmed', 'mismatch')
        order by c.document_id limit $2 for update of c skip locked"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
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

/// Attempts whose lease ended: their answer, if it still comes, will be a late one.
pub async fn write_off(conn: &mut Conn, attempts: &[AttemptId], now: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update posting_attempt set finished_at = $2, outcome = 'no_answer' where attempt_id = any($1) and outcome is null",
        &ids,
        now
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
