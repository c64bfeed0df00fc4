use super::{account, entities};
use crate::{config::Settings, installation::Installation};
use anyhow::Context as _;
use chrono::{NaiveDate, NaiveTime};
use clap::{Args, Subcommand};
use domain::{
    access::{Actor, Scope},
    id::{BankAccountId, EntityId, GatewayAccountId},
    money::Currency,
};
use pipeline::{
    Context,
    gateways::{StripeAccount, StripeSecrets, StripeSettings, open_stripe},
};
use std::path::PathBuf;
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Makes a Stripe account known: it is pulled from its beginning, and its webhooks are heard
    Open(Box<Open>),
}

#[derive(Debug, Args)]
pub struct Open {
    /// Whose money it is
    #[arg(long)]
    entity: String,
    /// Short name, on the lines of its payments: STRIPE-US
    #[arg(long)]
    code: String,
    #[arg(long)]
    name: String,
    /// Stripe's id of the account: acct_…
    #[arg(long)]
    account: String,
    /// The account's first day; nothing was in it before
    #[arg(long)]
    since: NaiveDate,
    /// JSON file: secret_key (sk_… or rk_…) and webhook_secrets (a list of whsec_…); kept encrypted
    #[arg(long)]
    secrets: PathBuf,
    /// Our bank accounts that payouts come to, by currency: `USD=000123456789`
    #[arg(long, value_delimiter = ',', required = true)]
    pays_out: Vec<String>,
    /// What the bank lines of payouts have in the payer's name
    #[arg(long, default_value = "STRIPE")]
    bank_words: String,
    #[arg(long, default_value = "https://api.stripe.com")]
    url: String,
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
    let secrets: StripeSecrets = serde_json::from_slice(&secrets).with_context(|| new.secrets.display().to_string())?;
    let id = GatewayAccountId(Uuid::now_v7());
    let opened = StripeAccount {
        gateway_account_id: id,
        entity_id,
        external_id: new.account,
        code: new.code,
        name: new.name,
        settings: StripeSettings { base_url: new.url },
        secrets,
        bank_words: new.bank_words,
        since: new.since.and_time(NaiveTime::MIN).and_utc(),
        pays_out: pays_out(ctx, entity_id, &new.pays_out).await?,
    };
    open_stripe(ctx, &Actor::Cli(account()), &opened).await?;
    println!("{} is known; its webhooks go to /webhooks/stripe/{id}", opened.code);
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
