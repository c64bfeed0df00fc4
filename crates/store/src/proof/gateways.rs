//! Gateways against payments, payouts and bank lines.

use super::Compared;
use crate::{Conn, Result};

/// Every document of a gateway is one movement of that amount and meaning, and no movement is two.
pub async fn movements_at_gateways(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from payment where entry_id is not null").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with live as (
            select p.gateway_account_id, p.entry_id, count(*) as times, min(d.amount) as amount, min(d.currency) as currency,
                string_agg(d.number, ', ') as number, min(d.kind) as kind
            from payment p join document d using (document_id) where d.superseded_by is null and p.entry_id is not null
            group by p.gateway_account_id, p.entry_id
        )
        select format('%s %s: the gateway says %s %s, taken as %s %s %s %s', e.kind, entry_id, e.amount, e.currency, l.kind, l.number, l.amount,
            l.currency) as "text!"
        from live l left join gateway_entry e using (gateway_account_id, entry_id)
        where (e.currency, 1) is distinct from (l.currency, l.times)
            or (l.kind, l.amount) is distinct from (
                case when e.kind in ('charge', 'refund_failure', 'dispute_reversal') then 'payment' when e.kind = 'return' then 'returned_payment'
                    when e.kind = 'dispute' then 'chargeback' else e.kind end,
                case when e.kind in ('charge', 'refund_failure', 'dispute_reversal') then e.amount else -e.amount end
            )
        order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// A payout is what its movements come to, and the bank line that it is tied to says the same amount and currency.
pub async fn payouts(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from gateway_payout").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with paid as (
            select gateway_account_id, payout_id, sum(net) as net from gateway_entry
            where payout_id is not null and kind not in ('payout', 'payout_failure') group by gateway_account_id, payout_id
        )
        select format('payout %s of %s %s: its movements come to %s', payout_id, p.amount, p.currency, coalesce(m.net, 0)) as "text!"
        from gateway_payout p left join paid m using (gateway_account_id, payout_id)
        where p.itemised_at is not null and p.amount <> coalesce(m.net, 0)
        union all
        select format('payout %s of %s %s: the bank line that it is tied to says %s %s', w.payout_id, p.amount, p.currency, l.amount, b.currency)
        from payout_line w join gateway_payout p using (gateway_account_id, payout_id) join statement_line l using (statement_id, ordinal)
        join statement s using (statement_id) join bank_account b using (bank_account_id)
        where (l.amount, b.currency) is distinct from (p.amount, p.currency)
        order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals of what moved in gateways' accounts against the movements.
pub async fn gateway_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from gateway_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with moved as (
            select gateway_account_id, settlement_currency as currency, (created_at at time zone 'UTC')::date as day, kind, count(*) as count,
                sum(gross) as gross, sum(fee) as fee
            from gateway_entry group by 1, 2, 3, 4
        )
        select format('%s %s of %s in %s: the total says %s, %s less %s; moved are %s, %s less %s', g.code, kind, day, currency, t.count, t.gross,
            t.fee, m.count, m.gross, m.fee) as "text!"
        from gateway_total t full join moved m using (gateway_account_id, currency, day, kind) join gateway_account g using (gateway_account_id)
        where (t.count, t.gross, t.fee) is distinct from (m.count, m.gross, m.fee) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}
