//! ISO 20022 BankToCustomerStatement, camt.053 of every version: the elements that are read have kept their places, or have
//! both places here. Read as a stream; a document type is refused, so no entity of a file's own is ever expanded.

mod detail;
mod entry;
mod path;
mod statement;

use crate::{
    currency::CurrencyCode,
    fault::{Fault, ReadError},
    input::{Guard, PIECE_MAX, PIECE_RULE, is_too_large},
    model::Event,
    read::Source,
};
use path::{Tag, written};
use quick_xml::{
    Reader,
    events::{BytesStart, Event as Xml},
};
use statement::Statement;
use std::{collections::VecDeque, io::Read};

/// Every version, and no other message: `camt.052` reports a day that is not over, `camt.054` single entries.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";

/// Deeper than any element that is read.
const DEPTH_MAX: usize = 64;

pub(crate) struct Camt<R> {
    xml: Reader<Guard<R>>,
    buffer: Vec<u8>,
    /// From `Document` on; empty in front of it, where an envelope may stand.
    path: Vec<Tag>,
    /// Of the element that was opened last, while nothing was opened or closed behind it: no element that is read mixes the two.
    text: String,
    in_leaf: bool,
    /// Of the element that was opened last, if it has the attribute `Ccy`.
    currency: Option<CurrencyCode>,
    /// The last one there was, which the next one mostly is.
    known_currency: Option<CurrencyCode>,
    statement: Option<Statement>,
    /// Of the message that is read; and whether any message was.
    statements: u64,
    seen: bool,
}

