//! Charges of a gateway become payments in clearing: gross, to the customer of the invoice that the charge names, and applied to that
//! invoice at once.

use super::{
    enter::{self, Entry},
    give::{Decider, Given},
    receive::{hold_unidentified, payment, take},
};
use crate::{Context, retry::transaction};
use chrono::Datelike;
use domain::{
    access::Actor,
    document::DocumentContent,
    id::{DocumentId, GatewayAccountId},
    period::AccountingPeriod,
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use std::collections::HashMap;
use store::{
    Result, Tx,
    batches::ManifestLine,
    gateways::{self, Account, Charge, NamedInvoice},
    receivables::{self, Origin, Receipt},
};
use uuid::Uuid;

/// Charges of one transaction.
const CHARGES: i64 = 1_000;
const WHY: &str = "the gateway names the invoice that it charged";

/// Makes payments of the charges of an account that are none yet. Returns how many, and how many applications they made.
pub(crate) async fn charge(cx: &Context, account: &Account) -> anyhow::Result<(usize, usize)> {
    let (mut payments, mut applied) = (0, 0);
    loop {
        let done = transaction!(&cx.pool, |tx| run(cx, tx, account).await.map_err(super::receive::overtaken))?;
        (payments, applied) = (payments + done.0, applied + done.1);
        if done.0 == 0 {
            return Ok((payments, applied));
        }
    }
}

async fn run(cx: &Context, tx: &mut Tx, account: &Account) -> Result<(usize, usize)> {
    receivables::lock_entity(tx, account.entity_id).await?;
    let charges = gateways::charges(tx, account.gateway_account_id, CHARGES).await?;
    if charges.is_empty() {
        return Ok((0, 0));
    }
    let decider = Decider::of(cx, tx, account.entity_id, Actor::System("gateway".into())).await?;
    let named: Vec<String> = charges.iter().flat_map(|charge| charge.invoice_numbers.iter().cloned()).collect();
    let invoices = gateways::invoices(tx, account.entity_id, &named).await?;
    let mut pass = Pass { account, decider, invoices: invoices.into_iter().map(|invoice| (invoice.number.clone(), invoice)).collect() };
    let mut given = Vec::new();
    // they come in the order of time, so each period is one run of them
    let periods: Vec<&[Charge]> = charges.chunk_by(|left, right| pass.period(left) == pass.period(right)).collect();
    for of_period in periods {
        given.extend(pass.enter(tx, of_period).await?);
    }
    pass.decider.give(tx, Vec::new(), &given).await?;
    Ok((charges.len(), given.len()))
}

struct Pass<'a> {
    account: &'a Account,
    decider: Decider,
    /// What is open of them goes down as they are given to.
    invoices: HashMap<String, NamedInvoice>,
}

impl Pass<'_> {
    fn period(&self, charge: &Charge) -> AccountingPeriod {
        AccountingPeriod::of(self.decider.day(charge.created_at))
    }

    /// Enters charges of one period as a batch. Returns what they are to be applied to.
    async fn enter(&mut self, tx: &mut Tx, charges: &[Charge]) -> Result<Vec<Given>> {
        let Some(first) = charges.first() else { return Ok(Vec::new()) };
        let (period, year) = (self.period(first), self.decider.day(first.created_at).year());
        let numbers = receivables::take_numbers(tx, self.decider.entity, "RC", year, charges.len()).await?;
        let documents: Vec<(DocumentId, DocumentContent)> =
            charges.iter().zip(numbers).map(|(charge, number)| (DocumentId(Uuid::now_v7()), self.payment(charge, number))).collect();
        let entry = Entry {
            entity: self.decider.entity,
            source: "gateway",
            number: &format!("{} {}", self.decider.entity_code, documents[0].1.number),
            period,
            actor: &self.decider.actor,
            reason: format!("charged through {}", self.account.code),
            at: self.decider.at,
            manifest: Some(manifest(tx, self.account.gateway_account_id, charges).await?),
        };
        enter::enter(tx, entry, &documents).await?;
        let links: Vec<_> = documents.iter().zip(charges).map(|((id, _), charge)| (*id, self.origin(charge))).collect();
        receivables::link(tx, &links).await?;
        let unknown: Vec<DocumentId> =
            documents.iter().filter(|(_, content)| content.customer_code.is_empty()).map(|(id, _)| *id).collect();
        hold_unidentified(tx, &unknown, &self.decider).await?;
        Ok(documents.iter().zip(charges).filter_map(|((id, content), charge)| self.given(*id, content, charge)).collect())
    }

    fn origin(&self, charge: &Charge) -> Origin {
        Origin::Charge(self.account.gateway_account_id, charge.entry_id.clone())
    }

    /// The payer is the customer of the first invoice that is known; without one he is not known.
    fn payment(&self, charge: &Charge, number: String) -> DocumentContent {
        let invoice = charge.invoice_numbers.iter().find_map(|number| self.invoices.get(number));
        let customer = invoice.map(|invoice| (invoice.customer_code.clone(), invoice.customer_name.clone())).unwrap_or_default();
        let receipt = Receipt {
            document_id: None,
            origin: self.origin(charge),
            account: self.account.code.clone(),
            amount: charge.amount,
            currency: charge.currency,
            received_on: self.decider.day(charge.created_at),
            customer_code: String::new(),
            taken_back: false,
            end_to_end_id: None,
            structured_references: Vec::new(),
            documents: charge.invoice_numbers.clone(),
            mandate: None,
            payer_name: None,
            payer_account: None,
            text: charge.text.clone(),
        };
        payment(&receipt, number, 1, customer)
    }

    /// What the charge gives to the invoices that it names, as far as they are open; the rest stays unapplied.
    fn given(&mut self, credit_id: DocumentId, content: &DocumentContent, charge: &Charge) -> Option<Given> {
        let mut owed: Vec<(DocumentId, String, Decimal)> = Vec::new();
        for number in &charge.invoice_numbers {
            let fits = |invoice: &&NamedInvoice| invoice.currency == content.currency && invoice.customer_code == content.customer_code;
            let Some(invoice) = self.invoices.get(number).filter(fits) else { continue };
            if owed.iter().all(|(id, ..)| *id != invoice.document_id) {
                owed.push((invoice.document_id, number.clone(), invoice.open));
            }
        }
        let debits = take(&mut owed, content.amount);
        for (_, number, amount) in &debits {
            if let Some(invoice) = self.invoices.get_mut(number) {
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

/// What the gateway's own rows come to.
async fn manifest(tx: &mut Tx, account: GatewayAccountId, charges: &[Charge]) -> Result<Vec<ManifestLine>> {
    let entries: Vec<&str> = charges.iter().map(|charge| charge.entry_id.as_str()).collect();
    let totals = gateways::charge_totals(tx, account, &entries).await?;
    let line = |total: gateways::ChargeTotal| ManifestLine {
        currency: total.currency,
        kind: DocumentKind::Payment,
        count: total.count,
        total: total.total,
        tax: Decimal::ZERO,
    };
    Ok(totals.into_iter().map(line).collect())
}
