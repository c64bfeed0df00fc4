//! Control totals of batches before their first send: what the manifest announced against what was mapped for the ERP.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    control::{BatchControl, ControlRow, ControlTotal},
    id::{BatchId, DocumentId, EntityId},
    stage::{DocumentKind, Stage},
};

/// A new batch waits until everything of it was mapped.
pub async fn await_batch(conn: &mut Conn, batch: BatchId) -> Result<()> {
    sqlx::query!("insert into batch_control (batch_id, state) values ($1, 'waiting')", batch.0).execute(conn).await?;
    Ok(())
}

/// A batch of which nothing is left to map, locked; `None`: none waits.
pub async fn claim(conn: &mut Conn) -> Result<Option<(BatchId, EntityId)>> {
    let row = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", b.entity_id as "entity_id: EntityId" from batch_control c join batch b using (batch_id)
        where state = 'waiting' and coalesce((
            select sum(count) from stage_total t where t.batch_id = c.batch_id and t.stage = 'finalized'), 0) = 0
        order by batch_id limit 1 for update of c skip locked"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.batch_id, row.entity_id)))
}

/// Adds up both sides and keeps what was found. Nothing of the batch may move meanwhile but by the caller.
pub async fn compare(conn: &mut Conn, batch: BatchId, now: DateTime<Utc>) -> Result<Vec<ControlTotal>> {
    sqlx::query!("delete from batch_control_total where batch_id = $1", batch.0).execute(&mut *conn).await?;
    let totals = sqlx::query_as!(
        ControlTotal,
        r#"with announced as (
            select m.currency, m.kind, m.count - count(d.document_id) as count, m.total - coalesce(sum(d.amount), 0) as amount,
                m.tax - coalesce(sum(d.tax), 0) as tax
            from batch_manifest m left join document d on d.batch_id = m.batch_id and d.currency = m.currency and d.kind = m.kind and d.rejected
            where m.batch_id = $1 group by m.currency, m.kind, m.count, m.total, m.tax
        ), issued as (
            select currency, kind, count(*) filter (where not to_send) as aside_count,
                coalesce(sum(amount) filter (where not to_send), 0) as aside_amount, coalesce(sum(tax) filter (where not to_send), 0) as aside_tax,
                coalesce(sum(issued_term) filter (where to_send), 0) as issued_hash
            from batch_control_row where batch_id = $1 group by currency, kind
        ), mapped as (
            select mapped_currency as currency, mapped_kind as kind, count(*) as count, sum(mapped_amount) as amount, sum(mapped_tax) as tax,
                sum(mapped_term) as hash
            from batch_control_row where batch_id = $1 and to_send and mapped_currency is not null group by mapped_currency, mapped_kind
        )
        insert into batch_control_total (batch_id, currency, kind, announced_count, announced_amount, announced_tax, aside_count, aside_amount,
            aside_tax, to_send_count, to_send_amount, to_send_tax, issued_hash, to_send_hash)
        select $1, currency, kind, coalesce(a.count, 0), coalesce(a.amount, 0), coalesce(a.tax, 0), coalesce(i.aside_count, 0),
            coalesce(i.aside_amount, 0), coalesce(i.aside_tax, 0), coalesce(m.count, 0), coalesce(m.amount, 0), coalesce(m.tax, 0),
            coalesce(i.issued_hash, 0), coalesce(m.hash, 0)
        from announced a full join issued i using (currency, kind) full join mapped m using (currency, kind)
        returning currency, kind as "kind: DocumentKind", announced_count, announced_amount, announced_tax, aside_count, aside_amount, aside_tax,
            to_send_count, to_send_amount, to_send_tax, issued_hash = to_send_hash as "hash_ties!""#,
        batch.0
    )
    .fetch_all(&mut *conn)
    .await?;
    let state = if totals.iter().all(ControlTotal::ties) { "passed" } else { "stopped" };
    sqlx::query!("update batch_control set state = $2, compared_at = $3 where batch_id = $1", batch.0, state, now).execute(conn).await?;
    Ok(totals)
}

/// Makes everything sendable that was queued while the batch waited. Returns how many.
pub async fn release(conn: &mut Conn, batch: BatchId, due_at: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "update posting p set work = 'send', due_at = $2 from document d
        where d.batch_id = $1 and d.stage = 'queued' and p.document_id = d.document_id and p.work is null",
        batch.0,
        due_at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A stopped batch waits to be compared again. `None`: it is not stopped, or not the caller's.
pub async fn again(conn: &mut Conn, scope: &Scope, batch: BatchId) -> Result<Option<EntityId>> {
    Ok(sqlx::query_scalar!(
        r#"update batch_control c set state = 'waiting', compared_at = null from batch b
        where c.batch_id = $1 and c.state = 'stopped' and b.batch_id = c.batch_id and b.entity_id = any($2)
        returning b.entity_id as "entity_id: EntityId""#,
        batch.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// What the comparison of a batch came to; `None` before it.
pub async fn find(pool: &Pool, scope: &Scope, batch: BatchId, rows_max: i64) -> Result<Option<BatchControl>> {
    let head = sqlx::query!(
        r#"select state = 'stopped' as "stopped!", compared_at as "compared_at!" from batch_control c join batch b using (batch_id)
        where batch_id = $1 and b.entity_id = any($2) and state <> 'waiting'"#,
        batch.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let totals = sqlx::query_as!(
        ControlTotal,
        r#"select currency, kind as "kind: DocumentKind", announced_count, announced_amount, announced_tax, aside_count, aside_amount, aside_tax,
            to_send_count, to_send_amount, to_send_tax, issued_hash = to_send_hash as "hash_ties!"
        from batch_control_total where batch_id = $1 order by currency, kind desc"#,
        batch.0
    )
    .fetch_all(pool)
    .await?;
    let rows = if head.stopped { differing(pool, batch, rows_max).await? } else { Vec::new() };
    Ok(Some(BatchControl { stopped: head.stopped, compared_at: head.compared_at, totals, rows }))
}

/// The documents behind a difference, in the order of the batch: mapped to something else, or not mapped and yet to be sent.
async fn differing(pool: &Pool, batch: BatchId, limit: i64) -> Result<Vec<ControlRow>> {
    Ok(sqlx::query_as!(
        ControlRow,
        r#"select r.document_id as "document_id!: DocumentId", r.number as "number!", r.stage as "stage!: Stage", r.currency as "currency!",
            r.amount as "amount!", r.tax as "tax!", r.mapped_currency, r.mapped_amount, r.mapped_tax
        from batch_control_row r
        where r.batch_id = $1 and r.to_send and (r.mapped_kind <> r.kind or r.mapped_term is distinct from r.issued_term)
        order by r.line limit $2"#,
        batch.0,
        limit
    )
    .fetch_all(pool)
    .await?)
}
