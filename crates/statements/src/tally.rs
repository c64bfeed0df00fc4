//! What the lines of a statement come to, and whether it adds up.

use crate::{
    currency::CurrencyCode,
    fault::Fault,
    model::{Balance, BalanceKind, Line, LineStatus, Proof},
};
use rust_decimal::Decimal;

/// Count and sum of one side of an account.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Side {
    pub count: u64,
    pub sum: Decimal,
}

#[derive(Debug)]
pub(crate) struct Tally {
    currency: CurrencyCode,
    pub lines: u64,
    pub credits: Side,
    /// Its sum is negative or zero.
    pub debits: Side,
    mixed: bool,
}

impl Tally {
    pub(crate) fn new(currency: CurrencyCode) -> Self {
        Self { currency, lines: 0, credits: Side::default(), debits: Side::default(), mixed: false }
    }

    pub(crate) fn add(&mut self, line: &Line) -> Result<(), Fault> {
        self.lines += 1;
        if line.status != LineStatus::Booked {
            return Ok(());
        }
        self.mixed |= line.currency != self.currency;
        let side = if line.amount.is_sign_negative() { &mut self.debits } else { &mut self.credits };
        side.count += 1;
        side.sum = side
            .sum
            .checked_add(line.amount)
            .ok_or_else(|| Fault::new(line.line, "amount", "the lines of a statement come to more than can be counted", ""))?;
        Ok(())
    }

    pub(crate) fn sum(&self) -> Decimal {
        // both are far from the limit of the type: each line has at most 18 digits
        self.credits.sum + self.debits.sum
    }

    pub(crate) fn prove(&self, opening: Option<&Balance>, closing: Option<&Balance>) -> Proof {
        let (Some(opening), Some(closing)) = (opening, closing) else { return Proof::Unprovable };
        if self.mixed || opening.currency != self.currency || closing.currency != self.currency {
            return Proof::CurrenciesDiffer;
        }
        let difference = closing.amount - opening.amount - self.sum();
        let booked = opening.kind != BalanceKind::Available && closing.kind != BalanceKind::Available;
        match (difference.is_zero(), booked) {
            (true, _) => Proof::Balanced,
            (false, true) => Proof::Off(difference),
            (false, false) => Proof::Unprovable,
        }
    }
}
