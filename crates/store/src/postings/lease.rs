//! Leases: one for each claim, with the calls that are still open under it. Their sum is what a connection has in use, so
//! that finding it costs the same whatever history there is. Whoever takes a lease's postings locks the lease first.

use crate::{Conn, Result};
use domain::id::{AttemptId, ConnectionId, CorrelationId, DocumentId};
use std::collections::BTreeMap;

/// Locks leases until the caller commits. One that ended meanwhile is not there, and neither are its postings.
pub(super) async fn lock(conn: &mut Conn, leases: &[uuid::Uuid]) -> Result<()> {
    sqlx::query!("select lease_id from lease where lease_id = any($1) order by lease_id for update", leases).fetch_all(conn).await?;
    Ok(())
}

/// Gives back the slots of calls that ended.
pub async fn give_back(conn: &mut Conn, ended: impl Iterator<Item = CorrelationId>) -> Result<()> {
    let mut calls: BTreeMap<uuid::Uuid, i32> = BTreeMap::new();
    for lease in ended {
        *calls.entry(lease.0).or_default() += 1;
    }
    let (leases, calls): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    if leases.is_empty() {
        return Ok(());
    }
    let finished = sqlx::query!(
        "delete from lease l using unnest($1::uuid[], $2::integer[]) r (id, calls) where l.lease_id = r.id and l.calls = r.calls",
        &leases,
        &calls
    )
    .execute(&mut *conn)
    .await?;
    if finished.rows_affected() < leases.len() as u64 {
        sqlx::query!(
            "update lease l set calls = l.calls - r.calls from unnest($1::uuid[], $2::integer[]) r (id, calls) where l.lease_id = r.id",
            &leases,
            &calls
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// A send whose lease ended without an answer.
#[derive(Debug)]
pub struct Expired {
    pub document_id: DocumentId,
    pub attempt_id: AttemptId,
}

/// Ends the leases of a connection that are over. Sends without an answer are returned, locked, for the caller to move to
/// `unknown`; a probe without one is simply due again.
pub async fn end_expired(conn: &mut Conn, connection: ConnectionId) -> Result<Vec<Expired>> {
    let ended = sqlx::query!(
        "with over as (
            select lease_id from lease where connection_id = $1 and expires_at < clock_timestamp() order by lease_id limit 20 for update skip locked
        )
        delete from lease l using over where l.lease_id = over.lease_id returning l.lease_id, l.documents",
        connection.0
    )
    .fetch_all(&mut *conn)
    .await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let leases: Vec<uuid::Uuid> = ended.iter().map(|lease| lease.lease_id).collect();
    let documents: Vec<uuid::Uuid> = ended.into_iter().flat_map(|lease| lease.documents).collect();
    sqlx::query!(
        "update posting set attempt_id = null, lease_id = null where document_id = any($1) and lease_id = any($2) and work = 'probe'",
        &documents,
        &leases
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_as!(
        Expired,
        r#"select document_id as "document_id: DocumentId", attempt_id as "attempt_id!: AttemptId" from posting
        where document_id = any($1) and lease_id = any($2) and work = 'lease' order by document_id for update"#,
        &documents,
        &leases
    )
    .fetch_all(conn)
    .await?)
}
