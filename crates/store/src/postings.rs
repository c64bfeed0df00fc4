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

/// Makes documents sendable that are surely not in the ERP: new ones, and refused ones with what they are mapped to now.
/// The key stays the same for ever. A try again of the same send does not come here, its payload is frozen.
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
        on conflict (document_id) do update set work = 'send', due_at = $8, attempts = 0, absent_probes = 0, frozen_at = null,
            mapped = excluded.mapped, payload = excluded.payload, payload_hash = excluded.payload_hash
        where p.work is null",
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

/// How many calls may begin now. Locks the connection's row, so that two processes can't both take the last slot. An open
/// circuit allows nothing, or one call when its next probe is due.
struct Room {
    free: i32,
    circuit_open: bool,
    probes_due: bool,
}

impl Room {
    async fn of(conn: &mut Conn, claim: Claim<'_>) -> Result<Self> {
        let connection = sqlx::query!(
            r#"select slots, circuit = 'open' as "open!", coalesce(circuit_probe_at <= $2, false) as "due!"
            from erp_connection where connection_id = $1 for update"#,
            claim.connection.0,
            claim.now
        )
        .fetch_one(&mut *conn)
        .await?;
        // a statement of its own: whoever waited for the lock must see what the other one took
        let calls = sqlx::query!(
            r#"select count(*) filter (where work = 'lease' or lease_expires_at > clock_timestamp()) as "used!",
                exists (select from posting where connection_id = $1 and work = 'probe' and due_at <= $2) as "probes_due!"
            from posting where connection_id = $1 and attempt_id is not null"#,
            claim.connection.0,
            claim.now
        )
        .fetch_one(conn)
        .await?;
        let allowed = if connection.open { i32::from(connection.due) } else { connection.slots };
        let free = allowed - i32::try_from(calls.used).unwrap_or(i32::MAX);
        Ok(Self { free, circuit_open: connection.open, probes_due: calls.probes_due })
    }
}

/// Takes due postings under a lease, in order, never more than the connection's free slots (over all processes) and
/// `ids.len()`; one slot is left to a probe that is due. The caller moves the documents to `in_flight`.
pub async fn claim_sends(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId]) -> Result<Vec<Claimed>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let room = Room::of(conn, claim).await?;
    let reserved = i32::from(room.probes_due && room.free > 1);
    let free = (room.free - reserved).min(i32::try_from(ids.len()).unwrap_or(i32::MAX));
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
    .fetch_all(&mut *conn)
    .await?;
    postpone_circuit(conn, claim, &room, &claimed).await?;
    Ok(claimed)
}

