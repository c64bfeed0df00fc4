//! One row as a movement.

use super::profile::{AmountColumns, Column, ColumnProfile, CurrencySource, SignConvention};
use crate::{
    amount::separated,
    currency::CurrencyCode,
    fault::Fault,
    input::decode,
    model::{Line, given},
    reference::StructuredReference,
};
use ::csv::ByteRecord;
use chrono::{
    NaiveDate,
    format::{Item, Parsed, parse},
};
use rust_decimal::Decimal;

/// Where the columns of the profile lie in this file.
pub(super) struct Indexes {
    booking_date: usize,
    value_date: Option<usize>,
    amount: Amounts,
    currency: Option<usize>,
    balance: Option<usize>,
    own_account: Option<usize>,
    bank_reference: Option<usize>,
    customer_reference: Option<usize>,
    end_to_end_id: Option<usize>,
    mandate: Option<usize>,
    name: Option<usize>,
    account: Option<usize>,
    bank: Option<usize>,
    text: Vec<usize>,
    posting_text: Option<usize>,
    date_format: Vec<Item<'static>>,
}

enum Amounts {
    Signed(usize, SignConvention),
    Sides { debit: usize, credit: usize },
    Marked { column: usize, mark: usize },
}

impl Indexes {
    /// From the first row; the second value: it is the header.
    pub(super) fn new(profile: &ColumnProfile, first: &ByteRecord, line: u64) -> Result<(Self, bool), Fault> {
        let header: Vec<String> = first.iter().map(|field| decode(field).trim().trim_start_matches('\u{feff}').to_owned()).collect();
        let find = |column: &Column| match column {
            Column::Index(index) => Ok(*index),
            Column::Name(_) if !profile.header => Err(Fault::new(line, "header", "columns of a table without a header are numbered", "")),
            Column::Name(name) => header
                .iter()
                .position(|written| written == name)
                .ok_or_else(|| Fault::new(line, name.clone(), "the header has the columns of the profile", header.join(" "))),
        };
        let maybe = |column: &Option<Column>| column.as_ref().map(find).transpose();
        let columns = &profile.columns;
        let indexes = Self {
            booking_date: find(&columns.booking_date)?,
            value_date: maybe(&columns.value_date)?,
            amount: match &columns.amount {
                AmountColumns::Signed { column, positive } => Amounts::Signed(find(column)?, *positive),
                AmountColumns::Sides { debit, credit } => Amounts::Sides { debit: find(debit)?, credit: find(credit)? },
                AmountColumns::Marked { column, mark, .. } => Amounts::Marked { column: find(column)?, mark: find(mark)? },
            },
            currency: match &profile.currency {
                CurrencySource::Always(_) => None,
                CurrencySource::Column(column) => Some(find(column)?),
            },
            balance: maybe(&columns.balance)?,
            own_account: maybe(&columns.own_account)?,
            bank_reference: maybe(&columns.bank_reference)?,
            customer_reference: maybe(&columns.customer_reference)?,
            end_to_end_id: maybe(&columns.end_to_end_id)?,
            mandate: maybe(&columns.mandate)?,
            name: maybe(&columns.name)?,
            account: maybe(&columns.account)?,
            bank: maybe(&columns.bank)?,
            text: columns.text.iter().map(find).collect::<Result<_, _>>()?,
            posting_text: maybe(&columns.posting_text)?,
            date_format: profile.date_items()?,
        };
        Ok((indexes, profile.header))
    }
}

/// What was read last: the next row mostly has the same.
#[derive(Default)]
pub(super) struct Last {
    date: Option<(Vec<u8>, NaiveDate)>,
    currency: Option<CurrencyCode>,
}

pub(super) struct Row<'a> {
    pub record: &'a ByteRecord,
    pub indexes: &'a Indexes,
    pub profile: &'a ColumnProfile,
    pub line: u64,
}

