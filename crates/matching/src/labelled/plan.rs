//! Who pays which invoices together, and when: the truth before anybody writes it down.

use super::{
    company::{Entity, Founding, Payer, SEATS, per_thousand_usd},
    dice::Dice,
};
use crate::{
    amount::Amount,
    model::{ItemId, ItemKind, OpenItem, Rail},
};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Billing begins on this day and goes on for so many months; receipts are read until the last day.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
const MONTHS: u32 = 5;
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 15).unwrap();
/// Median of an invoice in US cents.
const MEDIAN_CENTS: i64 = 48_000;
/// How much larger the invoices of direct debits and of top customers are, in tenths, so that value falls to the rails 25 : 15 : 60.
const DIRECT_DEBIT_TENTHS: i64 = 28;
const TOP_TENTHS: i64 = 25;
/// Invoices of one remittance: median 3, top customers eight times that, never more than 180.
const REMITTANCE_MEDIAN: i64 = 3;
const TOP_REMITTANCE: i64 = 8;
const REMITTANCE_MAX: i64 = 180;
/// An invoice that its customer holds back goes with the next remittance.
const HELD_BACK: u64 = 50;
/// Credit memos per mille of invoices; half of them are partial and deducted, the other half took their invoice away before.
const PARTIAL_CREDITS: u64 = 35 / 2;

/// One payment as it should be: these items, on that day.
pub(super) struct Payment {
    pub(super) payer: usize,
    pub(super) rail: Rail,
    /// Places in [`Plan::items`].
    pub(super) items: Vec<usize>,
    pub(super) date: NaiveDate,
}

pub(super) struct Plan {
    pub(super) payers: Vec<Payer>,
    pub(super) items: Vec<OpenItem>,
    pub(super) payments: Vec<Payment>,
}

/// As many payments of each rail as asked for, by date. What was left over is open for ever.
pub(super) fn plan(seed: u64, entities: &[Entity], counts: [(Rail, usize); 3]) -> Plan {
    let mut plan = Plan { payers: Vec::new(), items: Vec::new(), payments: Vec::new() };
    for (part, (rail, count)) in (2u64..).step_by(2).zip(counts) {
        let mut founding = Founding::new(seed, part);
        let mut dice = Dice::new(seed, part + 1);
        let mut payments = Vec::new();
        while payments.len() < count {
            let payer = founding.next(100_000 * u32::try_from(part).unwrap_or(0), entities, rail == Rail::Transfer);
            plan.payers.push(payer);
            let runs = match rail {
                Rail::Transfer => remittances(&mut plan, &mut dice, entities),
                Rail::Card | Rail::DirectDebit => charges(&mut plan, &mut dice, entities, rail),
            };
            payments.extend(runs.into_iter().filter(|payment| payment.date <= LAST_DAY));
        }
        payments.sort_by_key(|payment| (payment.date, payment.payer));
        payments.truncate(count);
        plan.payments.extend(payments);
    }
    number(&mut plan.items, &plan.payers);
    plan
}

/// One invoice a month, charged by itself.
fn charges(plan: &mut Plan, dice: &mut Dice, entities: &[Entity], rail: Rail) -> Vec<Payment> {
    let payer = plan.payers.len() - 1;
    (0..MONTHS)
        .map(|month| {
            let item = invoice(plan, dice, entities, month, if rail == Rail::DirectDebit { DIRECT_DEBIT_TENTHS } else { 10 });
            let issued = plan.items[item].issued_on;
            let date = match rail {
                Rail::DirectDebit => plan.items[item].due_on + Days::new(2),
                Rail::Card | Rail::Transfer => issued + Days::new(u64::from(dice.per_mille(28)) * 3),
            };
            Payment { payer, rail, items: vec![item], date }
        })
        .collect()
}

/// One remittance a month over what was billed in it, less what is held back until the next one.
fn remittances(plan: &mut Plan, dice: &mut Dice, entities: &[Entity]) -> Vec<Payment> {
    let payer = plan.payers.len() - 1;
    let is_top = plan.payers[payer].is_top;
    let median = REMITTANCE_MEDIAN * if is_top { TOP_REMITTANCE } else { 1 };
    let mut held_back = Vec::new();
    let mut payments = Vec::new();
    for month in 0..MONTHS {
        // thousandths keep the median of a small whole number in the middle
        let count = ((dice.lognormal(median * 1000) + 500) / 1000).clamp(1, REMITTANCE_MAX);
        let mut items = std::mem::take(&mut held_back);
        for _ in 0..count {
            let item = invoice(plan, dice, entities, month, if is_top { TOP_TENTHS } else { 10 });
            if dice.per_mille(HELD_BACK) && count > 1 {
                held_back.push(item);
            } else {
                items.push(item);
                items.extend(dice.per_mille(PARTIAL_CREDITS).then(|| partial_credit(plan, dice, item)));
            }
        }
        items.truncate(usize::try_from(REMITTANCE_MAX).unwrap_or(usize::MAX));
        if let Some(date) = remittance_day(plan, dice, &items) {
            payments.push(Payment { payer, rail: Rail::Transfer, items, date });
        }
    }
    payments
}

