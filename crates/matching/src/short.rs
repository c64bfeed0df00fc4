//! Payments that fall short: which reason the missing amount speaks for, and what stays open where none does.

use crate::{
    book::Place,
    decision::{ResidualReason, ShortReason},
    propose::{Candidate, Case},
    rules::share,
};

/// What is missing, with every reason that it can have; and as a part of the item due last.
pub(crate) fn short(case: &Case<'_>, places: &[Place], entity: u8, found: &mut Vec<Candidate>) {
    let whole = case.full(places, entity);
    let missing = -whole.residual;
    let reasons = reasons(case, places, missing);
    found.extend(reasons.first().map(|reason| Candidate { reason: ResidualReason::ShortPay(*reason), ..whole.clone() }));
    found.extend(in_part(case, &whole, missing));
    let may_be_disputed = reasons.is_empty() && missing * 2 < case.owed(places);
    found.extend(may_be_disputed.then_some(Candidate { reason: ResidualReason::ShortPay(ShortReason::Dispute), ..whole }));
}

/// The item due last stays open with what is missing; where that is more than the item, the next to last too.
pub(crate) fn in_part(case: &Case<'_>, whole: &Candidate, missing: i64) -> Option<Candidate> {
    let mut parts = whole.parts.clone();
    parts.sort_by_key(|(place, _)| (case.book.item(*place).due_on, case.book.number(*place)));
    let mut left = missing;
    for (place, part) in parts.iter_mut().rev().filter(|(_, part)| *part > 0) {
        let taken = left.min(case.book.item(*place).open);
        *part -= taken;
        left -= taken;
    }
    parts.retain(|(_, part)| *part != 0);
    parts.sort_unstable();
    let reason = ResidualReason::PartialPayment;
    (left == 0 && !parts.is_empty()).then_some(Candidate { parts, residual: 0, reason, entity: whole.entity })
}

/// Reasons that the amount itself speaks for, the most telling first.
pub(crate) fn reasons(case: &Case<'_>, places: &[Place], missing: i64) -> Vec<ShortReason> {
    let settled = case.owed(places);
    let mut reasons = Vec::new();
    if missing <= case.parameters.tolerated(case.currency(), settled) {
        reasons.push(ShortReason::SmallBalance);
    }
    if withheld_at(case, places, missing).is_some() {
        reasons.push(ShortReason::WithholdingTax);
    }
    if is_discount(case, places, missing) {
        reasons.push(ShortReason::CashDiscount);
    }
    if places.iter().any(|place| case.book.item(*place).disputed && case.book.item(*place).open > missing) {
        reasons.push(ShortReason::Dispute);
    }
    let (low, high) = case.parameters.fee(case.currency());
    if (low..=high).contains(&missing) {
        reasons.push(ShortReason::BankFee);
    }
    reasons
}

/// The rate of the customer's country that what is missing comes to; rounding may be off by one of each item.
pub(crate) fn withheld_at(case: &Case<'_>, places: &[Place], missing: i64) -> Option<i64> {
    let debtor = case.book.item(*places.first()?).debtor;
    let rates = case.parameters.withholding_per_million.get(&case.book.customers[debtor as usize].country)?;
    rates.iter().copied().find(|rate| is_share(case, places, missing, *rate))
}

fn is_discount(case: &Case<'_>, places: &[Place], missing: i64) -> bool {
    case.parameters.discounts.iter().any(|discount| {
        let in_time = |place: &Place| (case.receipt.received_on - case.book.item(*place).issued_on).num_days() <= discount.days;
        is_share(case, places, missing, discount.per_million) && places.iter().all(in_time)
    })
}

fn is_share(case: &Case<'_>, places: &[Place], missing: i64, per_million: i64) -> bool {
    let each: i64 = places.iter().map(|place| share(case.book.item(*place).owed(), per_million)).sum();
    each.abs_diff(missing) <= places.len() as u64
}
