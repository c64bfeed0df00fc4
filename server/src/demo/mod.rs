//! The furnished company: five entities on two simulated NetSuite accounts, each with a simulated Stripe account, with a past of three months that the program
//! itself lived through, and then goes on living.

mod accounts;
mod bank;
mod calendar;
mod company;
mod days;
mod dice;
mod files;
mod founding;
mod gateways;
mod hands;
mod invoices;
mod paper;
mod people;
mod plan;
mod travel;
mod troubles;

pub use travel::TravelClock;

use crate::{config::Settings, installation::Installation, roles, serve::stop_signal};
use accounts::{Account, ledger_file};
use anyhow::{Context as _, bail};
use chrono::{NaiveDate, TimeDelta};
use company::{ACCOUNTS, ENTITIES};
use days::Drive;
use domain::{clock::Clock, id::EntityId};
use files::State;
use gateways::Gateway;
use pipeline::{Context, SystemClock, erps::Erps};
use plan::Plan;
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::Path,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
    time::Instant,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Invoices at scale 1.
pub const DOCUMENTS: u64 = 20_000;
/// Fewer don't make every kind of trouble.
const DOCUMENTS_MIN: u64 = 200;
/// How long the server may take until it answers.
const READY: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub documents: u64,
    pub seed: u64,
}

/// Makes the company unless it is there, and runs it until told to stop.
pub async fn run(mut settings: Settings, data_dir: Option<PathBuf>, size: Size) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let data_dir = match data_dir {
        Some(named) => named,
        None => settings.data_dir()?.join("demo"),
    };
    std::fs::create_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
    // the company lives in a cluster of its own, whatever else is configured
    (settings.database_url, settings.data_dir) = (None, Some(data_dir.clone()));
    let listener = TcpListener::bind(settings.address).await.with_context(|| format!("cannot listen on {}", settings.address))?;
    let address = listener.local_addr()?;
    settings.address = address;
    files::withdraw(&data_dir)?;
    let mut installation = Installation::open(&settings).await?;
    let clock = TravelClock::default();
    installation.context.clock = Arc::new(clock.clone());
    let ran = match stop.run_until_cancelled(open(&installation.context, &clock, &data_dir, size)).await {
        Some(Ok((vendors, state))) => live(&installation, settings, listener, &data_dir, vendors, &state, stop).await,
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    installation.close().await?;
    ran
}

/// The company that is there, or a new one.
async fn open(cx: &Context, clock: &TravelClock, data_dir: &Path, size: Size) -> anyhow::Result<(Vendors, State)> {
    if let Some(state) = State::read(data_dir)? {
        if state.api_key.is_some() {
            tracing::info!(made_on = %state.today, documents = state.size.documents, "the company is there already");
            let plan = Plan::new(state.today, state.size.documents, state.size.seed)?;
            let vendors = Vendors::start(&plan, data_dir, state.size.seed, clock).await?;
            founding::connect_to_live(cx, &vendors).await?;
            return Ok((vendors, state));
        }
        tracing::info!("the company was not finished; beginning again");
        store::demo::begin_again(&cx.pool).await?;
        for ledger in (0..ACCOUNTS.len()).map(ledger_file).chain(gateways::WITH_CARDS.map(gateways::ledger_file)) {
            std::fs::remove_file(data_dir.join(ledger)).or_else(ignore_absent)?;
        }
    } else if !store::entities::list(&mut *cx.pool.acquire().await?).await?.is_empty() {
        bail!("{} holds another installation; name a directory of its own for the demo", data_dir.display());
    }
    let today = SystemClock.now().date_naive();
    furnish(cx, clock, data_dir, size, today).await
}

fn ignore_absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Everybody else's systems, simulated in this process.
pub struct Vendors {
    accounts: Vec<Account>,
    gateways: Vec<Gateway>,
}

impl Vendors {
    async fn start(plan: &Plan, data_dir: &Path, seed: u64, clock: &TravelClock) -> anyhow::Result<Self> {
        let mut accounts = Vec::new();
        for place in 0..ACCOUNTS.len() {
            accounts.push(Account::start(plan, place, data_dir, seed, clock).await?);
        }
        Ok(Self { accounts, gateways: gateways::start(data_dir, seed, clock).await? })
    }

