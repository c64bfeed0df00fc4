use crate::world::{HERE, THERE, World, day, eur, from_stranger, transfer};
use matching::{
    amount::Amount,
    decision::{Decision, ResidualReason, Search, ShortReason, Verdict},
    model::*,
    rules::RuleCode,
};

const TWO: [(&str, i64); 2] = [("INV-DE-004512", 48_000), ("INV-DE-004600", 12_345)];

fn rules_of(decision: &Decision) -> Vec<RuleCode> {
    let best = decision.best().unwrap();
    best.evidence.iter().chain(&best.against).map(|evidence| evidence.rule).collect()
}

#[test]
fn a_number_is_found_however_the_payer_writes_it() {
    let world = World::new().invoices(&TWO);
    for text in [
        "INV-DE-004512",
        "Rechnung inv de 004512 v. 10.03.2026",
        "INVDE004512",
        "RG DE-004512",
        "004512",
        "Re 4512, Danke",
        "ＩＮＶ－ＤＥ－００４５１２",
        "INV-DE-00 4512",
        "INV-DE-004512 480.00",
    ] {
        let decision = world.decide(&transfer(48_000, text));
        assert_eq!(world.best(&decision), (Verdict::Confirm, vec![("INV-DE-004512", 48_000)]), "{text}: {:?}", decision.reasons());
    }
}

#[test]
fn structured_references_count_only_with_valid_check_digits() {
    let world = World::new().invoices(&TWO);
    let with = |value: &str| {
        let references = vec![Reference { kind: ReferenceKind::Creditor, value: value.to_owned() }];
        world.decide(&Receipt { references, ..from_stranger(48_000, "") })
    };
    // 98 - (INVDE004512RF00 modulo 97)
    assert_eq!(world.best(&with("RF33 INVD E004 512")), (Verdict::Confirm, vec![("INV-DE-004512", 48_000)]));
    assert_eq!(with("RF34 INVD E004 512").verdict, Verdict::Suggest, "only the amount is left");
}

#[test]
fn a_slip_counts_only_with_payer_and_amount() {
    let world = World::new().invoices(&TWO);
    for text in ["INV-DE-004521", "INV-DE-00451", "INV-DE-0045122", "INV-DE-0O4512"] {
        assert_eq!(world.best(&world.decide(&transfer(48_000, text))), (Verdict::Confirm, vec![("INV-DE-004512", 48_000)]), "{text}");
        assert_ne!(world.decide(&transfer(47_000, text)).verdict, Verdict::Confirm, "{text}");
        assert_ne!(world.decide(&from_stranger(48_000, text)).verdict, Verdict::Confirm, "{text}");
    }
}

#[test]
fn what_a_slip_makes_ambiguous_is_not_confirmed() {
    let world = World::new().invoices(&[("INV-DE-003109", 9_900), ("INV-DE-031095", 9_900)]);
    assert_eq!(world.decide(&transfer(9_900, "INV-DE-03109")).verdict, Verdict::Suggest);
    assert_eq!(world.decide(&transfer(9_900, "3109")).verdict, Verdict::Suggest);
    assert_eq!(world.decide(&transfer(9_900, "INV-DE-003109")).verdict, Verdict::Confirm, "as printed is what he means");
}

#[test]
fn a_number_too_many_beside_items_of_one_amount_is_not_confirmed() {
    let world = World::new().invoices(&[("INV-DE-000101", 9_900), ("INV-DE-000202", 9_900), ("INV-DE-000303", 12_300)]);
    for text in ["INV-DE-000101, PO 8812345", "INV-DE-000101, C-70001", "INV-DE-000101, C70001"] {
        assert_eq!(world.decide(&transfer(9_900, text)).verdict, Verdict::Suggest, "{text}");
    }
    assert_eq!(world.decide(&transfer(12_300, "INV-DE-000303, PO 8812345")).verdict, Verdict::Confirm);
    assert_eq!(world.decide(&transfer(9_900, "INV-DE-000101 99.00")).verdict, Verdict::Confirm);
}

