//! What became of a posting in hand, fenced by its attempt.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{AttemptId, ConnectionId, CorrelationId, DocumentId},
    period::AccountingPeriod,
};

/// How an attempt ended, for the attempt's row.
#[derive(Debug, Clone)]
pub struct Finished {
    pub attempt_id: AttemptId,
    pub document_id: DocumentId,
    pub outcome: String,
    pub code: Option<String>,
    pub message: Option<String>,
    pub field: Option<String>,
    pub request: Option<String>,
    pub http_status: Option<i16>,
    pub answer: Option<String>,
}

/// Writes how attempts ended. The answer of an attempt that was written off before is kept and marked late; one that is written
/// twice, because nobody heard of the commit, is not. A failure is listed apart: an index on the outcome would make every answer
/// write the attempt's other indexes too.
pub async fn finish_attempts(conn: &mut Conn, finished: &[Finished], now: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = finished.iter().map(|f| f.attempt_id.0).collect();
    let documents: Vec<uuid::Uuid> = finished.iter().map(|f| f.document_id.0).collect();
    let outcomes: Vec<&str> = finished.iter().map(|f| f.outcome.as_str()).collect();
    let codes: Vec<Option<&str>> = finished.iter().map(|f| f.code.as_deref()).collect();
    let messages: Vec<Option<&str>> = finished.iter().map(|f| f.message.as_deref()).collect();
    let fields: Vec<Option<&str>> = finished.iter().map(|f| f.field.as_deref()).collect();
    let requests: Vec<Option<&str>> = finished.iter().map(|f| f.request.as_deref()).collect();
    let statuses: Vec<Option<i16>> = finished.iter().map(|f| f.http_status).collect();
    let answers: Vec<Option<&str>> = finished.iter().map(|f| f.answer.as_deref()).collect();
    sqlx::query!(
        "with finished as (
            update posting_attempt a set finished_at = coalesce(a.finished_at, $9), outcome = coalesce(a.outcome, r.outcome), code = r.code,
            message = r.message, field = r.field, request = r.request, http_status = r.status, answer = r.answer, late = coalesce(a.outcome = 'no_answer', false)
            from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[], $10::uuid[])
                r (attempt_id, outcome, code, message, field, request, status, answer, document_id)
            where a.document_id = r.document_id and a.attempt_id = r.attempt_id
            returning a.document_id, a.attempt_id, a.connection_id, a.finished_at, a.outcome, a.late
        )
        insert into posting_failure (connection_id, failed_at, document_id, attempt_id)
        select connection_id, finished_at, document_id, attempt_id from finished
        where outcome in ('auth', 'business', 'permanent', 'ambiguous', 'transient', 'unreachable') and not late
        on conflict do nothing",
        &ids,
        &outcomes as &[&str],
        &codes as &[Option<&str>],
        &messages as &[Option<&str>],
        &fields as &[Option<&str>],
        &requests as &[Option<&str>],
        &statuses as &[Option<i16>],
        &answers as &[Option<&str>],
        now,
        &documents
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these attempts, the documents that they still have in hand for `work`, locked together with their leases. Completion is
/// fenced by this.
pub async fn hold(conn: &mut Conn, attempts: &[(DocumentId, AttemptId)], leases: &[CorrelationId], work: &str) -> Result<Vec<DocumentId>> {
    super::lease::lock(conn, &leases.iter().map(|id| id.0).collect::<Vec<_>>()).await?;
    let documents: Vec<uuid::Uuid> = attempts.iter().map(|a| a.0.0).collect();
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|a| a.1.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select p.document_id as "document_id: DocumentId" from posting p
        join unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id) on p.document_id = r.document_id and p.attempt_id = r.attempt_id
        where p.work = $3 order by p.document_id for update of p"#,
        &documents,
        &ids,
        work
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those that a late acceptance may decide, locked: nobody has them in hand, and they count as unknown,
/// as not processed or as refused. The documents are locked as well: else a stage that another decided while this waited for the
/// posting would be seen as it was before.
pub async fn hold_undecided(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select p.document_id as "document_id: DocumentId" from posting p join document d using (document_id)
        where p.document_id = any($1) and p.work is distinct from 'lease' and d.stage in ('unknown', 'queued', 'exception')
        order by p.document_id for update of p, d"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// Of these documents, those of which an earlier send may have been processed and no refusal was looked into since: a refusal
/// says nothing about the earlier send, because an ERP may check a period before it looks for a duplicate.
pub async fn doubtful(conn: &mut Conn, attempts: &[(DocumentId, AttemptId)]) -> Result<Vec<DocumentId>> {
    let documents: Vec<uuid::Uuid> = attempts.iter().map(|a| a.0.0).collect();
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|a| a.1.0).collect();
    Ok(sqlx::query_scalar!(
        r#"select r.document_id as "document_id!: DocumentId" from unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id)
        cross join lateral (
            select a.outcome from posting_attempt a
            where a.document_id = r.document_id and a.attempt_id <> r.attempt_id and a.purpose = 'send'
                and a.outcome in ('ambiguous', 'no_answer', 'duplicate', 'business', 'permanent')
            order by a.attempt_id desc limit 1
        ) last where last.outcome in ('ambiguous', 'no_answer', 'duplicate')"#,
        &documents,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// What a posting waits for after its lease ended or its probe decided.
#[derive(Debug, Clone)]
pub struct Next {
    pub document_id: DocumentId,
    /// `send`, `probe`, or nothing.
    pub work: Option<&'static str>,
    pub due_at: Option<DateTime<Utc>>,
    /// Whether the try counts.
    pub burnt: bool,
    pub absent_probes: i16,
    /// When the send may have left us latest, where that is later than its claim.
    pub sent_at: Option<DateTime<Utc>>,
    pub erp_id: Option<String>,
    pub erp_number: Option<String>,
}

impl Next {
    /// Nothing: for the caller to change.
    pub fn nothing(document_id: DocumentId) -> Self {
        Self { document_id, work: None, due_at: None, burnt: false, absent_probes: 0, sent_at: None, erp_id: None, erp_number: None }
    }
}

/// Ends leases: says for each posting what comes next.
pub async fn set_next(conn: &mut Conn, next: &[Next]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = next.iter().map(|n| n.document_id.0).collect();
    let works: Vec<Option<&str>> = next.iter().map(|n| n.work).collect();
    let dues: Vec<Option<DateTime<Utc>>> = next.iter().map(|n| n.due_at).collect();
    let burnt: Vec<i32> = next.iter().map(|n| i32::from(n.burnt)).collect();
    let absent: Vec<i16> = next.iter().map(|n| n.absent_probes).collect();
    let sents: Vec<Option<DateTime<Utc>>> = next.iter().map(|n| n.sent_at).collect();
    let erp_ids: Vec<Option<&str>> = next.iter().map(|n| n.erp_id.as_deref()).collect();
    let erp_numbers: Vec<Option<&str>> = next.iter().map(|n| n.erp_number.as_deref()).collect();
    sqlx::query!(
        "update posting p set work = r.work, due_at = r.due_at, attempt_id = null, lease_id = null, attempts = p.attempts + r.burnt,
            absent_probes = r.absent, erp_id = coalesce(r.erp_id, p.erp_id), erp_number = coalesce(r.erp_number, p.erp_number),
            sent_at = coalesce(r.sent_at, p.sent_at)
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::integer[], $5::smallint[], $6::text[], $7::text[], $8::timestamptz[])
            r (document_id, work, due_at, burnt, absent, erp_id, erp_number, sent_at)
        where p.document_id = r.document_id",
        &ids,
        &works as &[Option<&str>],
        &dues as &[Option<DateTime<Utc>>],
        &burnt,
        &absent,
        &erp_ids as &[Option<&str>],
        &erp_numbers as &[Option<&str>],
        &sents as &[Option<DateTime<Utc>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Attempts whose lease ended: their answer, if it still comes, will be a late one.
pub async fn write_off(conn: &mut Conn, expired: &[super::Expired], now: DateTime<Utc>) -> Result<()> {
    let documents: Vec<uuid::Uuid> = expired.iter().map(|e| e.document_id.0).collect();
    let attempts: Vec<uuid::Uuid> = expired.iter().map(|e| e.attempt_id.0).collect();
    sqlx::query!(
        "update posting_attempt a set finished_at = $3, outcome = 'no_answer' from unnest($1::uuid[], $2::uuid[]) r (document_id, attempt_id)
        where a.document_id = r.document_id and a.attempt_id = r.attempt_id and a.outcome is null",
        &documents,
        &attempts,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A queued posting whose period was hard closed before it could be sent.
#[derive(Debug, Clone)]
pub struct Late {
    pub document_id: DocumentId,
    pub period: AccountingPeriod,
}

/// Takes queued postings of hard closed periods out of the queue, locked, up to a limit; the caller moves them to `exception`. Those
/// of a batch that was not compared yet stay, because nothing of it may move: they have no work, and come here when they have.
pub async fn stop_late(conn: &mut Conn, connection: ConnectionId, limit: i64) -> Result<Vec<Late>> {
    Ok(sqlx::query_as!(
        Late,
        r#"with late as materialized (
            select p.document_id, q.period
            from accounting_period a join entity_connection ec using (entity_id) cross join lateral (
                select d.document_id, d.period from document d join posting p using (document_id)
                where d.entity_id = a.entity_id and d.stage = 'queued' and d.period = a.period and p.work = 'send' limit $2
            ) q join posting p on p.document_id = q.document_id
            where a.state = 'hard_closed' and ec.connection_id = $1 and p.connection_id = $1 and p.work = 'send'
            order by p.document_id limit $2 for update of p skip locked
        )
        update posting p set work = null, due_at = null from late where p.document_id = late.document_id
        returning p.document_id as "document_id: DocumentId", late.period as "period: AccountingPeriod""#,
        connection.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}
