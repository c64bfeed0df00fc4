//! Movements of a gateway's balance become documents, in their order: charges are payments in clearing, gross, of the invoices that they
//! name, and what goes back takes them back.

use super::{
    give::{Decider, Given, take},
    money::{self, MoneyBatch, Move},
    refund,
};
use crate::{Context, retry::transaction};
use domain::{
    access::Actor,
    document::DocumentContent,
    id::{DocumentId, GatewayAccountId},
    period::AccountingPeriod,
    settlement::EntryKind,
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use std::collections::HashMap;
use store::{
    Result, Tx,
    batches::ManifestLine,
    gateways::{self, Account, Movement, NamedInvoice, PaidBy},
    receivables::{self, Origin, Receipt},
};
use uuid::Uuid;

/// Movements of one transaction.
const MOVEMENTS: i64 = 1_000;
const WHY: &str = "the gateway names the invoice that it charged";

/// Makes documents of the movements of an account that are none yet. Returns how many, and how many applications they made.
pub(crate) async fn enter_movements(cx: &Context, account: &Account) -> anyhow::Result<(usize, usize)> {
    let (mut documents, mut applied) = (0, 0);
    loop {
        let done = transaction!(&cx.pool, |tx| run(cx, tx, account).await.map_err(super::receive::overtaken))?;
        (documents, applied) = (documents + done.0, applied + done.1);
        if done.0 == 0 {
            return Ok((documents, applied));
        }
    }
}

async fn run(cx: &Context, tx: &mut Tx, account: &Account) -> Result<(usize, usize)> {
    receivables::lock_entity(tx, account.entity_id).await?;
    let decider = Decider::of(cx, tx, account.entity_id, Actor::System("gateway".into())).await?;
    // what was agreed here is a document already
    refund::tie_movements(tx, account.gateway_account_id, &decider).await?;
    let movements = gateways::movements(tx, account.gateway_account_id, MOVEMENTS).await?;
    if movements.is_empty() {
        return Ok((0, 0));
    }
    let pass = Pass { account, decider };
    let mut applied = 0;
    // they come in the order of time: what goes back finds the charge before it entered
    for run in movements.chunk_by(|left, right| pass.place(left) == pass.place(right)) {
        applied += pass.enter(tx, run).await?;
    }
    Ok((movements.len(), applied))
}

struct Pass<'a> {
    account: &'a Account,
    decider: Decider,
}

