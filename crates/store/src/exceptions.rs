//! Exceptions: opened and closed with their document's stage, worked on by people.

use crate::{Conn, Result, Scope, calendars, limits::Reach, notices};
use chrono::{DateTime, Utc};
use domain::{
    exception::{Cause, ExceptionKind},
    id::{BatchId, ConnectionId, DocumentId, EntityId, ExceptionId},
    mapping::{MappingKind, MissingMapping},
    notice::NoticeKind,
    posting::ErpSystem,
    stage::Stage,
};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// A document's trouble, ready to be opened.
#[derive(Debug, Clone)]
pub struct NewException {
    pub exception_id: ExceptionId,
    pub document_id: DocumentId,
    pub system: Option<ErpSystem>,
    pub cause: Cause,
    /// What has no mapping beside the code that names the cause.
    pub besides: Vec<MissingMapping>,
}

/// Opens exceptions, each with the time until which it has to be dealt with; a document that has one open keeps it and its time, with
/// the new cause.
pub async fn open(conn: &mut Conn, new: &[NewException], at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = new.iter().map(|n| n.exception_id.0).collect();
    let documents: Vec<uuid::Uuid> = new.iter().map(|n| n.document_id.0).collect();
    let kinds: Vec<&str> = new.iter().map(|n| n.cause.kind.as_str()).collect();
    let fingerprints: Vec<String> = new.iter().map(|n| n.cause.fingerprint(n.system)).collect();
    let codes: Vec<&str> = new.iter().map(|n| n.cause.code.as_str()).collect();
    let messages: Vec<&str> = new.iter().map(|n| n.cause.message.as_str()).collect();
    let fields: Vec<Option<&str>> = new.iter().map(|n| n.cause.field.as_deref()).collect();
    let missing_kinds: Vec<Option<&str>> = new.iter().map(|n| n.cause.missing.as_ref().map(|m| m.kind.as_str())).collect();
    let missing_codes: Vec<Option<&str>> = new.iter().map(|n| n.cause.missing.as_ref().map(|m| m.code.as_str())).collect();
    let besides: Vec<Option<String>> = new.iter().map(|n| spelled(&n.besides)).collect();
    let entities =
        sqlx::query_scalar!(r#"select distinct entity_id as "entity_id: EntityId" from document where document_id = any($1)"#, &documents)
            .fetch_all(&mut *conn)
            .await?;
    let of_kinds: BTreeSet<ExceptionKind> = new.iter().map(|n| n.cause.kind).collect();
    let due = calendars::due(conn, &entities, &of_kinds.into_iter().collect::<Vec<_>>(), at).await?;
    sqlx::query!(
        "insert into exception (exception_id, document_id, entity_id, connection_id, currency, amount, period, kind, fingerprint, code,
            message, field, missing_kind, missing_code, missing_besides, opened_at, due_at)
        select r.id, d.document_id, d.entity_id, ec.connection_id, d.currency, d.amount, d.period, r.kind, r.fingerprint, r.code,
            r.message, r.field, r.missing_kind, r.missing_code, string_to_array(r.besides, E'\n'), $10, due.at
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $14::text[])
            r (id, document_id, kind, fingerprint, code, message, field, missing_kind, missing_code, besides)
        join document d using (document_id) left join entity_connection ec using (entity_id)
        left join unnest($11::uuid[], $12::text[], $13::timestamptz[]) due (entity_id, kind, at)
            on due.entity_id = d.entity_id and due.kind = r.kind
        on conflict (document_id) where closed_at is null do update set kind = excluded.kind, fingerprint = excluded.fingerprint,
            code = excluded.code, message = excluded.message, field = excluded.field, missing_kind = excluded.missing_kind,
            missing_code = excluded.missing_code, missing_besides = excluded.missing_besides",
        &ids,
        &documents,
        &kinds as &[&str],
        &fingerprints,
        &codes as &[&str],
        &messages as &[&str],
        &fields as &[Option<&str>],
        &missing_kinds as &[Option<&str>],
        &missing_codes as &[Option<&str>],
        at,
        &due.entities,
        &due.kinds as &[&str],
        &due.at as &[Option<DateTime<Utc>>],
        &besides as &[Option<String>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes the open exceptions of documents that went on, and tells who watches them. Most have none, and then nothing is written.
pub async fn close(conn: &mut Conn, documents: &[DocumentId], closed_as: NoticeKind, by: Option<&str>, at: DateTime<Utc>) -> Result<u64> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let any =
        sqlx::query_scalar!(r#"select exists (select from exception where document_id = any($1) and closed_at is null) as "any!""#, &ids);
    if !any.fetch_one(&mut *conn).await? {
        return Ok(0);
    }
    let closed = sqlx::query_scalar!(
        r#"update exception set closed_at = $3, closed_as = $2 where document_id = any($1) and closed_at is null
        returning exception_id as "exception_id: ExceptionId""#,
        &ids,
        closed_as.as_str(),
        at
    )
    .fetch_all(&mut *conn)
    .await?;
    notices::tell(conn, &closed, closed_as, by, None, at).await?;
    Ok(u64::try_from(closed.len()).unwrap_or(u64::MAX))
}

/// Of these documents, those that are in exception in the caller's entities, locked, by entity.
pub async fn lock_replayable(conn: &mut Conn, scope: &Scope, documents: &[DocumentId]) -> Result<Vec<(EntityId, DocumentId)>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select entity_id as "entity_id: EntityId", document_id as "document_id: DocumentId" from document
        where document_id = any($1) and entity_id = any($2) and stage = 'exception' order by document_id for update"#,
        &ids,
        &scope.ids()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.entity_id, row.document_id)).collect())
}

