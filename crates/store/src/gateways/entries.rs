//! Movements of the balances, and the charges among them that become payments.

use crate::{Conn, DriverError, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{DocumentId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::GatewayEntry,
};
use rust_decimal::Decimal;

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

/// A charge that is no payment yet.
#[derive(Debug, Clone)]
pub struct Charge {
    pub entry_id: String,
    pub created_at: DateTime<Utc>,
    pub amount: Decimal,
    pub currency: Currency,
    pub invoice_numbers: Vec<String>,
    pub text: String,
}

/// The oldest charges of an account that are no payments yet. Call it under the entity's lock of receivables.
pub async fn charges(conn: &mut Conn, account: GatewayAccountId, limit: i64) -> Result<Vec<Charge>> {
    Ok(sqlx::query_as!(
        Charge,
        r#"select e.entry_id, e.created_at, e.amount, e.currency as "currency: Currency", e.invoice_numbers, coalesce(e.reason, '') as "text!"
        from gateway_entry e
        where e.gateway_account_id = $1 and e.kind = 'charge' and e.amount > 0
            and not exists (select from payment p where p.gateway_account_id = e.gateway_account_id and p.entry_id = e.entry_id)
        order by e.created_at, e.entry_id limit $2"#,
        account.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What charges come to by the gateway's rows: the manifest that their payments are held against.
#[derive(Debug, Clone)]
pub struct ChargeTotal {
    pub currency: Currency,
    pub count: i64,
    pub total: Decimal,
}

pub async fn charge_totals(conn: &mut Conn, account: GatewayAccountId, entries: &[&str]) -> Result<Vec<ChargeTotal>> {
    Ok(sqlx::query_as!(
        ChargeTotal,
        r#"select currency as "currency: Currency", count(*) as "count!", sum(amount) as "total!"
        from gateway_entry where gateway_account_id = $1 and entry_id = any($2) group by currency order by currency"#,
        account.0,
        entries as &[&str]
    )
    .fetch_all(conn)
    .await?)
}

/// An invoice that a charge names, as it counts now.
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
