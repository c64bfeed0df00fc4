//! Webhooks: kept as they come, believed when the gateway signed them, and then no more than a hint. Only what no gateway lists is taken
//! from one: Adyen's reports and refused authorisations.

use super::{Access, access};
use crate::{Context, retry::transaction};
use connectors::{
    adyen::{self, webhook::HmacKey},
    stripe,
};
use domain::{
    id::{GatewayAccountId, JobId},
    job::JobKind,
    settlement::Gateway,
};
use store::{
    gateways::{self, Announced, NewEvent},
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

/// Hears a webhook: its body as it came, and the `Stripe-Signature` where the gateway signs the whole of it.
pub async fn hear(cx: &Context, gateway: Gateway, account: GatewayAccountId, signature: &str, body: &[u8]) -> anyhow::Result<Heard> {
    let found = gateways::find(&mut *cx.pool.acquire().await?, account).await?;
    let Some(account) = found.filter(|account| account.gateway == gateway) else { return Ok(Heard::Unknown) };
    let received_at = cx.clock.now();
    let found = match access(cx, &account)? {
        Access::Stripe { secrets, .. } => {
            let event = stripe::webhook::receive(signature, body, &secrets.webhook_secrets, received_at);
            event.map(|event| vec![event]).map_err(|error| error.to_string())
        }
        Access::Adyen { secrets, .. } => {
            let keys: Result<Vec<HmacKey>, _> = secrets.hmac_keys.iter().map(|key| key.parse()).collect();
            keys.and_then(|keys| adyen::webhook::receive(body, &keys)).map_err(|error| error.to_string())
        }
    };
    let subject = account.entity_id.to_string();
    transaction!(&cx.pool, |tx| {
        let keep = |found| NewEvent { account: account.gateway_account_id, body, received_at, found };
        let mut new = false;
        match &found {
            Ok(events) => {
                for event in events {
                    new |= gateways::keep(tx, &keep(Ok(event))).await?;
                    if let Some((report, address)) = adyen::webhook::report_of(event) {
                        let announced = Announced { report: report.to_owned(), address: address.to_owned() };
                        gateways::announce_report(tx, account.gateway_account_id, &announced, received_at).await?;
                    }
                    if let Some(refused) = adyen::webhook::refused_of(event) {
                        gateways::upsert_attempts(tx, account.gateway_account_id, &[refused], received_at).await?;
                    }
                }
            }
            Err(why) => drop(gateways::keep(tx, &keep(Err(why.clone()))).await?),
        }
        if new {
            let job_id = JobId(Uuid::now_v7());
            let job = NewJob { job_id, kind: JobKind::PullGateways, subject: &subject, run_at: received_at, created_by: "webhook" };
            jobs::enqueue(tx, &job, received_at).await?;
        }
        Ok(())
    })?;
    Ok(found.map_or_else(Heard::Forged, |_| Heard::Genuine))
}
