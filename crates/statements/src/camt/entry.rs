//! `Ntry`: what the bank booked in one amount, which may stand for many payments.

use super::{
    detail::{Code, Detail},
    path::{Tag, Tag::*},
    statement::{amount, date, is_debit, signed},
};
use crate::{
    currency::CurrencyCode,
    fault::Fault,
    model::{Batch, Line, LineStatus, given},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Payments of a batch that are held until their sum is known, and the bytes they may be written in.
/// A larger batch stays one line: a file is read in constant memory whatever stands in it.
const DETAILS_MAX: usize = 50_000;
const BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) struct Entry {
    line: u64,
    /// Bytes of the file in front of it.
    begin: u64,
    reference: Option<String>,
    amount: Option<(Decimal, CurrencyCode)>,
    negative: Option<bool>,
    reversal: bool,
    status: LineStatus,
    booking_date: Option<NaiveDate>,
    value_date: Option<NaiveDate>,
    servicer_reference: Option<String>,
    code: Code,
    information: Option<String>,
    batch_id: Option<String>,
    batch_size: Option<u64>,
    detail: Option<Detail>,
    details: Vec<Detail>,
    /// Also those that are not held.
    count: u64,
}

impl Entry {
    pub(super) fn new(line: u64, begin: u64) -> Self {
        Self {
            line,
            begin,
            reference: None,
            amount: None,
            negative: None,
            reversal: false,
            status: LineStatus::Booked,
            booking_date: None,
            value_date: None,
            servicer_reference: None,
            code: Code::default(),
            information: None,
            batch_id: None,
            batch_size: None,
            detail: None,
            details: Vec::new(),
            count: 0,
        }
    }

    /// `path` from below `NtryDtls`.
    pub(super) fn start_detail(&mut self, path: &[Tag], line: u64) {
        match (path, &mut self.detail) {
            ([TxDtls], _) => self.detail = Some(Detail::new(line)),
            ([TxDtls, rest @ ..], Some(detail)) => detail.start(rest),
            _ => {}
        }
    }

