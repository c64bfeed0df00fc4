//! What money that went back does to what was paid with it. A refund consumes what is left of the payment, and what a credit memo leaves
//! later, never an open invoice. A chargeback or a returned payment takes the payment back: what it had settled is owed again.

use super::give::{Decider, Given, take};
use domain::{document::DocumentContent, id::DocumentId, stage::DocumentKind};
use rust_decimal::Decimal;
use store::{
    Result, Tx,
    receivables::{self, Settled},
};

/// Money that went back, and the payment that had brought it.
pub(super) struct Back<'a> {
    pub id: DocumentId,
    pub content: &'a DocumentContent,
    pub payment: DocumentId,
}

/// Sets a payment against the money that went back. Returns how many applications and reversals that made.
pub(super) async fn take_back(tx: &mut Tx, decider: &Decider, back: &Back<'_>) -> Result<usize> {
    let Some(payment) = receivables::find(tx, back.payment).await? else { return Ok(0) };
    let fits = payment.currency == back.content.currency.code() && payment.customer_code == back.content.customer_code;
    if !fits || payment.customer_code.is_empty() {
        return Ok(0);
    }
    let given = |debits: Vec<(DocumentId, String, Decimal)>, reverses: Option<DocumentId>| Given {
        credit_id: back.payment,
        credit_number: payment.number.clone(),
        customer: (payment.customer_code.clone(), payment.customer_name.clone()),
        currency: back.content.currency,
        debits,
        reverses,
        decided_by: None,
        reason: format!("{} {} takes {} back", back.content.kind.label().to_lowercase(), back.content.number, payment.number),
        score: None,
        rules: None,
    };
    let mut open = payment.open;
    let mut reversed: Vec<Settled> = Vec::new();
    if back.content.kind != DocumentKind::Refund {
        for settled in receivables::settled_by(tx, back.payment).await? {
            if open >= back.content.amount {
                break;
            }
            open += settled.debits.iter().map(|(.., amount)| amount).sum::<Decimal>();
            reversed.push(settled);
        }
    }
    // a reversal first: until then nothing of the payment is free, here and in the ERP
    let reversals: Vec<Given> = reversed.iter().map(|settled| given(settled.debits.clone(), Some(settled.application))).collect();
    let mut made = decider.give(tx, Vec::new(), &reversals).await?.len();
    let amount = open.min(back.content.amount);
    let mut debits = if amount.is_zero() { Vec::new() } else { vec![(back.id, back.content.number.clone(), amount.normalize())] };
    let mut owed: Vec<_> = reversed.into_iter().rev().flat_map(|settled| settled.debits).collect();
    debits.extend(again(&mut owed, open - amount));
    if !debits.is_empty() {
        made += decider.give(tx, Vec::new(), &[given(debits, None)]).await?.len();
    }
    if back.content.kind == DocumentKind::Chargeback {
        let reopened: Vec<DocumentId> = owed.iter().map(|(id, ..)| *id).collect();
        receivables::dispute(tx, back.id, &reopened).await?;
    }
    Ok(made)
}

/// What is left of the payment settles what it settled before, the oldest first. `owed` keeps what is owed again.
fn again(owed: &mut Vec<(DocumentId, String, Decimal)>, left: Decimal) -> Vec<(DocumentId, String, Decimal)> {
    let mut merged: Vec<(DocumentId, String, Decimal)> = Vec::new();
    for (id, number, amount) in owed.drain(..) {
        match merged.iter_mut().find(|(known, ..)| *known == id) {
            Some((.., sum)) => *sum += amount,
            None => merged.push((id, number, amount)),
        }
    }
    *owed = merged;
    take(owed, left).into_iter().map(|(id, number, amount)| (id, number, amount.normalize())).collect()
}
