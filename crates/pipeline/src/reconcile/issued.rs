//! Checkpoint 3: invoices, credit memos and money against the ERP's receivables. A cell whose sides agree in count, amount and tax, whose
//! documents are all confirmed and whose ERP documents are all compared needs no look at rows; totals alone would let +100 and −100 hide each
//! other. What differs is made into breaks: each with its kind, its money in its own cell, and a sentence that says what is so.

use super::{Sides, add, identity, money};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    checkpoint::{BreakKind, ControlTotal},
    money::Currency,
    posting::{ErpKind, ErpState},
    stage::{Side, Stage},
};
use rust_decimal::Decimal;
use store::{
    Conn,
    reconciliation::{
        Found, Place,
        issued::{self, LeftRow, RightRow},
        timing,
    },
};

/// How long a document may be on its way, and an accepted one unseen, before its absence is an error, until history says how long is
/// normal. Longer than an ERP's nightly maintenance, short enough to show the next morning.
const USUAL: TimeDelta = TimeDelta::hours(24);

/// Both sides in control totals. `None`: the period was never read back, so nothing can be assessed.
pub(super) async fn sides(tx: &mut Conn, place: Place) -> store::Result<Option<(DateTime<Utc>, Sides)>> {
    let Place { entity, period, .. } = place;
    let Some(read_at) = issued::read_at(tx, entity, period).await? else { return Ok(None) };
    let mut sides = Sides::default();
    for row in issued::left_totals(tx, entity, period).await?.into_iter().filter(|row| row.stage.is_issued()) {
        let Some(side) = row.kind.side() else { continue };
        add(&mut sides.cell((row.currency, side, Some(row.batch_id))).left, row.total);
        if row.stage != Stage::Confirmed {
            sides.unsettled.insert(row.currency);
        }
    }
    for (batch, currency, kind, total) in issued::excused_totals(tx, entity, period).await? {
        let Some(side) = kind.side() else { continue };
        let left = &mut sides.cell((currency, side, Some(batch))).left;
        *left = ControlTotal { count: left.count - total.count, amount: left.amount - total.amount, tax: left.tax - total.tax };
    }
    for row in issued::right_totals(tx, entity, period).await? {
        let Some(side) = row.kind.side() else { continue };
        add(&mut sides.cell((row.currency, side, row.batch_id)).right, row.total);
        if row.unchecked > 0 {
            sides.unsettled.insert(row.currency);
        }
    }
    Ok(Some((read_at, sides)))
}

/// Rows that differ, each once on its side.
pub(super) async fn differences(tx: &mut Conn, place: Place, currencies: &[Currency], now: DateTime<Utc>) -> store::Result<Vec<Found>> {
    let left = issued::left_differences(tx, place.entity, place.period, currencies).await?;
    let right = issued::right_differences(tx, place.entity, place.period, currencies).await?;
    // of an entity that had several connections the slowest
    let timings = timing::of(tx, place.entity, place.checkpoint).await?;
    let within = timings.into_values().max_by_key(|timing| timing.learned_hours).unwrap_or_default().allowed(USUAL);
    let compared = Compared { place, within, now };
    let mut found: Vec<Found> =
        left.chunk_by(|a, b| a.document_id == b.document_id).filter_map(|copies| compared.of_issued(copies)).collect();
    found.extend(right.iter().filter_map(|row| compared.of_erp(row)));
    Ok(found)
}

/// What is compared, when, and how long is normal.
struct Compared {
    place: Place,
    within: TimeDelta,
    now: DateTime<Utc>,
}

