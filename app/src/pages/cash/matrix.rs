//! Cells of an aging as rows of an entity and currency. No row adds two currencies.

use domain::{
    receivable::{AgeBand, AgingCell, OpenStatus},
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// All cells of one entity (or of all) in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgingRow {
    /// Empty: of all entities.
    pub entity: String,
    pub currency: String,
    pub cells: Vec<AgingCell>,
}

impl AgingRow {
    /// What is open of a kind, within these statuses and bands.
    pub fn open(&self, kind: DocumentKind, statuses: &[OpenStatus], bands: &[AgeBand]) -> Decimal {
        self.of(kind, statuses, bands).map(|cell| cell.open).sum()
    }

    pub fn count(&self, kind: DocumentKind, statuses: &[OpenStatus]) -> i64 {
        self.of(kind, statuses, AgeBand::ALL).map(|cell| cell.count).sum()
    }

    fn of<'a>(&'a self, kind: DocumentKind, statuses: &'a [OpenStatus], bands: &'a [AgeBand]) -> impl Iterator<Item = &'a AgingCell> {
        self.cells.iter().filter(move |cell| cell.kind == kind && statuses.contains(&cell.status) && bands.contains(&cell.band))
    }
}

/// One row per entity and currency, in the order of the cells.
pub fn rows(cells: Vec<AgingCell>) -> Vec<AgingRow> {
    let mut rows: Vec<AgingRow> = Vec::new();
    for cell in cells {
        match rows.iter_mut().find(|row| row.entity == cell.entity_code && row.currency == cell.currency) {
            Some(row) => row.cells.push(cell),
            None => rows.push(AgingRow { entity: cell.entity_code.clone(), currency: cell.currency.clone(), cells: vec![cell] }),
        }
    }
    rows
}

/// The same over all entities, per currency; none where a single entity says it already.
pub fn totals(rows: &[AgingRow]) -> Vec<AgingRow> {
    let is_one = rows.iter().all(|row| row.entity == rows[0].entity);
    let mut sums: Vec<AgingRow> = Vec::new();
    for row in rows.iter().filter(|_| !is_one) {
        match sums.iter_mut().find(|sum| sum.currency == row.currency) {
            Some(sum) => sum.cells.extend(row.cells.iter().cloned()),
            None => sums.push(AgingRow { entity: String::new(), ..row.clone() }),
        }
    }
    sums.sort_by(|left, right| left.currency.cmp(&right.currency));
    sums
}

#[cfg(test)]
mod tests {
    use super::{super::tests::cell, *};
    use DocumentKind::Payment;
    use OpenStatus::{Open, Unidentified};

    #[test]
    fn rows_and_totals_never_add_two_currencies() {
        let cells = vec![
            cell("DE", "EUR", Payment, Open, AgeBand::To30, 1),
            cell("DE", "EUR", Payment, Unidentified, AgeBand::Over90, 2),
            cell("DE", "USD", Payment, Open, AgeBand::To30, 4),
            cell("UK", "EUR", Payment, Open, AgeBand::To30, 8),
        ];
        let rows = rows(cells);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].open(Payment, &[Open], AgeBand::ALL), 1.into());
        let sums = totals(&rows);
        let open = |row: &AgingRow| row.open(Payment, OpenStatus::ALL, AgeBand::ALL);
        assert_eq!(sums.iter().map(|row| (row.currency.as_str(), open(row))).collect::<Vec<_>>(), [("EUR", 11.into()), ("USD", 4.into())]);
        assert_eq!(totals(&rows[..2]), [], "one entity is its own total");
    }
}
