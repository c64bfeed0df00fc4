//! The only writer of stages, movements and stage totals.
//!
//! One call moves one document or ten thousand, in the caller's transaction and in one statement: documents are locked
//! in id order, movements are written, totals are added to in key order. An illegal move moves nothing and says what
//! was found.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    access::Actor,
    id::{BatchId, CorrelationId, DocumentId},
    stage::Stage,
};

/// Who or what moves documents, and why.
#[derive(Debug, Clone)]
pub struct Cause {
    pub actor: Actor,
    /// In words a controller reads.
    pub reason: String,
    pub correlation_id: CorrelationId,
    pub at: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("document {document_id} is {found} and can't become {to}")]
    Illegal { document_id: DocumentId, found: Stage, to: Stage },
    #[error("document {0} does not exist")]
    Missing(DocumentId),
    #[error(transparent)]
    Store(#[from] crate::Error),
}

impl From<sqlx::Error> for MoveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<MoveError> for crate::Error {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Store(error) => error,
            MoveError::Illegal { document_id, found, to } => {
                Self::Corrupt { table: "document", column: "stage", id: document_id.to_string(), why: format!("{found} can't become {to}") }
            }
            MoveError::Missing(id) => {
                Self::Corrupt { table: "document", column: "document_id", id: id.to_string(), why: "does not exist".into() }
            }
        }
    }
}

/// Stripes of a hot total; concurrent writers of one cell rarely meet on the same row. Every other one is for mapping alone, so that
/// a mapping that stands still keeps no send waiting.
const SLOTS: i32 = 8;

/// Who maps, as its actor.
pub const MAPPING: &str = "mapping";

/// Documents that become the same for the same reason.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    pub documents: &'a [DocumentId],
    pub to: Stage,
    pub cause: &'a Cause,
}

/// Moves documents to `to`. Returns how many moved: all of them, or none and an error.
/// Ids may come in any order; naming one twice is an error of the caller and counts once.
pub async fn transition(conn: &mut Conn, documents: &[DocumentId], to: Stage, cause: &Cause) -> std::result::Result<u64, MoveError> {
    transition_all(conn, &[Move { documents, to, cause }]).await
}