impl Compared {
    /// One issued document against its copies in the ERPs' ledgers.
    fn of_issued(&self, copies: &[LeftRow]) -> Option<Found> {
        let ours = copies.first()?;
        // an application moves nothing into or out of AR
        let side = ours.kind.side()?;
        let home: Vec<&LeftRow> = copies.iter().filter(|row| self.is_home(row)).collect();
        let first = home.first().copied().unwrap_or(ours);
        let right: Decimal = home.iter().filter_map(|row| row.erp_total).sum();
        let mut found = Found {
            batch_id: Some(ours.batch_id),
            currency: ours.currency,
            side,
            kind: BreakKind::Amount,
            document_id: Some(ours.document_id),
            erp: first.connection_id.zip(first.erp_id.clone()),
            left_amount: ours.amount,
            right_amount: right,
            difference: (ours.amount - right).abs(),
            explanation: String::new(),
            identity: self.identity(ours.currency, side, &format!("document {}", ours.document_id)),
            expected_by: None,
        };
        match home.as_slice() {
            [] if ours.erp_id.is_none() => self.missing(ours, &mut found),
            [] => (found.kind, found.explanation) = self.elsewhere(ours),
            [one] if one.erp_total != Some(ours.amount) => {
                found.explanation = format!(
                    "{} is {} with us and {} in the ERP",
                    name(ours),
                    money(ours.amount, ours.currency),
                    money(right, ours.currency)
                );
            }
            // the other copies are in other cells and are breaks there
            [one] => {
                let tax = one.erp_tax.filter(|tax| *tax != ours.tax)?;
                found.kind = BreakKind::Tax;
                (found.left_amount, found.right_amount, found.difference) = (ours.tax, tax, (ours.tax - tax).abs());
                let (with_us, theirs) = (money(ours.tax, ours.currency), money(tax, ours.currency));
                found.explanation = format!("the tax of {} is {with_us} with us and {theirs} in the ERP", name(ours));
            }
            more => {
                found.kind = BreakKind::Duplicate;
                let numbers = more.iter().filter_map(|row| row.erp_number.as_deref()).collect::<Vec<_>>().join(", ");
                found.explanation = format!("{} is {} times in the ERP: {numbers}", name(ours), more.len());
            }
        }
        Some(found)
    }

    fn is_home(&self, row: &LeftRow) -> bool {
        row.erp_entity == Some(self.place.entity)
            && row.erp_period == Some(self.place.period)
            && row.erp_currency == Some(row.currency)
            && row.erp_kind == Some(ErpKind::from(row.kind))
    }

    /// Issued, and in no ERP's ledger: on its way while it may be, missing after that.
    fn missing(&self, ours: &LeftRow, found: &mut Found) {
        let expected_by = match ours.stage {
            Stage::Finalized | Stage::Held | Stage::Queued | Stage::InFlight | Stage::Unknown => Some(ours.received_at + self.within),
            Stage::Posted if ours.shadow_state.is_none() => Some(ours.stage_at + self.within),
            _ => None,
        };
        if let Some(by) = expected_by.filter(|by| self.now < *by) {
            found.kind = BreakKind::Timing;
            found.expected_by = Some(by);
            found.explanation =
                format!("{} is {}; expected in the ERP by {} UTC", name(ours), ours.stage.label(), by.format("%Y-%m-%d %H:%M"));
            return;
        }
        found.kind = BreakKind::MissingRight;
        found.expected_by = expected_by;
        let why = match (ours.shadow_gone, ours.shadow_state, ours.stage) {
            (Some(true), ..) => "was in the ERP and is not there any more".to_owned(),
            (_, Some(ErpState::Voided), _) => "was voided in the ERP".to_owned(),
            (_, Some(ErpState::Draft), _) => "is in the ERP as a draft, not in its ledger".to_owned(),
            (.., Stage::Resolved) => "was resolved, and no equal document was read back yet".to_owned(),
            (.., Stage::Posted) => "was accepted by the ERP and can't be read back".to_owned(),
            (.., stage) => format!("is not in the ERP; it is {}", stage.label()),
        };
        found.explanation = format!("{} {why}", name(ours));
    }

