use crate::serve::stop_signal;
use anyhow::Context as _;
use chrono::Months;
use clap::{Args, ValueEnum};
use domain::clock::Clock;
use pipeline::SystemClock;
use serde_json::{Value, json};
use simulators::{Now, adyen, netsuite, stripe};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Months of the account's calendar before this one, and altogether.
const MONTHS_BACK: u32 = 12;
const MONTHS: u32 = 36;
const CUSTOMERS: u32 = 1_000;
const ITEMS: u32 = 100;
/// The Standard tier.
const CONCURRENCY: usize = 5;
/// How often a payment gateway catches up with the time.
const TICK: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct Arguments {
    system: System,
    /// 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the ledger is kept; without it, in a directory that goes away at the end
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Of a payment gateway's account: US, DE, GB, SG or JP; decides currency, fees and payouts
    #[arg(long, default_value = "US")]
    country: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum System {
    Netsuite,
    Stripe,
    Adyen,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let scratch = tempfile::tempdir()?;
    let data_dir = arguments.data_dir.unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
    let address = SocketAddr::from(([127, 0, 0, 1], arguments.port));
    match arguments.system {
        System::Netsuite => netsuite(&data_dir, address, &stop).await,
        System::Stripe => stripe(&data_dir, address, &arguments.country, &stop).await,
        System::Adyen => adyen(&data_dir, address, &arguments.country, &stop).await,
    }
}

fn now() -> Now {
    Arc::new(|| SystemClock.now())
}

/// What a client needs, on standard output.
fn show(access: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(access)?);
    Ok(())
}

async fn netsuite(data_dir: &Path, address: SocketAddr, stop: &CancellationToken) -> anyhow::Result<()> {
    let today = SystemClock.now().date_naive();
    let credentials = netsuite::client_credentials()?;
    let from = today.checked_sub_months(Months::new(MONTHS_BACK)).unwrap_or(today);
    let config = netsuite::Config {
        account_id: "1234567-sb1".into(),
        data_file: data_dir.join("netsuite.jsonl"),
        concurrency_limit: CONCURRENCY,
        seed: 1,
        client: credentials.registered.clone(),
        lists: netsuite::Lists::standard(from, MONTHS, CUSTOMERS, ITEMS),
        switches: netsuite::Switches::default(),
        now: now(),
    };
    let simulator = netsuite::Simulator::start(config, address).await?;
    let client = &credentials.registered;
    show(&json!({
        "url": simulator.url(), "client_id": client.client_id, "certificate_id": client.certificate_id,
        "private_key_pem": credentials.private_key_pem,
    }))?;
    stop.cancelled().await;
    simulator.stop().await;
    Ok(())
}

async fn stripe(data_dir: &Path, address: SocketAddr, country: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let secret_key = format!("sk_test_{}", Uuid::new_v4().simple());
    let config = stripe::Config {
        data_file: data_dir.join("stripe.jsonl"),
        secret_key: secret_key.clone(),
        country: country.to_owned(),
        currency: currency_of(country)?.to_owned(),
        rates: [].into(),
        seed: 1,
        switches: stripe::Switches::default(),
        now: now(),
    };
    let simulator = stripe::Simulator::start(config, address).await?;
    show(&json!({ "url": simulator.url(), "secret_key": secret_key }))?;
    while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
        simulator.run().await?;
    }
    simulator.stop().await;
    Ok(())
}

async fn adyen(data_dir: &Path, address: SocketAddr, country: &str, stop: &CancellationToken) -> anyhow::Result<()> {
    let (report_user, report_password) = ("report@Company.Lumen".to_owned(), Uuid::new_v4().simple().to_string());
    let config = adyen::Config {
        data_file: data_dir.join("adyen.jsonl"),
        company_account: "Lumen".into(),
        merchant_account: format!("Lumen{country}"),
        country: country.to_owned(),
        currency: currency_of(country)?.to_owned(),
        rates: [].into(),
        fees: adyen::FeeStyle::default(),
        report_user: report_user.clone(),
        report_password: report_password.clone(),
        seed: 1,
        now: now(),
    };
    let simulator = adyen::Simulator::start(config, address).await?;
    show(&json!({ "url": simulator.url(), "report_user": report_user, "report_password": report_password }))?;
    while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
        simulator.run().await?;
    }
    simulator.stop().await;
    Ok(())
}

fn currency_of(country: &str) -> anyhow::Result<&'static str> {
    let known = [("US", "USD"), ("DE", "EUR"), ("GB", "GBP"), ("SG", "SGD"), ("JP", "JPY")];
    let found = known.iter().find(|(code, _)| *code == country).map(|(_, currency)| *currency);
    found.with_context(|| format!("country {country:?} is not one of US, DE, GB, SG, JP"))
}
