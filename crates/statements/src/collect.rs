//! A whole file in memory, and as JSON.

use crate::{
    currency::CurrencyCode,
    fault::{ReadError, Remark},
    format::Format,
    model::{Balance, Event, Line, StatementFoot, StatementHead},
    read::read,
};
use rust_decimal::Decimal;
use serde::Serialize;
use std::io::BufRead;

/// What a file says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BankFile {
    pub statements: Vec<Statement>,
    /// Of the file, outside of any statement.
    pub remarks: Vec<Remark>,
}

/// A statement with its lines; the fields are those of [`StatementHead`] and [`StatementFoot`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statement {
    pub format: Format,
    pub line: u64,
    pub account: String,
    pub currency: CurrencyCode,
    pub reference: Option<String>,
    pub sequence: Option<u64>,
    pub page: Option<u64>,
    pub opening: Option<Balance>,
    pub closing: Option<Balance>,
    pub available: Option<Balance>,
    /// `None`: nothing can be said.
    pub balanced: Option<bool>,
    #[serde(with = "rust_decimal::serde::str_option")]
    pub difference: Option<Decimal>,
    /// Of the booked lines.
    #[serde(with = "rust_decimal::serde::str")]
    pub sum: Decimal,
    pub information: Option<String>,
    pub lines: Vec<Line>,
    pub remarks: Vec<Remark>,
}

impl Statement {
    fn new(head: StatementHead) -> Self {
        Self {
            format: head.format,
            line: head.line,
            account: head.account,
            currency: head.currency,
            reference: head.reference,
            sequence: head.sequence,
            page: head.page,
            opening: head.opening,
            closing: None,
            available: None,
            balanced: None,
            difference: None,
            sum: Decimal::ZERO,
            information: None,
            lines: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn close(mut self, foot: StatementFoot) -> Self {
        self.opening = foot.opening;
        self.closing = foot.closing;
        self.available = foot.available;
        self.balanced = foot.proof.balanced();
        self.difference = foot.proof.difference();
        self.sum = foot.sum;
        self.information = foot.information;
        self
    }
}

/// Reads a file of any format that names itself into memory.
///
/// # Errors
/// The file is refused, or cannot be read.
pub fn read_all(input: impl BufRead + Send) -> Result<BankFile, ReadError> {
    collect(read(input)?)
}

/// Gathers the events of a reader.
///
/// # Errors
/// The first error among them.
pub fn collect(events: impl IntoIterator<Item = Result<Event, ReadError>>) -> Result<BankFile, ReadError> {
    let mut file = BankFile { statements: Vec::new(), remarks: Vec::new() };
    let mut open: Option<Statement> = None;
    for event in events {
        match (event?, &mut open) {
            (Event::Opened(head), _) => open = Some(Statement::new(head)),
            (Event::Line(line), Some(statement)) => statement.lines.push(*line),
            (Event::Remark(remark), Some(statement)) => statement.remarks.push(remark),
            (Event::Remark(remark), None) => file.remarks.push(remark),
            (Event::Closed(foot), _) => file.statements.extend(open.take().map(|statement| statement.close(foot))),
            // a reader tells lines only of an open statement
            (Event::Line(_), None) => {}
        }
    }
    Ok(file)
}
