//! People and what they were granted.

use crate::{Conn, Error, Result};
use chrono::{DateTime, Utc};
use domain::{
    access::{Caller, Grant, Role, UserRow},
    id::{EntityId, UserId},
};

/// What sign-in needs to know. Never leaves the server.
pub struct Credentials {
    pub user_id: UserId,
    pub email: String,
    pub password_hash: String,
    pub totp_required: bool,
    /// Encrypted.
    pub totp_secret: Option<Vec<u8>>,
    pub totp_confirmed: bool,
}

pub struct NewUser<'a> {
    pub user_id: UserId,
    pub email: &'a str,
    pub name: &'a str,
    pub password_hash: &'a str,
    pub totp_required: bool,
    pub created_by: &'a str,
    pub created_at: DateTime<Utc>,
}

/// Conflicts on `person_email`.
pub async fn insert(conn: &mut Conn, user: &NewUser<'_>) -> Result<()> {
    sqlx::query!(
        "insert into person (user_id, email, name, password_hash, totp_required, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7)",
        user.user_id.0,
        user.email,
        user.name,
        user.password_hash,
        user.totp_required,
        user.created_at,
        user.created_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an active person has this e-mail.
pub async fn is_active(conn: &mut Conn, email: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"select exists (select from person where email = $1 and deactivated_at is null) as "active!""#, email)
        .fetch_one(conn)
        .await?)
}

/// An active person by e-mail.
pub async fn credentials_by_email(conn: &mut Conn, email: &str) -> Result<Option<Credentials>> {
    let row = sqlx::query_as!(
        Credentials,
        r#"select user_id as "user_id: UserId", email, password_hash, totp_required, totp_secret,
                  totp_confirmed_at is not null as "totp_confirmed!"
           from person where email = $1 and deactivated_at is null"#,
        email
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// An active person by id.
pub async fn credentials(conn: &mut Conn, user: UserId) -> Result<Option<Credentials>> {
    let row = sqlx::query_as!(
        Credentials,
        r#"select user_id as "user_id: UserId", email, password_hash, totp_required, totp_secret,
                  totp_confirmed_at is not null as "totp_confirmed!"
           from person where user_id = $1 and deactivated_at is null"#,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub async fn set_password(conn: &mut Conn, user: UserId, password_hash: &str) -> Result<()> {
    let done = sqlx::query!("update person set password_hash = $2 where user_id = $1 and deactivated_at is null", user.0, password_hash)
        .execute(conn)
        .await?;
    expect_one(done.rows_affected())
}

/// Keeps a fresh secret until a code of it confirms it. Refuses when another one is confirmed already.
pub async fn enrol_totp(conn: &mut Conn, user: UserId, secret: &[u8]) -> Result<()> {
    let done = sqlx::query!(
        "update person set totp_secret = $2 where user_id = $1 and totp_confirmed_at is null and deactivated_at is null",
        user.0,
        secret
    )
    .execute(conn)
    .await?;
    expect_one(done.rows_affected())
}

/// Uses up a time step; `false` when it or a later one was used before.
pub async fn use_totp_step(conn: &mut Conn, user: UserId, step: i64, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "update person set totp_step_last = $2, totp_confirmed_at = coalesce(totp_confirmed_at, $3)
         where user_id = $1 and deactivated_at is null and (totp_step_last is null or totp_step_last < $2)",
        user.0,
        step,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The person enrols again at the next sign-in.
pub async fn reset_totp(conn: &mut Conn, user: UserId) -> Result<()> {
    let done =
        sqlx::query!("update person set totp_secret = null, totp_confirmed_at = null, totp_step_last = null where user_id = $1", user.0)
            .execute(conn)
            .await?;
    expect_one(done.rows_affected())
}

pub async fn note_login(conn: &mut Conn, user: UserId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update person set last_login_at = $2 where user_id = $1", user.0, now).execute(conn).await?;
    Ok(())
}

/// `false` when the person was deactivated before.
pub async fn deactivate(conn: &mut Conn, user: UserId, by: &str, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "update person set deactivated_at = $2, deactivated_by = $3 where user_id = $1 and deactivated_at is null",
        user.0,
        now,
        by
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Holds off other changes of this person until the caller commits.
pub async fn lock(conn: &mut Conn, user: UserId) -> Result<()> {
    sqlx::query!("select user_id from person where user_id = $1 for update", user.0).fetch_optional(conn).await?;
    Ok(())
}

/// An active person with all grants.
pub async fn caller(conn: &mut Conn, user: UserId) -> Result<Option<Caller>> {
    let rows = sqlx::query!(
        r#"select p.email, p.name, g.role as "role?: String", g.entity_id as "entity_id?: EntityId"
           from person p left join role_grant g using (user_id)
           where p.user_id = $1 and p.deactivated_at is null
           order by g.role, g.entity_id"#,
        user.0
    )
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let (email, name) = (first.email.clone(), first.name.clone());
    let mut grants = Vec::new();
    for row in rows {
        if let (Some(role), Some(entity_id)) = (row.role, row.entity_id) {
            grants.push(Grant { role: role_of(user, &role)?, entity_id });
        }
    }
    Ok(Some(Caller { user_id: user, email, name, grants }))
}

/// People on one page of the list.
const PAGE: i64 = 200;

/// Everybody, the deactivated last; after the e-mail given.
pub async fn list(conn: &mut Conn, after: Option<&str>) -> Result<Vec<UserRow>> {
    let rows = sqlx::query!(
        r#"select p.user_id as "user_id: UserId", p.email, p.name, p.totp_required, p.totp_confirmed_at is not null as "enrolled!",
                  p.last_login_at, p.deactivated_at,
                  array_agg(g.role) filter (where g.role is not null) as roles,
                  array_agg(g.entity_id) filter (where g.role is not null) as "entities: Vec<EntityId>"
           from person p left join role_grant g using (user_id)
           where ($1::text is null or p.email > $1)
           group by p.user_id order by p.email limit $2"#,
        after,
        PAGE
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let pairs = row.roles.unwrap_or_default().into_iter().zip(row.entities.unwrap_or_default());
            let grants: Result<Vec<Grant>> =
                pairs.map(|(role, entity_id)| Ok(Grant { role: role_of(row.user_id, &role)?, entity_id })).collect();
            Ok(UserRow {
                user_id: row.user_id,
                email: row.email,
                name: row.name,
                totp_required: row.totp_required,
                enrolled: row.enrolled,
                last_login_at: row.last_login_at,
                active: row.deactivated_at.is_none(),
                grants: grants?,
            })
        })
        .collect()
}

pub(super) fn role_of(user: UserId, word: &str) -> Result<Role> {
    word.parse().map_err(|error: domain::UnknownWord| Error::Corrupt {
        table: "role_grant",
        column: "role",
        id: user.to_string(),
        why: error.to_string(),
    })
}

pub(super) fn expect_one(actual: u64) -> Result<()> {
    if actual == 1 { Ok(()) } else { Err(Error::RowsAffected { expected: 1, actual }) }
}
