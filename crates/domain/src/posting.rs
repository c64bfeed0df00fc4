//! Posting: handing a document to an ERP, exactly once in effect.
//!
//! A connector classifies every answer into exactly one [`Outcome`]; what follows from each is decided by
//! [`Outcome::stage`] and nowhere else. Success is not HTTP 200: see the contract of each system.

use crate::{
    money::Currency,
    stage::{DocumentKind, Side, Stage},
    text_enum::text_enum,
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// The system at the other end of a connection.
    pub enum ErpSystem {
        Netsuite = "netsuite",
        Odoo = "odoo",
    }
}

impl ErpSystem {
    pub fn label(self) -> &'static str {
        match self {
            Self::Netsuite => "NetSuite",
            Self::Odoo => "Odoo",
        }
    }
}

text_enum! {
    /// What stands between a repeated send and a second document in the ERP.
    pub enum Fence {
        /// The ERP itself refuses a second document with the same key.
        Prevents = "prevents",
        /// A second document can only be found afterwards; probes wait longest.
        Detects = "detects",
    }
}

/// What names a posting at the ERP for ever: the same on every try, derived from the document, not from the attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostingKey(pub String);

impl PostingKey {
    /// `tieout-US-INV-2026-00017-v1`: readable in the ERP, unique per entity, number and version.
    pub fn of(entity_code: &str, kind: DocumentKind, number: &str, version: i32) -> Self {
        let kind = match kind {
            DocumentKind::Invoice => "inv",
            DocumentKind::CreditMemo => "cm",
            DocumentKind::Payment => "pay",
            DocumentKind::Refund => "ref",
            DocumentKind::ReturnedPayment => "ret",
            DocumentKind::Chargeback => "cb",
            DocumentKind::Transfer => "trf",
            DocumentKind::CashApplication => "app",
            DocumentKind::ApplicationReversal => "rev",
        };
        Self(format!("tieout-{entity_code}-{kind}-{number}-v{version}"))
    }
}

impl std::fmt::Display for PostingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// A canonical document with every reference translated to one ERP's identifiers: what a connector turns into a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedDocument {
    pub posting_key: PostingKey,
    pub kind: DocumentKind,
    /// Our document number, shown to people in the ERP.
    pub number: String,
    /// The ERP's legal entity (NetSuite subsidiary, Odoo company).
    pub entity_ref: String,
    pub customer_ref: String,
    pub currency: Currency,
    pub document_date: NaiveDate,
    pub posting_date: NaiveDate,
    pub due_date: NaiveDate,
    /// Gross: net of the lines plus tax.
    #[serde(with = "rust_decimal::serde::str")]
    pub total: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
    /// The number of the invoice that a credit memo corrects.
    pub applies_to: Option<String>,
    /// `true`: we send the tax and the ERP must keep it; `false`: the ERP computes it and we compare.
    pub tax_is_ours: bool,
    /// Of money: one line per account of ours that it came to or left, which only `account_ref`, `description` and `net` tell of.
    pub lines: Vec<MappedLine>,
    /// Of an application or its reversal: what it settles. Every item is in the ERP by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<MappedSettlement>,
}

/// What one credit settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedSettlement {
    /// The payment or credit memo that is given.
    pub credit: MappedItem,
    pub debits: Vec<MappedAllocation>,
}

/// A document that the ERP holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedItem {
    pub kind: DocumentKind,
    pub posting_key: PostingKey,
    pub number: String,
    /// The ERP's own key.
    pub erp_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedAllocation {
    pub item: MappedItem,
    /// What this document allocates, or takes back.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// What the credit settles of the item once this document is in the ERP, with every allocation before it. ERPs that keep
    /// one figure per pair are sent this, so that a send again changes nothing.
    #[serde(with = "rust_decimal::serde::str")]
    pub settled: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedLine {
    pub item_ref: String,
    pub account_ref: String,
    pub tax_ref: String,
    pub description: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub quantity: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub unit_price: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub net: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
}

/// A document as the ERP holds it, read back. What an ERP does not carry is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErpDocument {
    /// The ERP's own key.
    pub erp_id: String,
    /// The number people see in the ERP.
    pub erp_number: String,
    /// Our posting key, when the document carries one of ours.
    pub posting_key: Option<PostingKey>,
    pub kind: ErpKind,
    pub state: ErpState,
    pub entity_ref: String,
    pub customer_ref: Option<String>,
    pub currency: Currency,
    #[serde(with = "rust_decimal::serde::str")]
    pub total: Decimal,
    #[serde(with = "rust_decimal::serde::str_option")]
    pub tax: Option<Decimal>,
    pub document_date: Option<NaiveDate>,
    pub posting_date: NaiveDate,
    pub due_date: Option<NaiveDate>,
    /// The ERP's change stamp, as it gave it.
    pub modified_at: Option<String>,
}

