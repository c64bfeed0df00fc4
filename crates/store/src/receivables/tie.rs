//! The AR tie (accounting.md, Receivables): what is open here against the ERP's subledger.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::EntityId,
    period::AccountingPeriod,
    posting::ErpKind,
    receivable::{ArTie, CustomerDifference, DirectPosting, Dso},
};

/// Compares an entity's receivables with what its ERP was read back to hold, and keeps the result.
pub async fn compare(conn: &mut Conn, entity: EntityId, now: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "with ours as (
            select currency, sum(amount) filter (where in_erp) as booked, sum(amount) filter (where not in_erp) as not_posted
            from (
                select currency, case when debits_ar(kind) then amount else -amount end as amount,
                    stage in ('posted', 'confirmed', 'mismatch') as in_erp
                from period_total where entity_id = $1 and kind not in ('cash_application', 'application_reversal')
                    and stage not in ('rejected', 'superseded', 'voided', 'resolved')
                    and not (is_money(kind) and stage = 'held')
            ) t group by currency
        ), opened as (
            select i.currency, coalesce(sum(i.open) filter (where debits_ar(i.kind) and in_erp), 0) as invoices,
                coalesce(sum(i.open) filter (where i.kind = 'credit_memo' and in_erp), 0) as credit_memos,
                coalesce(sum(i.open) filter (where i.kind = 'payment' and in_erp), 0) as receipts,
                coalesce(sum(case when debits_ar(i.kind) then -i.open else i.open end) filter (where i.customer_code = ''), 0) as unidentified
            from open_item i join document d using (document_id)
            cross join lateral (select d.stage in ('posted', 'confirmed', 'mismatch') as in_erp) s
            where i.entity_id = $1 and i.open > 0 group by i.currency
        ), held as (
            select currency, sum(amount) as subledger, count(*) filter (where document_id is null) as direct_count,
                coalesce(sum(amount) filter (where document_id is null), 0) as direct
            from (
                select currency, document_id, case when debits_ar(kind) then total else -total end as amount
                from erp_document where entity_id = $1 and gone_at is null and state = 'posted'
                    and kind not in ('cash_application', 'application_reversal')
            ) e group by currency
        )
        insert into ar_tie as t (entity_id, currency, compared_at, invoices, credit_memos, receipts, crossing, not_posted, unidentified, subledger,
            direct_count, direct)
        select $1, currency, $2, coalesce(p.invoices, 0), coalesce(p.credit_memos, 0), coalesce(p.receipts, 0),
            coalesce(o.booked, 0) - (coalesce(p.invoices, 0) - coalesce(p.credit_memos, 0) - coalesce(p.receipts, 0)),
            coalesce(o.not_posted, 0), coalesce(p.unidentified, 0), coalesce(h.subledger, 0), coalesce(h.direct_count, 0), coalesce(h.direct, 0)
        from ours o full join opened p using (currency) full join held h using (currency)
        on conflict (entity_id, currency) do update set compared_at = excluded.compared_at, invoices = excluded.invoices,
            credit_memos = excluded.credit_memos, receipts = excluded.receipts, crossing = excluded.crossing,
            not_posted = excluded.not_posted, unidentified = excluded.unidentified, subledger = excluded.subledger,
            direct_count = excluded.direct_count, direct = excluded.direct",
        entity.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Compares every customer's balance with the ERP's, and keeps those that differ. What the ERP holds of ours is our document's customer's;