/// The one call through an open circuit is in hand: the next one not before its lease has ended.
async fn postpone_circuit(conn: &mut Conn, claim: Claim<'_>, room: &Room, claimed: &[Claimed]) -> Result<()> {
    if room.circuit_open && !claimed.is_empty() {
        sqlx::query!(
            "update erp_connection set circuit_probe_at = $2::timestamptz + $3::integer * interval '1 second'
            where connection_id = $1 and circuit = 'open'",
            claim.connection.0,
            claim.now,
            claim.lease_seconds
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Takes unknown outcomes that are due for a probe, as many as there are free slots. The next look is put off by
/// `hidden_until`, so that no second worker asks at the same time and a crash of this one only delays.
pub async fn claim_probes(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId], hidden_until: DateTime<Utc>) -> Result<Vec<Claimed>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let room = Room::of(conn, claim).await?;
    if room.free <= 0 || !room.probes_due {
        return Ok(Vec::new());
    }
    let claimed = sqlx::query_as!(
        Claimed,
        r#"with due as materialized (
            select document_id from posting
            where connection_id = $1 and work = 'probe' and due_at <= $2
            order by lane, due_at, document_id limit least($8::integer, cardinality($3::uuid[])) for update skip locked
        ), numbered as (
            select document_id, ($3::uuid[])[row_number() over (order by document_id)] as attempt_id from due
        ), hidden as (
            update posting p set due_at = $4, attempt_id = n.attempt_id,
                lease_expires_at = clock_timestamp() + $7::integer * interval '1 second'
            from numbered n where p.document_id = n.document_id
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
        claim.correlation_id.0,
        claim.lease_seconds,
        room.free
    )
    .fetch_all(&mut *conn)
    .await?;
    postpone_circuit(conn, claim, &room, &claimed).await?;
    Ok(claimed)
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

/// Of these attempts, the documents that they still have in hand for `work`, locked. Completion is fenced by this.
pub async fn hold(conn: &mut Conn, attempts: &[(DocumentId, AttemptId)], work: &str) -> Result<Vec<DocumentId>> {
    let documents: Vec<uuid::Uuid> = attempts.iter().map(|a| a.0.0).collect();
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|a| a.1.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select p.document_id as "document_id: DocumentId" from posting p
        join unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id) on p.document_id = r.document_id and p.attempt_id = r.attempt_id
        where p.work = $3 order by p.document_id for update of p"#,
        &documents,
        &ids,
        work
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those that a late acceptance may decide, locked: nobody has them in hand, and they count as unknown,
/// as not processed or as refused.
pub async fn hold_undecided(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select p.document_id as "document_id: DocumentId" from posting p join document d using (document_id)
        where p.document_id = any($1) and p.work is distinct from 'lease' and d.stage in ('unknown', 'queued', 'exception')
        order by p.document_id for update of p"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those of which an earlier send may have been processed and no refusal was looked into since: a refusal
/// says nothing about the earlier send, because an ERP may check a period before it looks for a duplicate.
pub async fn doubtful(conn: &mut Conn, attempts: &[(DocumentId, AttemptId)]) -> Result<Vec<DocumentId>> {
    let documents: Vec<uuid::Uuid> = attempts.iter().map(|a| a.0.0).collect();
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|a| a.1.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select r.document_id as "document_id!: DocumentId" from unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id)
        cross join lateral (
            select a.outcome from posting_attempt a
            where a.document_id = r.document_id and a.attempt_id <> r.attempt_id and a.purpose = 'send'
                and a.outcome in ('ambiguous', 'no_answer', 'duplicate', 'business', 'permanent')
            order by a.claimed_at desc, a.attempt_id desc limit 1
        ) last where last.outcome in ('ambiguous', 'no_answer', 'duplicate')"#,
        &documents,
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
    /// When the send may have left us latest, where that is later than its claim.
    pub sent_at: Option<DateTime<Utc>>,
    pub erp_id: Option<String>,
    pub erp_number: Option<String>,
}

impl Next {
    /// Nothing: for the caller to change.
    pub fn nothing(document_id: DocumentId) -> Self {
        Self { document_id, work: None, due_at: None, burnt: false, absent_probes: 0, sent_at: None, erp_id: None, erp_number: None }
    }
}

/// Ends leases: says for each posting what comes next.
pub async fn set_next(conn: &mut Conn, next: &[Next]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = next.iter().map(|n| n.document_id.0).collect();
    let works: Vec<Option<&str>> = next.iter().map(|n| n.work).collect();
    let dues: Vec<Option<DateTime<Utc>>> = next.iter().map(|n| n.due_at).collect();
    let burnt: Vec<i32> = next.iter().map(|n| i32::from(n.burnt)).collect();
    let absent: Vec<i16> = next.iter().map(|n| n.absent_probes).collect();
    let sents: Vec<Option<DateTime<Utc>>> = next.iter().map(|n| n.sent_at).collect();
    let erp_ids: Vec<Option<&str>> = next.iter().map(|n| n.erp_id.as_deref()).collect();
    let erp_numbers: Vec<Option<&str>> = next.iter().map(|n| n.erp_number.as_deref()).collect();
    sqlx::query!(
        "update posting p set work = r.work, due_at = r.due_at, attempt_id = null, lease_expires_at = null, attempts = p.attempts + r.burnt,
            absent_probes = r.absent, erp_id = coalesce(r.erp_id, p.erp_id), erp_number = coalesce(r.erp_number, p.erp_number),
            sent_at = coalesce(r.sent_at, p.sent_at)
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::integer[], $5::smallint[], $6::text[], $7::text[], $8::timestamptz[])
            r (document_id, work, due_at, burnt, absent, erp_id, erp_number, sent_at)
        where p.document_id = r.document_id",
        &ids,
        &works as &[Option<&str>],
        &dues as &[Option<DateTime<Utc>>],
        &burnt,
        &absent,
        &erp_ids as &[Option<&str>],
        &erp_numbers as &[Option<&str>],
        &sents as &[Option<DateTime<Utc>>]
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
}

/// Leases that ended: locked, for the caller to move to `unknown`.
pub async fn expired_leases(conn: &mut Conn, connection: ConnectionId, limit: i64) -> Result<Vec<Expired>> {
    Ok(sqlx::query_as!(
        Expired,
        r#"select document_id as "document_id: DocumentId", attempt_id as "attempt_id!: AttemptId"
        from posting where connection_id = $1 and attempt_id is not null and work = 'lease' and lease_expires_at < clock_timestamp()
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

/// Of these credit memos, those whose invoice is not in the ERP: id and the number waited for. One whose invoice was resolved
/// or voided waits for a person.
pub async fn waits_for_invoice(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<(DocumentId, String)>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select c.document_id as "document_id: DocumentId", i.number
        from document c join document i on i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to
            and not i.rejected and i.superseded_by is null
        where c.document_id = any($1) and i.stage not in ('posted', 'confirmed', 'mismatch')"#,
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
