//! Transfers of money between customers.

use crate::{Conn, Result, Scope};
use chrono::{DateTime, Utc};
use domain::id::{DocumentId, EntityId};
use rust_decimal::Decimal;

/// A transfer whose documents were just entered.
#[derive(Debug, Clone)]
pub struct NewTransfer<'a> {
    pub out_id: DocumentId,
    pub in_id: DocumentId,
    pub from_entity: EntityId,
    pub to_entity: EntityId,
    pub credit_id: DocumentId,
    /// The transfer that it takes back.
    pub reverses: Option<DocumentId>,
    pub reason: &'a str,
    pub requested_by: &'a str,
    pub approved_by: Option<&'a str>,
    pub made_at: DateTime<Utc>,
}

/// The money keeps its age. Conflicts on `transfer_is_reversed_once`.
pub async fn record_transfer(conn: &mut Conn, new: &NewTransfer<'_>) -> Result<()> {
    sqlx::query!(
        "insert into transfer (out_id, in_id, from_entity, to_entity, credit_id, reverses, reason, requested_by, approved_by, made_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.out_id.0,
        new.in_id.0,
        new.from_entity.0,
        new.to_entity.0,
        new.credit_id.0,
        new.reverses.map(|id| id.0),
        new.reason,
        new.requested_by,
        new.approved_by,
        new.made_at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update open_item i set aged_from = c.aged_from from open_item c where i.document_id = $1 and c.document_id = $2",
        new.in_id.0,
        new.credit_id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A transfer as its reversal needs it.
#[derive(Debug, Clone)]
pub struct Transferred {
    pub out_number: String,
    pub in_id: DocumentId,
    pub from_entity: EntityId,
    pub from_customer: String,
    pub to_entity: EntityId,
    pub amount: Decimal,
    pub is_reversal: bool,
    pub is_reversed: bool,
}

/// `None`: it is none, or one of its entities is not the caller's.
pub async fn find_transfer(conn: &mut Conn, scope: &Scope, out: DocumentId) -> Result<Option<Transferred>> {
    Ok(sqlx::query_as!(
        Transferred,
        r#"select o.number as out_number, t.in_id as "in_id: DocumentId", t.from_entity as "from_entity: EntityId", o.customer_code as from_customer,
            t.to_entity as "to_entity: EntityId", o.amount, t.reverses is not null as "is_reversal!",
            exists (select from transfer r where r.reverses = t.out_id) as "is_reversed!"
        from transfer t join document o on o.document_id = t.out_id
        where t.out_id = $1 and t.from_entity = any($2) and t.to_entity = any($2)"#,
        out.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether an application gives money to a transfer.
pub async fn gives_to_transfer(conn: &mut Conn, application: DocumentId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from allocation l join transfer t on t.out_id = l.debit_id where l.document_id = $1) as "is!""#,
        application.0
    )
    .fetch_one(conn)
    .await?)
}
