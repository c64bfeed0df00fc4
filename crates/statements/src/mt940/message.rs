//! A message from `:20:` to its end: one page of a statement.

use super::{Tag, details, fields, first_line, name, tolerated};
use crate::{
    currency::CurrencyCode,
    fault::{Fault, ReadError, Remark},
    format::Format,
    input::decode,
    model::{Balance, BalanceKind, Event, Line, StatementFoot, StatementHead, given},
    tally::{Side, Tally},
};
use std::collections::VecDeque;

/// How a page ended, for the one that continues it.
pub(super) struct Page {
    account: String,
    sequence: Option<u64>,
    page: Option<u64>,
    closing: Balance,
}

pub(super) struct Message {
    line: u64,
    reference: String,
    account: Option<String>,
    sequence: Option<(u64, Option<u64>)>,
    opening: Option<Balance>,
    /// Of the floor limit: what an interim report has in place of balances.
    floor: Option<CurrencyCode>,
    /// Once the statement is opened.
    tally: Option<Tally>,
    /// Its `:86:` may follow.
    entry: Option<Line>,
    closing: Option<Balance>,
    available: Option<Balance>,
    information: Option<String>,
    sums: Vec<(Tag, u64, Vec<u8>)>,
    /// Remarks from before the statement was opened, at most [`EARLY_MAX`].
    early: Vec<Event>,
}

const EARLY_MAX: usize = 100;

impl Message {
    pub(super) fn new(line: u64, reference: String) -> Self {
        Self {
            line,
            reference,
            account: None,
            sequence: None,
            opening: None,
            floor: None,
            tally: None,
            entry: None,
            closing: None,
            available: None,
            information: None,
            sums: Vec::new(),
            early: Vec::new(),
        }
    }

    /// Whether everything that a message must have was there.
    pub(super) fn may_end(&self) -> bool {
        self.closing.is_some() || (self.opening.is_none() && self.floor.is_some())
    }

    pub(super) fn field(
        &mut self,
        tag: Tag,
        line: u64,
        text: &[u8],
        before: Option<&Page>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), ReadError> {
        match &tag.number {
            b"25" => self.account(line, text, events),
            b"28" => self.number(tag, line, text, events),
            b"34" => self.floor(text),
            b"60" => self.open_balance(tag, line, text, events)?,
            b"61" => self.entry(line, text, before, events)?,
            b"86" => self.details(text),
            b"62" => self.close_balance(tag, line, text, before, events)?,
            b"64" => self.available = Some(self.balance(tag, line, BalanceKind::Available, text, events)?),
            b"90" if self.sums.len() < 2 => self.sums.push((tag, line, first_line(text).to_vec())),
            // related reference, date and time, forward balances and what SWIFT does not know
            b"21" | b"13" | b"65" | b"NS" => {}
            _ => self.tell(tolerated(line, name(tag), "a field that a statement does not have is left out", text), events),
        }
        Ok(())
    }

    /// A remark belongs to its statement, which may have to be opened first.
    fn tell(&mut self, remark: Event, events: &mut VecDeque<Event>) {
        if self.tally.is_some() {
            events.push_back(remark);
        } else if self.early.len() < EARLY_MAX {
            self.early.push(remark);
        }
    }

    fn account(&mut self, line: u64, text: &[u8], events: &mut VecDeque<Event>) {
        let account = given(decode(first_line(text)));
        if self.account.is_none() {
            self.account = account;
        } else if self.account != account {
            self.tell(tolerated(line, ":25:", "a message has one account; the first one is taken", text), events);
        }
    }

    fn number(&mut self, tag: Tag, line: u64, text: &[u8], events: &mut VecDeque<Event>) {
        self.sequence = fields::sequence(text);
        if self.sequence.is_none() {
            self.tell(tolerated(line, name(tag), "a statement number is digits, a page follows a slash", text), events);
        }
    }

    /// `:34F:EURD1000,` comes once for both sides or twice.
    fn floor(&mut self, text: &[u8]) {
        self.floor = self.floor.or_else(|| CurrencyCode::from_bytes(text.get(..3)?));
    }

    fn balance(&mut self, tag: Tag, line: u64, kind: BalanceKind, text: &[u8], events: &mut VecDeque<Event>) -> Result<Balance, Fault> {
        let (balance, moved) = fields::balance(line, &name(tag), kind, text)?;
        if moved {
            self.tell(tolerated(line, name(tag), "a day that its month does not have is its last", text), events);
        }
        Ok(balance)
    }

    fn open_balance(&mut self, tag: Tag, line: u64, text: &[u8], events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        if self.opening.is_some() || self.tally.is_some() {
            return Err(Fault::new(line, name(tag), "a message has one opening balance, before its entries", text).into());
        }
        self.opening = Some(self.balance(tag, line, kind(tag), text, events)?);
        Ok(())
    }

