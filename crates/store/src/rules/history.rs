//! An entity's cash as it came in and what became of it: what a back-test decides about again.

use crate::{
    Conn, Result,
    receivables::{BookCustomer, BookItem, Receipt, received_at},
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{DocumentId, EntityId},
    money::Currency,
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// Moments at which statements were received, the newest first, with the payments that they brought.
pub async fn moments(conn: &mut Conn, entity: EntityId, since: DateTime<Utc>) -> Result<Vec<(DateTime<Utc>, i64)>> {
    let rows = sqlx::query!(
        r#"select s.received_cash_at as "at!", count(*) as "payments!"
        from statement s join payment p using (statement_id) join open_item i using (document_id)
        where s.entity_id = $1 and s.received_cash_at >= $2 group by s.received_cash_at order by s.received_cash_at desc"#,
        entity.0,
        since
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.at, row.payments)).collect())
}

/// The payments of one moment with their whole amounts, as if nobody knew them.
pub async fn receipts(conn: &mut Conn, entity: EntityId, at: DateTime<Utc>) -> Result<Vec<Receipt>> {
    received_at(conn, entity, at).await
}

/// An item with the moment from which it was known.
#[derive(Debug, Clone)]
pub struct PastItem {
    pub item: BookItem,
    pub entered_at: DateTime<Utc>,
}

/// Invoices and credit memos that were open at some time since then, or fell due since `due_since`; what is open of them is their whole
/// amount here.
pub async fn items(conn: &mut Conn, entity: EntityId, since: DateTime<Utc>, due_since: NaiveDate) -> Result<Vec<PastItem>> {
    let rows = sqlx::query!(
        r#"select i.document_id as "document_id: DocumentId", i.kind as "kind: DocumentKind", d.number, i.customer_code,
            i.currency as "currency: Currency", i.amount, d.issue_date, d.due_date, i.kept is not distinct from 'disputed' as "disputed!",
            b.received_at
        from open_item i join document d using (document_id) join batch b using (batch_id)
        where i.entity_id = $1 and i.kind in ('invoice', 'credit_memo') and (i.open > 0 or i.aged_from >= $3 or exists (
            select from (
                select l.document_id from allocation l where l.debit_id = i.document_id
                union all select a.document_id from application a where a.credit_id = i.document_id
            ) t join document td using (document_id) join batch tb using (batch_id) where tb.received_at >= $2))
        order by i.document_id"#,
        entity.0,
        since,
        due_since
    )
    .fetch_all(conn)
    .await?;
    let past = rows.into_iter().map(|row| PastItem {
        item: BookItem {
            document_id: row.document_id,
            kind: row.kind,
            number: row.number,
            customer_code: row.customer_code,
            currency: row.currency,
            amount: row.amount,
            open: row.amount,
            issued_on: row.issue_date,
            due_on: row.due_date,
            disputed: row.disputed,
        },
        entered_at: row.received_at,
    });
    Ok(past.collect())
}

/// What an application took of an item, or a reversal put back (negative).
#[derive(Debug, Clone)]
pub struct Taken {
    pub document_id: DocumentId,
    pub at: DateTime<Utc>,
    pub amount: Decimal,
    /// A credit memo that names its invoice: within a moment those come before the money.
    pub named: bool,
}

/// Everything that was applied to these items, in order of time.
pub async fn taken(conn: &mut Conn, items: &[DocumentId]) -> Result<Vec<Taken>> {
    let ids: Vec<uuid::Uuid> = items.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Taken,
        r#"select t.item as "document_id!: DocumentId", b.received_at as at, t.amount as "amount!", t.named as "named!"
        from (
            select l.document_id, l.debit_id as item, case when a.reverses is null then l.amount else -l.amount end as amount,
                a.decided_by is null and a.score is null and a.reverses is null as named
            from allocation l join application a using (document_id) where l.debit_id = any($1)
            union all
            select l.document_id, a.credit_id, case when a.reverses is null then l.amount else -l.amount end,
                a.decided_by is null and a.score is null and a.reverses is null
            from application a join allocation l using (document_id) where a.credit_id = any($1)
        ) t join document d using (document_id) join batch b using (batch_id) order by b.received_at"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// An account or a name under which a customer pays, with the moment at which it was learned.
#[derive(Debug, Clone)]
pub struct PastAlias {
    pub kind: String,
    pub value: String,
    pub customer_code: String,
    pub learned_at: DateTime<Utc>,
}

pub async fn aliases(conn: &mut Conn, entity: EntityId) -> Result<Vec<PastAlias>> {
    Ok(sqlx::query_as!(
        PastAlias,
        "select kind, value, customer_code, learned_at from payer_alias where entity_id = $1 order by customer_code, kind, value",
        entity.0
    )
    .fetch_all(conn)
    .await?)
}

/// Everybody who ever had an item in the entity, without what was learned of him.
pub async fn customers(conn: &mut Conn, entity: EntityId) -> Result<Vec<BookCustomer>> {
    let known = crate::receivables::customers(conn, entity).await?;
    Ok(known.into_iter().map(|customer| BookCustomer { accounts: Vec::new(), names: Vec::new(), ..customer }).collect())
}

/// How a payment stands.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub document_id: DocumentId,
    /// Nothing of it is open, or a person keeps the rest on account.
    pub settled: bool,
    /// A person applied it or keeps it, and that stands.
    pub by_person: bool,
    /// The last application of it, reversals included.
    pub last_at: Option<DateTime<Utc>>,
    pub currency: Currency,
    /// What it gave, item by item: what was taken back is not among it.
    pub debits: Vec<uuid::Uuid>,
    pub numbers: Vec<String>,
    pub amounts: Vec<Decimal>,
}

/// How these payments stand now.
pub async fn outcomes(conn: &mut Conn, payments: &[DocumentId]) -> Result<Vec<Outcome>> {
    let ids: Vec<uuid::Uuid> = payments.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Outcome,
        r#"with given as (
            select a.credit_id, l.debit_id, sum(case when a.reverses is null then l.amount else -l.amount end) as amount
            from application a join allocation l using (document_id) where a.credit_id = any($1) group by a.credit_id, l.debit_id
        )
        select i.document_id as "document_id: DocumentId", i.open = 0 or i.kept is not null as "settled!",
            i.kept is not null or exists (
                select from application a where a.credit_id = i.document_id and a.decided_by is not null and a.reverses is null
                    and not exists (select from application r where r.reverses = a.document_id)) as "by_person!",
            (select max(b.received_at) from application a join document d using (document_id) join batch b using (batch_id)
                where a.credit_id = i.document_id) as last_at,
            i.currency as "currency: Currency",
            coalesce(array_agg(g.debit_id) filter (where g.amount > 0), '{}') as "debits!",
            coalesce(array_agg(n.number) filter (where g.amount > 0), '{}') as "numbers!",
            coalesce(array_agg(g.amount) filter (where g.amount > 0), '{}') as "amounts!: Vec<Decimal>"
        from open_item i left join given g on g.credit_id = i.document_id left join document n on n.document_id = g.debit_id
        where i.document_id = any($1) group by i.document_id"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}
