//! Money that a person gives back to a customer: it consumes what is open of a payment or a credit memo, never an invoice, is posted
//! when it is agreed, and is payable until a bank or a gateway shows that it left (accounting.md, Receivables: refunds payable stand
//! beside AR, never inside).

use crate::{
    id::{DocumentId, EntityId},
    stage::Stage,
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The payment or credit memo that it consumes.
    pub credit: DocumentId,
    /// In the credit's currency.
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// The account of ours at a bank or a gateway that the money leaves.
    pub way: Uuid,
    pub reason: String,
}

/// An account of ours that a refund can leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundWay {
    pub id: Uuid,
    /// With a masked number.
    pub name: String,
}

/// A refund that is not paid out yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPayable {
    pub document_id: DocumentId,
    pub number: String,
    pub entity_id: EntityId,
    pub entity_code: String,
    pub customer_code: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub credit_id: DocumentId,
    pub credit_number: String,
    /// What people call the account that it leaves.
    pub way: String,
    pub reason: String,
    pub requested_by: String,
    /// `None`: within the limit of who asked.
    pub approved_by: Option<String>,
    pub agreed_at: DateTime<Utc>,
    pub stage: Stage,
}

/// What is payable in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundsPayable {
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// Money that went out and may have paid a refund: both agree in account, amount and currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<M> {
    pub refund: DocumentId,
    pub movement: M,
    /// It names the refund; else only the payee is the same.
    pub named: bool,
}

/// Which movement paid which refund: the first that names it, else the only one for the only refund that it could have paid. What could
/// be either stays open.
pub fn paid<M: Clone + Eq>(candidates: &[Candidate<M>]) -> Vec<(DocumentId, M)> {
    let mut paid: Vec<(DocumentId, M)> = Vec::new();
    let is_free = |paid: &[(DocumentId, M)], one: &Candidate<M>| {
        paid.iter().all(|(refund, movement)| *refund != one.refund && *movement != one.movement)
    };
    for one in candidates.iter().filter(|one| one.named) {
        if is_free(&paid, one) {
            paid.push((one.refund, one.movement.clone()));
        }
    }
    let left: Vec<&Candidate<M>> = candidates.iter().filter(|one| is_free(&paid, one)).collect();
    let is_rival = |one: &Candidate<M>, other: &Candidate<M>| one.refund == other.refund || one.movement == other.movement;
    let alone = left.iter().filter(|one| left.iter().filter(|other| is_rival(one, other)).count() == 1);
    paid.extend(alone.map(|one| (one.refund, one.movement.clone())));
    paid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(refund: u128, movement: u8, named: bool) -> Candidate<u8> {
        Candidate { refund: DocumentId(Uuid::from_u128(refund)), movement, named }
    }

    fn pairs(candidates: &[Candidate<u8>]) -> Vec<(u128, u8)> {
        paid(candidates).into_iter().map(|(refund, movement)| (refund.0.as_u128(), movement)).collect()
    }

    #[test]
    fn a_movement_pays_the_refund_that_it_names_and_none_that_could_be_another() {
        assert_eq!(pairs(&[candidate(1, 7, false)]), [(1, 7)]);
        assert_eq!(pairs(&[candidate(1, 7, false), candidate(1, 8, true)]), [(1, 8)], "the name counts more than the payee");
        assert_eq!(pairs(&[candidate(1, 7, false), candidate(2, 7, false)]), [], "either refund may be meant");
        assert_eq!(pairs(&[candidate(1, 7, false), candidate(1, 8, false)]), [], "either line may have paid it");
        assert_eq!(
            pairs(&[candidate(1, 7, true), candidate(1, 7, false), candidate(2, 7, false), candidate(2, 8, false)]),
            [(1, 7), (2, 8)]
        );
        assert_eq!(pairs(&[candidate(1, 7, true), candidate(1, 8, true), candidate(2, 7, true)]), [(1, 7)], "each is taken once");
    }
}
