//! Disputes, as the gateways tell of them.

use crate::{Conn, DriverError, Result};
use chrono::{DateTime, Utc};
use domain::{id::GatewayAccountId, settlement::GatewayDispute};
use serde_json::json;

/// Keeps disputes as the gateway says they are now. Returns how many are new or changed.
pub async fn upsert(conn: &mut Conn, account: GatewayAccountId, disputes: &[GatewayDispute], at: DateTime<Utc>) -> Result<u64> {
    let row = |d: &GatewayDispute| {
        json!({
            "id": d.id, "payment_reference": d.payment_reference, "amount": d.amount.amount().to_string(), "currency": d.amount.currency(),
            "status": d.status, "created_at": d.created_at, "respond_by": d.respond_by, "reason": d.reason,
        })
    };
    let rows = serde_json::to_value(disputes.iter().map(row).collect::<Vec<_>>()).map_err(|error| DriverError::Encode(error.into()))?;
    let done = sqlx::query!(
        "insert into gateway_dispute as g (gateway_account_id, dispute_id, payment_reference, amount, currency, status, created_at, respond_by,
            reason, seen_at)
        select $1, id, payment_reference, amount, currency, status, created_at, respond_by, reason, $3
        from jsonb_to_recordset($2) as r (id text, payment_reference text, amount numeric, currency text, status text, created_at timestamptz,
            respond_by timestamptz, reason text)
        on conflict (gateway_account_id, dispute_id) do update set status = excluded.status, amount = excluded.amount,
            respond_by = excluded.respond_by, reason = excluded.reason, seen_at = excluded.seen_at
        where (g.status, g.amount, g.respond_by, g.reason) is distinct from (excluded.status, excluded.amount, excluded.respond_by, excluded.reason)",
        account.0,
        rows,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Disputes that are not decided, the one with the nearest deadline first.
pub async fn undecided(conn: &mut Conn, account: GatewayAccountId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select dispute_id from gateway_dispute where gateway_account_id = $1 and status not in ('won', 'lost', 'closed')
        order by respond_by, dispute_id",
        account.0
    )
    .fetch_all(conn)
    .await?)
}