    fn close_balance(
        &mut self,
        tag: Tag,
        line: u64,
        text: &[u8],
        before: Option<&Page>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), ReadError> {
        self.end_entry(events)?;
        self.open(before, events)?;
        if self.closing.is_some() {
            return Err(Fault::new(line, name(tag), "a message has one closing balance", text).into());
        }
        self.closing = Some(self.balance(tag, line, kind(tag), text, events)?);
        Ok(())
    }

    fn entry(&mut self, line: u64, text: &[u8], before: Option<&Page>, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        self.end_entry(events)?;
        if self.closing.is_some() {
            return Err(Fault::new(line, ":61:", "entries stand before the closing balance", text).into());
        }
        let currency = self.open(before, events)?;
        let (entry, moved) = fields::entry(line, currency, text)?;
        if moved {
            events.push_back(tolerated(line, ":61: value date", "a day that its month does not have is its last", text));
        }
        self.entry = Some(entry);
        Ok(())
    }

    fn details(&mut self, text: &[u8]) {
        match &mut self.entry {
            Some(entry) => details::describe(entry, text),
            // behind the closing balance it is about the statement
            None => self.information = given(decode(text)),
        }
    }

    fn end_entry(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        if let (Some(entry), Some(tally)) = (self.entry.take(), &mut self.tally) {
            tally.add(&entry)?;
            events.push_back(Event::Line(Box::new(entry)));
        }
        Ok(())
    }

    /// Tells the head, once, as soon as something follows that needs it.
    fn open(&mut self, before: Option<&Page>, events: &mut VecDeque<Event>) -> Result<CurrencyCode, ReadError> {
        let Some(currency) = self.opening.map(|opening| opening.currency).or(self.floor) else {
            return Err(self.fault(":60F:", "a statement has an opening balance, an interim report a floor limit").into());
        };
        if self.tally.is_some() {
            return Ok(currency);
        }
        let Some(account) = self.account.clone() else { return Err(self.fault(":25:", "a statement names its account").into()) };
        self.tally = Some(Tally::new(currency));
        events.push_back(Event::Opened(StatementHead {
            format: if self.opening.is_some() { Format::Mt940 } else { Format::Mt942 },
            line: self.line,
            account,
            currency,
            reference: given(self.reference.clone()),
            sequence: self.sequence.map(|(number, _)| number),
            page: self.sequence.and_then(|(_, page)| page),
            opening: self.opening,
        }));
        events.extend(self.early.drain(..));
        events.extend(self.broken_chain(before).map(Event::Remark));
        Ok(currency)
    }

    /// A page continues the one before it where that one ended.
    fn broken_chain(&self, before: Option<&Page>) -> Option<Remark> {
        let (before, opening) = (before?, self.opening.filter(|opening| opening.kind == BalanceKind::Intermediate)?);
        let (number, page) = self.sequence?;
        if self.account.as_deref() != Some(&before.account) || before.sequence != Some(number) {
            return None;
        }
        let next = before.page.map(|page| page + 1);
        let (rule, value) = if page != next {
            ("a page follows the one before it", format!("{number}/{}", page.unwrap_or_default()))
        } else if opening.amount != before.closing.amount {
            (
                "a page opens with the balance that the one before it closed with",
                format!("{} after {}", opening.amount, before.closing.amount),
            )
        } else {
            return None;
        };
        Some(Remark::control(Fault::new(self.line, ":60M:", rule, value)))
    }

    pub(super) fn end(mut self, before: Option<&Page>, events: &mut VecDeque<Event>) -> Result<Option<Page>, ReadError> {
        self.end_entry(events)?;
        self.open(before, events)?;
        if !self.may_end() {
            return Err(self.fault(":62F:", "a statement has a closing balance").into());
        }
        self.check_sums(events);
        let Some(tally) = &self.tally else { return Ok(None) };
        events.push_back(Event::Closed(StatementFoot {
            opening: self.opening,
            closing: self.closing,
            available: self.available,
            information: self.information,
            lines: tally.lines,
            sum: tally.sum(),
            proof: tally.prove(self.opening.as_ref(), self.closing.as_ref()),
        }));
        let (sequence, page) = (self.sequence.map(|(number, _)| number), self.sequence.and_then(|(_, page)| page));
        Ok(self.account.zip(self.closing).map(|(account, closing)| Page { account, sequence, page, closing }))
    }

    fn check_sums(&self, events: &mut VecDeque<Event>) {
        let Some(tally) = &self.tally else { return };
        for (tag, line, text) in &self.sums {
            let side = if tag.option == b'D' { Side { sum: -tally.debits.sum, ..tally.debits } } else { tally.credits };
            if fields::sum(text) != Some((side.count, side.sum)) {
                let rule = format!("the entries of the side are {} and come to {}", side.count, side.sum);
                events.push_back(Event::Remark(Remark::control(Fault::new(*line, name(*tag), rule, text))));
            }
        }
    }

    fn fault(&self, field: &'static str, rule: &'static str) -> Fault {
        Fault::new(self.line, field, rule, &self.reference)
    }
}

fn kind(tag: Tag) -> BalanceKind {
    if tag.option == b'M' { BalanceKind::Intermediate } else { BalanceKind::Booked }
}
