//! What the demo leaves in its data directory: what it needs to go on, and where to find it.

use super::{Size, Vendors, company::ACCOUNTS, founding::logins};
use anyhow::Context as _;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

const STATE_FILE: &str = "demo-state.json";
const DEMO_FILE: &str = "demo.json";

/// A company that was begun here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    pub size: Size,
    /// The day it was made on; its past ends there.
    pub today: NaiveDate,
    pub password: String,
    /// Known when everything is there.
    pub api_key: Option<String>,
}

impl State {
    pub fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = data_dir.join(STATE_FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        write(&data_dir.join(STATE_FILE), &serde_json::to_value(self)?)
    }
}

/// Says where everything is: once it serves, and not before.
pub fn announce(data_dir: &Path, url: &str, database_url: &str, vendors: &Vendors, state: &State) -> anyhow::Result<()> {
    let logins: serde_json::Map<String, Value> =
        logins().map(|(word, email)| (word, json!({ "email": email, "password": state.password }))).collect();
    let erps = ACCOUNTS.iter().zip(&vendors.accounts).map(|(account, running)| (account.code.to_owned(), running.url().into()));
    let gateways = vendors.gateways.iter().map(|gateway| (gateway.code(), gateway.url().into()));
    let simulators: serde_json::Map<String, Value> = erps.chain(gateways).collect();
    let demo = json!({ "url": url, "database_url": database_url, "api_key": state.api_key, "logins": logins, "simulators": simulators });
    write(&data_dir.join(DEMO_FILE), &demo)
}

pub fn withdraw(data_dir: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(data_dir.join(DEMO_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("cannot remove the old demo.json"),
        _ => Ok(()),
    }
}

/// All of it or nothing, for the owner only.
fn write(path: &Path, content: &Value) -> anyhow::Result<()> {
    let unfinished = path.with_extension("json.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{content:#}")?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path).with_context(|| path.display().to_string())
}
