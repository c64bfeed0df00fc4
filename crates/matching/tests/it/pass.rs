use crate::world::{World, day, eur, from_stranger, transfer};
use matching::{
    decide_all,
    decision::{Decision, Verdict},
    model::{Receipt, ReceiptId},
    rules::RuleCode,
};
use uuid::Uuid;

fn dated(id: u128, date: &str, receipt: Receipt) -> Receipt {
    Receipt { id: ReceiptId(Uuid::from_u128(id)), received_on: day(date), ..receipt }
}

fn verdicts(decisions: &[Decision]) -> Vec<Verdict> {
    decisions.iter().map(|decision| decision.verdict).collect()
}

#[test]
fn of_two_payments_of_one_payer_the_earlier_one_pays() {
    let world = World::new().invoices(&[("INV-DE-004512", 48_000)]);
    let late = dated(1, "2026-04-14", transfer(48_000, "INV-DE-004512"));
    let early = dated(2, "2026-04-10", transfer(48_000, "INV-DE-004512"));
    let mut book = world.book();
    let decisions = decide_all(&mut book, &world.rules, &[late, early]);
    assert_eq!(verdicts(&decisions), [Verdict::Suggest, Verdict::Confirm]);
    assert!(decisions[0].best().unwrap().evidence.iter().any(|evidence| evidence.rule == RuleCode::AlreadyPaid));
    assert_eq!(book.open(world.items[0].id), Some(0));
}

#[test]
fn what_two_payers_claim_is_confirmed_for_neither() {
    let world = World::new().invoices(&[("INV-DE-004512", 48_000)]);
    let one = dated(1, "2026-04-10", transfer(48_000, "INV-DE-004512"));
    let other = dated(2, "2026-04-11", from_stranger(48_000, "INV-DE-004512"));
    let mut book = world.book();
    // the account of the customer is surer by more than the margin; without the margin it is not
    let decisions = decide_all(&mut book, &world.rules, &[one.clone(), other.clone()]);
    assert_eq!(verdicts(&decisions), [Verdict::Confirm, Verdict::Suggest]);
    let mut rules = world.rules.clone();
    rules.parameters.minimum_margin = 100;
    let mut book = world.book();
    let decisions = decide_all(&mut book, &rules, &[one, other]);
    assert_eq!(verdicts(&decisions), [Verdict::Suggest, Verdict::Suggest]);
    assert!(decisions[0].best().unwrap().against.iter().any(|evidence| evidence.rule == RuleCode::ClaimedTwice));
    assert_eq!(book.open(world.items[0].id), Some(48_000));
}

#[test]
fn the_second_of_two_payments_is_not_confirmed_while_the_first_is_undecided() {
    let mut world = World::new().invoices(&[("INV-DE-004512", 48_000), ("INV-DE-009999", 48_000)]);
    world.items[1].customer = world.customers[2].id;
    // of a stranger, and the amount is common until the other item is paid
    let first = dated(1, "2026-04-10", from_stranger(48_000, "INV-DE-004512"));
    let other = Receipt { customer: Some(world.customers[2].id), ..transfer(48_000, "INV-DE-009999") };
    let between = dated(2, "2026-04-11", other);
    let second = dated(3, "2026-04-12", from_stranger(48_000, "INV-DE-004512"));
    let decisions = decide_all(&mut world.book(), &world.rules, &[first, between, second]);
    assert_eq!(verdicts(&decisions), [Verdict::Suggest, Verdict::Confirm, Verdict::Suggest]);
}

#[test]
fn several_receipts_pay_one_invoice_in_parts() {
    let world = World::new().invoices(&[("INV-DE-004512", 48_000)]);
    let part = world.decide(&transfer(20_000, "INV-DE-004512"));
    let mut book = world.book();
    assert!(book.apply(part.best().unwrap()));
    assert_eq!(book.open(world.items[0].id), Some(28_000));
    let rest = matching::decide(&book, &world.rules, &transfer(28_000, "INV-DE-004512"));
    assert_eq!(world.best(&rest), (Verdict::Confirm, vec![("INV-DE-004512", 28_000)]));
    assert!(!book.apply(world.decide(&transfer(48_000, "INV-DE-004512")).best().unwrap()), "more than is open is refused");
    assert_eq!(book.open(world.items[0].id), Some(28_000), "and takes nothing");
    assert_eq!(rest.best().unwrap().residual, eur(0));
}
