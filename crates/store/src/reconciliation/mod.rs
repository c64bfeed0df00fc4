//! Checkpoint 3: what was issued against what the ERPs hold. Control totals are read first, rows only where they differ.

mod breaks;
mod read;
mod rows;
mod runs;

pub use breaks::{BreakChanges, Found, currencies_of_open_breaks, put_breaks};
pub use read::{BatchCells, aging, batch_cells, breaks, cells};
pub use rows::{LeftRow, RightRow, left_differences, right_differences};
pub use runs::{Cell, Run, insert_run};

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::ControlTotal,
    id::{BatchId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::ErpKind,
    stage::{DocumentKind, Stage},
};

/// The checkpoint that is kept here.
const CHECKPOINT: i16 = 3;

/// Makes the caller's transaction see one moment: totals and rows that belong together. Must be its first statement.
pub async fn one_snapshot(conn: &mut Conn) -> Result<()> {
    sqlx::query!("set transaction isolation level repeatable read").execute(conn).await?;
    Ok(())
}

/// When the period was last read back completely; `None`: never, so nothing can be assessed.
pub async fn read_at(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!("select finished_at from sync_state where entity_id = $1 and period = $2", entity.0, period.to_string())
        .fetch_optional(conn)
        .await?
        .flatten())
}

/// Periods of an entity that were read back at least once, newest first.
pub async fn assessable(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<AccountingPeriod>> {
    Ok(sqlx::query_scalar!(
        r#"select period as "period: AccountingPeriod" from sync_state where entity_id = $1 and finished_at is not null
        order by period desc limit $2"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The left side by batch and stage.
#[derive(Debug)]
pub struct LeftTotal {
    pub batch_id: BatchId,
    pub currency: Currency,
    pub kind: DocumentKind,
    pub stage: Stage,
    pub total: ControlTotal,
}

pub async fn left_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<LeftTotal>> {
    let rows = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", currency as "currency: Currency", kind as "kind: DocumentKind", stage as "stage: Stage",
            sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
        from stage_total where entity_id = $1 and period = $2 group by batch_id, currency, kind, stage having sum(count) <> 0"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LeftTotal {
            batch_id: row.batch_id,
            currency: row.currency,
            kind: row.kind,
            stage: row.stage,
            total: ControlTotal { count: row.count, amount: row.amount, tax: row.tax },
        })
        .collect())
}

/// What left the left side by an approved reason.
pub async fn excused_totals(
    conn: &mut Conn,
    entity: EntityId,
    period: AccountingPeriod,
) -> Result<Vec<(BatchId, Currency, DocumentKind, ControlTotal)>> {
    let rows = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", currency as "currency: Currency", kind as "kind: DocumentKind", count(*) as "count!",
            sum(amount) as "amount!", sum(tax) as "tax!"
        from document d where entity_id = $1 and stage = 'resolved' and period = $2
            and exists (select from no_posting_approved n where n.document_id = d.document_id)
        group by batch_id, currency, kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.batch_id, row.currency, row.kind, ControlTotal { count: row.count, amount: row.amount, tax: row.tax }))
        .collect())
}

/// The right side; `unchecked` counts what has not been compared with ours since it changed.
#[derive(Debug)]
pub struct RightTotal {
    /// The batch that it stands for; none when we issued no such document in this cell.
    pub batch_id: Option<BatchId>,
    pub currency: Currency,
    pub kind: ErpKind,
    pub total: ControlTotal,
    pub unchecked: i64,
}

/// What the ERP holds in its ledger. Tax that it does not carry is taken as ours: it can't differ.
pub async fn right_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<RightTotal>> {
    let rows = sqlx::query!(
        r#"select case when (d.entity_id, d.period, d.currency, d.kind) = (r.entity_id, r.period, r.currency, r.kind) then d.batch_id end
                as "batch_id: BatchId",
            r.currency as "currency: Currency", r.kind as "kind: ErpKind", count(*) as "count!", sum(r.total) as "amount!",
            sum(coalesce(r.tax, d.tax, 0)) as "tax!", count(*) filter (where r.unchecked) as "unchecked!"
        from erp_document r left join document d using (document_id)
        where r.entity_id = $1 and r.period = $2 and r.gone_at is null and r.state = 'posted' group by 1, r.currency, r.kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RightTotal {
            batch_id: row.batch_id,
            currency: row.currency,
            kind: row.kind,
            total: ControlTotal { count: row.count, amount: row.amount, tax: row.tax },
            unchecked: row.unchecked,
        })
        .collect())
}
