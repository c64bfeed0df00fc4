//! Type codes and funds types.

use super::record::{Record, next};
use crate::fault::Fault;
use chrono::NaiveDate;

/// What a type code means for the sign of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Credit,
    Debit,
    /// Text without money.
    Information,
}

/// Code ranges of BAI2: credits 100–399, debits 400–699, loans 700–799 (payments before 760, drawings after), the bank's own
/// credits 920–959 and debits 960–999; 890 has no amount. Below 100 and between them are balances, not transactions.
pub(super) fn side(code: &[u8]) -> Option<Side> {
    let [a, b, c] = code else { return None };
    if ![a, b, c].iter().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0') {
        100..=399 | 700..=759 | 920..=959 => Some(Side::Credit),
        400..=699 | 760..=799 | 960..=999 => Some(Side::Debit),
        890 => Some(Side::Information),
        _ => None,
    }
}

/// Reads a funds type and the fields that belong to it: `S` three amounts, `V` date and time, `D` pairs of days and amounts.
/// Gives the value date, where it names one: `V` says it, `0` means immediately.
pub(super) fn funds(record: &Record, rest: &mut &[u8], as_of: NaiveDate) -> Result<Option<NaiveDate>, Fault> {
    let kind = next(rest).unwrap_or_default();
    match kind {
        b"0" => Ok(Some(as_of)),
        b"" | b"1" | b"2" | b"Z" => Ok(None),
        b"V" => {
            let date = next(rest).unwrap_or_default();
            next(rest);
            if date.is_empty() { Ok(None) } else { record.date(date, "value date").map(Some) }
        }
        b"S" => {
            skip(rest, 3);
            Ok(None)
        }
        b"D" => {
            let count = next(rest).and_then(|count| std::str::from_utf8(count).ok()?.parse::<usize>().ok());
            let count = count.ok_or_else(|| record.fault("funds type", "D is followed by the number of its parts"))?;
            skip(rest, count.saturating_mul(2));
            Ok(None)
        }
        _ => Err(Fault::new(record.line, "funds type", "a funds type is 0, 1, 2, S, V, D or Z", kind)),
    }
}

fn skip(rest: &mut &[u8], count: usize) {
    for _ in 0..count {
        if next(rest).is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_codes_decide_the_side() {
        for (code, expected) in [
            ("115", Some(Side::Credit)),
            ("399", Some(Side::Credit)),
            ("409", Some(Side::Debit)),
            ("699", Some(Side::Debit)),
            ("890", Some(Side::Information)),
            ("015", None),
            ("1x5", None),
            ("15", None),
        ] {
            assert_eq!(side(code.as_bytes()), expected, "{code}");
        }
    }

    #[test]
    fn a_funds_type_takes_its_own_fields_and_no_more() {
        let record = Record::new(1, *b"16", b"");
        let as_of = "2026-01-02".parse().unwrap();
        for (text, date, left) in [
            ("V,260105,1200,REF", Some("2026-01-05"), "REF"),
            ("V,260105,,REF", Some("2026-01-05"), "REF"),
            ("S,1,2,3,REF", None, "REF"),
            ("D,2,0,100,1,200,REF", None, "REF"),
            ("0,REF", Some("2026-01-02"), "REF"),
            (",REF", None, "REF"),
        ] {
            let mut rest = text.as_bytes();
            let found = funds(&record, &mut rest, as_of).unwrap();
            assert_eq!((found, rest), (date.map(|date| date.parse().unwrap()), left.as_bytes()), "{text}");
        }
        assert!(funds(&record, &mut &b"X,REF"[..], as_of).is_err());
    }
}
