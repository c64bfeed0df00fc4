//! BAI2, Cash Management Balance Reporting, version 2: records of comma-separated fields, `88` continues the one before it.
//! A record ends with `/` or, with some banks, at the end of its line.

mod account;
mod codes;
mod record;

use crate::{
    currency::CurrencyCode,
    fault::{Fault, ReadError, Remark},
    input::{Lines, PIECE_MAX, PIECE_RULE, decode},
    model::{Event, given},
    read::Source,
};
use account::Account;
use chrono::NaiveDate;
use record::{Record, Total};
use std::{collections::VecDeque, io::BufRead};

pub(crate) struct Bai2<R> {
    lines: Lines<R>,
    raw: Vec<u8>,
    /// The record that continuations are added to.
    record: Option<Record>,
    file: Option<Open>,
    group: Option<Group>,
    account: Option<Account>,
    /// A file was whole; another may follow.
    ended: bool,
}

/// A file or a group: what its trailer must come to.
struct Open {
    line: u64,
    reference: Option<String>,
    total: Total,
    members: u64,
    records: u64,
}

struct Group {
    open: Open,
    as_of: NaiveDate,
    currency: CurrencyCode,
}

impl Open {
    fn new(header: &Record, reference: Option<String>) -> Self {
        Self { line: header.line, reference, total: Total::ZERO, members: 0, records: header.records() }
    }

    fn add(&mut self, total: Total, records: u64) {
        self.total += total;
        self.members += 1;
        self.records += records;
    }
}

impl<R: BufRead> Bai2<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { lines: Lines::new(input), raw: Vec::new(), record: None, file: None, group: None, account: None, ended: false }
    }

    fn take(&mut self, raw: &[u8], events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let number = self.lines.number();
        let raw = if number == 1 { raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw) } else { raw };
        let line = raw.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let (code, text) = record::split(line).ok_or_else(|| Fault::new(number, "record code", record::CODE_RULE, line))?;
        match &mut self.record {
            Some(record) if code == *b"88" => {
                if record.text.len() + text.len() > PIECE_MAX {
                    return Err(Fault::new(number, "88", PIECE_RULE, text).into());
                }
                record.add(text);
            }
            None if code == *b"88" => return Err(Fault::new(number, "88", "a continuation follows a record", text).into()),
            _ => {
                self.end_record(events)?;
                self.record = Some(Record::new(number, code, text));
            }
        }
        Ok(())
    }

    fn end_record(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let Some(record) = self.record.take() else { return Ok(()) };
        match &record.code {
            b"01" => self.file_header(&record)?,
            b"02" => self.group_header(&record, events)?,
            b"03" => self.account_header(&record, events)?,
            b"16" => self.account(&record)?.detail(&record, events)?,
            b"49" => self.account_trailer(&record, events)?,
            b"98" => self.group_trailer(&record, events)?,
            b"99" => self.file_trailer(&record, events)?,
            _ => return Err(record.fault("record code", record::CODE_RULE).into()),
        }
        Ok(())
    }

    fn file_header(&mut self, record: &Record) -> Result<(), Fault> {
        if self.file.is_some() {
            return Err(record.fault("01", "a file begins behind the trailer of the file before it"));
        }
        let fields = record.fields();
        if !matches!(fields.get(7).map(|version| version.trim_ascii()), Some(b"2" | b"")) {
            return Err(record.fault("01 version", "the version is 2"));
        }
        let reference = fields.get(4).and_then(|id| given(decode(id)));
        self.file = Some(Open::new(record, reference));
        Ok(())
    }

    fn group_header(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let Some(file) = self.file.as_ref().filter(|_| self.group.is_none()) else {
            return Err(record.fault("02", "a group stands in a file, behind the group before it"));
        };
        let fields = record.fields();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default().trim_ascii();
        let as_of = record.date(field(3), "02 as-of date")?;
        let currency = record.currency(field(5), "02 currency")?.unwrap_or(CurrencyCode::USD);
        if !matches!(field(2), b"1" | b"") {
            events
                .push_back(Event::Remark(Remark::control(record.fault("02 status", "1 is an update; 2 deletes, 3 corrects and 4 tests"))));
        }
        let open = Open::new(record, file.reference.clone());
        self.group = Some(Group { open, as_of, currency });
        Ok(())
    }

    fn account_header(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let Some(group) = self.group.as_ref().filter(|_| self.account.is_none()) else {
            return Err(record.fault("03", "an account stands in a group, behind the trailer of the account before it"));
        };
        self.account = Some(Account::open(record, group.as_of, group.currency, group.open.reference.clone(), events)?);
        Ok(())
    }

    fn account(&mut self, record: &Record) -> Result<&mut Account, Fault> {
        self.account.as_mut().ok_or_else(|| record.fault("16", "a transaction stands in an account"))
    }

    fn account_trailer(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let (Some(account), Some(group)) = (self.account.take(), &mut self.group) else {
            return Err(record.fault("49", "a trailer ends an account"));
        };
        let (total, records) = account.close(record, events)?;
        group.open.add(total, records);
        Ok(())
    }

    fn group_trailer(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let group = self.group.take().filter(|_| self.account.is_none());
        let (Some(Group { open, .. }), Some(file)) = (group, &mut self.file) else {
            return Err(record.fault("98", "a trailer ends a group behind its last account"));
        };
        let records = open.records + record.records();
        check(record, &open, ["98 control total", "98 accounts", "98 records"], records, events)?;
        file.add(open.total, records);
        Ok(())
    }

    fn file_trailer(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let file = self.file.take().filter(|_| self.group.is_none());
        let Some(file) = file else { return Err(record.fault("99", "a trailer ends a file behind its last group")) };
        let records = file.records + record.records();
        check(record, &file, ["99 control total", "99 groups", "99 records"], records, events)?;
        self.ended = true;
        Ok(())
    }
}

/// Total, number of members, number of records: what the trailer says against what there was.
fn check(record: &Record, open: &Open, names: [&'static str; 3], records: u64, events: &mut VecDeque<Event>) -> Result<(), Fault> {
    let fields = record.fields();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default().trim_ascii();
    record.check_total(field(0), names[0], open.total, events)?;
    record.check_count(field(1), names[1], open.members, events)?;
    record.check_count(field(2), names[2], records, events)
}

impl<R: BufRead> Source for Bai2<R> {
    fn step(&mut self, events: &mut VecDeque<Event>) -> Result<bool, ReadError> {
        let mut raw = std::mem::take(&mut self.raw);
        let more = self.lines.read(&mut raw)?;
        if more {
            self.take(&raw, events)?;
        } else {
            self.end_record(events)?;
            if !self.ended || self.file.is_some() {
                let line = self.file.as_ref().map_or(1, |file| file.line);
                return Err(Fault::new(line, "99", "a file ends with its trailer", "").into());
            }
        }
        self.raw = raw;
        Ok(more)
    }
}
