//! Movements of the balances, and those among them that become documents.

use crate::{Conn, DriverError, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{DocumentId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::{EntryKind, GatewayEntry},
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Keeps movements; one that is here already stays as it is. Returns how many are new.
pub async fn insert(conn: &mut Conn, account: GatewayAccountId, entries: &[GatewayEntry], at: DateTime<Utc>) -> Result<u64> {
    let rows = serde_json::to_value(entries).map_err(|error| DriverError::Encode(error.into()))?;
    let done = sqlx::query!(
        "insert into gateway_entry (gateway_account_id, entry_id, kind, amount, currency, gross, fee, net, settlement_currency, exchange_rate,
            created_at, available_on, payout_id, source_id, payment_reference, merchant_reference, invoice_numbers, customer_reference, reason,
            pulled_at)
        select $1, id, kind, amount, currency, gross, fee, net, settlement_currency, exchange_rate, created_at, available_on, payout, source,
            payment_reference, merchant_reference, invoice_numbers, customer_reference, reason, $3
        from jsonb_to_recordset($2) as e (id text, kind text, amount numeric, currency text, gross numeric, fee numeric, net numeric,
            settlement_currency text, exchange_rate numeric, created_at timestamptz, available_on date, payout text, source text,
            payment_reference text, merchant_reference text, invoice_numbers text[], customer_reference text, reason text)
        on conflict (gateway_account_id, entry_id) do nothing",
        account.0,
        rows,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A movement of the balance that is no document yet.
#[derive(Debug, Clone)]
pub struct Movement {
    pub entry_id: String,
    pub kind: EntryKind,
    pub created_at: DateTime<Utc>,
    /// Which way it went is the kind's to say.
    pub amount: Decimal,
    pub currency: Currency,
    pub invoice_numbers: Vec<String>,
    pub text: String,
}

/// The oldest movements of an account that are no documents yet: what customers paid, and what went back to them. Call it under the
/// entity's lock of receivables.
pub async fn movements(conn: &mut Conn, account: GatewayAccountId, limit: i64) -> Result<Vec<Movement>> {
    Ok(sqlx::query_as!(
        Movement,
        r#"select e.entry_id, e.kind as "kind: EntryKind", e.created_at, abs(e.amount) as "amount!", e.currency as "currency: Currency",
            e.invoice_numbers, coalesce(e.reason, '') as "text!"
        from gateway_entry e
        where e.gateway_account_id = $1 and e.kind in ('charge', 'refund', 'refund_failure', 'return', 'dispute', 'dispute_reversal')
            and e.amount <> 0
            and not exists (select from payment p where p.gateway_account_id = e.gateway_account_id and p.entry_id = e.entry_id)
        order by e.created_at, e.entry_id limit $2"#,
        account.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The payment that a movement belongs to: that of the charge with the same reference.
#[derive(Debug, Clone)]
pub struct PaidBy {
    pub document_id: DocumentId,
    /// Empty: not known.
    pub customer_code: String,
    pub customer_name: String,
}

/// By the movement's id. A charge belongs to itself and is not here.
pub async fn paid_by(conn: &mut Conn, account: GatewayAccountId, entries: &[&str]) -> Result<HashMap<String, PaidBy>> {
    let rows = sqlx::query!(
        r#"select distinct on (e.entry_id) e.entry_id, d.document_id as "document_id: DocumentId", d.customer_code, d.customer_name
        from gateway_entry e
        join gateway_entry c on c.gateway_account_id = e.gateway_account_id and c.payment_reference = e.payment_reference and c.kind = 'charge'
        join payment p on p.gateway_account_id = c.gateway_account_id and p.entry_id = c.entry_id
        join document d on d.document_id = p.document_id and d.superseded_by is null
        where e.gateway_account_id = $1 and e.entry_id = any($2) and e.kind <> 'charge' order by e.entry_id, c.created_at"#,
        account.0,
        entries as &[&str]
    )
    .fetch_all(conn)
    .await?;
    let paid = rows.into_iter().map(|row| {
        (row.entry_id, PaidBy { document_id: row.document_id, customer_code: row.customer_code, customer_name: row.customer_name })
    });
    Ok(paid.collect())
}

/// What movements come to by the gateway's rows: the manifest that their documents are held against.
#[derive(Debug, Clone)]
pub struct MovementTotal {
    pub currency: Currency,
    pub count: i64,
    pub total: Decimal,
}

pub async fn movement_totals(conn: &mut Conn, account: GatewayAccountId, entries: &[&str]) -> Result<Vec<MovementTotal>> {
    Ok(sqlx::query_as!(
        MovementTotal,
        r#"select currency as "currency: Currency", count(*) as "count!", abs(sum(amount)) as "total!"
        from gateway_entry where gateway_account_id = $1 and entry_id = any($2) group by currency order by currency"#,
        account.0,
        entries as &[&str]
    )
    .fetch_all(conn)
    .await?)
}

/// An invoice that a movement names, as it counts now.
#[derive(Debug, Clone)]
pub struct NamedInvoice {
    pub document_id: DocumentId,
    pub number: String,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: Currency,
    pub open: Decimal,
}

pub async fn invoices(conn: &mut Conn, entity: EntityId, numbers: &[String]) -> Result<Vec<NamedInvoice>> {
    Ok(sqlx::query_as!(
        NamedInvoice,
        r#"select d.document_id as "document_id: DocumentId", d.number, d.customer_code, d.customer_name, d.currency as "currency: Currency",
            i.open as "open!"
        from document d join open_item i using (document_id)
        where d.entity_id = $1 and d.kind = 'invoice' and d.number = any($2)"#,
        entity.0,
        numbers
    )
    .fetch_all(conn)
    .await?)
}
