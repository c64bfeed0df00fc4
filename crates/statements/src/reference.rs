//! Structured references: those whose check digits prove them are worth more than any other key of a payment.

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What a payer quotes and a machine can check.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "scheme", content = "value", rename_all = "lowercase")]
pub enum StructuredReference {
    /// Creditor reference of ISO 11649, `RF` and check digits that hold, without spaces.
    Rf(String),
    /// Swiss QR reference: 27 digits, the last of which proves the others.
    Qrr(String),
    /// One that the bank marks as structured and that is neither, or whose check digits do not hold.
    Other(String),
}

impl StructuredReference {
    /// Of what a bank marks as a creditor's reference; spaces do not count.
    pub fn new(written: &str) -> Self {
        let compact: String = written.chars().filter(|character| !character.is_whitespace()).collect();
        let upper = compact.to_ascii_uppercase();
        if is_rf(upper.as_bytes()) {
            Self::Rf(upper)
        } else if is_qrr(compact.as_bytes()) {
            Self::Qrr(compact)
        } else {
            Self::Other(written.trim().to_owned())
        }
    }

    pub fn value(&self) -> &str {
        match self {
            Self::Rf(value) | Self::Qrr(value) | Self::Other(value) => value,
        }
    }

    /// Those in free text whose check digits hold.
    pub(crate) fn find(text: &str) -> Vec<Self> {
        let mut found = Vec::new();
        find_rf(text.as_bytes(), &mut found);
        find_qrr(text.as_bytes(), &mut found);
        found
    }
}

/// ISO 11649: `RF`, two check digits, 1 to 21 letters and digits; with the first four characters moved to the end and letters
/// as 10 to 35 the number leaves 1 when divided by 97.
fn is_rf(text: &[u8]) -> bool {
    let [b'R', b'F', c1, c2, rest @ ..] = text else { return false };
    if !(1..=21).contains(&rest.len()) || !c1.is_ascii_digit() || !c2.is_ascii_digit() {
        return false;
    }
    let remainder = rest.iter().chain(&text[..4]).try_fold(0_u32, |remainder, &character| match character {
        b'0'..=b'9' => Some((remainder * 10 + u32::from(character - b'0')) % 97),
        b'A'..=b'Z' => Some((remainder * 100 + u32::from(character - b'A') + 10) % 97),
        _ => None,
    });
    remainder == Some(1)
}

/// Swiss QR reference: modulo 10, recursive, over 26 digits (Swiss Payment Standards, annex B).
fn is_qrr(text: &[u8]) -> bool {
    const TABLE: [u8; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];
    if text.len() != 27 || !text.iter().all(u8::is_ascii_digit) || text.iter().all(|&digit| digit == b'0') {
        return false;
    }
    let carry = text[..26].iter().fold(0_u8, |carry, digit| TABLE[usize::from((carry + digit - b'0') % 10)]);
    (10 - carry) % 10 == text[26] - b'0'
}

const RF_MAX: usize = 25;
static RF: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("RF"));

/// A reference may stand in groups of four: the longest row of words from `RF` on that checks is it.
fn find_rf(text: &[u8], found: &mut Vec<StructuredReference>) {
    let mut from = 0;
    while let Some(at) = RF.find(&text[from..]).map(|at| from + at) {
        from = at + 2;
        if at > 0 && text[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        let (mut compact, mut best) = (Vec::with_capacity(RF_MAX), None);
        for (index, &byte) in text[at..].iter().enumerate() {
            if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
                if compact.len() == RF_MAX {
                    break;
                }
                compact.push(byte);
            } else if !matches!(byte, b' ' | b'\n') {
                break;
            }
            let word_ends = text.get(at + index + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
            if word_ends && is_rf(&compact) {
                best = Some((compact.clone(), at + index + 1));
            }
        }
        if let Some((reference, end)) = best {
            found.extend(String::from_utf8(reference).ok().map(StructuredReference::Rf));
            from = end;
        }
    }
}

fn find_qrr(text: &[u8], found: &mut Vec<StructuredReference>) {
    for run in text.split(|byte| !byte.is_ascii_digit() && *byte != b' ') {
        if run.len() < 27 {
            continue;
        }
        let digits: Vec<u8> = run.iter().copied().filter(u8::is_ascii_digit).collect();
        if is_qrr(&digits) {
            found.extend(String::from_utf8(digits).ok().map(StructuredReference::Qrr));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StructuredReference::{Other, Qrr, Rf};

    #[test]
    fn only_check_digits_that_hold_make_a_creditor_reference() {
        assert_eq!(StructuredReference::new("RF18 5390 0754 7034"), Rf("RF18539007547034".into()));
        assert_eq!(StructuredReference::new("RF19539007547034"), Other("RF19539007547034".into()));
        assert_eq!(StructuredReference::new("RF18"), Other("RF18".into()));
        assert_eq!(StructuredReference::new("4654654654654654"), Other("4654654654654654".into()));
    }

    #[test]
    fn only_a_check_digit_that_holds_makes_a_qr_reference() {
        let reference = "210000000003139471430009017";
        assert_eq!(StructuredReference::new("21 00000 00003 13947 14300 09017"), Qrr(reference.into()));
        assert!(matches!(StructuredReference::new("210000000003139471430009018"), Other(_)));
        assert!(matches!(StructuredReference::new("000000000000000000000000000"), Other(_)));
    }

    #[test]
    fn references_are_found_in_text_with_and_without_groups() {
        let text = "Invoice RF18 5390 0754 7034 of May, PERF18 x, 21 00000 00003 13947 14300 09017\nRF18539007547034";
        let rf = Rf("RF18539007547034".into());
        assert_eq!(StructuredReference::find(text), [rf.clone(), rf, Qrr("210000000003139471430009017".into())]);
        assert_eq!(StructuredReference::find("RF19539007547034 and 123"), []);
    }
}
