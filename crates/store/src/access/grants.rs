//! Roles in entities: held, asked for, and who let them in.

use super::users::{expect_one, role_of};
use crate::{Conn, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    access::{Grant, ReviewRow, Role},
    approval::GrantRequest,
    id::{EntityId, GrantRequestId, UserId},
    seal::{Canonical, hex},
};

/// Who gave a role, and who let it in: nobody where the command line gave it.
pub struct Given<'a> {
    pub by: &'a str,
    pub at: DateTime<Utc>,
    pub approved: Option<(&'a str, DateTime<Utc>)>,
}

pub async fn insert(conn: &mut Conn, user: UserId, grant: &Grant, given: &Given<'_>) -> Result<()> {
    let (approved_by, approved_at) = given.approved.unzip();
    sqlx::query!(
        "insert into role_grant (user_id, role, entity_id, granted_by, granted_at, approved_by, approved_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        user.0,
        grant.role.as_str(),
        grant.entity_id.0,
        given.by,
        given.at,
        approved_by,
        approved_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn delete(conn: &mut Conn, user: UserId, grant: &Grant) -> Result<()> {
    let done = sqlx::query!(
        "delete from role_grant where user_id = $1 and role = $2 and entity_id = $3",
        user.0,
        grant.role.as_str(),
        grant.entity_id.0
    )
    .execute(conn)
    .await?;
    expect_one(done.rows_affected())
}

/// Asks for a role; `false` when it waits already.
pub async fn request(conn: &mut Conn, id: GrantRequestId, user: UserId, grant: &Grant, by: &str, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!(
        "insert into grant_request (request_id, user_id, role, entity_id, requested_by, requested_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (user_id, role, entity_id) where decision is null do nothing",
        id.0,
        user.0,
        grant.role.as_str(),
        grant.entity_id.0,
        by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Holds off other changes of the person that a request is about until the caller commits.
pub async fn lock_person(conn: &mut Conn, id: GrantRequestId) -> Result<()> {
    sqlx::query!("select from person p join grant_request r using (user_id) where r.request_id = $1 for update of p", id.0)
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// What waits in these entities, oldest first; all of it, or one request.
pub async fn waiting(conn: &mut Conn, scope: &Scope, one: Option<GrantRequestId>, limit: i64) -> Result<Vec<GrantRequest>> {
    let rows = sqlx::query!(
        r#"select r.request_id as "request_id: GrantRequestId", r.user_id as "user_id: UserId", p.email, p.name, r.role,
            r.entity_id as "entity_id: EntityId", e.code, r.requested_by, r.requested_at,
            array(select g.role from role_grant g where g.user_id = r.user_id and g.entity_id = r.entity_id order by g.role) as "held!"
        from grant_request r join person p using (user_id) join entity e using (entity_id)
        where r.decision is null and r.entity_id = any($1) and ($2::uuid is null or r.request_id = $2)
        order by r.requested_at, r.request_id limit $3"#,
        &scope.ids(),
        one.map(|id| id.0),
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let held: Result<Vec<Role>> = row.held.iter().map(|role| role_of(row.user_id, role)).collect();
            let asked = [row.request_id.to_string(), row.user_id.to_string(), row.role.clone(), row.entity_id.to_string()];
            let shown = asked.iter().chain(&row.held).fold(Canonical::new("grant request"), |hash, text| hash.text(text));
            Ok(GrantRequest {
                role: role_of(row.user_id, &row.role)?,
                request_id: row.request_id,
                user_id: row.user_id,
                email: row.email,
                name: row.name,
                entity_id: row.entity_id,
                entity_code: row.code,
                shown: hex(&shown.finish()),
                held: held?,
                requested_by: row.requested_by,
                requested_at: row.requested_at,
            })
        })
        .collect()
}

/// A second administrator's decision.
pub struct Decision<'a> {
    pub approve: bool,
    pub by: &'a str,
    pub at: DateTime<Utc>,
    pub comment: Option<&'a str>,
    /// As [`GrantRequest::shown`].
    pub shown: &'a str,
}

/// Conflicts on `granter_is_not_approver` when somebody decides his own.
pub async fn decide(conn: &mut Conn, id: GrantRequestId, decision: &Decision<'_>) -> Result<()> {
    let done = sqlx::query!(
        "update grant_request set decision = $2, decided_by = $3, decided_at = $4, comment = $5, shown_hash = decode($6, 'hex')
         where request_id = $1 and decision is null",
        id.0,
        if decision.approve { "approved" } else { "refused" },
        decision.by,
        decision.at,
        decision.comment,
        decision.shown
    )
    .execute(conn)
    .await?;
    expect_one(done.rows_affected())
}

/// Nobody decides about a person who left; returns how many requests waited.
pub async fn void_of(conn: &mut Conn, user: UserId, by: &str, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "update grant_request set decision = 'void', decided_by = $2, decided_at = $3 where user_id = $1 and decision is null",
        user.0,
        by,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Every grant of these entities, in the order of an access review; of everybody, or of one person.
pub async fn review(conn: &mut Conn, scope: &Scope, one: Option<UserId>) -> Result<Vec<ReviewRow>> {
    let rows = sqlx::query!(
        r#"select p.user_id as "user_id: UserId", p.email, p.name, p.deactivated_at is null as "active!", g.role,
                  e.entity_id as "entity_id: EntityId", e.code, g.granted_by, g.granted_at, g.approved_by, g.approved_at, p.last_login_at
           from role_grant g join person p using (user_id) join entity e using (entity_id)
           where g.entity_id = any ($1) and ($2::uuid is null or g.user_id = $2) order by p.email, e.code, g.role"#,
        &scope.ids(),
        one.map(|user| user.0)
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ReviewRow {
                role: role_of(row.user_id, &row.role)?,
                email: row.email,
                name: row.name,
                active: row.active,
                entity_id: row.entity_id,
                entity_code: row.code,
                granted_by: row.granted_by,
                granted_at: row.granted_at,
                approved_by: row.approved_by,
                approved_at: row.approved_at,
                last_login_at: row.last_login_at,
            })
        })
        .collect()
}
