use matching::{History, RuleTable, backtest, labelled::generate};

#[test]
fn bolder_rules_show_what_they_gain_and_what_they_risk() {
    let set = generate(11, if cfg!(debug_assertions) { 5_000 } else { 50_000 });
    let history = History { customers: &set.customers, items: &set.items, receipts: &set.receipts, truth: &set.truth };
    let old = RuleTable::standard();
    let mut bold = RuleTable { version: 2, ..old.clone() };
    bold.parameters.confirm_without_reference = true;
    bold.parameters.confirm_threshold = 50;
    bold.parameters.minimum_margin = 1;
    let test = backtest(history, &old, &bold).unwrap();
    assert!(!test.gained.is_empty());
    assert!(!test.wrong.is_empty() && !test.at_risk.is_empty(), "payer and amount alone are wrong at times");
    let at_risk: i64 = test.at_risk.iter().map(|amount| amount.minor).sum();
    let of_wrong = set.receipts.iter().filter(|receipt| test.wrong.contains(&receipt.id));
    assert_eq!(at_risk, of_wrong.map(|receipt| receipt.amount.minor).sum::<i64>());
    let json = serde_json::to_string(&test).unwrap();
    assert_eq!(serde_json::from_str::<matching::Backtest>(&json).unwrap(), test);
    let same = backtest(history, &old, &old).unwrap();
    assert_eq!((same.gained.len(), same.lost.len(), same.wrong.len()), (0, 0, 0));
    assert_eq!(same.old, same.new);
}
