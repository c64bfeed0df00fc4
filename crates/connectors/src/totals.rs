//! An ERP's own control totals of a period, and whether the pages it gave hold the same.

use domain::{
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpDocument, ErpKind},
    stage::Side,
};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, fmt};

/// What is totalled apart. Payments, money that went back and journals stand in one total, as signed amounts: every ERP tells them apart
/// in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Invoices,
    CreditMemos,
    MoneyAndJournals,
    /// Never part of a period: read one by one.
    Applications,
}

impl From<ErpKind> for Class {
    fn from(kind: ErpKind) -> Self {
        match kind {
            ErpKind::Invoice => Self::Invoices,
            ErpKind::CreditMemo => Self::CreditMemos,
            ErpKind::Payment | ErpKind::MoneyBack | ErpKind::JournalDebit | ErpKind::JournalCredit => Self::MoneyAndJournals,
            ErpKind::CashApplication | ErpKind::ApplicationReversal => Self::Applications,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Invoices => "invoices",
            Self::CreditMemos => "credit memos",
            Self::MoneyAndJournals => "payments and journals",
            Self::Applications => "applications",
        })
    }
}

/// Count and amount; what debits AR is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    pub count: u64,
    pub amount: Decimal,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.count, self.amount.normalize())
    }
}

/// Totals of a period's AR postings in every state, per class and currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeriodTotals(BTreeMap<(Class, Currency), Total>);

impl PeriodTotals {
    pub fn add(&mut self, class: Class, currency: Currency, total: Total) {
        let sum = self.0.entry((class, currency)).or_default();
        sum.count += total.count;
        sum.amount += total.amount;
    }

    pub fn add_document(&mut self, document: &ErpDocument) {
        let amount = if document.kind.side() == Some(Side::Debit) { document.total } else { -document.total };
        self.add(document.kind.into(), document.currency, Total { count: 1, amount });
    }

    /// The first total in which what was read differs from these, in words with both figures.
    pub fn difference(&self, read: &Self, period: AccountingPeriod) -> Option<String> {
        let of = |totals: &Self, key| totals.0.get(key).copied().unwrap_or_default();
        let (class, currency) = self.0.keys().chain(read.0.keys()).find(|key| of(self, key) != of(read, key))?;
        let (said, got) = (of(self, &(*class, *currency)), of(read, &(*class, *currency)));
        Some(format!("{class} of {period} in {currency}: the ERP totals {said}, its pages hold {got}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(rows: &[(Class, Currency, u64, Decimal)]) -> PeriodTotals {
        let mut totals = PeriodTotals::default();
        for (class, currency, count, amount) in rows {
            totals.add(*class, *currency, Total { count: *count, amount: *amount });
        }
        totals
    }

    #[test]
    fn a_total_that_only_one_side_has_is_a_difference_and_named_with_both_figures() {
        let (usd, eur) = (Currency::USD, Currency::EUR);
        let erp = totals(&[(Class::Invoices, usd, 2, Decimal::new(3050, 2)), (Class::CreditMemos, usd, 1, Decimal::from(-5))]);
        let october = AccountingPeriod::new(2026, 10).unwrap();
        assert_eq!(erp.difference(&erp.clone(), october), None);
        let left_out = totals(&[(Class::Invoices, usd, 2, Decimal::new(3050, 2))]);
        let shown = "credit memos of 2026-10 in USD: the ERP totals 1 of -5, its pages hold 0 of 0";
        assert_eq!(erp.difference(&left_out, october).unwrap(), shown);
        let mut more = erp.clone();
        more.add(Class::MoneyAndJournals, eur, Total { count: 2, amount: Decimal::ZERO });
        assert!(erp.difference(&more, october).is_some(), "two journals that net to zero are two rows all the same");
    }
}
