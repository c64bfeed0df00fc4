//! The documents, in memory; [`crate::journal`] keeps them.

use super::lists::Lists;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum RecordType {
    Invoice,
    CreditMemo,
    CustomerPayment,
    JournalEntry,
}

impl RecordType {
    pub(super) const ALL: [Self; 4] = [Self::Invoice, Self::CreditMemo, Self::CustomerPayment, Self::JournalEntry];

    /// Record ids are case-insensitive [H:section_0223040947, section_0404042133, article_0224093711].
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "invoice" => Some(Self::Invoice),
            "creditmemo" => Some(Self::CreditMemo),
            "customerpayment" => Some(Self::CustomerPayment),
            "journalentry" => Some(Self::JournalEntry),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditMemo => "creditMemo",
            Self::CustomerPayment => "customerPayment",
            Self::JournalEntry => "journalEntry",
        }
    }

    /// `transaction.type` in SuiteQL (U).
    pub(super) fn query_type(self) -> &'static str {
        match self {
            Self::Invoice => "CustInvc",
            Self::CreditMemo => "CustCred",
            Self::CustomerPayment => "CustPymt",
            Self::JournalEntry => "Journal",
        }
    }

    /// Of the number that a record gets which brings none.
    pub(super) fn prefix(self) -> &'static str {
        if self == Self::JournalEntry { "JE" } else { self.query_type() }
    }

    /// Whether it is given to what a customer owes.
    pub(super) fn is_credit(self) -> bool {
        matches!(self, Self::CreditMemo | Self::CustomerPayment)
    }

    /// What a document of this amount does to AR; positive debits it.
    pub(super) fn ar_amount(self, total: Decimal) -> Decimal {
        if self.is_credit() { -total } else { total }
    }
}

/// A line on the AR control account. Positive debits AR.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ArLine {
    pub(super) unique_key: u64,
    #[serde(with = "rust_decimal::serde::str")]
    pub(super) amount: Decimal,
}

/// What a credit settles of one debit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Applied {
    /// The debit's id.
    pub(super) doc: u64,
    #[serde(with = "rust_decimal::serde::str")]
    pub(super) amount: Decimal,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) id: u64,
    pub(super) record_type: RecordType,
    pub(super) external_id: Option<String>,
    pub(super) tran_id: String,
    pub(super) subsidiary: String,
    pub(super) entity: Option<String>,
    pub(super) currency: String,
    pub(super) tran_date: NaiveDate,
    pub(super) due_date: Option<NaiveDate>,
    pub(super) posting_period: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(super) tax_total: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(super) total: Decimal,
    pub(super) ar: Vec<ArLine>,
    /// One line per debit that it settles, in the order of their ids.
    #[serde(default)]
    pub(super) apply: Vec<Applied>,
    pub(super) voided: bool,
    /// Made in the user interface and not over REST.
    pub(super) by_hand: bool,
    pub(super) last_modified: DateTime<Utc>,
    /// As it was sent, without `apply`; an update merges into it.
    pub(super) body: serde_json::Value,
}

/// One change of the ledger.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A document as it is from now on.
    Document(Box<Document>),
    Period {
        id: String,
        closed: bool,
    },
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    documents: BTreeMap<u64, Document>,
    /// External ids are unique per record type and case-insensitive [H:section_N3433806].
    external_ids: HashMap<(RecordType, String), u64>,
    /// Unique line key to document and position: the order of the AR query.
    ar: BTreeMap<u64, (u64, usize)>,
    /// Debit to the credits that settle it.
    settled: HashMap<u64, BTreeMap<u64, Decimal>>,
    closed: HashSet<String>,
    last_id: u64,
    last_key: u64,
}

impl Ledger {
    pub(super) fn new(lists: &Lists) -> Self {
        Self { closed: lists.periods.iter().filter(|p| p.closed).map(|p| p.id.clone()).collect(), ..Self::default() }
    }

    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Period { id, closed: true } => drop(self.closed.insert(id)),
            Entry::Period { id, closed: false } => drop(self.closed.remove(&id)),
            Entry::Document(document) => self.put(*document),
        }
    }

    fn put(&mut self, document: Document) {
        if let Some(external_id) = &document.external_id {
            self.external_ids.insert((document.record_type, external_id.to_lowercase()), document.id);
        }
        for (position, line) in document.ar.iter().enumerate() {
            self.ar.insert(line.unique_key, (document.id, position));
            self.last_key = self.last_key.max(line.unique_key);
        }
        for old in self.documents.get(&document.id).into_iter().flat_map(|old| &old.apply) {
            self.settled.entry(old.doc).or_default().remove(&document.id);
        }
        for new in &document.apply {
            self.settled.entry(new.doc).or_default().insert(document.id, new.amount);
        }
        self.last_id = self.last_id.max(document.id);
        self.documents.insert(document.id, document);
    }

    pub(super) fn next_id(&self) -> u64 {
        self.last_id + 1
    }

    pub(super) fn next_key(&self) -> u64 {
        self.last_key + 1
    }

    pub(super) fn is_closed(&self, period: &str) -> bool {
        self.closed.contains(period)
    }

    pub(super) fn get(&self, id: u64) -> Option<&Document> {
        self.documents.get(&id)
    }

    pub(super) fn by_external_id(&self, record_type: RecordType, external_id: &str) -> Option<&Document> {
        self.external_ids.get(&(record_type, external_id.to_lowercase())).and_then(|id| self.documents.get(id))
    }

    /// A record as a path names it: `123` or `eid:…` [H:section_156335203191].
    pub(super) fn find(&self, record_type: RecordType, key: &str) -> Option<&Document> {
        match key.strip_prefix("eid:") {
            Some(external_id) => self.by_external_id(record_type, external_id),
            None => key.parse().ok().and_then(|id| self.get(id)).filter(|document| document.record_type == record_type),
        }
    }

    /// What no credit settles of a debit; `but` leaves one credit out.
    pub(super) fn remaining(&self, debit: &Document, but: Option<u64>) -> Decimal {
        let credits = self.settled.get(&debit.id).into_iter().flatten();
        debit.total - credits.filter(|(credit, _)| Some(**credit) != but).map(|(_, amount)| amount).sum::<Decimal>()
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// AR lines with a unique key above `key`, in its order.
    pub(super) fn ar_after(&self, key: u64) -> impl Iterator<Item = (&Document, &ArLine)> {
        self.ar.range(key.saturating_add(1)..).filter_map(|(_, (id, position))| {
            let document = self.documents.get(id)?;
            Some((document, document.ar.get(*position)?))
        })
    }
}
