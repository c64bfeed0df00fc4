//! Checkpoints: what the two sides of a hand-off come to, and what is kept of their comparison. Control totals are read first, rows only
//! where they differ.

mod breaks;
pub mod issued;
mod read;
mod runs;
pub mod settled;
pub mod timing;

pub use breaks::{BreakChanges, Found, currencies_of_open_breaks, put_breaks};
pub use read::{BatchCells, aging, batch_cells, breaks, cells, states};
pub use runs::{Cell, Run, insert_run};

use crate::{Conn, Result};
use domain::{checkpoint::Checkpoint, id::EntityId, period::AccountingPeriod};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub checkpoint: Checkpoint,
    pub entity: EntityId,
    pub period: AccountingPeriod,
}

/// Makes the caller's transaction see one moment: totals and rows that belong together. Must be its first statement.
pub async fn one_snapshot(conn: &mut Conn) -> Result<()> {
    sqlx::query!("set transaction isolation level repeatable read").execute(conn).await?;
    Ok(())
}
