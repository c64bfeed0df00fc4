//! The calls that bring each item from before our document to after it, or why there are none. Pure.

use super::{
    Asked,
    standing::{At, Line, Pair, Standing},
};
use crate::odoo::refusal;
use domain::{
    money::{Currency, Money},
    posting::Refusal,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Odoo's own: these lines settle each other, as much as both sides have open.
    Reconcile(Vec<i64>),
    /// A part that leaves both sides open, which Odoo's own reconciliation can't choose.
    Portion(Portion),
    /// Partial reconciles that go.
    Unlink(Vec<i64>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Portion {
    pub credit_line: i64,
    pub debit_line: i64,
    amount: Decimal,
    /// In the company's currency.
    booked: Decimal,
}

impl Portion {
    /// An `account.partial.reconcile`.
    pub(super) fn values(&self) -> Value {
        let amount = self.amount.to_string();
        json!({
            "debit_move_id": self.debit_line,
            "credit_move_id": self.credit_line,
            "amount": self.booked.to_string(),
            "debit_amount_currency": amount,
            "credit_amount_currency": amount,
        })
    }
}

/// None where everything is as it should be already.
pub(super) fn steps(asked: &Asked, standing: &Standing) -> Result<Vec<Step>, Refusal> {
    let credit = &asked.settlement.credit.number;
    if let Some(pair) = standing.pairs.iter().find(|pair| pair.at() == At::Elsewhere) {
        let (settled, before) = (pair.settled().normalize(), pair.before.normalize());
        let message = format!("Odoo settles {settled} of {} with {credit}, and {before} was expected.", pair.number);
        return Err(refused("settled_elsewhere", message));
    }
    let waiting = standing.pairs.iter().filter(|pair| pair.at() == At::Before);
    if asked.takes_back {
        let partials = waiting.map(taken_back).collect::<Result<Vec<_>, _>>()?.concat();
        return Ok(if partials.is_empty() { Vec::new() } else { vec![Step::Unlink(partials)] });
    }
    check(standing.credits.iter(), asked.currency, credit)?;
    let mut credits = standing.credits.clone();
    let mut steps = Vec::new();
    for pair in waiting {
        check(pair.lines.iter(), asked.currency, &pair.number)?;
        steps.extend(settle(pair, &mut credits, credit)?);
    }
    Ok(steps)
}

fn check<'a>(lines: impl Iterator<Item = &'a Line>, currency: Currency, number: &str) -> Result<(), Refusal> {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return Err(refused("item_missing", format!("Odoo has no posted receivable of {number}.")));
    }
    match lines.find(|line| line.currency != currency) {
        Some(line) => {
            Err(refused("other_currency", format!("{number} is in {} in Odoo, and the application in {currency}.", line.currency)))
        }
        None => Ok(()),
    }
}

/// One item's calls; `credits` keeps what they leave open.
fn settle(pair: &Pair, credits: &mut [Line], credit: &str) -> Result<Vec<Step>, Refusal> {
    let open = |lines: &[Line]| lines.iter().map(|line| line.open).sum::<Decimal>();
    let (left, owed) = (open(credits), open(&pair.lines));
    for (number, has) in [(credit, left), (pair.number.as_str(), owed)] {
        if has < pair.amount {
            let message = format!("{number} has {} open in Odoo, less than the {} applied.", has.normalize(), pair.amount.normalize());
            return Err(refused("over_applied", message));
        }
    }
    let whole = pair.amount == left.min(owed);
    let open_ids = |lines: &[Line]| lines.iter().filter(|line| !line.open.is_zero()).map(|line| line.id).collect::<Vec<_>>();
    let together = [open_ids(&pair.lines), open_ids(credits)].concat();
    let mut debits = pair.lines.clone();
    let mut rest = pair.amount;
    let mut portions = Vec::new();
    for debit in &mut debits {
        for credit in credits.iter_mut() {
            let amount = rest.min(debit.open).min(credit.open);
            if amount.is_zero() {
                continue;
            }
            let booked = booked_alike(debit, credit, amount);
            (rest, debit.open, credit.open) = (rest - amount, debit.open - amount, credit.open - amount);
            portions.push(booked.map(|booked| Portion { credit_line: credit.id, debit_line: debit.id, amount, booked }));
        }
    }
    if whole {
        return Ok(vec![Step::Reconcile(together)]);
    }
    let portions: Option<Vec<Portion>> = portions.into_iter().collect();
    let steps = portions.map(|portions| portions.into_iter().map(Step::Portion).collect());
    steps.ok_or_else(|| only_whole(&pair.number, credit, "an exchange difference would stay unbooked"))
}

/// What a part of both lines is in the company's currency, where it is the same of both.
fn booked_alike(debit: &Line, credit: &Line, amount: Decimal) -> Option<Decimal> {
    let share = |line: &Line| {
        let share = line.booked.checked_mul(amount)?.checked_div(line.amount)?;
        Some(Money::round(share, line.company_currency).ok()?.amount())
    };
    share(debit).filter(|booked| share(credit) == Some(*booked))
}