/// what others entered is that of the customer whom a mapping in force leads to.
pub async fn compare_customers(conn: &mut Conn, entity: EntityId, now: DateTime<Utc>) -> Result<u64> {
    sqlx::query!("delete from customer_tie where entity_id = $1", entity.0).execute(&mut *conn).await?;
    let written = sqlx::query!(
        "with ours as (
            select currency, customer_code, sum(case when debits_ar(kind) then amount else -amount end) as balance
            from document where entity_id = $1 and customer_code <> '' and kind not in ('cash_application', 'application_reversal')
                and stage not in ('rejected', 'superseded', 'voided', 'resolved')
            group by currency, customer_code
        ), mapped as (
            select c.connection_id, m.target_ref, min(m.source_code) as customer_code
            from entity_connection c join mapping m using (connection_id)
            where c.entity_id = $1 and m.kind = 'customer' and m.state = 'active' group by c.connection_id, m.target_ref
        ), theirs as (
            select r.currency, coalesce(d.customer_code, m.customer_code, r.customer_ref, '') as customer_code,
                sum(case when debits_ar(r.kind) then r.total else -r.total end) as balance
            from erp_document r left join document d using (document_id)
            left join mapped m on m.connection_id = r.connection_id and m.target_ref = r.customer_ref
            where r.entity_id = $1 and r.gone_at is null and r.state = 'posted' and r.kind not in ('cash_application', 'application_reversal')
                and d.customer_code is distinct from ''
            group by 1, 2
        )
        insert into customer_tie (entity_id, currency, customer_code, ours, theirs, compared_at)
        select $1, currency, customer_code, coalesce(o.balance, 0), coalesce(t.balance, 0), $2
        from ours o full join theirs t using (currency, customer_code)
        where coalesce(o.balance, 0) <> coalesce(t.balance, 0)",
        entity.0,
        now
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected())
}

/// Customers whose balance differs, the largest difference first.
pub async fn customers(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<CustomerDifference>> {
    Ok(sqlx::query_as!(
        CustomerDifference,
        "select e.code as entity_code, t.currency, t.customer_code, t.ours, t.theirs
        from customer_tie t join entity e using (entity_id) where t.entity_id = any($1)
        order by abs(t.ours - t.theirs) desc, e.code, t.customer_code, t.currency limit $2",
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// The last comparison of every entity of the caller. An entity without one is missing here: not assessed.
pub async fn ties(pool: &Pool, scope: &Scope) -> Result<Vec<ArTie>> {
    Ok(sqlx::query_as!(
        ArTie,
        r#"select e.entity_id as "entity_id: EntityId", e.code as entity_code, t.currency, t.compared_at, t.invoices, t.credit_memos, t.receipts,
            t.crossing, t.not_posted, t.unidentified, t.subledger, t.direct_count, t.direct
        from ar_tie t join entity e using (entity_id) where t.entity_id = any($1) order by e.code, t.currency"#,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}

/// What stands in the ERPs' AR and was not issued here, oldest first. There are few.
pub async fn direct(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<DirectPosting>> {
    Ok(sqlx::query_as!(
        DirectPosting,
        r#"select e.code as entity_code, r.currency, r.erp_number, r.kind as "kind: ErpKind", r.posting_date, r.total
        from erp_document r join entity e using (entity_id)
        where r.entity_id = any($1) and r.document_id is null and r.gone_at is null and r.state = 'posted'
        order by r.posting_date, r.erp_id limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Days sales outstanding by entity and currency: what is open of invoices less credit memos and identified money, over what was billed
/// in these periods, times their days. From totals only.
pub async fn dso(pool: &Pool, scope: &Scope, periods: &[AccountingPeriod]) -> Result<Vec<Dso>> {
    let words: Vec<String> = periods.iter().map(ToString::to_string).collect();
    Ok(sqlx::query_as!(
        Dso,
        r#"with billed as (
            select entity_id, currency, sum(case kind when 'invoice' then amount else -amount end) as billed
            from period_total where entity_id = any($1) and period = any($2) and kind in ('invoice', 'credit_memo')
                and stage not in ('rejected', 'superseded', 'voided') group by entity_id, currency
        ), owed as (
            select entity_id, currency, sum(case when debits_ar(kind) then open else -open end) as owed
            from open_total where entity_id = any($1) and status <> 'unidentified' group by entity_id, currency
        )
        select e.code as entity_code, b.currency as "currency!", coalesce(o.owed, 0) as "open!", b.billed as "billed!"
        from billed b join entity e using (entity_id) left join owed o using (entity_id, currency)
        where b.billed > 0 order by e.code, b.currency"#,
        &scope.ids(),
        &words
    )
    .fetch_all(pool)
    .await?)
}
