//! Stripe accounts of the company, simulated in this process: what they are to collect, their time, and what their payouts bring to the
//! bank.

use super::{
    bank::{self, Movement},
    company::ENTITIES,
    plan::{Charge, Plan},
    travel::TravelClock,
};
use anyhow::{Context as _, ensure};
use chrono::{Days, NaiveDate};
use domain::{
    access::Actor,
    clock::Clock,
    id::{BankAccountId, EntityId, GatewayAccountId},
};
use pipeline::{
    Context,
    gateways::{self, Access, GatewayAccount, StripeSecrets, StripeSettings},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::stripe::{Config, Simulator, Switches};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Places in [`ENTITIES`] of those that take cards, each in the currency of its books.
pub const WITH_CARDS: [usize; 2] = [0, 1];
/// How often a living account catches up with the time.
const TICK: Duration = Duration::from_secs(5);
/// What bank lines of payouts have in the payer's name.
const BANK_NAME: &str = "STRIPE";

pub fn code(entity: usize) -> String {
    format!("STRIPE-{}", ENTITIES[entity].code)
}

/// One simulated account that answers.
pub struct Gateway {
    pub entity: usize,
    simulator: Simulator,
    secret_key: String,
    webhook_secret: String,
    http: reqwest::Client,
    /// Charges of the plan that were handed over.
    fed: Mutex<usize>,
}

/// Replays the ledgers in the data directory and answers on free ports, with keys made for this run.
pub async fn start(data_dir: &Path, seed: u64, clock: &TravelClock) -> anyhow::Result<Vec<Gateway>> {
    let mut all = Vec::new();
    for entity in WITH_CARDS {
        all.push(Gateway::start(entity, data_dir, seed, clock).await?);
    }
    Ok(all)
}

impl Gateway {
    async fn start(entity: usize, data_dir: &Path, seed: u64, clock: &TravelClock) -> anyhow::Result<Self> {
        let (secret_key, clock) = (format!("sk_test_{}", Uuid::new_v4().simple()), clock.clone());
        let config = Config {
            data_file: data_dir.join(ledger_file(entity)),
            secret_key: secret_key.clone(),
            country: ENTITIES[entity].country.into(),
            currency: ENTITIES[entity].currency.into(),
            rates: [].into(),
            seed: seed.wrapping_add(entity as u64),
            switches: Switches::default(),
            now: Arc::new(move || clock.now()),
        };
        let simulator = Simulator::start(config, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let webhook_secret = format!("whsec_{}", Uuid::new_v4().simple());
        Ok(Self { entity, simulator, secret_key, webhook_secret, http: reqwest::Client::new(), fed: Mutex::default() })
    }

    pub fn code(&self) -> String {
        code(self.entity)
    }

    pub fn url(&self) -> &str {
        self.simulator.url()
    }

    fn access(&self) -> Access {
        Access::Stripe {
            settings: StripeSettings { base_url: self.url().to_owned() },
            secrets: StripeSecrets { secret_key: self.secret_key.clone(), webhook_secrets: vec![self.webhook_secret.clone()] },
        }
    }

    /// Makes the account known, with the bank account of the same currency for its payouts.
    pub async fn open(&self, cx: &Context, entity: EntityId, banks: &[BankAccountId]) -> anyhow::Result<()> {
        let currency = ENTITIES[self.entity].currency;
        let place = bank::place(self.entity, currency).context("a bank account in the currency of the books")?;
        let new = GatewayAccount {
            gateway_account_id: GatewayAccountId(Uuid::now_v7()),
            entity_id: entity,
            external_id: format!("acct_1Lumen{}", ENTITIES[self.entity].code),
            code: self.code(),
            name: format!("Stripe, {}", ENTITIES[self.entity].name),
            access: self.access(),
            bank_words: BANK_NAME.into(),
            since: cx.clock.now(),
            pays_out: vec![(currency.parse()?, banks[place])],
        };
        gateways::open(cx, &Actor::Cli("demo".into()), &new).await
    }

    /// Hands over what is to be collected of the invoices that are out by now, and lets the time pass there.
    pub async fn live(&self, plan: &Plan, clock: &TravelClock) -> anyhow::Result<()> {
        let due = self.take_due(plan, clock);
        if !due.is_empty() {
            self.admin("invoices", &json!(due)).await?;
        }
        self.simulator.run().await
    }

    fn take_due<'a>(&self, plan: &'a Plan, clock: &TravelClock) -> Vec<&'a simulators::stripe::Invoice> {
        let mut fed = self.fed.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<&Charge> = plan.charges[*fed..].iter().take_while(|charge| charge.from <= clock.now()).collect();
        *fed += due.len();
        due.into_iter().filter(|charge| charge.entity == self.entity).map(|charge| &charge.invoice).collect()
    }

    /// The payouts that the bank books on a day; a negative one is taken from the account.
    pub async fn payouts(&self, day: NaiveDate) -> anyhow::Result<Vec<Movement>> {
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        // they are made on the day on which they arrive
        let from = day.checked_sub_days(Days::new(1)).unwrap_or(day);
        let until = day.checked_add_days(Days::new(1)).unwrap_or(day);
        let within = [("created[gte]", midnight(from)), ("created[lt]", midnight(until)), ("limit", 100)];
        let url = format!("{}/v1/payouts", self.url());
        let listed = answer(self.http.get(url).query(&within).bearer_auth(&self.secret_key), "payouts").await?;
        let (arrives, currency) = (midnight(day), ENTITIES[self.entity].currency.parse::<domain::money::Currency>()?);
        let booked = listed["data"].as_array().into_iter().flatten().filter(|payout| payout["arrival_date"] == arrives);
        let movement = |payout: &Value| -> Option<Movement> {
            let id = payout["id"].as_str()?;
            Some(Movement {
                amount: Decimal::new(payout["amount"].as_i64()?, currency.minor_units()),
                reference: id[id.len().saturating_sub(12)..].to_uppercase(),
                name: BANK_NAME.into(),
                text: format!("PAYOUT {id}"),
            })
        };
        booked.map(|payout| movement(payout).context("a payout without id or amount")).collect()
    }

    async fn admin(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.http.post(format!("{}/admin/{path}", self.url())).json(body), path).await
    }

    /// From now on its events come here.
    async fn tell(&self, url: &str, account: GatewayAccountId) -> anyhow::Result<()> {
        self.admin("webhook", &json!({ "url": format!("{url}/webhooks/stripe/{account}"), "secret": self.webhook_secret })).await?;
        Ok(())
    }

    pub async fn stop(self) {
        self.simulator.stop().await;
    }
}