#[test]
fn without_any_reference_a_person_decides_unless_the_rules_say_otherwise() {
    let mut world = World::new().invoices(&TWO);
    let receipt = transfer(12_345, "Danke");
    let decision = world.decide(&receipt);
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004600", 12_345)]));
    world.rules.parameters.confirm_without_reference = true;
    world.rules.parameters.confirm_threshold = 60;
    assert_eq!(world.decide(&receipt).verdict, Verdict::Confirm);
    assert_eq!(world.decide(&from_stranger(12_345, "Danke")).verdict, Verdict::Suggest, "an amount alone is nobody's");
}

#[test]
fn a_tie_is_never_confirmed_and_says_so() {
    let mut world = World::new().invoices(&[("INV-DE-000001", 10_000), ("INV-DE-000002", 10_000)]);
    world.rules.parameters.confirm_without_reference = true;
    world.rules.parameters.confirm_threshold = 1;
    let decision = world.decide(&transfer(10_000, ""));
    assert_eq!(decision.verdict, Verdict::Suggest);
    assert_eq!(decision.proposals[0].score, decision.proposals[1].score);
    assert!(decision.reasons().iter().any(|reason| reason.contains("just as well")), "{:?}", decision.reasons());
}

#[test]
fn the_reasons_name_the_runner_up_and_what_it_lacks() {
    let world = World::new().invoices(&[("INV-DE-000001", 10_000), ("INV-DE-000002", 10_000)]);
    let decision = world.decide(&transfer(10_000, "INV-DE-000001"));
    assert_eq!(decision.verdict, Verdict::Confirm);
    let reasons = decision.reasons().join(" ");
    assert!(reasons.contains("INV-DE-000002") && reasons.contains("would win without"), "{reasons}");
}

#[test]
fn one_receipt_pays_many_with_a_credit_memo_deducted() {
    let mut world = World::new().invoices(&TWO);
    world.invoice("CM-DE-000007", 2_345).kind = ItemKind::CreditMemo;
    let decision = world.decide(&transfer(58_000, "INV-DE-004512, INV-DE-004600 abzgl. CM-DE-000007"));
    let parts = vec![("CM-DE-000007", -2_345), ("INV-DE-004512", 48_000), ("INV-DE-004600", 12_345)];
    assert_eq!(world.best(&decision), (Verdict::Confirm, parts.clone()));
    let silent = world.decide(&transfer(58_000, "INV-DE-004512, INV-DE-004600"));
    assert_eq!(world.best(&silent), (Verdict::Suggest, parts), "a deduction that nobody mentions");
}

#[test]
fn an_advice_of_180_invoices_is_one_decision() {
    let mut world = World::new();
    for ordinal in 0..180 {
        world.invoice(&format!("INV-DE-{ordinal:06}"), 1_000 + ordinal * 37);
    }
    let total: i64 = world.items.iter().map(|item| item.open.minor).sum();
    let advice = world.items.iter().map(|item| AdviceLine { number: item.number.clone(), paid: Some(item.open) }).collect();
    let decision = world.decide(&Receipt { advice, ..transfer(total, "Avis vom 10.04.2026") });
    assert_eq!((decision.verdict, decision.best().unwrap().allocations.len()), (Verdict::Confirm, 180));
}

#[test]
fn a_range_is_all_that_lies_between() {
    let world = World::new().invoices(&[("INV-DE-000010", 100), ("INV-DE-000011", 200), ("INV-DE-000012", 400), ("INV-DE-000013", 800)]);
    let expected = vec![("INV-DE-000010", 100), ("INV-DE-000011", 200), ("INV-DE-000012", 400)];
    for text in ["INV-DE-000010 - 000012", "Rg INV-DE-000010 bis 000012", "INV-DE-000010 t/m 000012", "INV-DE-000010～000012"] {
        assert_eq!(world.best(&world.decide(&transfer(700, text))), (Verdict::Confirm, expected.clone()), "{text}");
    }
}

