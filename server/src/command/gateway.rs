use super::{account, entities};
use crate::{config::Settings, installation::Installation};
use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand};
use domain::{
    access::{Actor, Scope},
    id::{BankAccountId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::Gateway,
};
use pipeline::{
    Context,
    gateways::{self, Access, AdyenSettings, GatewayAccount, StripeSettings},
};
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Makes an account known: it is pulled from its beginning, and its webhooks are heard
    Open(Box<Open>),
}

#[derive(Debug, Args)]
pub struct Open {
    /// Whose money it is
    #[arg(long)]
    entity: String,
    /// `stripe` or `adyen`
    #[arg(long, default_value = "stripe")]
    gateway: Gateway,
    /// Short name, on the lines of its payments: STRIPE-US
    #[arg(long)]
    code: String,
    #[arg(long)]
    name: String,
    /// The gateway's id of the account: acct_…, or Adyen's merchant account
    #[arg(long)]
    account: String,
    /// The account's first day; nothing was in it before
    #[arg(long)]
    since: NaiveDate,
    /// JSON file, kept encrypted. Stripe: secret_key (sk_… or rk_…) and webhook_secrets (a list of whsec_…). Adyen: report_password and
    /// hmac_keys (a list, hexadecimal)
    #[arg(long)]
    secrets: PathBuf,
    /// Our bank accounts that payouts come to, by currency: `USD=000123456789`
    #[arg(long, value_delimiter = ',', required = true)]
    pays_out: Vec<String>,
    /// What the bank lines of payouts have in the payer's name
    #[arg(long, default_value = "STRIPE")]
    bank_words: String,
    /// Where it is reached, unless at the vendor's own address
    #[arg(long)]
    url: Option<String>,
    /// Adyen's report user: report@Company.YourCompany
    #[arg(long, required_if_eq("gateway", "adyen"), default_value = "")]
    report_user: String,
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let Arguments::Open(new) = arguments;
    let done = open(&installation.context, *new).await;
    installation.close().await?;
    done
}

async fn open(ctx: &Context, new: Open) -> anyhow::Result<()> {
    let entity_id = *entities(ctx, std::slice::from_ref(&new.entity)).await?.first().context("one entity")?;
    let secrets = std::fs::read(&new.secrets).with_context(|| new.secrets.display().to_string())?;
    let access = match new.gateway {
        Gateway::Stripe => {
            let base_url = new.url.unwrap_or_else(|| "https://api.stripe.com".to_owned());
            serde_json::from_slice(&secrets).map(|secrets| Access::Stripe { settings: StripeSettings { base_url }, secrets })
        }
        Gateway::Adyen => {
            let base_url = new.url.unwrap_or_else(|| "https://ca-live.adyen.com".to_owned());
            let settings = AdyenSettings { base_url, report_user: new.report_user };
            serde_json::from_slice(&secrets).map(|secrets| Access::Adyen { settings, secrets })
        }
    };
    let id = GatewayAccountId(Uuid::now_v7());
    let opened = GatewayAccount {
        gateway_account_id: id,
        entity_id,
        external_id: new.account,
        code: new.code,
        name: new.name,
        access: access.with_context(|| new.secrets.display().to_string())?,
        bank_words: new.bank_words,
        since: new.since.and_time(NaiveTime::MIN).and_utc(),
        pays_out: pays_out(ctx, entity_id, &new.pays_out).await?,
    };
    gateways::open(ctx, &Actor::Cli(account()), &opened).await?;
    println!("{} is known; its webhooks go to /webhooks/{}/{id}", opened.code, new.gateway);
    Ok(())
}

async fn pays_out(ctx: &Context, entity: EntityId, pairs: &[String]) -> anyhow::Result<Vec<(Currency, BankAccountId)>> {
    let known = store::statements::accounts(&mut *ctx.pool.acquire().await?, &Scope::of_system(vec![entity])).await?;
    let pair = |pair: &String| {
        let (currency, number) = pair.split_once('=').with_context(|| format!("{pair:?} is not CURRENCY=NUMBER"))?;
        let found = known.iter().find(|account| account.number == number && account.currency == currency);
        let found = found.with_context(|| format!("the entity has no bank account {number} in {currency}"))?;
        Ok((currency.parse()?, found.bank_account_id))
    };
    pairs.iter().map(pair).collect()
}
