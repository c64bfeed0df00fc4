//! How long is normal between the two sides of a checkpoint: learned from what tied, and limited by people.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::{Checkpoint, Timing},
    id::EntityId,
    reconciliation::TimingRow,
};
use std::collections::HashMap;

/// Fewer say nothing of what is normal.
const SAMPLES: i64 = 20;
/// The newest documents of each source that it is learned from.
const LOOKED_AT: i64 = 5_000;

/// What is normal at a checkpoint of an entity, by source. The empty source stands for those of which nothing was learned.
pub async fn of(conn: &mut Conn, entity: EntityId, checkpoint: Checkpoint) -> Result<HashMap<String, Timing>> {
    let rows = sqlx::query!(
        r#"select coalesce(t.source, '') as "source!", t.hours as "learned?", m.hours as "at_most?"
        from (select source, hours from learned_timing where entity_id = $1 and checkpoint = $2 union all select '', null) t
        left join timing_limit m on m.entity_id = $1 and m.checkpoint = $2"#,
        entity.0,
        checkpoint.number()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source, Timing { learned_hours: row.learned, limit_hours: row.at_most })).collect())
}

/// Whether anything was learned since this moment.
pub async fn learned_since(conn: &mut Conn, entity: EntityId, at: DateTime<Utc>) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from learned_timing where entity_id = $1 and learned_at > $2) as "some!""#,
        entity.0,
        at
    )
    .fetch_one(conn)
    .await?)
}

/// Learns how long accepted documents of an entity took until they were read back, and its money until it was applied, over 90 days.
pub async fn learn(conn: &mut Conn, entity: EntityId, now: DateTime<Utc>) -> Result<u64> {
    let read_back = sqlx::query!(
        "insert into learned_timing (entity_id, checkpoint, source, samples, hours, learned_at)
        select $1, 3, source, count(*), greatest(1, ceil(extract(epoch from percentile_disc(0.99) within group (order by took)) / 3600)), $2
        from (
            select c.code as source, d.stage_at - b.received_at as took
            from document d join batch b using (batch_id) join posting p using (document_id) join erp_connection c using (connection_id)
            where d.entity_id = $1 and d.stage = 'confirmed' and b.received_at > $2::timestamptz - interval '90 days'
            order by d.document_id desc limit $3
        ) t group by source having count(*) >= $4
        on conflict (entity_id, checkpoint, source) do update set samples = excluded.samples, hours = excluded.hours,
            learned_at = excluded.learned_at",
        entity.0,
        now,
        LOOKED_AT,
        SAMPLES
    )
    .execute(&mut *conn)
    .await?;
    let applied = sqlx::query!(
        "insert into learned_timing (entity_id, checkpoint, source, samples, hours, learned_at)
        select $1, 4, source, count(*), greatest(1, ceil(extract(epoch from percentile_disc(0.99) within group (order by took)) / 3600)), $2
        from (
            select m.source, a.applied_at - m.told_at as took
            from settled_money m cross join lateral (
                select max(b.received_at) as applied_at from application a join document d using (document_id) join batch b using (batch_id)
                where a.credit_id = m.document_id
            ) a
            where m.entity_id = $1 and m.side = 'credit' and m.open = 0 and a.applied_at is not null
                and m.settled_on > ($2::timestamptz - interval '90 days')::date
            order by m.settled_on desc limit $3
        ) t group by source having count(*) >= $4
        on conflict (entity_id, checkpoint, source) do update set samples = excluded.samples, hours = excluded.hours,
            learned_at = excluded.learned_at",
        entity.0,
        now,
        LOOKED_AT,
        SAMPLES
    )
    .execute(conn)
    .await?;
    Ok(read_back.rows_affected() + applied.rows_affected())
}

/// Sets the longest that is allowed; returns what was.
pub async fn set_limit(
    conn: &mut Conn,
    entity: EntityId,
    checkpoint: Checkpoint,
    hours: i32,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<i32>> {
    let before = sqlx::query_scalar!(
        "select hours from timing_limit where entity_id = $1 and checkpoint = $2 for update",
        entity.0,
        checkpoint.number()
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into timing_limit (entity_id, checkpoint, hours, set_by, set_at) values ($1, $2, $3, $4, $5)
        on conflict (entity_id, checkpoint) do update set hours = excluded.hours, set_by = excluded.set_by, set_at = excluded.set_at",
        entity.0,
        checkpoint.number(),
        hours,
        by,
        now
    )
    .execute(conn)
    .await?;
    Ok(before)
}

/// What is normal at a checkpoint, for people: every entity of the caller, and each source that something was learned of.
pub async fn rows(pool: &Pool, scope: &Scope, checkpoint: Checkpoint) -> Result<Vec<TimingRow>> {
    Ok(sqlx::query_as!(
        TimingRow,
        r#"select e.entity_id as "entity_id: EntityId", e.code as entity_code, coalesce(t.source, '') as "source!", t.samples as "samples?",
            t.hours as "learned_hours?", m.hours as "limit_hours?", t.learned_at as "learned_at?"
        from entity e left join learned_timing t on t.entity_id = e.entity_id and t.checkpoint = $2
        left join timing_limit m on m.entity_id = e.entity_id and m.checkpoint = $2
        where e.entity_id = any($1) order by e.code, t.source"#,
        &scope.ids(),
        checkpoint.number()
    )
    .fetch_all(pool)
    .await?)
}
