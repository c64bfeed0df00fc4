//! A company with one ERP connection, and what its database tells about the faults.

use crate::workers::Worker;
use chrono::{DateTime, Days, Utc};
use domain::{
    access::{Actor, Scope},
    id::{ConnectionId, EntityId, MappingId},
    mapping::MappingKind,
    period::AccountingPeriod,
    posting::ErpSystem,
    view::ImportOutcome,
};
use nix::sys::signal::Signal;
use pipeline::{Context, SystemClock, erps::secret_binding, secret::Cipher};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::Cursor,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Pool,
    connections::{self, NewConnection},
    testing::TestDatabase,
};

/// Everything has settled by then, or never will.
pub const PATIENCE: Duration = Duration::from_secs(420);

pub fn context(pool: Pool) -> Context {
    Context { pool, clock: Arc::new(SystemClock), secrets: Arc::new(Cipher::new([7; 32])) }
}

/// The ERP that the company posts to.
pub struct Connected<'a> {
    pub system: ErpSystem,
    pub secret: &'a str,
    pub slots: i32,
    pub request_seconds: i32,
    pub processing_seconds: i32,
    pub entity_ref: &'a str,
    pub tax_is_ours: bool,
    pub mappings: &'a [(MappingKind, &'a str, &'a str)],
}

pub struct Company {
    pub cx: Context,
    pub db: TestDatabase,
    pub us: EntityId,
    started: Instant,
}

impl Company {
    pub async fn new(db: TestDatabase) -> Self {
        let us = db.entity("US", "USD").await;
        Self { cx: context(db.pool.clone()), db, us, started: Instant::now() }
    }

    pub fn lap(&self, what: &str) {
        println!("{:5.1} s  {what}", self.started.elapsed().as_secs_f32());
    }

    pub async fn connect(&self, settings: &impl Serialize, erp: Connected<'_>) {
        let connection_id = ConnectionId(uuid::Uuid::now_v7());
        let new = NewConnection {
            connection_id,
            code: "ERP-US".into(),
            system: erp.system,
            settings: serde_json::to_value(settings).unwrap(),
            secrets: self.cx.secrets.seal(erp.secret.as_bytes(), &secret_binding(connection_id)).unwrap(),
            slots: erp.slots,
            per_minute: None,
            processing_seconds_max: erp.processing_seconds,
            request_seconds_max: erp.request_seconds,
        };
        let mut conn = self.cx.pool.acquire().await.unwrap();
        connections::insert(&mut conn, &new).await.unwrap();
        connections::attach_entity(&mut conn, self.us, connection_id, erp.entity_ref, erp.tax_is_ours).await.unwrap();
        let row = |(kind, code, target): &(MappingKind, &str, &str)| {
            (MappingId(uuid::Uuid::now_v7()), *kind, (*code).to_owned(), (*target).to_owned())
        };
        let rows: Vec<_> = erp.mappings.iter().map(row).collect();
        store::mappings::load(&mut conn, connection_id, &rows, "set-up", self.cx.clock.now()).await.unwrap();
    }