#[test]
fn a_combination_is_found_and_the_search_says_whether_it_was_complete() {
    let world = World::new().invoices(&[("INV-DE-000001", 10_007), ("INV-DE-000002", 20_011), ("INV-DE-000003", 40_013)]);
    let decision = world.decide(&transfer(50_020, "Zahlung"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-000001", 10_007), ("INV-DE-000003", 40_013)]));
    assert_eq!(decision.search, Search::Completely);
    let mut large = World::new();
    for ordinal in 0..80 {
        large.invoice(&format!("INV-DE-{ordinal:06}"), 1_003 + ordinal * ordinal * 11);
    }
    assert_eq!(large.decide(&transfer(99_999, "Zahlung")).search, Search::Stopped);
}

#[test]
fn a_short_payment_has_its_reason() {
    let check = |paid: i64, received: &str, disputed: bool, reason: ShortReason| {
        let mut world = World::new().invoices(&[("INV-DE-004512", 100_000)]);
        world.items[0].disputed = disputed;
        let decision = world.decide(&Receipt { received_on: day(received), ..transfer(paid, "INV-DE-004512") });
        assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004512", 100_000)]));
        let best = decision.best().unwrap();
        assert_eq!((best.residual_reason, best.residual), (ResidualReason::ShortPay(reason), eur(paid - 100_000)));
    };
    check(84_175, "2026-04-10", false, ShortReason::WithholdingTax);
    check(97_000, "2026-03-18", false, ShortReason::CashDiscount);
    check(98_500, "2026-04-10", false, ShortReason::BankFee);
    check(90_000, "2026-04-10", true, ShortReason::Dispute);
    check(99_970, "2026-04-10", false, ShortReason::SmallBalance);
}

#[test]
fn what_no_reason_explains_may_be_a_part() {
    let world = World::new().invoices(&[("INV-DE-004512", 100_000)]);
    let decision = world.decide(&transfer(40_000, "INV-DE-004512"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004512", 40_000)]));
    assert_eq!(decision.best().unwrap().residual_reason, ResidualReason::PartialPayment);
    let less = world.decide(&transfer(80_000, "INV-DE-004512"));
    let reasons: Vec<ResidualReason> = less.proposals.iter().map(|proposal| proposal.residual_reason).collect();
    assert_eq!(reasons, [ResidualReason::PartialPayment, ResidualReason::ShortPay(ShortReason::Dispute)]);
}

#[test]
fn yen_fees_have_their_own_band() {
    let mut world = World::new().invoices(&[("INV-JP-000001", 0)]);
    let yen = |minor| Amount::new(minor, domain::money::Currency::JPY);
    (world.items[0].open, world.items[0].total) = (yen(73_000), yen(73_000));
    let of = |minor| world.decide(&Receipt { amount: yen(minor), ..transfer(1, "INV-JP-000001") }).best().unwrap().residual_reason;
    assert_eq!(of(72_560), ResidualReason::ShortPay(ShortReason::BankFee));
    assert_eq!(of(71_000), ResidualReason::PartialPayment);
}

#[test]
fn more_than_is_open_leaves_a_residual() {
    let world = World::new().invoices(&TWO);
    let decision = world.decide(&transfer(50_000, "INV-DE-004512"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004512", 48_000)]));
    let best = decision.best().unwrap();
    assert_eq!((best.residual, best.residual_reason), (eur(2_000), ResidualReason::OverPay));
}

#[test]
fn a_second_payment_stays_on_account() {
    let mut world = World::new().invoices(&TWO);
    world.items[0].open = eur(0);
    let decision = world.decide(&transfer(48_000, "INV-DE-004512"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![]));
    assert_eq!(decision.best().unwrap().residual, eur(48_000));
    assert!(rules_of(&decision).contains(&RuleCode::AlreadyPaid));
}

#[test]
fn a_third_party_is_believed_if_he_names_the_item_and_its_amount() {
    let mut world = World::new().invoices(&TWO);
    assert_eq!(world.decide(&from_stranger(48_000, "o/b/o Mueller Data INV-DE-004512")).verdict, Verdict::Confirm);
    assert_eq!(world.decide(&from_stranger(48_000, "4512")).verdict, Verdict::Suggest, "a few digits could be anything");
    world.invoice("INV-DE-009999", 48_000);
    let decision = world.decide(&from_stranger(48_000, "INV-DE-004512"));
    assert_eq!(decision.verdict, Verdict::Suggest, "a stranger, and the amount is a common one");
}

#[test]
fn a_payer_of_the_group_is_no_stranger_and_another_customer_is() {
    let mut world = World::new().invoices(&[("INV-DE-004512", 48_000)]);
    world.items[0].customer = world.customers[1].id;
    assert_eq!(world.decide(&transfer(48_000, "INV-DE-004512")).verdict, Verdict::Confirm);
    world.items[0].customer = world.customers[2].id;
    let decision = world.decide(&transfer(48_000, "INV-DE-004512"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004512", 48_000)]));
    assert!(rules_of(&decision).contains(&RuleCode::AnotherPayer));
}

#[test]
fn items_of_another_entity_need_a_transfer() {
    let mut world = World::new().invoices(&[("INV-UK-004512", 48_000), ("INV-DE-000001", 5_000)]);
    world.items[0].entity = THERE;
    for text in ["INV-UK-004512", "payment"] {
        let decision = world.decide(&transfer(48_000, text));
        assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-UK-004512", 48_000)]), "{text}");
        assert_eq!(decision.best().unwrap().transfer_to, Some(THERE));
    }
}

#[test]
fn another_currency_is_suggested_and_never_confirmed() {
    let world = World::new().invoices(&TWO);
    let dollars = Amount::new(48_000, domain::money::Currency::USD);
    let decision = world.decide(&Receipt { amount: dollars, ..transfer(1, "INV-DE-004512") });
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-004512", 48_000)]));
    let best = decision.best().unwrap();
    assert_eq!((best.residual_reason, best.allocations[0].amount), (ResidualReason::CurrencyDiffers, eur(48_000)));
}

#[test]
fn money_that_went_out_pays_nothing() {
    let mut world = World::new().invoices(&TWO);
    world.items[0].kind = ItemKind::CreditMemo;
    assert_eq!(world.decide(&transfer(-48_000, "INV-DE-004512")).verdict, Verdict::Nothing);
}

#[test]
fn a_statement_is_found_by_its_sum_alone() {
    let world = World::new().invoices(&[("INV-DE-000001", 10_007), ("INV-DE-000002", 20_011)]);
    let decision = world.decide(&from_stranger(30_018, "payment"));
    assert_eq!(world.best(&decision), (Verdict::Suggest, vec![("INV-DE-000001", 10_007), ("INV-DE-000002", 20_011)]));
}

#[test]
fn nothing_known_is_nothing_suggested() {
    let world = World::new().invoices(&TWO);
    let decision = world.decide(&from_stranger(77_777, "Spende"));
    assert_eq!((decision.verdict, decision.proposals.len()), (Verdict::Nothing, 0));
    assert_eq!(decision.reasons(), ["Nothing that is open fits this receipt."]);
}

#[test]
fn an_item_issued_after_the_receipt_is_not_confirmed() {
    let mut world = World::new().invoices(&TWO);
    world.items[0].issued_on = day("2026-04-11");
    assert_eq!(world.decide(&transfer(48_000, "INV-DE-004512")).verdict, Verdict::Suggest);
}

#[test]
fn an_alias_is_known_from_then_on() {
    let world = World::new().invoices(&TWO);
    let mut book = world.book();
    let receipt = from_stranger(48_000, "4512");
    assert_eq!(matching::decide(&book, &world.rules, &receipt).verdict, Verdict::Suggest);
    assert!(book.learn(world.customers[0].id, &Alias::Account("GB00 NWBK 0000 0000 0000 00".to_owned())));
    assert_eq!(matching::decide(&book, &world.rules, &receipt).verdict, Verdict::Confirm);
}

#[test]
fn a_decision_survives_json_with_amounts_as_text() {
    let world = World::new().invoices(&TWO);
    let decision = world.decide(&transfer(48_000, "INV-DE-004512"));
    let json = serde_json::to_string(&decision).unwrap();
    assert!(json.contains(r#""amount":"480.00""#), "{json}");
    assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), decision);
    let receipt = transfer(48_000, "x");
    assert_eq!(serde_json::from_str::<Receipt>(&serde_json::to_string(&receipt).unwrap()).unwrap(), receipt);
}

#[test]
fn a_book_refuses_what_it_cannot_hold() {
    let mut world = World::new().invoices(&TWO);
    world.items[0].open = eur(48_001);
    let error = matching::Book::build(&world.customers, &world.items).unwrap_err();
    assert_eq!(error.to_string(), "item INV-DE-004512: open 480.01 EUR is not between 0 and its total 480.00 EUR, in one currency");
    world.items[0].open = eur(1);
    world.items[0].customer = CustomerId(HERE.0);
    assert!(matching::Book::build(&world.customers, &world.items).is_err());
}