/// The partial reconciles of one earlier application: the one of its amount, or all where nothing stays settled.
fn taken_back(pair: &Pair) -> Result<Vec<i64>, Refusal> {
    if pair.after.is_zero() {
        return Ok(pair.partials.iter().map(|partial| partial.id).collect());
    }
    let of_amount = pair.partials.iter().rev().find(|partial| partial.amount == pair.amount);
    of_amount.map(|partial| vec![partial.id]).ok_or_else(|| {
        let message = format!("Odoo settles {} in other parts than the {} taken back.", pair.number, pair.amount.normalize());
        refused("other_parts", message)
    })
}

/// Odoo settles as much as both sides have open.
pub(super) fn only_whole(number: &str, credit: &str, because: &str) -> Refusal {
    refused("only_whole", format!("Odoo settles as much as both sides have open: of a part of {number} with {credit} {because}."))
}

fn refused(code: &str, message: String) -> Refusal {
    refusal(code, message, "applies_to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::odoo::settle::standing::Partial;

    fn line(id: i64, open: i64) -> Line {
        let (currency, amount) = (Currency::USD, Decimal::from(100));
        Line { id, entry: id, payment: None, debits: true, currency, company_currency: currency, amount, booked: amount, open: open.into() }
    }

    /// Applies an amount on top of what is settled.
    fn pair(amount: i64, partials: &[i64], lines: Vec<Line>) -> Pair {
        let partials: Vec<Partial> = (0..).zip(partials).map(|(id, amount)| Partial { id, amount: (*amount).into() }).collect();
        let before: Decimal = partials.iter().map(|partial| partial.amount).sum();
        Pair { number: "INV-1".into(), amount: amount.into(), before, after: before + Decimal::from(amount), lines, partials }
    }

    fn ids(steps: &[Step]) -> Vec<String> {
        let named = |step: &Step| match step {
            Step::Reconcile(lines) => format!("reconcile {lines:?}"),
            Step::Portion(p) => format!("{} of {} to {}", p.amount.normalize(), p.credit_line, p.debit_line),
            Step::Unlink(partials) => format!("unlink {partials:?}"),
        };
        steps.iter().map(named).collect()
    }

    #[test]
    fn odoo_settles_by_itself_only_where_a_side_closes() {
        let planned = |amount: i64, owed: Vec<i64>, given: i64| {
            let lines = owed.iter().zip(1..).map(|(open, id)| line(id, *open)).collect();
            ids(&settle(&pair(amount, &[], lines), &mut [line(9, given)], "PAY-1").unwrap())
        };
        assert_eq!(planned(100, vec![100], 150), ["reconcile [1, 9]"]);
        assert_eq!(planned(60, vec![100], 60), ["reconcile [1, 9]"]);
        assert_eq!(planned(60, vec![100], 61), ["60 of 9 to 1"]);
        assert_eq!(planned(100, vec![30, 0, 70], 100), ["reconcile [1, 3, 9]"]);
        assert_eq!(planned(50, vec![30, 70], 100), ["30 of 9 to 1", "20 of 9 to 2"]);
    }

    #[test]
    fn what_the_first_item_takes_is_not_there_for_the_second() {
        let mut credits = [line(9, 100)];
        settle(&pair(60, &[], vec![line(1, 100)]), &mut credits, "PAY-1").unwrap();
        let refusal = settle(&pair(41, &[], vec![line(2, 100)]), &mut credits, "PAY-1").unwrap_err();
        assert_eq!(refusal.message, "PAY-1 has 40 open in Odoo, less than the 41 applied.");
        assert_eq!(ids(&settle(&pair(40, &[], vec![line(2, 100)]), &mut credits, "PAY-1").unwrap()), ["reconcile [2, 9]"]);
    }

    #[test]
    fn a_part_at_two_rates_is_refused_and_a_whole_side_is_not() {
        let euro = |id, booked: i64| Line { booked: booked.into(), currency: Currency::EUR, ..line(id, 100) };
        let settled = |amount| settle(&pair(amount, &[], vec![euro(1, 125)]), &mut [euro(9, 111)], "PAY-1");
        assert_eq!(settled(30).unwrap_err().code, "only_whole");
        assert_eq!(ids(&settled(100).unwrap()), ["reconcile [1, 9]"]);
        let one_rate = settle(&pair(30, &[], vec![euro(1, 125)]), &mut [euro(9, 125)], "PAY-1").unwrap();
        let Step::Portion(portion) = &one_rate[0] else { panic!("a part") };
        assert_eq!(portion.values()["amount"], "37.50");
    }

    #[test]
    fn taking_back_finds_the_part_of_its_application() {
        let back = |amount: i64, after: i64, partials: &[i64]| {
            taken_back(&Pair { after: after.into(), ..pair(amount, partials, vec![line(1, 0)]) })
        };
        assert_eq!(back(50, 0, &[30, 20]).unwrap(), [0, 1]);
        assert_eq!(back(30, 20, &[30, 20]).unwrap(), [0]);
        assert_eq!(back(20, 40, &[20, 20, 20]).unwrap(), [2]);
        assert_eq!(back(10, 40, &[30, 20]).unwrap_err().code, "other_parts");
    }
}
