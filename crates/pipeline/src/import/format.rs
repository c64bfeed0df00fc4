//! The batch format `tieout.invoice-batch/1` as cells of text, before any of them is believed. Both spellings, JSON and CSV, are
//! read into these; `docs/import-format.md` describes them to people.

use domain::document::Violation;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

pub const FORMAT: &str = "tieout.invoice-batch/1";

/// A file that can be read more than once.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A value as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cell {
    #[default]
    Missing,
    Text(String),
    /// A JSON number, with every digit it was written with.
    Number(String),
    /// Anything that no field can be: a list, an object, a truth value.
    Other(String),
}

impl Cell {
    /// For messages.
    pub fn shown(&self) -> &str {
        match self {
            Self::Missing => "",
            Self::Text(text) | Self::Number(text) | Self::Other(text) => text,
        }
    }
}

/// A row of named cells.
pub trait Record {
    fn cell(&mut self, column: &str) -> Option<&mut Cell>;
}

/// The fields of a record by the names of the format, and their places in a CSV row.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident, $columns:ident { $($field:ident = $column:literal),+ $(,)? } $($extra:ident : $ty:ty),*) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        pub struct $name {
            /// Line of the file (CSV) or ordinal of the document (JSON), from 1.
            pub line: u32,
            $(pub $field: Cell,)+
            /// Names that the format does not know.
            pub unknown: Vec<String>,
            $(pub $extra: $ty,)*
        }
        pub const $columns: &[&str] = &[$($column),+];
        impl Record for $name {
            fn cell(&mut self, column: &str) -> Option<&mut Cell> {
                match column { $($column => Some(&mut self.$field),)+ _ => None }
            }
        }
    };
}

record! {
    /// What a batch says of itself.
    RawHeader, HEADER_COLUMNS { format = "format", source = "source", batch = "batch", entity = "entity", period = "period" }
    manifest: Option<Vec<RawManifest>>
}
record! {
    RawManifest, MANIFEST_COLUMNS { currency = "currency", kind = "kind", count = "count", total = "total", tax = "tax" }
}
record! {
    RawDocument, DOCUMENT_COLUMNS {
        kind = "kind", number = "number", version = "version", customer_code = "customer.code", customer_name = "customer.name",
        currency = "currency", amount = "amount", tax = "tax", issue_date = "issue_date", due_date = "due_date",
        posting_date = "posting_date", applies_to = "applies_to",
    }
    lines: Vec<RawLine>
}
record! {
    RawLine, LINE_COLUMNS {
        item = "item", description = "description", quantity = "quantity", unit_price = "unit_price", net = "net", tax = "tax",
        tax_code = "tax_code",
    }
}

/// Why reading ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file as a whole can't be read.
    #[error("{0}")]
    Refused(Violation),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Whoever took the documents wants no more.
    #[error("reading was stopped")]
    Stopped,
}

impl ReadError {
    pub fn refused(line: u32, rule: impl Into<String>) -> Self {
        Self::Refused(Violation { line, field: "file".into(), rule: rule.into(), value: String::new() })
    }
}

/// Takes documents in the order of the file; says whether it wants more.
pub type Sink<'a> = dyn FnMut(RawDocument) -> std::ops::ControlFlow<()> + 'a;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Csv,
}

const BUFFER_BYTES: usize = 256 * 1024;

/// What the batch says of itself, wherever in the file it says it.
pub fn header(file: &mut dyn ReadSeek) -> Result<RawHeader, ReadError> {
    let (syntax, file) = open(file)?;
    match syntax {
        Syntax::Json => super::json::header(file),
        Syntax::Csv => super::csv::header(file),
    }
}

/// Every document of the file, one at a time.
pub fn documents(file: &mut dyn ReadSeek, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let (syntax, file) = open(file)?;
    match syntax {
        Syntax::Json => super::json::documents(file, sink),
        Syntax::Csv => super::csv::documents(file, sink),
    }
}

/// Rewinds, skips a byte order mark, and tells JSON from CSV by the first sign.
fn open(file: &mut dyn ReadSeek) -> Result<(Syntax, BufReader<&mut dyn ReadSeek>), ReadError> {
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
    let start = file.fill_buf()?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let syntax = match start[mark..].iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Syntax::Json,
        Some(_) => Syntax::Csv,
        None => return Err(ReadError::refused(1, "the file is empty")),
    };
    file.consume(mark);
    Ok((syntax, file))
}
