//! Benchmarks: each on a durable cluster of its own, five rounds interleaved with the baseline, medians, and a check of
//! the books afterwards. Ratios are against a baseline measured in the same minutes, because machines differ.

mod books;
mod cash;
mod company;
mod exceptions;
mod import;
mod load;
mod pages;
mod peers;
mod posting;
mod replay;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use pipeline::{Context, SystemClock, secret::Cipher};
use postgres::{Cluster, Options};
use rust_decimal::Decimal;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Rounds of every comparison.
const ROUNDS: usize = 5;

/// How large the benches are; smaller ones are for development.
#[derive(Debug, Clone, Copy, Args)]
pub struct Sizes {
    /// Documents of the posting, import and replay benches; queued ones of a round of load
    #[arg(long, default_value_t = 100_000)]
    documents: u32,
    /// Lines of the statement files of the cash bench
    #[arg(long, default_value_t = 50_000)]
    lines: u32,
    /// Bank lines that the cash bench applies to ten times as many open items
    #[arg(long, default_value_t = 100_000)]
    bank_lines: u32,
    /// Posted documents that load begins with
    #[arg(long, default_value_t = 5_000_000)]
    postings: u32,
    /// Open exceptions of the exceptions bench and of load
    #[arg(long, default_value_t = 500_000)]
    exceptions: u32,
}

/// What a bench prints: measured figures, and ratios against a baseline.
#[derive(Debug, Serialize)]
pub struct Report {
    pub name: &'static str,
    pub figures: BTreeMap<String, Decimal>,
    pub ratios: BTreeMap<String, Decimal>,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.name)?;
        for (name, value) in self.figures.iter().chain(&self.ratios) {
            writeln!(f, "  {name:<44} {value:>14}")?;
        }
        Ok(())
    }
}

pub async fn run(name: &str, sizes: Sizes) -> anyhow::Result<Report> {
    match name {
        "posting" => posting::run(sizes).await,
        "exceptions" => exceptions::run(sizes).await,
        "replay" => replay::run(sizes).await,
        "load" => load::run(sizes).await,
        "import" => import::run(sizes).await,
        "pages" => pages::run().await,
        "cash" => cash::run(sizes).await,
        other => bail!("there is no bench {other}; there are {}", NAMES.join(", ")),
    }
}

pub const NAMES: [&str; 7] = ["posting", "exceptions", "replay", "load", "import", "pages", "cash"];

/// A durable cluster in a directory of its own, gone with this value.
struct Lab {
    cluster: Cluster,
    _dir: tempfile::TempDir,
}

impl Lab {
    async fn open() -> anyhow::Result<Self> {
        tokio::task::spawn_blocking(|| {
            let dir = tempfile::tempdir()?;
            let cluster = Cluster::start(dir.path(), &Options::durable().with("shared_buffers", "512MB").with("max_wal_size", "4GB"))?;
            Ok(Self { cluster, _dir: dir })
        })
        .await?
    }

    /// A new database, empty or a copy of `template`.
    async fn database(&self, name: &str, template: Option<&str>) -> anyhow::Result<Context> {
        match template {
            None => self.cluster.create_database_if_absent(name)?,
            Some(template) => self.cluster.execute("postgres", &format!("create database \"{name}\" template \"{template}\""))?,
        }
        let pool = store::connect(&self.cluster.url(name), 12, crate::RELEASE).await?;
        store::migrate(&pool).await?;
        let settings = store::bench::durability(&pool).await?;
        ensure!(settings == ["on", "on"], "fsync and synchronous_commit read back as {settings:?}");
        Ok(Context { pool, clock: Arc::new(SystemClock), secrets: Arc::new(Cipher::new([7; 32])) })
    }

    async fn drop_database(&self, name: &str, cx: Context) -> anyhow::Result<()> {
        cx.pool.close().await;
        self.cluster.execute("postgres", &format!("drop database \"{name}\" with (force)"))
    }
}

/// The books must tie out after every bench.
async fn check(cx: &Context) -> anyhow::Result<()> {
    let report = pipeline::verify::verify(&cx.pool).await?;
    ensure!(report.ties_out(), "the books do not tie out after the bench:\n{report}");
    Ok(())
}

fn median(mut values: Vec<Decimal>) -> Decimal {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn per_second(count: u32, time: Duration) -> Decimal {
    let micros = Decimal::from(u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1));
    (Decimal::from(count) * Decimal::from(1_000_000) / micros).round_dp(1)
}

fn seconds(time: Duration) -> Decimal {
    Decimal::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)) / Decimal::from(1000)
}

fn ratio(ours: Decimal, theirs: Decimal) -> anyhow::Result<Decimal> {
    Ok(ours.checked_div(theirs).context("the baseline measured nothing")?.round_dp(2))
}

/// What this process holds in memory, now (`VmRSS:`) or at its peak (`VmHWM:`), in megabytes.
fn resident(what: &str) -> anyhow::Result<Decimal> {
    Ok(megabytes_of(&std::fs::read_to_string("/proc/self/status")?, what))
}

fn megabytes_of(status: &str, what: &str) -> Decimal {
    let kilobytes: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix(what))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default();
    (Decimal::from(kilobytes) / Decimal::from(1024)).round_dp(1)
}
