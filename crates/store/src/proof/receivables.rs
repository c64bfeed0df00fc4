//! What is open against documents, applications and totals.

use super::Compared;
use crate::{Conn, Result};

/// Every document of receivables that counts has an item with its amount and currency, and nothing else has one.
pub async fn open_items(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from open_item").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counts as (
            select document_id, entity_id, kind, number, customer_code, currency, amount from document
            where not rejected and stage not in ('superseded', 'voided') and kind not in ('cash_application', 'application_reversal')
        )
        select format('%s %s: the document says %s %s of %s, the open item %s %s of %s', coalesce(d.kind, i.kind), coalesce(d.number, document_id::text),
            d.amount, d.currency, d.customer_code, i.amount, i.currency, i.customer_code) as "text!"
        from counts d full join open_item i using (document_id)
        where (d.entity_id, d.kind, d.customer_code, d.currency, d.amount) is distinct from (i.entity_id, i.kind, i.customer_code, i.currency, i.amount)
        order by document_id limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// What is applied of an item is the sum of its applications less their reversals, on both sides.
pub async fn applications(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from allocation").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with folded as (
            select s.item, sum(case when a.reverses is null then l.amount else -l.amount end) as applied
            from allocation l join application a using (document_id) cross join lateral (values (a.credit_id), (l.debit_id)) s (item) group by s.item
        )
        select format('%s: %s of it is applied, its applications come to %s', coalesce(d.number, document_id::text), i.applied,
            coalesce(f.applied, 0)) as "text!"
        from open_item i full join folded f on f.item = i.document_id left join document d using (document_id)
        where coalesce(i.applied, 0) <> coalesce(f.applied, 0) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// The allocations of an application are the lines of its document, which its hash covers; a reversal's are those of what it takes back.
pub async fn allocations(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from application").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with said as (
            select d.document_id, d.number, l.line, l.item_code as debit, l.description as credit, l.net as amount
            from document d join document_line l using (document_id) where d.kind in ('cash_application', 'application_reversal')
        ), kept as (
            select l.document_id, l.line, i.number as debit, c.number as credit, l.amount
            from allocation l join application a using (document_id) join document i on i.document_id = l.debit_id
            join document c on c.document_id = a.credit_id
        ), taken_back as (
            select r.document_id from application r
            where r.reverses is not null and exists (
                (select debit_id, amount from allocation where document_id = r.document_id
                    except all select debit_id, amount from allocation where document_id = r.reverses)
                union all
                (select debit_id, amount from allocation where document_id = r.reverses
                    except all select debit_id, amount from allocation where document_id = r.document_id)
            )
        )
        select format('%s, line %s: it says %s to %s of %s, kept is %s to %s of %s', coalesce(s.number, document_id::text), line, s.credit, s.debit,
            s.amount, k.credit, k.debit, k.amount) as "text!"
        from said s full join kept k using (document_id, line)
        where (s.debit, s.credit, s.amount) is distinct from (k.debit, k.credit, k.amount)
        union all
        select format('%s takes something else back than was applied', d.number) from taken_back join document d using (document_id)
        limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Totals of what is open against the items.
pub async fn open_totals(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from open_total").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with counted as (
            select entity_id, kind, currency, open_status(i) as status, aged_from, count(*) as count, sum(open) as open
            from open_item i where open > 0 group by 1, 2, 3, 4, 5
        ), kept as (
            select entity_id, kind, currency, status, aged_from, sum(count) as count, sum(open) as open
            from open_total group by 1, 2, 3, 4, 5
        )
        select format('%s, %s %s %s of %s: the total says %s, %s; open are %s, %s', e.code, status, kind, currency, aged_from, coalesce(k.count, 0),
            coalesce(k.open, 0), coalesce(c.count, 0), coalesce(c.open, 0)) as "text!"
        from kept k full join counted c using (entity_id, kind, currency, status, aged_from) left join entity e using (entity_id)
        where (coalesce(k.count, 0), coalesce(k.open, 0)) <> (coalesce(c.count, 0), coalesce(c.open, 0)) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// Every line of a received statement that brought money, took a payment back or paid a refund is one document of that amount or the payout of
/// a gateway; and every such document, and every payout's line, stands for a line.
pub async fn payments(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from payment where statement_id is not null").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with brought as (
            select l.statement_id, l.ordinal, l.amount, a.currency from statement_line l join statement s using (statement_id)
            join bank_account a using (bank_account_id)
            where s.received_cash_at is not null and l.status = 'booked'
                and (l.amount > 0 and not l.reversal or l.amount < 0 and (l.reversal or l.return_reason is not null)
                    or exists (select from payment p join refund using (document_id) where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal)))
        ), taken as (
            select p.statement_id, p.ordinal, case when debits_ar(d.kind) then -d.amount else d.amount end as amount, d.currency, d.number
            from payment p join document d using (document_id)
            where d.superseded_by is null and p.statement_id is not null
            union all
            select w.statement_id, w.ordinal, l.amount, a.currency, 'payout ' || coalesce(w.payout_id, 'of ' || g.code)
            from payout_line w join gateway_account g using (gateway_account_id) join statement_line l using (statement_id, ordinal)
            join statement s using (statement_id) join bank_account a using (bank_account_id)
            where l.amount > 0 or l.return_reason is not null
        ), once as (
            select statement_id, ordinal, count(*) as times, min(amount) as amount, min(currency) as currency, string_agg(number, ', ') as number
            from taken group by statement_id, ordinal
        )
        select format('line %s of statement %s: the bank says %s %s, taken as %s %s %s', ordinal, statement_id, b.amount, b.currency, t.number,
            t.amount, t.currency) as "text!"
        from brought b full join once t using (statement_id, ordinal)
        where (b.amount, b.currency, 1) is distinct from (t.amount, t.currency, t.times) order by 1 limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// A refund that people agreed on leaves the account that its document names, is paid out exactly where something paid it, and is put back
