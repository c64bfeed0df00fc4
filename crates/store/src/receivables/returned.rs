//! Lines of statements that take a payment back, and what went back of a payment.

use super::{Origin, Receipt};
use crate::{Conn, Result};
use domain::{
    id::{DocumentId, StatementId},
    money::Currency,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// A line that takes a payment back.
#[derive(Debug, Clone)]
pub struct Returned {
    /// With the payment that it takes back, where the bank's reference names one.
    pub receipt: Receipt,
    /// Code and name of who had paid; empty: not known.
    pub customer: (String, String),
}

/// The lines of statements that take payments back and are no documents yet, in their order: reversals of credits, and what the bank gives a
/// return reason for. Its payment has the same end-to-end reference (ISO 20022 `EndToEndId`), account and amount, and was not taken back;
/// lines that could mean the same payments take one each, the oldest first.
pub async fn returned(conn: &mut Conn, statements: &[StatementId]) -> Result<HashMap<StatementId, Vec<Returned>>> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"with taken as (
            select l.*, s.bank_account_id, a.number as account, a.currency,
                row_number() over (partition by s.bank_account_id, l.end_to_end_id, l.amount
                    order by s.last_day, s.place, l.statement_id, l.ordinal) as nth
            from statement_line l join statement s using (statement_id) join bank_account a using (bank_account_id)
            where l.statement_id = any($1) and l.status = 'booked' and l.amount < 0 and (l.reversal or l.return_reason is not null)
                and not exists (select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal))
                and not exists (select from payment p where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal))
        )
        select l.statement_id as "statement_id: StatementId", l.ordinal, l.account, -l.amount as "amount!", l.currency as "currency: Currency",
            l.booked_on, l.end_to_end_id, l.mandate, l.counterparty_name, l.counterparty_account,
            concat_ws(' ', l.return_reason, l.text) as "text!",
            paid.document_id as "document_id?: DocumentId", paid.customer_code as "customer_code?", paid.customer_name as "customer_name?"
        from taken l left join lateral (
            select d.document_id, d.customer_code, d.customer_name
            from statement_line o join statement t on t.statement_id = o.statement_id
            join payment p on (p.statement_id, p.ordinal) = (o.statement_id, o.ordinal) join document d on d.document_id = p.document_id
            where o.end_to_end_id = l.end_to_end_id and l.end_to_end_id <> 'NOTPROVIDED' and o.amount = -l.amount
                and t.bank_account_id = l.bank_account_id and d.superseded_by is null
                and not exists (select from payment b where b.takes_back = p.document_id)
            order by d.document_id offset l.nth - 1 limit 1
        ) paid on true
        order by l.statement_id, l.ordinal"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    let mut returned: HashMap<StatementId, Vec<Returned>> = HashMap::new();
    for row in rows {
        returned.entry(row.statement_id).or_default().push(Returned {
            customer: (
                row.customer_code.unwrap_or_default(),
                row.customer_name.or_else(|| row.counterparty_name.clone()).unwrap_or_default(),
            ),
            receipt: Receipt {
                document_id: None,
                origin: Origin::Line(row.statement_id, row.ordinal),
                account: row.account,
                amount: row.amount,
                currency: row.currency,
                received_on: row.booked_on,
                customer_code: String::new(),
                taken_back: false,
                takes_back: row.document_id,
                end_to_end_id: row.end_to_end_id,
                structured_references: Vec::new(),
                documents: Vec::new(),
                mandate: row.mandate,
                payer_name: row.counterparty_name,
                payer_account: row.counterparty_account,
                text: row.text,
            },
        });
    }
    Ok(returned)
}

/// What those lines come to as a statement says it: the manifest that the documents are held against.
#[derive(Debug, Clone, Copy)]
pub struct ReturnedTotal {
    pub count: i64,
    pub total: Decimal,
}

/// By statement; one that takes nothing back is not here.
pub async fn returned_total(conn: &mut Conn, statements: &[StatementId]) -> Result<HashMap<StatementId, ReturnedTotal>> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select statement_id as "statement_id: StatementId", count(*) as "count!", -sum(amount) as "total!" from statement_line l
        where statement_id = any($1) and status = 'booked' and amount < 0 and (reversal or return_reason is not null)
            and not exists (select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal))
        group by statement_id"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.statement_id, ReturnedTotal { count: row.count, total: row.total })).collect())
}

/// The documents that take a payment back, in the order in which they came.
pub async fn went_back(conn: &mut Conn, payment: DocumentId) -> Result<Vec<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select document_id as "document_id: DocumentId" from payment p join document d using (document_id)
        where p.takes_back = $1 and d.superseded_by is null order by document_id"#,
        payment.0
    )
    .fetch_all(conn)
    .await?)
}
