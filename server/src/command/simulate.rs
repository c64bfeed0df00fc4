use crate::serve::stop_signal;
use anyhow::Context as _;
use chrono::Months;
use clap::{Args, ValueEnum};
use domain::clock::Clock;
use pipeline::SystemClock;
use serde_json::json;
use simulators::netsuite::{Config, Lists, Simulator, Switches, client_credentials};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};

/// Months of the account's calendar before this one, and altogether.
const MONTHS_BACK: u32 = 12;
const MONTHS: u32 = 36;
const CUSTOMERS: u32 = 1_000;
const ITEMS: u32 = 100;
/// The Standard tier.
const CONCURRENCY: usize = 5;

#[derive(Debug, Args)]
pub struct Arguments {
    system: System,
    /// 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the ledger is kept; without it, in a directory that goes away at the end
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum System {
    Netsuite,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let System::Netsuite = arguments.system;
    let stop = stop_signal()?;
    let scratch = tempfile::tempdir()?;
    let data_dir = arguments.data_dir.unwrap_or_else(|| scratch.path().to_owned());
    std::fs::create_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
    let today = SystemClock.now().date_naive();
    let credentials = client_credentials()?;
    let config = Config {
        account_id: "1234567-sb1".into(),
        data_file: data_dir.join("netsuite.jsonl"),
        concurrency_limit: CONCURRENCY,
        seed: 1,
        client: credentials.registered.clone(),
        lists: Lists::standard(today.checked_sub_months(Months::new(MONTHS_BACK)).unwrap_or(today), MONTHS, CUSTOMERS, ITEMS),
        switches: Switches::default(),
        now: Arc::new(|| SystemClock.now()),
    };
    let simulator = Simulator::start(config, SocketAddr::from(([127, 0, 0, 1], arguments.port))).await?;
    let client = &credentials.registered;
    let access = json!({
        "url": simulator.url(), "client_id": client.client_id, "certificate_id": client.certificate_id,
        "private_key_pem": credentials.private_key_pem,
    });
    println!("{}", serde_json::to_string_pretty(&access)?);
    stop.cancelled().await;
    simulator.stop().await;
    Ok(())
}
