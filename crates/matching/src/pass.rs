//! One pass over many receipts: open amounts fall as decisions are confirmed, and no item is given away twice.
//!
//! Receipts are taken by date, then by id, whatever their order in the list. What two of them claim together is confirmed for
//! neither, unless evidence separates them: the surer one by the margin of the rules, or the earlier one of the same payer
//! (the later one is then a second payment). Receipts that are still undecided from earlier passes belong into the next one:
//! an item that one of them names is not given to the same payment once more.

use crate::{
    book::Book,
    decide::decide,
    decision::{Decision, Evidence, Proposal, Verdict},
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
        let pass = Pass { book, rules, receipts };
        let rival = claims.rivals(at, &decisions[at]).find(|rival| !yields(&pass, &decisions, at, *rival));
        match rival {
            Some((other, _)) => doubt(rules, &mut decisions[at], &receipts[other]),
            None if book.apply(best) => {}
            None => decisions[at].verdict = Verdict::Suggest,
        }
    }
    decisions
}

/// What a claim is weighed against.
struct Pass<'a> {
    book: &'a Book,
    rules: &'a RuleTable,
    receipts: &'a [Receipt],
}

/// Nothing was taken from its items since it was decided.
fn is_open(book: &Book, decision: &Decision, best: &Proposal) -> bool {
    decision.verdict == Verdict::Confirm
        && best.allocations.iter().all(|allocation| book.open(allocation.item).is_some_and(|open| open >= allocation.amount.minor.abs()))
}

/// Who claims an item, by the book as it was before the pass; whether he would be confirmed.
struct Claims(FxHashMap<ItemId, Vec<(usize, bool)>>);

impl Claims {
    fn of(decisions: &[Decision]) -> Self {
        let mut claims: FxHashMap<ItemId, Vec<(usize, bool)>> = FxHashMap::default();
        for (at, decision) in decisions.iter().enumerate() {
            for allocation in decision.best().iter().flat_map(|best| &best.allocations) {
                claims.entry(allocation.item).or_default().push((at, decision.verdict == Verdict::Confirm));
            }
        }
        Self(claims)
    }

    fn rivals(&self, at: usize, decision: &Decision) -> impl Iterator<Item = (usize, bool)> {
        let items = decision.confirmed().map_or(&[][..], |best| &best.allocations);
        let claims = items.iter().filter_map(|allocation| self.0.get(&allocation.item)).flatten().copied();
        claims.filter(move |(other, _)| *other != at)
    }
}

/// Whether the other claim gives way: there is enough for both, it is less sure, or it is a later one of the same payer.
/// One that is only suggested is in the way of nothing but the same payment once more.
fn yields(pass: &Pass<'_>, decisions: &[Decision], at: usize, (other, was_sure): (usize, bool)) -> bool {
    let (receipt, rival) = (&pass.receipts[at], &pass.receipts[other]);
    let is_same_payer = receipt.payer_account.is_some() && receipt.payer_account == rival.payer_account
        || receipt.customer.is_some() && receipt.customer == rival.customer;
    let is_earlier = receipt.received_on < rival.received_on;
    if is_same_payer && is_earlier {
        return true;
    }
    // a claim that was doubted for this one's sake is still a claim
    let (Some(mine), Some(theirs)) = (decisions[at].best(), decisions[other].best()) else { return true };
    if enough_for_both(pass.book, mine, theirs) {
        return true;
    }
    let is_again = is_same_payer && receipt.amount == rival.amount;
    let is_surer = mine.score - theirs.score >= pass.rules.parameters.minimum_margin;
    if was_sure { is_surer } else { !is_again }
}

fn enough_for_both(book: &Book, mine: &Proposal, theirs: &Proposal) -> bool {
    mine.allocations.iter().all(|part| {
        let same = theirs.allocations.iter().filter(|other| other.item == part.item);
        let both = part.amount.minor.abs() + same.map(|other| other.amount.minor.abs()).sum::<i64>();
        book.open(part.item).is_some_and(|open| both <= open)
    })
}

fn doubt(rules: &RuleTable, decision: &mut Decision, rival: &Receipt) {
    decision.verdict = Verdict::Suggest;
    let seen = format!("{} of {} from {:?} claims the same", rival.amount, rival.received_on, rival.payer_name);
    if let Some(best) = decision.proposals.first_mut() {
        best.against.push(Evidence { rule: RuleCode::ClaimedTwice, points: rules.points(RuleCode::ClaimedTwice), seen });
    }
}