impl Pass<'_> {
    /// What stands in one batch.
    fn place(&self, movement: &Movement) -> (AccountingPeriod, Option<DocumentKind>) {
        (AccountingPeriod::of(self.decider.day(movement.created_at)), movement.kind.document())
    }

    /// Enters movements of one kind and period as a batch, and applies them. Returns how many applications that made.
    async fn enter(&self, tx: &mut Tx, movements: &[Movement]) -> Result<usize> {
        let Some(first) = movements.first() else { return Ok(0) };
        let Some(kind) = first.kind.document() else { return Ok(0) };
        let account = self.account.gateway_account_id;
        let named: Vec<String> = movements.iter().flat_map(|movement| movement.invoice_numbers.iter().cloned()).collect();
        let invoices = gateways::invoices(tx, self.account.entity_id, &named).await?;
        let mut invoices: HashMap<String, NamedInvoice> = invoices.into_iter().map(|invoice| (invoice.number.clone(), invoice)).collect();
        let entries: Vec<&str> = movements.iter().map(|movement| movement.entry_id.as_str()).collect();
        let paid_by = gateways::paid_by(tx, account, &entries).await?;
        let receipts: Vec<Receipt> = movements.iter().map(|movement| self.receipt(movement, kind, &paid_by)).collect();
        let moves = movements.iter().zip(&receipts).map(|(movement, receipt)| Move {
            id: DocumentId(Uuid::now_v7()),
            receipt,
            customer: payer(movement, &invoices, &paid_by),
        });
        let batch = MoneyBatch {
            kind,
            source: "gateway",
            day: self.decider.day(first.created_at),
            reason: format!("moved at {}", self.account.code),
            manifest: manifest(tx, account, kind, &entries).await?,
            moves: moves.collect(),
        };
        if kind.is_money_back() {
            return money::enter_back(tx, &self.decider, batch).await;
        }
        let documents = money::enter(tx, &self.decider, batch).await?;
        let won = movements.iter().filter(|movement| movement.kind == EntryKind::DisputeReversal);
        let won: Vec<&str> = won.map(|movement| movement.entry_id.as_str()).collect();
        receivables::end_disputes(tx, account, &won).await?;
        let both = documents.iter().zip(movements);
        let given: Vec<Given> = both.filter_map(|((id, content), movement)| self.given(*id, content, movement, &mut invoices)).collect();
        Ok(self.decider.give(tx, Vec::new(), &given).await?.len())
    }

    fn receipt(&self, movement: &Movement, kind: DocumentKind, paid_by: &HashMap<String, PaidBy>) -> Receipt {
        let paid = paid_by.get(&movement.entry_id).filter(|_| kind.is_money_back());
        Receipt {
            document_id: None,
            origin: Origin::Gateway(self.account.gateway_account_id, movement.entry_id.clone()),
            account: self.account.code.clone(),
            amount: movement.amount,
            currency: movement.currency,
            received_on: self.decider.day(movement.created_at),
            customer_code: String::new(),
            taken_back: false,
            takes_back: paid.map(|paid| paid.document_id),
            end_to_end_id: None,
            structured_references: Vec::new(),
            documents: movement.invoice_numbers.clone(),
            mandate: None,
            payer_name: None,
            payer_account: None,
            text: movement.text.clone(),
        }
    }

    /// What money gives to the invoices that it names, as far as they are open; the rest stays unapplied.
    fn given(
        &self,
        credit_id: DocumentId,
        content: &DocumentContent,
        movement: &Movement,
        invoices: &mut HashMap<String, NamedInvoice>,
    ) -> Option<Given> {
        let mut owed: Vec<(DocumentId, String, Decimal)> = Vec::new();
        for number in &movement.invoice_numbers {
            let fits = |invoice: &&NamedInvoice| invoice.currency == content.currency && invoice.customer_code == content.customer_code;
            let Some(invoice) = invoices.get(number).filter(fits) else { continue };
            if owed.iter().all(|(id, ..)| *id != invoice.document_id) {
                owed.push((invoice.document_id, number.clone(), invoice.open));
            }
        }
        let debits = take(&mut owed, content.amount);
        for (_, number, amount) in &debits {
            if let Some(invoice) = invoices.get_mut(number) {
                invoice.open -= amount;
            }
        }
        (!debits.is_empty()).then(|| Given {
            credit_id,
            credit_number: content.number.clone(),
            customer: (content.customer_code.clone(), content.customer_name.clone()),
            currency: content.currency,
            debits: debits.into_iter().map(|(id, number, amount)| (id, number, amount.normalize())).collect(),
            reverses: None,
            decided_by: None,
            reason: WHY.to_owned(),
            score: None,
            rules: None,
        })
    }
}

/// The customer of the payment that it belongs to, or of the first invoice that is known; without one he is not known.
fn payer(movement: &Movement, invoices: &HashMap<String, NamedInvoice>, paid_by: &HashMap<String, PaidBy>) -> (String, String) {
    let paid = paid_by.get(&movement.entry_id).filter(|paid| !paid.customer_code.is_empty());
    let invoice = || movement.invoice_numbers.iter().find_map(|number| invoices.get(number));
    match paid {
        Some(paid) => (paid.customer_code.clone(), paid.customer_name.clone()),
        None => invoice().map(|invoice| (invoice.customer_code.clone(), invoice.customer_name.clone())).unwrap_or_default(),
    }
}

/// What the gateway's own rows come to.
async fn manifest(tx: &mut Tx, account: GatewayAccountId, kind: DocumentKind, entries: &[&str]) -> Result<Vec<ManifestLine>> {
    let totals = gateways::movement_totals(tx, account, entries).await?;
    let line = |total: gateways::MovementTotal| ManifestLine {
        currency: total.currency,
        kind,
        count: total.count,
        total: total.total,
        tax: Decimal::ZERO,
    };
    Ok(totals.into_iter().map(line).collect())
}
