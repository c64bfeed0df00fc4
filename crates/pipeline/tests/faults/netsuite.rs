//! 5,000 documents against the NetSuite simulator, which strikes at random. `TIEOUT_FAULT_INVOICES` sets how many.

use crate::{
    company::{Billed, Company, Connected},
    workers::Worker,
};
use domain::{clock::Clock, mapping::MappingKind, period::AccountingPeriod, posting::ErpSystem};
use nix::sys::signal::Signal;
use pipeline::{
    SystemClock,
    erps::{Erps, NetsuiteSettings},
    readback,
    verify::verify,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::netsuite::{Config, Lists, Simulator, Switches, client_credentials};
use std::{collections::HashMap, sync::Arc, time::Duration};
use store::testing::TestDatabase;

const INVOICES: usize = 5_000;
/// One of so many is a credit memo for the invoice before it.
const CREDIT_EVERY: usize = 25;
const SLOTS: i32 = 60;
const REQUEST_SECONDS: i32 = 3;
/// Commits after the client gave up come within it, as the contract says.
const PROCESSING_SECONDS: i32 = 4;

/// A company with a simulated account.
pub struct World {
    pub company: Company,
    simulator: Simulator,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl World {
    pub async fn new(db: TestDatabase) -> Self {
        let company = Company::new(db).await;
        let dir = tempfile::TempDir::new().unwrap();
        let credentials = client_credentials().unwrap();
        let today = SystemClock.now().date_naive();
        let lists = Lists::standard(AccountingPeriod::of(today).previous().first_day(), 4, 1, 1);
        let config = Config {
            account_id: "1234567".into(),
            data_file: dir.path().join("ledger.jsonl"),
            concurrency_limit: usize::try_from(SLOTS).unwrap(),
            seed: 1,
            client: credentials.registered.clone(),
            lists: lists.clone(),
            switches: Switches::default(),
            now: Arc::new(|| SystemClock.now()),
        };
        let simulator = Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let settings = NetsuiteSettings {
            account_url: simulator.url().to_owned(),
            client_id: credentials.registered.client_id,
            certificate_id: credentials.registered.certificate_id,
            currencies: lists.currencies.iter().map(|c| (c.symbol.parse().unwrap(), c.id.clone())).collect(),
            receivables_account: Some(lists.receivables_account.clone()),
        };
        let erp = Connected {
            system: ErpSystem::Netsuite,
            secret: &credentials.private_key_pem,
            slots: SLOTS,
            request_seconds: REQUEST_SECONDS,
            processing_seconds: PROCESSING_SECONDS,
            entity_ref: "1",
            tax_is_ours: true,
            mappings: &[
                (MappingKind::Customer, "C-1", "1001"),
                (MappingKind::Item, "API", "1"),
                (MappingKind::Account, "API", "54"),
                (MappingKind::TaxCode, "CA", "6"),
            ],
        };
        company.connect(&settings, erp).await;
        Self { company, simulator, http: reqwest::Client::new(), _dir: dir }
    }

    pub async fn fault(&self, rule: Value) {
        let answer = self.http.post(format!("{}/admin/faults", self.simulator.url())).json(&rule).send().await.unwrap();
        assert!(answer.status().is_success(), "{rule}");
    }

    async fn ledger(&self) -> Vec<Value> {
        let text = self.http.get(format!("{}/admin/ledger", self.simulator.url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["documents"].as_array().unwrap().clone()
    }
}

/// Documents of different amounts.
pub fn billed(n: usize) -> Billed {
    let is_credit = n.is_multiple_of(CREDIT_EVERY);
    Billed {
        kind: if is_credit { "credit_memo" } else { "invoice" },
        number: format!("N-{n:06}"),
        customer: "C-1".into(),
        net: Decimal::new(10_000 + i64::try_from(n).unwrap(), 2),
        tax: Decimal::new(725, 2),
        applies_to: is_credit.then(|| format!("N-{:06}", n - 1)),
    }
}

/// What goes wrong, in a thousand requests.
const FAULTS: &[(&str, &str, u32, Option<u64>)] = &[
    // dropped after commit
    ("cut_after", "write", 15, None),
    ("server_error_after_commit", "write", 10, None),
    // committed after the client gave up, or was cut off
    ("delayed_commit", "write", 15, Some(1_500)),
    ("latency", "write", 8, Some(3_400)),
    ("throttled", "write", 40, None),
    ("server_error", "write", 15, None),
    ("cut_before", "write", 10, None),
    ("doubled", "write", 10, None),
    ("locked", "write", 10, None),
    ("token_expired", "write", 1, None),
    ("throttled", "read", 30, None),
    ("server_error", "read", 30, None),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_document_is_in_the_erp_exactly_once_whatever_happens() {
    let count = std::env::var("TIEOUT_FAULT_INVOICES").map_or(INVOICES, |count| count.parse().unwrap());
    let world = World::new(store::testing::database().await).await;
    let company = &world.company;
    company.import(&(1..=count).map(billed).collect::<Vec<_>>()).await;
    for (kind, on, per_mille, ms) in FAULTS {
        world.fault(json!({ "kind": kind, "on": on, "per_mille": per_mille, "ms": ms })).await;
    }

    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&company.db.url)).collect();
    // one stands still past its lease
    let stopped = company.stop_one_with_sends_in_hand(&workers).await;
    let stopped = workers.swap_remove(stopped);
    company.lap("stopped a worker");
    // two die, one of them with sends in hand; others take their places
    company.stop_one_with_sends_in_hand(&workers).await;
    for victim in &mut workers {
        *victim = Worker::start(&company.db.url);
    }
    company.lap("killed two workers");
    company.wait_until_leases_end(&stopped.name()).await;
    stopped.signal(Signal::SIGCONT);
    company.lap("continued the stopped worker");
    company.wait_until_posted().await;
    drop((stopped, workers));
    // held back commits come, if any is still to come
    tokio::time::sleep(Duration::from_secs(u64::try_from(PROCESSING_SECONDS).unwrap())).await;

    compare_ledgers(&world, count).await;
    let sends = ["accepted", "throttled", "transient", "ambiguous", "no_answer", "duplicate"];
    company.assert_it_did_happen(&sends, &["found", "absent", "not_answered"]).await;
    let erps = Erps::load(&company.cx).await.unwrap();
    world.http.delete(format!("{}/admin/faults", world.simulator.url())).send().await.unwrap();
    let attached = readback::attached(&company.cx, company.us).await.unwrap();
    let read = readback::sync_entity(&company.cx, &erps, &attached).await.unwrap();
    assert_eq!((read.read, read.confirmed, read.mismatched), (count, count, 0));
    company.lap("everything confirmed");
    let report = verify(&company.db.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
    company.lap("verified");
    company.assert_no_deadlock().await;
}

/// The ERP's ledger holds each posting key once, under the id that we know, and nothing else.
pub async fn compare_ledgers(world: &World, count: usize) {
    let ours: Vec<(String, Option<String>)> =
        sqlx::query_as("select posting_key, erp_id from posting join posting_payload using (document_id)")
            .fetch_all(&world.company.db.pool)
            .await
            .unwrap();
    let mut theirs: HashMap<String, Vec<String>> = HashMap::new();
    for document in world.ledger().await {
        theirs.entry(document["externalId"].as_str().unwrap().to_owned()).or_default().push(document["id"].as_str().unwrap().to_owned());
    }
    assert_eq!((ours.len(), theirs.len()), (count, count));
    for (key, erp_id) in ours {
        assert_eq!(theirs.get(&key).map(Vec::as_slice), Some([erp_id.unwrap()].as_slice()), "{key}");
    }
}
