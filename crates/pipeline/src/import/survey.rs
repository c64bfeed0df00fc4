//! The first reading of a file: does the batch stand at all? Nothing is written; what comes out is the batch's identity, its control
//! totals and the content of its seal. Memory does not grow with the documents, but for a hash of each.

use super::{
    format::{self, Cell, FORMAT, RawHeader, RawManifest, ReadError, ReadSeek},
    rules::{self, ReadDocument, violation},
};
use domain::{
    document::Violation,
    money::{Currency, Money},
    period::AccountingPeriod,
    seal::{Canonical, Hash, merkle_root},
    stage::DocumentKind,
};
use std::{collections::BTreeMap, ops::ControlFlow};
use store::{
    batches::ManifestLine,
    seals::{self, Sums},
};

/// How many errors a report carries; a file that is wrong throughout would fill any screen.
pub const ERRORS_MAX: usize = 100;

/// Longest name of a source or a batch.
const NAME_CHARS_MAX: usize = 100;

/// The batch's own words, understood.
#[derive(Debug, Clone)]
pub struct Header {
    pub source: String,
    pub batch: String,
    /// The entity's code; whether there is one, only the database knows.
    pub entity: String,
    pub period: AccountingPeriod,
    pub manifest: Vec<ManifestLine>,
}

/// A batch that agrees with its manifest.
#[derive(Debug)]
pub struct Survey {
    pub header: Header,
    pub content_hash: Hash,
    pub documents: i32,
    pub sealed: seals::Covered,
    /// Rules that rows broke, as far as the file alone tells; the first of many.
    pub violations: Vec<Violation>,
    pub rejected: u32,
}

/// Why nothing of a batch comes in.
#[derive(Debug)]
pub struct Refused {
    /// `source / number`, when that much could be read.
    pub batch: String,
    pub errors: Vec<Violation>,
}

/// Reads the batch's header. `Ok(Err(..))`: refused.
pub fn header(file: &mut dyn ReadSeek) -> std::io::Result<Result<Header, Refused>> {
    let raw = match format::header(file) {
        Ok(raw) => raw,
        Err(error) => return refused_by(error, String::new()),
    };
    let batch = format!("{} / {}", raw.source.shown(), raw.batch.shown());
    Ok(understand(&raw).map_err(|errors| Refused { batch, errors }))
}

