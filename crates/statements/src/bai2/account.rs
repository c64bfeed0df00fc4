//! An account of a group: balances in `03`, transactions in `16`, controls in `49`.

use super::{
    codes::{Side, funds, side},
    record::{Record, Total, next},
};
use crate::{
    amount::implied,
    currency::CurrencyCode,
    fault::{Fault, Remark},
    format::Format,
    input::decode,
    model::{Balance, BalanceKind, Event, Line, StatementFoot, StatementHead, given},
    reference::StructuredReference,
    tally::Tally,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::VecDeque;

pub(super) struct Account {
    as_of: NaiveDate,
    currency: CurrencyCode,
    opening: Option<Balance>,
    closing: Option<Balance>,
    available: Option<Balance>,
    tally: Tally,
    total: Total,
    records: u64,
}

/// Ledger balances open and close; available ones stand in for them where the bank gives no other.
#[derive(Default)]
struct Balances {
    opening_ledger: Option<Decimal>,
    closing_ledger: Option<Decimal>,
    opening_available: Option<Decimal>,
    closing_available: Option<Decimal>,
}

impl Account {
    pub(super) fn open(
        record: &Record,
        as_of: NaiveDate,
        group_currency: CurrencyCode,
        reference: Option<String>,
        events: &mut VecDeque<Event>,
    ) -> Result<Self, Fault> {
        let mut rest = &record.text[..];
        let number = given(decode(next(&mut rest).unwrap_or_default()));
        let number = number.ok_or_else(|| record.fault("03 account", "an account has a number"))?;
        let currency = record.currency(next(&mut rest).unwrap_or_default(), "03 currency")?.unwrap_or(group_currency);
        let (balances, total) = summaries(record, &mut rest, currency, as_of)?;
        let balance = |amount: Option<Decimal>, kind| amount.map(|amount| Balance { amount, currency, date: as_of, kind });
        let or_available = |ledger, available| balance(ledger, BalanceKind::Booked).or(balance(available, BalanceKind::Available));
        let opening = or_available(balances.opening_ledger, balances.opening_available);
        let closing = or_available(balances.closing_ledger, balances.closing_available);
        let available = balance(balances.closing_available, BalanceKind::Available);
        let (format, line) = (Format::Bai2, record.line);
        let head = StatementHead { format, line, account: number, currency, reference, sequence: None, page: None, opening };
        events.push_back(Event::Opened(head));
        Ok(Self { as_of, currency, opening, closing, available, tally: Tally::new(currency), total, records: record.records() })
    }

    /// `16,type code,amount,funds type,bank reference,customer reference,text`.
    pub(super) fn detail(&mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        self.records += record.records();
        let mut rest = &record.text[..];
        let code = next(&mut rest).unwrap_or_default();
        let amount = next(&mut rest).unwrap_or_default();
        let rule = "a transaction has a type code from 100 on that says its side";
        let side = side(code).ok_or_else(|| Fault::new(record.line, "16 type code", rule, code))?;
        if side == Side::Information || amount.is_empty() {
            let fault = record.fault("16 amount", "a transaction without an amount moves nothing and is left out");
            events.push_back(Event::Remark(Remark::tolerated(fault)));
            return Ok(());
        }
        self.total += total(record, amount, "16 amount")?;
        let unsigned = implied(amount, self.currency.minor_units()).map_err(|rule| Fault::new(record.line, "16 amount", rule, amount))?;
        let signed = if side == Side::Debit { Decimal::ZERO - unsigned } else { unsigned };
        let mut line = Line::new(record.line, signed, self.currency, self.as_of);
        line.value_date = funds(record, &mut rest, self.as_of)?;
        line.transaction_code = given(decode(code));
        line.bank_reference = given(decode(next(&mut rest).unwrap_or_default()));
        line.customer_reference = given(decode(next(&mut rest).unwrap_or_default()));
        describe(&mut line, rest);
        self.tally.add(&line)?;
        events.push_back(Event::Line(Box::new(line)));
        Ok(())
    }

    /// Control total and number of records, for the group.
    pub(super) fn close(mut self, record: &Record, events: &mut VecDeque<Event>) -> Result<(Total, u64), Fault> {
        self.records += record.records();
        let mut rest = &record.text[..];
        record.check_total(next(&mut rest).unwrap_or_default(), "49 control total", self.total, events)?;
        record.check_count(next(&mut rest).unwrap_or_default(), "49 records", self.records, events)?;
        events.push_back(Event::Closed(StatementFoot {
            opening: self.opening,
            closing: self.closing,
            available: self.available,
            information: None,
            lines: self.tally.lines,
            sum: self.tally.sum(),
            proof: self.tally.prove(self.opening.as_ref(), self.closing.as_ref()),
        }));
        Ok((self.total, self.records))
    }
}

/// Type code, amount, item count, funds type, and again; empty ones are left out.
fn summaries(record: &Record, rest: &mut &[u8], currency: CurrencyCode, as_of: NaiveDate) -> Result<(Balances, Total), Fault> {
    let (mut balances, mut sum) = (Balances::default(), Total::ZERO);
    while let Some(code) = next(rest) {
        let amount = next(rest).unwrap_or_default();
        next(rest);
        funds(record, rest, as_of)?;
        if amount.is_empty() {
            continue;
        }
        sum += total(record, amount, "03 amount")?;
        let place = match code {
            b"010" => &mut balances.opening_ledger,
            b"015" => &mut balances.closing_ledger,
            b"040" => &mut balances.opening_available,
            b"045" => &mut balances.closing_available,
            _ => continue,
        };
        let amount = implied(amount, currency.minor_units()).map_err(|rule| Fault::new(record.line, "03 amount", rule, amount))?;
        *place = Some(amount);
    }
    Ok((balances, sum))
}

fn total(record: &Record, amount: &[u8], field: &'static str) -> Result<Total, Fault> {
    Total::read(amount).ok_or_else(|| Fault::new(record.line, field, "an amount is a sign and digits without a decimal point", amount))
}

/// Text may hold commas and slashes. Some banks write keys into its continuations: `EREF: …`, `DBNM: …`, `REMI: …`.
fn describe(line: &mut Line, rest: &[u8]) {
    let text = decode(rest);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|text| !text.is_empty()).collect();
    let credit = !line.amount.is_sign_negative();
    let mut remittance = Vec::new();
    for (key, value) in lines.iter().filter_map(|text| text.split_once(": ")) {
        let place = match (key, credit) {
            ("EREF", _) => &mut line.end_to_end_id,
            ("MREF", _) => &mut line.mandate,
            ("DBNM", true) | ("CRNM", false) => &mut line.counterparty_name,
            ("DACT", true) | ("CACT", false) => &mut line.counterparty_account,
            ("DBIC" | "DABA", true) | ("CBIC" | "CABA", false) => &mut line.counterparty_bank,
            ("REMI", _) => {
                remittance.push(value);
                continue;
            }
            _ => continue,
        };
        *place = given(value.to_owned());
    }
    if remittance.is_empty() {
        line.text = lines.join("\n");
    } else {
        line.text = remittance.join("\n");
        line.posting_text = lines.first().map(|first| (*first).to_owned());
    }
    line.structured_references = StructuredReference::find(&line.text);
}
