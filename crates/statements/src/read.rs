//! A reader over any of the formats.

use crate::{
    bai2::Bai2,
    camt::Camt,
    csv::{Csv, profile::ColumnProfile},
    fault::{Fault, ReadError},
    format::Format,
    input::Transcoded,
    model::Event,
    mt940::Mt940,
};
use encoding_rs::{Encoding, UTF_8};
use std::{
    collections::VecDeque,
    io::{BufRead, Cursor, Read},
};

/// One format's way through a file.
pub(crate) trait Source {
    /// Reads a piece on and adds what is to be told of it; `false`: the file is at its end.
    fn step(&mut self, events: &mut VecDeque<Event>) -> Result<bool, ReadError>;
}

/// The events of a file. After an error there are no more: what came before it is of a file that is not whole.
pub struct Reader<'a> {
    format: Format,
    source: Box<dyn Source + Send + 'a>,
    events: VecDeque<Event>,
    state: State,
}

enum State {
    Reading,
    Failed(ReadError),
    Ended,
}

impl Reader<'_> {
    /// As detected; an MT942 shows itself as one in the head of its statements.
    pub fn format(&self) -> Format {
        self.format
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            match &self.state {
                State::Reading => match self.source.step(&mut self.events) {
                    Ok(true) => {}
                    Ok(false) => self.state = State::Ended,
                    Err(error) => self.state = State::Failed(error),
                },
                State::Failed(_) => {
                    let State::Failed(error) = std::mem::replace(&mut self.state, State::Ended) else { return None };
                    return Some(Err(error));
                }
                State::Ended => return None,
            }
        }
    }
}

/// Enough to find a `:20:` after the headers that banks put before it, and an XML declaration.
const BEGIN: u64 = 4096;

/// Reads a statement file of any format that names itself.
///
/// # Errors
/// The beginning cannot be read, is of no known format, or is CSV, which needs [`read_csv`].
pub fn read<'a>(mut input: impl BufRead + Send + 'a) -> Result<Reader<'a>, ReadError> {
    let mut begin = Vec::new();
    input.by_ref().take(BEGIN).read_to_end(&mut begin)?;
    let first_line = begin.split(|&byte| byte == b'\n').next().unwrap_or(&begin);
    let refused = |rule: &'static str| ReadError::from(Fault::new(1, "file", rule, first_line));
    let format = Format::detect(&begin);
    let encoding = declared_encoding(&begin);
    let all = Cursor::new(begin.clone()).chain(input);
    let source: Box<dyn Source + Send + 'a> = match format {
        Some(Format::Camt053) => Box::new(Camt::new(as_utf8(all, encoding))),
        Some(Format::Bai2) => Box::new(Bai2::new(all)),
        Some(Format::Mt940 | Format::Mt942) => Box::new(Mt940::new(all)),
        Some(Format::Csv) => return Err(refused("a table is read by the column profile of its bank")),
        None => return Err(refused("a file is MT940, MT942, camt.053, BAI2 or a table")),
    };
    Ok(Reader { format: format.unwrap_or(Format::Csv), source, events: VecDeque::new(), state: State::Reading })
}

/// Reads a table of a bank by its profile. `account` is whose lines they are, where the profile names no column for it.
///
/// # Errors
/// The profile contradicts itself.
pub fn read_csv<'a>(input: impl BufRead + Send + 'a, profile: &ColumnProfile, account: Option<&str>) -> Result<Reader<'a>, ReadError> {
    let source = Box::new(Csv::new(input, profile, account)?);
    Ok(Reader { format: Format::Csv, source, events: VecDeque::new(), state: State::Reading })
}

type Input<'a> = Box<dyn BufRead + Send + 'a>;

fn as_utf8<'a>(input: impl BufRead + Send + 'a, encoding: &'static Encoding) -> Input<'a> {
    if encoding == UTF_8 { Box::new(input) } else { Box::new(Transcoded::new(input, encoding)) }
}

/// Of an XML file: by its byte order mark, else by its declaration, else UTF-8.
fn declared_encoding(begin: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(begin) {
        return encoding;
    }
    let declaration = &begin[..begin.iter().position(|&byte| byte == b'>').unwrap_or(0)];
    let Some(at) = memchr::memmem::find(declaration, b"encoding=") else { return UTF_8 };
    let label = declaration[at + b"encoding=".len()..].split(|byte| b"'\"".contains(byte)).nth(1).unwrap_or_default();
    // a declaration that can be read byte by byte is not of UTF-16, whatever it says
    Encoding::for_label(label).filter(|encoding| encoding.is_ascii_compatible()).unwrap_or(UTF_8)
}
