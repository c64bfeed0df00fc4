//! API keys: what a program presents instead of a person. Only hashes are kept.

use crate::{Conn, Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::Action,
    id::{EntityId, UserId},
    seal::Hash,
};
use uuid::Uuid;

pub struct NewApiKey<'a> {
    pub api_key_id: Uuid,
    pub name: &'a str,
    pub prefix: &'a str,
    pub key_hash: &'a Hash,
    pub owner_id: UserId,
    pub scopes: &'a [Action],
    pub entities: &'a [EntityId],
    pub created_at: DateTime<Utc>,
    pub created_by: &'a str,
    pub expires_at: DateTime<Utc>,
}

/// A key that may be used now.
pub struct ApiKey {
    pub api_key_id: Uuid,
    pub name: String,
    pub owner_id: UserId,
    pub scopes: Vec<Action>,
    pub entities: Vec<EntityId>,
}

/// Last use is written at most this often.
const USED_GRAIN: TimeDelta = TimeDelta::seconds(60);

/// Conflicts on `api_key_name` and `keys_never_approve`.
pub async fn insert(conn: &mut Conn, key: &NewApiKey<'_>) -> Result<()> {
    let scopes: Vec<String> = key.scopes.iter().map(|action| action.as_str().to_owned()).collect();
    let entities: Vec<Uuid> = key.entities.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into api_key (api_key_id, name, prefix, key_hash, owner_id, scopes, created_at, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.api_key_id,
        key.name,
        key.prefix,
        &key.key_hash[..],
        key.owner_id.0,
        &scopes,
        key.created_at,
        key.created_by,
        key.expires_at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("insert into api_key_entity (api_key_id, entity_id) select $1, unnest($2::uuid[])", key.api_key_id, &entities)
        .execute(conn)
        .await?;
    Ok(())
}

/// The key with this hash, unless it expired, was revoked or its owner was deactivated; notes its use.
pub async fn find(conn: &mut Conn, hash: &Hash, now: DateTime<Utc>) -> Result<Option<ApiKey>> {
    let row = sqlx::query!(
        r#"select k.api_key_id, k.name, k.owner_id as "owner_id: UserId", k.scopes, k.last_used_at,
                  array(select e.entity_id from api_key_entity e where e.api_key_id = k.api_key_id) as "entities!: Vec<EntityId>"
           from api_key k join person p on p.user_id = k.owner_id
           where k.key_hash = $1 and k.expires_at > $2 and k.revoked_at is null and p.deactivated_at is null"#,
        &hash[..],
        now
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.last_used_at.is_none_or(|used| now - used >= USED_GRAIN) {
        sqlx::query!("update api_key set last_used_at = $2 where api_key_id = $1", row.api_key_id, now).execute(conn).await?;
    }
    let scopes: std::result::Result<Vec<Action>, _> = row.scopes.iter().map(|word| word.parse()).collect();
    let scopes = scopes.map_err(|error: domain::UnknownWord| Error::Corrupt {
        table: "api_key",
        column: "scopes",
        id: row.api_key_id.to_string(),
        why: error.to_string(),
    })?;
    Ok(Some(ApiKey { api_key_id: row.api_key_id, name: row.name, owner_id: row.owner_id, scopes, entities: row.entities }))
}

/// Ends one key by name; `false` when there is no such key in use.
pub async fn revoke(conn: &mut Conn, name: &str, by: &str, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!("update api_key set revoked_at = $2, revoked_by = $3 where name = $1 and revoked_at is null", name, now, by)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every key of an owner; how many there were.
pub async fn revoke_of(conn: &mut Conn, owner: UserId, by: &str, now: DateTime<Utc>) -> Result<u64> {
    let done =
        sqlx::query!("update api_key set revoked_at = $2, revoked_by = $3 where owner_id = $1 and revoked_at is null", owner.0, now, by)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}

/// A key as it is listed.
pub struct ApiKeyRow {
    pub name: String,
    pub prefix: String,
    pub owner: String,
    pub scopes: Vec<String>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Most keys that are listed at once.
const LIST_MAX: i64 = 500;

pub async fn list(conn: &mut Conn) -> Result<Vec<ApiKeyRow>> {
    let rows = sqlx::query_as!(
        ApiKeyRow,
        "select k.name, k.prefix, p.email as owner, k.scopes, k.expires_at, k.last_used_at, k.revoked_at
         from api_key k join person p on p.user_id = k.owner_id order by k.name limit $1",
        LIST_MAX
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
