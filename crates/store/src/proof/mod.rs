//! The queries of `verify`: independent sources set against each other, from raw rows. Each answers how many rows it looked at and
//! which is the first that differs. Call them in one repeatable-read snapshot.

mod content;
mod figures;
mod gateways;
mod movements;
mod receivables;
mod roll_forward;
mod rules;
mod sealed;

pub use content::content;
pub use figures::{
    batch_count, cause_flow, exception_clock, exception_totals, lines, manifest, period_totals, stage_totals, stage_totals_of_documents,
};
pub use gateways::{gateway_totals, movements_at_gateways, payouts};
pub use movements::{leases, legal_moves, movements, postings, stages};
pub use receivables::{allocations, applications, open_items, open_totals, payments, refunds, transfers};
pub use roll_forward::{roll_forward, transfer_totals, write_off_totals};
pub use rules::rule_tables;
pub use sealed::{Unanchored, outcomes, seal_chains, unanchored};

use crate::{Conn, Result};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub rows: i64,
    /// The first row that differs, in words.
    pub first_difference: Option<String>,
}

impl Compared {
    fn new(rows: Option<i64>, first_difference: Option<String>) -> Self {
        Self { rows: rows.unwrap_or_default(), first_difference }
    }
}

/// Gives all that follows in the caller's transaction one snapshot. The first statement of the transaction.
pub async fn take_snapshot(conn: &mut Conn) -> Result<()> {
    sqlx::raw_sql("set transaction isolation level repeatable read, read only").execute(conn).await?;
    Ok(())
}
