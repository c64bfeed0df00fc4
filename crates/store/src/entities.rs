//! Legal entities and their accounting periods.

use crate::{Conn, Result};
use domain::{id::EntityId, period::AccountingPeriod, view::EntityView};

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

/// Opens a period, or says what became of it: `open`, `soft_closed`, `hard_closed`.
pub async fn set_period(conn: &mut Conn, entity: EntityId, period: AccountingPeriod, state: &str) -> Result<()> {
    sqlx::query!(
        "insert into accounting_period (entity_id, period, state) values ($1, $2, $3)
        on conflict (entity_id, period) do update set state = excluded.state",
        entity.0,
        period.to_string(),
        state
    )
    .execute(conn)
    .await?;
    Ok(())
}
