//! Which format a file has, by its first bytes.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// SWIFT customer statement.
    Mt940,
    /// SWIFT interim report: lines of the day, without balances.
    Mt942,
    /// ISO 20022 BankToCustomerStatement, of any version.
    Camt053,
    /// Cash management balance reporting of the Bank Administration Institute, version 2.
    Bai2,
    /// A table, read by a [`ColumnProfile`](crate::ColumnProfile).
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mt940 => "MT940",
            Self::Mt942 => "MT942",
            Self::Camt053 => "camt.053",
            Self::Bai2 => "BAI2",
            Self::Csv => "CSV",
        })
    }
}

impl Format {
    /// Of a file that begins with these bytes (4 KiB are enough); `None`: none that is known.
    /// An MT942 is told from an MT940 only by its fields; both are `Mt940` here.
    pub fn detect(begin: &[u8]) -> Option<Self> {
        let begin = begin.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(begin);
        let text = &begin[begin.iter().position(|&byte| byte > b' ').unwrap_or(begin.len())..];
        if text.starts_with(b"<") || begin.starts_with(b"\xFF\xFE") || begin.starts_with(b"\xFE\xFF") {
            return Some(Self::Camt053);
        }
        if matches!(text, [b'0' | b'1' | b'4' | b'8' | b'9', b'0'..=b'9', b',', ..]) && is_bai2_code(&text[..2]) {
            return Some(Self::Bai2);
        }
        let has_tag = |tag: &[u8]| text.starts_with(tag) || memchr::memmem::find(begin, &[b"\n", tag].concat()).is_some();
        if text.starts_with(b"{1:") || has_tag(b":20:") || has_tag(b":25:") || has_tag(b":60F:") {
            return Some(Self::Mt940);
        }
        let first = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
        first.iter().any(|byte| b";,\t|".contains(byte)).then_some(Self::Csv)
    }
}

fn is_bai2_code(code: &[u8]) -> bool {
    [b"00", b"01", b"02", b"03", b"16", b"49", b"88", b"98", b"99"].iter().any(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_name_the_format() {
        for (begin, format) in [
            (&b"\xEF\xBB\xBF<?xml version"[..], Some(Format::Camt053)),
            (b"01,0004,12345,060321,0829,001,80,1,2/", Some(Format::Bai2)),
            (b"ABNANL2A\n940\n:20:X", Some(Format::Mt940)),
            (b"\x01\r\n:20:ST170119CYC/1", Some(Format::Mt940)),
            (b"{1:F01BANKDEFFXXXX}", Some(Format::Mt940)),
            (b"Buchungstag;Betrag\n", Some(Format::Csv)),
            (b"12,5,6", Some(Format::Csv)),
            (b"hello", None),
            (b"", None),
        ] {
            assert_eq!(Format::detect(begin), format, "{}", String::from_utf8_lossy(begin));
        }
    }
}
