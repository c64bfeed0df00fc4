//! The roll-forward of receivables (accounting.md): opening + invoices and debit memos − credit memos − receipts + refunds, returned
//! payments, chargebacks ± transfers between customers − write-offs = closing. In transaction currency, where nothing is revalued: no FX moves it. Applications are
//! zero-sum, so they move nothing either.

use crate::{
    period::AccountingPeriod,
    stage::{DocumentKind, Side},
    text_enum::text_enum,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    /// What moves receivables in a period.
    pub enum RollPart {
        Invoices = "invoices",
        CreditMemos = "credit_memos",
        /// Money of known payers.
        Receipts = "receipts",
        /// Refunds, returned payments, chargebacks.
        GivenBack = "given_back",
        /// Money that went to customers, less what came from customers, in this or in another entity; within one entity nothing.
        Transfers = "transfers",
        /// Credit memos of our own that give a part of an invoice up.
        WriteOffs = "write_offs",
    }
}

impl RollPart {
    /// The part that documents of a kind are; none for what moves nothing.
    pub fn of(kind: DocumentKind) -> Option<Self> {
        match kind {
            DocumentKind::Invoice => Some(Self::Invoices),
            DocumentKind::CreditMemo => Some(Self::CreditMemos),
            DocumentKind::Payment => Some(Self::Receipts),
            DocumentKind::Refund | DocumentKind::ReturnedPayment | DocumentKind::Chargeback => Some(Self::GivenBack),
            DocumentKind::Transfer => Some(Self::Transfers),
            DocumentKind::CashApplication | DocumentKind::ApplicationReversal => None,
        }
    }

    pub fn side(self) -> Side {
        match self {
            Self::Invoices | Self::GivenBack | Self::Transfers => Side::Debit,
            Self::CreditMemos | Self::Receipts | Self::WriteOffs => Side::Credit,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Invoices => "Invoices",
            Self::CreditMemos => "Credit memos",
            Self::Receipts => "Receipts",
            Self::GivenBack => "Refunded, returned",
            Self::Transfers => "Transfers",
            Self::WriteOffs => "Write-offs",
        }
    }
}

/// What documents of a kind came to in an entity, a currency and a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub entity_code: String,
    pub currency: String,
    pub period: AccountingPeriod,
    pub kind: DocumentKind,
    pub amount: Decimal,
    /// Of credit memos: what gives an invoice up.
    pub written_off: Decimal,
    /// Of money: that of unknown customers, which is beside receivables and never inside.
    pub unidentified: Decimal,
    /// Of payments: what came by transfers.
    pub transferred: Decimal,
}

/// A period of an entity's receivables in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollForward {
    pub entity_code: String,
    pub currency: String,
    pub period: AccountingPeriod,
    pub opening: Decimal,
    /// Amounts without sign; [`RollPart::side`] says which way they move.
    pub moved: BTreeMap<RollPart, Decimal>,
    /// Parts that are not all the documents of their kind, so that no list of documents is behind them.
    pub in_part: Vec<RollPart>,
}

impl RollForward {
    pub fn amount(&self, part: RollPart) -> Decimal {
        self.moved.get(&part).copied().unwrap_or_default()
    }

    pub fn closing(&self) -> Decimal {
        let signed = |(part, amount): (&RollPart, &Decimal)| match part.side() {
            Side::Debit => *amount,
            Side::Credit => -amount,
        };
        self.opening + self.moved.iter().map(signed).sum::<Decimal>()
    }

    fn add(&mut self, moved: &Moved) {
        let Some(part) = RollPart::of(moved.kind) else { return };
        let apart = moved.written_off + moved.unidentified + moved.transferred;
        *self.moved.entry(part).or_default() += moved.amount - apart;
        *self.moved.entry(RollPart::WriteOffs).or_default() += moved.written_off;
        *self.moved.entry(RollPart::Transfers).or_default() -= moved.transferred;
        if !apart.is_zero() {
            self.in_part.push(part);
        }
        if !moved.transferred.is_zero() {
            self.in_part.push(RollPart::Transfers);
        }
    }
}

/// Rolls every entity and currency from its first period on; `moved` is in the order of entity, currency and period.
pub fn roll(moved: &[Moved]) -> Vec<RollForward> {
    let mut rolled: Vec<RollForward> = Vec::new();
    for of_period in moved.chunk_by(|a, b| (&a.entity_code, &a.currency, a.period) == (&b.entity_code, &b.currency, b.period)) {
        let Some(first) = of_period.first() else { continue };
        let before = rolled.last().filter(|last| (&last.entity_code, &last.currency) == (&first.entity_code, &first.currency));
        let mut period = RollForward {
            entity_code: first.entity_code.clone(),
            currency: first.currency.clone(),
            period: first.period,
            opening: before.map(RollForward::closing).unwrap_or_default(),
            moved: BTreeMap::new(),
            in_part: Vec::new(),
        };
        of_period.iter().for_each(|moved| period.add(moved));
        rolled.push(period);
    }
    rolled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(currency: &str, period: &str, kind: DocumentKind, amount: i64) -> Moved {
        Moved {
            entity_code: "DE".into(),
            currency: currency.into(),
            period: period.parse().unwrap(),
            kind,
            amount: amount.into(),
            written_off: Decimal::ZERO,
            unidentified: Decimal::ZERO,
            transferred: Decimal::ZERO,
        }
    }

    #[test]
    fn a_period_opens_with_what_the_one_before_closed_with_and_each_currency_for_itself() {
        use DocumentKind::*;
        let rolled = roll(&[
            moved("EUR", "2026-09", Invoice, 100),
            Moved { written_off: 3.into(), ..moved("EUR", "2026-09", CreditMemo, 13) },
            Moved { unidentified: 7.into(), ..moved("EUR", "2026-10", Payment, 47) },
            moved("EUR", "2026-10", CashApplication, 40),
            moved("USD", "2026-10", Invoice, 5),
        ]);
        let said: Vec<_> = rolled.iter().map(|row| (row.currency.as_str(), row.opening, row.closing())).collect();
        assert_eq!(said, [("EUR", 0.into(), 87.into()), ("EUR", 87.into(), 47.into()), ("USD", 0.into(), 5.into())]);
        let of = |part| rolled[0].amount(part);
        assert_eq!((of(RollPart::CreditMemos), of(RollPart::WriteOffs)), (10.into(), 3.into()));
        assert_eq!((rolled[0].in_part.as_slice(), rolled[1].in_part.as_slice()), (&[RollPart::CreditMemos][..], &[RollPart::Receipts][..]));
    }

    #[test]
    fn a_transfer_moves_nothing_within_an_entity_and_is_no_receipt() {
        use DocumentKind::*;
        let rolled = roll(&[
            Moved { transferred: 30.into(), ..moved("EUR", "2026-09", Payment, 80) },
            moved("EUR", "2026-09", Transfer, 30),
            Moved { transferred: 30.into(), ..moved("USD", "2026-09", Payment, 30) },
        ]);
        let parts = |row: &RollForward| [RollPart::Receipts, RollPart::Transfers].map(|part| row.amount(part));
        assert_eq!((parts(&rolled[0]), rolled[0].closing()), ([50.into(), 0.into()], (-50).into()));
        assert_eq!((parts(&rolled[1]), rolled[1].closing()), ([0.into(), (-30).into()], (-30).into()), "it came from another entity");
    }

    #[test]
    fn a_part_stands_on_the_side_of_its_documents() {
        for kind in DocumentKind::ALL {
            assert_eq!(RollPart::of(*kind).map(RollPart::side), kind.side(), "{kind}");
        }
    }
}
