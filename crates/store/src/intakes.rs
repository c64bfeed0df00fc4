//! Files that were handed over, kept to the byte with what came of them.

use crate::{Conn, Error, Result};
use chrono::{DateTime, Utc};
use domain::{document::Violation, id::BatchId, seal::Hash, view::ImportOutcome};

/// A file before it is written.
#[derive(Debug)]
pub struct NewIntake<'a> {
    pub intake_id: uuid::Uuid,
    pub received_at: DateTime<Utc>,
    pub actor: String,
    pub file_name: &'a str,
    pub raw_hash: Hash,
    pub byte_length: i64,
    pub outcome: ImportOutcome,
    pub batch_id: Option<BatchId>,
    pub errors: &'a [Violation],
}

pub async fn insert(conn: &mut Conn, intake: &NewIntake<'_>) -> Result<()> {
    let errors = serde_json::to_value(intake.errors).map_err(|error| Error::Db(sqlx::Error::Encode(error.into())))?;
    sqlx::query!(
        "insert into intake (intake_id, received_at, actor, file_name, raw_hash, byte_length, outcome, batch_id, errors)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        intake.intake_id,
        intake.received_at,
        intake.actor,
        intake.file_name,
        &intake.raw_hash[..],
        intake.byte_length,
        intake.outcome.as_str(),
        intake.batch_id.map(|batch| batch.0),
        errors,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Appends compressed bytes; `ordinal` counts from 1.
pub async fn insert_chunk(conn: &mut Conn, intake_id: uuid::Uuid, ordinal: i32, content: &[u8]) -> Result<()> {
    sqlx::query!("insert into intake_chunk (intake_id, ordinal, content) values ($1, $2, $3)", intake_id, ordinal, content)
        .execute(conn)
        .await?;
    Ok(())
}
