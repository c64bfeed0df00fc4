//! Webhooks as they were received.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{id::GatewayAccountId, settlement::PaymentEvent};
use uuid::Uuid;

/// What came, and what it was found to be.
#[derive(Debug)]
pub struct NewEvent<'a> {
    pub account: GatewayAccountId,
    pub body: &'a [u8],
    pub received_at: DateTime<Utc>,
    /// Why it is not believed, where it is not.
    pub found: std::result::Result<&'a PaymentEvent, String>,
}

/// Keeps a webhook. A genuine one that is here already counts once more. Returns whether it is genuine and new.
pub async fn keep(conn: &mut Conn, new: &NewEvent<'_>) -> Result<bool> {
    let genuine = new.found.as_ref().ok();
    let times = sqlx::query_scalar!(
        "insert into gateway_event as e (gateway_event_id, gateway_account_id, event_key, event_type, object_id, occurred_at, received_at,
            refused, body)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (gateway_account_id, event_key) where event_key is not null do update set times = e.times + 1
        returning times",
        Uuid::now_v7(),
        new.account.0,
        genuine.map(|event| event.dedupe_key.as_str()),
        genuine.map(|event| event.event_type.as_str()),
        genuine.map(|event| event.object_id.as_str()),
        genuine.map(|event| event.occurred_at),
        new.received_at,
        new.found.as_ref().err(),
        new.body
    )
    .fetch_one(conn)
    .await?;
    Ok(genuine.is_some() && times == 1)
}

/// A pull that began at this time has looked at everything that was announced before.
pub async fn heed(conn: &mut Conn, account: GatewayAccountId, began_at: DateTime<Utc>, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update gateway_event set pulled_at = $3
        where gateway_account_id = $1 and pulled_at is null and event_key is not null and received_at <= $2",
        account.0,
        began_at,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
