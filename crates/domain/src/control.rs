//! Control totals of a batch before its first send: what the manifest announced, less rejected rows, must be what was mapped for
//! the ERP and what was set aside. Count, amount and tax, and a hash total of what identifies and values each document.

use crate::{
    id::DocumentId,
    stage::{DocumentKind, Stage},
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One currency and kind of a batch. Amounts are gross, never negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotal {
    pub currency: String,
    pub kind: DocumentKind,
    /// By the manifest, less rejected rows.
    pub announced_count: i64,
    pub announced_amount: Decimal,
    pub announced_tax: Decimal,
    /// Not sent when the totals were compared: in exception, held, superseded.
    pub aside_count: i64,
    pub aside_amount: Decimal,
    pub aside_tax: Decimal,
    /// As mapped for the ERP.
    pub to_send_count: i64,
    pub to_send_amount: Decimal,
    pub to_send_tax: Decimal,
    /// Whether the hash totals of what was issued and of what was mapped agree.
    pub hash_ties: bool,
}

impl ControlTotal {
    pub fn ties(&self) -> bool {
        self.hash_ties
            && self.announced_count == self.aside_count + self.to_send_count
            && self.announced_amount == self.aside_amount + self.to_send_amount
            && self.announced_tax == self.aside_tax + self.to_send_tax
    }
}

/// A document that makes the totals differ: what was issued beside what was mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlRow {
    pub document_id: DocumentId,
    pub number: String,
    pub stage: Stage,
    pub currency: String,
    pub amount: Decimal,
    pub tax: Decimal,
    pub mapped_currency: Option<String>,
    pub mapped_amount: Option<Decimal>,
    pub mapped_tax: Option<Decimal>,
}

/// A batch's comparison before its first send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchControl {
    /// The totals differ: nothing of the batch is sent.
    pub stopped: bool,
    pub compared_at: DateTime<Utc>,
    pub totals: Vec<ControlTotal>,
    /// The documents behind a difference, the first ones.
    pub rows: Vec<ControlRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_to_tie_by_itself() {
        let total = ControlTotal {
            currency: "EUR".into(),
            kind: DocumentKind::Invoice,
            announced_count: 3,
            announced_amount: 300.into(),
            announced_tax: 30.into(),
            aside_count: 1,
            aside_amount: 100.into(),
            aside_tax: 10.into(),
            to_send_count: 2,
            to_send_amount: 200.into(),
            to_send_tax: 20.into(),
            hash_ties: true,
        };
        assert!(total.ties());
        assert!(!ControlTotal { to_send_count: 1, ..total.clone() }.ties());
        assert!(!ControlTotal { to_send_amount: 201.into(), ..total.clone() }.ties());
        assert!(!ControlTotal { aside_tax: 9.into(), ..total.clone() }.ties());
        assert!(!ControlTotal { hash_ties: false, ..total }.ties(), "two documents that changed places");
    }
}
