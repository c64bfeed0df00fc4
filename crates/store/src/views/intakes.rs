//! Files that were handed over, and what came of them.

use crate::{Error, Pool, Result};
use chrono::{DateTime, Utc};
use domain::{
    document::Violation,
    id::BatchId,
    seal::hex,
    view::{ImportOutcome, IntakeView},
};
use uuid::Uuid;

struct Row {
    intake_id: Uuid,
    received_at: DateTime<Utc>,
    actor: String,
    file_name: String,
    raw_hash: Vec<u8>,
    byte_length: i64,
    outcome: String,
    batch_id: Option<BatchId>,
    errors: serde_json::Value,
}

impl TryFrom<Row> for IntakeView {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.intake_id.to_string();
        let corrupt = |column, why: String| Error::Corrupt { table: "intake", column, id: id.clone(), why };
        let outcome: ImportOutcome = row.outcome.parse().map_err(|_| corrupt("outcome", row.outcome.clone()))?;
        let errors: Vec<Violation> = serde_json::from_value(row.errors).map_err(|error| corrupt("errors", error.to_string()))?;
        Ok(Self {
            intake_id: row.intake_id,
            received_at: row.received_at,
            actor: row.actor,
            file_name: row.file_name,
            raw_hash: hex(&row.raw_hash),
            byte_length: row.byte_length,
            outcome,
            batch_id: row.batch_id,
            errors,
        })
    }
}

/// The files that were this batch or claimed to be it, oldest first. Whoever may see the batch may see them.
pub async fn of_batch(pool: &Pool, batch: BatchId, limit: i64) -> Result<Vec<IntakeView>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select intake_id, received_at, actor, file_name, raw_hash, byte_length, outcome, batch_id as "batch_id: BatchId", errors
        from intake where batch_id = $1 order by received_at, intake_id limit $2"#,
        batch.0,
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// A file by its id, for who handed it over: a refused one belongs to no entity yet.
pub async fn of_actor(pool: &Pool, intake: Uuid, actor: &str) -> Result<Option<IntakeView>> {
    let row = sqlx::query_as!(
        Row,
        r#"select intake_id, received_at, actor, file_name, raw_hash, byte_length, outcome, batch_id as "batch_id: BatchId", errors
        from intake where intake_id = $1 and actor = $2"#,
        intake,
        actor
    )
    .fetch_optional(pool)
    .await?;
    row.map(TryInto::try_into).transpose()
}
