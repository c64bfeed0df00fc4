//! Bytes of a file with the number of their line, in pieces that are never larger than they may be.

use crate::fault::{Fault, ReadError};
use encoding_rs::{CoderResult, Decoder, Encoding, WINDOWS_1252};
use std::io::{self, BufRead, Read};

/// A line, an XML event, a CSV record: none of a real file comes near.
pub(crate) const PIECE_MAX: usize = 64 * 1024;
pub(crate) const PIECE_RULE: &str = "a line, an element or a record has at most 65,536 bytes";

/// Text of a bank: UTF-8, and where it is none, ISO 8859-1 in its superset Windows-1252. Control characters other than
/// line feed and tab mean nothing in it and are left out: PostgreSQL refuses the first of them.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let mut text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    };
    if bytes.iter().any(|&byte| is_control(byte)) {
        text.retain(|character| !u8::try_from(character).is_ok_and(is_control));
    }
    text
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7F
}

/// Lines of a file without their ends.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// Of the line that was read last; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Puts the next line in the place of what `line` holds; `false`: there is none.
    pub(crate) fn read(&mut self, line: &mut Vec<u8>) -> Result<bool, ReadError> {
        line.clear();
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let end = memchr::memchr(b'\n', buffer);
            let part = &buffer[..end.unwrap_or(buffer.len())];
            if line.len() + part.len() > PIECE_MAX {
                return Err(Fault::new(self.number + 1, "line", PIECE_RULE, line).into());
            }
            line.extend_from_slice(part);
            let (used, ended) = (part.len() + usize::from(end.is_some()), end.is_some() || buffer.is_empty());
            self.input.consume(used);
            if ended {
                let read = end.is_some() || !line.is_empty();
                self.number += u64::from(read);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(read);
            }
        }
    }
}

/// Counts lines, and fails when a parser takes more bytes for one piece than a piece has. It has a buffer of its own, because
/// parsers ask for it several times a piece.
pub(crate) struct Guard<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Line feeds in the buffer are counted up to here.
    counted: usize,
    line: u64,
    /// Bytes of the file in front of the buffer, and in front of the piece.
    before: u64,
    piece: u64,
}

/// What [`Guard`] fails with, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{PIECE_RULE}")]
struct PieceTooLarge;

pub(crate) fn is_too_large(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<PieceTooLarge>)
}

impl<R: Read> Guard<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, buffer: vec![0; PIECE_MAX].into(), start: 0, end: 0, counted: 0, line: 1, before: 0, piece: 0 }
    }

    /// The line where the parser stands.
    pub(crate) fn line(&self) -> u64 {
        self.line + line_feeds(&self.buffer[self.counted..self.start])
    }

    /// Bytes that the parser took.
    pub(crate) fn taken(&self) -> u64 {
        self.before + self.start as u64
    }

    /// A new piece begins.
    pub(crate) fn allow(&mut self) {
        self.count();
        self.piece = self.taken();
    }

    fn count(&mut self) {
        self.line += line_feeds(&self.buffer[self.counted..self.start]);
        self.counted = self.start;
    }

    fn refill(&mut self) -> io::Result<()> {
        self.count();
        self.before += self.end as u64;
        (self.start, self.end, self.counted) = (0, 0, 0);
        self.end = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        Ok(())
    }
}

fn line_feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

impl<R: Read> BufRead for Guard<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.refill()?;
        }
        let begun = usize::try_from(self.taken() - self.piece).unwrap_or(PIECE_MAX);
        let available = &self.buffer[self.start..self.end];
        match PIECE_MAX.saturating_sub(begun) {
            0 if !available.is_empty() => Err(io::Error::new(io::ErrorKind::InvalidInput, PieceTooLarge)),
            allowed => Ok(&available[..available.len().min(allowed)]),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

/// A file of another encoding as UTF-8.
pub(crate) struct Transcoded<R> {
    input: R,
    decoder: Decoder,
    text: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
}

impl<R: BufRead> Transcoded<R> {
    pub(crate) fn new(input: R, encoding: &'static Encoding) -> Self {
        Self { input, decoder: encoding.new_decoder(), text: vec![0; 32 * 1024].into(), start: 0, end: 0, ended: false }
    }
}

impl<R: BufRead> BufRead for Transcoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.ended {
            let buffer = self.input.fill_buf()?;
            let last = buffer.is_empty();
            let (result, read, written, _) = self.decoder.decode_to_utf8(buffer, &mut self.text, last);
            self.input.consume(read);
            (self.start, self.end) = (0, written);
            self.ended = last && result == CoderResult::InputEmpty;
        }
        Ok(&self.text[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl<R: BufRead> Read for Transcoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<String> {
        // a buffer of three bytes, so that lines lie across its ends
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text));
        let (mut all, mut line) = (Vec::new(), Vec::new());
        while lines.read(&mut line).unwrap() {
            all.push(decode(&line));
        }
        assert_eq!(lines.number(), all.len() as u64);
        all
    }

    #[test]
    fn lines_end_in_line_feeds_with_or_without_carriage_returns() {
        assert_eq!(lines(b"a\r\nbcdef\n\nlast"), ["a", "bcdef", "", "last"]);
        assert_eq!(lines(b"a\n"), ["a"]);
        assert_eq!(lines(b""), Vec::<String>::new());
    }

    #[test]
    fn text_that_is_not_utf8_is_latin_and_control_characters_are_left_out() {
        assert_eq!(decode(b"STAR1\xDCTUMS \x80"), "STAR1ÜTUMS €");
        assert_eq!(decode("Ü\u{1}\tb\nc\0".as_bytes()), "Ü\tb\nc");
    }

    #[test]
    fn a_piece_that_is_too_large_fails_before_it_is_held() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert_eq!(Lines::new(endless).read(&mut Vec::new()).unwrap_err().fault().unwrap().rule, PIECE_RULE);
        let mut held = Vec::new();
        let error = Guard::new(io::repeat(b'x')).read_to_end(&mut held).unwrap_err();
        assert!(is_too_large(&error));
        assert_eq!(held.len(), PIECE_MAX);
    }

    #[test]
    fn a_guard_counts_the_lines_that_were_taken_and_allows_a_piece_after_the_other() {
        let text = b"line\n".repeat(30_000);
        let mut guard = Guard::new(&text[..]);
        let mut piece = [0; 50_000];
        for (taken, line) in [(50_000, 10_001), (100_000, 20_001), (150_000, 30_001)] {
            guard.allow();
            guard.read_exact(&mut piece).unwrap();
            assert_eq!((guard.taken(), guard.line()), (taken, line));
        }
        assert_eq!(guard.read(&mut piece).unwrap(), 0);
    }

    #[test]
    fn another_encoding_reads_as_utf8() {
        let mut text = String::new();
        Transcoded::new(&b"\xDCber\xFC"[..], WINDOWS_1252).read_to_string(&mut text).unwrap();
        assert_eq!(text, "Überü");
    }
}
