//! Bare SQL as the limit of posting: the same rows in the same tables, one statement a claim and one a completion, over one
//! connection. It locks nothing, fences nothing and knows its answers beforehand.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::id::{AttemptId, ConnectionId, CorrelationId, DocumentId};

/// Takes as many due postings as there are attempts: lease, posting, attempt, stage, movement, totals.
pub async fn claim(
    conn: &mut Conn,
    connection: ConnectionId,
    lease: CorrelationId,
    attempts: &[AttemptId],
    now: DateTime<Utc>,
) -> Result<Vec<DocumentId>> {
    let ids: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    Ok(sqlx::query_scalar!(
        r#"with due as materialized (
            select document_id, ($2::uuid[])[row_number() over (order by lane, due_at, document_id)] as attempt_id from posting
            where connection_id = $1 and work = 'send' and due_at <= $4 order by lane, due_at, document_id limit cardinality($2::uuid[])
        ), leased as (
            insert into lease (lease_id, connection_id, worker, purpose, expires_at, calls, documents)
            select $3, $1, 'bare', 'send', clock_timestamp() + interval '35 seconds', count(*), array_agg(document_id) from due having count(*) > 0
        ), taken as (
            update posting p set work = 'lease', due_at = null, attempt_id = due.attempt_id, lease_id = $3, frozen_at = $4, sent_at = $4
            from due where p.document_id = due.document_id
        ), attempted as (
            insert into posting_attempt (attempt_id, document_id, connection_id, purpose, worker, correlation_id, claimed_at)
            select attempt_id, document_id, $1, 'send', 'bare', $3, $4 from due
        ), moved as (
            update document d set stage = 'in_flight', sequence = d.sequence + 1, stage_at = $4 from due where d.document_id = due.document_id
            returning d.document_id, d.sequence, d.entity_id, d.batch_id, d.currency, d.period, d.kind, d.amount, d.tax, d.hash_term
        ), written as (
            insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage,
                amount, tax, hash_term, actor, reason, correlation_id, moved_at)
            select document_id, sequence, entity_id, batch_id, currency, period, kind, 'queued', 'in_flight', amount, tax, hash_term,
                'system:posting', 'sent by bare', $3, $4 from moved
        ), delta as materialized (
            select entity_id, batch_id, currency, period, kind, s.stage, sum(s.sign)::bigint as count, sum(amount * s.sign) as amount,
                sum(tax * s.sign) as tax, sum(hash_term::numeric * s.sign) as hash_total
            from moved cross join (values ('queued', -1), ('in_flight', 1)) s (stage, sign)
            group by entity_id, batch_id, currency, period, kind, s.stage
        ), fine as (
            insert into stage_total as t (batch_id, entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select batch_id, entity_id, currency, period, kind, stage, 0, count, amount, tax, hash_total from delta
            on conflict (batch_id, currency, period, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        ), coarse as (
            insert into period_total as t (entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select entity_id, currency, period, kind, stage, 0, sum(count), sum(amount), sum(tax), sum(hash_total)
            from delta group by entity_id, period, currency, kind, stage
            on conflict (entity_id, period, currency, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        )
        select document_id as "document_id: DocumentId" from due"#,
        connection.0,
        &ids,
        lease.0,
        now
    )
    .fetch_all(conn)
    .await?)
}

/// Completes a claim as accepted: attempt, posting, lease, stage, movement, totals, outbox.
pub async fn complete(
    conn: &mut Conn,
    lease: CorrelationId,
    documents: &[DocumentId],
    attempts: &[AttemptId],
    now: DateTime<Utc>,
) -> Result<()> {
    let documents: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let attempts: Vec<uuid::Uuid> = attempts.iter().map(|id| id.0).collect();
    let numbers: Vec<String> = documents.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "with answer as materialized (
            select * from unnest($2::uuid[], $3::uuid[], $4::text[]) r (document_id, attempt_id, number)
        ), ended as (
            delete from lease where lease_id = $1
        ), finished as (
            update posting_attempt a set finished_at = $5, outcome = 'accepted', message = 'number ' || number, request = 'POST ' || number,
                http_status = 204
            from answer where a.document_id = answer.document_id and a.attempt_id = answer.attempt_id
        ), done as (
            update posting p set work = null, attempt_id = null, lease_id = null, attempts = p.attempts + 1, erp_id = number, erp_number = number
            from answer where p.document_id = answer.document_id
        ), moved as (
            update document d set stage = 'posted', sequence = d.sequence + 1, stage_at = $5 from answer where d.document_id = answer.document_id
            returning d.document_id, d.sequence, d.entity_id, d.batch_id, d.currency, d.period, d.kind, d.amount, d.tax, d.hash_term
        ), written as (
            insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage,
                amount, tax, hash_term, actor, reason, correlation_id, moved_at)
            select document_id, sequence, entity_id, batch_id, currency, period, kind, 'in_flight', 'posted', amount, tax, hash_term,
                'system:posting', 'accepted by Instant', $1, $5 from moved
        ), published as (
            insert into outbox (event, document_id, entity_id, occurred_at) select 'PostingAccepted', document_id, entity_id, $5 from moved
        ), delta as materialized (
            select entity_id, batch_id, currency, period, kind, s.stage, sum(s.sign)::bigint as count, sum(amount * s.sign) as amount,
                sum(tax * s.sign) as tax, sum(hash_term::numeric * s.sign) as hash_total
            from moved cross join (values ('in_flight', -1), ('posted', 1)) s (stage, sign)
            group by entity_id, batch_id, currency, period, kind, s.stage
        ), fine as (
            insert into stage_total as t (batch_id, entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select batch_id, entity_id, currency, period, kind, stage, 0, count, amount, tax, hash_total from delta
            on conflict (batch_id, currency, period, kind, stage, slot) do update set count = t.count + excluded.count,
                amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total
        )
        insert into period_total as t (entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
        select entity_id, currency, period, kind, stage, 0, sum(count), sum(amount), sum(tax), sum(hash_total)
        from delta group by entity_id, period, currency, kind, stage
        on conflict (entity_id, period, currency, kind, stage, slot) do update set count = t.count + excluded.count,
            amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total",
        lease.0,
        &documents,
        &attempts,
        &numbers,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}
