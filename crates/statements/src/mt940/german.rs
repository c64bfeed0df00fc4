//! `166?00GUTSCHRIFT?20EREF+…?30BIC?31account?32name`: the structured `:86:` of German and Polish banks (Deutsche Kreditwirtschaft,
//! DFÜ-Abkommen, annex 3). The purpose in `?20` to `?29` and `?60` to `?63` is a text cut into pieces, and SEPA writes keys into it.

use super::details::{add_text, unwrapped};
use crate::model::{Line, given};

/// Business code, then number and text of each subfield.
pub(super) struct Subfields {
    code: String,
    fields: Vec<(u8, String)>,
}

/// `None`: the text is not of this form.
pub(super) fn subfields(text: &str) -> Option<Subfields> {
    let text = unwrapped(text);
    let text = text.trim_start();
    let (code, rest) = text.split_at_checked(3)?;
    let separator = rest.chars().next()?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) || separator.is_alphanumeric() || separator.is_whitespace() {
        return None;
    }
    let mut fields: Vec<(u8, String)> = Vec::new();
    for piece in rest.split(separator).skip(1) {
        let number = piece.get(..2).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        match (number.and_then(|number| number.parse().ok()), fields.last_mut()) {
            (Some(number), _) => fields.push((number, piece[2..].to_owned())),
            // the separator stood in the text
            (None, Some((_, before))) => {
                before.push(separator);
                before.push_str(piece);
            }
            (None, None) => return None,
        }
    }
    (!fields.is_empty()).then(|| Subfields { code: code.to_owned(), fields })
}

pub(super) fn describe(line: &mut Line, subfields: &Subfields) {
    let joined = |numbers: &[u8]| {
        let texts = subfields.fields.iter().filter(|(number, _)| numbers.contains(number));
        given(texts.map(|(_, text)| text.as_str()).collect())
    };
    line.business_code = Some(subfields.code.clone());
    line.posting_text = joined(&[0]).or(line.posting_text.take());
    line.counterparty_bank = joined(&[30]);
    line.counterparty_account = joined(&[31]).or_else(|| joined(&[38]));
    line.counterparty_name = joined(&[32, 33]);
    if is_return(&subfields.code) {
        line.return_reason = joined(&[34]);
    }
    let purpose = subfields.fields.iter().filter(|(number, _)| matches!(number, 20..=29 | 60..=63));
    keyed(line, purpose.map(|(_, text)| text.as_str()));
}

/// A direct debit or a transfer that came back; only then the key in `?34` says why.
fn is_return(business_code: &str) -> bool {
    matches!(business_code, "108" | "109" | "159")
}

/// What the keys of SEPA mean; `MTLG:` is the bank's message where a key would stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    EndToEnd,
    Customer,
    Mandate,
    Purpose,
    Ultimate,
    Account,
    Bank,
    /// Creditor identifier, compensation, original amount and what else is not of use.
    Aside,
}

const KEYS: [(&str, Key); 12] = [
    ("EREF+", Key::EndToEnd),
    ("KREF+", Key::Customer),
    ("MREF+", Key::Mandate),
    ("SVWZ+", Key::Purpose),
    ("ABWA+", Key::Ultimate),
    ("ABWE+", Key::Ultimate),
    ("IBAN+", Key::Account),
    ("BIC+", Key::Bank),
    ("CRED+", Key::Aside),
    ("DEBT+", Key::Aside),
    ("COAM+", Key::Aside),
    ("OAMT+", Key::Aside),
];

const MESSAGE: &str = "MTLG:";

