//! Adyen, as far as settlement needs it: signed webhooks, and a settlement details report per batch, to be downloaded.
//!
//! Source keys are those of the contract reference: **[OAS]** webhook OpenAPI, **[NODE]** Adyen's Node library, **[CSV]** public parsers of
//! the report, **U** not confirmed.

mod ledger;
mod report;
mod serve;
mod sign;

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
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Clone)]
pub struct Config {
    /// The ledger, one JSON line per command; made when it does not exist.
    pub data_file: PathBuf,
    pub company_account: String,
    pub merchant_account: String,
    /// Of the account: decides fees and payouts.
    pub country: String,
    /// What the account is paid in.
    pub currency: String,
    /// Settlement currency per unit of another currency that payments are in.
    pub rates: BTreeMap<String, Decimal>,
    pub fees: FeeStyle,
    pub report_user: String,
    pub report_password: String,
    pub seed: u64,
    pub now: Now,
}

/// How the report shows fees (contract: Fees).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FeeStyle {
    /// Commission.
    #[default]
    Blended,
    /// Markup, scheme fees and interchange.
    InterchangePlusPlus,
}

struct Account {
    desk: Arc<Desk<Books>>,
    config: Config,
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
        let listener = TcpListener::bind(addr).await.with_context(|| format!("listen on {addr}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let desk = Desk::open(Books::new(&config, &url), &config.data_file, config.seed, config.now.clone())?;
        let account = Arc::new(Account { desk: Arc::new(desk), config });
        let router = Router::new()
            .route("/reports/download/MerchantAccount/{account}/{file}", get(serve::download))
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
