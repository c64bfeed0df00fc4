//! One receipt, one decision.

use crate::{
    book::Book,
    decision::{Decision, Evidence, Proposal, ResidualReason, Search, ShortReason, Verdict},
    model::Receipt,
    propose::{Case, candidates},
    reading::read,
    rules::{RuleCode, RuleTable},
    score::Scorer,
};

/// What the book as it stands says about a receipt.
pub fn decide(book: &Book, rules: &RuleTable, receipt: &Receipt) -> Decision {
    let nothing = Decision {
        receipt: receipt.id,
        verdict: Verdict::Nothing,
        proposals: Vec::new(),
        search: Search::Completely,
        rules: rules.version,
    };
    if receipt.amount.minor <= 0 {
        // money that went out is a refund or a return, which has a document of its own
        return nothing;
    }
    let reading = read(book, &rules.parameters, receipt);
    // an entity without items is in no book
    let entity = book.entity(receipt.entity).unwrap_or(u8::MAX);
    let case = Case { book, parameters: &rules.parameters, receipt, reading: &reading, entity };
    let cited = case.cited();
    let candidates = candidates(&case, &cited);
    let mut scorer = Scorer::new(&case, rules, &cited, candidates.search);
    let mut ranked: Vec<_> = candidates
        .found
        .iter()
        .map(|candidate| {
            let last_due = candidate.parts.iter().map(|(place, _)| book.item(*place).due_on).max();
            (scorer.score(candidate), last_due)
        })
        .filter(|(proposal, _)| proposal.score >= rules.parameters.suggest_threshold)
        .collect();
    // of equals the one that was due first; the sort is stable, so that candidates keep their order otherwise
    ranked.sort_by(|(a, a_due), (b, b_due)| b.score.cmp(&a.score).then(a_due.cmp(b_due)));
    ranked.truncate(rules.parameters.proposals_max);
    let mut proposals: Vec<Proposal> = ranked.into_iter().map(|(proposal, _)| proposal).collect();
    say_equals(rules, &mut proposals);
    let verdict = verdict(rules, &proposals, candidates.search);
    Decision { verdict, proposals, search: candidates.search, ..nothing }
}

/// The best says that it is not alone.
fn say_equals(rules: &RuleTable, proposals: &mut [Proposal]) {
    if let [best, second, ..] = proposals
        && best.score - second.score < rules.parameters.minimum_margin
    {
        let seen = format!("{} is only {} behind", second.title, best.score - second.score);
        best.against.push(Evidence { rule: RuleCode::Equalled, points: rules.points(RuleCode::Equalled), seen });
    }
}

fn verdict(rules: &RuleTable, proposals: &[Proposal], search: Search) -> Verdict {
    let Some(best) = proposals.first() else { return Verdict::Nothing };
    let parameters = &rules.parameters;
    let adds_up = match best.residual_reason {
        ResidualReason::None => true,
        ResidualReason::ShortPay(ShortReason::SmallBalance) => parameters.confirm_tolerated,
        ResidualReason::ShortPay(_) | ResidualReason::OverPay | ResidualReason::PartialPayment | ResidualReason::CurrencyDiffers => false,
    };
    let is_named = !best.against.iter().any(|evidence| evidence.rule == RuleCode::Unnamed);
    let may_guess = parameters.confirm_without_reference && search == Search::Completely && best.evidence.iter().any(|e| is_payer(e.rule));
    let is_undisputed = !best.against.iter().any(|evidence| evidence.rule.forbids_confirmation());
    let is_sure = best.score >= parameters.confirm_threshold;
    if adds_up && (is_named || may_guess) && is_undisputed && is_sure && !best.allocations.is_empty() {
        Verdict::Confirm
    } else {
        Verdict::Suggest
    }
}

fn is_payer(rule: RuleCode) -> bool {
    matches!(rule, RuleCode::CustomerKnown | RuleCode::PayerAccount)
}
