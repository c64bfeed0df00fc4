//! The two NetSuite accounts, simulated in this process, and what is done to them over their admin routes.

use super::{
    company::{self, ACCOUNTS, CONCURRENCY},
    plan::Plan,
    travel::TravelClock,
};
use anyhow::{Context as _, ensure};
use chrono::Months;
use domain::{clock::Clock, id::ConnectionId, money::Currency};
use pipeline::{
    Context,
    erps::{NetsuiteSettings, secret_binding},
};
use serde_json::{Value, json};
use simulators::netsuite::{ClientCredentials, Config, FaultKind, FaultRule, Lists, On, Simulator, Switches, client_credentials};
use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

/// Technical troubles of the past, per mille of the writes.
const FAULTS: [(FaultKind, u32); 4] =
    [(FaultKind::Throttled, 40), (FaultKind::ServerError, 3), (FaultKind::ServerErrorAfterCommit, 3), (FaultKind::CutAfter, 1)];
/// Months that the accounts' calendars go on after today.
const MONTHS_AHEAD: u32 = 14;

/// One simulated account that answers.
pub struct Account {
    simulator: Simulator,
    credentials: ClientCredentials,
    pub lists: Lists,
    http: reqwest::Client,
}

impl Account {
    /// Replays the ledger in the data directory and answers on a free port, with credentials made for this run.
    pub async fn start(plan: &Plan, place: usize, data_dir: &Path, seed: u64, clock: &TravelClock) -> anyhow::Result<Self> {
        let from = plan.calendar.start();
        let until = plan.calendar.today.checked_add_months(Months::new(MONTHS_AHEAD)).context("the calendar ends")?;
        let months = u32::try_from((until - from).num_days() / 28)?;
        let lists = company::lists(place, &plan.customers, &plan.troubles.extra[place], from, months);
        let (credentials, clock) = (client_credentials()?, clock.clone());
        let config = Config {
            account_id: ACCOUNTS[place].account_id.into(),
            data_file: data_dir.join(ledger_file(place)),
            concurrency_limit: CONCURRENCY.into(),
            seed: seed.wrapping_add(place as u64),
            client: credentials.registered.clone(),
            lists: lists.clone(),
            switches: Switches::default(),
            now: Arc::new(move || clock.now()),
        };
        let simulator = Simulator::start(config, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        Ok(Self { simulator, credentials, lists, http: reqwest::Client::new() })
    }

    pub fn url(&self) -> &str {
        self.simulator.url()
    }

    /// What the connection's row holds.
    pub fn access(&self, cx: &Context, connection: ConnectionId) -> anyhow::Result<(Value, Vec<u8>)> {
        let currencies: Result<BTreeMap<Currency, String>, _> = self
            .lists
            .currencies
            .iter()
            .map(|currency| Ok::<_, domain::money::MoneyError>((currency.symbol.parse()?, currency.id.clone())))
            .collect();
        let client = &self.credentials.registered;
        let settings = NetsuiteSettings {
            account_url: self.url().to_owned(),
            client_id: client.client_id.clone(),
            certificate_id: client.certificate_id.clone(),
            currencies: currencies?,
            receivables_account: Some(self.lists.receivables_account.clone()),
        };
        let secret = cx.secrets.seal(self.credentials.private_key_pem.as_bytes(), &secret_binding(connection))?;
        Ok((serde_json::to_value(settings)?, secret))
    }

    /// The id of a currency.
    pub fn currency(&self, code: &str) -> anyhow::Result<&str> {
        let found = self.lists.currencies.iter().find(|currency| currency.symbol == code);
        Ok(&found.with_context(|| format!("the account has no {code}"))?.id)
    }

    pub async fn admin(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.answer(self.http.post(self.route(path)).json(body), path).await
    }

    /// The technical troubles of ordinary days.
    pub async fn ordinary_faults(&self) -> anyhow::Result<()> {
        self.no_faults().await?;
        for (kind, share) in FAULTS {
            self.fault(FaultRule { kind, on: On::Write, next: None, per_mille: Some(share), ms: None }).await?;
        }
        Ok(())
    }

    pub async fn fault(&self, rule: FaultRule) -> anyhow::Result<()> {
        self.admin("faults", &json!(rule)).await?;
        Ok(())
    }

    pub async fn no_faults(&self) -> anyhow::Result<()> {
        self.answer(self.http.delete(self.route("faults")), "faults").await?;
        Ok(())
    }

    pub async fn set_period(&self, period: domain::period::AccountingPeriod, closed: bool) -> anyhow::Result<()> {
        let id = period.to_string().replace('-', "");
        self.admin(&format!("periods/{id}"), &json!({ "closed": closed })).await?;
        Ok(())
    }

    fn route(&self, path: &str) -> String {
        format!("{}/admin/{path}", self.url())
    }

    async fn answer(&self, request: reqwest::RequestBuilder, path: &str) -> anyhow::Result<Value> {
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "simulator: {path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// Returns when the ledger is on disk.
    pub async fn stop(self) {
        self.simulator.stop().await;
    }
}

pub fn ledger_file(place: usize) -> String {
    format!("{}.jsonl", ACCOUNTS[place].code.to_lowercase())
}