/// Several moves at once, each document in one of them: all happen, or none and an error. Who moves documents to more than one stage
/// must do it with one call, so that everybody adds to the totals in one order and nobody waits for each other.
pub async fn transition_all(conn: &mut Conn, moves: &[Move<'_>]) -> std::result::Result<u64, MoveError> {
    let wanted: Vec<uuid::Uuid> = moves.iter().flat_map(|one| one.documents.iter().map(|id| id.0)).collect();
    if wanted.is_empty() {
        return Ok(0);
    }
    let places: Vec<i64> = (1..).zip(moves).flat_map(|(place, one)| one.documents.iter().map(move |_| place)).collect();
    let targets: Vec<&str> = moves.iter().map(|one| one.to.as_str()).collect();
    let actors: Vec<String> = moves.iter().map(|one| one.cause.actor.to_string()).collect();
    let reasons: Vec<&str> = moves.iter().map(|one| one.cause.reason.as_str()).collect();
    let correlations: Vec<uuid::Uuid> = moves.iter().map(|one| one.cause.correlation_id.0).collect();
    let times: Vec<DateTime<Utc>> = moves.iter().map(|one| one.cause.at).collect();
    let legal: Vec<(Stage, Stage)> = moves.iter().flat_map(|one| one.to.predecessors().into_iter().map(|from| (from, one.to))).collect();
    let maps = moves.iter().any(|one| matches!(&one.cause.actor, Actor::System(task) if task == MAPPING));
    let moved = sqlx::query_scalar!(
        r#"with wanted as (
            select distinct w.id, m.to_stage, m.actor, m.reason, m.correlation_id, m.at
            from unnest($1::uuid[], $2::bigint[]) w (id, place)
            join unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[])
                with ordinality m (to_stage, actor, reason, correlation_id, at, place) using (place)
        ), target as materialized (
            select document_id, entity_id, batch_id, currency, period, kind, amount, tax, hash_term, stage, sequence,
                to_stage, actor, reason, correlation_id, at
            from document join wanted on id = document_id order by document_id for update of document
        ), legal as materialized (
            select * from target
            where (select count(*) from target where (stage, to_stage) in (select * from unnest($8::text[], $9::text[])))
                = (select count(*) from wanted)
        ), moved as (
            update document d set stage = to_stage, sequence = d.sequence + 1, stage_at = at
            from legal where d.document_id = legal.document_id
            returning d.document_id
        ), written as (
            insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage,
                amount, tax, hash_term, actor, reason, correlation_id, moved_at)
            select document_id, sequence + 1, entity_id, batch_id, currency, period, kind, stage, to_stage, amount, tax, hash_term, actor, reason,
                correlation_id, at
            from legal
        ), delta as materialized (
            select entity_id, batch_id, currency, period, kind, s.stage, sum(s.sign)::bigint as count,
                sum(amount * s.sign) as amount, sum(tax * s.sign) as tax, sum(hash_term::numeric * s.sign) as hash_total
            from legal cross join lateral (values (legal.stage, -1), (legal.to_stage, 1)) s (stage, sign)
            group by entity_id, batch_id, currency, period, kind, s.stage
        ), fine as (
            insert into stage_total as t (batch_id, entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select batch_id, entity_id, currency, period, kind, stage, (pg_backend_pid() % $10 * 2 + $11)::smallint, count, amount, tax, hash_total
            from delta order by batch_id, currency, period, kind, stage
            on conflict (batch_id, currency, period, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        ), coarse as (
            insert into period_total as t (entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select entity_id, currency, period, kind, stage, (pg_backend_pid() % $10 * 2 + $11)::smallint, sum(count), sum(amount), sum(tax), sum(hash_total)
            from delta group by entity_id, period, currency, kind, stage order by entity_id, period, currency, kind, stage
            on conflict (entity_id, period, currency, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        )
        select count(*) as "count!" from moved"#,
        &wanted,
        &places,
        &targets as &[&str],
        &actors,
        &reasons as &[&str],
        &correlations,
        &times,
        &legal.iter().map(|(from, _)| from.to_string()).collect::<Vec<_>>(),
        &legal.iter().map(|(_, to)| to.to_string()).collect::<Vec<_>>(),
        SLOTS / 2,
        i32::from(maps),
    )
    .fetch_one(&mut *conn)
    .await?;
    if moved == 0 {
        return Err(what_was_found(conn, moves).await?);
    }
    let closed = moves.iter().filter(|one| matches!(one.to, Stage::Superseded | Stage::Voided));
    let closed: Vec<uuid::Uuid> = closed.flat_map(|one| one.documents.iter().map(|id| id.0)).collect();
    if !closed.is_empty() {
        crate::receivables::close(conn, &closed).await?;
    }
    Ok(u64::try_from(moved).unwrap_or_default())
}

/// Finds the document because of which nothing moved.
async fn what_was_found(conn: &mut Conn, moves: &[Move<'_>]) -> Result<MoveError> {
    for one in moves {
        let wanted: Vec<uuid::Uuid> = one.documents.iter().map(|id| id.0).collect();
        let rows = sqlx::query!(
            r#"select id as "id!", d.stage as "stage?: Stage" from unnest($1::uuid[]) id left join document d on d.document_id = id order by id"#,
            &wanted
        )
        .fetch_all(&mut *conn)
        .await?;
        for row in rows {
            let document_id = DocumentId(row.id);
            match row.stage {
                None => return Ok(MoveError::Missing(document_id)),
                Some(found) if found.check_move(one.to).is_err() => return Ok(MoveError::Illegal { document_id, found, to: one.to }),
                Some(_) => {}
            }
        }
    }
    // locked and legal now, so another transaction moved one between the two statements
    Ok(MoveError::Store(crate::Error::Serialization))
}

/// Enters the documents of a batch that were just inserted at sequence 1: their first movements and totals, and what is open of them.
/// The documents carry their entry stage (`finalized` or `rejected`); the database refuses a second entry.
pub async fn enter_batch(conn: &mut Conn, batch: BatchId, cause: &Cause) -> Result<u64> {
    let entered = sqlx::query_scalar!(
        r#"with entered as materialized (
            select document_id, entity_id, batch_id, currency, period, kind, amount, tax, hash_term, stage
            from document where batch_id = $1
        ), written as (
            insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage,
                amount, tax, hash_term, actor, reason, correlation_id, moved_at)
            select document_id, 1, entity_id, batch_id, currency, period, kind, null, stage, amount, tax, hash_term, $2, $3, $4, $5
            from entered
        ), delta as materialized (
            select entity_id, batch_id, currency, period, kind, stage, count(*) as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_term::numeric) as hash_total
            from entered group by entity_id, batch_id, currency, period, kind, stage
        ), fine as (
            insert into stage_total (batch_id, entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select batch_id, entity_id, currency, period, kind, stage, 0, count, amount, tax, hash_total from delta
        ), coarse as (
            insert into period_total as t (entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select entity_id, currency, period, kind, stage, (pg_backend_pid() % $6)::smallint, count, amount, tax, hash_total
            from delta order by entity_id, period, currency, kind, stage
            on conflict (entity_id, period, currency, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        )
        select count(*) as "count!" from entered"#,
        batch.0,
        cause.actor.to_string(),
        cause.reason,
        cause.correlation_id.0,
        cause.at,
        SLOTS,
    )
    .fetch_one(&mut *conn)
    .await?;
    crate::receivables::open_batch(conn, batch).await?;
    Ok(u64::try_from(entered).unwrap_or_default())
}
