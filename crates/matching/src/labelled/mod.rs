//! A labelled set: receipts of a company, and what each of them truly pays.
//!
//! The generator knows the truth because it starts from it: first who pays which invoices when, then what goes wrong on the
//! way, then what the bank passes on. Its proportions of trouble are those of the rule book (Receivables, the furnished
//! company, payments): transfers without a reference 11 %, a wrong one 3 %, by a third party 4 %, to the wrong entity 0.5 %,
//! doubled or overpaid 0.8 %, short 3 % (withholding tax 40, fee 30, dispute 20, error 10), a lost fee in 6 % of cross-border
//! and of Japanese ones; remittances over 3 invoices at the median and 180 at most; card and direct debit receipts come
//! through the gateway with the invoice that they charged. It knows nothing of the matcher and is fixed before it.
//!
//! What the payer designates is what he pays: a wrong reference never names another open item of his with the same amount.

mod company;
mod dice;
mod passing;
mod plan;
mod trouble;
mod words;

use crate::{
    amount::Amount,
    model::{Allocation, Customer, CustomerId, ItemId, OpenItem, Rail, Receipt, ReceiptId},
};
use domain::id::EntityId;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    pub entities: Vec<EntityId>,
    pub customers: Vec<Customer>,
    pub items: Vec<OpenItem>,
    /// By date.
    pub receipts: Vec<Receipt>,
    /// One for each receipt, in the same order.
    pub truth: Vec<Truth>,
}

/// What went wrong with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    NoReference,
    WrongReference,
    ThirdParty,
    WrongEntity,
    /// The same payment once more.
    Doubled,
    Overpaid,
    ShortByWithholding,
    ShortByFee,
    ShortByDispute,
    ShortByError,
}

/// What a receipt truly pays. Allocations and residual add up to the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    pub receipt: ReceiptId,
    pub customer: CustomerId,
    /// Empty: nothing is open for it, the money stays on account.
    pub allocations: Vec<Allocation>,
    /// More (positive) or less (negative) than what it settles. A short payment with a reason settles its items, the
    /// reason bears the rest; an error pays a part, and the item due last stays open with what is missing.
    pub residual: Amount,
    pub troubles: Vec<Trouble>,
}

impl Truth {
    /// Something is open that this receipt pays, be it in another entity.
    pub fn exists(&self) -> bool {
        !self.allocations.is_empty()
    }

    /// The same items with the same amounts, in any order.
    pub fn equals(&self, allocations: &[Allocation]) -> bool {
        let key = |of: &[Allocation]| {
            let mut key: Vec<(ItemId, i64)> = of.iter().map(|allocation| (allocation.item, allocation.amount.minor)).collect();
            key.sort_unstable();
            key
        };
        key(&self.allocations) == key(allocations)
    }
}

/// Shares of the rails by count, per mille: card, direct debit; the rest are transfers.
const CARDS: usize = 620;
const DIRECT_DEBITS: usize = 130;

/// `lines` receipts with the items and customers around them. The same seed gives the same set.
pub fn generate(seed: u64, lines: usize) -> Labelled {
    let (cards, direct_debits) = (lines * CARDS / 1000, lines * DIRECT_DEBITS / 1000);
    let entities = company::entities(seed);
    let counts = [(Rail::Card, cards), (Rail::DirectDebit, direct_debits), (Rail::Transfer, lines - cards - direct_debits)];
    let plan = plan::plan(seed, &entities, counts);
    passing::pass_on(seed, &entities, plan, lines)
}

#[cfg(test)]
mod tests;
