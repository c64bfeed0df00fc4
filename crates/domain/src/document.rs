//! The canonical document: an invoice or a credit memo as the source issued it. Its content never changes;
//! a correction is a new version.

use crate::{money::Currency, period::AccountingPeriod, stage::DocumentKind};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything about a document that is fixed for ever when it comes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentContent {
    pub kind: DocumentKind,
    pub number: String,
    pub version: i32,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: Currency,
    /// Gross: net plus tax. Never negative; the kind says the side.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
    pub issue_date: NaiveDate,
    pub due_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub period: AccountingPeriod,
    /// The number of the invoice that a credit memo corrects.
    pub applies_to: Option<String>,
    pub lines: Vec<DocumentLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLine {
    pub item_code: String,
    pub description: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub quantity: Decimal,
    /// Unrounded; up to 12 decimals.
    #[serde(with = "rust_decimal::serde::str")]
    pub unit_price: Decimal,
    /// Rounded to the currency.
    #[serde(with = "rust_decimal::serde::str")]
    pub net: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
    pub tax_code: String,
}

/// A rule that a row of a batch broke: where, what, and which value was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Line of the file (CSV) or ordinal of the document (JSON), from 1.
    pub line: u32,
    pub field: String,
    pub rule: String,
    pub value: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, {}: {} (got {:?})", self.line, self.field, self.rule, self.value)
    }
}
