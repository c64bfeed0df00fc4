use crate::world::{World, transfer};
use matching::{
    Book, RuleTable, decide, decide_all,
    decision::{Decision, ResidualReason, Verdict},
    labelled::{Labelled, generate},
    model::{ItemId, Receipt, ReceiptId},
};
use proptest::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

fn small(seed: u64) -> Labelled {
    generate(seed, 400)
}

/// Bold rules confirm much, so that the properties have something to hold against.
fn bold() -> RuleTable {
    let mut rules = RuleTable::standard();
    rules.parameters.confirm_without_reference = true;
    rules.parameters.confirm_tolerated = true;
    rules.parameters.confirm_threshold = 40;
    rules.parameters.minimum_margin = 1;
    rules
}

fn decided(set: &Labelled, receipts: &[Receipt], rules: &RuleTable) -> (Book, Vec<Decision>) {
    let mut book = Book::build(&set.customers, &set.items).unwrap();
    let decisions = decide_all(&mut book, rules, receipts);
    (book, decisions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_item_is_given_more_than_it_has(seed in any::<u64>()) {
        let set = small(seed);
        let (book, decisions) = decided(&set, &set.receipts, &bold());
        let mut given: HashMap<ItemId, i64> = HashMap::new();
        for allocation in decisions.iter().filter_map(Decision::confirmed).flat_map(|best| &best.allocations) {
            *given.entry(allocation.item).or_insert(0) += allocation.amount.minor.abs();
        }
        for item in &set.items {
            let given = given.get(&item.id).copied().unwrap_or(0);
            prop_assert!(given <= item.open.minor);
            prop_assert_eq!(book.open(item.id), Some(item.open.minor - given), "{}", item.number);
        }
    }

    #[test]
    fn allocations_and_residual_are_the_receipt(seed in any::<u64>()) {
        let set = small(seed);
        let book = Book::build(&set.customers, &set.items).unwrap();
        for receipt in &set.receipts {
            for proposal in decide(&book, &RuleTable::standard(), receipt).proposals {
                if proposal.residual_reason != ResidualReason::CurrencyDiffers {
                    let sum: i64 = proposal.allocations.iter().map(|allocation| allocation.amount.minor).sum();
                    prop_assert_eq!(sum + proposal.residual.minor, receipt.amount.minor);
                    prop_assert!(proposal.allocations.iter().all(|allocation| allocation.amount.currency == receipt.amount.currency));
                }
                let score: i32 = proposal.evidence.iter().chain(&proposal.against).map(|evidence| evidence.points).sum();
                prop_assert_eq!(score, proposal.score, "the score is what is shown");
            }
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(seed in any::<u64>(), turn in 0usize..400) {
        let set = small(seed);
        let (_, decisions) = decided(&set, &set.receipts, &bold());
        let mut turned = set.receipts.clone();
        turned.rotate_left(turn);
        turned[..200].reverse();
        let by_id: HashMap<ReceiptId, Decision> =
            decided(&set, &turned, &bold()).1.into_iter().map(|decision| (decision.receipt, decision)).collect();
        for decision in &decisions {
            prop_assert_eq!(&by_id[&decision.receipt], decision);
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(seed in any::<u64>()) {
        let set = small(seed);
        prop_assert_eq!(decided(&set, &set.receipts, &bold()).1, decided(&set, &set.receipts, &bold()).1);
    }

    #[test]
    fn one_more_item_never_turns_a_tie_into_a_confirmation(amounts in prop::collection::vec(1i64..40, 2..8), more in 1i64..40, ours in any::<bool>()) {
        let mut world = World::new();
        for (ordinal, amount) in amounts.iter().enumerate() {
            world.invoice(&format!("INV-DE-{:06}", 100_000 + ordinal * 1_111), amount * 100);
        }
        world.rules = bold();
        let receipt = transfer(amounts[0] * 100, "Danke");
        let before = world.decide(&receipt);
        let customer = world.customers[if ours { 0 } else { 2 }].id;
        world.invoice("INV-DE-999999", more * 100).customer = customer;
        let after = world.decide(&receipt);
        if before.verdict == Verdict::Suggest {
            prop_assert_ne!(after.verdict, Verdict::Confirm, "{:?}", after.reasons());
        }
    }

    #[test]
    fn nothing_that_a_payer_writes_brings_the_engine_down(text in "\\PC{0,140}", minor in 1i64..100_000) {
        let world = World::new().invoices(&[("INV-DE-004512", 48_000), ("INV-DE-004513", 48_000), ("INV-DE-000001", 1)]);
        let mut receipt = transfer(minor, &text);
        receipt.id = ReceiptId(Uuid::from_u128(1));
        let decision = world.decide(&receipt);
        prop_assert!(decision.proposals.len() <= world.rules.parameters.proposals_max);
    }
}
