//! The proof: sets whose truth is known, by seeds that nothing was tuned to, and one that nobody knows before.

use matching::{
    Book, RuleTable, decide_all,
    labelled::generate,
    rates::{Rates, Share, rates},
};
use std::hash::{BuildHasher, RandomState};

/// Optimised builds take the full set.
const LINES: usize = if cfg!(debug_assertions) { 12_500 } else { 50_000 };

fn measure(seed: u64) -> Rates {
    let set = generate(seed, LINES);
    let mut book = Book::build(&set.customers, &set.items).unwrap();
    let decisions = decide_all(&mut book, &RuleTable::standard(), &set.receipts);
    let cases = set.receipts.iter().zip(&decisions).zip(&set.truth).map(|((receipt, decision), truth)| (receipt, decision, truth));
    let rates = rates(cases);
    println!("seed {seed}: {rates:?}");
    assert_eq!(rates.precision.part, rates.precision.whole, "seed {seed}: a wrong one was confirmed");
    assert!(rates.lines.at_least(85), "seed {seed}: {:?} of the lines confirmed", rates.lines.percent());
    assert!(rates.straight_through.at_least(85), "seed {seed}: {:?} straight through", rates.straight_through.percent());
    rates
}

#[test]
fn confirmations_are_many_and_never_wrong_and_suggestions_hold_the_truth() {
    let unknown = RandomState::new().hash_one("seed") >> 32;
    let all: Vec<Rates> = [1, 20_260_822, 987_654_321, unknown].into_iter().map(measure).collect();
    // a small set has few that are not confirmed, so that all of them are judged together
    let suggested = all
        .iter()
        .fold(Share::default(), |sum, rates| Share { part: sum.part + rates.suggested.part, whole: sum.whole + rates.suggested.whole });
    assert!(suggested.at_least(95), "the truth is among three suggestions in {:?} %, random seed {unknown}", suggested.percent());
}
