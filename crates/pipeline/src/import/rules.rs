//! What a row must keep. A row that breaks a rule is rejected and kept; money that can't be read refuses the whole batch, because
//! then nothing can be totalled.

use super::format::{Cell, RawDocument, RawLine};
use chrono::{Datelike, NaiveDate};
use domain::{
    document::{DocumentContent, DocumentLine, Violation},
    money::{Currency, Money},
    period::AccountingPeriod,
    seal::{Canonical, Hash, content_hash},
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// Longest text of a field; the longest of the ERPs' is 300.
const TEXT_CHARS_MAX: usize = 300;
/// Longest value that is repeated in a violation.
const SHOWN_CHARS_MAX: usize = 120;
/// Decimals of quantities and unit prices.
const PRICE_DECIMALS_MAX: u32 = 12;
/// Largest version; far beyond what anybody corrects.
const VERSION_MAX: i32 = 9_999;

/// A document that was read: what stands in the books, and the rules it broke.
#[derive(Debug, Clone)]
pub struct ReadDocument {
    pub line: u32,
    pub content: DocumentContent,
    pub content_hash: Hash,
    pub violations: Vec<Violation>,
}

impl ReadDocument {
    /// The row's part in the identity of its batch: content, and what was written where it could not be read. Where it
    /// stands in the file is no part of it.
    pub fn identity(&self) -> Hash {
        if self.violations.is_empty() {
            return self.content_hash;
        }
        let row = Canonical::new("rejected row").bytes(&self.content_hash);
        self.violations.iter().fold(row, |row, broken| row.text(&broken.field).text(&broken.rule).text(&broken.value)).finish()
    }
}

/// What a file may bring; payments and applications are made here.
pub(super) fn is_billed(kind: DocumentKind) -> bool {
    matches!(kind, DocumentKind::Invoice | DocumentKind::CreditMemo)
}

pub fn violation(line: u32, field: impl Into<String>, rule: impl Into<String>, value: &str) -> Violation {
    let value = value.chars().take(SHOWN_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    Violation { line, field: field.into(), rule: rule.into(), value }
}

/// Reads a document. `period` stands in for dates that can't be read. `Err`: money that can't be read.
pub fn read(raw: &RawDocument, period: AccountingPeriod) -> Result<ReadDocument, Vec<Violation>> {
    let mut reading = Reading { line: raw.line, broken: Vec::new(), unreadable: Vec::new() };
    let kind = reading.kind(&raw.kind);
    let currency = reading.currency("currency", &raw.currency);
    let (Some(kind), Some(currency)) = (kind, currency) else { return Err(reading.unreadable) };
    let amount = reading.amount("amount", &raw.amount, currency);
    let tax = reading.amount("tax", &raw.tax, currency);
    let lines: Vec<DocumentLine> = (1..).zip(&raw.lines).map(|(ordinal, line)| reading.line(ordinal, line, currency)).collect();
    if !reading.unreadable.is_empty() {
        return Err(reading.unreadable);
    }
    reading.line = raw.line;
    for name in &raw.unknown {
        reading.breaks(name.clone(), "is not a field of the format", "");
    }
    let issue_date = reading.date("issue_date", &raw.issue_date, Some(period.last_day()), None);
    let due_default = (kind == DocumentKind::CreditMemo).then_some(issue_date);
    let due_date = reading.date("due_date", &raw.due_date, Some(issue_date), due_default);
    let posting_date = reading.date("posting_date", &raw.posting_date, Some(period.last_day()), Some(issue_date));
    let content = DocumentContent {
        kind,
        number: reading.text("number", &raw.number, true),
        version: reading.version(&raw.version),
        customer_code: reading.text("customer.code", &raw.customer_code, true),
        customer_name: reading.text("customer.name", &raw.customer_name, true),
        currency,
        amount,
        tax,
        issue_date,
        due_date,
        posting_date,
        period: AccountingPeriod::of(posting_date),
        applies_to: Some(reading.text("applies_to", &raw.applies_to, false)).filter(|number| !number.is_empty()),
        lines,
    };
    reading.agreement(&content);
    let content_hash = content_hash(&content);
    Ok(ReadDocument { line: raw.line, content, content_hash, violations: reading.broken })
}

/// A plain decimal: sign, digits, point, digits. JSON numbers may have an exponent.
pub fn decimal(cell: &Cell) -> Option<Decimal> {
    let (text, exponent) = match cell {
        Cell::Text(text) => (text.trim(), false),
        Cell::Number(text) => (text.as_str(), true),
        Cell::Missing | Cell::Other(_) => return None,
    };
    if exponent && text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if plain { Decimal::from_str_exact(text).ok() } else { None }
}

/// `2026-10-31` and nothing else.
pub fn date(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    let date = if shape { text.parse::<NaiveDate>().ok()? } else { return None };
    (date.year() >= 1900).then_some(date)
}

struct Reading {
    line: u32,
    broken: Vec<Violation>,
    unreadable: Vec<Violation>,
}

impl Reading {
    fn breaks(&mut self, field: impl Into<String>, rule: impl Into<String>, value: &str) {
        self.broken.push(violation(self.line, field, rule, value));
    }

    fn refuses(&mut self, field: impl Into<String>, rule: impl Into<String>, cell: &Cell) {
        self.unreadable.push(violation(self.line, field, rule, cell.shown()));
    }

    fn kind(&mut self, cell: &Cell) -> Option<DocumentKind> {
        let kind = cell.shown().trim().parse().ok().filter(|kind| is_billed(*kind));
        if kind.is_none() {
            self.refuses("kind", "must be invoice or credit_memo", cell);
        }
        kind
    }

    fn currency(&mut self, field: &str, cell: &Cell) -> Option<Currency> {
        let currency = cell.shown().trim().parse().ok();
        if currency.is_none() {
            self.refuses(field, "is not an ISO 4217 currency, so its money can't be read", cell);
        }
        currency
    }

    /// A signed amount of a line.
    fn money(&mut self, field: &str, cell: &Cell, currency: Currency) -> Decimal {
        let Some(amount) = decimal(cell) else {
            self.refuses(field, "is not a readable amount", cell);
            return Decimal::ZERO;
        };
        match Money::new(amount, currency) {
            Ok(money) => money.amount(),
            Err(error) => {
                self.refuses(field, format!("is not an amount in {currency}: {error}"), cell);
                Decimal::ZERO
            }
        }
    }

    /// An amount of a document; the kind says the side.
    fn amount(&mut self, field: &str, cell: &Cell, currency: Currency) -> Decimal {
        let amount = self.money(field, cell, currency);
        if amount < Decimal::ZERO {
            self.refuses(field, "must not be negative: the kind says the side", cell);
        }
        amount
    }

    fn line(&mut self, ordinal: u32, raw: &RawLine, currency: Currency) -> DocumentLine {
        self.line = raw.line;
        let path = |name: &str| format!("lines[{ordinal}].{name}");
        for name in &raw.unknown {
            self.breaks(path(name), "is not a field of the format", "");
        }
        let unit_price = decimal(&raw.unit_price);
        if unit_price.is_none() {
            self.refuses(path("unit_price"), "is not a readable amount", &raw.unit_price);
        }
        let quantity = decimal(&raw.quantity);
        if quantity.is_none() {
            self.breaks(path("quantity"), "is not a readable quantity", raw.quantity.shown());
        }
        let line = DocumentLine {
            item_code: self.text(&path("item"), &raw.item, true),
            description: self.text(&path("description"), &raw.description, false),
            quantity: quantity.unwrap_or_default().normalize(),
            unit_price: unit_price.unwrap_or_default().normalize(),
            net: self.money(&path("net"), &raw.net, currency),
            tax: self.money(&path("tax"), &raw.tax, currency),
            tax_code: self.text(&path("tax_code"), &raw.tax_code, true),
        };
        for (name, value, cell) in [("quantity", line.quantity, &raw.quantity), ("unit_price", line.unit_price, &raw.unit_price)] {
            if value.scale() > PRICE_DECIMALS_MAX {
                self.breaks(path(name), format!("must not have more than {PRICE_DECIMALS_MAX} decimals"), cell.shown());
            }
        }
        let exact = line.quantity.checked_mul(line.unit_price);
        match exact.and_then(|exact| Money::round(exact, currency).ok()) {
            Some(net) if net.amount() == line.net => {}
            // said once, where the quantity is
            _ if quantity.is_none() => {}
            Some(net) => self.breaks(path("net"), format!("must be quantity × unit price, rounded: {}", net.amount()), raw.net.shown()),
            None => self.breaks(path("net"), "quantity × unit price is out of range", raw.net.shown()),
        }
        line
    }

    /// Text of one line, trimmed. What the database can't hold is replaced.
    fn text(&mut self, field: &str, cell: &Cell, required: bool) -> String {
        let text = match cell {
            Cell::Missing => "",
            Cell::Text(text) => text.trim(),
            Cell::Number(text) | Cell::Other(text) => {
                self.breaks(field, "must be text", text);
                text
            }
        };
        if required && text.is_empty() {
            self.breaks(field, "must not be empty", text);
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            self.breaks(field, format!("must not be longer than {TEXT_CHARS_MAX} characters"), text);
        }
        if text.chars().any(char::is_control) {
            self.breaks(field, "must not hold control characters", text);
        }
        text.chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }

    fn version(&mut self, cell: &Cell) -> i32 {
        if *cell == Cell::Missing {
            return 1;
        }
        match cell.shown().trim().parse() {
            Ok(version) if (1..=VERSION_MAX).contains(&version) => version,
            _ => {
                self.breaks("version", "must be a whole number from 1", cell.shown());
                1
            }
        }
    }

    fn date(&mut self, field: &str, cell: &Cell, instead: Option<NaiveDate>, default: Option<NaiveDate>) -> NaiveDate {
        if let (Cell::Missing, Some(default)) = (cell, default) {
            return default;
        }
        date(cell.shown().trim()).unwrap_or_else(|| {
            self.breaks(field, "is not a date like 2026-10-31", cell.shown());
            instead.unwrap_or_default()
        })
    }

    /// What must agree within a document.
    fn agreement(&mut self, content: &DocumentContent) {
        if content.lines.is_empty() {
            self.breaks("lines", "must hold at least one line", "");
        }
        if content.due_date < content.issue_date {
            self.breaks("due_date", format!("must not be before the issue date {}", content.issue_date), &content.due_date.to_string());
        }
        let sum = |part: fn(&DocumentLine) -> Decimal| content.lines.iter().map(part).try_fold(Decimal::ZERO, Decimal::checked_add);
        let (net, tax) = (sum(|line| line.net), sum(|line| line.tax));
        if tax != Some(content.tax) {
            self.breaks("tax", format!("must be the sum of the lines' tax: {}", shown(tax)), &content.tax.to_string());
        }
        let gross = net.and_then(|net| net.checked_add(content.tax));
        if gross != Some(content.amount) {
            self.breaks("amount", format!("must be the sum of the lines' net plus tax: {}", shown(gross)), &content.amount.to_string());
        }
        if content.kind == DocumentKind::Invoice && content.applies_to.is_some() {
            self.breaks("applies_to", "is for credit memos", content.applies_to.as_deref().unwrap_or_default());
        }
    }
}

fn shown(amount: Option<Decimal>) -> String {
    amount.map_or_else(|| "out of range".into(), |amount| amount.to_string())
}
