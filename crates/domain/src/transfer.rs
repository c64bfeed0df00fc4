//! Money that goes from one customer to another: two documents, one that takes it from the customer who had it and a payment of the one who
//! has it now. Both name the account between them, so that it is nothing in all; in another entity it is what the first owes the second
//! (accounting.md, Receivables: balanced due-to and due-from documents in both).

use crate::id::{DocumentId, EntityId};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The payment or credit memo whose open money goes.
    pub credit: DocumentId,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// The entity whose customer gets it; that of the credit, or another.
    pub to_entity: EntityId,
    pub customer_code: String,
    pub reason: String,
}

/// Codes of the accounts between the two sides of a transfer; mappings give them their accounts in the ERPs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// Credited where the money was.
    pub given: String,
    /// Debited where the money is now.
    pub got: String,
}

impl Between {
    const SAME_ENTITY: &str = "TRANSFER";

    /// Whether a document's line names such an account, and none at a bank or a gateway.
    pub fn is_named(code: &str) -> bool {
        code == Self::SAME_ENTITY || code.starts_with("DUE-TO-") || code.starts_with("DUE-FROM-")
    }

    /// By the codes of the entities.
    pub fn of(from: &str, to: &str) -> Self {
        if from == to {
            Self { given: Self::SAME_ENTITY.to_owned(), got: Self::SAME_ENTITY.to_owned() }
        } else {
            Self { given: format!("DUE-TO-{to}"), got: format!("DUE-FROM-{from}") }
        }
    }
}

/// A transfer as a customer's account shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferView {
    pub out_id: DocumentId,
    pub out_number: String,
    pub in_id: DocumentId,
    pub in_number: String,
    pub from_entity: String,
    pub from_customer: String,
    pub to_entity: String,
    pub to_customer: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub reason: String,
    pub requested_by: String,
    /// `None`: within the limit of who asked, or taking one back.
    pub approved_by: Option<String>,
    pub made_at: DateTime<Utc>,
    /// It takes another one back.
    pub is_reversal: bool,
    /// Another one took it back.
    pub is_reversed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_entity_owes_is_what_the_other_is_owed() {
        let Between { given, got } = Between::of("US", "DE");
        assert_eq!((given.as_str(), got.as_str()), ("DUE-TO-DE", "DUE-FROM-US"));
        assert!([given, got].iter().all(|code| Between::is_named(code)) && !Between::is_named("STRIPE-US"));
        let Between { given, got } = Between::of("US", "US");
        assert_eq!(given, got);
    }
}
