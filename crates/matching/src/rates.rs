//! How good a set of decisions is, measured against what is true. Four rates and the precision; never one of them alone.

use crate::{
    amount::Amount,
    decision::{Decision, Proposal},
    labelled::Truth,
    model::Receipt,
};
use domain::money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Proposals that a person looks at before he searches himself.
const SHOWN: usize = 3;

/// A part of a whole; a rate is shown with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Share {
    pub part: i64,
    pub whole: i64,
}

impl Share {
    fn count(&mut self, is_part: bool) {
        self.part += i64::from(is_part);
        self.whole += 1;
    }

    /// Percent with two decimals, rounded down; `None`: of nothing.
    pub fn percent(self) -> Option<Decimal> {
        let whole = i128::from(self.whole);
        let hundredths = (i128::from(self.part) * 10_000).checked_div(whole)?;
        Some(Decimal::from_i128_with_scale(hundredths, 2))
    }

    pub fn at_least(self, percent: i64) -> bool {
        self.part * 100 >= self.whole * percent
    }
}

/// What was matched without a person, and what was offered for the rest.
///
/// *Lines* are receipts. A line whose truth is *none* (nothing is open for it, say a second payment) is rightly left alone; it
/// counts in the lines and in the precision, but there is nothing to suggest for it, so that it is not among `suggested`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rates {
    /// Items that receipts pay: those applied rightly without a person.
    pub items: Share,
    /// Receipts: those applied rightly without a person.
    pub lines: Share,
    /// Money by currency, in minor units: that of the lines above.
    #[serde(with = "by_currency")]
    pub value: BTreeMap<Currency, Share>,
    /// Receipts that nobody has to touch: applied rightly and in full, with nothing left over.
    pub straight_through: Share,
    /// Confirmed decisions: those that are true, item by item and amount by amount.
    pub precision: Share,
    /// Receipts that were not confirmed though something is open for them: those with the truth among the first three.
    pub suggested: Share,
}

pub fn rates<'a>(cases: impl IntoIterator<Item = (&'a Receipt, &'a Decision, &'a Truth)>) -> Rates {
    let mut rates = Rates::default();
    for (receipt, decision, truth) in cases {
        let confirmed = decision.confirmed();
        let is_right = confirmed.is_some_and(|best| truth.equals(&best.allocations));
        rates.lines.count(is_right);
        rates.straight_through.count(is_right && confirmed.is_some_and(|best| best.residual.minor == 0));
        let items = i64::try_from(truth.allocations.len()).unwrap_or(i64::MAX);
        rates.items.whole += items;
        rates.items.part += if is_right { items } else { 0 };
        rates.count_value(receipt.amount, is_right);
        if confirmed.is_some() {
            rates.precision.count(is_right);
        } else if truth.exists() {
            let is_true = |proposal: &Proposal| truth.equals(&proposal.allocations);
            rates.suggested.count(decision.proposals.iter().take(SHOWN).any(is_true));
        }
    }
    rates
}

impl Rates {
    fn count_value(&mut self, amount: Amount, is_right: bool) {
        let value = self.value.entry(amount.currency).or_default();
        value.whole += amount.minor;
        value.part += if is_right { amount.minor } else { 0 };
    }
}

/// Money at the edge is a decimal text.
mod by_currency {
    use super::{Amount, BTreeMap, Currency, Share};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Value {
        part: Amount,
        whole: Amount,
    }

    pub(super) fn serialize<S: Serializer>(value: &BTreeMap<Currency, Share>, s: S) -> Result<S::Ok, S::Error> {
        let of = |(currency, share): (&Currency, &Share)| Value {
            part: Amount::new(share.part, *currency),
            whole: Amount::new(share.whole, *currency),
        };
        value.iter().map(of).collect::<Vec<_>>().serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<Currency, Share>, D::Error> {
        let values = Vec::<Value>::deserialize(d)?;
        Ok(values.iter().map(|v| (v.whole.currency, Share { part: v.part.minor, whole: v.whole.minor })).collect())
    }
}
