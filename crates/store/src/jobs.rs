//! The queue of background work and its schedules. Leases are in database time, everything else in business time.

use crate::{Conn, Error, Pool, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::JobId,
    job::{JobError, JobKind, JobState, JobView},
};
use serde_json::json;

/// Work to be put into the queue.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    pub job_id: JobId,
    pub kind: JobKind,
    /// What it is about; empty: everything.
    pub subject: &'a str,
    pub run_at: DateTime<Utc>,
    pub created_by: &'a str,
}

/// A job in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub job_id: JobId,
    pub kind: JobKind,
    pub subject: String,
    /// Fences completion: a worker that lost its lease finds another number here.
    pub attempt: i32,
    pub attempts_max: i32,
    pub started_at: DateTime<Utc>,
}

/// Puts a job into the queue in the caller's transaction. An unfinished one of the same kind and subject takes its place and
/// comes no later than asked; one that is running right now is left alone. Returns the job that will do it.
pub async fn enqueue(conn: &mut Conn, new: &NewJob<'_>, now: DateTime<Utc>) -> Result<JobId> {
    Ok(sqlx::query_scalar!(
        r#"insert into job as j (job_id, kind, subject, state, attempts_max, run_at, created_by, created_at)
        values ($1, $2, $3, 'available', $4, $5, $6, $7)
        on conflict (kind, subject) where state in ('available', 'running', 'retryable')
            do update set run_at = case when j.state = 'running' then j.run_at else least(j.run_at, excluded.run_at) end
        returning job_id as "job_id: JobId""#,
        new.job_id.0,
        new.kind.as_str(),
        new.subject,
        new.kind.attempts_max(),
        new.run_at,
        new.created_by,
        now
    )
    .fetch_one(conn)
    .await?)
}

/// Takes the job that is due longest, under a lease. The choice is materialized: as a subquery a nested loop would make it once
/// per row of the table, and take them all.
pub async fn claim(conn: &mut Conn, worker: &str, lease_seconds: i32, now: DateTime<Utc>) -> Result<Option<Claimed>> {
    Ok(sqlx::query_as!(
        Claimed,
        r#"with due as materialized (
            select job_id from job where state in ('available', 'retryable') and run_at <= $3
            order by run_at, job_id limit 1 for update skip locked
        )
        update job j set state = 'running', attempt = j.attempt + 1, worker = $1, started_at = $3, duration_ms = null,
            lease_expires_at = clock_timestamp() + $2::integer * interval '1 second'
        from due where j.job_id = due.job_id
        returning j.job_id as "job_id: JobId", j.kind as "kind: JobKind", j.subject, j.attempt, j.attempts_max, j.started_at as "started_at!""#,
        worker,
        lease_seconds,
        now
    )
    .fetch_optional(conn)
    .await?)
}

