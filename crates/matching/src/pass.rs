//! One pass over many receipts: open amounts fall as decisions are confirmed, and no item is given away twice.
//!
//! Receipts are taken by date, then by id, whatever their order in the list. What two of them claim together is confirmed for
//! neither, unless evidence separates them: the surer one by the margin of the rules, or the earlier one of the same payer
//! (the later one is then a second payment).

use crate::{
    book::Book,
    decide::decide,
    decision::{Decision, Evidence, Verdict},
    model::{ItemId, Receipt},
    rules::{RuleCode, RuleTable},
};
use rustc_hash::FxHashMap;

/// Decides about all of them; the book afterwards lacks what was confirmed. Decisions come in the order of the receipts.
pub fn decide_all(book: &mut Book, rules: &RuleTable, receipts: &[Receipt]) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..receipts.len()).collect();
    order.sort_by_key(|at| (receipts[*at].received_on, receipts[*at].id));
    let mut decisions: Vec<Decision> = receipts.iter().map(|receipt| decide(book, rules, receipt)).collect();
    let claims = Claims::of(&decisions);
    for at in order {
        if decisions[at].confirmed().is_none_or(|best| !is_open(book, &decisions[at], best)) {
            // earlier ones may have taken what made this one doubtful, or what it was to pay
            decisions[at] = decide(book, rules, &receipts[at]);
        }
        let Some(best) = decisions[at].confirmed() else { continue };
        let rival = claims.rivals(at, &decisions[at]).find(|other| !yields(book, rules, receipts, &decisions, at, *other));
        match rival {
            Some(other) => doubt(rules, &mut decisions[at], &receipts[other]),
            None if book.apply(best) => {}
            None => decisions[at].verdict = Verdict::Suggest,
        }
    }
    decisions
}

/// Nothing was taken from its items since it was decided.
fn is_open(book: &Book, decision: &Decision, best: &crate::decision::Proposal) -> bool {
    decision.verdict == Verdict::Confirm
        && best.allocations.iter().all(|allocation| book.open(allocation.item).is_some_and(|open| open >= allocation.amount.minor.abs()))
}

/// Who would be confirmed for an item, by the book as it was before the pass.
struct Claims(FxHashMap<ItemId, Vec<usize>>);

impl Claims {
    fn of(decisions: &[Decision]) -> Self {
        let mut claims: FxHashMap<ItemId, Vec<usize>> = FxHashMap::default();
        for (at, decision) in decisions.iter().enumerate() {
            for allocation in decision.confirmed().iter().flat_map(|best| &best.allocations) {
                claims.entry(allocation.item).or_default().push(at);
            }
        }
        Self(claims)
    }

    fn rivals(&self, at: usize, decision: &Decision) -> impl Iterator<Item = usize> {
        let items = decision.confirmed().map_or(&[][..], |best| &best.allocations);
        items.iter().flat_map(|allocation| self.0.get(&allocation.item).into_iter().flatten()).copied().filter(move |other| *other != at)
    }
}

/// Whether the other claim gives way: there is enough for both, it is less sure, or it is a later one of the same payer.
fn yields(book: &Book, rules: &RuleTable, receipts: &[Receipt], decisions: &[Decision], at: usize, other: usize) -> bool {
    // a claim that was doubted for this one's sake is still a claim
    let (Some(mine), Some(theirs)) = (decisions[at].best(), decisions[other].best()) else { return true };
    let enough = mine.allocations.iter().all(|part| {
        let same = theirs.allocations.iter().filter(|other| other.item == part.item);
        let both = part.amount.minor.abs() + same.map(|other| other.amount.minor.abs()).sum::<i64>();
        book.open(part.item).is_some_and(|open| both <= open)
    });
    let (receipt, rival) = (&receipts[at], &receipts[other]);
    let is_same_payer = receipt.payer_account.is_some() && receipt.payer_account == rival.payer_account
        || receipt.customer.is_some() && receipt.customer == rival.customer;
    let is_earlier = receipt.received_on < rival.received_on;
    enough || mine.score - theirs.score >= rules.parameters.minimum_margin || is_same_payer && is_earlier
}

fn doubt(rules: &RuleTable, decision: &mut Decision, rival: &Receipt) {
    decision.verdict = Verdict::Suggest;
    let seen = format!("{} of {} from {:?} claims the same", rival.amount, rival.received_on, rival.payer_name);
    if let Some(best) = decision.proposals.first_mut() {
        best.against.push(Evidence { rule: RuleCode::ClaimedTwice, points: rules.points(RuleCode::ClaimedTwice), seen });
    }
}
