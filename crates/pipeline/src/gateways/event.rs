//! Webhooks: kept as they come, believed when the gateway signed them, and then no more than a hint.

use super::secrets;
use crate::{Context, retry::transaction};
use connectors::stripe::webhook;
use domain::{
    id::{GatewayAccountId, JobId},
    job::JobKind,
};
use store::{
    gateways::{self, NewEvent},
    jobs::{self, NewJob},
};
use uuid::Uuid;

/// What a webhook was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Signed by the gateway; if it is new, the next pull of its entity is due now.
    Genuine,
    /// Kept with this reason; nothing else happens.
    Forged(String),
    /// No such account.
    Unknown,
}

/// Hears a webhook of a Stripe account: its `Stripe-Signature` and its body as it came.
pub async fn hear(cx: &Context, account: GatewayAccountId, signature: &str, body: &[u8]) -> anyhow::Result<Heard> {
    let Some(account) = gateways::find(&mut *cx.pool.acquire().await?, account).await? else { return Ok(Heard::Unknown) };
    let received_at = cx.clock.now();
    let found = webhook::receive(signature, body, &secrets(cx, &account)?.webhook_secrets, received_at).map_err(|error| error.to_string());
    let subject = account.entity_id.to_string();
    transaction!(&cx.pool, |tx| {
        let new = NewEvent { account: account.gateway_account_id, body, received_at, found: found.as_ref().map_err(Clone::clone) };
        if gateways::keep(tx, &new).await? {
            let job_id = JobId(Uuid::now_v7());
            let job = NewJob { job_id, kind: JobKind::PullGateways, subject: &subject, run_at: received_at, created_by: "webhook" };
            jobs::enqueue(tx, &job, received_at).await?;
        }
        Ok(())
    })?;
    Ok(found.map_or_else(Heard::Forged, |_| Heard::Genuine))
}
