//! What people watch, and what they are told. Whoever watches reads only what is in his entities.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    access::{Action, Role},
    exception::ExceptionKind,
    id::{ExceptionId, UserId},
    mapping::MappingKind,
    notice::{NoticeKind, NoticeView},
};
use uuid::Uuid;

/// Unread ones are counted up to here.
pub const UNREAD_MAX: i64 = 100;

/// What is watched.
#[derive(Debug, Clone, Copy)]
pub enum Watched<'a> {
    Exception(ExceptionId),
    /// A fingerprint.
    Cause(&'a str),
}

impl<'a> Watched<'a> {
    fn columns(self) -> (Option<Uuid>, Option<&'a str>) {
        match self {
            Self::Exception(id) => (Some(id.0), None),
            Self::Cause(fingerprint) => (None, Some(fingerprint)),
        }
    }
}

/// Begins to watch; `false` when there is no such thing in the caller's entities.
pub async fn watch(conn: &mut Conn, user: UserId, scope: &Scope, what: Watched<'_>, at: DateTime<Utc>) -> Result<bool> {
    let (exception, fingerprint) = what.columns();
    let done = sqlx::query!(
        "insert into watch (user_id, exception_id, fingerprint, since) select $1, $2, $3, $5
        where exists (select from exception where exception_id = $2 and entity_id = any($4))
            or exists (select from cause_flow where fingerprint = $3 and entity_id = any($4))
        on conflict on constraint watched_once do update set since = watch.since",
        user.0,
        exception,
        fingerprint,
        &scope.ids(),
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn unwatch(conn: &mut Conn, user: UserId, what: Watched<'_>) -> Result<()> {
    let (exception, fingerprint) = what.columns();
    sqlx::query!("delete from watch where user_id = $1 and (exception_id = $2 or fingerprint = $3)", user.0, exception, fingerprint)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn is_watched(pool: &Pool, user: UserId, what: Watched<'_>) -> Result<bool> {
    let (exception, fingerprint) = what.columns();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from watch where user_id = $1 and (exception_id = $2 or fingerprint = $3)) as "watched!""#,
        user.0,
        exception,
        fingerprint
    )
    .fetch_one(pool)
    .await?)
}

/// Tells whoever watches or owns these exceptions, but not who did it.
pub async fn tell(
    conn: &mut Conn,
    exceptions: &[ExceptionId],
    what: NoticeKind,
    by: Option<&str>,
    note: Option<Uuid>,
    at: DateTime<Utc>,
) -> Result<()> {
    let ids: Vec<Uuid> = exceptions.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(r#"select tell($1, $2, $3, $4, $5)::text"#, &ids, what.as_str(), by, note, at).fetch_one(conn).await?;
    Ok(())
}

/// Tells those whom a note speaks to, by e-mail, its first part, or name, if they may read the exception. The same note on many is
/// told once for each cause. Returns their names.
pub async fn mention(conn: &mut Conn, notes: &[(ExceptionId, Uuid)], names: &[String], by: &str, at: DateTime<Utc>) -> Result<Vec<String>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (exceptions, notes): (Vec<Uuid>, Vec<Uuid>) = notes.iter().map(|(exception, note)| (exception.0, *note)).unzip();
    Ok(sqlx::query_scalar!(
        r#"with told as (
            insert into notice (notice_id, user_id, entity_id, what, exception_id, fingerprint, count, actor, note_id, at)
            select gen_random_uuid(), p.user_id, x.entity_id, 'mentioned', (array_agg(x.exception_id order by x.exception_id))[1], x.fingerprint,
                count(*), $4, (array_agg(n.note order by x.exception_id))[1], $5
            from unnest($1::uuid[], $2::uuid[]) n (exception_id, note) join exception x using (exception_id) join person p on p.deactivated_at is null and p.email <> $4
                and array[p.email, split_part(p.email, '@', 1), split_part(lower(p.name), ' ', 1), replace(lower(p.name), ' ', '.')] && $3
            where exists (select from role_grant g where g.user_id = p.user_id and g.entity_id = x.entity_id and g.role = any($6))
            group by p.user_id, x.entity_id, x.fingerprint
            returning user_id
        )
        select distinct name from told join person using (user_id) order by name"#,
        &exceptions,
        &notes,
        names,
        by,
        at,
        &readers() as &[&str]
    )
    .fetch_all(conn)
    .await?)
}

