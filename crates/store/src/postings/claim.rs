//! Taking postings in hand: never more than the connection's slots, over all processes.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{AttemptId, ConnectionId, CorrelationId, DocumentId, EntityId},
    stage::DocumentKind,
};

/// A posting in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub document_id: DocumentId,
    pub attempt_id: AttemptId,
    pub entity_id: EntityId,
    pub posting_key: String,
    pub kind: DocumentKind,
    pub number: String,
    /// The ERP's legal entity, as mapped.
    pub entity_ref: String,
    pub payload: serde_json::Value,
    pub attempts: i32,
    pub absent_probes: i16,
    pub sent_at: Option<DateTime<Utc>>,
    queue_lane: i16,
    queue_due_at: DateTime<Utc>,
}

/// A place in a connection's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    lane: i16,
    due_at: DateTime<Utc>,
    document_id: uuid::Uuid,
}

impl Place {
    /// Before everything.
    pub const START: Self = Self { lane: 0, due_at: DateTime::UNIX_EPOCH, document_id: uuid::Uuid::nil() };
}

impl Claimed {
    /// Where it stood.
    pub fn place(&self) -> Place {
        Place { lane: self.queue_lane, due_at: self.queue_due_at, document_id: self.document_id.0 }
    }
}

/// What a claim is made for.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    pub connection: ConnectionId,
    pub worker: &'a str,
    /// Names the claim: its lease and the calls made under it.
    pub correlation_id: CorrelationId,
    pub now: DateTime<Utc>,
    pub lease_seconds: i32,
}

/// How many calls may begin now. Locks the connection's row, so that two processes can't both take the last slot, but not its
/// key: whoever maps holds that, and must not hold up sends. An ERP that asked to be left alone gets nothing; an open circuit
/// allows nothing, or one call when its next probe is due.
struct Room {
    free: i32,
    /// Sends that this minute still allows, where the vendor limits them.
    rate_left: Option<i32>,
    circuit_open: bool,
    probes_due: bool,
    /// Something may wait to be sent into a period that is hard closed.
    late: bool,
}

impl Room {
    async fn of(conn: &mut Conn, claim: Claim<'_>) -> Result<Self> {
        let connection = sqlx::query!(
            r#"select case when throttled_until > $2 then 0 else slots_now end as "slots!", circuit = 'open' as "open!",
                coalesce(circuit_probe_at <= $2, false) as "due!",
                per_minute - case when minute_began_at > $2::timestamptz - interval '1 minute' then minute_sends else 0 end as rate_left
            from erp_connection where connection_id = $1 for no key update"#,
            claim.connection.0,
            claim.now
        )
        .fetch_one(&mut *conn)
        .await?;
        // a statement of its own: whoever waited for the lock must see what the other one took
        let calls = sqlx::query!(
            r#"select coalesce((select sum(calls) from lease where connection_id = $1
                    and (purpose = 'send' or expires_at > clock_timestamp())), 0)::bigint as "used!",
                exists (select from posting where connection_id = $1 and work = 'probe' and due_at <= $2) as "probes_due!",
                exists (select from entity_connection join accounting_period a using (entity_id) join period_total t using (entity_id, period)
                    where connection_id = $1 and a.state = 'hard_closed' and t.stage = 'queued'
                    group by entity_id, period having sum(t.count) > 0) as "late!""#,
            claim.connection.0,
            claim.now
        )
        .fetch_one(conn)
        .await?;
        let allowed = if connection.open { i32::from(connection.due) } else { connection.slots };
        let free = allowed - i32::try_from(calls.used).unwrap_or(i32::MAX);
        Ok(Self { free, rate_left: connection.rate_left, circuit_open: connection.open, probes_due: calls.probes_due, late: calls.late })
    }
}

/// Takes due postings under a lease, in order, never more than the connection's free slots (over all processes) and
/// `ids.len()`; one slot is left to a probe that is due. Nothing is sent into a period that is hard closed: what waits for that is
/// taken out by [`super::stop_late`]. The caller moves the documents to `in_flight`.
/// Only what stands after `after` is looked at: a queue that is worked off begins with the traces of what was taken, and to pass them
/// costs more with each that was.
pub async fn claim_sends(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId], after: Place) -> Result<Vec<Claimed>> {
    let room = Room::of(conn, claim).await?;
    let reserved = i32::from(room.probes_due && room.free > 1);
    let free = (room.free - reserved).min(room.rate_left.unwrap_or(i32::MAX));
    let claimed = take(conn, claim, &room, "send", free, ids, (after, None)).await?;
    if room.rate_left.is_some() && !claimed.is_empty() {
        use_rate(conn, claim, claimed.len()).await?;
    }
    Ok(claimed)
}

