use matching::{
    Backtest, Book, Moment, RuleTable, Stood,
    labelled::{Labelled, Truth, generate},
};

/// What the money itself gave, after the credits that were deducted.
fn stood(truth: &Truth) -> Stood {
    let mut deducted: i64 = truth.allocations.iter().map(|part| -part.amount.minor.min(0)).sum();
    let mut stood = Stood::new();
    for part in truth.allocations.iter().filter(|part| part.amount.minor > 0) {
        let by_credit = deducted.min(part.amount.minor);
        deducted -= by_credit;
        if part.amount.minor > by_credit {
            *stood.entry(part.item).or_default() += part.amount.minor - by_credit;
        }
    }
    stood
}

fn backtest(set: &Labelled, unknown: usize, old: &RuleTable, new: &RuleTable) -> Backtest {
    let stood = set.truth.iter().enumerate().map(|(at, truth)| (at >= unknown).then(|| stood(truth))).collect();
    let book = Book::build(&set.customers, &set.items).unwrap();
    let mut test = Backtest::default();
    test.look_at(Moment { book, receipts: set.receipts.clone(), stood }, old, new);
    test
}

fn sum(test: &Backtest, of: fn(&matching::Tally) -> matching::Sum) -> i64 {
    test.tallies.values().map(|tally| of(tally).count).sum()
}

#[test]
fn bolder_rules_show_what_they_gain_and_what_they_risk() {
    let set = generate(11, if cfg!(debug_assertions) { 5_000 } else { 50_000 });
    let old = RuleTable::standard();
    let mut bold = RuleTable { version: 2, ..old.clone() };
    bold.parameters.confirm_without_reference = true;
    bold.parameters.confirm_threshold = 50;
    bold.parameters.minimum_margin = 1;
    let test = backtest(&set, 0, &old, &bold);
    assert!(sum(&test, |tally| tally.gained) > 0);
    assert!(sum(&test, |tally| tally.wrong) > 0, "payer and amount alone are wrong at times");
    let of_wrong = test.differing.iter().filter(|line| line.difference == domain::rules::Difference::Wrong);
    let at_risk: i64 = test.tallies.values().map(|tally| tally.wrong.minor).sum();
    assert_eq!(at_risk, of_wrong.map(|line| line.receipt.amount.minor).sum::<i64>());
    let confirmed = sum(&test, |tally| tally.confirmed_before) + sum(&test, |tally| tally.gained) - sum(&test, |tally| tally.lost);
    assert_eq!(sum(&test, |tally| tally.confirmed) - sum(&test, |tally| tally.wrong), confirmed - sum(&test, |tally| tally.wrong_before));
    let same = backtest(&set, 0, &old, &old);
    assert!(same.differing.is_empty(), "the standard rules were right on the labelled set, and differ from themselves in nothing");
}

#[test]
fn what_is_not_known_is_counted_apart_and_claims_its_items_all_the_same() {
    let (set, old) = (generate(3, 400), RuleTable::standard());
    let (all, some) = (backtest(&set, 0, &old, &old), backtest(&set, 100, &old, &old));
    assert_eq!((sum(&some, |tally| tally.all), some.left_out), (sum(&all, |tally| tally.all) - 100, 100));
    assert!(some.differing.is_empty());
}
