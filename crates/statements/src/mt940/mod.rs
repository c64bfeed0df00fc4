//! SWIFT MT940 and MT942 as banks write them (SWIFT Standards MT Category 9; field patterns of WoLpH/mt940).
//! A message is a row of fields `:NN:`; lines that begin no field continue the last one.

mod details;
mod fields;
mod free;
mod german;
mod message;
mod slash;

use crate::{
    fault::{Fault, ReadError, Remark},
    input::{Lines, PIECE_MAX, PIECE_RULE, decode},
    model::Event,
    read::Source,
};
use message::{Message, Page};
use std::{collections::VecDeque, io::BufRead};

/// `:60F:` is number `60`, option `F`; without an option a space.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tag {
    number: [u8; 2],
    option: u8,
}

pub(crate) struct Mt940<R> {
    lines: Lines<R>,
    raw: Vec<u8>,
    /// The field that lines are added to, and where it began.
    tag: Option<(Tag, u64)>,
    field: Vec<u8>,
    message: Option<Message>,
    /// Of the message before.
    page: Option<Page>,
    seen: bool,
}

impl<R: BufRead> Mt940<R> {
    pub(crate) fn new(input: R) -> Self {
        let (raw, field) = (Vec::new(), Vec::new());
        Self { lines: Lines::new(input), raw, tag: None, field, message: None, page: None, seen: false }
    }

    fn take(&mut self, raw: &[u8], events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let number = self.lines.number();
        if let Some((tag, text)) = tag(raw) {
            self.end_field(events)?;
            self.tag = Some((tag, number));
            self.field.extend_from_slice(text);
        } else if self.is_end(raw) {
            self.end_message(events)?;
        } else if self.tag.is_some() {
            if self.field.len() + raw.len() >= PIECE_MAX {
                return Err(Fault::new(number, "field", PIECE_RULE, &self.field).into());
            }
            self.field.push(b'\n');
            self.field.extend_from_slice(raw);
        }
        // what stands between messages is the envelope of the network
        Ok(())
    }

    /// `-` alone or `-}` ends a message, but the text of a field may have a line that is a hyphen.
    fn is_end(&self, raw: &[u8]) -> bool {
        let line = raw.trim_ascii();
        let line = line.strip_suffix(b"\x03").unwrap_or(line);
        line.starts_with(b"-}") || (matches!(line, b"-" | b"-XXX") && self.message.as_ref().is_none_or(Message::may_end))
    }

    fn end_field(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        let Some((tag, line)) = self.tag.take() else { return Ok(()) };
        let mut text = std::mem::take(&mut self.field);
        if tag.number == *b"20" {
            self.end_message(events)?;
            self.message = Some(Message::new(line, decode(first_line(&text))));
        } else if let Some(message) = &mut self.message {
            message.field(tag, line, &text, self.page.as_ref(), events)?;
        } else {
            return Err(Fault::new(line, name(tag), "a message begins with :20:", &text).into());
        }
        text.clear();
        self.field = text;
        Ok(())
    }

    fn end_message(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        self.end_field(events)?;
        if let Some(message) = self.message.take() {
            self.page = message.end(self.page.as_ref(), events)?;
            self.seen = true;
        }
        Ok(())
    }
}

impl<R: BufRead> Source for Mt940<R> {
    fn step(&mut self, events: &mut VecDeque<Event>) -> Result<bool, ReadError> {
        let mut raw = std::mem::take(&mut self.raw);
        let more = self.lines.read(&mut raw)?;
        if more {
            self.take(&raw, events)?;
        } else {
            self.end_message(events)?;
            if !self.seen {
                return Err(Fault::new(self.lines.number().max(1), ":20:", "a file has at least one message", "").into());
            }
        }
        self.raw = raw;
        Ok(more)
    }
}

fn tag(raw: &[u8]) -> Option<(Tag, &[u8])> {
    let raw = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    match raw {
        [b':', n1 @ b'0'..=b'9', n2 @ b'0'..=b'9', b':', text @ ..] => Some((Tag { number: [*n1, *n2], option: b' ' }, text)),
        [b':', n1 @ b'0'..=b'9', n2 @ b'0'..=b'9', option @ b'A'..=b'Z', b':', text @ ..] => {
            Some((Tag { number: [*n1, *n2], option: *option }, text))
        }
        // German banks put what SWIFT does not know into :NS:
        [b':', b'N', b'S', b':', text @ ..] => Some((Tag { number: *b"NS", option: b' ' }, text)),
        _ => None,
    }
}

fn name(tag: Tag) -> String {
    format!(":{}{}:", decode(&tag.number), decode(&[tag.option]).trim())
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b'\n').next().unwrap_or(text).trim_ascii()
}

fn tolerated(line: u64, field: impl Into<std::borrow::Cow<'static, str>>, rule: &'static str, value: &[u8]) -> Event {
    Event::Remark(Remark::tolerated(Fault::new(line, field, rule, value)))
}
