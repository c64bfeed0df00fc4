//! Hashes that prove content: row hash, set hash, Merkle root, seal.
//!
//! Canonical bytes are a format version and length-prefixed fields; amounts are integer minor units, so 10.5000 and
//! 10.50 are the same. A chain in the same database proves accident, not intent: its head is anchored outside.

use crate::{document::DocumentContent, id::EntityId};
use rust_decimal::Decimal;

pub type Hash = [u8; 32];

const FORMAT: &str = "tieout.canonical/1";

/// Collects fields into one unambiguous byte string.
pub struct Canonical(blake3::Hasher);

impl Canonical {
    pub fn new(what: &str) -> Self {
        Self(blake3::Hasher::new()).text(FORMAT).text(what)
    }

    pub fn bytes(mut self, field: &[u8]) -> Self {
        self.0.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(field);
        self
    }

    pub fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    pub fn integer(self, field: i128) -> Self {
        self.bytes(&field.to_le_bytes())
    }

    /// Exact value without trailing zeros: quantities and unit prices.
    pub fn decimal(self, field: Decimal) -> Self {
        self.text(&field.normalize().to_string())
    }

    /// Integer minor units of a currency with this many digits.
    pub fn minor(self, amount: Decimal, minor_units: u32) -> Self {
        let mut amount = amount;
        amount.rescale(minor_units);
        self.integer(amount.mantissa())
    }

    pub fn finish(self) -> Hash {
        *self.0.finalize().as_bytes()
    }
}

/// The hash of a version of the rules of cash application, as its text was written.
pub fn rule_table_hash(entity: EntityId, content: &str) -> Hash {
    Canonical::new("rule_table").text(&entity.to_string()).text(content).finish()
}

/// The row hash of a document: everything that never changes, lines included.
pub fn content_hash(document: &DocumentContent) -> Hash {
    let digits = document.currency.minor_units();
    let mut canonical = Canonical::new("document")
        .text(document.kind.as_str())
        .text(&document.number)
        .integer(document.version.into())
        .text(&document.customer_code)
        .text(&document.customer_name)
        .text(document.currency.code())
        .minor(document.amount, digits)
        .minor(document.tax, digits)
        .text(&document.issue_date.to_string())
        .text(&document.due_date.to_string())
        .text(&document.posting_date.to_string())
        .text(&document.period.to_string())
        .text(document.applies_to.as_deref().unwrap_or(""))
        .integer(i128::try_from(document.lines.len()).unwrap_or(i128::MAX));
    for line in &document.lines {
        canonical = canonical
            .text(&line.item_code)
            .text(&line.description)
            .decimal(line.quantity)
            .decimal(line.unit_price)
            .minor(line.net, digits)
            .minor(line.tax, digits)
            .text(&line.tax_code);
    }
    canonical.finish()
}

/// A row's term in the set hash. Terms are *added* (not exclusive-or'ed), so that a doubled pair shows.
pub fn set_term(hash: &Hash) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(first)
}

/// The root over row hashes in their order. An odd node is carried up unpaired, never doubled.
pub fn merkle_root(rows: &[Hash]) -> Hash {
    if rows.is_empty() {
        return Canonical::new("empty").finish();
    }
    let mut level = rows.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => Canonical::new("node").bytes(left).bytes(right).finish(),
                [single] => *single,
                _ => [0; 32],
            })
            .collect();
    }
    level[0]
}

/// One link of an entity's chain of seals.
pub struct SealContent<'a> {
    pub previous: Option<&'a Hash>,
    pub purpose: &'a str,
    /// Totals as canonical text, one line per currency and kind.
    pub totals: &'a str,
    /// The sum of the rows' terms, as decimal text.
    pub set_hash: &'a str,
    pub merkle_root: &'a Hash,
}

pub fn seal(content: &SealContent<'_>) -> Hash {
    Canonical::new("seal")
        .bytes(content.previous.map_or(&[][..], |hash| &hash[..]))
        .text(content.purpose)
        .text(content.totals)
        .text(content.set_hash)
        .bytes(content.merkle_root)
        .finish()
}

pub fn hex(hash: &[u8]) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(hash.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::DocumentLine, stage::DocumentKind};

    fn document() -> DocumentContent {
        let date = chrono::NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
        DocumentContent {
            kind: DocumentKind::Invoice,
            number: "INV-1".into(),
            version: 1,
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: "USD".parse().unwrap(),
            amount: "11.00".parse().unwrap(),
            tax: "1".parse().unwrap(),
            issue_date: date,
            due_date: date,
            posting_date: date,
            period: "2026-10".parse().unwrap(),
            applies_to: None,
            lines: vec![DocumentLine {
                item_code: "API".into(),
                description: "calls".into(),
                quantity: "1000".parse().unwrap(),
                unit_price: "0.01".parse().unwrap(),
                net: "10.00".parse().unwrap(),
                tax: "1.00".parse().unwrap(),
                tax_code: "S".into(),
            }],
        }
    }

    #[test]
    fn trailing_zeros_do_not_change_content() {
        let mut same = document();
        same.amount = "11.0000".parse().unwrap();
        same.lines[0].unit_price = "0.0100".parse().unwrap();
        assert_eq!(content_hash(&document()), content_hash(&same));
    }

    #[test]
    fn one_cent_or_one_letter_changes_the_hash() {
        let mut cent = document();
        cent.lines[0].net = "10.01".parse().unwrap();
        let mut letter = document();
        letter.customer_code = "C-2".into();
        // a boundary that moves between two fields must show
        let mut boundary = document();
        (boundary.customer_code, boundary.customer_name) = ("C-1A".into(), "cme".into());
        for other in [cent, letter, boundary] {
            assert_ne!(content_hash(&document()), content_hash(&other));
        }
    }

    #[test]
    fn a_doubled_pair_shows_in_the_set_hash() {
        let (a, b) = (set_term(&[1; 32]), set_term(&[2; 32]));
        assert_ne!(i128::from(a) + i128::from(b), i128::from(a) + i128::from(b) + 2 * i128::from(a));
    }

    #[test]
    fn the_merkle_root_depends_on_order_and_on_every_row() {
        let rows: Vec<Hash> = (0..7u8).map(|n| [n; 32]).collect();
        let root = merkle_root(&rows);
        let mut swapped = rows.clone();
        swapped.swap(0, 6);
        assert_ne!(root, merkle_root(&swapped));
        assert_ne!(root, merkle_root(&rows[..6]));
        let mut doubled_last = rows.clone();
        doubled_last.push([6; 32]);
        assert_ne!(root, merkle_root(&doubled_last));
    }
}
