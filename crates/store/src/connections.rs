//! ERP connections: settings, circuit, and which entities they keep the receivables of.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{ConnectionId, EntityId},
    lane::Lane,
    mapping::EntityMapping,
    posting::ErpSystem,
    view::{ConnectionView, FailedAttemptView, LaneDepth},
};

/// A connection as a worker needs it.
#[derive(Debug, Clone)]
pub struct Connection {
    pub connection_id: ConnectionId,
    pub code: String,
    pub system: ErpSystem,
    pub settings: serde_json::Value,
    /// Encrypted; `pipeline::secret` opens it.
    pub secrets: Vec<u8>,
    pub slots: i32,
    pub processing_seconds_max: i32,
    pub request_seconds_max: i32,
    pub attempts_max: i32,
}

/// A connection to be set up.
#[derive(Debug, Clone)]
pub struct NewConnection {
    pub connection_id: ConnectionId,
    pub code: String,
    pub system: ErpSystem,
    pub settings: serde_json::Value,
    pub secrets: Vec<u8>,
    pub slots: i32,
    /// Sends begun in a minute; `None`: the vendor limits calls at once only.
    pub per_minute: Option<i32>,
    pub processing_seconds_max: i32,
    pub request_seconds_max: i32,
}

pub async fn insert(conn: &mut Conn, new: &NewConnection) -> Result<()> {
    sqlx::query!(
        "insert into erp_connection (connection_id, code, system, settings, secrets, slots, slots_now, processing_seconds_max, request_seconds_max,
            per_minute)
        values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)",
        new.connection_id.0,
        new.code,
        new.system.as_str(),
        new.settings,
        new.secrets,
        new.slots,
        new.processing_seconds_max,
        new.request_seconds_max,
        new.per_minute
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn attach_entity(conn: &mut Conn, entity: EntityId, connection: ConnectionId, entity_ref: &str, tax_is_ours: bool) -> Result<()> {
    sqlx::query!(
        "insert into entity_connection (entity_id, connection_id, entity_ref, tax_is_ours) values ($1, $2, $3, $4)",
        entity.0,
        connection.0,
        entity_ref,
        tax_is_ours
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn list(pool: &Pool) -> Result<Vec<Connection>> {
    Ok(sqlx::query_as!(
        Connection,
        r#"select connection_id as "connection_id: ConnectionId", code, system as "system: ErpSystem", settings, secrets, slots,
            processing_seconds_max, request_seconds_max, attempts_max
        from erp_connection order by code"#
    )
    .fetch_all(pool)
    .await?)
}

/// An entity with its place at its ERP.
#[derive(Debug, Clone)]
pub struct AttachedEntity {
    pub entity_id: EntityId,
    pub connection_id: ConnectionId,
    pub system: ErpSystem,
    pub mapping: EntityMapping,
}

pub async fn attached_entities(conn: &mut Conn) -> Result<Vec<AttachedEntity>> {
    let rows = sqlx::query!(
        r#"select e.entity_id as "entity_id: EntityId", ec.connection_id as "connection_id: ConnectionId", c.system as "system: ErpSystem",
            e.code, ec.entity_ref, ec.tax_is_ours
        from entity_connection ec join entity e using (entity_id) join erp_connection c using (connection_id) order by e.code"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AttachedEntity {
            entity_id: row.entity_id,
            connection_id: row.connection_id,
            system: row.system,
            mapping: EntityMapping { entity_code: row.code, entity_ref: row.entity_ref, tax_is_ours: row.tax_is_ours },
        })
        .collect())
}

