//! What the cash bench reads beside the program.

use crate::{Conn, Pool, Result};
use domain::id::StatementId;

/// Items that payments settled without a person, by the line that brought the money.
pub async fn applied(pool: &Pool) -> Result<Vec<(StatementId, i32, String)>> {
    let rows = sqlx::query!(
        r#"select p.statement_id as "statement_id!: StatementId", p.ordinal as "ordinal!", d.number
        from application a join payment p on p.document_id = a.credit_id join allocation l on l.document_id = a.document_id
        join document d on d.document_id = l.debit_id where a.decided_by is null and p.statement_id is not null"#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.statement_id, row.ordinal, row.number)).collect())
}

/// Items that credit memos settled without a person, by the credit memo: those that payers deducted are applied beside the payment.
pub async fn credited(pool: &Pool) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select c.number as credit_memo, d.number from application a join document c on c.document_id = a.credit_id and c.kind = 'credit_memo'
        join allocation l on l.document_id = a.document_id join document d on d.document_id = l.debit_id where a.decided_by is null"
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.credit_memo, row.number)).collect())
}

/// The bare group by that yields the totals of open items. Returns how many cells.
pub async fn group_open_items(conn: &mut Conn) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
            select entity_id, kind, currency, open_status(i) as status, aged_from, count(*), sum(open)
            from open_item i where open > 0 group by 1, 2, 3, 4, 5
        ) cells"#
    )
    .fetch_one(conn)
    .await?)
}
