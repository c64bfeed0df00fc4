//! How written references, names and accounts are made comparable.
//!
//! * **Text** is folded: compatibility forms (full width, half width) to plain ones, accents off, upper case.
//! * **References** lose everything but letters and digits (`INV-DE-004512`, `inv de 004512` → `INVDE004512`); for keys each
//!   run of digits also loses its leading zeros (→ `INVDE4512`). Whether something was written as printed is looked at again
//!   after the key was found.
//! * **Names** lose legal forms, connecting words, dots and apostrophes; `AE`, `OE`, `UE` are the umlauts that banks spell out.
//! * **Accounts** are letters and digits only.

use unicode_normalization::UnicodeNormalization;

/// Legal forms and connecting words, folded; they come and go between a bank and a contract.
const NOT_THE_NAME: [&str; 38] = [
    "AB",
    "AG",
    "AND",
    "AS",
    "BV",
    "CO",
    "CORP",
    "CORPORATION",
    "ET",
    "EU",
    "GK",
    "GMBH",
    "HAFTUNGSBESCHRANKT",
    "INC",
    "INCORPORATED",
    "KABUSHIKI",
    "KAISHA",
    "KG",
    "KK",
    "LIMITED",
    "LLC",
    "LLP",
    "LP",
    "LTD",
    "MBH",
    "NV",
    "OHG",
    "OY",
    "PLC",
    "PTE",
    "PTY",
    "SA",
    "SARL",
    "SE",
    "SRL",
    "UG",
    "UND",
    "YK",
];

/// Plain upper case without accents.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut folded = String::with_capacity(text.len());
    for sign in text.nfkd().filter(|sign| !unicode_normalization::char::is_combining_mark(*sign)) {
        match sign {
            'ß' | 'ẞ' => folded.push_str("SS"),
            'ø' | 'Ø' => folded.push('O'),
            'æ' | 'Æ' => folded.push_str("AE"),
            'œ' | 'Œ' => folded.push_str("OE"),
            'ł' | 'Ł' => folded.push('L'),
            other => folded.extend(other.to_uppercase()),
        }
    }
    folded
}

/// Letters and digits only.
pub fn glue(text: &str) -> String {
    let mut glued = fold(text);
    glued.retain(|sign| sign.is_ascii_alphanumeric());
    glued
}

/// A glued reference whose runs of digits begin with their first digit that is not zero.
pub fn without_zeros(glued: &str) -> String {
    let mut key = String::with_capacity(glued.len());
    let mut in_run = false;
    for (at, sign) in glued.char_indices() {
        let is_digit = sign.is_ascii_digit();
        let digit_follows = glued[at + 1..].starts_with(|next: char| next.is_ascii_digit());
        if !(is_digit && sign == '0' && !in_run && digit_follows) {
            in_run = is_digit;
            key.push(sign);
        }
    }
    key
}

/// The digits at the end of a reference.
pub fn tail(glued: &str) -> &str {
    let letters = glued.trim_end_matches(|sign: char| sign.is_ascii_digit()).len();
    &glued[letters..]
}

/// What remains of a name once form and spelling are taken away; words are parted by one space.
pub fn name_key(name: &str) -> String {
    let folded: String = fold(name).chars().filter(|sign| !matches!(sign, '.' | '\'' | '’')).collect();
    let mut key = String::with_capacity(folded.len());
    for word in folded.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.replace("AE", "A").replace("OE", "O").replace("UE", "U");
        if !NOT_THE_NAME.contains(&word.as_str()) {
            if !key.is_empty() {
                key.push(' ');
            }
            key.push_str(&word);
        }
    }
    key
}

pub fn account_key(account: &str) -> String {
    glue(account)
}

/// How one reference can have become another with a single slip of the hand or the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    Changed,
    Swapped,
    Missing,
    Extra,
}

/// `None`: equal, or more than one slip apart.
pub fn one_slip(meant: &str, written: &str) -> Option<Slip> {
    let (meant, written) = (meant.as_bytes(), written.as_bytes());
    let same = meant.iter().zip(written).take_while(|(a, b)| a == b).count();
    let (m, w) = (&meant[same..], &written[same..]);
    match (m, w) {
        ([], []) => None,
        ([_, m @ ..], w) if m == w => Some(Slip::Missing),
        (m, [_, w @ ..]) if m == w => Some(Slip::Extra),
        ([_, m @ ..], [_, w @ ..]) if m == w => Some(Slip::Changed),
        ([a, b, m @ ..], [c, d, w @ ..]) if a == d && b == c && m == w => Some(Slip::Swapped),
        _ => None,
    }
}

