//! Payment gateways: what moved there is pulled and becomes documents. A webhook is a hint that makes the next pull due now; it
//! is never itself the truth.

mod adyen;
mod event;
mod pull;
mod stripe;

pub use event::{Heard, hear};
pub use pull::{Pulled, pull};

use crate::{Context, retry::transaction};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::{
    access::Actor,
    id::{BankAccountId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::Gateway,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    access::audit::{self, AuditEntry},
    gateways::{self, Account, NewAccount},
};

/// What a Stripe account's row holds, beside its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StripeSettings {
    pub base_url: String,
}

/// Never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct StripeSecrets {
    /// `sk_…` or a restricted `rk_…`.
    pub secret_key: String,
    /// `whsec_…`: all that are valid now; several while one is rolled.
    pub webhook_secrets: Vec<String>,
}

/// What an Adyen account's row holds, beside its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdyenSettings {
    /// `https://ca-live.adyen.com`: where reports lie.
    pub base_url: String,
    /// `report@Company.YourCompany`.
    pub report_user: String,
}

/// Never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct AdyenSecrets {
    pub report_password: String,
    /// Hexadecimal, as the Customer Area shows them: all that are valid now.
    pub hmac_keys: Vec<String>,
}

/// How an account is reached.
#[derive(Clone)]
pub enum Access {
    Stripe { settings: StripeSettings, secrets: StripeSecrets },
    Adyen { settings: AdyenSettings, secrets: AdyenSecrets },
}

impl Access {
    pub fn gateway(&self) -> Gateway {
        match self {
            Self::Stripe { .. } => Gateway::Stripe,
            Self::Adyen { .. } => Gateway::Adyen,
        }
    }

    /// As the account's row holds them; the secrets are encrypted and open only for that account.
    pub fn stored(&self, cx: &Context, account: GatewayAccountId) -> anyhow::Result<(Value, Vec<u8>)> {
        let (settings, secrets) = match self {
            Self::Stripe { settings, secrets } => (serde_json::to_value(settings)?, serde_json::to_vec(secrets)?),
            Self::Adyen { settings, secrets } => (serde_json::to_value(settings)?, serde_json::to_vec(secrets)?),
        };
        Ok((settings, cx.secrets.seal(&secrets, &binding(account))?))
    }
}

/// An account of ours at a gateway.
pub struct GatewayAccount {
    pub gateway_account_id: GatewayAccountId,
    pub entity_id: EntityId,
    /// Stripe: `acct_…`; Adyen: the merchant account.
    pub external_id: String,
    pub code: String,
    pub name: String,
    pub access: Access,
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
pub async fn open(cx: &Context, actor: &Actor, new: &GatewayAccount) -> anyhow::Result<()> {
    let (settings, secrets) = new.access.stored(cx, new.gateway_account_id)?;
    let row = NewAccount {
        gateway_account_id: new.gateway_account_id,
        entity_id: new.entity_id,
        gateway: new.access.gateway(),
        external_id: new.external_id.clone(),
        code: new.code.clone(),
        name: new.name.clone(),
        settings,
        secrets,
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

fn access(cx: &Context, account: &Account) -> anyhow::Result<Access> {
    let secrets = cx.secrets.open(&account.secrets, &binding(account.gateway_account_id))?;
    let settings = account.settings.clone();
    let read = || {
        Ok::<_, serde_json::Error>(match account.gateway {
            Gateway::Stripe => Access::Stripe { settings: serde_json::from_value(settings)?, secrets: serde_json::from_slice(&secrets)? },
            Gateway::Adyen => Access::Adyen { settings: serde_json::from_value(settings)?, secrets: serde_json::from_slice(&secrets)? },
        })
    };
    read().with_context(|| format!("settings and secrets of {}", account.code))
}

fn binding(account: GatewayAccountId) -> String {
    format!("gateway:{account}")
}
