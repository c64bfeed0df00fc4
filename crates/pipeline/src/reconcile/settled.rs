//! Checkpoint 4: money that banks and gateways settled against the cash that was applied. Money that a person keeps on account has its
//! decision and counts as applied; what is open is inside its time as long as that bank or gateway usually takes, and a break after that.

use super::{Sides, add, identity, money};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    checkpoint::{BreakKind, Timing},
    money::Currency,
    stage::Side,
};
use rust_decimal::Decimal;
use std::collections::HashMap;
use store::{
    Conn,
    reconciliation::{
        Found, Place,
        settled::{self, SettledRow},
        timing,
    },
};

/// Until history says how long money usually waits: a week of work.
const USUAL: TimeDelta = TimeDelta::days(7);
/// A movement is a document as soon as a worker comes by.
const RECEIVED_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Both sides in control totals. `None`: neither bank nor gateway told of the period.
pub(super) async fn sides(tx: &mut Conn, place: Place) -> store::Result<Option<(DateTime<Utc>, Sides)>> {
    let Some(told_at) = settled::told_at(tx, place.entity, place.period).await? else { return Ok(None) };
    let mut sides = Sides::default();
    for row in settled::totals(tx, place.entity, place.period).await? {
        let cell = sides.cell((row.currency, row.side, row.batch_id));
        add(&mut cell.left, row.settled);
        add(&mut cell.right, row.applied);
        if row.different > 0 {
            sides.unsettled.insert(row.currency);
        }
    }
    Ok(Some((told_at, sides)))
}

/// Movements that are not applied whole.
pub(super) async fn differences(tx: &mut Conn, place: Place, currencies: &[Currency], now: DateTime<Utc>) -> store::Result<Vec<Found>> {
    let rows = settled::differences(tx, place.entity, place.period, currencies).await?;
    let compared = Compared { place, timings: timing::of(tx, place.entity, place.checkpoint).await?, now };
    Ok(rows.chunk_by(|a, b| a.movement == b.movement).filter_map(|copies| compared.of(copies)).collect())
}

struct Compared {
    place: Place,
    timings: HashMap<String, Timing>,
    now: DateTime<Utc>,
}

impl Compared {
    fn of(&self, copies: &[SettledRow]) -> Option<Found> {
        let row = copies.first()?;
        let applied: Decimal = copies.iter().map(|copy| copy.document_amount.unwrap_or_default() - copy.open.unwrap_or_default()).sum();
        let became: Decimal = copies.iter().filter_map(|copy| copy.document_amount).sum();
        let (kind, explanation, expected_by) = match copies {
            [_] => self.why(row)?,
            _ => {
                let numbers: Vec<&str> = copies.iter().filter_map(|copy| copy.number.as_deref()).collect();
                (BreakKind::Duplicate, format!("{} is {} documents: {}", row.place, copies.len(), numbers.join(", ")), None)
            }
        };
        Some(Found {
            batch_id: row.batch_id,
            currency: row.currency,
            side: row.side,
            kind,
            document_id: row.document_id,
            erp: None,
            left_amount: row.amount,
            right_amount: applied,
            difference: if kind == BreakKind::Duplicate { (became - row.amount).abs() } else { (row.amount - applied).abs() },
            explanation,
            identity: identity(self.place, row.currency, row.side, &format!("movement {}", row.movement)),
            expected_by,
        })
    }

    /// What is so, and until when it may be so.
    fn why(&self, row: &SettledRow) -> Option<(BreakKind, String, Option<DateTime<Utc>>)> {
        let Some(amount) = row.document_amount else {
            return Some(self.in_time(row, RECEIVED_WITHIN, format!("{} is no document yet", row.place)));
        };
        let number = row.number.as_deref().unwrap_or_default();
        if amount != row.amount {
            let (moved, ours) = (money(row.amount, row.currency), money(amount, row.currency));
            return Some((BreakKind::Amount, format!("{} moved {moved}, and {number} is {ours}", row.place), None));
        }
        let open = row.open.filter(|open| *open > Decimal::ZERO)?;
        let whose = if row.customer_code.as_deref() == Some("") { ", whose payer is not known," } else { "" };
        let what = match row.side {
            Side::Credit => "is not applied",
            Side::Debit => "takes nothing back yet",
        };
        let said = format!("{} of {number}{whose} {what}; it came with {}", money(open, row.currency), row.place);
        let timing = self.timings.get(&row.source).or_else(|| self.timings.get("")).copied().unwrap_or_default();
        Some(self.in_time(row, timing.allowed(USUAL), said))
    }

    fn in_time(&self, row: &SettledRow, within: TimeDelta, said: String) -> (BreakKind, String, Option<DateTime<Utc>>) {
        let by = row.told_at + within;
        let kind = if self.now < by { BreakKind::Timing } else { BreakKind::MissingRight };
        (kind, said, Some(by))
    }
}
