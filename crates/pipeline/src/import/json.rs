//! The batch as JSON, streamed: one document is in memory at a time.

use super::format::{Cell, RawDocument, RawHeader, RawLine, RawManifest, ReadError, Record, Sink};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{fmt, io::Read};

pub fn header(file: impl Read) -> Result<RawHeader, ReadError> {
    let mut header = RawHeader { line: 1, ..RawHeader::default() };
    let mut complete = false;
    let mut json = serde_json::Deserializer::from_reader(file);
    let read = (&mut json).deserialize_map(HeaderVisitor { header: &mut header, complete: &mut complete });
    match read {
        // everything before the documents was there: the rest is read when they are
        Err(_) if complete => Ok(header),
        Err(error) => Err(refused(&error, 1)),
        Ok(()) => Ok(header),
    }
}

pub fn documents(file: impl Read, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let (mut ordinal, mut stopped) = (0, false);
    let mut json = serde_json::Deserializer::from_reader(file);
    let read = (&mut json).deserialize_map(BatchVisitor { sink, ordinal: &mut ordinal, stopped: &mut stopped }).and_then(|()| json.end());
    match read {
        Err(_) if stopped => Err(ReadError::Stopped),
        Err(error) => Err(refused(&error, ordinal.max(1))),
        Ok(()) => Ok(()),
    }
}

fn refused(error: &serde_json::Error, ordinal: u32) -> ReadError {
    match error.io_error_kind() {
        Some(kind) => ReadError::Io(kind.into()),
        None => ReadError::refused(ordinal, format!("is not a readable batch: {error}")),
    }
}

impl<'de> de::Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell::Number(number.to_string()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Number(number.to_string()))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
        Ok(Cell::Other(value.to_string()))
    }
    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Missing)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Other("a list".into()))
    }
    /// Numbers of arbitrary precision arrive as a map, too.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell, A::Error> {
        let value: serde_json::Value = de::Deserialize::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(match value {
            serde_json::Value::Number(number) => Cell::Number(number.to_string()),
            _ => Cell::Other("an object".into()),
        })
    }
}

fn set<E: de::Error>(cell: &mut Cell, name: &str, value: Cell) -> Result<(), E> {
    if *cell != Cell::Missing {
        return Err(E::custom(format!("{name} is given twice")));
    }
    *cell = value;
    Ok(())
}

struct HeaderVisitor<'a> {
    header: &'a mut RawHeader,
    complete: &'a mut bool,
}

impl<'de> Visitor<'de> for HeaderVisitor<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with format, source, batch, entity, period, manifest and documents")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (header, mut documents) = (self.header, false);
        while let Some(name) = map.next_key::<String>()? {
            if name == "documents" {
                documents = true;
                let given = [&header.format, &header.source, &header.batch, &header.entity, &header.period];
                if given.iter().all(|cell| **cell != Cell::Missing) && header.manifest.is_some() {
                    *self.complete = true;
                    return Ok(());
                }
                map.next_value::<IgnoredAny>()?;
            } else if name == "manifest" {
                header.manifest = Some(map.next_value()?);
            } else if let Some(cell) = header.cell(&name) {
                set(cell, &name, map.next_value()?)?;
            } else {
                map.next_value::<IgnoredAny>()?;
                header.unknown.push(name);
            }
        }
        if documents { Ok(()) } else { Err(de::Error::missing_field("documents")) }
    }
}

/// Reads what the header reader left: the documents, and that nothing is said twice.
struct BatchVisitor<'a, 'b> {
    sink: &'a mut Sink<'b>,
    ordinal: &'a mut u32,
    stopped: &'a mut bool,
}

impl<'de> Visitor<'de> for BatchVisitor<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(de::Error::custom(format!("{name} is given twice")));
            }
            if name == "documents" {
                map.next_value_seed(Documents { sink: &mut *self.sink, ordinal: &mut *self.ordinal, stopped: &mut *self.stopped })?;
            } else if name == "manifest" || super::format::HEADER_COLUMNS.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
            } else {
                return Err(de::Error::custom(format!("{name} is not a field of {}", super::format::FORMAT)));
            }
            seen.push(name);
        }
        Ok(())
    }
}

struct Documents<'a, 'b> {
    sink: &'a mut Sink<'b>,
    ordinal: &'a mut u32,
    stopped: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Documents<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Documents<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of documents")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.ordinal = 1;
        while let Some(mut document) = list.next_element::<RawDocument>()? {
            document.line = *self.ordinal;
            for line in &mut document.lines {
                line.line = *self.ordinal;
            }
            if (self.sink)(document).is_break() {
                *self.stopped = true;
                return Err(de::Error::custom("stopped"));
            }
            *self.ordinal += 1;
        }
        Ok(())
    }
}

/// Reads an object of cells; what is not a cell is told apart by name.
macro_rules! read_record {
    ($name:ty, $visitor:ident, $what:literal, |$record:ident, $map:ident, $key:ident| $other:expr) => {
        impl<'de> de::Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_map($visitor)
            }
        }
        struct $visitor;
        impl<'de> Visitor<'de> for $visitor {
            type Value = $name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($what)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<$name, A::Error> {
                let mut $record = <$name>::default();
                while let Some($key) = $map.next_key::<String>()? {
                    match $record.cell(&$key) {
                        // a dotted name is a path, not a key
                        Some(cell) if !$key.contains('.') => set(cell, &$key, $map.next_value()?)?,
                        _ => $other,
                    }
                }
                Ok($record)
            }
        }
    };
}

read_record!(RawManifest, ManifestVisitor, "a line of the manifest", |record, map, key| {
    map.next_value::<IgnoredAny>()?;
    record.unknown.push(key);
});
read_record!(RawLine, LineVisitor, "a line of a document", |record, map, key| {
    map.next_value::<IgnoredAny>()?;
    record.unknown.push(key);
});
read_record!(RawDocument, DocumentVisitor, "a document", |record, map, key| match key.as_str() {
    "customer" => map.next_value_seed(Customer(&mut record))?,
    "lines" if record.lines.is_empty() => record.lines = map.next_value()?,
    "lines" => return Err(de::Error::custom("lines is given twice")),
    _ => {
        map.next_value::<IgnoredAny>()?;
        record.unknown.push(key);
    }
});

struct Customer<'a>(&'a mut RawDocument);

impl<'de> DeserializeSeed<'de> for Customer<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Customer<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a customer with code and name")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "code" => set(&mut self.0.customer_code, "customer.code", map.next_value()?)?,
                "name" => set(&mut self.0.customer_name, "customer.name", map.next_value()?)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    self.0.unknown.push(format!("customer.{key}"));
                }
            }
        }
        Ok(())
    }
}
