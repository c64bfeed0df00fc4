//! The batch as CSV: the first column of a row says what it is (`batch`, `manifest`, `document`, `line`), the others are in fixed
//! order. A row that begins with `#` is a remark, so column names may stand in the file. Comma, semicolon or tab; spreadsheets'
//! trailing empty cells are no matter.

use super::format::{
    Cell, DOCUMENT_COLUMNS, HEADER_COLUMNS, LINE_COLUMNS, MANIFEST_COLUMNS, RawDocument, RawHeader, RawLine, RawManifest, ReadError,
    Record, Sink,
};
use csv::{Reader, ReaderBuilder, StringRecord};
use std::io::{BufRead, BufReader, Read};

pub fn header<R: Read>(file: BufReader<R>) -> Result<RawHeader, ReadError> {
    let mut rows = open(file)?;
    let mut row = StringRecord::new();
    let mut header: Option<RawHeader> = None;
    while read(&mut rows, &mut row)? {
        let line = line_of(&row);
        match (row.get(0).unwrap_or_default(), &mut header) {
            ("batch", None) => {
                let mut first = RawHeader { line, manifest: Some(Vec::new()), ..RawHeader::default() };
                fill(&row, HEADER_COLUMNS, &mut first)?;
                header = Some(first);
            }
            ("batch", Some(_)) => return Err(ReadError::refused(line, "a file holds one batch; this is a second batch row")),
            ("manifest", Some(header)) => {
                let mut manifest = RawManifest { line, ..RawManifest::default() };
                fill(&row, MANIFEST_COLUMNS, &mut manifest)?;
                header.manifest.get_or_insert_default().push(manifest);
            }
            (_, None) => return Err(ReadError::refused(line, "the first row must be a batch row")),
            (_, Some(_)) => break,
        }
    }
    header.ok_or_else(|| ReadError::refused(1, "the first row must be a batch row"))
}

pub fn documents<R: Read>(file: BufReader<R>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let mut rows = open(file)?;
    let mut row = StringRecord::new();
    let mut document: Option<RawDocument> = None;
    let mut take = |document: Option<RawDocument>| match document.map(&mut *sink) {
        Some(flow) if flow.is_break() => Err(ReadError::Stopped),
        _ => Ok(()),
    };
    while read(&mut rows, &mut row)? {
        let line = line_of(&row);
        match row.get(0).unwrap_or_default() {
            "batch" | "manifest" if document.is_none() => {}
            "document" => {
                take(document.take())?;
                let mut next = RawDocument { line, ..RawDocument::default() };
                fill(&row, DOCUMENT_COLUMNS, &mut next)?;
                document = Some(next);
            }
            "line" => {
                let Some(document) = &mut document else { return Err(ReadError::refused(line, "a line row must follow its document row")) };
                let mut next = RawLine { line, ..RawLine::default() };
                fill(&row, LINE_COLUMNS, &mut next)?;
                document.lines.push(next);
            }
            kind @ ("batch" | "manifest") => return Err(ReadError::refused(line, format!("a {kind} row must come before the documents"))),
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(ReadError::refused(line, format!("a row is batch, manifest, document or line, not {shown:?}")));
            }
        }
    }
    take(document)
}

/// The sign after the word `batch` separates the columns.
fn open<R: Read>(mut file: BufReader<R>) -> Result<Reader<BufReader<R>>, ReadError> {
    let start = file.fill_buf()?;
    let batch = start.split(|byte| *byte == b'\n').map(|row| row.strip_prefix(b"\"").unwrap_or(row)).find(|row| row.starts_with(b"batch"));
    let delimiter = batch.and_then(|row| row.iter().copied().find(|byte| matches!(byte, b',' | b';' | b'\t'))).unwrap_or(b',');
    Ok(ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).comment(Some(b'#')).from_reader(file))
}

/// The next row that holds anything.
fn read<R: Read>(rows: &mut Reader<R>, row: &mut StringRecord) -> Result<bool, ReadError> {
    while rows.read_record(row).map_err(|error| refused(error, rows.position().line()))? {
        if row.iter().any(|cell| !cell.trim().is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn refused(error: csv::Error, line: u64) -> ReadError {
    let place = error.position().map_or(line, csv::Position::line);
    let why = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReadError::Io(error),
        _ => ReadError::refused(u32::try_from(place).unwrap_or(u32::MAX), format!("is not readable CSV: {why}")),
    }
}

fn line_of(row: &StringRecord) -> u32 {
    row.position().map_or(0, |position| u32::try_from(position.line()).unwrap_or(u32::MAX))
}

/// Cells by place; what stands beyond the last column is refused, because it has no name.
fn fill(row: &StringRecord, columns: &[&str], record: &mut dyn Record) -> Result<(), ReadError> {
    for (place, text) in row.iter().enumerate().skip(1) {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match columns.get(place - 1).and_then(|column| record.cell(column)) {
            Some(cell) => *cell = Cell::Text(text.to_owned()),
            None => return Err(ReadError::refused(line_of(row), format!("column {} has no meaning in a {} row", place + 1, &row[0]))),
        }
    }
    Ok(())
}
