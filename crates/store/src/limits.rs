//! How much a person may do alone: per entity and currency, added up over the day and over every kind of act.

use crate::{Conn, Result};
use chrono::{DateTime, NaiveTime, Utc};
use domain::id::EntityId;
use rust_decimal::Decimal;

/// Money that an act moves in an entity and currency.
#[derive(Debug, Clone)]
pub struct Reach {
    pub entity_id: EntityId,
    pub currency: String,
    pub amount: Decimal,
}

/// Something that a person does.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub person: &'a str,
    /// `resolve`, `mapping`, `replay`, `correct`.
    pub act: &'static str,
    pub subject: &'a str,
    pub at: DateTime<Utc>,
}

/// Uses up the person's limits for an act, or none of them: `false` when one of them is too small, so that a second person
/// has to decide.
pub async fn use_up(conn: &mut Conn, act: Act<'_>, reaches: &[Reach]) -> Result<bool> {
    for reach in reaches {
        if reach.amount > left(conn, reach.entity_id, &reach.currency, act.person, act.at).await? {
            return Ok(false);
        }
    }
    let entities: Vec<uuid::Uuid> = reaches.iter().map(|reach| reach.entity_id.0).collect();
    let currencies: Vec<&str> = reaches.iter().map(|reach| reach.currency.as_str()).collect();
    let amounts: Vec<Decimal> = reaches.iter().map(|reach| reach.amount).collect();
    sqlx::query!(
        "insert into limit_use (entity_id, currency, amount, person, act, subject, used_at)
        select entity_id, currency, amount, $4, $5, $6, $7 from unnest($1::uuid[], $2::text[], $3::numeric[]) r (entity_id, currency, amount)",
        &entities,
        &currencies as &[&str],
        &amounts,
        act.person,
        act.act,
        act.subject,
        act.at
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// What is left of a person's limit in an entity and currency on the day of `at`, which begins at midnight UTC. Locks the limit, so
/// that two acts at once can't both use the same rest.
pub async fn left(conn: &mut Conn, entity: EntityId, currency: &str, person: &str, at: DateTime<Utc>) -> Result<Decimal> {
    let limit =
        sqlx::query_scalar!("select amount from approval_limit where entity_id = $1 and currency = $2 for update", entity.0, currency)
            .fetch_optional(&mut *conn)
            .await?
            .unwrap_or_default();
    let used = sqlx::query_scalar!(
        r#"select coalesce(sum(amount), 0) as "used!" from limit_use
        where entity_id = $1 and currency = $2 and person = $3 and used_at >= $4"#,
        entity.0,
        currency,
        person,
        at.date_naive().and_time(NaiveTime::MIN).and_utc()
    )
    .fetch_one(conn)
    .await?;
    Ok(limit - used)
}

pub async fn set(conn: &mut Conn, entity: EntityId, currency: &str, amount: Decimal) -> Result<()> {
    sqlx::query!(
        "insert into approval_limit (entity_id, currency, amount) values ($1, $2, $3) on conflict (entity_id, currency) do update set amount = $3",
        entity.0,
        currency,
        amount
    )
    .execute(conn)
    .await?;
    Ok(())
}
