//! The file behind the ledger: one JSON line per change, on disk before the change is answered for.
//!
//! One thread writes whatever has queued up and syncs once for all of it, so a thousand posts at once cost a handful
//! of syncs and not a thousand.

use crate::lock;
use anyhow::{Context, Result, anyhow};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, mpsc},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

struct Line {
    /// Empty for whoever only waits for what came before.
    bytes: Vec<u8>,
    settled: oneshot::Sender<()>,
}

pub(crate) struct Journal {
    lines: Mutex<Option<mpsc::Sender<Line>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Resolves when the line is on disk; an error means that it may not be.
pub(crate) type Settled = oneshot::Receiver<()>;

impl Journal {
    /// Reads every line into `apply`, drops a torn last one (it was never answered for), and starts the writer.
    pub(crate) fn open<E: DeserializeOwned>(path: &Path, mut apply: impl FnMut(E)) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let whole = replay(&file, &mut apply)?;
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        let (lines, queue) = mpsc::channel();
        let writer = std::thread::Builder::new().name("simulator-journal".into()).spawn(move || write_all(&mut file, &queue))?;
        Ok(Self { lines: Mutex::new(Some(lines)), writer: Mutex::new(Some(writer)) })
    }

    /// Queues a change; call it under the ledger's lock, so that the file has the ledger's order.
    pub(crate) fn append(&self, entry: &impl Serialize) -> Result<Settled> {
        let mut bytes = serde_json::to_vec(entry)?;
        bytes.push(b'\n');
        self.queue(bytes)
    }

    /// Resolves when everything appended before is on disk: an answer never shows what a crash could take back.
    pub(crate) fn barrier(&self) -> Result<Settled> {
        self.queue(Vec::new())
    }

    fn queue(&self, bytes: Vec<u8>) -> Result<Settled> {
        let (settled, receiver) = oneshot::channel();
        let lines = lock(&self.lines);
        lines.as_ref().and_then(|lines| lines.send(Line { bytes, settled }).ok()).ok_or_else(|| anyhow!("the ledger is closed"))?;
        Ok(receiver)
    }

    /// Nothing is appended after this; returns when the writer is done.
    pub(crate) async fn close(&self) {
        lock(&self.lines).take();
        let writer = lock(&self.writer).take();
        if let Some(writer) = writer {
            tokio::task::spawn_blocking(move || writer.join().ok()).await.ok();
        }
    }
}

fn replay<E: DeserializeOwned>(file: &File, apply: &mut impl FnMut(E)) -> Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut whole, mut number, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(whole);
        }
        number += 1;
        apply(serde_json::from_slice(&line).with_context(|| format!("line {number}"))?);
        whole += read as u64;
    }
}

fn write_all(file: &mut File, queue: &mpsc::Receiver<Line>) {
    while let Ok(first) = queue.recv() {
        let batch: Vec<Line> = std::iter::once(first).chain(queue.try_iter()).collect();
        let bytes: Vec<u8> = batch.iter().flat_map(|line| line.bytes.iter().copied()).collect();
        let written = bytes.is_empty() || file.write_all(&bytes).and_then(|()| file.sync_data()).is_ok();
        if !written {
            tracing::error!("the ledger file cannot be written; the simulator answers nothing more");
            return;
        }
        for line in batch {
            line.settled.send(()).ok();
        }
    }
}
