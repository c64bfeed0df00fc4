//! New rules against history before they go live: what they would match that the old ones did not, what they would lose, and
//! what they would get wrong, with the money that is at risk.

use crate::{
    book::Book,
    decision::Decision,
    model::{Allocation, ItemId, Receipt},
    pass::decide_all,
    rules::RuleTable,
};
use domain::{money::Currency, rules::Difference};
use std::collections::BTreeMap;

/// What a receipt finally gave to each item, in minor units of its currency; empty: it stayed on account.
pub type Stood = BTreeMap<ItemId, i64>;

/// Receipts that came in at one moment, with the book as it was then.
#[derive(Debug, Clone)]
pub struct Moment {
    pub book: Book,
    pub receipts: Vec<Receipt>,
    /// One for each receipt, in the same order; `None`: what it pays is not known yet. Such a receipt claims its items like any other.
    pub stood: Vec<Option<Stood>>,
}

/// Receipts and their money in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    pub count: i64,
    pub minor: i64,
}

impl Sum {
    fn add_if(&mut self, counts: bool, minor: i64) {
        if counts {
            self.count += 1;
            self.minor += minor;
        }
    }
}

/// Receipts of a currency whose application is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub all: Sum,
    /// Applied without a person, rightly or wrongly: by the old rules, and by the new.
    pub confirmed_before: Sum,
    pub confirmed: Sum,
    /// Rightly by the new rules only.
    pub gained: Sum,
    /// Rightly by the old rules only.
    pub lost: Sum,
    /// Wrongly; its money is at risk.
    pub wrong_before: Sum,
    pub wrong: Sum,
}

/// A receipt about which the rules differ, or that the new ones get wrong.
#[derive(Debug, Clone)]
pub struct Differing {
    pub difference: Difference,
    pub receipt: Receipt,
    pub before: Decision,
    pub after: Decision,
    pub stood: Stood,
}

#[derive(Debug, Clone, Default)]
pub struct Backtest {
    pub tallies: BTreeMap<Currency, Tally>,
    /// Those of the receipts that were looked at last come last.
    pub differing: Vec<Differing>,
    /// Receipts whose application is not known.
    pub left_out: i64,
}

impl Backtest {
    /// Decides about the receipts of a moment under both tables, and counts.
    pub fn look_at(&mut self, moment: Moment, old: &RuleTable, new: &RuleTable) {
        let Moment { mut book, receipts, stood } = moment;
        let before = decide_all(&mut book.clone(), old, &receipts);
        let after = decide_all(&mut book, new, &receipts);
        for (((receipt, stood), before), after) in receipts.into_iter().zip(stood).zip(before).zip(after) {
            match stood {
                Some(stood) => self.count(receipt, stood, before, after),
                None => self.left_out += 1,
            }
        }
    }

    fn count(&mut self, receipt: Receipt, stood: Stood, before: Decision, after: Decision) {
        let (was, is) = (is_right(&before, &stood), is_right(&after, &stood));
        let tally = self.tallies.entry(receipt.amount.currency).or_default();
        let minor = receipt.amount.minor;
        tally.all.add_if(true, minor);
        tally.confirmed_before.add_if(was.is_some(), minor);
        tally.confirmed.add_if(is.is_some(), minor);
        tally.wrong_before.add_if(was == Some(false), minor);
        tally.wrong.add_if(is == Some(false), minor);
        let (gained, lost) = (is == Some(true) && was != is, was == Some(true) && was != is);
        tally.gained.add_if(gained, minor);
        tally.lost.add_if(lost, minor);
        let difference = match is {
            Some(false) => Difference::Wrong,
            _ if gained => Difference::Gained,
            _ if lost => Difference::Lost,
            _ => return,
        };
        self.differing.push(Differing { difference, receipt, before, after, stood });
    }
}

/// `None`: not confirmed.
fn is_right(decision: &Decision, stood: &Stood) -> Option<bool> {
    decision.confirmed().map(|best| explains(&best.allocations, stood))
}

/// Whether these allocations come to what stood. Credit memos that the payer deducted settle a part of the items, whichever: so an item
/// may have got less money than the allocations give it, as long as nothing else got any and it adds up.
fn explains(allocations: &[Allocation], stood: &Stood) -> bool {
    let mut owed: BTreeMap<ItemId, i64> = BTreeMap::new();
    for allocation in allocations.iter().filter(|allocation| allocation.amount.minor > 0) {
        *owed.entry(allocation.item).or_default() += allocation.amount.minor;
    }
    let fits = stood.iter().all(|(item, given)| owed.get(item).is_some_and(|owed| given <= owed));
    fits && stood.values().sum::<i64>() == allocations.iter().map(|allocation| allocation.amount.minor).sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Amount;
    use uuid::Uuid;

    fn item(id: u128) -> ItemId {
        ItemId(Uuid::from_u128(id))
    }

    fn explained(allocations: &[(u128, i64)], stood: &[(u128, i64)]) -> bool {
        let allocations: Vec<Allocation> =
            allocations.iter().map(|(id, minor)| Allocation { item: item(*id), amount: Amount::new(*minor, Currency::EUR) }).collect();
        explains(&allocations, &stood.iter().map(|(id, minor)| (item(*id), *minor)).collect())
    }

    #[test]
    fn allocations_are_right_when_the_same_items_got_the_same_money() {
        assert!(explained(&[(1, 100), (2, 50)], &[(2, 50), (1, 100)]));
        assert!(!explained(&[(1, 100)], &[(2, 100)]), "another item");
        assert!(!explained(&[(1, 100), (2, 50)], &[(1, 100)]), "less");
        assert!(!explained(&[(1, 100)], &[(1, 100), (2, 50)]), "more");
        assert!(!explained(&[(1, 100), (2, 50)], &[(1, 50), (2, 100)]), "otherwise divided");
        assert!(!explained(&[(1, 100)], &[]), "it stayed on account");
    }

    #[test]
    fn a_deducted_credit_memo_settles_whichever_item_it_was_given_to() {
        let deducted = [(1, 100), (2, 50), (9, -10)];
        assert!(explained(&deducted, &[(1, 90), (2, 50)]) && explained(&deducted, &[(1, 100), (2, 40)]));
        assert!(!explained(&deducted, &[(1, 100), (2, 50)]), "without the memo");
        assert!(!explained(&deducted, &[(1, 110), (2, 30)]), "more than it owed");
    }
}
