//! A simulated account, a connector to it, and a clock that both read.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use connectors::{
    gateway::GatewayError,
    stripe::{Config, Cursor, Pulled, Stripe},
};
use domain::{
    clock::{Clock, FixedClock},
    settlement::GatewayEntry,
};
use serde_json::{Value, json};
use simulators::stripe::{Config as Account, Simulator, Switches};
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

pub const KEY: &str = "sk_test_of_this_test";

pub struct World {
    pub simulator: Simulator,
    pub stripe: Stripe,
    pub clock: FixedClock,
    pub dir: TempDir,
    http: reqwest::Client,
}

pub fn start() -> DateTime<Utc> {
    "2026-06-01T08:00:00Z".parse().unwrap()
}

pub fn account(file: &Path, clock: &FixedClock, country: &str, currency: &str, switches: Switches) -> Account {
    let clock = clock.clone();
    Account {
        data_file: file.to_owned(),
        secret_key: KEY.into(),
        country: country.into(),
        currency: currency.into(),
        rates: [("CAD".to_owned(), "0.7321".parse().unwrap())].into(),
        seed: 13,
        switches,
        now: Arc::new(move || clock.now()),
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with("US", "USD", Switches::default()).await
    }

    pub async fn with(country: &str, currency: &str, switches: Switches) -> Self {
        let (dir, clock) = (TempDir::new().unwrap(), FixedClock::at(start()));
        let account = account(&dir.path().join("stripe.jsonl"), &clock, country, currency, switches);
        let simulator = Simulator::start(account, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let stripe = Stripe::new(Config { request_timeout: Duration::from_secs(20), ..Config::new(simulator.url(), KEY) }).unwrap();
        Self { simulator, stripe, clock, dir, http: reqwest::Client::new() }
    }

    pub async fn admin(&self, path: &str, body: &Value) -> Value {
        let response = self.http.post(format!("{}/admin/{path}", self.simulator.url())).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn fault(&self, kind: &str, on: &str) {
        self.admin("faults", &json!({ "kind": kind, "on": on, "next": 1 })).await;
    }

    pub async fn feed(&self, invoices: &[Value]) {
        self.admin("invoices", &json!(invoices)).await;
    }

    /// The clock goes on by so many hours, and what was to happen happens.
    pub async fn live(&self, hours: i64) -> Value {
        self.clock.advance(TimeDelta::hours(hours));
        self.admin("run", &json!({})).await
    }

    pub async fn first(&self, path: &str) -> Value {
        let url = format!("{}/v1/{path}", self.simulator.url());
        let text = self.http.get(url).bearer_auth(KEY).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["data"][0].clone()
    }

    /// Until the end of the walk; with the cursor for the next one.
    pub async fn pull_entries(&self, from: Cursor) -> (Vec<GatewayEntry>, Cursor) {
        walk(from, |cursor| async move { self.stripe.entries(&cursor).await }).await
    }

    /// The entries of a payout, page by page.
    pub async fn entries_of(&self, payout: &str) -> Vec<GatewayEntry> {
        let (mut entries, mut after) = (Vec::new(), None);
        loop {
            let page = self.stripe.entries_of(payout, after.as_deref()).await.unwrap();
            entries.extend(page.items);
            match page.after {
                Some(last) => after = Some(last),
                None => return entries,
            }
        }
    }
}

/// Every page of a pull.
pub async fn walk<T, F>(from: Cursor, page: impl Fn(Cursor) -> F) -> (Vec<T>, Cursor)
where
    F: Future<Output = Result<Pulled<T>, GatewayError>>,
{
    let (mut items, mut cursor) = (Vec::new(), from);
    loop {
        let pulled = page(cursor).await.unwrap();
        items.extend(pulled.items);
        cursor = pulled.next;
        if pulled.is_last {
            return (items, cursor);
        }
    }
}

/// Due on one of the days after the start; a tenth in Canadian dollars where the account is American.
pub fn invoices(count: u64, days: u64, currency: &str) -> Vec<Value> {
    let first: NaiveDate = start().date_naive();
    (0..count)
        .map(|number| {
            let foreign = currency == "USD" && number % 10 == 0;
            let cents = 1_000 + (number * 7_919) % 90_000;
            let amount = if currency == "JPY" { cents.to_string() } else { format!("{}.{:02}", cents / 100, cents % 100) };
            json!({
                "number": format!("INV-{number:05}"), "customer": format!("C-{}", number % 97), "amount": amount,
                "currency": if foreign { "CAD" } else { currency }, "due": first + Days::new(number * days / count),
            })
        })
        .collect()
}

pub fn an_invoice(number: &str, method: &str) -> Value {
    json!({ "number": number, "customer": "C-1", "amount": "120.00", "currency": "USD", "due": "2026-06-20", "method": method })
}
