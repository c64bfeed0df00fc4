//! From the webhook to the download to a batch that adds up to its payout, with the simulator's balance as the evidence.

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use chrono::{DateTime, Days, TimeDelta, Utc};
use connectors::{
    adyen::{
        Adyen, Config,
        report::{Batch, Report},
        webhook::{self, HmacKey, WebhookError, report_of},
    },
    gateway::GatewayError,
};
use domain::{
    clock::{Clock, FixedClock},
    settlement::{Clearing, ClearingLine, EntryKind, GatewayEntry, PaymentEvent},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::adyen::{Config as Account, FeeStyle, Simulator};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

const HMAC_KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";
const USER: &str = "report@Company.Lumen";

struct World {
    simulator: Simulator,
    adyen: Adyen,
    clock: FixedClock,
    dir: TempDir,
    http: reqwest::Client,
    events: Arc<Mutex<Vec<PaymentEvent>>>,
    refused: Arc<Mutex<Vec<WebhookError>>>,
}

fn start() -> DateTime<Utc> {
    "2026-06-01T08:00:00Z".parse().unwrap()
}

impl World {
    async fn new(fees: FeeStyle) -> Self {
        let (dir, clock) = (TempDir::new().unwrap(), FixedClock::at(start()));
        let now = clock.clone();
        let account = Account {
            data_file: dir.path().join("adyen.jsonl"),
            company_account: "Lumen".into(),
            merchant_account: "LumenDE".into(),
            country: "DE".into(),
            currency: "EUR".into(),
            rates: [("USD".to_owned(), "0.9213".parse().unwrap())].into(),
            fees,
            report_user: USER.into(),
            report_password: "secret".into(),
            seed: 13,
            now: Arc::new(move || now.now()),
        };
        let simulator = Simulator::start(account, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let adyen = Adyen::new(Config::new(simulator.url(), USER, "secret")).unwrap();
        let world = Self { simulator, adyen, clock, dir, http: reqwest::Client::new(), events: Arc::default(), refused: Arc::default() };
        world.listen().await;
        world
    }

    async fn listen(&self) {
        let (events, refused) = (self.events.clone(), self.refused.clone());
        let endpoint = move |body: Bytes| async move {
            match webhook::receive(&body, &[HMAC_KEY.parse::<HmacKey>().unwrap()]) {
                Ok(received) => {
                    events.lock().unwrap().extend(received);
                    StatusCode::OK
                }
                Err(error) => {
                    refused.lock().unwrap().push(error);
                    StatusCode::UNAUTHORIZED
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/webhooks", post(endpoint))).await });
        self.admin("webhook", &json!({ "url": url, "secret": HMAC_KEY })).await;
    }

    async fn admin(&self, path: &str, body: &Value) -> Value {
        let response = self.http.post(format!("{}/admin/{path}", self.simulator.url())).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn ledger(&self) -> Value {
        let text = self.http.get(format!("{}/admin/ledger", self.simulator.url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    async fn live(&self, hours: i64) {
        self.clock.advance(TimeDelta::hours(hours));
        self.admin("run", &json!({})).await;
    }

    fn events(&self) -> Vec<PaymentEvent> {
        self.events.lock().unwrap().clone()
    }

    /// Every report that was announced, downloaded to a file and read from it.
    async fn settle(&self) -> (Vec<GatewayEntry>, Vec<Batch>) {
        let (mut entries, mut batches) = (Vec::new(), Vec::new());
        for event in self.events() {
            let Some((name, address)) = report_of(&event) else { continue };
            let path = self.dir.path().join(name);
            let mut file = tokio::fs::File::create(&path).await.unwrap();
            let length = self.adyen.download(address, &mut file).await.unwrap();
            assert_eq!(length, std::fs::metadata(&path).unwrap().len());
            let mut report = Report::open(std::fs::File::open(&path).unwrap()).unwrap();
            for row in report.by_ref() {
                entries.push(row.unwrap());
            }
            batches.extend(report.batches().0.into_values());
        }
        (entries, batches)
    }
}

fn invoices(count: u64, days: u64) -> Vec<Value> {
    (0..count)
        .map(|number| {
            let cents = 1_000 + (number * 7_919) % 90_000;
            json!({
                "number": format!("INV-{number:05}"), "customer": format!("C-{}", number % 97),
                "amount": format!("{}.{:02}", cents / 100, cents % 100), "currency": if number % 12 == 0 { "USD" } else { "EUR" },
                "due": start().date_naive() + Days::new(number * days / count),
            })
        })
        .collect()
}

fn minor(value: &Value) -> Decimal {
    Decimal::new(value.as_i64().unwrap(), 2)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_batch_of_three_months_ties_and_the_rest_is_the_balance() {
    for fees in [FeeStyle::Blended, FeeStyle::InterchangePlusPlus] {
        let world = World::new(fees).await;
        world.admin("invoices", &json!(invoices(1_500, 60))).await;
        world.live(24 * 150).await;
        let (entries, batches) = world.settle().await;
        assert!(batches.len() > 40 && batches.iter().all(|batch| batch.difference().is_zero()));
        let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids.len(), entries.len(), "every row has an id of its own");
        let mut clearing = Clearing::new("EUR".parse().unwrap());
        entries.iter().for_each(|entry| clearing.add(entry).unwrap());
        let ledger = world.ledger().await;
        assert_eq!(clearing.closing(Decimal::ZERO), Decimal::ZERO, "batches leave nothing");
        assert_eq!(-clearing.lines[&ClearingLine::Payouts], minor(&ledger["paid_out"]));
        let carried = clearing.lines[&ClearingLine::Adjustments];
        assert_eq!(-carried, minor(&ledger["balance"]), "what the last batch carried over is what is still open");
        let mut kinds: BTreeMap<EntryKind, usize> = BTreeMap::new();
        entries.iter().for_each(|entry| *kinds.entry(entry.kind).or_default() += 1);
        for kind in [EntryKind::Charge, EntryKind::Refund, EntryKind::Dispute, EntryKind::Return, EntryKind::Fee, EntryKind::Payout] {
            assert!(kinds.contains_key(&kind), "{kind}: {kinds:?}");
        }
        assert_eq!((kinds[&EntryKind::Reserve], kinds[&EntryKind::ReserveRelease]), (1, 1));
        assert!(kinds[&EntryKind::Adjustment] >= 2, "a negative batch is carried to the next one");
        let charge = entries.iter().find(|entry| entry.kind == EntryKind::Charge && entry.currency.code() == "USD").unwrap();
        assert_eq!(charge.exchange_rate.unwrap().to_string(), "0.9213");
        assert!(charge.merchant_reference.as_deref().unwrap().starts_with("INV-"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_late_and_reordered_webhooks_have_the_keys_they_had_and_forged_ones_none() {
    let world = World::new(FeeStyle::Blended).await;
    for kind in ["wrong_secret", "altered_body", "old_timestamp", "other_scheme"] {
        world.admin("faults", &json!({ "kind": kind, "on": "webhook", "next": 1 })).await;
    }
    for kind in ["doubled", "late", "out_of_order"] {
        world.admin("faults", &json!({ "kind": kind, "on": "webhook", "per_mille": 150 })).await;
    }
    world.admin("invoices", &json!(invoices(60, 10))).await;
    for _ in 0..25 {
        world.live(24).await;
    }
    world.http.delete(format!("{}/admin/faults", world.simulator.url())).send().await.unwrap();
    world.admin("deliver", &json!({})).await;
    let events = world.events();
    let keys: BTreeSet<String> = events.iter().map(|event| event.dedupe_key.clone()).collect();
    assert!(keys.len() < events.len(), "some came twice");
    assert!(!events.is_sorted_by_key(|event| event.occurred_at), "some came out of order");
    let captured = events.iter().filter(|event| event.event_type == "CAPTURE").map(|event| &event.dedupe_key).collect::<BTreeSet<_>>();
    assert!(captured.len() >= 57, "{}", captured.len());
    let refused = world.refused.lock().unwrap().clone();
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert_eq!(refused[..3], [const { WebhookError::WrongSignature { item: 0 } }; 3]);
    assert_eq!(refused[3], WebhookError::NoSignature { item: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_to_its_user_when_it_is_there_and_from_nowhere_else() {
    let world = World::new(FeeStyle::Blended).await;
    world.admin("invoices", &json!(invoices(20, 2))).await;
    let address = format!("{}/reports/download/MerchantAccount/LumenDE/settlement_detail_report_batch_1.csv", world.simulator.url());
    let mut sink = Vec::new();
    let early = world.adyen.download(&address, &mut sink).await.unwrap_err();
    assert_eq!(early, GatewayError::Transient("the report is not there yet".into()));
    world.live(24 * 10).await;
    for (fault, expected) in
        [("throttled", "throttled"), ("server_error", "not now"), ("cut_before", "not answered"), ("invalid_key", "credentials")]
    {
        world.admin("faults", &json!({ "kind": fault, "on": "read", "next": 1 })).await;
        let error = world.adyen.download(&address, &mut sink).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{fault}: {error}");
    }
    let stranger = Adyen::new(Config::new(world.simulator.url(), USER, "wrong")).unwrap();
    assert!(matches!(stranger.download(&address, &mut sink).await, Err(GatewayError::Auth(_))));
    for foreign in ["http://127.0.0.1:1/report.csv", "https://evil.example/report.csv", "file:///etc/passwd", "not an address"] {
        let error = world.adyen.download(foreign, &mut sink).await.unwrap_err();
        assert!(matches!(&error, GatewayError::Permanent(refusal) if refusal.code == "foreign_address"), "{foreign}: {error}");
    }
    assert!(sink.is_empty(), "nothing was written before");
    assert!(world.adyen.download(&address, &mut sink).await.unwrap() > 0);
    assert!(Report::open(sink.as_slice()).unwrap().all(|row| row.is_ok()));
}
