//! Mapping tables per connection: what our codes are called at the ERP. Versions, proposed and activated.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{ConnectionId, MappingId},
    mapping::{MappingKind, MappingState},
    view::MappingView,
};
use std::collections::HashMap;

/// The active mappings of one connection for the codes that were asked for.
#[derive(Debug, Default)]
pub struct Lookup(HashMap<(MappingKind, String), String>);

impl Lookup {
    pub fn get(&self, kind: MappingKind, code: &str) -> Option<&str> {
        // a borrowed tuple can't be looked up in a map of owned ones
        self.0.get(&(kind, code.to_owned())).map(String::as_str)
    }
}

/// One round trip for all codes of a batch of documents.
pub async fn lookup(conn: &mut Conn, connection: ConnectionId, codes: &[String]) -> Result<Lookup> {
    let rows = sqlx::query!(
        r#"select kind as "kind: MappingKind", source_code, target_ref from mapping
        where connection_id = $1 and state = 'active' and source_code = any($2)"#,
        connection.0,
        codes
    )
    .fetch_all(conn)
    .await?;
    Ok(Lookup(rows.into_iter().map(|row| ((row.kind, row.source_code), row.target_ref)).collect()))
}

/// Active mappings from a table of the ERP, all at once: set-up and demo. Replaces nothing.
pub async fn load(
    conn: &mut Conn,
    connection: ConnectionId,
    rows: &[(MappingId, MappingKind, String, String)],
    actor: &str,
    at: DateTime<Utc>,
) -> Result<u64> {
    let ids: Vec<uuid::Uuid> = rows.iter().map(|row| row.0.0).collect();
    let kinds: Vec<String> = rows.iter().map(|row| row.1.to_string()).collect();
    let sources: Vec<String> = rows.iter().map(|row| row.2.clone()).collect();
    let targets: Vec<String> = rows.iter().map(|row| row.3.clone()).collect();
    let done = sqlx::query!(
        "insert into mapping (mapping_id, connection_id, kind, source_code, target_ref, version, state, proposed_by, proposed_at, decided_by,
            decided_at, within_limit)
        select id, $1, kind, source, target, 1, 'active', $6, $7, $6, $7, true
        from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) r (id, kind, source, target)",
        connection.0,
        &ids,
        &kinds,
        &sources,
        &targets,
        actor,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A mapping to be proposed.
#[derive(Debug, Clone)]
pub struct NewMapping<'a> {
    pub mapping_id: MappingId,
    pub connection_id: ConnectionId,
    pub kind: MappingKind,
    pub source_code: &'a str,
    pub target_ref: &'a str,
    pub proposed_by: &'a str,
    pub proposed_at: DateTime<Utc>,
}

/// Proposes the next version. Conflicts on `mapping_proposed` when a proposal for the code waits already.
pub async fn propose(conn: &mut Conn, new: &NewMapping<'_>) -> Result<i32> {
    Ok(sqlx::query_scalar!(
        "insert into mapping (mapping_id, connection_id, kind, source_code, target_ref, version, state, proposed_by, proposed_at)
        select $1, $2, $3, $4, $5, coalesce(max(version), 0) + 1, 'proposed', $6, $7
        from mapping where connection_id = $2 and kind = $3 and source_code = $4
        returning version",
        new.mapping_id.0,
        new.connection_id.0,
        new.kind.as_str(),
        new.source_code,
        new.target_ref,
        new.proposed_by,
        new.proposed_at
    )
    .fetch_one(conn)
    .await?)
}

/// Puts a proposal in force, or refuses it. `false` when it is no proposal any more. Conflicts on
/// `mapping_preparer_is_not_approver` when its author decides without `within_limit`.
pub async fn decide(conn: &mut Conn, id: MappingId, approve: bool, within_limit: bool, actor: &str, at: DateTime<Utc>) -> Result<bool> {
    if approve {
        sqlx::query!(
            "update mapping old set state = 'retired' from mapping new
            where new.mapping_id = $1 and new.state = 'proposed' and old.connection_id = new.connection_id and old.kind = new.kind
                and old.source_code = new.source_code and old.state = 'active'",
            id.0
        )
        .execute(&mut *conn)
        .await?;
    }
    let decided = sqlx::query!(
        "update mapping set state = $2, decided_by = $3, decided_at = $4, within_limit = $5 where mapping_id = $1 and state = 'proposed'",
        id.0,
        if approve { MappingState::Active } else { MappingState::Refused }.as_str(),
        actor,
        at,
        within_limit
    )
    .execute(conn)
    .await?;
    Ok(decided.rows_affected() == 1)
}

pub async fn find(conn: &mut Conn, id: MappingId) -> Result<Option<MappingView>> {
    Ok(sqlx::query_as!(
        MappingView,
        r#"select m.mapping_id as "mapping_id: MappingId", m.connection_id as "connection_id: ConnectionId", c.code as connection_code,
            m.kind as "kind: MappingKind", m.source_code, m.target_ref, m.version, m.state as "state: MappingState", m.proposed_by, m.proposed_at, m.decided_by
        from mapping m join erp_connection c using (connection_id) where m.mapping_id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?)
}

/// Mappings in force or proposed, proposals first, then by code after `after`.
pub async fn list(
    pool: &Pool,
    connection: ConnectionId,
    kind: Option<MappingKind>,
    search: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<MappingView>> {
    Ok(sqlx::query_as!(
        MappingView,
        r#"select m.mapping_id as "mapping_id: MappingId", m.connection_id as "connection_id: ConnectionId", c.code as connection_code,
            m.kind as "kind: MappingKind", m.source_code, m.target_ref, m.version, m.state as "state: MappingState", m.proposed_by, m.proposed_at, m.decided_by
        from mapping m join erp_connection c using (connection_id)
        where m.connection_id = $1 and m.state = 'active' and ($2::text is null or m.kind = $2)
            and ($3::text is null or m.source_code ilike '%' || $3 || '%') and ($4::text is null or m.kind || ':' || m.source_code > $4)
        order by m.kind || ':' || m.source_code limit $5"#,
        connection.0,
        kind.map(MappingKind::as_str),
        search,
        after,
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Proposals at connections of these entities, oldest first.
pub async fn proposals(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<MappingView>> {
    Ok(sqlx::query_as!(
        MappingView,
        r#"select m.mapping_id as "mapping_id: MappingId", m.connection_id as "connection_id: ConnectionId", c.code as connection_code,
            m.kind as "kind: MappingKind", m.source_code, m.target_ref, m.version, m.state as "state: MappingState", m.proposed_by, m.proposed_at, m.decided_by
        from mapping m join erp_connection c using (connection_id)
        where m.state = 'proposed' and exists (
            select from entity_connection ec where ec.connection_id = m.connection_id and ec.entity_id = any($1))
        order by m.proposed_at, m.mapping_id limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// What a code is proposed to be called, and by whom.
pub async fn proposed(conn: &mut Conn, connection: ConnectionId, kind: MappingKind, code: &str) -> Result<Option<(String, String)>> {
    let row = sqlx::query!(
        "select target_ref, proposed_by from mapping where connection_id = $1 and kind = $2 and source_code = $3 and state = 'proposed'",
        connection.0,
        kind.as_str(),
        code
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.target_ref, row.proposed_by)))
}