/// At the median six days after due, 15 % later than 30, 2 % later than 90; in Japan at the end of the month after the invoice.
fn remittance_day(plan: &Plan, dice: &mut Dice, items: &[usize]) -> Option<NaiveDate> {
    let last = items.iter().map(|item| &plan.items[*item]).max_by_key(|item| (item.due_on, item.issued_on))?;
    let payer = plan.payers.iter().rev().find(|payer| payer.customer.id == last.customer)?;
    if SEATS[payer.entity].country == "JP" {
        let first_of_month = last.issued_on.with_day(1)?;
        return first_of_month.checked_add_months(Months::new(2))?.pred_opt();
    }
    let delay = match dice.share(&[500, 350, 130]) {
        Some(0) => dice.between(-4, 6),
        Some(1) => dice.between(7, 30),
        Some(_) => dice.between(31, 90),
        None => dice.between(91, 150),
    };
    let day = last.due_on + chrono::Duration::days(delay);
    Some(day.max(last.issued_on + Days::new(1)))
}

/// 65 % in the last two days of the month and on the first, 20 % in its middle.
fn issue_day(dice: &mut Dice, month: u32) -> NaiveDate {
    let first = FIRST_DAY + Months::new(month);
    let last = first + Months::new(1) - Days::new(1);
    match dice.share(&[650, 200]) {
        Some(0) => last - Days::new(1) + Days::new(u64::try_from(dice.between(0, 2)).unwrap_or(0)),
        Some(_) => first + Days::new(14) + Days::new(u64::try_from(dice.between(0, 1)).unwrap_or(0)),
        None => first + Days::new(u64::try_from(dice.between(1, 26)).unwrap_or(0)),
    }
}

fn invoice(plan: &mut Plan, dice: &mut Dice, entities: &[Entity], month: u32, tenths: i64) -> usize {
    let payer = &plan.payers[plan.payers.len() - 1];
    let cents = payer.flat_cents.unwrap_or_else(|| dice.lognormal(MEDIAN_CENTS)) * tenths / 10;
    let minor = cents * per_thousand_usd(payer.currency) * 10i64.pow(payer.currency.minor_units()) / 100_000;
    let total = Amount::new(minor.max(300), payer.currency);
    let issued_on = issue_day(dice, month);
    plan.items.push(OpenItem {
        id: ItemId(dice.uuid()),
        entity: entities[payer.entity].id,
        customer: payer.customer.id,
        number: String::new(),
        kind: ItemKind::Invoice,
        open: total,
        total,
        issued_on,
        due_on: issued_on + Days::new(payer.due_days),
        disputed: false,
    });
    plan.items.len() - 1
}

fn partial_credit(plan: &mut Plan, dice: &mut Dice, invoice: usize) -> usize {
    let credited = plan.items[invoice].clone();
    let total = credited.total.with((credited.total.minor * dice.between(100, 700) / 1000).max(1));
    plan.items.push(OpenItem {
        id: ItemId(dice.uuid()),
        kind: ItemKind::CreditMemo,
        open: total,
        total,
        issued_on: credited.issued_on + Days::new(1),
        ..credited
    });
    plan.items.len() - 1
}

/// Numbers per entity and kind in the order of issue; a batch bills customer by customer.
fn number(items: &mut [OpenItem], payers: &[Payer]) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|place| (items[*place].issued_on, items[*place].customer, *place));
    let entity_of: std::collections::HashMap<_, _> = payers.iter().map(|payer| (payer.customer.id, payer.entity)).collect();
    let mut last = [[0u32; 2]; SEATS.len()];
    for place in order {
        let item = &mut items[place];
        let entity = entity_of[&item.customer];
        let is_credit = item.kind == ItemKind::CreditMemo;
        let ordinal = &mut last[entity][usize::from(is_credit)];
        *ordinal += 1;
        item.number = format!("{}-{}-{ordinal:06}", if is_credit { "CM" } else { "INV" }, SEATS[entity].code);
    }
}