    /// Through the import that everybody uses.
    pub async fn import(&self, documents: &[Billed]) {
        let file = Cursor::new(batch(documents, self.cx.clock.now()).to_string().into_bytes());
        let scope = Scope::of_system(vec![self.us]);
        let report = pipeline::import::import_file(&self.cx, &Actor::Cli("test".into()), &scope, "b.json", file).await.unwrap();
        assert_eq!(report.outcome, ImportOutcome::Imported, "{report:?}");
        self.lap("imported");
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Sends that this worker has in hand.
    pub async fn leases(&self, worker: &str) -> i64 {
        sqlx::query_scalar(
            "select count(*) from posting p join posting_attempt a using (attempt_id) where p.work = 'lease' and a.worker = $1",
        )
        .bind(worker)
        .fetch_one(&self.db.pool)
        .await
        .unwrap()
    }

    pub async fn wait_until_leases_end(&self, worker: &str) {
        let until = Instant::now() + PATIENCE;
        while self.leases(worker).await > 0 {
            assert!(Instant::now() < until, "the stopped worker's leases never ended");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until this worker takes something in hand.
    pub async fn wait_until_claims(&self, worker: &str, since: DateTime<Utc>) {
        let until = Instant::now() + PATIENCE;
        loop {
            let claims: i64 =
                sqlx::query_scalar("select count(*) from posting_attempt where worker = $1 and purpose = 'send' and claimed_at > $2")
                    .bind(worker)
                    .bind(since)
                    .fetch_one(&self.db.pool)
                    .await
                    .unwrap();
            if claims > 0 {
                return;
            }
            assert!(Instant::now() < until, "worker {worker} took nothing");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every document is posted. A mismatch stays one, so nobody waits for it.
    pub async fn wait_until_posted(&self) {
        let until = Instant::now() + PATIENCE;
        loop {
            let stages: Vec<(String, i64)> =
                sqlx::query_as("select stage, count(*) from document group by 1").fetch_all(&self.db.pool).await.unwrap();
            if stages.iter().all(|(stage, _)| stage == "posted") {
                break;
            }
            assert!(Instant::now() < until && stages.iter().all(|(stage, _)| stage != "mismatch"), "not settled: {stages:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.lap("everything posted");
    }

    /// Stops one of these processes at a moment when it has sends in hand; says which.
    pub async fn stop_one_with_sends_in_hand(&self, workers: &[Worker]) -> usize {
        let until = Instant::now() + PATIENCE;
        loop {
            for (index, worker) in workers.iter().enumerate() {
                if self.leases(&worker.name()).await > 3 {
                    worker.signal(Signal::SIGSTOP);
                    // what it had sent to the database arrives
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    if self.leases(&worker.name()).await > 3 {
                        return index;
                    }
                    worker.signal(Signal::SIGCONT);
                }
            }
            assert!(Instant::now() < until, "no worker ever had sends in hand");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Nobody waited for each other in a circle: the database would have ended one of them after a second, and it would have come
    /// through all the same, only slowly.
    pub async fn assert_no_deadlock(&self) {
        let deadlocks = self.count("select deadlocks from pg_stat_database where datname = current_database()").await;
        assert_eq!(deadlocks, 0, "deadlocks");
    }

    /// The faults struck: without them the test proves nothing.
    pub async fn assert_it_did_happen(&self, sends: &[&str], probes: &[&str]) {
        let outcomes: Vec<(String, String, bool, i64)> = sqlx::query_as(
            "select purpose, coalesce(outcome, 'none'), late, count(*) from posting_attempt group by 1, 2, 3 order by 1, 2, 3",
        )
        .fetch_all(&self.db.pool)
        .await
        .unwrap();
        for (purpose, outcome, late, count) in &outcomes {
            println!("{count:9}  {purpose} {outcome}{}", if *late { ", answered late" } else { "" });
        }
        let struck = |purpose: &str, outcome: &str| outcomes.iter().any(|o| o.0 == purpose && o.1 == outcome);
        for outcome in sends {
            assert!(struck("send", outcome), "no send was {outcome}");
        }
        for outcome in probes {
            assert!(struck("probe", outcome), "no probe was {outcome}");
        }
        let late = outcomes.iter().any(|(_, outcome, late, _)| *late && outcome == "no_answer");
        assert!(late, "no answer came after its lease had ended");
    }
}

/// One document of a batch: a line of net and tax.
pub struct Billed {
    pub kind: &'static str,
    pub number: String,
    pub customer: String,
    pub net: Decimal,
    pub tax: Decimal,
    pub applies_to: Option<String>,
}

/// A batch dated today.
fn batch(documents: &[Billed], now: DateTime<Utc>) -> Value {
    let day = now.date_naive();
    let mut sums = HashMap::<&str, (usize, Decimal, Decimal)>::new();
    for Billed { kind, net, tax, .. } in documents {
        let sum = sums.entry(kind).or_default();
        *sum = (sum.0 + 1, sum.1 + net + tax, sum.2 + tax);
    }
    let manifest: Vec<Value> = sums
        .into_iter()
        .map(|(kind, (count, total, tax))| {
            json!({"currency": "USD", "kind": kind, "count": count, "total": total.to_string(), "tax": tax.to_string()})
        })
        .collect();
    let documents: Vec<Value> = documents.iter().map(|billed| document(billed, day)).collect();
    json!({"format": "tieout.invoice-batch/1", "source": "billing", "batch": "B-1", "entity": "US",
        "period": AccountingPeriod::of(day).to_string(), "manifest": manifest, "documents": documents})
}

fn document(billed: &Billed, day: chrono::NaiveDate) -> Value {
    let Billed { kind, number, customer, net, tax, applies_to } = billed;
    let mut document = json!({
        "kind": kind, "number": number, "customer": {"code": customer, "name": "Acme"}, "currency": "USD",
        "amount": (net + tax).to_string(), "tax": tax.to_string(), "issue_date": day, "due_date": day + Days::new(30),
        "lines": [{"item": "API", "description": "API calls", "quantity": "1", "unit_price": net.to_string(), "net": net.to_string(),
            "tax": tax.to_string(), "tax_code": "CA"}]
    });
    if let Some(number) = applies_to {
        document["applies_to"] = number.clone().into();
    }
    document
}
