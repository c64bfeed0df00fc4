//! What only a furnished company needs: to begin again after an interruption, and to know how far its clock may jump.

use crate::{Conn, Pool, Result};
use chrono::{DateTime, Utc};
use domain::id::{ConnectionId, GatewayAccountId};

/// When the next posting may be sent or probed; `None`: nothing waits.
pub async fn next_due(pool: &Pool) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!("select min(due_at) from posting where work in ('send', 'probe')").fetch_one(pool).await?)
}

/// What the planner believes of the tables. Months pass here faster than the server's own look at them.
pub async fn refresh_statistics(pool: &Pool) -> Result<()> {
    sqlx::raw_sql("analyze").execute(pool).await?;
    Ok(())
}

/// A connection's account is elsewhere, with other credentials and room for so many calls at once.
pub async fn set_access(conn: &mut Conn, connection: ConnectionId, settings: &serde_json::Value, secrets: &[u8], slots: i32) -> Result<()> {
    sqlx::query!(
        "update erp_connection set settings = $2, secrets = $3, slots = $4, slots_now = least(slots_now, $4) where connection_id = $1",
        connection.0,
        settings,
        secrets,
        slots
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A gateway account is elsewhere, with other keys.
pub async fn set_gateway(conn: &mut Conn, account: GatewayAccountId, settings: &serde_json::Value, secrets: &[u8]) -> Result<()> {
    sqlx::query!("update gateway_account set settings = $2, secrets = $3 where gateway_account_id = $1", account.0, settings, secrets)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes everything, for a company that was not finished, and makes the schema anew.
pub async fn begin_again(pool: &Pool) -> Result<()> {
    sqlx::raw_sql("drop schema public cascade; create schema public").execute(pool).await?;
    // prepared statements name tables that are gone
    renew(pool).await?;
    crate::migrate(pool).await
}

/// Lets commits return before they are on disk: what is being made would be begun again after a crash anyway.
pub async fn relax(pool: &Pool) -> Result<()> {
    sqlx::raw_sql("do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$")
        .execute(pool)
        .await?;
    renew(pool).await
}

/// Ends [`relax`]: everything is on disk when this returns, and every later commit before it returns.
pub async fn harden(pool: &Pool) -> Result<()> {
    sqlx::raw_sql("do $$ begin execute format('alter database %I reset synchronous_commit', current_database()); end $$")
        .execute(pool)
        .await?;
    renew(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}

/// Replaces the idle connections: new ones see the database's new settings.
async fn renew(pool: &Pool) -> Result<()> {
    for _ in 0..pool.size() {
        pool.acquire().await?.close().await?;
    }
    Ok(())
}