/// The open exceptions of a cause, up to a limit, as documents.
pub async fn documents_of_cluster(conn: &mut Conn, scope: &Scope, fingerprint: &str, limit: i64) -> Result<Vec<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from exception
        where closed_at is null and fingerprint = $1 and entity_id = any($2) order by opened_at, exception_id limit $3"#,
        fingerprint,
        &scope.ids(),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The documents of open exceptions, for acts on what a list shows.
pub async fn documents_of(conn: &mut Conn, scope: &Scope, exceptions: &[ExceptionId]) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = exceptions.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from exception
        where closed_at is null and exception_id = any($1) and entity_id = any($2)"#,
        &ids,
        &scope.ids()
    )
    .fetch_all(conn)
    .await?)
}

/// Writes a note; `false` when the exception is not the caller's to see.
pub async fn comment(
    conn: &mut Conn,
    scope: &Scope,
    id: ExceptionId,
    note: uuid::Uuid,
    author: &str,
    at: DateTime<Utc>,
    body: &str,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into exception_note (note_id, exception_id, author, written_at, body)
        select $3, exception_id, $4, $5, $6 from exception where exception_id = $1 and entity_id = any($2)",
        id.0,
        &scope.ids(),
        note,
        author,
        at,
        body
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An open exception's document, locked, with what an approver is shown.
#[derive(Debug, Clone)]
pub struct Subject {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub stage: Stage,
    pub sequence: i32,
    pub currency: String,
    pub amount: Decimal,
    pub content_hash: Vec<u8>,
}

pub async fn lock_subject(conn: &mut Conn, scope: &Scope, id: ExceptionId) -> Result<Option<Subject>> {
    Ok(sqlx::query_as!(
        Subject,
        r#"select d.document_id as "document_id: DocumentId", d.entity_id as "entity_id: EntityId", d.stage as "stage: Stage", d.sequence,
            d.currency, d.amount, d.content_hash
        from exception x join document d using (document_id)
        where x.exception_id = $1 and x.closed_at is null and x.entity_id = any($2) for update of d"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn lock_document(conn: &mut Conn, scope: &Scope, id: DocumentId) -> Result<Option<Subject>> {
    Ok(sqlx::query_as!(
        Subject,
        r#"select d.document_id as "document_id: DocumentId", d.entity_id as "entity_id: EntityId", d.stage as "stage: Stage", d.sequence,
            d.currency, d.amount, d.content_hash
        from document d where d.document_id = $1 and d.entity_id = any($2) for update"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// Codes as `missing_besides` has them, one a line: an array of arrays has no ragged edge.
fn spelled(missing: &[MissingMapping]) -> Option<String> {
    (!missing.is_empty()).then(|| missing.iter().map(|m| format!("{}:{}", m.kind, m.code)).collect::<Vec<_>>().join("\n"))
}

/// A code at a connection that something may wait for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub connection_id: ConnectionId,
    pub kind: MappingKind,
    pub code: &'a str,
}

/// Money in exception that waits for each of these codes, per entity and currency: what an activation reaches. A document that misses
/// several codes waits for every one of them, whichever names its cause.
pub async fn released_by(conn: &mut Conn, wanted: &[Wanted<'_>]) -> Result<Vec<Vec<Reach>>> {
    let connections: Vec<uuid::Uuid> = wanted.iter().map(|w| w.connection_id.0).collect();
    let kinds: Vec<&str> = wanted.iter().map(|w| w.kind.as_str()).collect();
    let codes: Vec<&str> = wanted.iter().map(|w| w.code).collect();
    let rows = sqlx::query!(
        r#"select w.place as "place!", x.entity_id as "entity_id!: EntityId", x.currency as "currency!", sum(x.amount) as "amount!"
        from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality w (connection_id, kind, code, place)
        cross join lateral (
            select entity_id, currency, amount from exception
            where closed_at is null and connection_id = w.connection_id and missing_kind = w.kind and missing_code = w.code
            union all
            select entity_id, currency, amount from exception
            where closed_at is null and connection_id = w.connection_id and missing_besides @> array[w.kind || ':' || w.code]
        ) x group by 1, 2, 3 order by 1, 2, 3"#,
        &connections,
        &kinds as &[&str],
        &codes as &[&str]
    )
    .fetch_all(conn)
    .await?;
    let mut released = vec![Vec::new(); wanted.len()];
    for row in rows {
        let place = usize::try_from(row.place - 1).unwrap_or_default();
        released[place].push(Reach { entity_id: row.entity_id, currency: row.currency, amount: row.amount });
    }
    Ok(released)
}

/// Opens an exception for every row of a batch that was rejected, named by the first rule it broke; `ids`, one for each.
pub async fn open_rejected(conn: &mut Conn, batch: BatchId, ids: &[ExceptionId], at: DateTime<Utc>) -> Result<u64> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let entity = sqlx::query_scalar!(r#"select entity_id as "entity_id: EntityId" from batch where batch_id = $1"#, batch.0)
        .fetch_one(&mut *conn)
        .await?;
    let due = calendars::due(conn, &[entity], &[ExceptionKind::Rejected], at).await?;
    let opened = sqlx::query!(
        "insert into exception (exception_id, document_id, entity_id, connection_id, currency, amount, period, kind, fingerprint, code,
            message, field, opened_at, due_at)
        select ($2::uuid[])[row_number() over (order by d.line)], d.document_id, d.entity_id, ec.connection_id, d.currency, d.amount, d.period, 'rejected',
            'tieout|REJECTED|' || regexp_replace(split_part(v ->> 'rule', ':', 1), '[0-9]+', '#', 'g') || '|' || (v ->> 'field'), 'REJECTED',
            (v ->> 'field') || ': ' || (v ->> 'rule'), v ->> 'field', $3, $4
        from document d cross join lateral (select d.violations -> 0) first (v) left join entity_connection ec using (entity_id)
        where d.batch_id = $1 and d.rejected",
        batch.0,
        &ids,
        at,
        due.at.into_iter().next().flatten()
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected())
}