/// Lets the time pass in accounts that live, until stopped.
pub async fn run(gateways: &[Gateway], stop: &CancellationToken) -> anyhow::Result<()> {
    while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
        for gateway in gateways {
            gateway.simulator.run().await?;
        }
    }
    Ok(())
}

/// The rows of these accounts.
async fn known(cx: &Context, gateways: &[Gateway]) -> anyhow::Result<Vec<GatewayAccountId>> {
    let mut conn = cx.pool.acquire().await?;
    let mut ids = Vec::new();
    for entity in store::entities::list(&mut conn).await? {
        ids.extend(
            store::gateways::of_entity(&mut conn, entity.entity_id).await?.into_iter().map(|row| (row.code, row.gateway_account_id)),
        );
    }
    let id =
        |gateway: &Gateway| ids.iter().find(|(code, _)| *code == gateway.code()).map(|(_, id)| *id).context("an account of the company");
    gateways.iter().map(id).collect()
}

/// After a restart the accounts are elsewhere, and know other keys.
pub async fn connect_to_live(cx: &Context, gateways: &[Gateway]) -> anyhow::Result<()> {
    for (gateway, id) in gateways.iter().zip(known(cx, gateways).await?) {
        let (settings, secrets) = gateway.access().stored(cx, id)?;
        store::demo::set_gateway(&mut *cx.pool.acquire().await?, id, &settings, &secrets).await?;
    }
    Ok(())
}

/// From now on events come to the server at this address.
pub async fn listen(cx: &Context, gateways: &[Gateway], url: &str) -> anyhow::Result<()> {
    for (gateway, id) in gateways.iter().zip(known(cx, gateways).await?) {
        gateway.tell(url, id).await?;
    }
    Ok(())
}

async fn answer(request: reqwest::RequestBuilder, path: &str) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let (status, text) = (response.status(), response.text().await?);
    ensure!(status.is_success(), "simulator: {path}: {status} {text}");
    Ok(serde_json::from_str(&text)?)
}

pub fn ledger_file(entity: usize) -> String {
    format!("{}.jsonl", code(entity).to_lowercase())
}
