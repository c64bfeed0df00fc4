//! Mapping: a canonical document and one connection's tables give an ERP-neutral document with the ERP's references.
//! Pure and complete: either every reference is found, or each missing one is named before anything is sent.

use crate::{
    document::{DocumentContent, DocumentLine},
    posting::{MappedDocument, MappedLine, PostingKey},
    text_enum::text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    /// What is translated. The revenue account is chosen by item.
    pub enum MappingKind {
        Customer = "customer",
        Item = "item",
        Account = "account",
        TaxCode = "tax_code",
        /// An account of ours that money comes to, by its number, to the ERP's ledger account or journal.
        BankAccount = "bank_account",
    }
}

impl MappingKind {
    pub fn label(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Item => "Item",
            Self::Account => "Revenue account",
            Self::TaxCode => "Tax code",
            Self::BankAccount => "Bank account",
        }
    }
}

text_enum! {
    pub enum MappingState {
        Proposed = "proposed",
        Active = "active",
        Retired = "retired",
        Refused = "refused",
    }
}

/// A reference that a connection's tables do not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MissingMapping {
    pub kind: MappingKind,
    pub code: String,
}

impl std::fmt::Display for MissingMapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} has no mapping", self.kind.label(), self.code)
    }
}

/// The ERP side of the document's entity.
#[derive(Debug, Clone)]
pub struct EntityMapping {
    pub entity_code: String,
    pub entity_ref: String,
    pub tax_is_ours: bool,
}

/// Translates every reference of `document`; `lookup` answers from the connection's active mappings. What an application settles is
/// named by the caller: those documents are the ERP's by then.
pub fn map<'a>(
    document: &DocumentContent,
    entity: &EntityMapping,
    lookup: impl Fn(MappingKind, &str) -> Option<&'a str>,
) -> Result<MappedDocument, Vec<MissingMapping>> {
    let mut missing = Vec::new();
    let mut find = |kind: MappingKind, code: &str| match lookup(kind, code) {
        Some(target) => target.to_owned(),
        None => {
            missing.push(MissingMapping { kind, code: code.to_owned() });
            String::new()
        }
    };
    let customer_ref = find(MappingKind::Customer, &document.customer_code);
    let mut line = |line: &DocumentLine| {
        let (item_ref, account_ref, tax_ref) = if document.kind.is_money() {
            (String::new(), find(MappingKind::BankAccount, &line.item_code), String::new())
        } else {
            let item_ref = find(MappingKind::Item, &line.item_code);
            (item_ref, find(MappingKind::Account, &line.item_code), find(MappingKind::TaxCode, &line.tax_code))
        };
        let DocumentLine { description, quantity, unit_price, net, tax, .. } = line.clone();
        MappedLine { item_ref, account_ref, tax_ref, description, quantity, unit_price, net, tax }
    };
    let lines = if document.kind.is_application() { Vec::new() } else { document.lines.iter().map(&mut line).collect() };
    if !missing.is_empty() {
        missing.sort();
        missing.dedup();
        return Err(missing);
    }
    Ok(MappedDocument {
        posting_key: PostingKey::of(&entity.entity_code, document.kind, &document.number, document.version),
        kind: document.kind,
        number: document.number.clone(),
        entity_ref: entity.entity_ref.clone(),
        customer_ref,
        currency: document.currency,
        document_date: document.issue_date,
        posting_date: document.posting_date,
        due_date: document.due_date,
        total: document.amount,
        tax: document.tax,
        applies_to: document.applies_to.clone(),
        tax_is_ours: entity.tax_is_ours,
        lines,
        settlement: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::DocumentKind;

    fn document(items: &[&str]) -> DocumentContent {
        let date = chrono::NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
        let line = |item: &&str| DocumentLine {
            item_code: (*item).to_owned(),
            description: String::new(),
            quantity: 1.into(),
            unit_price: 10.into(),
            net: 10.into(),
            tax: 0.into(),
            tax_code: "S".into(),
        };
        DocumentContent {
            kind: DocumentKind::Invoice,
            number: "INV-1".into(),
            version: 2,
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: "USD".parse().unwrap(),
            amount: 10.into(),
            tax: 0.into(),
            issue_date: date,
            due_date: date,
            posting_date: date,
            period: "2026-10".parse().unwrap(),
            applies_to: None,
            lines: items.iter().map(line).collect(),
        }
    }

    fn entity() -> EntityMapping {
        EntityMapping { entity_code: "US".into(), entity_ref: "1".into(), tax_is_ours: true }
    }

    #[test]
    fn every_missing_mapping_is_named_once() {
        let missing = map(&document(&["API", "SEAT", "API"]), &entity(), |kind, code| {
            (kind != MappingKind::Customer && code != "API").then_some("x")
        })
        .unwrap_err();
        let named: Vec<String> = missing.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["Customer C-1 has no mapping", "Item API has no mapping", "Revenue account API has no mapping"]);
    }

    #[test]
    fn the_posting_key_names_entity_number_and_version() {
        let mapped = map(&document(&["API"]), &entity(), |_, _| Some("7")).unwrap();
        assert_eq!(mapped.posting_key.0, "tieout-US-inv-INV-1-v2");
        assert_eq!((mapped.customer_ref.as_str(), mapped.lines[0].account_ref.as_str()), ("7", "7"));
    }
}
