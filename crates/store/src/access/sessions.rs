//! Browser sessions. A row outlives neither the idle nor the absolute limit, both counted on the clock handed in.

use crate::{Conn, Result};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{id::UserId, seal::Hash};
use serde_json::Value;

/// How long a session may rest, and how long it may last at all.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub idle: TimeDelta,
    pub absolute: TimeDelta,
}

/// Seen times are written at most this often: one write a minute, not one per request.
const SEEN_GRAIN: TimeDelta = TimeDelta::seconds(60);

/// Inserts a new session; `false` when the id is taken.
pub async fn insert(conn: &mut Conn, hash: &Hash, user: Option<UserId>, data: &Value, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "insert into session (session_hash, user_id, data, created_at, seen_at) values ($1, $2, $3, $4, $4)
         on conflict do nothing",
        &hash[..],
        user.map(|id| id.0),
        data,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the data; a session that was ended meanwhile stays ended.
pub async fn update(conn: &mut Conn, hash: &Hash, user: Option<UserId>, data: &Value, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update session set user_id = $2, data = $3, seen_at = $4 where session_hash = $1",
        &hash[..],
        user.map(|id| id.0),
        data,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The data of a session within its limits; notes that it was seen.
pub async fn find(conn: &mut Conn, hash: &Hash, limits: SessionLimits, now: DateTime<Utc>) -> Result<Option<Value>> {
    let found = sqlx::query!(
        "select data, seen_at from session where session_hash = $1 and seen_at > $2 and created_at > $3",
        &hash[..],
        now - limits.idle,
        now - limits.absolute
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(found) = found else { return Ok(None) };
    if now - found.seen_at >= SEEN_GRAIN {
        sqlx::query!("update session set seen_at = greatest(seen_at, $2) where session_hash = $1", &hash[..], now).execute(conn).await?;
    }
    Ok(Some(found.data))
}

/// Whether a session is within its limits. Looking does not keep it alive: a page that only stays open must not.
pub async fn lives(conn: &mut Conn, hash: &Hash, limits: SessionLimits, now: DateTime<Utc>) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from session where session_hash = $1 and seen_at > $2 and created_at > $3) as "lives!""#,
        &hash[..],
        now - limits.idle,
        now - limits.absolute
    )
    .fetch_one(conn)
    .await?)
}

pub async fn delete(conn: &mut Conn, hash: &Hash) -> Result<()> {
    sqlx::query!("delete from session where session_hash = $1", &hash[..]).execute(conn).await?;
    Ok(())
}

/// Ends every session of a person; how many there were.
pub async fn delete_of(conn: &mut Conn, user: UserId) -> Result<u64> {
    Ok(sqlx::query!("delete from session where user_id = $1", user.0).execute(conn).await?.rows_affected())
}

/// Removes what has expired.
pub async fn sweep(conn: &mut Conn, limits: SessionLimits, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!("delete from session where seen_at <= $1 or created_at <= $2", now - limits.idle, now - limits.absolute)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
