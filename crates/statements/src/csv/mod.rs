//! Tables of banks, by a profile that was learned once per bank and confirmed by a person.

pub mod profile;
pub mod propose;
mod row;
mod vocabulary;

use crate::{
    currency::CurrencyCode,
    fault::{Fault, ReadError, Remark},
    format::Format,
    input::{Guard, PIECE_RULE, decode, is_too_large},
    model::{Balance, BalanceKind, Event, Line, StatementFoot, StatementHead},
    read::Source,
    tally::Tally,
};
use ::csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use profile::{ColumnProfile, RowOrder};
use row::{Indexes, Last, Row};
use rust_decimal::Decimal;
use std::{collections::VecDeque, io::BufRead};

pub(crate) struct Csv<R> {
    table: Reader<Lent<R>>,
    record: ByteRecord,
    profile: ColumnProfile,
    /// Once the header was read.
    indexes: Option<Indexes>,
    to_skip: usize,
    account: Option<String>,
    statement: Option<Open>,
    last: Last,
}

struct Open {
    account: String,
    currency: CurrencyCode,
    tally: Tally,
    /// Running balances with their rows' amounts and dates.
    first: Option<(Balance, Decimal)>,
    last: Option<(Balance, Decimal)>,
}

/// The guard of the input, which the table owns, with a new allowance for each record.
struct Lent<R>(Guard<R>);

impl<R: std::io::Read> std::io::Read for Lent<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        std::io::Read::read(&mut self.0, out)
    }
}

impl<R: BufRead> Csv<R> {
    pub(crate) fn new(input: R, profile: &ColumnProfile, account: Option<&str>) -> Result<Self, Fault> {
        profile.check()?;
        let table = ReaderBuilder::new()
            .delimiter(profile.delimiter_byte()?)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(32 * 1024)
            .from_reader(Lent(Guard::new(input)));
        Ok(Self {
            table,
            record: ByteRecord::new(),
            to_skip: profile.rows_before_header,
            profile: profile.clone(),
            indexes: None,
            account: account.map(str::to_owned),
            statement: None,
            last: Last::default(),
        })
    }

    fn row(&mut self, line: u64, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return Ok(());
        }
        let Some(indexes) = &self.indexes else {
            let (indexes, is_header) = Indexes::new(&self.profile, &self.record, line)?;
            self.indexes = Some(indexes);
            return if is_header { Ok(()) } else { self.row(line, events) };
        };
        let row = Row { record: &self.record, indexes, profile: &self.profile, line };
        if row.is_no_movement() {
            if self.record.iter().any(|field| !field.trim_ascii().is_empty()) {
                let value = self.record.iter().map(decode).collect::<Vec<_>>().join(" ");
                let rule = "a row without a date and an amount is no movement and is left out";
                events.push_back(Event::Remark(Remark::tolerated(Fault::new(line, "row", rule, value))));
            }
            return Ok(());
        }
        let (movement, balance) = row.read(&mut self.last)?;
        let account = row.account().or_else(|| self.account.clone());
        let account = account.ok_or_else(|| Fault::new(line, "account", "a table names its account or is read for one", ""))?;
        self.add(account, movement, balance, events)
    }

    fn add(&mut self, account: String, line: Line, balance: Option<Decimal>, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let at = |amount| Balance { amount, currency: line.currency, date: line.booking_date, kind: BalanceKind::Booked };
        let running = balance.map(|amount| (at(amount), line.amount));
        let oldest_first = self.profile.order == RowOrder::OldestFirst;
        let open = match &mut self.statement {
            Some(open) if open.account != account => {
                return Err(Fault::new(line.line, "account", "a table is of one account", account).into());
            }
            Some(open) => open,
            place => {
                let (currency, tally) = (line.currency, Tally::new(line.currency));
                let opening = running.filter(|_| oldest_first).map(|(balance, amount)| before(balance, amount));
                events.push_back(Event::Opened(StatementHead {
                    format: Format::Csv,
                    line: line.line,
                    account: account.clone(),
                    currency,
                    reference: None,
                    sequence: None,
                    page: None,
                    opening,
                }));
                place.insert(Open { account, currency, tally, first: running, last: None })
            }
        };
        if line.currency != open.currency {
            return Err(Fault::new(line.line, "currency", "a table is of one currency", line.currency.as_str()).into());
        }
        open.last = running;
        open.tally.add(&line)?;
        events.push_back(Event::Line(Box::new(line)));
        Ok(())
    }

    fn close(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let Some(open) = self.statement.take() else {
            return Err(Fault::new(self.table.position().line(), "row", "a table has at least one movement", "").into());
        };
        let (oldest, newest) = match self.profile.order {
            RowOrder::OldestFirst => (open.first, open.last),
            RowOrder::NewestFirst => (open.last, open.first),
        };
        let opening = oldest.map(|(balance, amount)| before(balance, amount));
        let closing = newest.map(|(balance, _)| balance);
        events.push_back(Event::Closed(StatementFoot {
            opening,
            closing,
            available: None,
            information: None,
            lines: open.tally.lines,
            sum: open.tally.sum(),
            proof: open.tally.prove(opening.as_ref(), closing.as_ref()),
        }));
        Ok(())
    }
}

/// The balance that a row found.
fn before(balance: Balance, amount: Decimal) -> Balance {
    Balance { amount: balance.amount - amount, ..balance }
}

impl<R: BufRead> Source for Csv<R> {
    fn step(&mut self, events: &mut VecDeque<Event>) -> Result<bool, ReadError> {
        self.table.get_mut().0.allow();
        let line = self.table.position().line();
        match self.table.read_byte_record(&mut self.record) {
            Ok(true) => {
                // blank lines in front of a record are not of it
                let line = self.record.position().map_or(line, ::csv::Position::line);
                self.row(line, events)?;
                Ok(true)
            }
            Ok(false) => self.close(events).map(|()| false),
            Err(error) => Err(refused(error, line)),
        }
    }
}

fn refused(error: ::csv::Error, line: u64) -> ReadError {
    match error.into_kind() {
        ErrorKind::Io(error) if is_too_large(&error) => Fault::new(line, "row", PIECE_RULE, "").into(),
        ErrorKind::Io(error) => error.into(),
        other => Fault::new(line, "row", format!("a table is comma-separated values: {other:?}"), "").into(),
    }
}
