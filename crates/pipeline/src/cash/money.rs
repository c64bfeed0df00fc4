//! Money as documents: what came to an account of ours or left it, entered together as a batch with what its bank or its gateway says it
//! comes to.

use super::{
    enter::{self, Entry},
    give::Decider,
    take_back::{self, Back},
};
use chrono::{Datelike, NaiveDate};
use domain::{
    document::{DocumentContent, DocumentLine},
    id::{CorrelationId, DocumentId},
    money::Currency,
    period::AccountingPeriod,
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;
use store::{
    Result, Tx,
    batches::ManifestLine,
    movements::{Cause, transition},
    receivables::{self, Moved, Receipt},
};
use uuid::Uuid;

/// Money of one kind and period.
pub(super) struct MoneyBatch<'a> {
    pub kind: DocumentKind,
    /// `bank` or `gateway`.
    pub source: &'static str,
    /// The last day of it; its period is the batch's.
    pub day: NaiveDate,
    pub reason: String,
    pub manifest: Vec<ManifestLine>,
    pub moves: Vec<Move<'a>>,
}

/// One movement of money.
pub(super) struct Move<'a> {
    pub id: DocumentId,
    pub receipt: &'a Receipt,
    /// Code and name; empty: not known.
    pub customer: (String, String),
}

/// Enters a batch, says what moved each of its documents, and holds what is of nobody that is known.
pub(super) async fn enter(tx: &mut Tx, decider: &Decider, batch: MoneyBatch<'_>) -> Result<Vec<(DocumentId, DocumentContent)>> {
    let numbers = receivables::take_numbers(tx, decider.entity, series(batch.kind), batch.day.year(), batch.moves.len()).await?;
    let document = |(of, number): (&Move<'_>, String)| (of.id, document(batch.kind, of.receipt, number, 1, of.customer.clone()));
    let documents: Vec<(DocumentId, DocumentContent)> = batch.moves.iter().zip(numbers).map(document).collect();
    let Some((_, first)) = documents.first() else { return Ok(Vec::new()) };
    let entry = Entry {
        entity: decider.entity,
        source: batch.source,
        number: &format!("{} {}", decider.entity_code, first.number),
        period: AccountingPeriod::of(batch.day),
        actor: &decider.actor,
        reason: batch.reason,
        at: decider.at,
        manifest: Some(batch.manifest),
    };
    enter::enter(tx, entry, &documents).await?;
    let link = |of: &Move<'_>| Moved { document_id: of.id, origin: of.receipt.origin.clone(), takes_back: of.receipt.takes_back };
    receivables::link(tx, &batch.moves.iter().map(link).collect::<Vec<_>>()).await?;
    let unknown: Vec<DocumentId> = documents.iter().filter(|(_, content)| content.customer_code.is_empty()).map(|(id, _)| *id).collect();
    hold_unidentified(tx, &unknown, decider).await?;
    Ok(documents)
}

/// Enters money that went back and sets its payments against it. Returns how many applications and reversals that made.
pub(super) async fn enter_back(tx: &mut Tx, decider: &Decider, batch: MoneyBatch<'_>) -> Result<usize> {
    let payments: Vec<Option<DocumentId>> = batch.moves.iter().map(|of| of.receipt.takes_back).collect();
    let documents = enter(tx, decider, batch).await?;
    let mut applied = 0;
    for ((id, content), payment) in documents.iter().zip(payments) {
        if let Some(payment) = payment {
            applied += take_back::take_back(tx, decider, &Back { id: *id, content, payment }).await?;
        }
    }
    Ok(applied)
}

fn series(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Refund => "RF",
        DocumentKind::ReturnedPayment => "RT",
        DocumentKind::Chargeback => "CB",
        _ => "RC",
    }
}

/// Money as it came or went, or as a new version when the customer was found.
pub(super) fn document(kind: DocumentKind, money: &Receipt, number: String, version: i32, customer: (String, String)) -> DocumentContent {
    let Receipt { account, text, amount, currency, received_on, .. } = money;
    content(kind, Told { account, text, amount: *amount, currency: *currency, day: *received_on }, number, version, customer)
}

/// What there is to tell of money.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// The account of ours that it came to or left.
    pub account: &'a str,
    pub text: &'a str,
    pub amount: Decimal,
    pub currency: Currency,
    pub day: NaiveDate,
}

/// A document of money; its line is the account.
pub(super) fn content(kind: DocumentKind, told: Told<'_>, number: String, version: i32, customer: (String, String)) -> DocumentContent {
    let amount = told.amount.normalize();
    let line = DocumentLine {
        item_code: told.account.to_owned(),
        description: told.text.to_owned(),
        quantity: Decimal::ONE,
        unit_price: amount,
        net: amount,
        tax: Decimal::ZERO,
        tax_code: String::new(),
    };
    DocumentContent {
        kind,
        number,
        version,
        customer_code: customer.0,
        customer_name: customer.1,
        currency: told.currency,
        amount,
        tax: Decimal::ZERO,
        issue_date: told.day,
        due_date: told.day,
        posting_date: told.day,
        period: AccountingPeriod::of(told.day),
        applies_to: None,
        lines: vec![line],
    }
}

/// Money of a customer who is not known goes nowhere until somebody says whose it is.
async fn hold_unidentified(tx: &mut Tx, documents: &[DocumentId], decider: &Decider) -> Result<()> {
    let cause = Cause {
        actor: decider.actor.clone(),
        reason: "the payer is not known".into(),
        correlation_id: CorrelationId(Uuid::now_v7()),
        at: decider.at,
    };
    transition(tx, documents, Stage::Held, &cause).await?;
    Ok(())
}
