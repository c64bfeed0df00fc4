//! The roll-forward of receivables against what is open.

use super::Compared;
use crate::{Conn, Result};
use domain::{
    roll_forward::RollPart,
    stage::{DocumentKind, Side},
};

/// What a roll-forward closes with, over all periods of an entity and currency, is what is open of its items; money of unknown payers
/// is in neither. Totals on one side, items with their applications on the other.
pub async fn roll_forward(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from period_total").fetch_one(&mut *conn).await?;
    let parts = DocumentKind::ALL.iter().filter_map(|kind| Some((kind.as_str(), RollPart::of(*kind)?.side())));
    let (kinds, signs): (Vec<&str>, Vec<i32>) = parts.map(|(kind, side)| (kind, if side == Side::Debit { 1 } else { -1 })).unzip();
    let first = sqlx::query_scalar!(
        r#"with side as (
            select * from unnest($1::text[], $2::integer[]) s (kind, sign)
        ), closing as (
            select entity_id, currency, sum(amount * sign) as amount from period_total join side using (kind)
            where stage not in ('rejected', 'superseded', 'voided') and not (is_money(kind) and stage = 'held') group by 1, 2
        ), opened as (
            select entity_id, currency, sum(open * sign) as amount from open_item join side using (kind)
            where customer_code <> '' group by 1, 2
        )
        select format('%s %s: the roll-forward closes with %s, open is %s', e.code, currency, coalesce(c.amount, 0), coalesce(o.amount, 0)) as "text!"
        from closing c full join opened o using (entity_id, currency) left join entity e using (entity_id)
        where coalesce(c.amount, 0) <> coalesce(o.amount, 0) order by 1 limit 1"#,
        &kinds as &[&str],
        &signs
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals of what was written off against the credit memos that did it, which all count.
pub async fn write_off_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from write_off").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select d.entity_id, d.currency, d.period, count(*) as count, sum(d.amount) as amount from write_off join document d using (document_id)
            where d.kind = 'credit_memo' and not d.rejected and d.stage not in ('superseded', 'voided') group by 1, 2, 3
        )
        select format('%s %s %s: the total says %s, %s; written off are %s, %s', e.code, currency, period, coalesce(t.count, 0), coalesce(t.amount, 0),
            coalesce(c.count, 0), coalesce(c.amount, 0)) as "text!"
        from write_off_total t full join counted c using (entity_id, currency, period) left join entity e using (entity_id)
        where (coalesce(t.count, 0), coalesce(t.amount, 0)) <> (coalesce(c.count, 0), coalesce(c.amount, 0)) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals of what came by transfers against their payments, which all count.
pub async fn transfer_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from transfer_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select d.entity_id, d.currency, d.period, count(*) as count, sum(d.amount) as amount
            from transfer t join document d on d.document_id = t.in_id where d.stage not in ('superseded', 'voided') group by 1, 2, 3
        )
        select format('%s %s %s: the total says %s, %s; transferred are %s, %s', e.code, currency, period, coalesce(t.count, 0),
            coalesce(t.amount, 0), coalesce(c.count, 0), coalesce(c.amount, 0)) as "text!"
        from transfer_total t full join counted c using (entity_id, currency, period) left join entity e using (entity_id)
        where (coalesce(t.count, 0), coalesce(t.amount, 0)) <> (coalesce(c.count, 0), coalesce(c.amount, 0)) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}
