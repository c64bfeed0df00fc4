//! New rules against history before they go live: what they would match that the old ones did not, what they would lose, and
//! what they would get wrong, with the money that is at risk.

use crate::{
    amount::Amount,
    book::{Book, BookError},
    decision::Decision,
    labelled::Truth,
    model::{Customer, OpenItem, Receipt, ReceiptId},
    pass::decide_all,
    rates::{Rates, rates},
    rules::RuleTable,
};
use domain::money::Currency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Receipts whose right application is known, with the book as it was before the first of them.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    pub customers: &'a [Customer],
    pub items: &'a [OpenItem],
    pub receipts: &'a [Receipt],
    /// One for each receipt, in the same order.
    pub truth: &'a [Truth],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backtest {
    pub old_version: u32,
    pub new_version: u32,
    pub old: Rates,
    pub new: Rates,
    /// Rightly confirmed by the new rules only.
    pub gained: Vec<ReceiptId>,
    /// Rightly confirmed by the old rules only.
    pub lost: Vec<ReceiptId>,
    /// Wrongly confirmed by the new rules.
    pub wrong: Vec<ReceiptId>,
    /// The money of the wrong ones, by currency.
    pub at_risk: Vec<Amount>,
}

pub fn backtest(history: History<'_>, old: &RuleTable, new: &RuleTable) -> Result<Backtest, BookError> {
    let book = Book::build(history.customers, history.items)?;
    let before = decide_all(&mut book.clone(), old, history.receipts);
    let after = decide_all(&mut book.clone(), new, history.receipts);
    let mut test = Backtest {
        old_version: old.version,
        new_version: new.version,
        old: history.rates(&before),
        new: history.rates(&after),
        gained: Vec::new(),
        lost: Vec::new(),
        wrong: Vec::new(),
        at_risk: Vec::new(),
    };
    let mut at_risk: BTreeMap<Currency, i64> = BTreeMap::new();
    for (((receipt, truth), before), after) in history.receipts.iter().zip(history.truth).zip(&before).zip(&after) {
        match (is_right(before, truth), is_right(after, truth)) {
            (Some(true), Some(true)) => {}
            (_, Some(true)) => test.gained.push(receipt.id),
            (Some(true), _) => test.lost.push(receipt.id),
            _ => {}
        }
        if is_right(after, truth) == Some(false) {
            test.wrong.push(receipt.id);
            *at_risk.entry(receipt.amount.currency).or_insert(0) += receipt.amount.minor;
        }
    }
    test.at_risk = at_risk.into_iter().map(|(currency, minor)| Amount::new(minor, currency)).collect();
    Ok(test)
}

/// `None`: not confirmed.
fn is_right(decision: &Decision, truth: &Truth) -> Option<bool> {
    decision.confirmed().map(|best| truth.equals(&best.allocations))
}

impl History<'_> {
    fn rates(&self, decisions: &[Decision]) -> Rates {
        rates(self.receipts.iter().zip(decisions).zip(self.truth).map(|((receipt, decision), truth)| (receipt, decision, truth)))
    }
}
