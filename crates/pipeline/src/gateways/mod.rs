//! Payment gateways: what moved there is pulled, and its charges become payments. A webhook is a hint that makes the next pull due now; it
//! is never itself the truth.

mod event;
mod pull;

pub use event::{Heard, hear};
pub use pull::{Pulled, pull};

use crate::{Context, retry::transaction};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use connectors::stripe::{Config, Stripe};
use domain::{
    access::Actor,
    id::{BankAccountId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::Gateway,
};
use serde::{Deserialize, Serialize};
use store::{
    access::audit::{self, AuditEntry},
    gateways::{self, Account, NewAccount},
};

/// What a Stripe account's row holds, beside its secrets.
#[derive(Debug, Serialize, Deserialize)]
pub struct StripeSettings {
    pub base_url: String,
}

/// Never printed.
#[derive(Serialize, Deserialize)]
pub struct StripeSecrets {
    /// `sk_…` or a restricted `rk_…`.
    pub secret_key: String,
    /// `whsec_…`: all that are valid now; several while one is rolled.
    pub webhook_secrets: Vec<String>,
}

/// A Stripe account of ours.
pub struct StripeAccount {
    pub gateway_account_id: GatewayAccountId,
    pub entity_id: EntityId,
    /// `acct_…`
    pub external_id: String,
    pub code: String,
    pub name: String,
    pub settings: StripeSettings,
    pub secrets: StripeSecrets,
    /// What the bank lines of its payouts have in the payer's name or text.
    pub bank_words: String,
    /// When the account began, with nothing in it.
    pub since: DateTime<Utc>,
    /// In which currencies it settles, and to which of our accounts.
    pub pays_out: Vec<(Currency, BankAccountId)>,
}

/// Makes an account known; the next pull reads it from its beginning.
///
/// # Errors
/// `gateway_account_code` or `gateway_account_external` conflicts: it is known already.
pub async fn open_stripe(cx: &Context, actor: &Actor, new: &StripeAccount) -> anyhow::Result<()> {
    let row = NewAccount {
        gateway_account_id: new.gateway_account_id,
        entity_id: new.entity_id,
        gateway: Gateway::Stripe,
        external_id: new.external_id.clone(),
        code: new.code.clone(),
        name: new.name.clone(),
        settings: serde_json::to_value(&new.settings)?,
        secrets: seal(cx, new.gateway_account_id, &new.secrets)?,
        bank_words: new.bank_words.clone(),
        since: new.since,
        opened_at: cx.clock.now(),
        opened_by: actor.to_string(),
    };
    let told = AuditEntry {
        at: row.opened_at,
        actor: actor.clone(),
        action: "gateway.open",
        subject: format!("gateway:{}", row.gateway_account_id),
        entity_id: Some(row.entity_id),
        before: None,
        after: Some(serde_json::json!({ "code": row.code, "gateway": row.gateway, "account": row.external_id })),
    };
    transaction!(&cx.pool, |tx| {
        gateways::open_account(tx, &row).await?;
        for (currency, bank_account) in &new.pays_out {
            gateways::pay_out_to(tx, row.gateway_account_id, *currency, *bank_account).await?;
        }
        audit::append(tx, &told).await?;
        Ok(())
    })?;
    Ok(())
}

/// Encrypts an account's secrets; they open only for that account.
pub fn seal(cx: &Context, account: GatewayAccountId, secrets: &StripeSecrets) -> anyhow::Result<Vec<u8>> {
    cx.secrets.seal(&serde_json::to_vec(secrets)?, &binding(account))
}

fn secrets(cx: &Context, account: &Account) -> anyhow::Result<StripeSecrets> {
    let opened = cx.secrets.open(&account.secrets, &binding(account.gateway_account_id))?;
    serde_json::from_slice(&opened).with_context(|| format!("secrets of {}", account.code))
}

fn binding(account: GatewayAccountId) -> String {
    format!("gateway:{account}")
}

fn stripe(cx: &Context, account: &Account) -> anyhow::Result<Stripe> {
    let settings: StripeSettings = serde_json::from_value(account.settings.clone())?;
    Stripe::new(Config::new(&settings.base_url, &secrets(cx, account)?.secret_key))
}