/// Stops sending on a connection: credentials were refused, or nobody gets through. One call is let through at `probe_at`.
pub async fn open_circuit(
    conn: &mut Conn,
    connection: ConnectionId,
    reason: &str,
    now: DateTime<Utc>,
    probe_at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update erp_connection set circuit = 'open', circuit_reason = $2, circuit_opened_at = coalesce(circuit_opened_at, $3), circuit_probe_at = $4
        where connection_id = $1",
        connection.0,
        reason,
        now,
        probe_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An answer, not about credentials, to a call made since it opened, closes the circuit.
pub async fn close_circuit(conn: &mut Conn, connection: ConnectionId, called_at: DateTime<Utc>) -> Result<bool> {
    let closed = sqlx::query!(
        "update erp_connection set circuit = 'closed', circuit_reason = null, circuit_opened_at = null, circuit_probe_at = null
        where connection_id = $1 and circuit = 'open' and circuit_opened_at <= $2",
        connection.0,
        called_at
    )
    .execute(conn)
    .await?;
    Ok(closed.rows_affected() > 0)
}

/// The ERP throttled calls: half as many at once from now on, however many answers of one moment say so, and none before
/// `until`.
pub async fn slow_down(
    conn: &mut Conn,
    connection: ConnectionId,
    throttled: i64,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update erp_connection set throttled = throttled + $2, throttled_until = greatest(throttled_until, $3),
            slots_now = case when slowed_at > $4::timestamptz - interval '1 second' then slots_now else greatest(1, slots_now / 2) end,
            slowed_at = case when slowed_at > $4::timestamptz - interval '1 second' then slowed_at else $4 end
        where connection_id = $1",
        connection.0,
        throttled,
        until,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Calls went through: one more at once, up to what the vendor documents.
pub async fn speed_up(conn: &mut Conn, connection: ConnectionId) -> Result<()> {
    sqlx::query!("update erp_connection set slots_now = slots_now + 1 where connection_id = $1 and slots_now < slots", connection.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Connections that keep books of the caller's entities. Queue figures come from totals and the few leases; the rate from the
/// last movements of a minute, no more than a thousand of an entity.
pub async fn states(pool: &Pool, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<ConnectionView>> {
    let rows = sqlx::query!(
        r#"select c.connection_id as "connection_id: ConnectionId", c.code, c.system as "system: ErpSystem", c.sandbox, c.slots,
            c.slots_now, c.per_minute, c.throttled, c.throttled_until, coalesce(sum(r.posted_per_minute), 0)::bigint as "posted_per_minute!",
            coalesce((select sum(calls) from lease l where l.connection_id = c.connection_id), 0)::bigint as "in_flight!",
            coalesce(sum(t.queued), 0)::bigint as "queued!", coalesce(sum(t.unknown), 0)::bigint as "probing!",
            c.circuit, c.circuit_reason, c.circuit_probe_at, c.processing_seconds_max, c.request_seconds_max,
            array_agg(e.code order by e.code) as "entities!"
        from erp_connection c join entity_connection ec using (connection_id) join entity e using (entity_id)
        left join lateral (select sum(count) filter (where stage = 'queued') as queued, sum(count) filter (where stage = 'unknown') as unknown
            from period_total pt where pt.entity_id = e.entity_id) t on true
        left join lateral (
            select case when count(*) < 1000 then count(*) else count(*) * 60 / greatest(1, extract(epoch from $2 - min(moved_at))) end as posted_per_minute
            from (select moved_at from movement m where m.entity_id = e.entity_id and m.moved_at > $2::timestamptz - interval '1 minute'
                and m.to_stage = 'posted' order by moved_at desc limit 1000) last
        ) r on true
        where e.entity_id = any($1)
        group by c.connection_id order by c.code"#,
        &scope.ids(),
        now
    )
    .fetch_all(pool)
    .await?;
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        views.push(ConnectionView {
            last_errors: last_errors(pool, scope, row.connection_id, LAST_ERRORS).await?,
            connection_id: row.connection_id,
            code: row.code,
            system: row.system,
            sandbox: row.sandbox,
            slots: row.slots,
            slots_now: row.slots_now,
            per_minute: row.per_minute,
            lanes: lanes(pool, row.connection_id).await?,
            throttled: row.throttled,
            throttled_until: row.throttled_until,
            posted_per_minute: row.posted_per_minute,
            in_flight: row.in_flight,
            queued: row.queued,
            probing: row.probing,
            circuit: row.circuit,
            circuit_reason: row.circuit_reason,
            circuit_probe_at: row.circuit_probe_at,
            processing_seconds_max: row.processing_seconds_max,
            request_seconds_max: row.request_seconds_max,
            entities: row.entities,
        });
    }
    Ok(views)
}

/// What waits in each lane: a walk along the index of the claim, up to what is counted.
async fn lanes(pool: &Pool, connection: ConnectionId) -> Result<Vec<LaneDepth>> {
    let places: Vec<i16> = Lane::ALL.iter().map(|lane| lane.place()).collect();
    let waiting = sqlx::query_scalar!(
        r#"select w.count as "count!" from unnest($2::smallint[]) with ordinality r (lane, place) cross join lateral (
            select count(*) from (select from posting p where p.connection_id = $1 and p.work = 'send' and p.lane = r.lane limit $3) counted
        ) w order by r.place"#,
        connection.0,
        &places,
        LaneDepth::COUNTED
    )
    .fetch_all(pool)
    .await?;
    Ok(Lane::ALL.iter().zip(waiting).map(|(lane, waiting)| LaneDepth { lane: *lane, waiting }).collect())
}

/// Errors shown with a connection.
const LAST_ERRORS: i64 = 8;

async fn last_errors(pool: &Pool, scope: &Scope, connection: ConnectionId, limit: i64) -> Result<Vec<FailedAttemptView>> {
    Ok(sqlx::query_as!(
        FailedAttemptView,
        r#"select a.document_id as "document_id: domain::id::DocumentId", d.number, a.outcome as "outcome!", a.message, a.finished_at
        from posting_failure f join posting_attempt a using (document_id, attempt_id) join document d using (document_id)
        where f.connection_id = $1 and d.entity_id = any($2) order by f.failed_at desc, f.attempt_id desc limit $3"#,
        connection.0,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}
