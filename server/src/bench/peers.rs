//! Peers: job queues on the same PostgreSQL with no-op jobs, and parsers in Python; installed from npm and PyPI beside the bench,
//! never into the product.

use super::Lab;
use anyhow::{Context as _, ensure};
use rust_decimal::Decimal;
use std::path::PathBuf;
use tokio::process::Command;

/// A job queue at settings of its own.
pub struct Peer {
    /// What its ratio is called.
    pub name: &'static str,
    package: &'static str,
    version: &'static str,
    script: (&'static str, &'static str),
    settings: &'static str,
    /// Its rate does not depend on the number; the slow one gets fewer, to keep the rounds close together.
    jobs: u32,
}

const GRAPHILE: (&str, &str) = ("graphile.mjs", include_str!("peers/graphile.mjs"));

pub const PEERS: [Peer; 3] = [
    Peer { name: "graphile_default", package: "graphile-worker", version: "0.18.0", script: GRAPHILE, settings: "default", jobs: 20_000 },
    Peer { name: "graphile_fast", package: "graphile-worker", version: "0.18.0", script: GRAPHILE, settings: "fast", jobs: 100_000 },
    Peer {
        name: "pgboss_batch",
        package: "pg-boss",
        version: "12.35.0",
        script: ("pgboss.mjs", include_str!("peers/pgboss.mjs")),
        settings: "batch",
        jobs: 100_000,
    },
];

impl Peer {
    fn dir(&self) -> anyhow::Result<PathBuf> {
        Ok(postgres::cache_dir()?.join("bench").join(format!("{}-{}", self.package, self.version)))
    }

    pub async fn install(&self) -> anyhow::Result<()> {
        let dir = self.dir()?;
        std::fs::create_dir_all(&dir)?;
        if !dir.join("node_modules").join(self.package).exists() {
            let package = format!("{}@{}", self.package, self.version);
            let done = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
                .arg(&dir)
                .arg(package)
                .status()
                .await;
            ensure!(done.context("npm")?.success(), "npm could not install {}", self.package);
        }
        std::fs::write(dir.join(self.script.0), self.script.1)?;
        Ok(())
    }

    /// Jobs per second from the worker's start until no unfinished job is left.
    pub async fn drain(&self, lab: &Lab, round: usize) -> anyhow::Result<Decimal> {
        let database = format!("{}{round}", self.name);
        lab.cluster.create_database_if_absent(&database)?;
        let output = Command::new("node")
            .arg(self.dir()?.join(self.script.0))
            .args([lab.cluster.url(&database), self.jobs.to_string(), self.settings.to_owned()])
            .env("NO_LOG_SUCCESS", "1")
            .output()
            .await
            .context("node")?;
        ensure!(output.status.success(), "{} failed: {}", self.name, String::from_utf8_lossy(&output.stderr));
        lab.cluster.execute("postgres", &format!("drop database \"{database}\" with (force)"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().last().unwrap_or_default().trim().parse().with_context(|| format!("{} printed {text:?}", self.name))
    }
}

/// A Python that has this package, in an environment of its own.
pub async fn python(package: &str) -> anyhow::Result<PathBuf> {
    let dir = postgres::cache_dir()?.join("bench").join(package);
    let python = dir.join("bin").join("python");
    if !dir.join("installed").exists() {
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&dir).status().await.context("python3")?;
        ensure!(made.success(), "python3 could not make an environment");
        let installed = Command::new(&python).args(["-m", "pip", "install", "--quiet", package]).status().await.context("pip")?;
        ensure!(installed.success(), "pip could not install {package}");
        std::fs::write(dir.join("installed"), "")?;
    }
    Ok(python)
}
