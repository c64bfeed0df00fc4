use super::account;
use crate::{config::Settings, installation::Installation};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use domain::{access::Actor, money::Currency};
use pipeline::company::{EntityForm, create_entity};
use rust_decimal::Decimal;

#[derive(Debug, Subcommand)]
pub enum Arguments {
    /// Sets up a legal entity
    Create(Create),
    /// Lists legal entities
    List,
}

#[derive(Debug, Args)]
pub struct Create {
    /// Short name, used in files: DE
    #[arg(long)]
    code: String,
    #[arg(long)]
    name: String,
    /// ISO 3166: DE
    #[arg(long)]
    country: String,
    /// Functional currency, ISO 4217: EUR
    #[arg(long)]
    currency: Currency,
    /// IANA name: Europe/Berlin
    #[arg(long)]
    time_zone: String,
    /// What one person may do alone in a day: `EUR=5000,USD=5000`; without one, nothing
    #[arg(long = "limit", value_delimiter = ',', value_parser = limit)]
    limits: Vec<(Currency, Decimal)>,
}

fn limit(text: &str) -> anyhow::Result<(Currency, Decimal)> {
    let (currency, amount) = text.split_once('=').context("CURRENCY=AMOUNT")?;
    Ok((currency.parse()?, amount.parse()?))
}

pub async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let installation = Installation::open(settings).await?;
    let done = apply(arguments, &installation.context).await;
    installation.close().await?;
    done
}

async fn apply(arguments: Arguments, ctx: &pipeline::Context) -> anyhow::Result<()> {
    match arguments {
        Arguments::Create(Create { code, name, country, currency, time_zone, limits }) => {
            let form = EntityForm { code, name, country, currency, time_zone, limits };
            create_entity(ctx, &Actor::Cli(account()), &form).await?;
        }
        Arguments::List => {
            for entity in store::entities::list(&mut *ctx.pool.acquire().await?).await? {
                println!("{}\t{}\t{}\t{}", entity.code, entity.name, entity.functional_currency, entity.time_zone);
            }
        }
    }
    Ok(())
}
