//! Settlement details reports that were announced.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::id::GatewayAccountId;

/// A report that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    pub report: String,
    pub address: String,
}

/// Keeps a report that was announced. One that was refused is to be read again; one that was taken stays taken.
pub async fn announce(conn: &mut Conn, account: GatewayAccountId, new: &Announced, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into gateway_report as r (gateway_account_id, report, address, announced_at) values ($1, $2, $3, $4)
        on conflict (gateway_account_id, report) do update set address = excluded.address, announced_at = excluded.announced_at, refused = null
        where r.taken_at is null",
        account.0,
        new.report,
        new.address,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reports to be read, in the order in which they were announced.
pub async fn to_read(conn: &mut Conn, account: GatewayAccountId) -> Result<Vec<Announced>> {
    Ok(sqlx::query_as!(
        Announced,
        "select report, address from gateway_report where gateway_account_id = $1 and taken_at is null and refused is null
        order by announced_at, report",
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// All rows of a report are here.
pub async fn taken(conn: &mut Conn, account: GatewayAccountId, report: &str, movements: usize, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update gateway_report set taken_at = $3, movements = $4 where gateway_account_id = $1 and report = $2 and taken_at is null",
        account.0,
        report,
        at,
        i64::try_from(movements).unwrap_or(i64::MAX)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing of a report was taken.
pub async fn refuse(conn: &mut Conn, account: GatewayAccountId, report: &str, why: &str) -> Result<()> {
    sqlx::query!(
        "update gateway_report set refused = $3 where gateway_account_id = $1 and report = $2 and taken_at is null",
        account.0,
        report,
        why
    )
    .execute(conn)
    .await?;
    Ok(())
}