/// whole where it was withdrawn; and no money is a document without a line, a movement or such a decision.
pub async fn refunds(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from refund").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with said as (
            select r.*, d.number, d.kind, d.amount, d.currency, l.item_code, coalesce(b.number, g.code) as account, w.number as put_back,
                w.kind = 'payment' and (w.amount, w.currency, w.customer_code) = (d.amount, d.currency, r.customer_code) as is_whole,
                p.document_id is not null as is_paid,
                exists (select from application a join allocation t using (document_id) where a.credit_id = r.credit_id and t.debit_id = r.document_id)
                    as is_consumed
            from refund r join document d using (document_id) join document_line l on l.document_id = r.document_id and l.line = 1
            left join bank_account b using (bank_account_id) left join gateway_account g using (gateway_account_id)
            left join document w on w.document_id = r.withdrawn_by left join payment p on p.document_id = r.document_id
        )
        select format('%s: a refund of %s %s from %s, its document is a %s from %s; consumed %s, paid %s, put back %s', number, amount, currency,
            account, kind, item_code, is_consumed, is_paid, put_back) as "text!"
        from said where kind <> 'refund' or item_code <> account or not is_consumed or is_paid <> (paid_at is not null)
            or withdrawn_by is not null and not is_whole
        union all
        select format('%s: no line, no movement and nobody brought it', d.number)
        from open_item i join document d using (document_id)
        where is_money(i.kind) and not exists (select from payment p where p.document_id = i.document_id)
            and not exists (select from refund r where i.document_id in (r.document_id, r.withdrawn_by))
            and not exists (select from transfer t where i.document_id in (t.out_id, t.in_id))
        limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}

/// A transfer takes from the one what it gives to the other, through the account that stands between them; what an entity owes another by
/// transfers is what that one is owed; and taking one back is the same the other way.
pub async fn transfers(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query_scalar!("select count(*) from transfer").fetch_one(&mut *conn).await?;
    let first = sqlx::query_scalar!(
        r#"with said as (
            select t.*, o.number, o.kind as out_kind, i.kind as in_kind, o.amount, o.currency, i.amount as in_amount, i.currency as in_currency,
                o.entity_id as out_entity, i.entity_id as in_entity, o.customer_code as out_customer, i.customer_code as in_customer,
                ol.item_code as given, il.item_code as got, f.code as from_code, e.code as to_code,
                exists (select from application a join allocation l using (document_id) where a.credit_id = t.credit_id and l.debit_id = t.out_id) as is_consumed
            from transfer t join document o on o.document_id = t.out_id join document i on i.document_id = t.in_id
            join document_line ol on ol.document_id = t.out_id and ol.line = 1 join document_line il on il.document_id = t.in_id and il.line = 1
            join entity f on f.entity_id = t.from_entity join entity e on e.entity_id = t.to_entity
        ), due as (
            select d.entity_id as owes, e.entity_id as owed, d.currency, sum(l.net) as given, 0 as got
            from document_line l join document d using (document_id) join entity e on l.item_code = 'DUE-TO-' || e.code
            where d.kind = 'transfer' group by 1, 2, 3
            union all
            select e.entity_id, d.entity_id, d.currency, 0, sum(l.net)
            from document_line l join document d using (document_id) join entity e on l.item_code = 'DUE-FROM-' || e.code
            where d.kind = 'payment' group by 1, 2, 3
        )
        select format('%s: %s %s of %s by %s, and %s %s to %s by %s; consumed %s', number, amount, currency, out_customer, given, in_amount, in_currency,
            in_customer, got, is_consumed) as "text!"
        from said where (out_kind, in_kind, out_entity, in_entity, in_amount, in_currency, is_consumed)
                is distinct from ('transfer', 'payment', from_entity, to_entity, amount, currency, true)
            or (given, got) is distinct from (case when from_entity = to_entity then 'TRANSFER' else 'DUE-TO-' || to_code end,
                case when from_entity = to_entity then 'TRANSFER' else 'DUE-FROM-' || from_code end)
        union all
        select format('%s owes %s by transfers %s %s, which is owed %s', f.code, e.code, sum(d.given), d.currency, sum(d.got))
        from due d join entity f on f.entity_id = d.owes join entity e on e.entity_id = d.owed
        group by f.code, e.code, d.currency having sum(d.given) <> sum(d.got)
        union all
        select format('%s takes %s back and is not its like', b.number, t.number) from said b join said t on t.out_id = b.reverses
        where (b.credit_id, b.amount, b.currency, b.from_entity, b.to_entity, b.in_customer)
            is distinct from (t.in_id, t.amount, t.currency, t.to_entity, t.from_entity, t.out_customer)
        union all
        select format('%s is a transfer of which nobody decided', d.number) from document d
        where d.kind = 'transfer' and not exists (select from transfer t where t.out_id = d.document_id)
        limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(Compared::new(rows, first))
}
