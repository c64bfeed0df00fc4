//! Rules of cash application: versions per entity, their back-tests, and which one is in force. The standard table is version 1 and no
//! row; what an entity's history says is read in [`history`].

mod backtests;
pub mod history;
mod views;

pub use backtests::{NewBacktest, NewBacktestLine, last_backtest, record_backtest, untested};
pub use views::{sample, tables, waiting};

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{ApprovalId, EntityId, RuleTableId},
    rules::STANDARD_VERSION,
};

/// A version as it was written.
#[derive(Debug, Clone)]
pub struct RuleTableRow {
    pub rule_table_id: RuleTableId,
    pub entity_id: EntityId,
    pub version: i32,
    /// The engine's table as JSON.
    pub content: String,
    pub content_hash: Vec<u8>,
    pub proposed_by: String,
}

/// The version in force; `None`: the standard one.
pub async fn in_force(conn: &mut Conn, entity: EntityId) -> Result<Option<RuleTableRow>> {
    Ok(sqlx::query_as!(
        RuleTableRow,
        r#"select t.rule_table_id as "rule_table_id: RuleTableId", t.entity_id as "entity_id: EntityId", t.version, t.content::text as "content!",
            t.content_hash, t.proposed_by
        from rule_activation a join rule_table t using (rule_table_id) where a.entity_id = $1 order by a.place desc limit 1"#,
        entity.0
    )
    .fetch_optional(conn)
    .await?)
}

/// A version, for whoever may see its entity.
pub async fn find(conn: &mut Conn, scope: &Scope, id: RuleTableId) -> Result<Option<RuleTableRow>> {
    Ok(sqlx::query_as!(
        RuleTableRow,
        r#"select rule_table_id as "rule_table_id: RuleTableId", entity_id as "entity_id: EntityId", version, content::text as "content!",
            content_hash, proposed_by
        from rule_table where rule_table_id = $1 and entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// The same by its number; the standard one is no row.
pub async fn of_version(pool: &Pool, scope: &Scope, entity: EntityId, version: i32) -> Result<Option<RuleTableRow>> {
    Ok(sqlx::query_as!(
        RuleTableRow,
        r#"select rule_table_id as "rule_table_id: RuleTableId", entity_id as "entity_id: EntityId", version, content::text as "content!",
            content_hash, proposed_by
        from rule_table where entity_id = $1 and version = $2 and entity_id = any($3)"#,
        entity.0,
        version,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?)
}

/// The number of the next version. Conflicts on `rule_table_version` when somebody else takes it meanwhile.
pub async fn next_version(conn: &mut Conn, entity: EntityId) -> Result<i32> {
    let last = sqlx::query_scalar!("select max(version) from rule_table where entity_id = $1", entity.0).fetch_one(conn).await?;
    Ok(last.unwrap_or(STANDARD_VERSION) + 1)
}

/// A version to be proposed.
#[derive(Debug, Clone)]
pub struct NewRuleTable<'a> {
    pub rule_table_id: RuleTableId,
    pub entity_id: EntityId,
    pub version: i32,
    pub content: &'a str,
    pub content_hash: &'a [u8; 32],
    pub reason: &'a str,
    pub proposed_by: &'a str,
    pub proposed_at: DateTime<Utc>,
}

pub async fn insert(conn: &mut Conn, new: &NewRuleTable<'_>) -> Result<()> {
    sqlx::query!(
        "insert into rule_table (rule_table_id, entity_id, version, content, content_hash, reason, proposed_by, proposed_at)
        values ($1, $2, $3, $4::text::json, $5, $6, $7, $8)",
        new.rule_table_id.0,
        new.entity_id.0,
        new.version,
        new.content,
        new.content_hash.as_slice(),
        new.reason,
        new.proposed_by,
        new.proposed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a version in force. Conflicts on `rule_table_is_put_in_force_once`.
pub async fn put_in_force(conn: &mut Conn, table: &RuleTableRow, approval: ApprovalId, by: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "insert into rule_activation (entity_id, place, rule_table_id, approval_id, activated_by, activated_at)
        select $1, coalesce(max(place), 0) + 1, $2, $3, $4, $5 from rule_activation where entity_id = $1",
        table.entity_id.0,
        table.rule_table_id.0,
        approval.0,
        by,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