/// Prolongs a lease; `false`: it is lost.
pub async fn extend(pool: &Pool, claimed: &Claimed, lease_seconds: i32) -> Result<bool> {
    let done = sqlx::query!(
        "update job set lease_expires_at = clock_timestamp() + $3::integer * interval '1 second'
        where job_id = $1 and attempt = $2 and state = 'running'",
        claimed.job_id.0,
        claimed.attempt,
        lease_seconds
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How an attempt went.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub at: DateTime<Utc>,
    pub duration_ms: i64,
}

/// Completes a job in the transaction that holds its effects. A worker that lost its lease gets an error and commits nothing.
pub async fn complete(conn: &mut Conn, claimed: &Claimed, result: &str, ended: Ended) -> Result<()> {
    let done = sqlx::query!(
        "update job set state = 'completed', lease_expires_at = null, finished_at = $3, duration_ms = $4, result = $5
        where job_id = $1 and attempt = $2 and state = 'running'",
        claimed.job_id.0,
        claimed.attempt,
        ended.at,
        ended.duration_ms,
        result
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

/// Ends an attempt that did a part of its job; the next one is not before `run_at`, and is not a try again.
pub async fn put_off(conn: &mut Conn, claimed: &Claimed, result: &str, run_at: DateTime<Utc>, ended: Ended) -> Result<()> {
    let done = sqlx::query!(
        "update job set state = 'available', attempts_max = attempts_max + 1, run_at = $3, lease_expires_at = null, duration_ms = $4, result = $5
        where job_id = $1 and attempt = $2 and state = 'running'",
        claimed.job_id.0,
        claimed.attempt,
        run_at,
        ended.duration_ms,
        result
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

/// A failed attempt: tried again at `retry_at`, or discarded when there is none. The error is kept either way.
pub async fn fail(conn: &mut Conn, claimed: &Claimed, error: &str, retry_at: Option<DateTime<Utc>>, ended: Ended) -> Result<()> {
    let kept = json!([JobError { attempt: claimed.attempt, at: ended.at, error: error.to_owned() }]);
    let done = sqlx::query!(
        "update job set state = case when $3::timestamptz is null then 'discarded' else 'retryable' end, run_at = coalesce($3, run_at),
            lease_expires_at = null, finished_at = case when $3 is null then $4::timestamptz end, duration_ms = $5, result = $6,
            errors = errors || $7::jsonb
        where job_id = $1 and attempt = $2 and state = 'running'",
        claimed.job_id.0,
        claimed.attempt,
        retry_at,
        ended.at,
        ended.duration_ms,
        error,
        kept
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

fn held(rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(Error::RowsAffected { expected: 1, actual: rows }) }
}

/// Gives back jobs whose worker died or stood still; one without attempts left is discarded. Returns how many there were.
pub async fn sweep(conn: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "update job j set state = case when attempt < attempts_max then 'retryable' else 'discarded' end, run_at = $1::timestamptz, lease_expires_at = null,
            finished_at = case when attempt < attempts_max then null else $1::timestamptz end, result = $2::text,
            errors = errors || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', $1::timestamptz, 'error', $2::text))
        from (
            select job_id from job where state = 'running' and lease_expires_at < clock_timestamp() order by job_id for update skip locked
        ) lost where j.job_id = lost.job_id",
        now,
        LEASE_LOST
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

const LEASE_LOST: &str = "the worker's lease ended without a result";

/// Makes sure that a schedule is there and as given; a changed one starts anew at `next_run_at`.
pub async fn put_schedule(conn: &mut Conn, kind: JobKind, cron: &str, next_run_at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into schedule as s (kind, cron, next_run_at) values ($1, $2, $3)
        on conflict (kind) do update set cron = excluded.cron, next_run_at = excluded.next_run_at where s.cron <> excluded.cron",
        kind.as_str(),
        cron,
        next_run_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub kind: JobKind,
    pub cron: String,
    pub next_run_at: DateTime<Utc>,
    pub enabled: bool,
}

/// Schedules whose time has come, locked: whoever holds them starts their jobs and moves them on before it commits.
pub async fn due_schedules(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Schedule>> {
    Ok(sqlx::query_as!(
        Schedule,
        r#"select kind as "kind: JobKind", cron, next_run_at, enabled from schedule where enabled and next_run_at <= $1
        order by kind for update skip locked"#,
        now
    )
    .fetch_all(conn)
    .await?)
}

/// Moves a schedule on, if nobody else did.
pub async fn advance(conn: &mut Conn, schedule: &Schedule, next_run_at: DateTime<Utc>) -> Result<()> {
    let done = sqlx::query!(
        "update schedule set next_run_at = $3 where kind = $1 and next_run_at = $2",
        schedule.kind.as_str(),
        schedule.next_run_at,
        next_run_at
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

pub async fn schedules(pool: &Pool) -> Result<Vec<Schedule>> {
    Ok(sqlx::query_as!(Schedule, r#"select kind as "kind: JobKind", cron, next_run_at, enabled from schedule order by kind"#)
        .fetch_all(pool)
        .await?)
}

/// The last jobs of a kind, newest first.
pub async fn last_runs(pool: &Pool, kind: JobKind, limit: i64) -> Result<Vec<JobView>> {
    let rows = sqlx::query!(
        r#"select job_id as "job_id: JobId", kind as "kind: JobKind", subject, state as "state: JobState", attempt, attempts_max, run_at,
            created_by, started_at, finished_at, duration_ms, result, errors
        from job where kind = $1 order by created_at desc, job_id desc limit $2"#,
        kind.as_str(),
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let errors = serde_json::from_value(row.errors).map_err(|error| Error::Corrupt {
                table: "job",
                column: "errors",
                id: row.job_id.to_string(),
                why: error.to_string(),
            })?;
            Ok(JobView {
                job_id: row.job_id,
                kind: row.kind,
                subject: row.subject,
                state: row.state,
                attempt: row.attempt,
                attempts_max: row.attempts_max,
                run_at: row.run_at,
                created_by: row.created_by,
                started_at: row.started_at,
                finished_at: row.finished_at,
                duration_ms: row.duration_ms,
                result: row.result,
                errors,
            })
        })
        .collect()
}

/// Removes completed jobs that finished before; discarded ones stay. Returns how many.
pub async fn forget_completed(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64> {
    Ok(sqlx::query!("delete from job where state = 'completed' and finished_at < $1", before).execute(conn).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::database;
    use uuid::Uuid;

    #[tokio::test(flavor = "multi_thread")]
    async fn whatever_the_plan_a_claim_takes_one_job() {
        let (db, now) = (database().await, DateTime::UNIX_EPOCH);
        let mut tx = db.pool.begin().await.unwrap();
        for subject in ["a", "b", "c", "d", "e"] {
            let new = NewJob { job_id: JobId(Uuid::now_v7()), kind: JobKind::ReadBack, subject, run_at: now, created_by: "test" };
            enqueue(&mut tx, &new, now).await.unwrap();
            if subject == "a" {
                // the planner goes on believing that there is one
                sqlx::query!("analyze job").execute(&mut *tx).await.unwrap();
            }
        }
        assert!(claim(&mut tx, "w", 60, now).await.unwrap().is_some());
        let running =
            sqlx::query_scalar!(r#"select count(*) as "count!" from job where state = 'running'"#).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(running, 1);
    }
}
