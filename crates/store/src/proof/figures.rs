//! Counts and money: manifest, documents, lines, movements and totals say the same.

use super::Compared;
use crate::{Conn, Result};

/// Every batch holds as many documents as it says.
pub async fn batch_count(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from batch").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"select format('batch %s / %s: it came with %s documents, now there are %s', b.source, b.number, b.document_count, coalesce(d.n, 0)) as "text!"
        from batch b left join (select batch_id, count(*) as n from document group by batch_id) d using (batch_id)
        where b.document_count <> coalesce(d.n, 0) order by b.batch_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// The manifest against the documents: count, total and tax per currency and kind.
pub async fn manifest(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from batch_manifest").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"select format('batch %s / %s, %s %s: the manifest says %s, total %s, tax %s; the documents come to %s, total %s, tax %s', b.source,
            b.number, currency, kind, coalesce(m.count, 0), coalesce(m.total, 0), coalesce(m.tax, 0), coalesce(d.n, 0), coalesce(d.amount, 0),
            coalesce(d.tax, 0)) as "text!"
        from batch_manifest m
        full join (
            select batch_id, currency, kind, count(*) as n, sum(amount) as amount, sum(tax) as tax from document group by batch_id, currency, kind
        ) d using (batch_id, currency, kind)
        join batch b using (batch_id)
        where (coalesce(m.count, 0), coalesce(m.total, 0), coalesce(m.tax, 0)) <> (coalesce(d.n, 0), coalesce(d.amount, 0), coalesce(d.tax, 0))
        order by batch_id, currency, kind limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Amount and tax of every document that broke no rule against its lines.
pub async fn lines(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from document_line").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"select format('%s %s v%s of batch %s / %s: amount %s and tax %s, its lines come to %s and %s', d.kind, d.number, d.version, b.source,
            b.number, d.amount, d.tax, coalesce(l.net, 0) + coalesce(l.tax, 0), coalesce(l.tax, 0)) as "text!"
        from document d join batch b using (batch_id)
        left join (select document_id, sum(net) as net, sum(tax) as tax from document_line group by document_id) l using (document_id)
        where not d.rejected and (d.amount, d.tax) <> (coalesce(l.net, 0) + coalesce(l.tax, 0), coalesce(l.tax, 0))
        order by d.document_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals by batch against the sum of the movements.
pub async fn stage_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from stage_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with moved as (
            select batch_id, entity_id, currency, period, kind, s.stage, sum(s.sign)::bigint as count, sum(amount * s.sign) as amount,
                sum(tax * s.sign) as tax, sum(hash_term::numeric * s.sign) as hash_total
            from movement cross join lateral (values (from_stage, -1), (to_stage, 1)) s (stage, sign)
            where s.stage is not null group by batch_id, entity_id, currency, period, kind, s.stage
        ), kept as (
            select batch_id, entity_id, currency, period, kind, stage, sum(count)::bigint as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_total) as hash_total
            from stage_total group by batch_id, entity_id, currency, period, kind, stage
        )
        select format('batch %s / %s, %s %s %s %s: the total says %s, %s, tax %s, hash total %s; the movements come to %s, %s, tax %s, hash total %s',
            b.source, b.number, period, currency, kind, stage, coalesce(k.count, 0), coalesce(k.amount, 0), coalesce(k.tax, 0),
            coalesce(k.hash_total, 0), coalesce(m.count, 0), coalesce(m.amount, 0), coalesce(m.tax, 0), coalesce(m.hash_total, 0)) as "text!"
        from kept k full join moved m using (batch_id, entity_id, currency, period, kind, stage)
        left join (select batch_id, source, number from batch) b using (batch_id)
        where (coalesce(k.count, 0), coalesce(k.amount, 0), coalesce(k.tax, 0), coalesce(k.hash_total, 0))
            <> (coalesce(m.count, 0), coalesce(m.amount, 0), coalesce(m.tax, 0), coalesce(m.hash_total, 0))
        order by batch_id, currency, period, kind, stage limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals by batch against the documents as they stand.
pub async fn stage_totals_of_documents(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from document").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with standing as (
            select batch_id, entity_id, currency, period, kind, stage, count(*) as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_term::numeric) as hash_total
            from document group by batch_id, entity_id, currency, period, kind, stage
        ), kept as (
            select batch_id, entity_id, currency, period, kind, stage, sum(count)::bigint as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_total) as hash_total
            from stage_total group by batch_id, entity_id, currency, period, kind, stage
        )
        select format('batch %s / %s, %s %s %s %s: the total says %s, %s, tax %s; the documents come to %s, %s, tax %s', b.source, b.number, period,
            currency, kind, stage, coalesce(k.count, 0), coalesce(k.amount, 0), coalesce(k.tax, 0), coalesce(s.count, 0), coalesce(s.amount, 0),
            coalesce(s.tax, 0)) as "text!"
        from kept k full join standing s using (batch_id, entity_id, currency, period, kind, stage)
        left join (select batch_id, source, number from batch) b using (batch_id)
        where (coalesce(k.count, 0), coalesce(k.amount, 0), coalesce(k.tax, 0), coalesce(k.hash_total, 0))
            <> (coalesce(s.count, 0), coalesce(s.amount, 0), coalesce(s.tax, 0), coalesce(s.hash_total, 0))
        order by batch_id, currency, period, kind, stage limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals by period against totals by batch.
