//! What `mt-940` for Python reads from a file, from the YAML that it dumps: a tree of scalars as written, without the tags.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use saphyr_parser::{Event, Parser, ScalarStyle};

#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn parse(yaml: &str) -> Self {
        let mut events = Parser::new_from_str(yaml).map(|event| event.expect("well-formed YAML").0);
        let first = events.find(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(_)));
        Self::build(first.expect("a document"), &mut events)
    }

    fn build<'i>(event: Event<'i>, events: &mut dyn Iterator<Item = Event<'i>>) -> Self {
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if text == "null" => Self::Null,
            Event::Scalar(text, ..) => Self::Text(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut list = Vec::new();
                loop {
                    match events.next().expect("the end of a sequence") {
                        Event::SequenceEnd => return Self::List(list),
                        event => list.push(Self::build(event, events)),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut map = Vec::new();
                loop {
                    match events.next().expect("the end of a mapping") {
                        Event::MappingEnd => return Self::Map(map),
                        Event::Scalar(key, ..) => map.push((key.into_owned(), Self::build(events.next().expect("a value"), events))),
                        event => panic!("{event:?} is no key"),
                    }
                }
            }
            // each transaction refers to the list that it stands in
            _ => Self::Null,
        }
    }

    /// `Null` where there is nothing of the name.
    pub fn get(&self, key: &str) -> &Node {
        match self {
            Self::Map(map) => map.iter().find(|(name, _)| name == key).map_or(&Self::Null, |(_, value)| value),
            _ => &Self::Null,
        }
    }

    pub fn list(&self) -> &[Node] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `amount: !!Amount {amount: !!Decimal ['-9'], currency: EUR}`.
    pub fn amount(&self) -> Option<(Decimal, &str)> {
        let amount = self.get("amount");
        Some((amount.get("amount").list().first()?.text()?.parse().expect("a decimal"), amount.get("currency").text()?))
    }

    /// `date: !!Date [!!binary B9sFFw==]`: two bytes of year, month, day.
    pub fn date(&self) -> Option<NaiveDate> {
        let bytes = base64(self.list().first()?.text()?.trim());
        let [y1, y2, month, day] = bytes[..] else { panic!("{bytes:?} is no date") };
        NaiveDate::from_ymd_opt(i32::from(y1) * 256 + i32::from(y2), u32::from(month), u32::from(day))
    }
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte));
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0, 0);
    for digit in digits {
        (bits, held) = ((bits << 6) | digit, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xFF).unwrap());
        }
    }
    bytes
}

#[test]
fn a_dump_of_python_reads_without_its_tags() {
    let node = Node::parse("&id003 !!python/object:a.B\nx: !!python/object/apply:d.D\n- !!binary |\n  B9sFGA==\ny: *id003\nz: 008\n");
    assert_eq!(node.get("x").date(), NaiveDate::from_ymd_opt(2011, 5, 24));
    assert_eq!((node.get("y"), node.get("z").text()), (&Node::Null, Some("008")));
}
