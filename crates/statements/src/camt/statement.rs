//! `Stmt`: account, balances, entries.

use super::{
    entry::Entry,
    path::{Tag, Tag::*},
};
use crate::{
    amount::xml,
    currency::CurrencyCode,
    date::iso,
    fault::{Fault, ReadError, Remark},
    format::Format,
    model::{Balance, BalanceKind, Event, StatementFoot, StatementHead, given},
    tally::Tally,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::VecDeque;

pub(super) struct Statement {
    line: u64,
    id: Option<String>,
    electronic_sequence: Option<u64>,
    legal_sequence: Option<u64>,
    page: Option<u64>,
    iban: Option<String>,
    other_account: Option<String>,
    currency: Option<CurrencyCode>,
    balances: Balances,
    balance: BalanceDraft,
    entry: Option<Entry>,
    /// Once the statement is opened.
    tally: Option<Tally>,
    information: Option<String>,
}

/// By the codes of `Bal/Tp`; of several intermediate ones the first opens and the last closes.
#[derive(Default)]
struct Balances {
    opening: Option<Balance>,
    previous: Option<Balance>,
    closing: Option<Balance>,
    intermediate: [Option<Balance>; 2],
    available: Option<Balance>,
}

impl Balances {
    fn opening(&self) -> Option<Balance> {
        self.opening.or(self.previous).or(self.intermediate[0])
    }

    fn closing(&self) -> Option<Balance> {
        let alone = self.opening.or(self.previous).and(self.intermediate[0]);
        self.closing.or(self.intermediate[1]).or(alone)
    }
}

#[derive(Default)]
struct BalanceDraft {
    code: String,
    intermediate: bool,
    amount: Option<(Decimal, CurrencyCode)>,
    negative: Option<bool>,
    date: Option<NaiveDate>,
}

impl Statement {
    pub(super) fn new(line: u64) -> Self {
        Self {
            line,
            id: None,
            electronic_sequence: None,
            legal_sequence: None,
            page: None,
            iban: None,
            other_account: None,
            currency: None,
            balances: Balances::default(),
            balance: BalanceDraft::default(),
            entry: None,
            tally: None,
            information: None,
        }
    }

    pub(super) fn start(&mut self, path: &[Tag], line: u64, taken: u64) {
        match path {
            [Bal] => self.balance = BalanceDraft::default(),
            [Ntry] => self.entry = Some(Entry::new(line, taken)),
            [Ntry, NtryDtls, rest @ ..] => {
                if let Some(entry) = &mut self.entry {
                    entry.start_detail(rest, line);
                }
            }
            _ => {}
        }
    }

    /// An element ends with its text; `path` from below `Stmt`.
    pub(super) fn end(
        &mut self,
        path: &[Tag],
        text: &str,
        currency: Option<CurrencyCode>,
        (line, taken): (u64, u64),
        events: &mut VecDeque<Event>,
    ) -> Result<(), ReadError> {
        match path {
            [] => self.close(line, events)?,
            [Ntry] => self.end_entry(line, events)?,
            [Ntry, rest @ ..] => {
                if let Some(entry) = &mut self.entry {
                    entry.end(rest, text, currency, line, taken)?;
                }
            }
            [Bal] => self.end_balance(line)?,
            [Bal, rest @ ..] => self.balance.end(rest, text, currency, line)?,
            [Id] => self.id = given(text.to_owned()),
            [ElctrncSeqNb] => self.electronic_sequence = text.parse().ok(),
            [LglSeqNb] => self.legal_sequence = text.parse().ok(),
            [StmtPgntn, PgNb] => self.page = text.parse().ok(),
            [Acct, Id, IBAN] => self.iban = given(text.to_owned()),
            [Acct, Id, Othr, Id] => self.other_account = given(text.to_owned()),
            [Acct, Ccy] => {
                let code = CurrencyCode::from_bytes(text.as_bytes());
                self.currency = Some(code.ok_or_else(|| Fault::new(line, "Stmt/Acct/Ccy", "a currency is three capital letters", text))?);
            }
            [AddtlStmtInf] => self.information = given(text.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn end_balance(&mut self, line: u64) -> Result<(), ReadError> {
        let draft = std::mem::take(&mut self.balance);
        let opens = matches!(draft.code.as_str(), "OPBD" | "PRCD" | "ITBD");
        if opens && self.tally.is_some() {
            return Err(Fault::new(line, "Stmt/Bal", "balances stand before the entries", &draft.code).into());
        }
        let kind = match draft.code.as_str() {
            "ITBD" => BalanceKind::Intermediate,
            "CLAV" => BalanceKind::Available,
            _ if draft.intermediate => BalanceKind::Intermediate,
            _ => BalanceKind::Booked,
        };
        let place = match draft.code.as_str() {
            "OPBD" => &mut self.balances.opening,
            "PRCD" => &mut self.balances.previous,
            "CLBD" => &mut self.balances.closing,
            "CLAV" => &mut self.balances.available,
            "ITBD" if self.balances.intermediate[0].is_none() => &mut self.balances.intermediate[0],
            "ITBD" => &mut self.balances.intermediate[1],
            _ => return Ok(()),
        };
        *place = Some(draft.balance(kind, line)?);
        Ok(())
    }

    fn end_entry(&mut self, line: u64, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let own = self.iban.as_deref().or(self.other_account.as_deref());
        let (lines, remark) = entry.lines(own)?;
        let currency = lines.first().map(|line| line.currency);
        let tally = self.open(line, currency, events)?;
        events.extend(remark.map(|fault| Event::Remark(Remark::tolerated(fault))));
        for line in lines {
            tally.add(&line)?;
            events.push_back(Event::Line(Box::new(line)));
        }
        Ok(())
    }

    /// Tells the head, once.
    fn open(&mut self, line: u64, entry_currency: Option<CurrencyCode>, events: &mut VecDeque<Event>) -> Result<&mut Tally, ReadError> {
        let (opening, closing) = (self.balances.opening(), self.balances.closing());
        let currency = self.currency.or(opening.or(closing).map(|balance| balance.currency)).or(entry_currency);
        let Some(currency) = currency else {
            return Err(Fault::new(line, "Stmt/Acct/Ccy", "a statement has a currency", self.id.as_deref().unwrap_or("")).into());
        };
        let Some(account) = self.iban.as_ref().or(self.other_account.as_ref()) else {
            return Err(Fault::new(line, "Stmt/Acct/Id", "a statement names its account", self.id.as_deref().unwrap_or("")).into());
        };
        if self.tally.is_none() {
            events.push_back(Event::Opened(StatementHead {
                format: Format::Camt053,
                line: self.line,
                account: account.clone(),
                currency,
                reference: self.id.clone(),
                sequence: self.electronic_sequence.or(self.legal_sequence),
                page: self.page,
                opening,
            }));
        }
        Ok(self.tally.get_or_insert_with(|| Tally::new(currency)))
    }

    fn close(&mut self, line: u64, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let (opening, closing) = (self.balances.opening(), self.balances.closing());
        let (available, information) = (self.balances.available, self.information.take());
        let tally = self.open(line, None, events)?;
        events.push_back(Event::Closed(StatementFoot {
            opening,
            closing,
            available,
            information,
            lines: tally.lines,
            sum: tally.sum(),
            proof: tally.prove(opening.as_ref(), closing.as_ref()),
        }));
        Ok(())
    }
}

impl BalanceDraft {
    fn end(&mut self, path: &[Tag], text: &str, currency: Option<CurrencyCode>, line: u64) -> Result<(), Fault> {
        match path {
            [Tp, CdOrPrtry, Cd] => text.clone_into(&mut self.code),
            [Tp, SubTp, Cd] => self.intermediate = text == "INTM",
            [Amt] => self.amount = Some(amount(text, currency, line, "Stmt/Bal/Amt")?),
            [CdtDbtInd] => self.negative = Some(is_debit(text, line, "Stmt/Bal/CdtDbtInd")?),
            [Dt, Dt | DtTm] => self.date = Some(date(text, line, "Stmt/Bal/Dt")?),
            _ => {}
        }
        Ok(())
    }

    fn balance(self, kind: BalanceKind, line: u64) -> Result<Balance, Fault> {
        let (Some((amount, currency)), Some(negative), Some(date)) = (self.amount, self.negative, self.date) else {
            return Err(Fault::new(line, "Stmt/Bal", "a balance has an amount, a side and a date", &self.code));
        };
        Ok(Balance { amount: signed(amount, negative), currency, date, kind })
    }
}

pub(super) fn signed(mut amount: Decimal, negative: bool) -> Decimal {
    amount.set_sign_negative(negative && !amount.is_zero());
    amount
}

pub(super) fn amount(text: &str, currency: Option<CurrencyCode>, line: u64, field: &'static str) -> Result<(Decimal, CurrencyCode), Fault> {
    let currency = currency.ok_or_else(|| Fault::new(line, field, "an amount has a currency in its attribute Ccy", text))?;
    let amount = xml(text.as_bytes()).and_then(|amount| currency.fit(amount)).map_err(|rule| Fault::new(line, field, rule, text))?;
    Ok((amount, currency))
}

pub(super) fn is_debit(text: &str, line: u64, field: &'static str) -> Result<bool, Fault> {
    match text {
        "DBIT" => Ok(true),
        "CRDT" => Ok(false),
        _ => Err(Fault::new(line, field, "a side is CRDT or DBIT", text)),
    }
}

pub(super) fn date(text: &str, line: u64, field: &'static str) -> Result<NaiveDate, Fault> {
    iso(text.as_bytes()).ok_or_else(|| Fault::new(line, field, "a date is YYYY-MM-DD, with or without a time", text))
}
