//! The daily cash proof of a bank account: the day's opening balance and every line of it, by what it is, against the closing balance.

use crate::{
    id::{BankAccountId, StatementId},
    statement::{Predecessor, Sequence},
    text_enum::text_enum,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    /// What a booked line of a statement is.
    pub enum CashPart {
        /// Money that became a payment.
        Receipt = "receipt",
        /// A gateway's payout that is tied to what the gateway says it paid out.
        Payout = "payout",
        /// A gateway's line whose payout is not known yet: its money is in clearing.
        InClearing = "in_clearing",
        /// Paid a refund that was agreed here.
        Refund = "refund",
        OtherIn = "other_in",
        Out = "out",
    }
}

impl CashPart {
    pub fn label(self) -> &'static str {
        match self {
            Self::Receipt => "Receipts",
            Self::Payout => "Payouts tied",
            Self::InClearing => "In clearing",
            Self::Refund => "Refunds",
            Self::OtherIn => "Other in",
            Self::Out => "Out",
        }
    }
}

/// An imported statement with what its lines came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedStatement {
    pub statement_id: StatementId,
    pub bank_account_id: BankAccountId,
    pub entity_code: String,
    pub account_name: String,
    pub account_number: String,
    pub currency: String,
    pub number: Option<i64>,
    pub opening: Option<Decimal>,
    pub opened_on: Option<NaiveDate>,
    pub closing: Option<Decimal>,
    pub last_day: NaiveDate,
    pub before: Option<Predecessor>,
    pub parts: BTreeMap<CashPart, Decimal>,
}

/// A day of a bank account, as its statements tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashDay {
    pub bank_account_id: BankAccountId,
    pub entity_code: String,
    pub account_name: String,
    pub account_number: String,
    pub currency: String,
    /// The last day that the statements tell of.
    pub day: NaiveDate,
    /// In the bank's order.
    pub statements: Vec<StatementId>,
    /// None: the bank gave none, so nothing is proved.
    pub opening: Option<Decimal>,
    pub closing: Option<Decimal>,
    /// With their sign.
    pub parts: BTreeMap<CashPart, Decimal>,
    /// Gaps and overlaps before or between the statements.
    pub breaks: Vec<String>,
}

impl CashDay {
    pub fn amount(&self, part: CashPart) -> Decimal {
        self.parts.get(&part).copied().unwrap_or_default()
    }

    /// What the closing balance has more than opening and lines come to. None: not assessed.
    pub fn residual(&self) -> Option<Decimal> {
        Some(self.closing? - self.opening? - self.parts.values().sum::<Decimal>())
    }
}

/// Days of accounts; `statements` are in the order of account, last day and the bank's order.
pub fn days(statements: &[ProvedStatement]) -> Vec<CashDay> {
    let same_day = |a: &ProvedStatement, b: &ProvedStatement| (a.bank_account_id, a.last_day) == (b.bank_account_id, b.last_day);
    statements.chunk_by(same_day).filter_map(day).collect()
}

fn day(statements: &[ProvedStatement]) -> Option<CashDay> {
    let (first, last) = (statements.first()?, statements.last()?);
    let mut parts: BTreeMap<CashPart, Decimal> = BTreeMap::new();
    for (part, amount) in statements.iter().flat_map(|statement| &statement.parts) {
        *parts.entry(*part).or_default() += amount;
    }
    let broken = |statement: &ProvedStatement| {
        let begins = statement.opened_on.unwrap_or(statement.last_day);
        match Sequence::of(statement.before.as_ref(), statement.number, statement.opening, begins) {
            Sequence::Gap(why) | Sequence::Overlap(why) => Some(why),
            Sequence::First | Sequence::Follows => None,
        }
    };
    Some(CashDay {
        bank_account_id: first.bank_account_id,
        entity_code: first.entity_code.clone(),
        account_name: first.account_name.clone(),
        account_number: first.account_number.clone(),
        currency: first.currency.clone(),
        day: first.last_day,
        statements: statements.iter().map(|statement| statement.statement_id).collect(),
        opening: first.opening,
        closing: last.closing,
        parts,
        breaks: statements.iter().filter_map(broken).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(
        number: i64,
        opening: Option<i64>,
        closing: Option<i64>,
        before: Option<i64>,
        parts: &[(CashPart, i64)],
    ) -> ProvedStatement {
        let last_day = "2026-11-03".parse().unwrap();
        ProvedStatement {
            statement_id: StatementId(uuid::Uuid::from_u128(number.try_into().unwrap())),
            bank_account_id: BankAccountId(uuid::Uuid::nil()),
            entity_code: "US".into(),
            account_name: "Operating".into(),
            account_number: "0001".into(),
            currency: "USD".into(),
            number: Some(number),
            opening: opening.map(Decimal::from),
            opened_on: None,
            closing: closing.map(Decimal::from),
            last_day,
            before: before.map(|closing| Predecessor { number: Some(number - 1), closing: Some(closing.into()), last_day }),
            parts: parts.iter().map(|(part, amount)| (*part, Decimal::from(*amount))).collect(),
        }
    }

    #[test]
    fn a_day_goes_from_its_first_opening_to_its_last_closing_and_leaves_nothing_over() {
        use CashPart::*;
        let both = days(&[
            statement(1, Some(100), Some(150), None, &[(Receipt, 60), (Out, -10)]),
            statement(2, Some(150), Some(155), Some(150), &[(Receipt, 5)]),
        ]);
        let [day] = both.as_slice() else { panic!("{both:?}") };
        assert_eq!((day.opening, day.closing, day.residual()), (Some(100.into()), Some(155.into()), Some(Decimal::ZERO)));
        assert_eq!((day.amount(Receipt), day.amount(Payout), day.breaks.len(), day.statements.len()), (65.into(), 0.into(), 0, 2));
    }

    #[test]
    fn a_gap_is_told_and_leaves_a_residual_and_without_a_balance_nothing_is_proved() {
        let broken = days(&[
            statement(1, Some(100), Some(150), None, &[(CashPart::OtherIn, 50)]),
            statement(2, Some(170), Some(170), Some(150), &[]),
        ]);
        assert_eq!(broken[0].residual(), Some(Decimal::from(20)));
        assert_eq!(broken[0].breaks, ["opens with 170, the one before it closed with 150"]);
        assert_eq!(days(&[statement(1, Some(100), None, None, &[])])[0].residual(), None);
    }
}
