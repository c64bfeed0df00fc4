//! Runs of the checkpoint and their cells.

use super::Place;
use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::ControlTotal,
    id::{BatchId, CheckpointRunId},
    money::Currency,
    stage::Side,
};
use rust_decimal::Decimal;

/// One cell of a run: what a batch brought, or what stands on a side and no batch of ours brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub batch_id: Option<BatchId>,
    pub currency: Currency,
    pub side: Side,
    pub left: ControlTotal,
    pub right: ControlTotal,
    pub timing: (i64, Decimal),
    pub unreconciled: (i64, Decimal),
}

/// A run of the checkpoint over one entity and period.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub run_id: CheckpointRunId,
    pub place: Place,
    pub ran_at: DateTime<Utc>,
    pub read_at: DateTime<Utc>,
}

/// Writes a run. Of the runs of one day the last one is kept.
pub async fn insert_run(conn: &mut Conn, run: Run, cells: &[Cell]) -> Result<()> {
    sqlx::query!(
        "delete from checkpoint_run where entity_id = $1 and period = $2 and checkpoint = $3
            and date_trunc('day', ran_at, 'UTC') = date_trunc('day', $4::timestamptz, 'UTC')",
        run.place.entity.0,
        run.place.period.to_string(),
        run.place.checkpoint.number(),
        run.ran_at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into checkpoint_run (run_id, checkpoint, entity_id, period, ran_at, read_at) values ($1, $2, $3, $4, $5, $6)",
        run.run_id.0,
        run.place.checkpoint.number(),
        run.place.entity.0,
        run.place.period.to_string(),
        run.ran_at,
        run.read_at
    )
    .execute(&mut *conn)
    .await?;
    let text = |of: fn(&Cell) -> String| cells.iter().map(of).collect::<Vec<String>>();
    let number = |of: fn(&Cell) -> i64| cells.iter().map(of).collect::<Vec<i64>>();
    let money = |of: fn(&Cell) -> Decimal| cells.iter().map(of).collect::<Vec<Decimal>>();
    sqlx::query!(
        "insert into checkpoint_cell (run_id, batch_id, currency, side, left_count, left_amount, left_tax, right_count, right_amount, right_tax,
            timing_count, timing_amount, unreconciled_count, unreconciled_amount)
        select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::numeric[], $7::numeric[], $8::bigint[], $9::numeric[],
            $10::numeric[], $11::bigint[], $12::numeric[], $13::bigint[], $14::numeric[])",
        run.run_id.0,
        &cells.iter().map(|c| c.batch_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<uuid::Uuid>],
        &text(|c| c.currency.to_string()),
        &text(|c| c.side.to_string()),
        &number(|c| c.left.count),
        &money(|c| c.left.amount),
        &money(|c| c.left.tax),
        &number(|c| c.right.count),
        &money(|c| c.right.amount),
        &money(|c| c.right.tax),
        &number(|c| c.timing.0),
        &money(|c| c.timing.1),
        &number(|c| c.unreconciled.0),
        &money(|c| c.unreconciled.1)
    )
    .execute(conn)
    .await?;
    Ok(())
}