pub async fn period_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from period_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with fine as (
            select entity_id, currency, period, kind, stage, sum(count) as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_total) as hash_total
            from stage_total group by entity_id, currency, period, kind, stage
        ), coarse as (
            select entity_id, currency, period, kind, stage, sum(count) as count, sum(amount) as amount, sum(tax) as tax,
                sum(hash_total) as hash_total
            from period_total group by entity_id, currency, period, kind, stage
        )
        select format('entity %s, %s %s %s %s: the total by period says %s, %s, tax %s; the totals by batch come to %s, %s, tax %s', e.code, period,
            currency, kind, stage, coalesce(c.count, 0), coalesce(c.amount, 0), coalesce(c.tax, 0), coalesce(f.count, 0), coalesce(f.amount, 0),
            coalesce(f.tax, 0)) as "text!"
        from coarse c full join fine f using (entity_id, currency, period, kind, stage)
        left join entity e using (entity_id)
        where (coalesce(c.count, 0), coalesce(c.amount, 0), coalesce(c.tax, 0), coalesce(c.hash_total, 0))
            <> (coalesce(f.count, 0), coalesce(f.amount, 0), coalesce(f.tax, 0), coalesce(f.hash_total, 0))
        order by entity_id, period, currency, kind, stage limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// The totals of open exceptions are the sums of the open ones.
pub async fn exception_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from exception_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select entity_id, fingerprint, connection_id, kind, currency, period, owner, count(*) as count, sum(amount) as amount
            from exception where closed_at is null group by entity_id, fingerprint, connection_id, kind, currency, period, owner
        )
        select format('%s of %s in %s: the total says %s, %s; its open exceptions come to %s, %s', coalesce(t.fingerprint, c.fingerprint),
            coalesce(t.currency, c.currency), coalesce(t.period, c.period), coalesce(t.count, 0), coalesce(t.amount, 0), coalesce(c.count, 0),
            coalesce(c.amount, 0)) as "text!"
        from exception_total t full join counted c
            on (t.entity_id, t.fingerprint, t.kind, t.currency, t.period, coalesce(t.connection_id::text, ''), coalesce(t.owner, ''))
            = (c.entity_id, c.fingerprint, c.kind, c.currency, c.period, coalesce(c.connection_id::text, ''), coalesce(c.owner, ''))
        where (t.count, t.amount) is distinct from (c.count, c.amount) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// What was opened and closed per cause and day is what the exceptions say.
pub async fn cause_flow(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from cause_flow").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select fingerprint, entity_id, (at at time zone time_zone)::date as day, sum(opened) as opened, sum(closed) as closed
            from exception join entity using (entity_id) cross join lateral (values (opened_at, 1, 0), (closed_at, 0, 1)) f (at, opened, closed)
            where at is not null group by 1, 2, 3
        )
        select format('%s in %s on %s: %s opened and %s closed are kept; its exceptions come to %s and %s', fingerprint, e.code, day, coalesce(f.opened, 0),
            coalesce(f.closed, 0), coalesce(c.opened, 0), coalesce(c.closed, 0)) as "text!"
        from cause_flow f full join counted c using (fingerprint, entity_id, day) left join entity e using (entity_id)
        where (coalesce(f.opened, 0), coalesce(f.closed, 0)) <> (coalesce(c.opened, 0), coalesce(c.closed, 0)) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Open exceptions by hour and due time are the open ones.
pub async fn exception_clock(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from exception_clock").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select entity_id, date_trunc('hour', opened_at, 'UTC') as opened_hour, coalesce(due_at, 'infinity') as due_at, count(*) as count
            from exception where closed_at is null group by 1, 2, 3
        ), kept as (
            select entity_id, opened_hour, coalesce(due_at, 'infinity') as due_at, count from exception_clock
        )
        select format('%s, opened in the hour of %s and due %s: the total says %s; open are %s', e.code, opened_hour, due_at, coalesce(k.count, 0),
            coalesce(c.count, 0)) as "text!"
        from kept k full join counted c using (entity_id, opened_hour, due_at) left join entity e using (entity_id)
        where k.count is distinct from c.count order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}