impl Row<'_> {
    /// A total, a legend, a blank row: it has neither the date nor the amount of a movement.
    pub(super) fn is_no_movement(&self) -> bool {
        let amounts = match self.indexes.amount {
            Amounts::Signed(column, _) | Amounts::Marked { column, .. } => [column, column],
            Amounts::Sides { debit, credit } => [debit, credit],
        };
        self.field(self.indexes.booking_date).is_empty() && amounts.iter().all(|column| self.field(*column).is_empty())
    }

    pub(super) fn account(&self) -> Option<String> {
        self.text(self.indexes.own_account)
    }

    /// The movement and the balance after it.
    pub(super) fn read(&self, last: &mut Last) -> Result<(Line, Option<Decimal>), Fault> {
        let indexes = self.indexes;
        let currency = self.currency(last)?;
        let booking_date = self.date(indexes.booking_date, "booking date", last)?;
        let mut line = Line::new(self.line, self.amount(currency)?, currency, booking_date);
        line.value_date = match indexes.value_date {
            Some(column) if !self.field(column).is_empty() => Some(self.date(column, "value date", last)?),
            _ => None,
        };
        line.bank_reference = self.text(indexes.bank_reference);
        line.customer_reference = self.text(indexes.customer_reference);
        line.end_to_end_id = self.text(indexes.end_to_end_id);
        line.mandate = self.text(indexes.mandate);
        line.counterparty_name = self.text(indexes.name);
        line.counterparty_account = self.text(indexes.account);
        line.counterparty_bank = self.text(indexes.bank);
        line.posting_text = self.text(indexes.posting_text);
        line.text = indexes.text.iter().filter_map(|column| self.text(Some(*column))).collect::<Vec<_>>().join("\n");
        line.structured_references = StructuredReference::find(&line.text);
        let balance = indexes.balance.filter(|column| !self.field(*column).is_empty());
        let balance = balance.map(|column| self.number(column, "balance", currency)).transpose()?;
        Ok((line, balance))
    }

    fn field(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }

    fn text(&self, column: Option<usize>) -> Option<String> {
        given(decode(self.field(column?)))
    }

    fn fault(&self, field: &'static str, rule: &'static str, value: impl AsRef<[u8]>) -> Fault {
        Fault::new(self.line, field, rule, value)
    }

    fn currency(&self, last: &mut Last) -> Result<CurrencyCode, Fault> {
        match (&self.profile.currency, self.indexes.currency) {
            (CurrencySource::Always(currency), _) => Ok(*currency),
            (CurrencySource::Column(_), column) => {
                let code = self.field(column.unwrap_or(usize::MAX));
                if last.currency.is_none_or(|known| known.as_str().as_bytes() != code) {
                    last.currency = CurrencyCode::from_bytes(code);
                }
                last.currency.ok_or_else(|| self.fault("currency", "a currency is three capital letters", code))
            }
        }
    }

    fn date(&self, column: usize, field: &'static str, last: &mut Last) -> Result<NaiveDate, Fault> {
        let written = self.field(column);
        if let Some((_, date)) = last.date.as_ref().filter(|(text, _)| text == written) {
            return Ok(*date);
        }
        let text = decode(written);
        let mut parsed = Parsed::new();
        let date = parse(&mut parsed, &text, self.indexes.date_format.iter())
            .and_then(|()| parsed.to_naive_date())
            .map_err(|_| Fault::new(self.line, field, format!("a date is {}", self.profile.date_format), text))?;
        last.date = Some((written.to_vec(), date));
        Ok(date)
    }

    fn amount(&self, currency: CurrencyCode) -> Result<Decimal, Fault> {
        match self.indexes.amount {
            Amounts::Signed(column, positive) => {
                let amount = self.number(column, "amount", currency)?;
                Ok(if positive == SignConvention::Credit { amount } else { Decimal::ZERO - amount })
            }
            Amounts::Sides { debit, credit } => match (self.filled(debit), self.filled(credit)) {
                (true, false) => Ok(Decimal::ZERO - self.number(debit, "debit", currency)?.abs()),
                (false, true) => Ok(self.number(credit, "credit", currency)?.abs()),
                _ => Err(self.fault("debit and credit", "a movement has one side", [self.field(debit), self.field(credit)].join(&b' '))),
            },
            Amounts::Marked { column, mark } => {
                let amount = self.number(column, "amount", currency)?.abs();
                let AmountColumns::Marked { credit, debit, .. } = &self.profile.columns.amount else { return Ok(amount) };
                match decode(self.field(mark)) {
                    written if written == *credit => Ok(amount),
                    written if written == *debit => Ok(Decimal::ZERO - amount),
                    other => Err(Fault::new(self.line, "side", format!("a side is {credit} or {debit}"), other)),
                }
            }
        }
    }

    /// Tables with a column for each side may write a zero into the other one.
    fn filled(&self, column: usize) -> bool {
        self.field(column).iter().any(|byte| (b'1'..=b'9').contains(byte))
    }

    fn number(&self, column: usize, field: &'static str, currency: CurrencyCode) -> Result<Decimal, Fault> {
        let written = decode(self.field(column));
        let amount = signed(&written, self.profile.decimal_separator, self.profile.thousands_separator);
        amount.and_then(|amount| currency.fit(amount)).map_err(|rule| self.fault(field, rule, &written))
    }
}

/// `-1.234,56`, `1.234,56-`, `(1.234,56)`, `+ 5`; currency signs and spaces around the digits mean nothing.
pub(super) fn signed(written: &str, decimal: char, thousands: Option<char>) -> Result<Decimal, &'static str> {
    let thousands = thousands.unwrap_or(' ');
    let mut digits = Vec::with_capacity(written.len());
    let mut negative = false;
    for character in written.chars() {
        match character {
            '0'..='9' => digits.push(character as u8),
            _ if character == decimal => digits.push(b'.'),
            _ if character == thousands => digits.push(b','),
            '-' | '\u{2212}' | '(' if !negative => negative = true,
            '+' | ')' | ' ' | '\u{a0}' | '\u{202f}' | '\'' | '€' | '$' | '£' => {}
            _ => return Err("an amount is digits with the separators of the profile"),
        }
    }
    let mut amount = separated(&digits, b'.', Some(b','))?;
    amount.set_sign_negative(negative && !amount.is_zero());
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_before_behind_or_around_a_number() {
        for (written, meant) in [
            ("-1.234,56", "-1234.56"),
            ("1.234,56-", "-1234.56"),
            ("(5,00)", "-5.00"),
            ("+ 5 €", "5"),
            ("1\u{a0}234,5", "1234.5"),
            ("0,00-", "0.00"),
        ] {
            assert_eq!(signed(written, ',', Some('.')).unwrap().to_string(), meant, "{written}");
        }
        for wrong in ["", "--5", "5,0,0", "5x", "-"] {
            assert!(signed(wrong, ',', Some('.')).is_err(), "{wrong}");
        }
    }
}
