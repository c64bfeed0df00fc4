//! What we ask Stripe to do. Every request carries an idempotency key of ours, which the caller keeps: after an answer that did
//! not come, the same key and the same parameters find out what happened.

use super::{Stripe, fields::Fields, money::to_minor, read};
use crate::gateway::GatewayError;
use domain::{
    money::{Money, MoneyError},
    posting::Refusal,
    settlement::GatewayRefund,
};

/// What is refunded.
#[derive(Debug, Clone, Copy)]
pub enum RefundOf<'a> {
    Charge(&'a str),
    Payment(&'a str),
}

/// The reasons that Stripe takes (U).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundReason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
}

#[derive(Debug, Clone, Copy)]
pub struct RefundOrder<'a> {
    pub of: RefundOf<'a>,
    /// In the currency of the charge; all that is left of it when `None`.
    pub amount: Option<Money>,
    pub reason: Option<RefundReason>,
    /// Ours; stands in the refund's metadata.
    pub reference: &'a str,
}

/// How far a collection came. A decline is an error of its own, [`GatewayError::Declined`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    Paid,
    /// The bank has not answered yet, as with direct debits.
    Processing,
    /// The payer has to confirm.
    ActionRequired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The invoice or payment intent.
    pub id: String,
    pub collection: Collection,
}

impl Stripe {
    pub async fn refund(&self, order: &RefundOrder<'_>, idempotency_key: &str) -> Result<GatewayRefund, GatewayError> {
        let mut parameters = vec![match order.of {
            RefundOf::Charge(id) => ("charge", id.to_owned()),
            RefundOf::Payment(id) => ("payment_intent", id.to_owned()),
        }];
        if let Some(amount) = order.amount {
            parameters.push(("amount", to_minor(amount).map_err(|error| unsendable("amount", &error))?.to_string()));
        }
        if let Some(reason) = order.reason {
            let word = match reason {
                RefundReason::Duplicate => "duplicate",
                RefundReason::Fraudulent => "fraudulent",
                RefundReason::RequestedByCustomer => "requested_by_customer",
            };
            parameters.push(("reason", word.to_owned()));
        }
        let metadata = format!("metadata[{}]", self.reference_key);
        parameters.push((&metadata, order.reference.to_owned()));
        let refund = self.wire.post("refunds", &parameters, idempotency_key).await?;
        read::refund(Fields(&refund))
    }

    /// Collects an open invoice with its default payment method or this one.
    pub async fn collect_invoice(
        &self,
        invoice: &str,
        payment_method: Option<&str>,
        idempotency_key: &str,
    ) -> Result<Collected, GatewayError> {
        let parameters: Vec<_> = payment_method.map(|id| ("payment_method", id.to_owned())).into_iter().collect();
        let invoice = self.wire.post(&format!("invoices/{invoice}/pay"), &parameters, idempotency_key).await?;
        let words = [("paid", Collection::Paid), ("open", Collection::Processing)];
        collected(Fields(&invoice), &words)
    }

    /// Confirms a payment intent without the payer present.
    pub async fn collect_payment(
        &self,
        payment: &str,
        payment_method: Option<&str>,
        idempotency_key: &str,
    ) -> Result<Collected, GatewayError> {
        let mut parameters = vec![("off_session", "true".to_owned())];
        parameters.extend(payment_method.map(|id| ("payment_method", id.to_owned())));
        let payment = self.wire.post(&format!("payment_intents/{payment}/confirm"), &parameters, idempotency_key).await?;
        let words =
            [("succeeded", Collection::Paid), ("processing", Collection::Processing), ("requires_action", Collection::ActionRequired)];
        collected(Fields(&payment), &words)
    }
}

fn collected(object: Fields<'_>, words: &[(&str, Collection)]) -> Result<Collected, GatewayError> {
    Ok(Collected { id: object.need("id")?.to_owned(), collection: object.word("status", words)? })
}

fn unsendable(field: &str, error: &MoneyError) -> GatewayError {
    GatewayError::Permanent(Refusal { code: "unsendable".into(), message: error.to_string(), field: Some(field.into()) })
}