    /// The ERP holds it, but not in this cell: there it is a break of its own.
    fn elsewhere(&self, ours: &LeftRow) -> (BreakKind, String) {
        let number = ours.erp_number.as_deref().unwrap_or("the ERP's document");
        if ours.erp_entity != Some(self.place.entity) {
            return (BreakKind::MissingRight, format!("{} stands in another legal entity of the ERP, as {number}", name(ours)));
        }
        if ours.erp_kind != Some(ErpKind::from(ours.kind)) {
            let kind = ours.erp_kind.map(kind_label).unwrap_or_default();
            return (BreakKind::MissingRight, format!("{} is {kind} {number} in the ERP", name(ours)));
        }
        if let Some(currency) = ours.erp_currency.filter(|currency| *currency != ours.currency) {
            return (BreakKind::Currency, format!("{} is in {} with us and in {currency} in the ERP", name(ours), ours.currency));
        }
        let period = ours.erp_period.map(|period| period.to_string()).unwrap_or_default();
        let date = ours.erp_posting_date.map(|date| date.to_string()).unwrap_or_default();
        (BreakKind::Period, format!("{} belongs to {} and was posted to {period} in the ERP, on {date}", name(ours), self.place.period))
    }

    /// An ERP document that nothing issued in this cell stands against.
    fn of_erp(&self, row: &RightRow) -> Option<Found> {
        let (kind, explanation) = self.why_unmatched(row);
        let side = row.kind.side()?;
        Some(Found {
            batch_id: row.batch_id,
            currency: row.currency,
            side,
            kind,
            document_id: row.document_id,
            erp: Some((row.connection_id, row.erp_id.clone())),
            left_amount: Decimal::ZERO,
            right_amount: row.total,
            difference: row.total.abs(),
            explanation,
            identity: self.identity(row.currency, side, &format!("erp {} {}", row.connection_id, row.erp_id)),
            expected_by: None,
        })
    }

    fn why_unmatched(&self, row: &RightRow) -> (BreakKind, String) {
        let theirs = format!("{} {}", kind_label(row.kind), row.erp_number);
        let ours = row.number.as_deref().unwrap_or_default();
        if row.document_id.is_none() {
            let why = if row.posting_key.is_some() {
                "carries our key, but stands for no document that we issued"
            } else {
                "was not issued by us"
            };
            return (BreakKind::MissingLeft, format!("{theirs} in the ERP {why}"));
        }
        if row.copies > 1 {
            return (BreakKind::Duplicate, format!("{theirs} is one of {} documents in the ERP for {ours}", row.copies));
        }
        match (row.document_period, row.document_currency) {
            (Some(period), _) if period != self.place.period => {
                (BreakKind::Period, format!("{theirs} was posted to {} in the ERP; our {ours} belongs to {period}", self.place.period))
            }
            (_, Some(currency)) if row.is_home && currency != row.currency => {
                (BreakKind::Currency, format!("{theirs} is in {} in the ERP; our {ours} is in {currency}", row.currency))
            }
            _ => {
                let entity = row.document_entity.as_deref().unwrap_or_default();
                (BreakKind::MissingLeft, format!("{theirs} stands here for {ours} of {entity}, which is another document"))
            }
        }
    }

    fn identity(&self, currency: Currency, side: Side, item: &str) -> String {
        identity(self.place, currency, side, item)
    }
}

fn name(ours: &LeftRow) -> String {
    format!("{} {}", ours.kind.label().to_lowercase(), ours.number)
}

fn kind_label(kind: ErpKind) -> &'static str {
    match kind {
        ErpKind::Invoice => "invoice",
        ErpKind::CreditMemo => "credit memo",
        ErpKind::JournalDebit => "journal (debit)",
        ErpKind::JournalCredit => "journal (credit)",
        ErpKind::Payment => "payment",
        ErpKind::MoneyBack => "money that went back",
        ErpKind::CashApplication => "cash application",
        ErpKind::ApplicationReversal => "application reversal",
    }
}