text_enum! {
    /// What the ERP says it is; a journal to the AR control account is AR as well.
    pub enum ErpKind {
        Invoice = "invoice",
        CreditMemo = "credit_memo",
        /// A direct journal that debits AR.
        JournalDebit = "journal_debit",
        /// A direct journal that credits AR.
        JournalCredit = "journal_credit",
        Payment = "payment",
        /// Money that went back to a customer, for whatever reason.
        MoneyBack = "money_back",
        /// Read back one by one, because it is no posting of its own in most ERPs.
        CashApplication = "cash_application",
        ApplicationReversal = "application_reversal",
    }
}

impl From<DocumentKind> for ErpKind {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::Invoice => Self::Invoice,
            DocumentKind::CreditMemo => Self::CreditMemo,
            DocumentKind::Payment => Self::Payment,
            DocumentKind::Refund | DocumentKind::ReturnedPayment | DocumentKind::Chargeback | DocumentKind::Transfer => Self::MoneyBack,
            DocumentKind::CashApplication => Self::CashApplication,
            DocumentKind::ApplicationReversal => Self::ApplicationReversal,
        }
    }
}

impl ErpKind {
    /// `None`: it moves nothing into or out of AR.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::Invoice | Self::JournalDebit | Self::MoneyBack => Some(Side::Debit),
            Self::CreditMemo | Self::JournalCredit | Self::Payment => Some(Side::Credit),
            Self::CashApplication | Self::ApplicationReversal => None,
        }
    }
}

text_enum! {
    /// Whether the ERP document counts in its ledger.
    pub enum ErpState {
        Posted = "posted",
        /// Draft, parked or waiting for approval: there, but not in the ledger.
        Draft = "draft",
        Voided = "voided",
    }
}

/// How an ERP answered one send. Exactly one of these; a connector never guesses towards success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The ERP holds it under this key and number.
    Accepted { erp_id: String, erp_number: String },
    /// Too many requests: wait as told, no attempt is burnt.
    Throttled { retry_after_seconds: Option<u64> },
    /// Surely not processed (lock, someone else's change): back to the queue with backoff.
    Transient { reason: String },
    /// Nothing left us: connection refused, no name, no token. No attempt is burnt; the circuit opens when nobody gets through.
    Unreachable { reason: String },
    /// Credentials refused: the connection's circuit opens, nothing else is tried.
    Auth { reason: String },
    /// The ERP understood and refused: a person is needed.
    Business(Refusal),
    /// A document with our key is there already: fetch and compare.
    Duplicate { reason: String },
    /// Malformed or not configured: never goes through unchanged.
    Permanent(Refusal),
    /// Sent, and nobody knows: 5xx, time-out, cut connection.
    Ambiguous { reason: String },
}

/// A refusal in words a controller reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The ERP's code.
    pub code: String,
    /// What it says, without identifiers of machines or stacks.
    pub message: String,
    /// Which field of the payload, when the ERP says so.
    pub field: Option<String>,
}

text_enum! {
    /// The outcome as a column of the attempt.
    pub enum OutcomeKind {
        Accepted = "accepted",
        Throttled = "throttled",
        Transient = "transient",
        Unreachable = "unreachable",
        Auth = "auth",
        Business = "business",
        Duplicate = "duplicate",
        Permanent = "permanent",
        Ambiguous = "ambiguous",
        /// The lease ended without an answer: the worker died or stood still.
        NoAnswer = "no_answer",
        /// Claimed, but the lease left no time to send.
        NotSent = "not_sent",
    }
}

impl Outcome {
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Accepted { .. } => OutcomeKind::Accepted,
            Self::Throttled { .. } => OutcomeKind::Throttled,
            Self::Transient { .. } => OutcomeKind::Transient,
            Self::Unreachable { .. } => OutcomeKind::Unreachable,
            Self::Auth { .. } => OutcomeKind::Auth,
            Self::Business(_) => OutcomeKind::Business,
            Self::Duplicate { .. } => OutcomeKind::Duplicate,
            Self::Permanent(_) => OutcomeKind::Permanent,
            Self::Ambiguous { .. } => OutcomeKind::Ambiguous,
        }
    }
}

impl OutcomeKind {
    /// Where a document in flight goes on this outcome. A duplicate is looked up first, like an unknown.
    pub fn stage(self) -> Stage {
        match self {
            Self::Accepted => Stage::Posted,
            Self::Throttled | Self::Transient | Self::Unreachable | Self::Auth | Self::NotSent => Stage::Queued,
            Self::Business | Self::Permanent => Stage::Exception,
            Self::Duplicate | Self::Ambiguous | Self::NoAnswer => Stage::Unknown,
        }
    }