    /// An element ends with its text; `path` from below `Ntry`.
    pub(super) fn end(&mut self, path: &[Tag], text: &str, currency: Option<CurrencyCode>, line: u64, taken: u64) -> Result<(), Fault> {
        match path {
            [NtryDtls, TxDtls] => self.end_detail(taken),
            [NtryDtls, TxDtls, rest @ ..] => {
                if let Some(detail) = &mut self.detail {
                    detail.end(rest, text, currency, line)?;
                }
            }
            [NtryDtls, Btch, PmtInfId] => self.batch_id = given(text.to_owned()),
            [NtryDtls, Btch, MsgId] if self.batch_id.is_none() => self.batch_id = given(text.to_owned()),
            [NtryDtls, Btch, NbOfTxs] => self.batch_size = text.parse().ok(),
            [NtryRef] => self.reference = given(text.to_owned()),
            [Amt] => self.amount = Some(amount(text, currency, line, "Stmt/Ntry/Amt")?),
            [CdtDbtInd] => self.negative = Some(is_debit(text, line, "Stmt/Ntry/CdtDbtInd")?),
            [RvslInd] => self.reversal = matches!(text, "true" | "1"),
            // text up to version 7, a choice since
            [Sts] | [Sts, Cd | Prtry] if !text.is_empty() => self.status = status(text, line)?,
            [BookgDt, Dt | DtTm] => self.booking_date = Some(date(text, line, "Stmt/Ntry/BookgDt")?),
            [ValDt, Dt | DtTm] => self.value_date = Some(date(text, line, "Stmt/Ntry/ValDt")?),
            [AcctSvcrRef] => self.servicer_reference = given(text.to_owned()),
            [BkTxCd, rest @ ..] => self.code.end(rest, text),
            [AddtlNtryInf] => self.information = given(text.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn end_detail(&mut self, taken: u64) {
        self.count += 1;
        let held = self.details.len() < DETAILS_MAX && taken.saturating_sub(self.begin) < BYTES_MAX;
        if held && self.details.len() as u64 + 1 == self.count {
            self.details.extend(self.detail.take());
        } else {
            // one missing makes the others useless
            self.details = Vec::new();
        }
    }

    /// One line for each payment when their amounts come to that of the entry, else one line for the entry and why.
    pub(super) fn lines(mut self, own: Option<&str>) -> Result<(Vec<Line>, Option<Fault>), Fault> {
        let details = std::mem::take(&mut self.details);
        let entry = self.line()?;
        if self.count <= 1 {
            let mut line = entry;
            if let Some(detail) = details.into_iter().next() {
                detail.describe(&mut line, own);
            }
            line.batch = self.batch(None).filter(|batch| batch.size > 1);
            return Ok((vec![line], None));
        }
        let Some(amounts) = self.parts(&entry, &details) else {
            let rule = "the payments of a batch come to its amount; it stays one line";
            let fault = Fault::new(self.line, "Stmt/Ntry/NtryDtls", rule, format!("{} payments, {}", self.count, entry.amount));
            return Ok((vec![Line { batch: self.batch(None), ..entry }], Some(fault)));
        };
        let lines = details.into_iter().zip(amounts).zip(1..).map(|((detail, amount), position)| {
            let mut line = Line { line: detail.line, amount, batch: self.batch(Some(position)), ..entry.clone() };
            detail.describe(&mut line, own);
            line
        });
        Ok((lines.collect(), None))
    }

    /// The signed amount of each payment, if all are known and come to the entry's.
    fn parts(&self, entry: &Line, details: &[Detail]) -> Option<Vec<Decimal>> {
        let side = self.negative?;
        let amounts: Vec<Decimal> = details
            .iter()
            .map(|detail| Some(signed(detail.amount(entry.currency)?, detail.negative.unwrap_or(side))))
            .collect::<Option<_>>()?;
        let sum = amounts.iter().try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(*amount))?;
        (!amounts.is_empty() && sum == entry.amount).then_some(amounts)
    }

    fn batch(&self, position: Option<u64>) -> Option<Batch> {
        Some(Batch { id: self.batch_id.clone(), size: self.batch_size.unwrap_or(self.count), position })
    }

    fn line(&self) -> Result<Line, Fault> {
        let fault = |field: &'static str, rule: &'static str| Fault::new(self.line, field, rule, self.reference.as_deref().unwrap_or(""));
        let (amount, currency) = self.amount.ok_or_else(|| fault("Stmt/Ntry/Amt", "an entry has an amount"))?;
        let negative = self.negative.ok_or_else(|| fault("Stmt/Ntry/CdtDbtInd", "an entry has a side"))?;
        let booking_date = self.booking_date.or(self.value_date);
        let booking_date = booking_date.ok_or_else(|| fault("Stmt/Ntry/BookgDt", "an entry has a booking date or a value date"))?;
        let mut line = Line::new(self.line, signed(amount, negative), currency, booking_date);
        line.value_date = self.value_date;
        line.status = self.status;
        line.reversal = self.reversal;
        line.entry_reference = self.reference.clone();
        line.bank_reference = self.servicer_reference.clone();
        line.transaction_code = self.code.iso();
        line.business_code = self.code.proprietary.clone();
        line.posting_text = self.information.clone();
        Ok(line)
    }
}

fn status(text: &str, line: u64) -> Result<LineStatus, Fault> {
    match text {
        "BOOK" => Ok(LineStatus::Booked),
        "PDNG" | "FUTR" => Ok(LineStatus::Pending),
        "INFO" => Ok(LineStatus::Information),
        _ => Err(Fault::new(line, "Stmt/Ntry/Sts", "a status is BOOK, PDNG, FUTR or INFO", text)),
    }
}
