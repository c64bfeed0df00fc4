//! A statement, whatever the format it came in. Texts and identifiers stand as the bank wrote them.

use crate::{currency::CurrencyCode, fault::Remark, format::Format, reference::StructuredReference};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a reader tells, in the order of the file: each statement is opened, its lines follow, and it is closed.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Opened(StatementHead),
    Line(Box<Line>),
    /// Belongs to the open statement; before the first and after the last one to the file.
    Remark(Remark),
    Closed(StatementFoot),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StatementHead {
    pub format: Format,
    /// Of the file, where the statement begins.
    pub line: u64,
    /// IBAN or another identification of the account, as written.
    pub account: String,
    pub currency: CurrencyCode,
    /// The bank's name of the statement: `:20:`, `Stmt/Id`, the file identification number of BAI2.
    pub reference: Option<String>,
    /// The number of the statement in its account's row of statements: `:28C:`, `ElctrncSeqNb`.
    pub sequence: Option<u64>,
    /// Of a statement in several messages, from 1: the second part of `:28C:`, `StmtPgntn/PgNb`.
    pub page: Option<u64>,
    /// As far as it is known before the first line; [`StatementFoot::opening`] is the whole truth.
    pub opening: Option<Balance>,
}

/// What is known once the last line was read.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementFoot {
    pub opening: Option<Balance>,
    pub closing: Option<Balance>,
    /// What the holder could dispose of at the end.
    pub available: Option<Balance>,
    /// What the bank says of the statement as a whole.
    pub information: Option<String>,
    /// How many lines it has, of every status.
    pub lines: u64,
    /// Of the booked lines.
    pub sum: Decimal,
    pub proof: Proof,
}

/// An amount on an account at the end of a day, positive when the bank owes it to the holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: CurrencyCode,
    pub date: NaiveDate,
    pub kind: BalanceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BalanceKind {
    /// Of the books of the bank, at the beginning or the end of a statement.
    Booked,
    /// Of the books, between two pages of a statement: `:60M:`, `:62M:`, `ITBD`.
    Intermediate,
    /// What can be disposed of, where the bank gives nothing better.
    Available,
}

/// Whether opening balance and booked lines give the closing balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Balanced,
    /// Closing minus what opening and lines come to.
    Off(Decimal),
    /// Balances or lines are of different currencies.
    CurrenciesDiffer,
    /// The statement lacks one of its balances, or they are of what is available and need not add up.
    Unprovable,
}

impl Proof {
    /// `None`: nothing can be said.
    pub fn balanced(self) -> Option<bool> {
        match self {
            Self::Balanced => Some(true),
            Self::Off(_) | Self::CurrenciesDiffer => Some(false),
            Self::Unprovable => None,
        }
    }

    pub fn difference(self) -> Option<Decimal> {
        match self {
            Self::Balanced => Some(Decimal::ZERO),
            Self::Off(difference) => Some(difference),
            Self::CurrenciesDiffer | Self::Unprovable => None,
        }
    }
}

/// One movement on the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Of the file, where the movement begins.
    pub line: u64,
    /// Positive when the balance grows.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: CurrencyCode,
    /// The day of the bank's books; the value date where the bank gives none.
    pub booking_date: NaiveDate,
    pub value_date: Option<NaiveDate>,
    pub status: LineStatus,
    /// It takes back an earlier movement; the amount has the sign that it moves the balance by.
    pub reversal: bool,
    /// The bank's number of the movement within the statement: `NtryRef`.
    pub entry_reference: Option<String>,
    /// The bank's own reference: after `//` in `:61:`, `AcctSvcrRef`.
    pub bank_reference: Option<String>,
    /// What the holder called the order; `NONREF` is none.
    pub customer_reference: Option<String>,
    /// What the payer called the payment; `NOTPROVIDED` is none.
    pub end_to_end_id: Option<String>,
    pub structured_references: Vec<StructuredReference>,
    /// Documents that the payer says the payment is for.
    pub documents: Vec<ReferredDocument>,
    pub mandate: Option<String>,
    pub counterparty_name: Option<String>,
    /// IBAN or another account number.
    pub counterparty_account: Option<String>,
    /// BIC or another identification of the counterparty's bank.
    pub counterparty_bank: Option<String>,
    /// On whose behalf the counterparty pays or is paid.
    pub ultimate_party: Option<String>,
    /// What the payer wrote; where the bank does not mark it, all that it reports. Lines of the bank stay lines.
    pub text: String,
    /// What the bank says the movement is, in words.
    pub posting_text: Option<String>,
    /// `NTRF`, `PMNT-RCDT-ESCT`, `195`.
    pub transaction_code: Option<String>,
    /// A national or proprietary code beside it: the German Geschäftsvorfallcode `166`.
    pub business_code: Option<String>,
    /// Why a payment came back: a code of ISO 20022 (`AC04`) or the German key (`914`).
    pub return_reason: Option<String>,
    pub batch: Option<Batch>,
}

impl Line {
    pub(crate) fn new(line: u64, amount: Decimal, currency: CurrencyCode, booking_date: NaiveDate) -> Self {
        Self {
            line,
            amount,
            currency,
            booking_date,
            value_date: None,
            status: LineStatus::Booked,
            reversal: false,
            entry_reference: None,
            bank_reference: None,
            customer_reference: None,
            end_to_end_id: None,
            structured_references: Vec::new(),
            documents: Vec::new(),
            mandate: None,
            counterparty_name: None,
            counterparty_account: None,
            counterparty_bank: None,
            ultimate_party: None,
            text: String::new(),
            posting_text: None,
            transaction_code: None,
            business_code: None,
            return_reason: None,
            batch: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineStatus {
    Booked,
    /// Announced, not in the books: does not count towards a balance.
    Pending,
    /// For information only.
    Information,
}

/// An invoice or credit memo that remittance information names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferredDocument {
    pub number: String,
    pub date: Option<NaiveDate>,
    /// What is paid of it, in the currency of the line.
    #[serde(with = "rust_decimal::serde::str_option")]
    pub amount: Option<Decimal>,
}

/// The place of a line in an entry of the bank that stands for many payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// `PmtInfId` or `MsgId` of the order.
    pub id: Option<String>,
    /// How many payments the bank booked in one amount.
    pub size: u64,
    /// From 1; `None`: the line is the whole entry, because the amounts of its parts do not add up to it or are not given.
    pub position: Option<u64>,
}

/// Nothing, where a format writes a word for nothing.
pub(crate) fn given(text: String) -> Option<String> {
    let text = if text.trim().len() == text.len() { text } else { text.trim().to_owned() };
    (!text.is_empty() && !matches!(text.as_str(), "NONREF" | "NOTPROVIDED")).then_some(text)
}
