//! NetSuite SuiteTalk REST (record v1, query v1), as far as receivables need it.
//!
//! Source keys in comments: **H** Oracle online help page, **B** REST API Browser 2026.1, **P** SOAP status codes,
//! **J** julbrs/netsuite-api-client, **U** not confirmed in public material. Where a behaviour is U and matters, it is
//! one of [`Switches`], and the connector is tested against every position.

mod admin;
mod apply;
mod compose;
mod error;
mod faults;
mod journal_entry;
mod ledger;
mod lists;
mod oauth;
mod payment;
mod record;
mod serve;
mod suiteql;

pub use faults::{FaultKind, FaultRule, On};
pub use lists::{Account, Currency, Customer, Item, Lists, PostingPeriod, Subsidiary, TaxCode};
pub use oauth::{ClientCredentials, RegisteredClient, client_credentials};

use crate::{faults::Faults, journal::Journal, lock, wire};
use anyhow::{Context, Result};
use axum::{
    Router,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use ledger::Ledger;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

pub use crate::Now;

#[derive(Clone)]
pub struct Config {
    /// As in the host name, `1234567-sb1`.
    pub account_id: String,
    /// The ledger, one JSON line per change; made when it does not exist.
    pub data_file: PathBuf,
    /// Requests at once, for the whole account; 5 is the Standard tier [H:bridgehead_1500275603].
    pub concurrency_limit: usize,
    /// Makes faults with a probability repeatable.
    pub seed: u64,
    pub client: RegisteredClient,
    pub lists: Lists,
    pub switches: Switches,
    pub now: Now,
}

/// Behaviours that public material leaves open (U).
#[derive(Debug, Clone, Default)]
pub struct Switches {
    pub duplicate: DuplicateCode,
    pub closed_period: ClosedPeriodError,
    pub over_concurrency: OverConcurrency,
}

/// The code of a POST whose `externalId` is taken; the SOAP enum has both [P].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DuplicateCode {
    #[default]
    DupRcrd,
    UniqueRcrdIdReqd,
}

/// How REST says that a period is closed [P: code, U: whether it is wrapped].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClosedPeriodError {
    #[default]
    ClosedTranPrd,
    UserError,
}

/// What a request above the account's concurrency gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OverConcurrency {
    /// 429 `CONCURRENCY_LIMIT_EXCEEDED` [H:section_156570709583].
    #[default]
    Throttled,
    /// 401 `INVALID_LOGIN` after a wait, as reported in [J] issue 26.
    InvalidLogin { after: Duration },
}

/// What every route shares.
struct State {
    config: Config,
    /// `http://127.0.0.1:port`, known once the socket is bound.
    url: String,
    ledger: Mutex<Ledger>,
    journal: Journal,
    faults: Mutex<Faults<FaultKind, On>>,
    tokens: Mutex<oauth::Tokens>,
    slots: Arc<Semaphore>,
    held: Mutex<Vec<serve::Work>>,
}

impl State {
    fn now(&self) -> DateTime<Utc> {
        (self.config.now)()
    }
}

/// A simulator that answers until it is stopped or dropped.
pub struct Simulator {
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Simulator {
    /// Replays the ledger and starts to answer on `addr` (port 0 picks one).
    pub async fn start(config: Config, addr: SocketAddr) -> Result<Self> {
        crate::refuse_unless_harmless(std::env::var("TIEOUT_ENV").ok().as_deref(), addr)?;
        let mut ledger = Ledger::new(&config.lists);
        let journal = Journal::open(&config.data_file, |entry| ledger.apply(entry))
            .with_context(|| format!("ledger {}", config.data_file.display()))?;
        let listener = TcpListener::bind(addr).await.with_context(|| format!("listen on {addr}"))?;
        let state = Arc::new(State {
            url: format!("http://{}", listener.local_addr()?),
            ledger: Mutex::new(ledger),
            journal,
            faults: Mutex::new(Faults::new(config.seed)),
            tokens: Mutex::default(),
            slots: Arc::new(Semaphore::new(config.concurrency_limit)),
            held: Mutex::default(),
            config,
        });
        let accepting = tokio::spawn(wire::accept(listener, router(state.clone())));
        Ok(Self { state, accepting })
    }

    pub fn url(&self) -> &str {
        &self.state.url
    }

    /// Cuts every connection; returns when the ledger is on disk and nothing writes to it any more.
    pub async fn stop(mut self) {
        self.accepting.abort();
        (&mut self.accepting).await.ok();
        self.state.journal.close().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn router(state: Arc<State>) -> Router {
    Router::new()
        .route(oauth::TOKEN_PATH, post(oauth::token))
        .route("/services/rest/record/v1/{record_type}", post(record::create))
        .route("/services/rest/record/v1/{record_type}/{key}", get(record::read).put(record::upsert).patch(record::update))
        .route("/services/rest/query/v1/suiteql", post(suiteql::query))
        .route("/services/rest/system/v1/governanceLimits", get(record::governance_limits))
        .nest("/admin", admin::router())
        .with_state(state)
}