/// These sends count in the minute that is running, or begin one.
async fn use_rate(conn: &mut Conn, claim: Claim<'_>, sends: usize) -> Result<()> {
    sqlx::query!(
        "update erp_connection set
            minute_sends = $3 + case when minute_began_at > $2::timestamptz - interval '1 minute' then minute_sends else 0 end,
            minute_began_at = case when minute_began_at > $2::timestamptz - interval '1 minute' then minute_began_at else $2 end
        where connection_id = $1",
        claim.connection.0,
        claim.now,
        i32::try_from(sends).unwrap_or(i32::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes unknown outcomes that are due for a probe, as many as there are free slots. The next look is put off by
/// `hidden_until`, so that no second worker asks at the same time and a crash of this one only delays.
pub async fn claim_probes(conn: &mut Conn, claim: Claim<'_>, ids: &[AttemptId], hidden_until: DateTime<Utc>) -> Result<Vec<Claimed>> {
    let room = Room::of(conn, claim).await?;
    if !room.probes_due {
        return Ok(Vec::new());
    }
    take(conn, claim, &room, "probe", room.free, ids, (Place::START, Some(hidden_until))).await
}

/// Takes up to `free` due postings for a purpose: one lease, an attempt each. A send is not due any more; a probe is again
/// when it is not hidden any more.
async fn take(
    conn: &mut Conn,
    claim: Claim<'_>,
    room: &Room,
    purpose: &str,
    free: i32,
    ids: &[AttemptId],
    (after, hidden_until): (Place, Option<DateTime<Utc>>),
) -> Result<Vec<Claimed>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let free = free.min(i32::try_from(ids.len()).unwrap_or(i32::MAX));
    if free <= 0 {
        return Ok(Vec::new());
    }
    let claimed = sqlx::query_as!(
        Claimed,
        r#"with due as materialized (
            select document_id, lane, due_at from posting
            where connection_id = $1 and work = $9 and work in ('send', 'probe') and due_at <= $2
                and (lane, due_at, document_id) > ($11, $12, $13)
                -- a query of its own for each row: as a join the planner may read all documents for it
                and (not $10 or $9 = 'probe' or not coalesce((
                    select a.state = 'hard_closed' from document d join accounting_period a using (entity_id, period)
                    where d.document_id = posting.document_id), false))
            order by lane, due_at, document_id limit $3 for update skip locked
        ), numbered as materialized (
            select document_id, ($4::uuid[])[row_number() over (order by document_id)] as attempt_id from due
        ), taken as (
            update posting p set work = case $9 when 'send' then 'lease' else 'probe' end, due_at = $8, attempt_id = n.attempt_id,
                lease_id = $7, frozen_at = coalesce(frozen_at, $2), sent_at = case $9 when 'send' then $2 else sent_at end,
                absent_probes = case $9 when 'send' then 0 else absent_probes end
            from numbered n where p.document_id = n.document_id
            returning p.document_id, n.attempt_id, p.entity_id, p.attempts, p.absent_probes, p.sent_at
        ), leased as (
            insert into lease (lease_id, connection_id, worker, purpose, expires_at, calls, documents)
            select $7, $1, $6, $9, clock_timestamp() + $5::integer * interval '1 second', count(*), array_agg(document_id)
            from numbered having count(*) > 0
        ), attempted as (
            insert into posting_attempt (attempt_id, document_id, connection_id, purpose, worker, correlation_id, claimed_at)
            select attempt_id, document_id, $1, $9, $6, $7, $2 from numbered
        )
        select t.document_id as "document_id: DocumentId", t.attempt_id as "attempt_id!: AttemptId", t.entity_id as "entity_id: EntityId",
            b.posting_key, d.kind as "kind: DocumentKind", d.number, b.mapped ->> 'entity_ref' as "entity_ref!", b.payload, t.attempts,
            t.absent_probes, t.sent_at, q.lane as queue_lane, q.due_at as "queue_due_at!"
        from taken t join due q using (document_id) join document d using (document_id) join posting_payload b using (document_id) order by t.document_id"#,
        claim.connection.0,
        claim.now,
        i64::from(free),
        &ids,
        claim.lease_seconds,
        claim.worker,
        claim.correlation_id.0,
        hidden_until,
        purpose,
        room.late,
        after.lane,
        after.due_at,
        after.document_id
    )
    .fetch_all(&mut *conn)
    .await?;
    if room.circuit_open && !claimed.is_empty() {
        postpone_circuit(conn, claim).await?;
    }
    Ok(claimed)
}

/// The one call through an open circuit is in hand: the next one not before its lease has ended.
async fn postpone_circuit(conn: &mut Conn, claim: Claim<'_>) -> Result<()> {
    sqlx::query!(
        "update erp_connection set circuit_probe_at = $2::timestamptz + $3::integer * interval '1 second'
        where connection_id = $1 and circuit = 'open'",
        claim.connection.0,
        claim.now,
        claim.lease_seconds
    )
    .execute(conn)
    .await?;
    Ok(())
}
