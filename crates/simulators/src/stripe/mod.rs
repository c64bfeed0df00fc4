//! Stripe, as far as payments need it: lists and objects of v1, refunds and collections, signed webhooks.
//!
//! Source keys are those of the contract reference: **[FIX]** stripe/openapi fixtures, **[PY]** Stripe's Python client, **U** not
//! confirmed. Where a behaviour is open and matters it is one of [`Switches`].

mod balance;
mod error;
mod ledger;
mod read;
mod serve;
mod shelf;
mod sign;
mod steps;
mod write;

pub use crate::gateway::{Fate, FaultKind, FaultRule, Invoice, Method, On, Target};

use crate::{
    Now,
    gateway::{self, Desk},
    wire,
};
use anyhow::{Context, Result};
use axum::{Router, routing::get};
use ledger::Books;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinHandle};

const VERSION: &str = "2025-03-31.basil";

#[derive(Clone)]
pub struct Config {
    /// The ledger, one JSON line per command; made when it does not exist.
    pub data_file: PathBuf,
    pub secret_key: String,
    /// Of the account: decides fees and payouts.
    pub country: String,
    /// What the account is paid in.
    pub currency: String,
    /// Settlement currency per unit of another currency that invoices are in.
    pub rates: BTreeMap<String, Decimal>,
    pub seed: u64,
    pub switches: Switches,
    pub now: Now,
}

/// Behaviours that public material leaves open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Switches {
    pub dispute_fee: DisputeFee,
}

/// Where the fee of a dispute stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DisputeFee {
    /// In a balance transaction of its own (contract: Pitfalls).
    #[default]
    OwnRow,
    /// In the `fee` of the one that takes the amount.
    InRow,
}

struct Account {
    desk: Arc<Desk<Books>>,
    secret_key: String,
    in_flight: Mutex<HashSet<String>>,
}

/// A simulator that answers until it is stopped or dropped.
pub struct Simulator {
    account: Arc<Account>,
    url: String,
    accepting: JoinHandle<()>,
}

impl Simulator {
    /// Does again what the ledger holds and starts to answer on `addr` (port 0 picks one).
    pub async fn start(config: Config, addr: SocketAddr) -> Result<Self> {
        crate::refuse_unless_harmless(std::env::var("TIEOUT_ENV").ok().as_deref(), addr)?;
        let desk = Desk::open(Books::new(&config), &config.data_file, config.seed, config.now)?;
        let account = Arc::new(Account { desk: Arc::new(desk), secret_key: config.secret_key, in_flight: Mutex::default() });
        let listener = TcpListener::bind(addr).await.with_context(|| format!("listen on {addr}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new()
            .route("/v1/{*path}", get(serve::read).post(serve::write))
            .with_state(account.clone())
            .nest("/admin", gateway::router().with_state(account.desk.clone()));
        let accepting = tokio::spawn(wire::accept(listener, router));
        Ok(Self { account, url, accepting })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lives through what was to happen until now, and tells it.
    pub async fn run(&self) -> Result<()> {
        self.account.desk.run(self.account.desk.now()).await?;
        self.account.desk.deliver().await;
        Ok(())
    }

    /// Cuts every connection; returns when the ledger is on disk and nothing writes to it any more.
    pub async fn stop(mut self) {
        self.accepting.abort();
        (&mut self.accepting).await.ok();
        self.account.desk.close().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
