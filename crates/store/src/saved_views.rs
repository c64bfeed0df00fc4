//! Filters of the queue that were given a name.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    bulk::SavedView,
    id::{EntityId, UserId, ViewId},
};

/// More than anybody reads through.
const LISTED_MAX: i64 = 200;

#[derive(Debug, Clone, Copy)]
pub struct NewView<'a> {
    pub view_id: ViewId,
    pub user_id: UserId,
    pub name: &'a str,
    pub query: &'a str,
    /// The entity that the filter names.
    pub entity_id: Option<EntityId>,
    pub shared: bool,
    pub at: DateTime<Utc>,
}

/// A person's own first, then what others share within his entities. One of an entity that he reads no more opens nothing by itself.
pub async fn list(pool: &Pool, user: UserId, scope: &Scope) -> Result<Vec<SavedView>> {
    Ok(sqlx::query_as!(
        SavedView,
        r#"select v.view_id as "view_id: ViewId", v.name, v.query, v.shared, p.name as by, v.user_id = $1 as "own!",
            d.view_id is not null and (v.entity_id is null or v.entity_id = any($2)) as "is_default!"
        from saved_view v join person p on p.user_id = v.user_id left join default_view d on d.view_id = v.view_id and d.user_id = $1
        where v.user_id = $1 or (v.shared and (v.entity_id is null or v.entity_id = any($2)))
        order by v.user_id = $1 desc, v.name limit $3"#,
        user.0,
        &scope.ids(),
        LISTED_MAX
    )
    .fetch_all(pool)
    .await?)
}

/// Conflicts on `saved_view_name` when the person has one of this name.
pub async fn insert(conn: &mut Conn, new: &NewView<'_>) -> Result<()> {
    sqlx::query!(
        "insert into saved_view (view_id, user_id, name, query, entity_id, shared, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        new.view_id.0,
        new.user_id.0,
        new.name,
        new.query,
        new.entity_id.map(|id| id.0),
        new.shared,
        new.at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a person's own; whoever had it as default opens with everything again.
pub async fn delete(conn: &mut Conn, user: UserId, id: ViewId) -> Result<bool> {
    let done = sqlx::query!("delete from saved_view where view_id = $1 and user_id = $2", id.0, user.0).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// What the queue opens with; `None`: everything. `false` when the person may not see that view.
pub async fn set_default(conn: &mut Conn, user: UserId, scope: &Scope, id: Option<ViewId>) -> Result<bool> {
    let Some(id) = id else {
        sqlx::query!("delete from default_view where user_id = $1", user.0).execute(conn).await?;
        return Ok(true);
    };
    let done = sqlx::query!(
        "insert into default_view (user_id, view_id)
        select $1, view_id from saved_view
        where view_id = $2 and (user_id = $1 or (shared and (entity_id is null or entity_id = any($3))))
        on conflict (user_id) do update set view_id = excluded.view_id",
        user.0,
        id.0,
        &scope.ids()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
