//! Legal entities and their accounting periods.

use crate::{Conn, Result};
use domain::{
    id::EntityId,
    period::{AccountingPeriod, PeriodState},
    view::EntityView,
};
use std::collections::HashMap;

/// All of them, by code. There are dozens at most.
pub async fn list(conn: &mut Conn) -> Result<Vec<EntityView>> {
    let rows = sqlx::query_as!(
        EntityView,
        r#"select entity_id as "entity_id: EntityId", code, name, functional_currency, time_zone from entity order by code"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Code and country of an entity.
pub async fn home(conn: &mut Conn, entity: EntityId) -> Result<(String, String)> {
    let row = sqlx::query!("select code, country from entity where entity_id = $1", entity.0).fetch_one(conn).await?;
    Ok((row.code, row.country))
}

/// A legal entity to be set up.
#[derive(Debug, Clone, Copy)]
pub struct NewEntity<'a> {
    pub entity_id: EntityId,
    pub code: &'a str,
    pub name: &'a str,
    /// ISO 3166 alpha-2.
    pub country: &'a str,
    pub functional_currency: &'a str,
    /// IANA name.
    pub time_zone: &'a str,
}

pub async fn insert(conn: &mut Conn, new: &NewEntity<'_>) -> Result<()> {
    sqlx::query!(
        "insert into entity (entity_id, code, name, country, functional_currency, time_zone) values ($1, $2, $3, $4, $5, $6)",
        new.entity_id.0,
        new.code,
        new.name,
        new.country,
        new.functional_currency,
        new.time_zone
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The entity's periods of which something was said; any other is open.
pub async fn periods(conn: &mut Conn, entity: EntityId) -> Result<HashMap<AccountingPeriod, PeriodState>> {
    let rows = sqlx::query!(
        r#"select period as "period: AccountingPeriod", state as "state: PeriodState" from accounting_period where entity_id = $1"#,
        entity.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.period, row.state)).collect())
}

/// Opens a period, or says what became of it.
pub async fn set_period(conn: &mut Conn, entity: EntityId, period: AccountingPeriod, state: PeriodState) -> Result<()> {
    sqlx::query!(
        "insert into accounting_period (entity_id, period, state) values ($1, $2, $3)
        on conflict (entity_id, period) do update set state = excluded.state",
        entity.0,
        period.to_string(),
        state.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}
