//! A ledger behind a lock, its journal, its faults and its outbox: what every route of a gateway shares.

use super::{
    FaultKind, FaultRule, Invoice, On, Target,
    outbox::{Delivered, Dressed, Forgery, Outbox},
};
use crate::{Now, faults::Faults, journal::Journal, lock};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{path::Path, sync::Mutex};

/// A gateway's books. Deterministic: the same commands make the same books, which is how a restart finds them again.
pub(crate) trait Ledger: Send + 'static {
    /// What clients can ask for, apart from reading.
    type Write: Serialize + DeserializeOwned + Send;
    type Answer: Send;

    /// Errors in words when an invoice cannot be collected here; then none of them is taken.
    fn feed(&mut self, at: DateTime<Utc>, invoices: &[Invoice]) -> Result<(), String>;
    fn run(&mut self, until: DateTime<Utc>);
    fn write(&mut self, at: DateTime<Utc>, write: Self::Write) -> Self::Answer;
    /// What happened since the last call, as webhooks tell it.
    fn announced(&mut self) -> Vec<Value>;
    fn dress(event: &Value, secret: &str, forgery: Option<Forgery>, now: DateTime<Utc>) -> Dressed;
    /// To look at.
    fn overview(&self) -> Value;
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command<Write> {
    Feed { at: DateTime<Utc>, invoices: Vec<Invoice> },
    Run { until: DateTime<Utc> },
    Write { at: DateTime<Utc>, write: Write },
}

pub(crate) struct Desk<L: Ledger> {
    pub(crate) ledger: Mutex<L>,
    journal: Journal,
    pub(crate) faults: Mutex<Faults<FaultKind, On>>,
    outbox: Outbox,
    now: Now,
}

impl<L: Ledger> Desk<L> {
    /// Does again what the file holds.
    pub(crate) fn open(mut ledger: L, file: &Path, seed: u64, now: Now) -> Result<Self> {
        let replay = |command: Command<L::Write>| match command {
            Command::Feed { at, invoices } => drop(ledger.feed(at, &invoices)),
            Command::Run { until } => ledger.run(until),
            Command::Write { at, write } => drop(ledger.write(at, write)),
        };
        let journal = Journal::open(file, replay).with_context(|| format!("ledger {}", file.display()))?;
        // Whoever listened then has been told, or reads it.
        ledger.announced();
        Ok(Self { ledger: Mutex::new(ledger), journal, faults: Mutex::new(Faults::new(seed)), outbox: Outbox::new()?, now })
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    pub(crate) async fn feed(&self, invoices: Vec<Invoice>) -> Result<(), String> {
        let command = Command::Feed { at: self.now(), invoices };
        self.commit(command, |ledger, command| match command {
            Command::Feed { at, invoices } => ledger.feed(at, &invoices),
            _ => Ok(()),
        })
        .await
        .map_err(|error| error.to_string())?
    }

    pub(crate) async fn run(&self, until: DateTime<Utc>) -> Result<()> {
        self.commit(Command::Run { until }, |ledger, _| ledger.run(until)).await
    }

    pub(crate) async fn write(&self, write: L::Write) -> Result<L::Answer> {
        let at = self.now();
        let command = Command::Write { at, write };
        let answered = self.commit(command, |ledger, command| match command {
            Command::Write { at, write } => Some(ledger.write(at, write)),
            _ => None,
        });
        answered.await?.context("a write is a write")
    }

    /// On disk before it is answered for, in the order of the ledger.
    async fn commit<T>(&self, command: Command<L::Write>, apply: impl FnOnce(&mut L, Command<L::Write>) -> T) -> Result<T> {
        let (settled, applied) = {
            let mut ledger = lock(&self.ledger);
            let settled = self.journal.append(&command)?;
            let applied = apply(&mut ledger, command);
            self.outbox.push(ledger.announced());
            (settled, applied)
        };
        settled.await.context("the ledger is not on disk")?;
        Ok(applied)
    }

    pub(crate) fn fault(&self, on: On) -> Option<FaultRule> {
        lock(&self.faults).draw(on)
    }

    pub(crate) fn listen(&self, target: Option<Target>) {
        *lock(&self.outbox.target) = target;
    }

    pub(crate) async fn deliver(&self) -> Delivered {
        let dress = |event: &Value, secret: &str, forgery| L::dress(event, secret, forgery, self.now());
        self.outbox.deliver(dress, || self.fault(On::Webhook)).await
    }

    pub(crate) async fn close(&self) {
        self.journal.close().await;
    }
}
