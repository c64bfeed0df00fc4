//! Settlement details reports that were announced.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::id::GatewayAccountId;
use uuid::Uuid;

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
        on conflict (gateway_account_id, report) do update set address = excluded.address, announced_at = excluded.announced_at,
            refused_at = null
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
        "select report, address from gateway_report where gateway_account_id = $1 and taken_at is null and refused_at is null
        order by announced_at, report",
        account.0
    )
    .fetch_all(conn)
    .await?)
}

/// A report that was read, and the file that it was.
#[derive(Debug, Clone, Copy)]
pub struct ReadReport<'a> {
    pub account: GatewayAccountId,
    pub report: &'a str,
    pub intake_id: Uuid,
    pub at: DateTime<Utc>,
}

/// All rows of a report are here.
pub async fn taken(conn: &mut Conn, read: ReadReport<'_>, movements: usize) -> Result<()> {
    sqlx::query!(
        "update gateway_report set taken_at = $3, movements = $4, intake_id = $5
        where gateway_account_id = $1 and report = $2 and taken_at is null",
        read.account.0,
        read.report,
        read.at,
        i64::try_from(movements).unwrap_or(i64::MAX),
        read.intake_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing of a report was taken; why, the file says that it was.
pub async fn refuse(conn: &mut Conn, read: ReadReport<'_>) -> Result<()> {
    sqlx::query!(
        "update gateway_report set refused_at = $3, intake_id = $4 where gateway_account_id = $1 and report = $2 and taken_at is null",
        read.account.0,
        read.report,
        read.at,
        read.intake_id
    )
    .execute(conn)
    .await?;
    Ok(())
}
