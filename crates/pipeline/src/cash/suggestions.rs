//! What the matcher said of a payment, held against what is open now: a proposal that asks for more is not shown any more.

use crate::Context;
use domain::{
    access::Scope,
    id::DocumentId,
    money::{Currency, Money},
    receivable::{OpenItemRow, SuggestedPart, SuggestionView, SuggestionsView, WriteOffReason},
};
use matching::decision::{Decision, Evidence, Proposal, ResidualReason, ShortReason};
use rust_decimal::Decimal;
use store::{Error, Result, views::receivables};

/// Suggestions for a payment that still hold, best first; `None`: the matcher has not seen it, or it is applied.
///
/// # Errors
/// The database fails, or what the matcher wrote can't be read.
pub async fn suggestions(cx: &Context, scope: &Scope, credit: &OpenItemRow) -> Result<Option<SuggestionsView>> {
    let Some(said) = receivables::suggested(&cx.pool, scope, credit.document_id).await? else { return Ok(None) };
    let corrupt = |error: serde_json::Error| Error::Corrupt {
        table: "suggestion",
        column: "decision",
        id: credit.document_id.to_string(),
        why: error.to_string(),
    };
    let mut decision: Decision = serde_json::from_value(said.decision).map_err(corrupt)?;
    let ids = decision.proposals.iter().flat_map(|proposal| &proposal.allocations).map(|part| DocumentId(part.item.0));
    let mut ids: Vec<DocumentId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let items = receivables::of_ids(&cx.pool, scope, &ids).await?;
    let mut suggestions = Vec::new();
    decision.proposals.retain(|proposal| match as_it_stands(proposal, credit, &items) {
        Some(suggestion) => {
            suggestions.push(suggestion);
            true
        }
        None => false,
    });
    let rules = i32::try_from(decision.rules).unwrap_or_default();
    Ok(Some(SuggestionsView { decided_at: said.decided_at, rules, suggestions, words: decision.rivalry() }))
}

/// `None`: an item or the payment itself has less open than the proposal gives.
fn as_it_stands(proposal: &Proposal, credit: &OpenItemRow, items: &[OpenItemRow]) -> Option<SuggestionView> {
    let exchanged = proposal.residual_reason == ResidualReason::CurrencyDiffers;
    let missing = if exchanged { Decimal::ZERO } else { (-proposal.residual.decimal()).max(Decimal::ZERO) };
    let found: Vec<(&OpenItemRow, Decimal)> = proposal
        .allocations
        .iter()
        .map(|part| {
            let item = items.iter().find(|item| item.document_id.0 == part.item.0)?;
            let amount = part.amount.decimal();
            (item.open >= amount.abs()).then_some((item, amount))
        })
        .collect::<Option<_>>()?;
    let given: Decimal = found.iter().map(|(_, amount)| amount).sum::<Decimal>() - missing;
    if !exchanged && given > credit.open {
        return None;
    }
    let write_off = posted_as(proposal.residual_reason);
    let parts = split_missing(&found, missing, credit.currency.parse().ok()?, write_off.is_some())?;
    Some(SuggestionView {
        title: proposal.title.clone(),
        customer: one_customer(&found),
        why_not: why_not(proposal, &found),
        parts,
        residual: proposal.residual.decimal(),
        residual_reason: words(proposal.residual_reason).to_owned(),
        write_off,
        score: proposal.score,
        evidence: pairs(&proposal.evidence),
        against: pairs(&proposal.against),
    })
}

/// What is missing is borne by the invoices in proportion; written off when the reason posts, else it stays open.
fn split_missing(found: &[(&OpenItemRow, Decimal)], missing: Decimal, currency: Currency, posts: bool) -> Option<Vec<SuggestedPart>> {
    let weights: Vec<Decimal> = found.iter().map(|(_, amount)| (*amount).max(Decimal::ZERO)).collect();
    let shares: Vec<Decimal> = if missing.is_zero() {
        vec![Decimal::ZERO; found.len()]
    } else {
        Money::new(missing, currency).and_then(|missing| missing.allocate(&weights)).ok()?.into_iter().map(Money::amount).collect()
    };
    let part = |((item, amount), share): (&(&OpenItemRow, Decimal), Decimal)| SuggestedPart {
        document_id: item.document_id,
        number: item.number.clone(),
        kind: item.kind,
        due: item.aged_from,
        open: item.open,
        amount: (*amount - share).abs(),
        write_off: if posts { share } else { Decimal::ZERO },
    };
    Some(found.iter().zip(shares).map(part).collect())
}

fn one_customer(found: &[(&OpenItemRow, Decimal)]) -> Option<(String, String)> {
    let (first, _) = found.first()?;
    let is_one = found.iter().all(|(item, _)| item.customer_code == first.customer_code);
    is_one.then(|| (first.customer_code.clone(), first.customer_name.clone()))
}

fn why_not(proposal: &Proposal, found: &[(&OpenItemRow, Decimal)]) -> Option<String> {
    let (item, _) = found.first()?;
    if proposal.transfer_to.is_some() {
        return Some(format!("The items belong to {}: the money has to be transferred there first.", item.entity_code));
    }
    if proposal.residual_reason == ResidualReason::CurrencyDiffers {
        return Some(format!("The items are in {}: a rate has to be agreed first.", item.currency));
    }
    let several = || "The items belong to several customers, and a payment settles those of one.".to_owned();
    one_customer(found).is_none().then(several)
}