/// Reads every document. `Ok(Err(..))`: refused.
pub fn survey(file: &mut dyn ReadSeek, header: Header) -> std::io::Result<Result<Survey, Refused>> {
    let batch = format!("{} / {}", header.source, header.batch);
    let mut adding = Adding::default();
    let read = format::documents(file, &mut |raw| {
        match rules::read(&raw, header.period) {
            Ok(document) => adding.add(&document),
            Err(unreadable) => adding.unreadable.extend(unreadable),
        }
        if adding.unreadable.len() < ERRORS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    match read {
        Ok(()) | Err(ReadError::Stopped) => Ok(adding.finish(header).map_err(|errors| Refused { batch, errors })),
        Err(error) => refused_by(error, batch),
    }
}

fn refused_by<T>(error: ReadError, batch: String) -> std::io::Result<Result<T, Refused>> {
    match error {
        ReadError::Refused(why) => Ok(Err(Refused { batch, errors: vec![why] })),
        ReadError::Io(error) => Err(error),
        ReadError::Stopped => Err(std::io::Error::other("reading was stopped")),
    }
}

type Found = BTreeMap<(Currency, DocumentKind), Sums>;

#[derive(Default)]
struct Adding {
    found: Found,
    covering: seals::Covering,
    identities: Vec<Hash>,
    unreadable: Vec<Violation>,
    violations: Vec<Violation>,
    rejected: u32,
}

impl Adding {
    fn add(&mut self, document: &ReadDocument) {
        let content = &document.content;
        self.found.entry((content.currency, content.kind)).or_default().add(content.amount, content.tax);
        self.covering.came_in(content.currency, content.kind, content.amount, content.tax, document.content_hash);
        self.identities.push(document.identity());
        if !document.violations.is_empty() {
            self.rejected += 1;
            let room = ERRORS_MAX.saturating_sub(self.violations.len());
            self.violations.extend(document.violations.iter().take(room).cloned());
        }
    }

    fn finish(mut self, header: Header) -> Result<Survey, Vec<Violation>> {
        if !self.unreadable.is_empty() {
            return Err(self.unreadable);
        }
        let differences = compare(&header.manifest, &self.found);
        if !differences.is_empty() {
            return Err(differences);
        }
        let documents = i32::try_from(self.identities.len()).unwrap_or(i32::MAX);
        if documents == 0 {
            return Err(vec![violation(1, "documents", "a batch holds at least one document", "")]);
        }
        // in the order of the hashes, so that the order of the file is no part of the identity
        self.identities.sort_unstable();
        let content_hash = identity(&header, &merkle_root(&self.identities));
        Ok(Survey { header, content_hash, documents, sealed: self.covering.finish(), violations: self.violations, rejected: self.rejected })
    }
}

fn identity(header: &Header, rows: &Hash) -> Hash {
    let mut canonical =
        Canonical::new("batch").text(&header.source).text(&header.batch).text(&header.entity).text(&header.period.to_string());
    for line in &header.manifest {
        let digits = line.currency.minor_units();
        canonical = canonical.text(line.currency.code()).text(line.kind.as_str()).integer(line.count.into());
        canonical = canonical.minor(line.total, digits).minor(line.tax, digits);
    }
    canonical.bytes(rows).finish()
}

/// Declared against found, rejected rows included: every difference with its figures.
fn compare(manifest: &[ManifestLine], found: &Found) -> Vec<Violation> {
    let sums = |line: &ManifestLine| Sums { count: line.count, amount: line.total, tax: line.tax };
    let declared: Found = manifest.iter().map(|line| ((line.currency, line.kind), sums(line))).collect();
    let mut keys: Vec<_> = declared.keys().chain(found.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let mut differences = Vec::new();
    for (currency, kind) in keys {
        let of = |sums: &Found| sums.get(&(currency, kind)).copied().unwrap_or_default();
        let (left, right) = (of(&declared), of(found));
        let fields = [("count", left.count.into(), right.count.into()), ("total", left.amount, right.amount), ("tax", left.tax, right.tax)];
        for (field, declared, found) in fields.into_iter().filter(|(_, declared, found)| declared != found) {
            let rule = format!("the manifest declares {declared}, the documents come to {found}: difference {}", found - declared);
            differences.push(violation(1, format!("manifest.{currency}.{kind}.{field}"), rule, &declared.to_string()));
        }
    }
    differences
}

fn understand(raw: &RawHeader) -> Result<Header, Vec<Violation>> {
    let mut errors = Vec::new();
    let mut name = |field: &str, cell: &Cell| {
        let text = cell.shown().trim();
        let good = matches!(cell, Cell::Text(_))
            && !text.is_empty()
            && text.chars().count() <= NAME_CHARS_MAX
            && !text.chars().any(char::is_control);
        if !good {
            errors.push(violation(raw.line, field, format!("must be text of 1 to {NAME_CHARS_MAX} characters"), cell.shown()));
        }
        text.to_owned()
    };
    let (source, batch, entity) = (name("source", &raw.source), name("batch", &raw.batch), name("entity", &raw.entity));
    if raw.format.shown().trim() != FORMAT {
        errors.push(violation(raw.line, "format", format!("must be {FORMAT}"), raw.format.shown()));
    }
    let period = raw.period.shown().trim().parse::<AccountingPeriod>();
    if period.is_err() {
        errors.push(violation(raw.line, "period", "is not an accounting period like 2026-10", raw.period.shown()));
    }
    for name in &raw.unknown {
        errors.push(violation(raw.line, name, "is not a field of the format", ""));
    }
    let manifest = manifest(raw.manifest.as_deref().unwrap_or_default(), raw.line, &mut errors);
    match period {
        Ok(period) if errors.is_empty() => Ok(Header { source, batch, entity, period, manifest }),
        _ => Err(errors),
    }
}

fn manifest(raw: &[RawManifest], line: u32, errors: &mut Vec<Violation>) -> Vec<ManifestLine> {
    if raw.is_empty() {
        errors.push(violation(line, "manifest", "a batch declares count, total and tax per currency", ""));
    }
    let mut lines: Vec<ManifestLine> = Vec::new();
    for (ordinal, row) in (1..).zip(raw) {
        let place = if row.line == 0 { ordinal } else { row.line };
        match manifest_line(row, ordinal, place) {
            Ok(line) if lines.iter().any(|other| (other.currency, other.kind) == (line.currency, line.kind)) => {
                errors.push(violation(
                    place,
                    format!("manifest[{ordinal}]"),
                    "declares a currency and kind a second time",
                    line.currency.code(),
                ));
            }
            Ok(line) => lines.push(line),
            Err(wrong) => errors.extend(wrong),
        }
    }
    lines.sort_by_key(|line| (line.currency, line.kind));
    lines
}

fn manifest_line(raw: &RawManifest, ordinal: u32, place: u32) -> Result<ManifestLine, Vec<Violation>> {
    let path = |name: &str| format!("manifest[{ordinal}].{name}");
    let mut errors: Vec<Violation> =
        raw.unknown.iter().map(|name| violation(place, path(name), "is not a field of the format", "")).collect();
    let currency = raw.currency.shown().trim().parse::<Currency>();
    if currency.is_err() {
        errors.push(violation(place, path("currency"), "is not an ISO 4217 currency", raw.currency.shown()));
    }
    // left out, it can only be invoices: credit memos would then differ from a declared zero
    let kind = if raw.kind == Cell::Missing { Some(DocumentKind::Invoice) } else { raw.kind.shown().trim().parse().ok() };
    let kind = kind.filter(|kind| rules::is_billed(*kind));
    if kind.is_none() {
        errors.push(violation(place, path("kind"), "must be invoice or credit_memo", raw.kind.shown()));
    }
    let count = raw.count.shown().trim().parse::<i64>().ok().filter(|count| *count >= 0);
    if count.is_none() {
        errors.push(violation(place, path("count"), "must be a whole number from 0", raw.count.shown()));
    }
    let mut money = |name: &str, cell: &Cell| {
        let amount = currency.as_ref().ok().and_then(|currency| Money::new(rules::decimal(cell)?, *currency).ok());
        let amount = amount.map(Money::amount).filter(|amount| !amount.is_sign_negative() || amount.is_zero());
        if amount.is_none() {
            errors.push(violation(place, path(name), "is not a readable amount", cell.shown()));
        }
        amount.unwrap_or_default()
    };
    let (total, tax) = (money("total", &raw.total), money("tax", &raw.tax));
    match (currency, kind, count) {
        (Ok(currency), Some(kind), Some(count)) if errors.is_empty() => Ok(ManifestLine { currency, kind, count, total, tax }),
        _ => Err(errors),
    }
}
