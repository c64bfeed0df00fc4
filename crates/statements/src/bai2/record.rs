//! A record with its continuations.

use crate::{
    currency::CurrencyCode,
    date::{self, six_digits},
    fault::{Fault, Remark},
    model::Event,
};
use chrono::NaiveDate;
use std::collections::VecDeque;

/// A control total in units of the last digit, whatever the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Total(i128);

impl Total {
    pub(super) const ZERO: Self = Self(0);

    /// A sign and at most 18 digits.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
        if digits.is_empty() || digits.len() > 30 {
            return None;
        }
        let value = digits.iter().try_fold(0_i128, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i128::from(digit - b'0')))?;
        Some(Self(if text.starts_with(b"-") { -value } else { value }))
    }
}

impl std::ops::AddAssign for Total {
    fn add_assign(&mut self, other: Self) {
        // thirty digits a record leave room for a hundred million of them
        self.0 = self.0.saturating_add(other.0);
    }
}

pub(super) const CODE_RULE: &str = "a record begins with 01, 02, 03, 16, 49, 88, 98 or 99 and a comma";
const AMOUNT_RULE: &str = "an amount is a sign and digits without a decimal point";

pub(super) struct Record {
    pub line: u64,
    pub code: [u8; 2],
    /// Fields of all its lines; between two lines a line feed, which parts fields like a comma.
    pub text: Vec<u8>,
    continuations: u64,
}

/// The code of a line and its fields, without the slash at its end.
pub(super) fn split(line: &[u8]) -> Option<([u8; 2], &[u8])> {
    let line = line.strip_suffix(b"/").unwrap_or(line);
    match line {
        [c1, c2, b',', text @ ..] if c1.is_ascii_digit() && c2.is_ascii_digit() => Some(([*c1, *c2], text)),
        // trailers of newline-delimited files may have lost everything but their code
        [c1, c2] if c1.is_ascii_digit() && c2.is_ascii_digit() => Some(([*c1, *c2], &[])),
        _ => None,
    }
}

impl Record {
    pub(super) fn new(line: u64, code: [u8; 2], text: &[u8]) -> Self {
        Self { line, code, text: text.to_vec(), continuations: 0 }
    }

    pub(super) fn add(&mut self, text: &[u8]) {
        self.text.push(b'\n');
        self.text.extend_from_slice(text);
        self.continuations += 1;
    }

    /// As trailers count: a continuation is a record.
    pub(super) fn records(&self) -> u64 {
        1 + self.continuations
    }

    pub(super) fn fields(&self) -> Vec<&[u8]> {
        self.text.split(is_separator).collect()
    }

    pub(super) fn fault(&self, field: &'static str, rule: &'static str) -> Fault {
        Fault::new(self.line, field, rule, [&self.code[..], b",", &self.text].concat())
    }

    pub(super) fn date(&self, text: &[u8], field: &'static str) -> Result<NaiveDate, Fault> {
        six_digits(text).map(|(date, _)| date).ok_or_else(|| Fault::new(self.line, field, date::RULE, text))
    }

    pub(super) fn currency(&self, text: &[u8], field: &'static str) -> Result<Option<CurrencyCode>, Fault> {
        if text.is_empty() {
            return Ok(None);
        }
        let currency = CurrencyCode::from_bytes(text);
        currency.map(Some).ok_or_else(|| Fault::new(self.line, field, "a currency is three capital letters", text))
    }

    pub(super) fn check_total(&self, text: &[u8], field: &'static str, total: Total, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        let stated = Total::read(text).ok_or_else(|| Fault::new(self.line, field, AMOUNT_RULE, text))?;
        if stated != total {
            let rule = format!("the amounts come to {}", total.0);
            events.push_back(Event::Remark(Remark::control(Fault::new(self.line, field, rule, text))));
        }
        Ok(())
    }

    pub(super) fn check_count(&self, text: &[u8], field: &'static str, count: u64, events: &mut VecDeque<Event>) -> Result<(), Fault> {
        if text.is_empty() {
            return Ok(());
        }
        let stated = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
        let stated = stated.ok_or_else(|| Fault::new(self.line, field, "a count is digits", text))?;
        if stated != count {
            events.push_back(Event::Remark(Remark::control(Fault::new(self.line, field, format!("there are {count}"), text))));
        }
        Ok(())
    }
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b',' | b'\n')
}

/// The next field, and what follows its separator; the field that has none behind it is the last.
pub(super) fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(is_separator).unwrap_or(rest.len());
    let field = &rest[..end];
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(field.trim_ascii())
}
