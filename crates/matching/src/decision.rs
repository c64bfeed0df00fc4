//! What comes out: proposals with their arguments, and what the engine would do with them.

use crate::{
    amount::Amount,
    model::{Allocation, ReceiptId},
    rules::RuleCode,
};
use domain::id::EntityId;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Applied without a person.
    Confirm,
    /// A person chooses.
    Suggest,
    /// Nothing is known that it could pay: unidentified or unapplied.
    Nothing,
}

/// Whether every combination was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    Completely,
    /// The step limit of the rules was reached.
    Stopped,
}

/// Why a payment is short of what it settles; each posts differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortReason {
    WithholdingTax,
    CashDiscount,
    BankFee,
    Dispute,
    SmallBalance,
}

/// What becomes of the difference between a receipt and its allocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "reason")]
pub enum ResidualReason {
    None,
    /// The items are settled; the reason bears what is missing (residual below zero).
    ShortPay(ShortReason),
    /// The rest stays on account (residual above zero).
    OverPay,
    /// An item stays open with what is missing.
    PartialPayment,
    /// Items in another currency: a rate has to be agreed before anything adds up.
    CurrencyDiffers,
}

/// A rule that spoke, with what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub rule: RuleCode,
    pub points: i32,
    pub seen: String,
}

/// One way to apply a receipt. Allocations and residual add up to the receipt, unless currencies differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The numbers of the items, in short.
    pub title: String,
    /// Empty: the money stays on account.
    pub allocations: Vec<Allocation>,
    pub residual: Amount,
    pub residual_reason: ResidualReason,
    /// The entity whose items these are, where the money came to another one.
    pub transfer_to: Option<EntityId>,
    pub score: i32,
    pub evidence: Vec<Evidence>,
    pub against: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub receipt: ReceiptId,
    pub verdict: Verdict,
    /// Best first.
    pub proposals: Vec<Proposal>,
    pub search: Search,
    /// The version of the rules that decided.
    pub rules: u32,
}

impl Decision {
    pub fn best(&self) -> Option<&Proposal> {
        self.proposals.first()
    }

    /// What would be applied without a person.
    pub fn confirmed(&self) -> Option<&Proposal> {
        (self.verdict == Verdict::Confirm).then(|| self.best()).flatten()
    }

    pub fn runner_up(&self) -> Option<&Proposal> {
        self.proposals.get(1)
    }

    /// Why, in words: what speaks for the best, who comes second, and what would have to differ for it to win.
    pub fn reasons(&self) -> Vec<String> {
        let Some(best) = self.best() else { return vec!["Nothing that is open fits this receipt.".to_owned()] };
        let mut words = vec![format!("{} scores {}: {}.", best.title, best.score, list(&best.evidence))];
        if !best.against.is_empty() {
            words.push(format!("Against it: {}.", list(&best.against)));
        }
        words.extend(self.rivalry());
        words
    }

    /// Who comes second, what would have to differ for it to win, and whether there may be others.
    pub fn rivalry(&self) -> Vec<String> {
        let rival = match (self.best(), self.runner_up()) {
            (Some(best), Some(second)) => Some(self.duel(best, second)),
            (Some(_), None) => Some("No other choice fits.".to_owned()),
            (None, _) => None,
        };
        let stopped = self.search == Search::Stopped;
        rival.into_iter().chain(stopped.then(|| "The search for combinations was stopped: there may be others.".to_owned())).collect()
    }

    fn duel(&self, best: &Proposal, second: &Proposal) -> String {
        let behind = best.score - second.score;
        let lacking: Vec<String> = best
            .evidence
            .iter()
            .filter(|evidence| !second.evidence.iter().any(|other| other.rule == evidence.rule && other.points >= evidence.points))
            .chain(second.against.iter().filter(|evidence| !best.against.iter().any(|other| other.rule == evidence.rule)))
            .map(|evidence| evidence.seen.clone())
            .collect();
        if behind == 0 && lacking.is_empty() {
            return format!("{} explains the receipt just as well: a person decides.", second.title);
        }
        format!("The runner-up, {}, is {behind} behind; it would win without: {}.", second.title, lacking.join("; "))
    }
}

fn list(evidence: &[Evidence]) -> String {
    let each: Vec<String> = evidence.iter().map(|evidence| format!("{} ({:+})", evidence.seen, evidence.points)).collect();
    each.join("; ")
}