/// Tells a new owner what was given to him by somebody else, if he may read it.
pub async fn tell_owner(conn: &mut Conn, exceptions: &[ExceptionId], owner: &str, by: &str, at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<Uuid> = exceptions.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into notice as n (notice_id, user_id, entity_id, what, exception_id, fingerprint, count, actor, at)
        select gen_random_uuid(), p.user_id, x.entity_id, 'assigned', (array_agg(x.exception_id))[1], x.fingerprint, count(*), $3, $4
        from exception x join person p on p.email = x.owner
        where x.exception_id = any($1) and x.owner = $2 and x.closed_at is null and p.email <> $3 and p.deactivated_at is null
            and exists (select from role_grant g where g.user_id = p.user_id and g.entity_id = x.entity_id and g.role = any($5))
        group by p.user_id, x.entity_id, x.fingerprint order by 2, 3, 6
        on conflict (user_id, what, entity_id, fingerprint) where read_at is null and note_id is null do update
            set count = n.count + excluded.count, exception_id = excluded.exception_id, actor = excluded.actor, at = excluded.at",
        &ids,
        owner,
        by,
        at,
        &readers() as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Roles that may read finance rows.
fn readers() -> Vec<&'static str> {
    Role::ALL.iter().filter(|role| role.may(Action::ReadFinance)).map(|role| role.as_str()).collect()
}

/// Tells of what became late since the last sweep, each once. Returns how many exceptions that were; nothing at the first sweep.
pub async fn tell_breaches(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize> {
    let before = sqlx::query_scalar!("select swept_to from breach_sweep for update").fetch_optional(&mut *conn).await?;
    sqlx::query!("insert into breach_sweep (swept_to) values ($1) on conflict (one) do update set swept_to = excluded.swept_to", now)
        .execute(&mut *conn)
        .await?;
    let Some(before) = before else { return Ok(0) };
    let late = sqlx::query_scalar!(
        r#"select exception_id as "exception_id: ExceptionId" from exception
        where closed_at is null and entity_id in (select entity_id from entity) and due_at > $1 and due_at <= $2"#,
        before,
        now
    )
    .fetch_all(&mut *conn)
    .await?;
    tell(conn, &late, NoticeKind::Breached, None, None, now).await?;
    Ok(late.len())
}

/// How many a person has not read, up to [`UNREAD_MAX`].
pub async fn unread(conn: &mut Conn, user: UserId, scope: &Scope) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
            select from notice where user_id = $1 and read_at is null and entity_id = any($2) limit $3
        ) few"#,
        user.0,
        &scope.ids(),
        UNREAD_MAX
    )
    .fetch_one(conn)
    .await?)
}

/// The inbox, newest first.
pub async fn list(pool: &Pool, user: UserId, scope: &Scope, after: Option<(DateTime<Utc>, Uuid)>, limit: i64) -> Result<Vec<NoticeView>> {
    let rows = sqlx::query!(
        r#"select n.notice_id, n.what as "what: NoticeKind", n.count, n.exception_id as "exception_id: ExceptionId", d.number, e.code,
            x.kind as "kind: ExceptionKind", x.missing_kind as "missing_kind: MappingKind", x.missing_code, n.fingerprint, n.actor,
            b.body as "body?", n.at, n.read_at
        from notice n join exception x using (exception_id) join document d using (document_id) join entity e on e.entity_id = n.entity_id
        left join exception_note b on b.note_id = n.note_id
        where n.user_id = $1 and n.entity_id = any($2) and ($3::timestamptz is null or (n.at, n.notice_id) < ($3, $4::uuid))
        order by n.at desc, n.notice_id desc limit $5"#,
        user.0,
        &scope.ids(),
        after.map(|place| place.0),
        after.map(|place| place.1),
        limit
    )
    .fetch_all(pool)
    .await?;
    let notices = rows.into_iter().map(|row| NoticeView {
        notice_id: row.notice_id,
        what: row.what,
        count: row.count,
        exception_id: row.exception_id,
        number: row.number,
        entity_code: row.code,
        kind: row.kind,
        missing: row.missing_kind.zip(row.missing_code),
        fingerprint: row.fingerprint,
        actor: row.actor,
        body: row.body,
        at: row.at,
        unread: row.read_at.is_none(),
    });
    Ok(notices.collect())
}

/// Marks one as read, or everything up to now.
pub async fn read(conn: &mut Conn, user: UserId, one: Option<Uuid>, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update notice set read_at = $3 where user_id = $1 and read_at is null and at <= $3 and ($2::uuid is null or notice_id = $2)",
        user.0,
        one,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
