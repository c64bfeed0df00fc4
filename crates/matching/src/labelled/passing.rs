//! From a payment as it should be to a receipt as the bank passes it on.

use super::{
    Labelled, Trouble, Truth,
    company::{Entity, Payer, account},
    dice::Dice,
    plan::{Payment, Plan},
    trouble, words,
};
use crate::{
    amount::Amount,
    model::{Allocation, ItemKind, OpenItem, Rail, Receipt, ReceiptId, Reference, ReferenceKind},
};
use chrono::Days;

/// Accounts of agents who pay for others; each pays for many.
const AGENTS: [&str; 6] =
    ["PayBridge Services Ltd", "Crossborder Payments AG", "Factoring Nord GmbH", "Tipalti", "Shared Services Centre", "Kontor Treuhand"];
/// Third parties that are the payer's own parent, where it has one.
const BY_PARENT: u64 = 500;
/// Disputes that were raised with us before the payment fell short.
const DISPUTE_KNOWN: u64 = 500;

/// What is written about a payment, and what it truly is.
struct Line {
    receipt: Receipt,
    truth: Truth,
}

struct Passing<'a> {
    dice: Dice,
    entities: &'a [Entity],
    payers: &'a [Payer],
    items: &'a mut Vec<OpenItem>,
    agents: Vec<(String, String)>,
}

pub(super) fn pass_on(seed: u64, entities: &[Entity], plan: Plan, lines: usize) -> Labelled {
    let Plan { payers, mut items, payments } = plan;
    let mut dice = Dice::new(seed, 100);
    let agents = AGENTS.iter().map(|name| ((*name).to_owned(), account(&mut dice, "DE"))).collect();
    let mut passing = Passing { dice, entities, payers: &payers, items: &mut items, agents };
    let mut passed: Vec<Line> = payments.iter().flat_map(|payment| passing.lines(payment)).collect();
    passed.sort_by_key(|line| (line.receipt.received_on, line.receipt.id));
    // a doubled payment is a line of its own, so that the last ones find no room; they stay unpaid
    passed.truncate(lines);
    let (receipts, truth) = passed.into_iter().map(|line| (line.receipt, line.truth)).unzip();
    let entities = entities.iter().map(|entity| entity.id).collect();
    Labelled { entities, customers: payers.into_iter().map(|payer| payer.customer).collect(), items, receipts, truth }
}

