//! Checkpoint 3: invoices and credit memos issued against the ERP's receivables, per entity, period, currency, side and batch.
//!
//! Control totals first. A cell whose sides agree in count, amount and tax, whose documents are all confirmed and whose ERP
//! documents are all compared needs no look at rows; totals alone would let +100 and −100 hide each other. Everything else is
//! compared row by row, in the database, and only what differs is looked at here. A period that was never read back is not
//! assessed: there is no run.

mod compare;

use crate::{Context, retry::transaction};
use domain::{
    checkpoint::{BreakKind, ControlTotal},
    id::{BatchId, BreakId, CheckpointRunId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    stage::{Side, Stage},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Conn,
    reconciliation::{self, BreakChanges, Cell, Found, Run},
};
use uuid::Uuid;

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    pub cells: Vec<Cell>,
    pub breaks: BreakChanges,
}

/// Compares one entity and period and writes the run. `None`: the period was never read back.
pub async fn run(cx: &Context, entity: EntityId, period: AccountingPeriod) -> store::Result<Option<Reconciled>> {
    transaction!(&cx.pool, |tx| {
        reconciliation::one_snapshot(tx).await?;
        run_in(cx, tx, entity, period).await
    })
}

async fn run_in(cx: &Context, tx: &mut Conn, entity: EntityId, period: AccountingPeriod) -> store::Result<Option<Reconciled>> {
    let Some(read_at) = reconciliation::read_at(tx, entity, period).await? else { return Ok(None) };
    let now = cx.clock.now();
    let mut sides = Sides::load(tx, entity, period).await?;
    let to_descend: Vec<Currency> = sides.to_descend().into_iter().collect();
    let found = if to_descend.is_empty() {
        Vec::new()
    } else {
        let left = reconciliation::left_differences(tx, entity, period, &to_descend).await?;
        let right = reconciliation::right_differences(tx, entity, period, &to_descend).await?;
        compare::breaks(&compare::Place { entity, period, now }, &left, &right)
    };
    let ids: Vec<BreakId> = found.iter().map(|_| BreakId(Uuid::now_v7())).collect();
    let breaks = reconciliation::put_breaks(tx, entity, period, &found, &ids, now).await?;
    sides.explain(&found);
    let cells: Vec<Cell> = sides.cells.into_values().collect();
    let run = Run { run_id: CheckpointRunId(Uuid::now_v7()), entity, period, ran_at: now, read_at };
    reconciliation::insert_run(tx, run, &cells).await?;
    Ok(Some(Reconciled { cells, breaks }))
}

/// Debits and credits of a currency, by the batch that brought them; none for what no batch of ours did.
type CellKey = (Currency, Side, Option<BatchId>);

/// Both sides in control totals, with what the totals can't say.
#[derive(Default)]
struct Sides {
    cells: BTreeMap<CellKey, Cell>,
    /// Currencies with documents that are not confirmed, ERP documents that were not compared, or open breaks.
    unsettled: BTreeSet<Currency>,
}

impl Sides {
    async fn load(tx: &mut Conn, entity: EntityId, period: AccountingPeriod) -> store::Result<Self> {
        let mut sides = Self::default();
        for row in reconciliation::left_totals(tx, entity, period).await?.into_iter().filter(|row| row.stage.is_issued()) {
            let Some(side) = row.kind.side() else { continue };
            add(&mut sides.cell((row.currency, side, Some(row.batch_id))).left, row.total);
            if row.stage != Stage::Confirmed {
                sides.unsettled.insert(row.currency);
            }
        }
        for (batch, currency, kind, total) in reconciliation::excused_totals(tx, entity, period).await? {
            let Some(side) = kind.side() else { continue };
            let left = &mut sides.cell((currency, side, Some(batch))).left;
            *left = ControlTotal { count: left.count - total.count, amount: left.amount - total.amount, tax: left.tax - total.tax };
        }
        for row in reconciliation::right_totals(tx, entity, period).await? {
            let Some(side) = row.kind.side() else { continue };
            add(&mut sides.cell((row.currency, side, row.batch_id)).right, row.total);
            if row.unchecked > 0 {
                sides.unsettled.insert(row.currency);
            }
        }
        sides.unsettled.extend(reconciliation::currencies_of_open_breaks(tx, entity, period).await?);
        Ok(sides)
    }

    fn cell(&mut self, (currency, side, batch_id): CellKey) -> &mut Cell {
        self.cells.entry((currency, side, batch_id)).or_insert_with(|| Cell {
            batch_id,
            currency,
            side,
            left: ControlTotal::default(),
            right: ControlTotal::default(),
            timing: (0, Decimal::ZERO),
            unreconciled: (0, Decimal::ZERO),
        })
    }

    fn to_descend(&self) -> BTreeSet<Currency> {
        let unequal = self.cells.values().filter(|cell| cell.left != cell.right).map(|cell| cell.currency);
        unequal.chain(self.unsettled.iter().copied()).collect()
    }

    /// Differences are added up absolutely: what nets to zero is still there.
    fn explain(&mut self, found: &[Found]) {
        for item in found {
            let cell = self.cell((item.currency, item.side, item.batch_id));
            let sum = if item.kind == BreakKind::Timing { &mut cell.timing } else { &mut cell.unreconciled };
            *sum = (sum.0 + 1, sum.1 + item.difference);
        }
    }
}

fn add(total: &mut ControlTotal, more: ControlTotal) {
    *total = ControlTotal { count: total.count + more.count, amount: total.amount + more.amount, tax: total.tax + more.tax };
}