/// How a short payment posts; a dispute and a partial payment leave the item open.
fn posted_as(reason: ResidualReason) -> Option<WriteOffReason> {
    match reason {
        ResidualReason::ShortPay(ShortReason::WithholdingTax) => Some(WriteOffReason::WithholdingTax),
        ResidualReason::ShortPay(ShortReason::CashDiscount) => Some(WriteOffReason::CashDiscount),
        ResidualReason::ShortPay(ShortReason::BankFee) => Some(WriteOffReason::BankFee),
        ResidualReason::ShortPay(ShortReason::SmallBalance) => Some(WriteOffReason::SmallBalance),
        ResidualReason::ShortPay(ShortReason::Dispute)
        | ResidualReason::None
        | ResidualReason::OverPay
        | ResidualReason::PartialPayment
        | ResidualReason::CurrencyDiffers => None,
    }
}

fn words(reason: ResidualReason) -> &'static str {
    match reason {
        ResidualReason::None => "",
        ResidualReason::ShortPay(ShortReason::WithholdingTax) => {
            "is missing: withholding tax, written off as a receivable from the tax office"
        }
        ResidualReason::ShortPay(ShortReason::CashDiscount) => "is missing: cash discount, written off",
        ResidualReason::ShortPay(ShortReason::BankFee) => "is missing: a bank’s fee, written off",
        ResidualReason::ShortPay(ShortReason::SmallBalance) => "is missing: small balance, written off",
        ResidualReason::ShortPay(ShortReason::Dispute) => "is missing: disputed, it stays open",
        ResidualReason::OverPay => "is left over and stays unapplied",
        ResidualReason::PartialPayment => "The item stays open with the rest",
        ResidualReason::CurrencyDiffers => "The currencies differ",
    }
}

fn pairs(evidence: &[Evidence]) -> Vec<(i32, String)> {
    evidence.iter().map(|evidence| (evidence.points, evidence.seen.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{id::EntityId, receivable::OpenStatus, stage::DocumentKind, stage::Stage};
    use matching::{
        amount::Amount,
        model::{Allocation, ItemId},
    };
    use uuid::Uuid;

    fn item(id: u128, kind: DocumentKind, open: i64) -> OpenItemRow {
        OpenItemRow {
            document_id: DocumentId(Uuid::from_u128(id)),
            entity_id: EntityId(Uuid::nil()),
            entity_code: "DE".into(),
            kind,
            number: format!("INV-{id}"),
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: "EUR".into(),
            aged_from: "2026-10-31".parse().unwrap(),
            amount: open.into(),
            open: open.into(),
            status: OpenStatus::Open,
            stage: Stage::Confirmed,
            score: None,
        }
    }

    fn proposal(parts: &[(u128, i64)], residual: i64, reason: ResidualReason) -> Proposal {
        let euros = |minor| Amount::new(minor, Currency::EUR);
        Proposal {
            title: "INV-1".into(),
            allocations: parts.iter().map(|(id, minor)| Allocation { item: ItemId(Uuid::from_u128(*id)), amount: euros(*minor) }).collect(),
            residual: euros(residual),
            residual_reason: reason,
            transfer_to: None,
            score: 80,
            evidence: Vec::new(),
            against: Vec::new(),
        }
    }

    #[test]
    fn a_proposal_whose_item_was_settled_meanwhile_is_not_shown() {
        let (payment, whole) = (item(9, DocumentKind::Payment, 100), proposal(&[(1, 10_000)], 0, ResidualReason::None));
        assert!(as_it_stands(&whole, &payment, &[item(1, DocumentKind::Invoice, 100)]).is_some());
        assert!(as_it_stands(&whole, &payment, &[item(1, DocumentKind::Invoice, 99)]).is_none());
        assert!(as_it_stands(&whole, &payment, &[]).is_none(), "it is gone");
        let less = item(9, DocumentKind::Payment, 99);
        assert!(as_it_stands(&whole, &less, &[item(1, DocumentKind::Invoice, 100)]).is_none(), "the payment was applied meanwhile");
    }

    #[test]
    fn what_is_missing_is_written_off_to_the_cent_or_stays_open() {
        let (payment, items) =
            (item(9, DocumentKind::Payment, 97), [item(1, DocumentKind::Invoice, 50), item(2, DocumentKind::Invoice, 50)]);
        let parts = [(1, 5_000), (2, 5_000)];
        let sums = |reason| {
            let shown = as_it_stands(&proposal(&parts, -300, reason), &payment, &items).unwrap();
            let sum = |of: fn(&SuggestedPart) -> Decimal| shown.parts.iter().map(of).sum::<Decimal>();
            (sum(|part| part.amount), sum(|part| part.write_off), shown.write_off)
        };
        let fee = sums(ResidualReason::ShortPay(ShortReason::BankFee));
        assert_eq!(fee, (97.into(), 3.into(), Some(WriteOffReason::BankFee)));
        assert_eq!(sums(ResidualReason::ShortPay(ShortReason::Dispute)), (97.into(), 0.into(), None));
    }

    #[test]
    fn a_credit_memo_that_the_payer_deducted_is_a_part_of_its_own() {
        let (payment, memo) = (item(9, DocumentKind::Payment, 90), item(2, DocumentKind::CreditMemo, 10));
        let deducted = proposal(&[(1, 10_000), (2, -1_000)], 0, ResidualReason::None);
        let shown = as_it_stands(&deducted, &payment, &[item(1, DocumentKind::Invoice, 100), memo.clone()]).unwrap();
        assert_eq!((shown.parts[1].kind, shown.parts[1].amount, shown.why_not), (DocumentKind::CreditMemo, 10.into(), None));
        let of_another = OpenItemRow { customer_code: "C-2".into(), ..memo };
        let refused = as_it_stands(&deducted, &payment, &[item(1, DocumentKind::Invoice, 100), of_another]).unwrap();
        assert!(refused.why_not.unwrap().contains("several customers"));
    }
}
