//! How a bank writes its table.

use crate::{currency::CurrencyCode, fault::Fault};
use chrono::format::{Item, StrftimeItems};
use serde::{Deserialize, Serialize};

/// Learned once per bank, confirmed by a person, kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Whose table it is, in the words of who confirmed it.
    pub name: String,
    pub delimiter: char,
    /// Rows in front of the header, or of the first movement where there is no header. Blank lines are no rows.
    pub rows_before_header: usize,
    /// Columns may be named only where there is a header.
    pub header: bool,
    pub columns: Columns,
    pub currency: CurrencySource,
    pub decimal_separator: char,
    pub thousands_separator: Option<char>,
    /// In the notation of `strftime`: `%d.%m.%Y`.
    pub date_format: String,
    pub order: RowOrder,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    pub booking_date: Column,
    pub value_date: Option<Column>,
    pub amount: AmountColumns,
    /// Running balance after the movement: gives opening and closing balance.
    pub balance: Option<Column>,
    /// The account that the table is of.
    pub own_account: Option<Column>,
    pub bank_reference: Option<Column>,
    pub customer_reference: Option<Column>,
    pub end_to_end_id: Option<Column>,
    pub mandate: Option<Column>,
    pub name: Option<Column>,
    pub account: Option<Column>,
    pub bank: Option<Column>,
    /// What the payer wrote; several columns become several lines.
    pub text: Vec<Column>,
    pub posting_text: Option<Column>,
}

/// By its name in the header, or by its place from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    Index(usize),
    Name(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmountColumns {
    /// One column with signs.
    Signed { column: Column, positive: SignConvention },
    /// One column for each side; either the sign is left out or a debit has it too.
    Sides { debit: Column, credit: Column },
    /// One column without signs, and one that says the side.
    Marked { column: Column, mark: Column, credit: String, debit: String },
}

/// What a positive number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignConvention {
    /// The balance grows.
    Credit,
    Debit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrencySource {
    Always(CurrencyCode),
    Column(Column),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    OldestFirst,
    NewestFirst,
}

impl ColumnProfile {
    /// What contradicts itself reads nothing right.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let fault = |field: &'static str, rule: &'static str, value: String| Err(Fault::new(0, field, rule, value));
        if Some(self.decimal_separator) == self.thousands_separator {
            return fault(
                "profile: separators",
                "decimals and thousands are parted by different characters",
                self.decimal_separator.into(),
            );
        }
        if !self.decimal_separator.is_ascii_punctuation() {
            return fault("profile: separators", "decimals are parted by a comma or a point", self.decimal_separator.into());
        }
        self.date_items()?;
        self.delimiter_byte().map(|_| ())
    }

    pub(super) fn date_items(&self) -> Result<Vec<Item<'static>>, Fault> {
        let rule = "a date format is in the notation of strftime";
        let items = StrftimeItems::new(&self.date_format).parse_to_owned();
        items.map_err(|_| Fault::new(0, "profile: date format", rule, &self.date_format))
    }

    pub(super) fn delimiter_byte(&self) -> Result<u8, Fault> {
        let delimiter = u8::try_from(self.delimiter).ok().filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r'));
        delimiter.ok_or_else(|| Fault::new(0, "profile: delimiter", "a delimiter is one ASCII character", self.delimiter.to_string()))
    }
}
