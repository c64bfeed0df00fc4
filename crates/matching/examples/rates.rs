//! Rates and time of a labelled set: `cargo run --release -p matching --example rates -- [SEED] [LINES] [FIRST]`.
//! With FIRST, only the earliest receipts are decided, against all items: `1 500000 100000` is 100,000 against a million.

use matching::{Book, RuleTable, decide_all, decision::Verdict, labelled, rates::rates};
use std::{collections::BTreeMap, time::Instant};

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let argument = |at: usize, otherwise: u64| arguments.get(at).copied().unwrap_or(otherwise);
    let size = |at, otherwise| usize::try_from(argument(at, otherwise)).unwrap_or(usize::MAX);
    let seed = argument(0, 1);
    let set = labelled::generate(seed, size(1, 50_000));
    let (receipts, truth): (Vec<_>, Vec<_>) = set.receipts.into_iter().zip(set.truth).take(size(2, u64::MAX)).unzip();
    let began = Instant::now();
    let mut book = match Book::build(&set.customers, &set.items) {
        Ok(book) => book,
        Err(error) => return eprintln!("{error}"),
    };
    let built = began.elapsed();
    let began = Instant::now();
    let decisions = decide_all(&mut book, &RuleTable::standard(), &receipts);
    println!("seed {seed}: {} items indexed in {built:?}, {} receipts decided in {:?}", set.items.len(), receipts.len(), began.elapsed());
    let cases = receipts.iter().zip(&decisions).zip(&truth);
    let rates = rates(cases.clone().map(|((receipt, decision), truth)| (receipt, decision, truth)));
    println!("items {:?}, lines {:?}, straight through {:?}", rates.items, rates.lines, rates.straight_through);
    println!("precision {:?}, suggested {:?} = {:?} %", rates.precision, rates.suggested, rates.suggested.percent());
    let mut by_trouble = BTreeMap::new();
    for ((receipt, decision), truth) in cases {
        let is_right = |place: usize| decision.proposals.get(place).is_some_and(|proposal| truth.equals(&proposal.allocations));
        if decision.verdict == Verdict::Confirm && !is_right(0) {
            println!("wrong: {receipt:?}\n{truth:?}\n{:?}", decision.reasons());
        }
        if decision.verdict != Verdict::Confirm && truth.exists() {
            let (all, found) = by_trouble.entry(truth.troubles.clone()).or_insert((0, 0));
            *all += 1;
            *found += i32::from((0..3).any(is_right));
        }
    }
    for (troubles, (all, found)) in by_trouble {
        println!("{found:>5} of {all:>5} among the first three: {troubles:?}");
    }
}
