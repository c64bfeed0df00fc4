//! Checkpoints: one run for every hand-off. A checkpoint is two functions: its sides in control totals, and the rows that differ, each with
//! what is so in words. Totals are compared first; only currencies that differ or are unsettled are looked at row by row, in the database.
//! Without data there is no run: not assessed, and never a tie.

mod issued;
mod settled;

use crate::{Context, retry::transaction, workbench::WorkError};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::Actor,
    checkpoint::{BreakKind, Checkpoint, ControlTotal},
    id::{BatchId, BreakId, CheckpointRunId, EntityId},
    money::{Currency, Money, grouped},
    period::AccountingPeriod,
    stage::Side,
};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Conn,
    access::audit::{self, AuditEntry},
    reconciliation::{self, BreakChanges, Cell, Found, Place, Run},
};
use uuid::Uuid;

/// A year.
const LONGEST_HOURS: i32 = 8760;
/// What was learned holds for so long.
const LEARNED_FOR: TimeDelta = TimeDelta::hours(20);

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    pub cells: Vec<Cell>,
    pub breaks: BreakChanges,
}

/// Compares one entity and period at a checkpoint and writes the run. `None`: there is nothing to compare yet.
pub async fn run(cx: &Context, checkpoint: Checkpoint, entity: EntityId, period: AccountingPeriod) -> store::Result<Option<Reconciled>> {
    let place = Place { checkpoint, entity, period };
    transaction!(&cx.pool, |tx| {
        reconciliation::one_snapshot(tx).await?;
        run_in(cx, tx, place).await
    })
}

/// Learns once a day how long is normal at an entity's checkpoints.
pub async fn learn(cx: &Context, entity: EntityId) -> store::Result<()> {
    let (mut conn, now) = (cx.pool.acquire().await?, cx.clock.now());
    if reconciliation::timing::learned_since(&mut conn, entity, now - LEARNED_FOR).await? {
        return Ok(());
    }
    reconciliation::timing::learn(&mut conn, entity, now).await?;
    Ok(())
}

/// Sets the longest that something may be on its way at a checkpoint of an entity, whatever was learned.
pub async fn limit_timing(cx: &Context, actor: &Actor, entity: EntityId, checkpoint: Checkpoint, hours: i32) -> Result<(), WorkError> {
    if !(1..=LONGEST_HOURS).contains(&hours) {
        return Err(WorkError::invalid("hours", format!("The longest time is 1 to {LONGEST_HOURS} hours; {hours} is not.")));
    }
    let (at, by) = (cx.clock.now(), actor.to_string());
    transaction!(&cx.pool, |tx| {
        let before = reconciliation::timing::set_limit(tx, entity, checkpoint, hours, &by, at).await?;
        let entry = AuditEntry {
            at,
            actor: actor.clone(),
            action: "timing.limit",
            subject: format!("checkpoint:{checkpoint}"),
            entity_id: Some(entity),
            before: before.map(|hours| json!({ "hours": hours })),
            after: Some(json!({ "hours": hours })),
        };
        audit::append(tx, &entry).await?;
        Ok(())
    })
    .map_err(WorkError::from)
}

/// Nothing brings usage, ratings or general ledger balances here yet: those three are never assessed.
async fn sides(tx: &mut Conn, place: Place) -> store::Result<Option<(DateTime<Utc>, Sides)>> {
    match place.checkpoint {
        Checkpoint::Receivables => issued::sides(tx, place).await,
        Checkpoint::Cash => settled::sides(tx, place).await,
        Checkpoint::Usage | Checkpoint::Billing | Checkpoint::Ledger => Ok(None),
    }
}

async fn differences(tx: &mut Conn, place: Place, currencies: &[Currency], now: DateTime<Utc>) -> store::Result<Vec<Found>> {
    match place.checkpoint {
        Checkpoint::Receivables => issued::differences(tx, place, currencies, now).await,
        Checkpoint::Cash => settled::differences(tx, place, currencies, now).await,
        Checkpoint::Usage | Checkpoint::Billing | Checkpoint::Ledger => Ok(Vec::new()),
    }
}

async fn run_in(cx: &Context, tx: &mut Conn, place: Place) -> store::Result<Option<Reconciled>> {
    let Some((read_at, mut sides)) = sides(tx, place).await? else { return Ok(None) };
    let now = cx.clock.now();
    sides.unsettled.extend(reconciliation::currencies_of_open_breaks(tx, place).await?);
    let to_descend: Vec<Currency> = sides.to_descend().into_iter().collect();
    let found = if to_descend.is_empty() { Vec::new() } else { differences(tx, place, &to_descend, now).await? };
    let ids: Vec<BreakId> = found.iter().map(|_| BreakId(Uuid::now_v7())).collect();
    let breaks = reconciliation::put_breaks(tx, place, &found, &ids, now).await?;
    sides.explain(&found);
    let cells: Vec<Cell> = sides.cells.into_values().collect();
    reconciliation::insert_run(tx, Run { run_id: CheckpointRunId(Uuid::now_v7()), place, ran_at: now, read_at }, &cells).await?;
    Ok(Some(Reconciled { cells, breaks }))
}

/// Debits and credits of a currency, by the batch that brought them; none for what no batch of ours did.
type CellKey = (Currency, Side, Option<BatchId>);

/// Both sides in control totals, with what the totals can't say.
#[derive(Default)]
struct Sides {
    cells: BTreeMap<CellKey, Cell>,
    /// Currencies with something that totals can't vouch for, or with open breaks.
    unsettled: BTreeSet<Currency>,
}

impl Sides {
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

/// The same item in the same cell, run after run.
fn identity(place: Place, currency: Currency, side: Side, item: &str) -> String {
    format!("{}|{}|{}|{currency}|{side}|{item}", place.checkpoint, place.entity, place.period)
}

/// As the currency writes it; an ERP may hold more digits than it should.
fn money(amount: Decimal, currency: Currency) -> String {
    Money::new(amount, currency).map_or_else(|_| format!("{} {currency}", grouped(amount.normalize())), |money| money.to_string())
}
