//! Nothing lost, nothing doubled: worker processes post to an ERP that drops answers after it committed, commits after we gave
//! up, throttles and fails, while the workers are killed, and stopped past their lease and continued. The ERP's own ledger is
//! the evidence. `TIEOUT_FAULT_INVOICES` sets how many documents.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use chrono::{DateTime, Utc};
use domain::{
    access::{Actor, Scope},
    clock::Clock,
    id::{ConnectionId, EntityId, MappingId},
    mapping::MappingKind,
    period::AccountingPeriod,
    posting::ErpSystem,
    view::ImportOutcome,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pipeline::{
    Context, SystemClock,
    erps::{Erps, NetsuiteSettings, secret_binding},
    posting::worker,
    readback,
    secret::Cipher,
    verify::verify,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::netsuite::{Config, Lists, Simulator, Switches, client_credentials};
use std::{
    collections::HashMap,
    io::Cursor,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Pool,
    connections::{self, NewConnection},
};

const INVOICES: usize = 5_000;
/// One of so many is a credit memo for the invoice before it.
const CREDIT_EVERY: usize = 25;
const SLOTS: i32 = 60;
const REQUEST_SECONDS: i32 = 3;
/// Commits after the client gave up come within it, as the contract says.
const PROCESSING_SECONDS: i32 = 4;
/// Everything has settled by then, or never will.
const PATIENCE: Duration = Duration::from_secs(240);

/// Names the database to a process that is to be a worker.
const WORKER: &str = "TIEOUT_FAULT_WORKER_DATABASE";

fn context(pool: Pool) -> Context {
    Context { pool, clock: Arc::new(SystemClock), secrets: Arc::new(Cipher::new([7; 32])) }
}

/// Not a test: what this binary does when it is started as a worker.
#[tokio::test]
async fn worker_process() {
    let Ok(url) = std::env::var(WORKER) else { return };
    let cx = context(store::connect(&url, 5).await.unwrap());
    let erps = Arc::new(Erps::load(&cx).await.unwrap());
    worker::run(cx, erps, std::process::id().to_string().into(), Default::default()).await;
}

/// A worker process, killed with this value.
struct Worker(Child);

impl Worker {
    fn start(url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker_process", "--exact", "--nocapture"]).env(WORKER, url).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

struct World {
    cx: Context,
    db: store::testing::TestDatabase,
    us: EntityId,
    simulator: Simulator,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let db = store::testing::database().await;
        let us = db.entity("US", "USD").await;
        let cx = context(db.pool.clone());
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
        };
        connect(&cx, us, &settings, &credentials.private_key_pem).await;
        Self { cx, db, us, simulator, http: reqwest::Client::new(), _dir: dir }
    }

    async fn fault(&self, rule: Value) {
        let answer = self.http.post(format!("{}/admin/faults", self.simulator.url())).json(&rule).send().await.unwrap();
        assert!(answer.status().is_success(), "{rule}");
    }

    async fn ledger(&self) -> Vec<Value> {
        let text = self.http.get(format!("{}/admin/ledger", self.simulator.url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["documents"].as_array().unwrap().clone()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    async fn leases(&self, worker: &Worker) -> i64 {
        sqlx::query_scalar(
            "select count(*) from posting p join posting_attempt a using (attempt_id) where p.work = 'lease' and a.worker = $1",
        )
        .bind(worker.0.id().to_string())
        .fetch_one(&self.db.pool)
        .await
        .unwrap()
    }

    /// Stops one of these processes at a moment when it has sends in hand; says which.
    async fn stop_one_with_sends_in_hand(&self, workers: &[Worker]) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            for (index, worker) in workers.iter().enumerate() {
                if self.leases(worker).await > 3 {
                    worker.signal(Signal::SIGSTOP);
                    // what it had sent to the database arrives
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    if self.leases(worker).await > 3 {
                        return index;
                    }
                    worker.signal(Signal::SIGCONT);
                }
            }
            assert!(Instant::now() < until, "no worker ever had sends in hand");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait_until(&self, what: &str, sql: &'static str) {
        let until = Instant::now() + PATIENCE;
        while self.count(sql).await > 0 {
            if Instant::now() > until {
                let stages: Vec<(String, i64)> =
                    sqlx::query_as("select stage, count(*) from document group by 1").fetch_all(&self.db.pool).await.unwrap();
                panic!("{what}: {stages:?}");
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

async fn connect(cx: &Context, us: EntityId, settings: &NetsuiteSettings, key: &str) {
    let connection_id = ConnectionId(uuid::Uuid::now_v7());
    let new = NewConnection {
        connection_id,
        code: "NetSuite-US".into(),
        system: ErpSystem::Netsuite,
        settings: serde_json::to_value(settings).unwrap(),
        secrets: cx.secrets.seal(key.as_bytes(), &secret_binding(connection_id)).unwrap(),
        slots: SLOTS,
        processing_seconds_max: PROCESSING_SECONDS,
        request_seconds_max: REQUEST_SECONDS,
    };
    let mut conn = cx.pool.acquire().await.unwrap();
    connections::insert(&mut conn, &new).await.unwrap();
    connections::attach_entity(&mut conn, us, connection_id, "1", true).await.unwrap();
    let rows = [
        (MappingKind::Customer, "C-1", "1001"),
        (MappingKind::Item, "API", "1"),
        (MappingKind::Account, "API", "54"),
        (MappingKind::TaxCode, "CA", "6"),
    ]
    .map(|(kind, code, target)| (MappingId(uuid::Uuid::now_v7()), kind, code.to_owned(), target.to_owned()));
    store::mappings::load(&mut conn, connection_id, &rows, "set-up", cx.clock.now()).await.unwrap();
}

/// A batch of `count` documents of different amounts, dated today.
fn batch(count: usize, now: DateTime<Utc>) -> Value {
    let day = now.date_naive();
    let (mut documents, mut sums) = (Vec::new(), HashMap::<&str, (usize, Decimal, Decimal)>::new());
    for n in 1..=count {
        let kind = if n % CREDIT_EVERY == 0 { "credit_memo" } else { "invoice" };
        let (net, tax) = (Decimal::new(10_000 + i64::try_from(n).unwrap(), 2), Decimal::new(725, 2));
        let sum = sums.entry(kind).or_default();
        *sum = (sum.0 + 1, sum.1 + net + tax, sum.2 + tax);
        let mut document = json!({
            "kind": kind, "number": format!("N-{n:06}"), "customer": {"code": "C-1", "name": "Acme"}, "currency": "USD",
            "amount": (net + tax).to_string(), "tax": tax.to_string(), "issue_date": day, "due_date": day + chrono::Days::new(30),
            "lines": [{"item": "API", "description": "API calls", "quantity": "1", "unit_price": net.to_string(), "net": net.to_string(),
                "tax": tax.to_string(), "tax_code": "CA"}]
        });
        if kind == "credit_memo" {
            document["applies_to"] = format!("N-{:06}", n - 1).into();
        }
        documents.push(document);
    }
    let manifest: Vec<Value> = sums
        .into_iter()
        .map(|(kind, (count, total, tax))| {
            json!({"currency": "USD", "kind": kind, "count": count, "total": total.to_string(), "tax": tax.to_string()})
        })
        .collect();
    json!({"format": "tieout.invoice-batch/1", "source": "billing", "batch": "B-1", "entity": "US",
        "period": AccountingPeriod::of(day).to_string(), "manifest": manifest, "documents": documents})
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
    let started = Instant::now();
    let lap = |what: &str| println!("{:5.1} s  {what}", Duration::as_secs_f32(&started.elapsed()));
    let world = World::new().await;
    let file = Cursor::new(batch(count, world.cx.clock.now()).to_string().into_bytes());
    let scope = Scope::of_system(vec![world.us]);
    let report = pipeline::import::import_file(&world.cx, &Actor::Cli("test".into()), &scope, "b.json", file).await.unwrap();
    assert_eq!(report.outcome, ImportOutcome::Imported, "{report:?}");
    lap("imported");
    for (kind, on, per_mille, ms) in FAULTS {
        world.fault(json!({ "kind": kind, "on": on, "per_mille": per_mille, "ms": ms })).await;
    }

    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::start(&world.db.url)).collect();
    // one stands still past its lease
    let stopped = world.stop_one_with_sends_in_hand(&workers).await;
    let stopped = workers.swap_remove(stopped);
    lap("stopped a worker");
    // two die, one of them with sends in hand; others take their places
    world.stop_one_with_sends_in_hand(&workers).await;
    for victim in &mut workers {
        *victim = Worker::start(&world.db.url);
    }
    lap("killed two workers");
    let until = Instant::now() + PATIENCE;
    while world.leases(&stopped).await > 0 {
        assert!(Instant::now() < until, "the stopped worker's leases never ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stopped.signal(Signal::SIGCONT);
    lap("continued the stopped worker");
    world.wait_until("not settled", "select count(*) from document where stage <> 'posted'").await;
    lap("everything posted");
    drop((stopped, workers));
    // held back commits come, if any is still to come
    tokio::time::sleep(Duration::from_secs(u64::try_from(PROCESSING_SECONDS).unwrap())).await;

    compare_ledgers(&world, count).await;
    it_did_happen(&world).await;
    let erps = Erps::load(&world.cx).await.unwrap();
    world.http.delete(format!("{}/admin/faults", world.simulator.url())).send().await.unwrap();
    let attached = readback::attached(&world.cx, world.us).await.unwrap();
    let read = readback::sync_entity(&world.cx, &erps, &attached).await.unwrap();
    assert_eq!((read.read, read.confirmed, read.mismatched), (count, count, 0));
    lap("everything confirmed");
    let report = verify(&world.db.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
    lap("verified");
}

/// The ERP's ledger holds each posting key once, under the id that we know, and nothing else.
async fn compare_ledgers(world: &World, count: usize) {
    let ours: Vec<(String, Option<String>)> =
        sqlx::query_as("select posting_key, erp_id from posting").fetch_all(&world.db.pool).await.unwrap();
    let mut theirs: HashMap<String, Vec<String>> = HashMap::new();
    for document in world.ledger().await {
        theirs.entry(document["externalId"].as_str().unwrap().to_owned()).or_default().push(document["id"].as_str().unwrap().to_owned());
    }
    assert_eq!((ours.len(), theirs.len()), (count, count));
    for (key, erp_id) in ours {
        assert_eq!(theirs.get(&key).map(Vec::as_slice), Some([erp_id.unwrap()].as_slice()), "{key}");
    }
}

/// The faults struck: without them this test proves nothing.
async fn it_did_happen(world: &World) {
    let outcomes: Vec<(String, String, bool, i64)> =
        sqlx::query_as("select purpose, coalesce(outcome, 'none'), late, count(*) from posting_attempt group by 1, 2, 3 order by 1, 2, 3")
            .fetch_all(&world.db.pool)
            .await
            .unwrap();
    println!("{outcomes:#?}");
    let struck = |purpose: &str, outcome: &str| outcomes.iter().any(|o| o.0 == purpose && o.1 == outcome);
    for outcome in ["accepted", "throttled", "transient", "ambiguous", "no_answer", "duplicate"] {
        assert!(struck("send", outcome), "no send was {outcome}");
    }
    for outcome in ["found", "absent", "not_answered"] {
        assert!(struck("probe", outcome), "no probe was {outcome}");
    }
    let late = outcomes.iter().any(|(_, outcome, late, _)| *late && outcome == "no_answer");
    assert!(late, "no answer came after its lease had ended");
}
