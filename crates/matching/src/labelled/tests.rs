use super::*;
use crate::model::ItemKind;
use std::collections::{HashMap, HashSet};

fn share(set: &Labelled, wanted: impl Fn(&Truth) -> bool) -> usize {
    let transfers = set.receipts.iter().filter(|receipt| receipt.rail == Rail::Transfer).count();
    set.truth.iter().filter(|truth| wanted(truth)).count() * 10_000 / transfers
}

fn has(trouble: Trouble) -> impl Fn(&Truth) -> bool {
    move |truth| truth.troubles.contains(&trouble)
}

#[test]
fn troubles_have_the_proportions_of_the_rule_book() {
    let set = generate(1, 20_000);
    assert_eq!(set.receipts.len(), 20_000);
    let check = |what: &str, share: usize, low: usize, high: usize| {
        assert!((low..=high).contains(&share), "{what}: {share} of 10,000 transfers, expected {low} to {high}");
    };
    check("no reference", share(&set, has(Trouble::NoReference)), 1_000, 1_200);
    check("wrong reference", share(&set, has(Trouble::WrongReference)), 230, 370);
    check("third party", share(&set, has(Trouble::ThirdParty)), 320, 480);
    check("wrong entity", share(&set, has(Trouble::WrongEntity)), 20, 85);
    check("doubled or overpaid", share(&set, |truth| has(Trouble::Doubled)(truth) || has(Trouble::Overpaid)(truth)), 45, 120);
    check("withholding", share(&set, has(Trouble::ShortByWithholding)), 80, 170);
    check("dispute", share(&set, has(Trouble::ShortByDispute)), 25, 100);
    check("error", share(&set, has(Trouble::ShortByError)), 8, 60);
    check("fee, cross-border and Japan included", share(&set, has(Trouble::ShortByFee)), 120, 260);
}

#[test]
fn rails_and_remittances_have_the_proportions_of_the_rule_book() {
    let set = generate(2, 20_000);
    let mut value = HashMap::new();
    let mut remittances = Vec::new();
    for (receipt, truth) in set.receipts.iter().zip(&set.truth) {
        let usd = receipt.amount.minor * 100_000
            / company::per_thousand_usd(receipt.amount.currency)
            / 10i64.pow(receipt.amount.currency.minor_units());
        *value.entry(receipt.rail).or_insert(0) += usd;
        if receipt.rail == Rail::Transfer && truth.exists() {
            remittances.push(truth.allocations.len());
        }
    }
    let whole: i64 = value.values().sum();
    let percent = |rail| value[&rail] * 100 / whole;
    assert!((17..=33).contains(&percent(Rail::Card)), "{}", percent(Rail::Card));
    assert!((9..=21).contains(&percent(Rail::DirectDebit)), "{}", percent(Rail::DirectDebit));
    assert!((50..=70).contains(&percent(Rail::Transfer)), "{}", percent(Rail::Transfer));
    remittances.sort_unstable();
    assert_eq!(remittances[remittances.len() / 2], 3);
    assert!((100..=180).contains(remittances.last().unwrap()));
}

#[test]
fn the_truth_adds_up_to_the_receipt_and_gives_no_item_more_than_is_open() {
    let set = generate(3, 5_000);
    let items: HashMap<ItemId, &OpenItem> = set.items.iter().map(|item| (item.id, item)).collect();
    let mut given: HashMap<ItemId, i64> = HashMap::new();
    for (receipt, truth) in set.receipts.iter().zip(&set.truth) {
        let settled: i64 = truth.allocations.iter().map(|allocation| allocation.amount.minor).sum();
        assert_eq!(settled + truth.residual.minor, receipt.amount.minor, "{truth:?}");
        assert!(receipt.amount.minor > 0);
        for allocation in &truth.allocations {
            let sign = if items[&allocation.item].kind == ItemKind::CreditMemo { -1 } else { 1 };
            *given.entry(allocation.item).or_insert(0) += sign * allocation.amount.minor;
        }
    }
    for (item, given) in given {
        assert!(given > 0 && given <= items[&item].open.minor);
    }
}

#[test]
fn numbers_are_unique_and_the_same_seed_gives_the_same_set() {
    let set = generate(4, 2_000);
    assert_eq!(set, generate(4, 2_000));
    assert_ne!(set, generate(5, 2_000));
    let numbers: HashSet<&str> = set.items.iter().map(|item| item.number.as_str()).collect();
    assert_eq!(numbers.len(), set.items.len());
}
