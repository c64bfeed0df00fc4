//! One act on many exceptions, item by item, so that what it left alone is told and an assignment can be undone.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    bulk::{BulkAct, BulkEditView, BulkResult, LeftAlone},
    id::{BulkEditId, ExceptionId},
};

/// An act before it is done.
#[derive(Debug, Clone, Copy)]
pub struct NewEdit<'a> {
    pub edit_id: BulkEditId,
    pub act: BulkAct,
    pub made_by: &'a str,
    pub made_at: DateTime<Utc>,
    pub owner: Option<&'a str>,
    pub comment: Option<&'a str>,
}

/// Whose exceptions an act may touch.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// Entities that the actor reads; others are none of his business.
    pub seen: &'a Scope,
    /// Entities in which he works.
    pub works: &'a Scope,
}

/// Locks the exceptions and says for each what the act does to it. Returns how many it will touch and how many it leaves alone;
/// none at all: the actor sees none of them, and nothing is written.
pub async fn decide(conn: &mut Conn, new: &NewEdit<'_>, reach: Reach<'_>, exceptions: &[ExceptionId]) -> Result<(i32, i32)> {
    let ids: Vec<uuid::Uuid> = exceptions.iter().map(|id| id.0).collect();
    let begun = sqlx::query!(
        "insert into bulk_edit (edit_id, act, made_by, made_at, owner, comment) select $1, $2, $3, $4, $5, $6
        where exists (select from exception where exception_id = any($7) and entity_id = any($8))",
        new.edit_id.0,
        new.act.as_str(),
        new.made_by,
        new.made_at,
        new.owner,
        new.comment,
        &ids,
        &reach.seen.ids()
    )
    .execute(&mut *conn)
    .await?;
    if begun.rows_affected() == 0 {
        return Ok((0, 0));
    }
    sqlx::query!(
        "insert into bulk_item (edit_id, exception_id, owner_before, result)
        select $1, x.exception_id, x.owner, case when x.closed_at is not null then 'closed' when x.entity_id <> all($4) then 'forbidden'
            else 'done' end
        from (select * from exception where exception_id = any($2) and entity_id = any($3) order by exception_id for update) x",
        new.edit_id.0,
        &ids,
        &reach.seen.ids(),
        &reach.works.ids()
    )
    .execute(&mut *conn)
    .await?;
    let counted = sqlx::query!(
        r#"update bulk_edit set done = n.done, left_alone = n.left_alone
        from (select count(*) filter (where result = 'done')::integer as done, count(*) filter (where result <> 'done')::integer as left_alone
            from bulk_item where edit_id = $1) n
        where edit_id = $1 returning bulk_edit.done, bulk_edit.left_alone"#,
        new.edit_id.0
    )
    .fetch_one(conn)
    .await?;
    Ok((counted.done, counted.left_alone))
}

/// What the act does; not what it leaves alone, and nothing that its actor does not see.
pub async fn done(conn: &mut Conn, id: BulkEditId) -> Result<Vec<ExceptionId>> {
    Ok(sqlx::query_scalar!(
        r#"select exception_id as "exception_id: ExceptionId" from bulk_item where edit_id = $1 and result = 'done' order by exception_id"#,
        id.0
    )
    .fetch_all(conn)
    .await?)
}

/// Gives what was decided its new owner.
pub async fn assign(conn: &mut Conn, id: BulkEditId) -> Result<()> {
    sqlx::query!(
        "update exception x set owner = e.owner from bulk_edit e join bulk_item i using (edit_id)
        where e.edit_id = $1 and i.result = 'done' and x.exception_id = i.exception_id",
        id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the note to each; `notes`: one id for each.
pub async fn comment(conn: &mut Conn, id: BulkEditId, notes: &[uuid::Uuid]) -> Result<()> {
    sqlx::query!(
        "insert into exception_note (note_id, exception_id, author, written_at, body)
        select ($2::uuid[])[row_number() over (order by i.exception_id)], i.exception_id, e.made_by, e.made_at, e.comment
        from bulk_edit e join bulk_item i using (edit_id) where e.edit_id = $1 and i.result = 'done'",
        id.0,
        notes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An act that can still be undone, locked.
pub async fn lock(conn: &mut Conn, id: BulkEditId) -> Result<Option<BulkEditView>> {
    Ok(sqlx::query_as!(
        BulkEditView,
        r#"select edit_id as "edit_id: BulkEditId", act as "act: BulkAct", made_by, made_at, owner, done, left_alone, undone_at, undone
        from bulk_edit where edit_id = $1 for update"#,
        id.0
    )
    .fetch_optional(conn)
    .await?)
}

/// Gives back the owner from before where nobody has closed or assigned it since. Returns how many.
pub async fn undo(conn: &mut Conn, scope: &Scope, id: BulkEditId, at: DateTime<Utc>) -> Result<i32> {
    sqlx::query!(
        "update bulk_item i set undone = true
        from (select x.exception_id from exception x join bulk_item i using (exception_id) join bulk_edit e using (edit_id)
            where e.edit_id = $1 and i.result = 'done' and x.closed_at is null and x.entity_id = any($2)
                and x.owner is not distinct from e.owner
                and not exists (select from bulk_item later join bulk_edit l using (edit_id)
                    where later.exception_id = i.exception_id and later.edit_id > i.edit_id and later.result = 'done' and l.act = 'assign')
            order by x.exception_id for update of x) unchanged
        where i.edit_id = $1 and i.exception_id = unchanged.exception_id",
        id.0,
        &scope.ids()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update exception x set owner = i.owner_before from bulk_item i
        where i.edit_id = $1 and i.undone and x.exception_id = i.exception_id",
        id.0
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_scalar!(
        "update bulk_edit e set undone_at = $2, undone = (select count(*)::integer from bulk_item i where i.edit_id = $1 and i.undone)
        where e.edit_id = $1 returning e.undone",
        id.0,
        at
    )
    .fetch_one(conn)
    .await?)
}

/// An act of this person.
pub async fn find(pool: &Pool, made_by: &str, id: BulkEditId) -> Result<Option<BulkEditView>> {
    Ok(sqlx::query_as!(
        BulkEditView,
        r#"select edit_id as "edit_id: BulkEditId", act as "act: BulkAct", made_by, made_at, owner, done, left_alone, undone_at, undone
        from bulk_edit where edit_id = $1 and made_by = $2"#,
        id.0,
        made_by
    )
    .fetch_optional(pool)
    .await?)
}

/// What an act did not do, as far as the caller may see it.
pub async fn left_alone(pool: &Pool, scope: &Scope, id: BulkEditId, limit: i64) -> Result<Vec<LeftAlone>> {
    Ok(sqlx::query_as!(
        LeftAlone,
        r#"select i.exception_id as "exception_id: ExceptionId", d.number, e.code as entity_code, i.result as "result: BulkResult", x.closed_as
        from bulk_item i join exception x using (exception_id) join document d using (document_id) join entity e on e.entity_id = x.entity_id
        where i.edit_id = $1 and i.result <> 'done' and x.entity_id = any($2) order by i.exception_id limit $3"#,
        id.0,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}
