//! Matching in memory, on one core: the earliest receipts of a labelled set against all its open items, and how good that is.

use super::super::{ROUNDS, Report, median, per_second, seconds};
use anyhow::ensure;
use matching::{
    Book, RuleTable, decide_all, labelled,
    rates::{Share, rates},
};
use rust_decimal::Decimal;
use std::time::Instant;

/// Gives about a million open items.
const LINES: usize = 500_000;
const RECEIPTS: u32 = 100_000;
const SEED: u64 = 1;

/// Adds its figures to the report.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let set = labelled::generate(SEED, LINES);
    let (receipts, truth): (Vec<_>, Vec<_>) = set.receipts.into_iter().zip(set.truth).take(RECEIPTS.try_into()?).unzip();
    let (mut indexed, mut rate, mut decided) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut book = Book::build(&set.customers, &set.items)?;
        indexed.push(seconds(began.elapsed()));
        let began = Instant::now();
        decided = decide_all(&mut book, &RuleTable::standard(), &receipts);
        rate.push(per_second(RECEIPTS, began.elapsed()));
    }
    let rates = rates(receipts.iter().zip(&decided).zip(&truth).map(|((receipt, decision), truth)| (receipt, decision, truth)));
    ensure!(rates.precision.part == rates.precision.whole, "something was confirmed that is not true: {:?}", rates.precision);
    let percent = |share: Share| share.percent().unwrap_or_default();
    report.figures.extend([
        ("matching_open_items".into(), Decimal::from(set.items.len())),
        ("matching_index_seconds".into(), median(indexed)),
        ("matching_lines_per_second".into(), median(rate)),
        ("matching_confirmed_lines_percent".into(), percent(rates.lines)),
        ("matching_straight_through_percent".into(), percent(rates.straight_through)),
        ("matching_precision_percent".into(), percent(rates.precision)),
        ("matching_suggested_percent".into(), percent(rates.suggested)),
    ]);
    Ok(())
}
