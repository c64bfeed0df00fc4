//! Money that came to our accounts: lines of statements that become payments, and payments that are not applied in full.

use crate::{Conn, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{DocumentId, EntityId, StatementId},
    money::Currency,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// An imported statement whose money became no payments yet.
#[derive(Debug, Clone)]
pub struct StatementReceipts {
    pub statement_id: StatementId,
    pub account: String,
    pub currency: Currency,
    pub last_day: NaiveDate,
    /// Booked lines that came in, as the statement's lines come to: the manifest that the payments are held against.
    pub count: i64,
    pub total: Decimal,
}

/// The oldest statements of an entity that were not received, locked for one worker.
pub async fn to_receive(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<StatementReceipts>> {
    Ok(sqlx::query_as!(
        StatementReceipts,
        r#"select s.statement_id as "statement_id: StatementId", a.number as account, a.currency as "currency: Currency", s.last_day,
            sums.count as "count!", sums.total as "total!"
        from (
            select * from statement where entity_id = $1 and state = 'imported' and received_cash_at is null
            order by last_day, place, statement_id limit $2 for update skip locked
        ) s join bank_account a using (bank_account_id)
        cross join lateral (
            select count(*) as count, coalesce(sum(amount), 0) as total from statement_line l
            where l.statement_id = s.statement_id and l.status = 'booked' and l.amount > 0 and not l.reversal
        ) sums
        order by s.last_day, s.place, s.statement_id"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Money with everything that its bank told of it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// `None`: a line that is no payment yet.
    pub document_id: Option<DocumentId>,
    pub statement_id: StatementId,
    pub ordinal: i32,
    /// Of a payment: what is open.
    pub amount: Decimal,
    pub currency: Currency,
    pub received_on: NaiveDate,
    /// Empty: not known.
    pub customer_code: String,
    /// Somebody took an application of it back: the rules do not apply it again.
    pub taken_back: bool,
    pub end_to_end_id: Option<String>,
    pub structured_references: Vec<String>,
    pub documents: Vec<String>,
    pub mandate: Option<String>,
    pub payer_name: Option<String>,
    pub payer_account: Option<String>,
    pub text: String,
}

/// The lines of statements that become payments, in their order.
pub async fn receipts(conn: &mut Conn, statements: &[StatementId]) -> Result<Vec<Receipt>> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Receipt,
        r#"select null::uuid as "document_id: DocumentId", l.statement_id as "statement_id: StatementId", l.ordinal, l.amount,
            a.currency as "currency: Currency", l.booked_on as received_on, '' as "customer_code!", false as "taken_back!", l.end_to_end_id,
            l.structured_references, l.documents, l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, l.text
        from statement_line l join statement s using (statement_id) join bank_account a using (bank_account_id)
        where l.statement_id = any($1) and l.status = 'booked' and l.amount > 0 and not l.reversal
        order by l.statement_id, l.ordinal"#,
        &ids
    )
    .fetch_all(conn)
    .await?)
}

/// Payments of an entity that nobody keeps and that are not applied in full.
pub async fn open_money(conn: &mut Conn, entity: EntityId) -> Result<Vec<Receipt>> {
    Ok(sqlx::query_as!(
        Receipt,
        r#"select i.document_id as "document_id: DocumentId", p.statement_id as "statement_id: StatementId", p.ordinal, i.open as "amount!",
            i.currency as "currency: Currency", i.aged_from as received_on, i.customer_code,
            exists (select from application a where a.credit_id = i.document_id and a.reverses is not null) as "taken_back!", l.end_to_end_id, l.structured_references,
            l.documents, l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, l.text
        from open_item i join payment p using (document_id) join statement_line l using (statement_id, ordinal)
        where i.entity_id = $1 and i.kind = 'payment' and i.open > 0 and i.kept is null order by i.document_id"#,
        entity.0
    )
    .fetch_all(conn)
    .await?)
}

/// Says which line each payment came with.
pub async fn link(conn: &mut Conn, payments: &[(DocumentId, StatementId, i32)]) -> Result<()> {
    let documents: Vec<uuid::Uuid> = payments.iter().map(|(id, ..)| id.0).collect();
    let statements: Vec<uuid::Uuid> = payments.iter().map(|(_, id, _)| id.0).collect();
    let ordinals: Vec<i32> = payments.iter().map(|(.., ordinal)| *ordinal).collect();
    sqlx::query!(
        "insert into payment (document_id, statement_id, ordinal) select * from unnest($1::uuid[], $2::uuid[], $3::integer[])",
        &documents,
        &statements,
        &ordinals
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A payment with everything that its bank told of it, and its whole amount.
pub async fn money(conn: &mut Conn, payment: DocumentId) -> Result<Option<Receipt>> {
    Ok(sqlx::query_as!(
        Receipt,
        r#"select i.document_id as "document_id: DocumentId", p.statement_id as "statement_id: StatementId", p.ordinal, i.amount,
            i.currency as "currency: Currency", i.aged_from as received_on, i.customer_code,
            exists (select from application a where a.credit_id = i.document_id and a.reverses is not null) as "taken_back!", l.end_to_end_id, l.structured_references,
            l.documents, l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, l.text
        from open_item i join payment p using (document_id) join statement_line l using (statement_id, ordinal)
        where i.document_id = $1"#,
        payment.0
    )
    .fetch_optional(conn)
    .await?)
}

/// The number of the account that a statement tells of.
pub async fn account_of(conn: &mut Conn, statement: StatementId) -> Result<String> {
    Ok(sqlx::query_scalar!(
        "select a.number from statement join bank_account a using (bank_account_id) where statement_id = $1",
        statement.0
    )
    .fetch_one(conn)
    .await?)
}

/// Numbers of documents.
pub async fn numbers(conn: &mut Conn, documents: &[DocumentId]) -> Result<HashMap<DocumentId, String>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(r#"select document_id as "document_id: DocumentId", number from document where document_id = any($1)"#, &ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.number)).collect())
}

/// The money of these statements is payments now.
pub async fn mark_received(conn: &mut Conn, statements: &[StatementId], at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    sqlx::query!("update statement set received_cash_at = $2 where statement_id = any($1)", &ids, at).execute(conn).await?;
    Ok(())
}