    /// Whether the try counts against the posting's attempts.
    pub fn burns_an_attempt(self) -> bool {
        !matches!(self, Self::Throttled | Self::Unreachable | Self::NotSent | Self::Auth)
    }
}

/// What a probe of an unknown outcome found at the ERP under the posting key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    Found(Box<ErpDocument>),
    /// More than one document carries our key.
    FoundTwice(Vec<ErpDocument>),
    /// Nothing there now. Absence is proved by two of these apart, after the ERP's maximum processing time.
    Absent,
    /// The ERP could not be asked.
    NotAnswered {
        reason: String,
    },
}

/// One exchange with an ERP as it is kept: request and answer with secrets already masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub request: String,
    pub status: Option<u16>,
    pub answer: Option<String>,
}

/// Equal as accounting.md defines *confirmed*, as far as the ERP carries each field.
/// Returns each difference as field, ours, theirs; empty means equal.
pub fn differences(ours: &MappedDocument, theirs: &ErpDocument) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field: &str, ours: String, theirs: String| {
        if ours != theirs {
            found.push(Difference { field: field.to_owned(), ours, theirs });
        }
    };
    compare("type", ErpKind::from(ours.kind).to_string(), theirs.kind.to_string());
    compare("legal entity", ours.entity_ref.clone(), theirs.entity_ref.clone());
    if let Some(customer) = &theirs.customer_ref {
        compare("customer", ours.customer_ref.clone(), customer.clone());
    }
    compare("currency", ours.currency.to_string(), theirs.currency.to_string());
    compare("total", ours.total.normalize().to_string(), theirs.total.normalize().to_string());
    if let Some(tax) = theirs.tax {
        compare("tax", ours.tax.normalize().to_string(), tax.normalize().to_string());
    }
    compare("posting date", ours.posting_date.to_string(), theirs.posting_date.to_string());
    if let Some(date) = theirs.document_date {
        compare("document date", ours.document_date.to_string(), date.to_string());
    }
    if let Some(date) = theirs.due_date {
        compare("due date", ours.due_date.to_string(), date.to_string());
    }
    compare("state", ErpState::Posted.to_string(), theirs.state.to_string());
    found
}

/// One field in which the ERP's document is not ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: String,
    pub ours: String,
    pub theirs: String,
}

/// A throttled or transient send waits: doubling from two seconds to five minutes.
/// `jitter_percent` (0..=100, from the caller's randomness) spreads the second half of the wait.
pub fn backoff_seconds(attempt: u32, jitter_percent: u32) -> i64 {
    const FIRST: i64 = 2;
    const LONGEST: i64 = 300;
    let full = FIRST.saturating_mul(1i64 << attempt.min(12)).min(LONGEST);
    full / 2 + (full / 2) * i64::from(jitter_percent.min(100)) / 100
}

/// When something may be tried again.
pub fn not_before(now: DateTime<Utc>, attempt: u32, jitter_percent: u32, retry_after_seconds: Option<u64>) -> DateTime<Utc> {
    let seconds =
        retry_after_seconds.map_or_else(|| backoff_seconds(attempt, jitter_percent), |s| i64::try_from(s).unwrap_or(3600).min(3600));
    now + chrono::TimeDelta::seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_have_been_processed_is_sendable_again() {
        for outcome in [OutcomeKind::Ambiguous, OutcomeKind::NoAnswer, OutcomeKind::Duplicate] {
            assert_eq!(outcome.stage(), Stage::Unknown, "{outcome}");
        }
    }

    #[test]
    fn every_outcome_leads_to_a_stage_that_follows_in_flight() {
        for outcome in OutcomeKind::ALL {
            assert!(Stage::InFlight.check_move(outcome.stage()).is_ok(), "{outcome}");
        }
    }

    #[test]
    fn a_throttled_answer_burns_no_attempt() {
        assert!(!OutcomeKind::Throttled.burns_an_attempt());
        assert!(OutcomeKind::Ambiguous.burns_an_attempt());
    }

    #[test]
    fn backoff_doubles_and_stays_under_five_minutes() {
        assert_eq!(backoff_seconds(0, 100), 2);
        assert_eq!(backoff_seconds(3, 0), 8);
        assert_eq!(backoff_seconds(60, 100), 300);
        for attempt in 0..40 {
            assert!(backoff_seconds(attempt, 0) <= backoff_seconds(attempt, 100));
        }
    }
}
