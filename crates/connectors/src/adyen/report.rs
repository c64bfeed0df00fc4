//! The settlement details report (CSV), read row by row from a download or an uploaded file.
//!
//! A batch is one payout: everything in it but the payout itself adds up to the payout, so all its rows add up to zero. What
//! is carried to a later batch instead of being paid out is a row of its own (`Balancetransfer`).

pub use super::row::RowError;
use super::row::{Header, Row};
use csv::{Reader, ReaderBuilder, StringRecord};
use domain::{
    money::Currency,
    settlement::{EntryKind, GatewayEntry, Payout, PayoutStatus},
};
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    io::Read,
};

/// Iterates over the entries; a broken row is an error and the next one follows. [`Report::batches`] when it is at its end.
pub struct Report<R> {
    reader: Reader<R>,
    header: Header,
    record: StringRecord,
    batches: BTreeMap<(String, Currency), Batch>,
    /// How often a row with the same identity was read, by hash, so that a million rows stay small.
    seen: HashMap<u64, u32>,
    broken: u64,
    is_over: bool,
}

/// What a report says of one batch in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub payout: Option<Payout>,
    pub currency: Currency,
    /// Line of the report on which its payout stands; without one, its last row.
    pub line: u64,
    pub rows: u64,
    /// Σ net of the rows that are not the payout.
    pub entries: Decimal,
}

impl Batch {
    /// Zero, or rows are missing or broken (contract: Rule).
    pub fn difference(&self) -> Decimal {
        self.entries - self.payout.as_ref().map_or(Decimal::ZERO, |payout| payout.amount)
    }
}

impl<R: Read> Report<R> {
    /// Reads the header. Columns are found by their names, because reports are configured and grow.
    pub fn open(from: R) -> Result<Self, RowError> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(from);
        let header = reader.headers().map_err(|error| unreadable(1, &error))?;
        let header = Header::read(header)?;
        Ok(Self { reader, header, record: StringRecord::new(), batches: BTreeMap::new(), seen: HashMap::new(), broken: 0, is_over: false })
    }

    /// By merchant account and batch number, as in `payout` of the entries; and how many rows were broken and counted nowhere.
    pub fn batches(self) -> (BTreeMap<(String, Currency), Batch>, u64) {
        (self.batches, self.broken)
    }

    fn entry(&mut self) -> Result<GatewayEntry, RowError> {
        let line = self.record.position().map_or(0, csv::Position::line);
        let mut entry = Row { header: &self.header, record: &self.record, line }.entry()?;
        entry.id = self.identity(&entry);
        self.count(&entry, line);
        Ok(entry)
    }

    /// A row has no id. Batch, type and modification reference are one; where they repeat, as for fees, the repetition is counted.
    fn identity(&mut self, entry: &GatewayEntry) -> String {
        let batch = entry.payout.as_deref().unwrap_or_default();
        let source = entry.source.as_deref().unwrap_or_default();
        let identity = format!("{batch}/{}/{source}", entry.kind);
        let mut hasher = DefaultHasher::new();
        identity.hash(&mut hasher);
        let times = self.seen.entry(hasher.finish()).or_default();
        *times += 1;
        if *times == 1 { identity } else { format!("{identity}/{times}") }
    }

    fn count(&mut self, entry: &GatewayEntry, line: u64) {
        let id = entry.payout.clone().unwrap_or_default();
        let currency = entry.settlement_currency;
        let empty = Batch { payout: None, currency, line, rows: 0, entries: Decimal::ZERO };
        let batch = self.batches.entry((id.clone(), currency)).or_insert(empty);
        batch.rows += 1;
        if batch.payout.is_none() || entry.kind == EntryKind::Payout {
            batch.line = line;
        }
        if entry.kind != EntryKind::Payout {
            batch.entries += entry.net;
            return;
        }
        let before = batch.payout.as_ref().map_or(Decimal::ZERO, |payout| payout.amount);
        batch.payout = Some(Payout {
            id,
            amount: before - entry.net,
            currency,
            status: PayoutStatus::Paid,
            created_at: entry.created_at,
            arrival_date: entry.created_at.date_naive(),
            trace_id: None,
            // "TX…, batch 4 …": what Adyen writes into the transfer stands in the row's reference.
            bank_text: entry.source.clone(),
            entry: Some(entry.id.clone()),
            is_itemised: true,
            reversed_by: None,
            failure: None,
        });
    }
}

impl<R: Read> Iterator for Report<R> {
    type Item = Result<GatewayEntry, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let line = self.reader.position().line();
        let read = match self.reader.read_record(&mut self.record) {
            Ok(false) => {
                self.is_over = true;
                return None;
            }
            Ok(true) => self.entry(),
            Err(error) => {
                // What is not text is one row; what cannot be read from the disk is all of them.
                self.is_over = error.is_io_error();
                Err(unreadable(line, &error))
            }
        };
        self.broken += u64::from(read.is_err());
        Some(read)
    }
}

fn unreadable(line: u64, error: &csv::Error) -> RowError {
    RowError { line, field: "row".to_owned(), rule: "UTF-8 text with commas", value: error.to_string() }
}