/// Letters that scanners and eyes take for digits.
pub fn misread(glued: &str) -> String {
    let digit = |sign| match sign {
        'O' | 'Q' | 'D' => '0',
        'I' | 'L' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        other => other,
    };
    // only letters among digits: the ones of a prefix stand in front
    let from = glued.find(|sign: char| sign.is_ascii_digit()).unwrap_or(glued.len());
    glued[..from].chars().chain(glued[from..].chars().map(digit)).collect()
}

/// ISO 11649: the reference without `RF` and its check digits; `None`: not one, or the check digits are wrong.
pub fn creditor_reference(text: &str) -> Option<String> {
    let glued = glue(text);
    let body = glued.strip_prefix("RF").and_then(|rest| rest.get(2..)).filter(|body| !body.is_empty() && body.len() <= 21)?;
    let turned = body.chars().chain(glued.chars().take(4));
    let remainder = turned.fold(0, |rest: u32, sign| {
        let value = sign.to_digit(36).unwrap_or(0);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    (remainder == 1).then(|| body.to_owned())
}

/// Carry of the Swiss check digit, modulo 10 recursive.
const CARRY: [usize; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];

/// Swiss QR reference: its 26 digits without leading zeros; `None`: not one, or the check digit is wrong.
pub fn qr_reference(text: &str) -> Option<String> {
    let glued = glue(text);
    let digits: Vec<usize> = glued.chars().map(|sign| sign.to_digit(10).and_then(|d| usize::try_from(d).ok())).collect::<Option<_>>()?;
    let (check, body) = digits.split_last()?;
    let carry = body.iter().fold(0, |carry, digit| CARRY[(carry + digit) % 10]);
    (digits.len() == 27 && (10 - carry) % 10 == *check).then(|| glued[..26].trim_start_matches('0').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_the_same_however_it_is_set() {
        for written in ["INV-DE-004512", "inv de 004512", "INVDE004512", "ＩＮＶ－ＤＥ－００４５１２", " INV/DE/004512 "] {
            assert_eq!(glue(written), "INVDE004512", "{written}");
        }
        assert_eq!(without_zeros("INVDE004512"), "INVDE4512");
        assert_eq!(without_zeros("000"), "0");
        assert_eq!(tail("INVDE004512"), "004512");
    }

    #[test]
    fn a_name_is_the_same_in_a_contract_and_on_a_bank_line() {
        let check = |contract: &str, bank: &str| assert_eq!(name_key(contract), name_key(bank));
        check("Müller & Söhne GmbH", "MUELLER + SOEHNE");
        check("O'Brien and Weiß Pte. Ltd.", "OBRIEN AND WEISS PTE LTD");
        check("Østergaard UG (haftungsbeschränkt)", "OESTERGAARD UG (HAFTUNGSBESCHRAENKT)");
        check("Tanaka K.K.", "TANAKA");
        assert_ne!(name_key("Müller Data"), name_key("Müller Labs"));
    }

    #[test]
    fn one_slip_is_a_digit_changed_swapped_lost_or_added() {
        let check = |written: &str, slip| assert_eq!(one_slip("004512", written), slip, "{written}");
        check("004513", Some(Slip::Changed));
        check("004521", Some(Slip::Swapped));
        check("00452", Some(Slip::Missing));
        check("04512", Some(Slip::Missing));
        check("0045122", Some(Slip::Extra));
        check("004512", None);
        check("004621", None);
        check("", None);
    }

    #[test]
    fn check_digits_are_checked() {
        assert_eq!(creditor_reference("RF18 5390 0754 7034").as_deref(), Some("539007547034"));
        assert_eq!(creditor_reference("RF19 5390 0754 7034"), None);
        assert_eq!(creditor_reference("RF1"), None);
        assert_eq!(qr_reference("21 00000 00003 13947 14300 09017").as_deref(), Some("21000000000313947143000901"));
        assert_eq!(qr_reference("21 00000 00003 13947 14300 09018"), None);
    }

    #[test]
    fn letters_among_digits_are_read_as_digits() {
        assert_eq!(misread("INVDE0O45I2"), "INVDE004512");
    }
}
