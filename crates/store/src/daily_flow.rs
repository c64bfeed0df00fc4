//! How many documents came in, were posted and were confirmed per day: counted from movements by a job, read by charts.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::home::{Flow, FlowDay, TIMELY_MINUTES};

/// Counts every day since the one before the last that was counted: today grows, and what was written late belongs to yesterday.
/// Doing it twice changes nothing. Returns how many days of entities were counted.
pub async fn recount(conn: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "insert into daily_flow as f (entity_id, day, came_in, measured, timely, posted, confirmed, counted_at)
        select e.entity_id, (m.moved_at at time zone e.time_zone)::date,
            count(*) filter (where m.sequence = 1 and m.to_stage = 'finalized'),
            count(*) filter (where m.sequence = 1 and m.to_stage = 'finalized' and m.moved_at <= $2),
            count(*) filter (where m.sequence = 1 and m.to_stage = 'finalized' and m.moved_at <= $2 and exists (
                select from movement p where p.document_id = m.document_id and p.to_stage = 'posted' and p.moved_at <= m.moved_at + ($1 - $2))),
            count(*) filter (where m.to_stage = 'posted'), count(*) filter (where m.to_stage = 'confirmed'), $1
        from entity e cross join lateral (
            select coalesce((max(day) - 1)::timestamp at time zone e.time_zone, '-infinity') as since from daily_flow where entity_id = e.entity_id
        ) counted join movement m on m.entity_id = e.entity_id and m.moved_at >= counted.since
        group by 1, 2
        on conflict (entity_id, day) do update set came_in = excluded.came_in, measured = excluded.measured, timely = excluded.timely,
            posted = excluded.posted, confirmed = excluded.confirmed, counted_at = excluded.counted_at",
        now,
        now - TimeDelta::minutes(TIMELY_MINUTES)
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The days from `from` on, all entities of the caller added up.
pub async fn list(pool: &Pool, scope: &Scope, from: NaiveDate) -> Result<Flow> {
    let rows = sqlx::query!(
        r#"select day, sum(came_in)::bigint as "came_in!", sum(measured)::bigint as "measured!", sum(timely)::bigint as "timely!",
            sum(posted)::bigint as "posted!", sum(confirmed)::bigint as "confirmed!", max(counted_at) as "counted_at!"
        from daily_flow where entity_id = any($1) and day >= $2 group by day order by day"#,
        &scope.ids(),
        from
    )
    .fetch_all(pool)
    .await?;
    let counted_at = rows.iter().map(|row| row.counted_at).max();
    let days = rows.into_iter().map(|row| FlowDay {
        day: row.day,
        came_in: row.came_in,
        measured: row.measured,
        timely: row.timely,
        posted: row.posted,
        confirmed: row.confirmed,
    });
    Ok(Flow { days: days.collect(), counted_at })
}
