//! PostgreSQL is shut down at once and started again, as `pg_ctl restart -m immediate` does it, while worker processes post.

use crate::{
    company::PATIENCE,
    netsuite::{World, billed, compare_ledgers},
    workers::Worker,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pipeline::verify::verify;
use postgres::{Cluster, Options};
use serde_json::json;
use std::time::{Duration, Instant};

const INVOICES: usize = 2_000;

/// A server of the test's own; what it committed outlives it.
struct Server {
    cluster: Cluster,
    _dir: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::TempDir::new().unwrap();
        Self { cluster: Cluster::start(dir.path(), &Options::durable().with("shared_buffers", "32MB")).unwrap(), _dir: dir }
    }

    /// Its keeper starts it again.
    async fn restart_at_once(&self) {
        let before = self.cluster.server_id();
        kill(Pid::from_raw(i32::try_from(before).unwrap()), Signal::SIGQUIT).unwrap();
        let until = Instant::now() + PATIENCE;
        while self.cluster.server_id() == before {
            assert!(Instant::now() < until, "PostgreSQL did not come back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_restarted_while_workers_post_loses_and_doubles_nothing_and_they_come_back_by_themselves() {
    let server = Server::start();
    let world = World::new(store::testing::database_at(server.cluster.url("postgres")).await).await;
    let company = &world.company;
    company.import(&(1..=INVOICES).map(billed).collect::<Vec<_>>()).await;
    // slow enough that every restart meets calls in flight
    world.fault(json!({ "kind": "latency", "on": "write", "per_mille": 1000, "ms": 150 })).await;

    let workers: Vec<Worker> = (0..2).map(|_| Worker::start(&company.db.url)).collect();
    let names: Vec<String> = workers.iter().map(Worker::name).collect();
    for restarts in 1..=3 {
        let until = Instant::now() + PATIENCE;
        let posted = i64::try_from(INVOICES * restarts / 5).unwrap();
        while company.count("select count(*) from document where stage = 'posted'").await < posted
            || company.count("select count(distinct worker) from lease where purpose = 'send'").await < 2
        {
            assert!(Instant::now() < until, "never both at work after {} restarts", restarts - 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.restart_at_once().await;
        company.lap("restarted PostgreSQL");
        let since = company.cx.clock.now();
        // the very processes that were there before
        for name in &names {
            company.wait_until_claims(name, since).await;
        }
        company.lap("both work again");
    }
    company.wait_until_posted().await;
    drop(workers);
    compare_ledgers(&world, INVOICES).await;
    let report = verify(&company.db.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
}
