//! A cluster for the time of one command.

use std::env;
use std::process::{Command, ExitCode};

use anyhow::Context;
use postgres::{Cluster, Options};
use tempfile::TempDir;

/// A cluster whose data goes when it is dropped.
pub(crate) struct Scratch {
    pub(crate) cluster: Cluster, // dropped first: a server does not outlive its directory
    _dir: TempDir,
}

impl Scratch {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("tieout-scratch-").tempdir()?;
        let cluster = Cluster::start(dir.path(), &Options::scratch())?;
        Ok(Self { cluster, _dir: dir })
    }
}

/// Runs `command` with `DATABASE_URL`, and ends as it ended. A `DATABASE_URL` that is set is used as it is.
pub(crate) fn run(command: &[&str]) -> anyhow::Result<ExitCode> {
    let [program, arguments @ ..] = command else { return Ok(ExitCode::FAILURE) };
    let mut child = Command::new(program);
    child.args(arguments);
    // what cargo said about xtask; a build script that watches it (ring's) would compile everything above it again
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_about_xtask)) {
        child.env_remove(name);
    }
    // the scratch cluster has no tables: queries are checked against .sqlx
    child.env("SQLX_OFFLINE", "true");
    let _scratch = if env::var_os("DATABASE_URL").is_some() {
        None
    } else {
        let scratch = Scratch::start()?;
        child.env("DATABASE_URL", scratch.cluster.url("postgres"));
        Some(scratch)
    };
    let status = child.status().with_context(|| format!("cannot run {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn is_about_xtask(name: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_PACKAGE"].iter().any(|about| name.starts_with(about))
}