impl<R: Read> Camt<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            xml: Reader::from_reader(Guard::new(input)),
            buffer: Vec::new(),
            path: Vec::new(),
            text: String::new(),
            in_leaf: false,
            currency: None,
            known_currency: None,
            statement: None,
            statements: 0,
            seen: false,
        }
    }

    fn line(&self) -> u64 {
        self.xml.get_ref().line()
    }

    fn fault(&self, rule: &'static str, value: impl AsRef<[u8]>) -> Fault {
        Fault::new(self.line(), written(&self.path), rule, value)
    }

    fn piece(&mut self, piece: Xml<'_>, events: &mut VecDeque<Event>) -> Result<bool, ReadError> {
        match piece {
            Xml::Start(start) => self.start(&start)?,
            Xml::Empty(start) => {
                self.start(&start)?;
                self.end(events)?;
            }
            Xml::End(_) => self.end(events)?,
            Xml::Text(text) => self.add(&text)?,
            Xml::CData(text) => self.add(&text)?,
            Xml::GeneralRef(name) => {
                let mut encoded = [0; 4];
                let character = match name.resolve_char_ref() {
                    Ok(Some(character)) => Some(&*character.encode_utf8(&mut encoded)),
                    Ok(None) => quick_xml::escape::resolve_xml_entity(&name),
                    Err(_) => None,
                };
                let Some(character) = character else {
                    return Err(self.fault("a reference is one of XML's own or a character's number", &*name).into());
                };
                self.add(character)?;
            }
            Xml::DocType(text) => return Err(self.fault("a document type is refused: entities could be declared in it", &*text).into()),
            Xml::Eof => return self.eof(),
            Xml::Decl(_) | Xml::Comment(_) | Xml::PI(_) => {}
        }
        Ok(true)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        let name = start.local_name();
        let tag = Tag::of(name.as_ref());
        if self.path.is_empty() && tag != Tag::Document {
            return Ok(());
        }
        if self.path.len() == DEPTH_MAX {
            return Err(self.fault("elements lie at most 64 deep", name.as_ref()).into());
        }
        self.path.push(tag);
        match *self.path {
            [Tag::Document] => {
                self.check_namespace(start)?;
                self.statements = 0;
            }
            [Tag::Document, Tag::BkToCstmrStmt, Tag::Stmt] => self.statement = Some(Statement::new(self.line())),
            _ => {}
        }
        if let Some(statement) = &mut self.statement {
            statement.start(&self.path[3..], self.xml.get_ref().line(), self.xml.get_ref().taken());
        }
        self.text.clear();
        self.in_leaf = true;
        self.currency = None;
        if tag.has_currency() {
            self.currency = self.currency_of(start)?;
            self.known_currency = self.currency.or(self.known_currency);
        }
        Ok(())
    }

    fn check_namespace(&self, start: &BytesStart<'_>) -> Result<(), ReadError> {
        let key = match start.name().prefix() {
            Some(prefix) => format!("xmlns:{}", prefix.as_ref()),
            None => "xmlns".to_owned(),
        };
        let namespace =
            start.try_get_attribute(key.as_str()).ok().flatten().map(|attribute| attribute.value.into_owned()).unwrap_or_default();
        if namespace.starts_with(NAMESPACE) {
            return Ok(());
        }
        Err(Fault::new(self.line(), "Document/@xmlns", "a statement is a camt.053 message", namespace).into())
    }

    fn currency_of(&self, start: &BytesStart<'_>) -> Result<Option<CurrencyCode>, ReadError> {
        let Ok(Some(attribute)) = start.try_get_attribute("Ccy") else { return Ok(None) };
        let known = self.known_currency.filter(|known| known.as_str() == &*attribute.value);
        match known.or_else(|| CurrencyCode::from_bytes(attribute.value.as_bytes())) {
            Some(currency) => Ok(Some(currency)),
            None => Err(self.fault("a currency is three capital letters", attribute.value.as_bytes()).into()),
        }
    }

    fn add(&mut self, text: &str) -> Result<(), ReadError> {
        if !self.in_leaf {
            return Ok(());
        }
        if self.text.len() + text.len() > PIECE_MAX {
            return Err(self.fault(PIECE_RULE, &self.text).into());
        }
        self.text.push_str(text);
        Ok(())
    }

    fn end(&mut self, events: &mut VecDeque<Event>) -> Result<(), ReadError> {
        if self.path.is_empty() {
            return Ok(());
        }
        if let Some(statement) = &mut self.statement {
            let position = (self.xml.get_ref().line(), self.xml.get_ref().taken());
            statement.end(&self.path[3..], self.text.trim(), self.currency, position, events)?;
        }
        match *self.path {
            [Tag::Document, Tag::BkToCstmrStmt, Tag::Stmt] => {
                self.statement = None;
                self.statements += 1;
                self.seen = true;
            }
            [Tag::Document, Tag::BkToCstmrStmt] if self.statements == 0 => {
                return Err(Fault::new(self.line(), "BkToCstmrStmt/Stmt", "a message has at least one statement", "").into());
            }
            _ => {}
        }
        self.path.pop();
        self.text.clear();
        self.in_leaf = false;
        Ok(())
    }

    fn eof(&self) -> Result<bool, ReadError> {
        if !self.path.is_empty() {
            return Err(self.fault("every element ends before the file does", "").into());
        }
        if !self.seen {
            return Err(Fault::new(self.line(), "Document", "a file has a camt.053 message with a statement", "").into());
        }
        Ok(false)
    }

    fn refused(&self, error: quick_xml::Error) -> ReadError {
        match error {
            quick_xml::Error::Io(error) if is_too_large(&error) => self.fault(PIECE_RULE, "").into(),
            quick_xml::Error::Io(error) => std::io::Error::new(error.kind(), error).into(),
            other => Fault::new(self.line(), written(&self.path), format!("XML is well-formed: {other}"), "").into(),
        }
    }
}

impl<R: Read> Source for Camt<R> {
    fn step(&mut self, events: &mut VecDeque<Event>) -> Result<bool, ReadError> {
        self.xml.get_mut().allow();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let more = match self.xml.read_event_into(&mut buffer) {
            Ok(piece) => self.piece(piece, events),
            Err(error) => Err(self.refused(error)),
        };
        self.buffer = buffer;
        more
    }
}