fn keyed<'a>(line: &mut Line, pieces: impl Iterator<Item = &'a str>) {
    let mut values: Vec<(Key, String)> = vec![(Key::Purpose, String::new())];
    let mut add = |key: Option<Key>, text: &str| match (key, values.last_mut()) {
        (None, Some((_, value))) => value.push_str(text),
        (key, _) => values.push((key.unwrap_or(Key::Purpose), text.to_owned())),
    };
    for piece in pieces {
        let mut rest = piece;
        let mut key = rest.starts_with(MESSAGE).then_some(Key::Purpose);
        while let Some((at, length, next)) = first_key(rest) {
            add(key.take(), &rest[..at]);
            rest = &rest[at + length..];
            key = Some(next);
        }
        add(key, rest);
    }
    for (key, value) in values {
        take(line, key, value);
    }
    if line.customer_reference.as_deref() == Some(ELSEWHERE) {
        line.customer_reference = None;
    }
}

/// In `:61:`: the reference stands behind the key in `:86:`.
const ELSEWHERE: &str = "KREF+";

/// Where it begins, how long it is and what it means.
fn first_key(text: &str) -> Option<(usize, usize, Key)> {
    memchr::memchr_iter(b'+', text.as_bytes()).find_map(|plus| {
        let (word, key) = KEYS.iter().find(|(word, _)| text.as_bytes()[..=plus].ends_with(word.as_bytes()))?;
        Some((plus + 1 - word.len(), word.len(), *key))
    })
}

fn take(line: &mut Line, key: Key, value: String) {
    let place = match key {
        Key::Purpose => return add_text(line, &value),
        Key::Aside => return,
        Key::EndToEnd => &mut line.end_to_end_id,
        Key::Mandate => &mut line.mandate,
        Key::Ultimate => &mut line.ultimate_party,
        Key::Account if line.counterparty_account.is_some() => return,
        Key::Account => &mut line.counterparty_account,
        Key::Bank if line.counterparty_bank.is_some() => return,
        Key::Bank => &mut line.counterparty_bank,
        Key::Customer if !matches!(line.customer_reference.as_deref(), None | Some(ELSEWHERE)) => return,
        Key::Customer => &mut line.customer_reference,
    };
    *place = given(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::CurrencyCode;

    fn described(text: &str) -> Line {
        let mut line = Line::new(1, 1.into(), CurrencyCode::EUR, "2026-01-02".parse().unwrap());
        line.customer_reference = Some("KREF+".into());
        describe(&mut line, &subfields(text).unwrap());
        line
    }

    #[test]
    fn the_keys_of_sepa_part_the_purpose_wherever_the_bank_cut_it() {
        let line = described(
            "166?00GUTSCHRIFT?20EREF+E2E 4711?21 0001?22KREF+K 1?23MREF+M1CRED+DE98?24SVWZ+Rechnung 2026-?25001?60 und 002ABWA+Tante Erna",
        );
        assert_eq!(line.end_to_end_id.as_deref(), Some("E2E 4711 0001"));
        assert_eq!(line.customer_reference.as_deref(), Some("K 1"));
        assert_eq!((line.mandate.as_deref(), line.ultimate_party.as_deref()), (Some("M1"), Some("Tante Erna")));
        assert_eq!(line.text, "Rechnung 2026-001 und 002");
    }

    #[test]
    fn the_message_of_a_bank_is_no_part_of_the_reference_before_it() {
        let line = described("159?00RETOURE?20EREF+TFNR 40005 00005?21MTLG:Konto gesperrt?34903");
        assert_eq!((line.end_to_end_id.as_deref(), line.text.as_str()), (Some("TFNR 40005 00005"), "MTLG:Konto gesperrt"));
        assert_eq!((line.business_code.as_deref(), line.return_reason.as_deref()), (Some("159"), Some("903")));
    }

    #[test]
    fn another_separator_reads_and_one_in_the_text_is_text() {
        let line = described("020~00Przelew~20Faktura 7~32ACME~33 Sp. z o.o.");
        assert_eq!((line.text.as_str(), line.counterparty_name.as_deref()), ("Faktura 7", Some("ACME Sp. z o.o.")));
        assert_eq!(described("166?20paid? yes?30X").text, "paid? yes");
        for other in ["166", "166 ?20x", "16?20x", "1661?20x", "/EREF/x", "911 TRANSAKCJA", "166?"] {
            assert!(subfields(other).is_none(), "{other}");
        }
    }
}
