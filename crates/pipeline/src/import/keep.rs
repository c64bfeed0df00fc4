//! Every file that is handed over is kept to the byte, compressed, with what came of it.

use super::{SharedFile, lock};
use domain::{document::Violation, id::BatchId, view::ImportOutcome};
use std::io::{Read, SeekFrom};
use store::{Conn, Error, Result, intakes};
use tokio::sync::mpsc;

/// Raw bytes of one chunk; each is a zstd frame of its own, and frames in a row are one stream.
const CHUNK_BYTES: u64 = 1 << 20;
/// Fast; invoices shrink tenfold at any level.
const LEVEL: i32 = 1;

/// What a kept file is known by.
pub struct Kept<'a> {
    pub intake_id: uuid::Uuid,
    pub received_at: chrono::DateTime<chrono::Utc>,
    pub actor: String,
    pub file_name: &'a str,
    pub outcome: ImportOutcome,
    pub batch_id: Option<BatchId>,
    pub errors: &'a [Violation],
}

/// Writes the intake and its bytes in the caller's transaction.
pub async fn keep(conn: &mut Conn, file: &SharedFile, kept: &Kept<'_>) -> Result<()> {
    let (raw_hash, byte_length) = {
        let file = file.clone();
        tokio::task::spawn_blocking(move || hash(&file)).await.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)?
    };
    let intake_id = kept.intake_id;
    let intake = intakes::NewIntake {
        intake_id,
        received_at: kept.received_at,
        actor: kept.actor.clone(),
        file_name: kept.file_name,
        raw_hash,
        byte_length,
        outcome: kept.outcome,
        batch_id: kept.batch_id,
        errors: kept.errors,
    };
    intakes::insert(conn, &intake).await?;
    let (send, mut chunks) = mpsc::channel(1);
    let file = file.clone();
    let reading = tokio::task::spawn_blocking(move || compress(&file, &send));
    let mut ordinal = 0;
    while let Some(chunk) = chunks.recv().await {
        ordinal += 1;
        intakes::insert_chunk(conn, intake_id, ordinal, &chunk).await?;
    }
    reading.await.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)
}

fn failed(error: std::io::Error) -> Error {
    Error::Db(store::DriverError::Io(error))
}

fn hash(file: &SharedFile) -> std::io::Result<(domain::seal::Hash, i64)> {
    let mut file = lock(file);
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = blake3::Hasher::new();
    let length = std::io::copy(&mut **file, &mut hasher)?;
    Ok((*hasher.finalize().as_bytes(), i64::try_from(length).unwrap_or(i64::MAX)))
}

fn compress(file: &SharedFile, send: &mpsc::Sender<Vec<u8>>) -> std::io::Result<()> {
    let mut file = lock(file);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let mut raw = Vec::new();
        if (&mut **file).take(CHUNK_BYTES).read_to_end(&mut raw)? == 0 {
            return Ok(());
        }
        // a closed channel: the transaction failed, nobody wants the rest
        if send.blocking_send(zstd::bulk::compress(&raw, LEVEL)?).is_err() {
            return Ok(());
        }
    }
}
