//! Attempts to collect that failed, or that wait for their bank.

use crate::{Conn, DriverError, Result};
use chrono::{DateTime, Utc};
use domain::{id::GatewayAccountId, settlement::PaymentAttempt};
use serde_json::json;

/// Keeps attempts as the gateway says they are now. One that succeeds at once is no more than its movement and is not kept.
pub async fn upsert(conn: &mut Conn, account: GatewayAccountId, attempts: &[PaymentAttempt], at: DateTime<Utc>) -> Result<u64> {
    let row = |a: &PaymentAttempt| {
        json!({
            "id": a.id, "payment_reference": a.payment_reference, "invoice_numbers": a.invoice_numbers, "amount": a.amount.amount().to_string(),
            "currency": a.amount.currency(), "status": a.status, "created_at": a.created_at, "method": a.method, "reason_code": a.reason_code,
            "failure": a.failure, "next_retry_at": a.next_retry_at,
        })
    };
    let rows = serde_json::to_value(attempts.iter().map(row).collect::<Vec<_>>()).map_err(|error| DriverError::Encode(error.into()))?;
    let done = sqlx::query!(
        "insert into gateway_attempt as a (gateway_account_id, attempt_id, payment_reference, invoice_numbers, amount, currency, status,
            created_at, method, reason_code, failure, next_retry_at, seen_at)
        select $1, id, payment_reference, invoice_numbers, amount, currency, status, created_at, method, reason_code, failure, next_retry_at, $3
        from jsonb_to_recordset($2) as r (id text, payment_reference text, invoice_numbers text[], amount numeric, currency text, status text,
            created_at timestamptz, method text, reason_code text, failure text, next_retry_at timestamptz)
        where status in ('pending', 'failed')
            or exists (select from gateway_attempt k where k.gateway_account_id = $1 and k.attempt_id = r.id)
        on conflict (gateway_account_id, attempt_id) do update set invoice_numbers = excluded.invoice_numbers, status = excluded.status,
            reason_code = excluded.reason_code, failure = excluded.failure, next_retry_at = excluded.next_retry_at, seen_at = excluded.seen_at
        where (a.invoice_numbers, a.status, a.reason_code, a.failure, a.next_retry_at)
            is distinct from (excluded.invoice_numbers, excluded.status, excluded.reason_code, excluded.failure, excluded.next_retry_at)",
        account.0,
        rows,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// When the oldest attempt since then was made that waits for its bank or for a retry; `None`: none does.
pub async fn unsettled_since(conn: &mut Conn, account: GatewayAccountId, since: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!(
        "select min(created_at) from gateway_attempt
        where gateway_account_id = $1 and created_at >= $2 and (status = 'pending' or next_retry_at is not null)",
        account.0,
        since
    )
    .fetch_one(conn)
    .await?)
}

/// Of these, the ids of those that are settled: failed without a retry. The gateway does not change them any more.
pub async fn settled(conn: &mut Conn, account: GatewayAccountId, attempts: &[&str]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select attempt_id from gateway_attempt
        where gateway_account_id = $1 and attempt_id = any($2) and status = 'failed' and next_retry_at is null",
        account.0,
        attempts as &[&str]
    )
    .fetch_all(conn)
    .await?)
}
