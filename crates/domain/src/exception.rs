//! Exceptions: what needs a person, in words a controller reads, grouped by cause.

use crate::{
    mapping::MissingMapping,
    posting::{Difference, ErpSystem, Refusal},
    text_enum::text_enum,
};

text_enum! {
    /// Which kind of trouble; decides the form that fixes it.
    pub enum ExceptionKind {
        Mapping = "mapping",
        Period = "period",
        Tax = "tax",
        Customer = "customer",
        Reference = "reference",
        Duplicate = "duplicate",
        Rejected = "rejected",
        Mismatch = "mismatch",
        Attempts = "attempts",
        Other = "other",
    }
}

impl ExceptionKind {
    pub fn label(self) -> &'static str {
        match self {
            Self::Mapping => "Mapping missing",
            Self::Period => "Period closed",
            Self::Tax => "Tax or rounding",
            Self::Customer => "Customer blocked or unknown",
            Self::Reference => "Reference unknown in the ERP",
            Self::Duplicate => "Number already used",
            Self::Rejected => "Rejected at import",
            Self::Mismatch => "ERP differs",
            Self::Attempts => "Gave up after retries",
            Self::Other => "Refused by the ERP",
        }
    }

    /// Working hours in which it has to be dealt with, where an entity does not say otherwise: a day for what holds money up, two for
    /// what others have to correct, half a one for an ERP that keeps failing.
    pub fn allowance_hours(self) -> i32 {
        match self {
            Self::Attempts => 4,
            Self::Mapping | Self::Period | Self::Reference | Self::Other => 8,
            Self::Tax | Self::Customer | Self::Duplicate | Self::Mismatch => 16,
            Self::Rejected => 24,
        }
    }

    /// What a person can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Mapping => "Map the code, then replay. Nothing was sent.",
            Self::Period => "Open the period in the ERP or decide on a late entry, then replay. It is never re-dated automatically.",
            Self::Tax => "Check the tax code's mapping or the source's tax, then replay or import a new version.",
            Self::Customer => "Unblock or map the customer, then replay.",
            Self::Reference => "Correct the mapping to a reference the ERP knows, then replay.",
            Self::Duplicate => "The ERP already uses this number. Compare, then resolve with its document or import a new number.",
            Self::Rejected => "Correct it at the source and import it again as a new version.",
            Self::Mismatch => "The ERP's document differs. Correct it there; it confirms by itself. It is never sent again.",
            Self::Attempts => "The ERP kept failing. Check the connection, then replay.",
            Self::Other => "Read the ERP's answer, correct the cause, then replay.",
        }
    }
}

/// Why a document stopped, ready to be opened as an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub kind: ExceptionKind,
    pub code: String,
    pub message: String,
    pub field: Option<String>,
    pub missing: Option<MissingMapping>,
}

impl Cause {
    /// The first missing mapping names the cause; the others show when it is fixed.
    pub fn of_missing(missing: &[MissingMapping]) -> Self {
        let first = missing.first().cloned();
        let message = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self { kind: ExceptionKind::Mapping, code: "MAPPING_MISSING".into(), message, field: None, missing: first }
    }

    pub fn of_refusal(refusal: &Refusal) -> Self {
        Self {
            kind: kind_of(&refusal.code, &refusal.message, refusal.field.as_deref()),
            code: refusal.code.clone(),
            message: refusal.message.clone(),
            field: refusal.field.clone(),
            missing: None,
        }
    }

    pub fn of_differences(differences: &[Difference]) -> Self {
        let message = differences.iter().map(|d| format!("{}: ours {}, ERP {}", d.field, d.ours, d.theirs)).collect::<Vec<_>>().join("; ");
        let field = differences.first().map(|d| d.field.clone());
        Self { kind: ExceptionKind::Mismatch, code: "ERP_DIFFERS".into(), message, field, missing: None }
    }

    /// Connection kind + code + normalised message + offending field: the same cause has the same fingerprint.
    pub fn fingerprint(&self, system: Option<ErpSystem>) -> String {
        let system = system.map_or("tieout", ErpSystem::as_str);
        let what = match (&self.missing, self.kind) {
            (Some(missing), _) => format!("{}:{}", missing.kind, missing.code),
            (None, ExceptionKind::Mismatch) => String::new(),
            (None, _) => normalised(&self.message),
        };
        format!("{system}|{}|{what}|{}", self.code, self.field.as_deref().map(normalised).unwrap_or_default())
    }
}

/// Sorts vendors' codes by what a person has to do. Codes: SuiteTalk status codes and Odoo's messages.
fn kind_of(code: &str, message: &str, field: Option<&str>) -> ExceptionKind {
    let text = format!("{} {} {}", code, message, field.unwrap_or("")).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["closed_tran_prd", "tran_prd_closed", "tran_period_closed", "invalid_acct_prd", "period", "lock date"]) {
        ExceptionKind::Period
    } else if says(&["dup_rcrd", "unique_rcrd", "already exists", "duplicate"]) {
        ExceptionKind::Duplicate
    } else if says(&["customer", "entity", "partner", "credit limit", "on hold"]) {
        ExceptionKind::Customer
    } else if says(&["tax", "rounding"]) {
        ExceptionKind::Tax
    } else if says(&["invalid_content", "invalid reference", "account", "item", "currency", "rate"]) {
        ExceptionKind::Reference
    } else {
        ExceptionKind::Other
    }
}

/// A message without what differs from document to document: digits, and words in quotes.
fn normalised(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut in_number = false;
    for c in message.to_lowercase().chars() {
        if c.is_ascii_digit() {
            if !in_number {
                out.push('#');
            }
            in_number = true;
        } else {
            in_number = false;
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::MappingKind;

    fn refusal(code: &str, message: &str) -> Cause {
        Cause::of_refusal(&Refusal { code: code.into(), message: message.into(), field: None })
    }

    #[test]
    fn the_same_cause_in_two_documents_has_one_fingerprint() {
        let (a, b) = (refusal("USER_ERROR", "Invoice 4711 is not allowed"), refusal("USER_ERROR", "Invoice 99 is not allowed"));
        assert_eq!(a.fingerprint(Some(ErpSystem::Netsuite)), b.fingerprint(Some(ErpSystem::Netsuite)));
        assert_ne!(a.fingerprint(Some(ErpSystem::Netsuite)), a.fingerprint(Some(ErpSystem::Odoo)));
    }

    #[test]
    fn two_missing_codes_are_two_causes() {
        let of = |code: &str| {
            Cause::of_missing(&[MissingMapping { kind: MappingKind::Item, code: code.into() }]).fingerprint(Some(ErpSystem::Netsuite))
        };
        assert_ne!(of("SKU-1"), of("SKU-2"));
    }

    #[test]
    fn vendor_codes_are_sorted_by_what_a_person_has_to_do() {
        for (code, message, kind) in [
            ("CLOSED_TRAN_PRD", "", ExceptionKind::Period),
            ("USER_ERROR", "The posting period is closed.", ExceptionKind::Period),
            ("DUP_RCRD", "", ExceptionKind::Duplicate),
            ("INVALID_CONTENT", "Invalid reference key 9 for item", ExceptionKind::Reference),
            ("INVALID_TAX_CODE_FOR_SUB", "", ExceptionKind::Tax),
            ("SOMETHING", "else", ExceptionKind::Other),
        ] {
            assert_eq!(refusal(code, message).kind, kind, "{code} {message}");
        }
    }
}
