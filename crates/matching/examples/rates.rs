//! Rates and time of a labelled set: `cargo run --release -p matching --example rates [SEED] [LINES]`.

use matching::{Book, RuleTable, decide_all, decision::Verdict, labelled, rates::rates};
use std::{collections::BTreeMap, time::Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let seed = arguments.next().unwrap_or(1);
    let lines = arguments.next().and_then(|lines| usize::try_from(lines).ok()).unwrap_or(50_000);
    let set = labelled::generate(seed, lines);
    let began = Instant::now();
    let Ok(mut book) = Book::build(&set.customers, &set.items) else { return };
    let built = began.elapsed();
    let began = Instant::now();
    let decisions = decide_all(&mut book, &RuleTable::standard(), &set.receipts);
    let decided = began.elapsed();
    println!("seed {seed}: {} items indexed in {built:?}, {lines} receipts decided in {decided:?}", set.items.len());
    let cases = set.receipts.iter().zip(&decisions).zip(&set.truth);
    let rates = rates(cases.clone().map(|((receipt, decision), truth)| (receipt, decision, truth)));
    println!("items {:?}, lines {:?}, straight through {:?}", rates.items, rates.lines, rates.straight_through);
    println!("precision {:?}, suggested {:?} = {:?} %", rates.precision, rates.suggested, rates.suggested.percent());
    let mut missed = BTreeMap::new();
    for ((receipt, decision), truth) in cases {
        let is_right = |place: usize| decision.proposals.get(place).is_some_and(|proposal| truth.equals(&proposal.allocations));
        if decision.verdict == Verdict::Confirm && !is_right(0) {
            println!("WRONG {receipt:?}\n{truth:?}\n{:?}", decision.reasons());
        }
        if decision.verdict != Verdict::Confirm && truth.exists() {
            let (all, found) = missed.entry(truth.troubles.clone()).or_insert((0, 0));
            *all += 1;
            *found += i32::from((0..3).any(is_right));
            if std::env::var("MISSED").is_ok() && !(0..3).any(is_right) {
                println!(
                    "{:?} {} {:?} {:?} k={} {:?}",
                    truth.troubles,
                    receipt.amount,
                    receipt.remittance_text,
                    receipt.payer_name,
                    truth.allocations.len(),
                    decision.reasons()
                );
            }
        }
    }
    println!("not confirmed, and found among three, by trouble: {missed:#?}");
}
