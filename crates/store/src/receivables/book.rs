//! What the matcher knows of an entity: its items, its customers, and under which accounts and names they pay.

use crate::{Conn, Result};
use chrono::NaiveDate;
use domain::{
    id::{DocumentId, EntityId},
    money::Currency,
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// An item that money may be meant for.
#[derive(Debug, Clone)]
pub struct BookItem {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub customer_code: String,
    pub currency: Currency,
    pub amount: Decimal,
    pub open: Decimal,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub disputed: bool,
}

/// Open invoices and credit memos, and those settled whose due date is `settled_since` or later: by them a second payment of the same
/// is known.
pub async fn items(conn: &mut Conn, entity: EntityId, settled_since: NaiveDate) -> Result<Vec<BookItem>> {
    Ok(sqlx::query_as!(
        BookItem,
        r#"select i.document_id as "document_id: DocumentId", i.kind as "kind: DocumentKind", d.number, i.customer_code,
            i.currency as "currency: Currency", i.amount, i.open as "open!", d.issue_date as issued_on, d.due_date as due_on,
            i.kept is not distinct from 'disputed' as "disputed!"
        from open_item i join document d using (document_id)
        where i.entity_id = $1 and i.kind in ('invoice', 'credit_memo') and (i.open > 0 or i.aged_from >= $2) order by i.document_id"#,
        entity.0,
        settled_since
    )
    .fetch_all(conn)
    .await?)
}

/// A customer with what confirmed applications taught of him.
#[derive(Debug, Clone)]
pub struct BookCustomer {
    pub code: String,
    pub name: String,
    pub accounts: Vec<String>,
    pub names: Vec<String>,
}

/// Everybody who ever had an item in the entity, under his last name.
pub async fn customers(conn: &mut Conn, entity: EntityId) -> Result<Vec<BookCustomer>> {
    Ok(sqlx::query_as!(
        BookCustomer,
        r#"with known as (
            select distinct on (i.customer_code) i.customer_code as code, d.customer_name as name
            from open_item i join document d using (document_id)
            where i.entity_id = $1 and i.kind in ('invoice', 'credit_memo') order by i.customer_code, d.document_id desc
        )
        select k.code, k.name,
            coalesce(array_agg(a.value) filter (where a.kind = 'account'), '{}') as "accounts!",
            coalesce(array_agg(a.value) filter (where a.kind = 'name'), '{}') as "names!"
        from known k left join payer_alias a on a.entity_id = $1 and a.customer_code = k.code
        group by k.code, k.name order by k.code"#,
        entity.0
    )
    .fetch_all(conn)
    .await?)
}

/// A credit memo with an item that it settles.
#[derive(Debug, Clone)]
pub struct CreditToApply {
    pub credit_id: DocumentId,
    pub credit_number: String,
    pub debit_id: DocumentId,
    pub debit_number: String,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: Currency,
    /// The smaller of what is open of the two.
    pub amount: Decimal,
}

impl CreditToApply {
    pub fn reason(&self) -> String {
        format!("{} belongs to {}", self.credit_number, self.debit_number)
    }
}

/// Credit memos that name their invoice and were never taken back from it, oldest first; several of one invoice come one after the other.
pub async fn credits_to_apply(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<CreditToApply>> {
    Ok(sqlx::query_as!(
        CreditToApply,
        r#"select distinct on (i.document_id) c.document_id as "credit_id: DocumentId", c.number as credit_number, i.document_id as "debit_id: DocumentId",
            i.number as debit_number, c.customer_code, c.customer_name, c.currency as "currency: Currency",
            least(o.open, t.open) as "amount!"
        from open_item o join document c using (document_id)
        join document i on i.entity_id = c.entity_id and i.kind = 'invoice' and i.number = c.applies_to and not i.rejected
            and i.superseded_by is null and i.currency = c.currency
        join open_item t on t.document_id = i.document_id and t.open > 0 and t.customer_code = o.customer_code
        where o.entity_id = $1 and o.kind = 'credit_memo' and o.open > 0 and c.stage not in ('exception', 'held')
            and not exists (select from application a where a.credit_id = o.document_id and a.reverses is not null)
        order by i.document_id, c.document_id limit $2"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Credit memos of invoices whose payment was refunded: what is open of the refund consumes them, oldest first; several of one refund come
/// one after the other.
pub async fn credits_for_refunds(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<CreditToApply>> {
    Ok(sqlx::query_as!(
        CreditToApply,
        r#"with fitting as (
            select distinct on (r.document_id) c.document_id as credit_id, c.number as credit_number, r.document_id as debit_id,
                r.number as debit_number, c.customer_code, c.customer_name, c.currency, least(o.open, t.open) as amount
            from open_item t join document r using (document_id) join payment p on p.document_id = t.document_id
            join application a on a.credit_id = p.takes_back and a.reverses is null
            join allocation l on l.document_id = a.document_id
            join document i on i.document_id = l.debit_id and i.kind = 'invoice'
            join open_item paid on paid.document_id = i.document_id and paid.open = 0
            join document c on c.entity_id = i.entity_id and c.applies_to = i.number and c.kind = 'credit_memo' and c.currency = r.currency
                and c.stage not in ('exception', 'held')
            join open_item o on o.document_id = c.document_id and o.open > 0 and o.customer_code = t.customer_code
            where t.entity_id = $1 and t.kind = 'refund' and t.open > 0
                and not exists (select from application b where b.credit_id = o.document_id and b.reverses is not null)
            order by r.document_id, c.document_id
        )
        select distinct on (credit_id) credit_id as "credit_id!: DocumentId", credit_number as "credit_number!", debit_id as "debit_id!: DocumentId",
            debit_number as "debit_number!", customer_code as "customer_code!", customer_name as "customer_name!",
            currency as "currency!: Currency", amount as "amount!"
        from fitting order by credit_id, debit_id limit $2"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}