impl Passing<'_> {
    fn lines(&mut self, payment: &Payment) -> Vec<Line> {
        if payment.rail != Rail::Transfer {
            return vec![self.charge(payment)];
        }
        let troubles = trouble::of_transfer(&mut self.dice, &self.payers[payment.payer]);
        let first = self.transfer(payment, troubles);
        if !first.truth.troubles.contains(&Trouble::Doubled) {
            return vec![first];
        }
        let second = self.again(&first);
        vec![Line { truth: Truth { troubles: without(&first.truth.troubles, Trouble::Doubled), ..first.truth }, ..first }, second]
    }

    /// The gateway names the invoice and the customer.
    fn charge(&mut self, payment: &Payment) -> Line {
        let payer = &self.payers[payment.payer];
        let item = &self.items[payment.items[0]];
        let id = ReceiptId(self.dice.uuid());
        let receipt = Receipt {
            id,
            entity: item.entity,
            amount: item.open,
            received_on: payment.date,
            payer_name: payer.customer.name.clone(),
            payer_account: None,
            references: vec![Reference { kind: ReferenceKind::Gateway, value: item.number.clone() }],
            remittance_text: String::new(),
            advice: Vec::new(),
            customer: Some(payer.customer.id),
            rail: payment.rail,
        };
        let allocations = vec![Allocation { item: item.id, amount: item.open }];
        let truth = Truth { receipt: id, customer: payer.customer.id, allocations, residual: item.open.with(0), troubles: Vec::new() };
        Line { receipt, truth }
    }

    fn transfer(&mut self, payment: &Payment, mut troubles: Vec<Trouble>) -> Line {
        let payer = &self.payers[payment.payer];
        let mut allocations: Vec<Allocation> = payment.items.iter().map(|place| full(&self.items[*place])).collect();
        let paid = self.paid(payment, &mut allocations, &mut troubles);
        let settled: i64 = allocations.iter().map(|allocation| allocation.amount.minor).sum();
        let (name, account) = self.party(payer, &troubles);
        let wording = words::write(&mut self.dice, payer, payment, self.items, &troubles);
        let id = ReceiptId(self.dice.uuid());
        let amount = Amount::new(paid, payer.currency);
        let receipt = Receipt {
            id,
            entity: self.entity(payer, &troubles),
            amount,
            received_on: payment.date,
            payer_name: name,
            payer_account: Some(account),
            references: wording.references,
            remittance_text: wording.text,
            advice: wording.advice,
            customer: None,
            rail: Rail::Transfer,
        };
        let truth = Truth { receipt: id, customer: payer.customer.id, allocations, residual: amount.with(paid - settled), troubles };
        Line { receipt, truth }
    }

    /// What arrives in the end. A trouble that the payment is too small for does not happen.
    fn paid(&mut self, payment: &Payment, allocations: &mut [Allocation], troubles: &mut Vec<Trouble>) -> i64 {
        let dice = &mut self.dice;
        let payer = &self.payers[payment.payer];
        let whole: i64 = allocations.iter().map(|allocation| allocation.amount.minor).sum();
        let Some(trouble) = troubles.iter().copied().find(|trouble| *trouble >= Trouble::Overpaid) else { return whole };
        let short = match trouble {
            Trouble::ShortByFee => trouble::fee(dice, payer.currency.code()),
            Trouble::ShortByWithholding => {
                let rate = trouble::withholding(dice, &payer.customer.country);
                allocations.iter().map(|allocation| (allocation.amount.minor * rate + 500_000) / 1_000_000).sum()
            }
            Trouble::ShortByDispute => self.disputed(payment),
            Trouble::ShortByError => return self.mistaken(payment, allocations),
            _ => -whole * dice.between(5, 250) / 1000,
        };
        if short * 2 >= whole || short == 0 {
            troubles.retain(|present| *present != trouble);
            return whole;
        }
        whole - short
    }

    /// The payer keeps back a part of one of the invoices.
    fn disputed(&mut self, payment: &Payment) -> i64 {
        let invoices: Vec<usize> = payment.items.iter().copied().filter(|place| self.items[*place].kind == ItemKind::Invoice).collect();
        let item = &mut self.items[*self.dice.pick(&invoices)];
        item.disputed = self.dice.per_mille(DISPUTE_KNOWN);
        item.open.minor * self.dice.between(50, 450) / 1000
    }

    /// Somebody typed an amount that was not meant: the item due last gets what is left for it.
    fn mistaken(&mut self, payment: &Payment, allocations: &mut [Allocation]) -> i64 {
        let last = payment
            .items
            .iter()
            .enumerate()
            .filter(|(_, place)| self.items[**place].kind == ItemKind::Invoice)
            .max_by_key(|(_, place)| (self.items[**place].due_on, &self.items[**place].number))
            .map_or(0, |(at, _)| at);
        let amount = &mut allocations[last].amount;
        amount.minor -= (amount.minor * self.dice.between(10, 500) / 1000).max(1);
        allocations.iter().map(|allocation| allocation.amount.minor).sum()
    }

    /// Who stands on the bank line, and with which account.
    fn party(&mut self, payer: &Payer, troubles: &[Trouble]) -> (String, String) {
        if !troubles.contains(&Trouble::ThirdParty) {
            return (words::bank_name(&mut self.dice, &payer.customer.name), payer.account.clone());
        }
        let parent = payer.customer.parent.and_then(|parent| self.payers.iter().find(|other| other.customer.id == parent));
        match parent {
            Some(parent) if self.dice.per_mille(BY_PARENT) => {
                (words::bank_name(&mut self.dice, &parent.customer.name), parent.account.clone())
            }
            _ => self.dice.pick(&self.agents).clone(),
        }
    }

    fn entity(&mut self, payer: &Payer, troubles: &[Trouble]) -> domain::id::EntityId {
        let other = if troubles.contains(&Trouble::WrongEntity) { 1 + self.dice.index(self.entities.len() - 1) } else { 0 };
        self.entities[(payer.entity + other) % self.entities.len()].id
    }

    /// The same order a second time, days later; nothing is open for it any more.
    fn again(&mut self, first: &Line) -> Line {
        let id = ReceiptId(self.dice.uuid());
        let days = u64::try_from(self.dice.between(1, 10)).unwrap_or(1);
        let receipt = Receipt { id, received_on: first.receipt.received_on + Days::new(days), ..first.receipt.clone() };
        let truth = Truth { receipt: id, allocations: Vec::new(), residual: receipt.amount, ..first.truth.clone() };
        Line { receipt, truth }
    }
}

/// All of an item; a credit memo is deducted.
fn full(item: &OpenItem) -> Allocation {
    let amount = if item.kind == ItemKind::CreditMemo { item.open.with(-item.open.minor) } else { item.open };
    Allocation { item: item.id, amount }
}

fn without(troubles: &[Trouble], trouble: Trouble) -> Vec<Trouble> {
    troubles.iter().copied().filter(|present| *present != trouble).collect()
}
