//! `/EREF/…/ORDP//NAME/…/REMI/…`: coded `:86:` of SWIFT's own usage guidelines, in the dialects of ABN AMRO, ING and Rabobank.

use super::details::{add_text, unwrapped};
use crate::{
    model::{Line, given},
    reference::StructuredReference,
};

const CODES: [&str; 30] = [
    "ADDR",
    "BENM",
    "BIC",
    "CHGS",
    "CNTP",
    "CREF",
    "CSID",
    "EREF",
    "EXCH",
    "IBAN",
    "ID",
    "INIT",
    "ISDT",
    "KREF",
    "MARF",
    "NAME",
    "OCMT",
    "ORDP",
    "PREF",
    "PURP",
    "REMI",
    "RTRN",
    "RTYP",
    "SVCL",
    "TRCD",
    "TRTP",
    "ULTB",
    "ULTC",
    "ULTD",
    "CDTRREFTP",
];

/// Codes with what follows each of them. `None`: the text is not of this form.
pub(super) fn coded(text: &str) -> Option<Vec<(&'static str, String)>> {
    let text = unwrapped(text.trim());
    code_at(&text, 0)?;
    let mut coded: Vec<(&'static str, String)> = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(slash) = memchr::memchr(b'/', &text.as_bytes()[at..]).map(|offset| at + offset) {
        if let Some(code) = code_at(&text, slash) {
            if let Some((_, value)) = coded.last_mut() {
                text[begin.min(slash)..slash].clone_into(value);
            }
            coded.push((code, String::new()));
            // the slash that ends a code may begin the next one
            begin = slash + code.len() + 2;
            at = begin - 1;
        } else {
            at = slash + 1;
        }
    }
    if let Some((_, value)) = coded.last_mut() {
        text[begin.min(text.len())..].clone_into(value);
    }
    Some(coded)
}

fn code_at(text: &str, slash: usize) -> Option<&'static str> {
    let rest = text[slash..].strip_prefix('/')?;
    let code = &rest[..rest.find('/')?];
    CODES.iter().find(|known| **known == code).copied()
}

pub(super) fn describe(line: &mut Line, coded: &[(&'static str, String)]) {
    let credit = line.amount.is_sign_negative() == line.reversal;
    let mut party = "";
    for (code, value) in coded {
        let value = value.trim_matches('/');
        match *code {
            "BENM" | "ORDP" | "ULTB" | "ULTC" | "ULTD" => {
                party = code;
                name(line, party, credit, value);
            }
            "NAME" => name(line, party, credit, value),
            "CNTP" => counterparty(line, value),
            "IBAN" => line.counterparty_account = given(value.to_owned()),
            "BIC" => line.counterparty_bank = given(value.to_owned()),
            "REMI" => remittance(line, value),
            "EREF" => line.end_to_end_id = given(value.to_owned()),
            "PREF" | "KREF" if line.customer_reference.is_none() => line.customer_reference = given(value.to_owned()),
            "MARF" => line.mandate = given(value.to_owned()),
            "TRTP" => line.posting_text = given(value.to_owned()),
            "TRCD" => line.business_code = given(value.to_owned()),
            "RTRN" => line.return_reason = given(value.to_owned()),
            _ => {}
        }
    }
}

/// The party of a credit is who ordered it, that of a debit who gets it.
fn name(line: &mut Line, party: &str, credit: bool, value: &str) {
    let place = match party {
        "ORDP" if !credit => return,
        "BENM" if credit => return,
        "ULTB" | "ULTC" | "ULTD" => &mut line.ultimate_party,
        _ => &mut line.counterparty_name,
    };
    if let Some(name) = given(value.to_owned()) {
        *place = Some(name);
    }
}

/// ING: `/CNTP/account/BIC/name/city`.
fn counterparty(line: &mut Line, value: &str) {
    let mut parts = value.split('/').map(|part| given(part.to_owned()));
    line.counterparty_account = parts.next().flatten();
    line.counterparty_bank = parts.next().flatten();
    line.counterparty_name = parts.next().flatten();
}

/// `USTD//text`, `STRD/CUR/reference`, or the text alone.
fn remittance(line: &mut Line, value: &str) {
    if let Some(structured) = value.strip_prefix("STRD/") {
        let reference = structured.rsplit('/').next().unwrap_or(structured);
        line.structured_references.push(StructuredReference::new(reference));
        add_text(line, reference);
    } else {
        add_text(line, value.strip_prefix("USTD/").unwrap_or(value).trim_start_matches('/'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::CurrencyCode;

    fn described(amount: i64, text: &str) -> Line {
        let mut line = Line::new(1, amount.into(), CurrencyCode::EUR, "2026-01-02".parse().unwrap());
        describe(&mut line, &coded(text).unwrap());
        line
    }

    #[test]
    fn a_credit_is_of_who_ordered_it_and_a_debit_of_who_gets_it() {
        let text = "/EREF/E2E-1/BENM//NAME/We/ORDP//NAME/They/REMI/INV-1/ULTD//NAME/Aunt";
        let credit = described(1, text);
        assert_eq!((credit.counterparty_name.as_deref(), credit.ultimate_party.as_deref()), (Some("They"), Some("Aunt")));
        assert_eq!((credit.end_to_end_id.as_deref(), credit.text.as_str()), (Some("E2E-1"), "INV-1"));
        assert_eq!(described(-1, text).counterparty_name.as_deref(), Some("We"));
    }

    #[test]
    fn codes_of_abn_amro_and_ing_read_across_the_ends_of_lines() {
        let line =
            described(1, "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNAN\nL2A/NAME/A/B TRADE/REMI/fact 12/2026/EREF/NOTPROVIDED");
        assert_eq!(line.counterparty_bank.as_deref(), Some("ABNANL2A"));
        assert_eq!((line.counterparty_name.as_deref(), line.text.as_str()), (Some("A/B TRADE"), "fact 12/2026"));
        assert_eq!(line.end_to_end_id, None);
        let line = described(1, "/EREF/E1//MARF/M1//CNTP/NL91ABNA0417164300/ABNANL2A/Name X/City//REMI/STRD/CUR/RF18539007547034/");
        assert_eq!((line.counterparty_name.as_deref(), line.mandate.as_deref()), (Some("Name X"), Some("M1")));
        assert_eq!(line.structured_references, [StructuredReference::Rf("RF18539007547034".into())]);
        assert_eq!(described(1, "/REMI/USTD//a text/").text, "a text");
    }

    #[test]
    fn a_text_that_begins_with_no_known_code_is_not_coded() {
        for text in ["fu/r SEPA", "/XYZ/a", "/", "", "EREF/a/", "/EREF"] {
            assert!(coded(text).is_none(), "{text}");
        }
    }
}