    /// Returns when the ledgers are on disk.
    async fn stop(self) {
        for account in self.accounts {
            account.stop().await;
        }
        for gateway in self.gateways {
            gateway.stop().await;
        }
    }
}

/// Makes the company in an empty database, with a past that ends before `today`. Its clock is the machine's afterwards.
pub async fn furnish(cx: &Context, clock: &TravelClock, data_dir: &Path, size: Size, today: NaiveDate) -> anyhow::Result<(Vendors, State)> {
    let began = Instant::now();
    let size = Size { documents: size.documents.max(DOCUMENTS_MIN), ..size };
    let mut state = State { size, today, password: password(), api_key: None };
    state.write(data_dir)?;
    store::demo::relax(&cx.pool).await?;
    let plan = Plan::new(today, size.documents, size.seed)?;
    clock.set(Some(plan.calendar.start().and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::days(1)));
    let vendors = Vendors::start(&plan, data_dir, size.seed, clock).await?;
    let entities: Vec<EntityId> = ENTITIES.iter().map(|_| EntityId(Uuid::now_v7())).collect();
    let founded = founding::found(cx, &plan, &vendors, &entities, &state.password).await?;
    let (erps, worker) = (Erps::load(cx).await?, roles::worker_name());
    let drive = Drive {
        cx,
        clock,
        plan: &plan,
        accounts: &vendors.accounts,
        gateways: &vendors.gateways,
        banks: Mutex::default(),
        entities: &entities,
        people: &founded.people,
        erps: &erps,
        worker: &worker,
    };
    drive.run().await?;
    clock.set(None);
    drive.arrive().await?;
    drive.leave_open().await?;
    founding::connect_to_live(cx, &vendors).await?;
    store::daily_flow::recount(&mut *cx.pool.acquire().await?, cx.clock.now()).await?;
    store::demo::harden(&cx.pool).await?;
    state.api_key = Some(founded.api_key);
    state.write(data_dir)?;
    tracing::info!(documents = size.documents, seconds = began.elapsed().as_secs(), "the company is furnished");
    Ok((vendors, state))
}

fn password() -> String {
    let mut random = [0; 8];
    rand::rng().fill_bytes(&mut random);
    format!("lumen-{}", domain::seal::hex(&random))
}

async fn live(
    installation: &Installation,
    settings: Settings,
    listener: TcpListener,
    data_dir: &Path,
    vendors: Vendors,
    state: &State,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let url = url(settings.address);
    let running = async {
        let ran = roles::run(&installation.context, settings, Some(listener), true, stop.clone()).await;
        stop.cancel();
        ran
    };
    let announcing = async {
        ready(&url).await?;
        gateways::listen(&installation.context, &vendors.gateways, &url).await?;
        files::announce(data_dir, &url, &installation.database_url, &vendors, state)?;
        println!("{}", welcome(&url, state));
        anyhow::Ok(())
    };
    let announcing = async {
        let announced = stop.run_until_cancelled(announcing).await.unwrap_or(Ok(()));
        if announced.is_err() {
            stop.cancel();
        }
        announced
    };
    let living = async {
        let lived = gateways::run(&vendors.gateways, &stop).await;
        stop.cancel();
        lived
    };
    let (ran, announced, lived) = tokio::join!(running, announcing, living);
    vendors.stop().await;
    ran.and(announced).and(lived)
}

fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("http://127.0.0.1:{}", address.port()) } else { format!("http://{address}") }
}

async fn ready(url: &str) -> anyhow::Result<()> {
    let (http, began) = (reqwest::Client::new(), Instant::now());
    let address = format!("{url}/readyz");
    while began.elapsed() < READY {
        if http.get(&address).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("{address} did not answer within {} seconds", READY.as_secs())
}

fn welcome(url: &str, state: &State) -> String {
    let mut text = format!("\n  Lumen Analytics is open at {url}\n\n");
    for (login, email) in founding::logins() {
        text.push_str(&format!("  {login:<14} {email:<28} {}\n", state.password));
    }
    text
}
