//! graphile-worker as a peer: a job queue on the same PostgreSQL, no-op jobs, its default settings.

use super::Lab;
use anyhow::{Context as _, ensure};
use rust_decimal::Decimal;
use std::path::PathBuf;
use tokio::process::Command;

const VERSION: &str = "0.18.0";
/// Its rate does not depend on the number; fewer keep the rounds close together.
const JOBS: u32 = 20_000;

/// Installed beside the bench, never into the product.
pub struct Graphile(PathBuf);

impl Graphile {
    pub async fn install() -> anyhow::Result<Self> {
        let dir = postgres::cache_dir()?.join("bench").join(format!("graphile-worker-{VERSION}"));
        std::fs::create_dir_all(&dir)?;
        if !dir.join("node_modules/graphile-worker").exists() {
            let package = format!("graphile-worker@{VERSION}");
            let done = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
                .arg(&dir)
                .arg(package)
                .status()
                .await;
            ensure!(done.context("npm")?.success(), "npm could not install graphile-worker");
        }
        std::fs::write(dir.join("drain.mjs"), include_str!("graphile.mjs"))?;
        Ok(Self(dir))
    }

    /// Jobs per second from the worker's start until no unfinished job is left.
    pub async fn drain(&self, lab: &Lab, database: &str) -> anyhow::Result<Decimal> {
        lab.cluster.create_database_if_absent(database)?;
        let output = Command::new("node")
            .arg(self.0.join("drain.mjs"))
            .args([lab.cluster.url(database), JOBS.to_string()])
            .env("NO_LOG_SUCCESS", "1")
            .output()
            .await
            .context("node")?;
        ensure!(output.status.success(), "graphile-worker failed: {}", String::from_utf8_lossy(&output.stderr));
        lab.cluster.execute("postgres", &format!("drop database \"{database}\" with (force)"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().last().unwrap_or_default().trim().parse().with_context(|| format!("graphile-worker printed {text:?}"))
    }
}
