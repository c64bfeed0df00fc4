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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDatabase, database};
    use domain::id::EntityId;

    /// Three invoices that came in at noon of 31 October: posted after 10 minutes, after 20, and not at all.
    async fn company() -> (TestDatabase, EntityId) {
        let db = database().await;
        let entity = db.entity("DE", "EUR").await;
        let statements = format!(
            "update entity set time_zone = 'Asia/Tokyo';
            insert into batch (batch_id, source, number, entity_id, period, content_hash, document_count, received_at, actor)
                values ('{entity}', 's', 'B-1', '{entity}', '2026-10', decode(repeat('00', 32), 'hex'), 3, '2026-10-31T12:00:00Z', 'a');
            insert into document (document_id, batch_id, line, entity_id, kind, number, version, customer_code, customer_name, currency, amount, tax,
                    issue_date, due_date, posting_date, period, content_hash, hash_term, stage, sequence, stage_at)
                select ('00000000-0000-0000-0000-00000000000' || n)::uuid, '{entity}', n, '{entity}', 'invoice', 'INV-' || n, 1, 'C', 'C', 'EUR', 100, 0,
                    '2026-10-31', '2026-11-30', '2026-10-31', '2026-10', decode(repeat('00', 32), 'hex'), n, 'finalized', 1, '2026-10-31T12:00:00Z'
                from generate_series(1, 3) n;
            insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage, amount, tax, hash_term,
                    actor, reason, correlation_id, moved_at)
                select document_id, s.sequence, entity_id, batch_id, currency, period, kind, s.from_stage, s.to_stage, amount, tax, hash_term, 'a', 'r',
                    document_id, stage_at + s.after
                from document join (values (1, 1, null, 'finalized', interval '0'), (2, 1, null, 'finalized', '0'), (3, 1, null, 'finalized', '0'),
                    (1, 2, 'in_flight', 'posted', '10 minutes'), (2, 2, 'in_flight', 'posted', '20 minutes'), (1, 3, 'posted', 'confirmed', '4 hours')
                ) s (n, sequence, from_stage, to_stage, after) on s.n = line"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&db.pool).await.unwrap();
        (db, entity)
    }

    fn day(day: &str, [came_in, measured, timely, posted, confirmed]: [i64; 5]) -> FlowDay {
        FlowDay { day: day.parse().unwrap(), came_in, measured, timely, posted, confirmed }
    }

    async fn counted(db: &TestDatabase, entity: EntityId, now: &str) -> Vec<FlowDay> {
        recount(&mut db.pool.acquire().await.unwrap(), now.parse().unwrap()).await.unwrap();
        let flow = list(&db.pool, &Scope::of_system(vec![entity]), "2026-01-01".parse().unwrap()).await.unwrap();
        assert_eq!(flow.counted_at, Some(now.parse().unwrap()));
        flow.days
    }

    #[tokio::test]
    async fn days_are_the_entitys_and_counting_again_changes_nothing() {
        let (db, entity) = company().await;
        // 16:00 UTC is the next day in Tokyo
        let expected = [day("2026-10-31", [3, 3, 1, 2, 0]), day("2026-11-01", [0, 0, 0, 0, 1])];
        assert_eq!(counted(&db, entity, "2026-10-31T18:00:00Z").await, expected);
        assert_eq!(counted(&db, entity, "2026-10-31T19:00:00Z").await, expected);
        let nobody = list(&db.pool, &Scope::of_system(Vec::new()), "2026-01-01".parse().unwrap()).await.unwrap();
        assert_eq!(nobody, Flow::default());
    }

    #[tokio::test]
    async fn who_came_in_a_moment_ago_is_not_late_yet() {
        let (db, entity) = company().await;
        let days = counted(&db, entity, "2026-10-31T12:12:00Z").await;
        assert_eq!((days[0].came_in, days[0].measured, days[0].timely), (3, 0, 0));
        let days = counted(&db, entity, "2026-10-31T12:15:00Z").await;
        assert_eq!((days[0].came_in, days[0].measured, days[0].timely), (3, 3, 1));
    }
}
