//! Login throttling. A try is counted before the password is looked at, so guesses made in parallel count too.

use crate::{Conn, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// Counts a try; how many there are in the current window, this one included.
pub async fn count(conn: &mut Conn, key: &str, window: TimeDelta, now: DateTime<Utc>) -> Result<i32> {
    let attempts = sqlx::query_scalar!(
        "insert into login_throttle as t (key, attempts, window_started_at) values ($1, 1, $2)
         on conflict (key) do update set
            attempts = case when t.window_started_at <= $3 then 1 else t.attempts + 1 end,
            window_started_at = case when t.window_started_at <= $3 then $2 else t.window_started_at end
         returning attempts",
        key,
        now,
        now - window
    )
    .fetch_one(conn)
    .await?;
    Ok(attempts)
}

/// Success: forgets the tries under this key.
pub async fn forget(conn: &mut Conn, key: &str) -> Result<()> {
    sqlx::query!("delete from login_throttle where key = $1", key).execute(conn).await?;
    Ok(())
}

/// Success: takes back one try, where other people share the key.
pub async fn take_back(conn: &mut Conn, key: &str) -> Result<()> {
    sqlx::query!("update login_throttle set attempts = greatest(attempts - 1, 0) where key = $1", key).execute(conn).await?;
    Ok(())
}

/// Removes windows that are over.
pub async fn sweep(conn: &mut Conn, window: TimeDelta, now: DateTime<Utc>) -> Result<u64> {
    Ok(sqlx::query!("delete from login_throttle where window_started_at <= $1", now - window).execute(conn).await?.rows_affected())
}
