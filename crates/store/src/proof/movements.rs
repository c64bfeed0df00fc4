//! Histories: every document's movements are whole, legal and its own, and say where it is.

use super::Compared;
use crate::{Conn, Result};
use domain::stage::Stage;

/// Movements are numbered without gaps, begin where the last one ended, and carry what their document carries.
pub async fn movements(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from movement").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with chained as (
            select m.*, row_number() over history as place, lag(to_stage) over history as came_from
            from movement m window history as (partition by document_id order by sequence)
        )
        select format('%s %s v%s of batch %s / %s, movement %s (%s to %s): %s', d.kind, d.number, d.version, b.source, b.number, c.sequence,
            coalesce(c.from_stage, 'outside'), c.to_stage, case
                when c.sequence <> c.place then format('the one before it is missing: it is the %s. of its history', c.place)
                when c.from_stage is distinct from c.came_from then format('the one before it ended at %s', coalesce(c.came_from, 'outside'))
                when (c.amount, c.tax) <> (d.amount, d.tax) then format('it carries %s, tax %s; the document says %s, tax %s', c.amount, c.tax, d.amount, d.tax)
                when c.hash_term <> d.hash_term then 'its hash term is not that of the document'
                else 'its entity, batch, currency, period or kind is not that of the document' end) as "text!"
        from chained c join document d using (document_id) join batch b on b.batch_id = d.batch_id
        where c.sequence <> c.place or c.from_stage is distinct from c.came_from
            or (c.amount, c.tax, c.hash_term, c.entity_id, c.batch_id, c.currency, c.period, c.kind)
                <> (d.amount, d.tax, d.hash_term, d.entity_id, d.batch_id, d.currency, d.period, d.kind)
        order by c.document_id, c.sequence limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Only moves that the state machine knows were made; rejected rows entered as rejected, the others did not.
pub async fn legal_moves(conn: &mut Conn) -> Result<Compared> {
    let kinds = sqlx::query!(
        r#"select from_stage, to_stage, count(*) as "count!", min(document_id::text) as "example!"
        from movement group by from_stage, to_stage order by from_stage nulls first, to_stage"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let legal = |from: Option<&str>, to: &str| match (from.map(str::parse::<Stage>), to.parse::<Stage>()) {
        (None, Ok(to)) => to.is_entry(),
        (Some(Ok(from)), Ok(to)) => from.check_move(to).is_ok(),
        _ => false,
    };
    let illegal = kinds.iter().find(|row| !legal(row.from_stage.as_deref(), &row.to_stage)).map(|row| {
        let from = row.from_stage.as_deref().unwrap_or("outside");
        format!("document {}: a move from {from} to {} is not legal ({} such)", row.example, row.to_stage, row.count)
    });
    let entered = sqlx::query_scalar!(
        r#"select format('%s %s v%s: %s, but it entered as %s', d.kind, d.number, d.version,
            case when d.rejected then 'it broke a rule' else 'it broke no rule' end, m.to_stage) as "text!"
        from movement m join document d using (document_id)
        where m.sequence = 1 and d.rejected <> (m.to_stage = 'rejected') order by d.document_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(Some(kinds.iter().map(|row| row.count).sum()), illegal.or(entered)))
}

/// Every document is where its last movement took it, and only superseded ones have a successor.
pub async fn stages(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from document").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with last as (
            select distinct on (document_id) document_id, sequence, to_stage from movement order by document_id, sequence desc
        )
        select format('%s %s v%s of batch %s / %s is %s (sequence %s), its last movement says %s (sequence %s)%s', d.kind, d.number, d.version,
            b.source, b.number, d.stage, d.sequence, coalesce(last.to_stage, 'nothing'), coalesce(last.sequence, 0),
            case when (d.stage = 'superseded') <> (d.superseded_by is not null) then '; its successor does not fit' else '' end) as "text!"
        from document d left join last using (document_id) join batch b using (batch_id)
        where (d.stage, d.sequence) is distinct from (last.to_stage, last.sequence)
            or (d.stage = 'superseded') <> (d.superseded_by is not null)
        order by d.document_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// What a worker is to do with a posting follows from the document's stage: queued is sent, in flight is watched, unknown is probed,
/// everything else is left alone.
pub async fn postings(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from posting").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"select format('%s %s v%s is %s, its posting waits for %s', d.kind, d.number, d.version, d.stage, coalesce(p.work, 'nothing')) as "text!"
        from document d left join posting p using (document_id)
        where p.work is distinct from case d.stage when 'queued' then 'send' when 'in_flight' then 'lease' when 'unknown' then 'probe' end
        order by d.document_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// The slots that leases hold are the sends that are in hand under them. A lease of probes may outlive what it asked about.
pub async fn leases(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from lease where purpose = 'send'").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"select format('lease %s of %s holds %s calls, %s postings are in hand under it', coalesce(l.lease_id, p.lease_id),
            coalesce(l.worker, 'nobody'), coalesce(l.calls, 0), coalesce(p.calls, 0)) as "text!"
        from (select * from lease where purpose = 'send') l
        full join (select lease_id, count(*) as calls from posting where work = 'lease' group by lease_id) p using (lease_id)
        where l.calls is distinct from p.calls order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}
