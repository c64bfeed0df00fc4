//! What clients ask for with POST, each under an idempotency key.

use super::{error::Refusal, ledger::Books};
use crate::gateway::Method;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Results are kept for at least 24 hours (contract: Idempotency).
const KEPT_SECONDS: i64 = 24 * 3600;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Write {
    /// Without `/v1/`.
    pub(super) path: String,
    pub(super) form: Vec<(String, String)>,
    pub(super) key: Option<String>,
    /// A fault: 500, which is kept.
    #[serde(default)]
    pub(super) fails: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) is_replayed: bool,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status, body: refusal.body(), is_replayed: false }
    }
}

pub(super) struct Kept {
    request: String,
    at: i64,
    answer: Answer,
}

impl Books {
    /// The first result under a key is given again, errors too; other parameters under it are an error (contract: Idempotency).
    pub(super) fn answer(&mut self, write: &Write) -> Answer {
        let request = format!("{} {:?}", write.path, write.form);
        let Some(key) = write.key.clone() else { return self.perform(write) };
        if let Some(kept) = self.kept.get(&key).filter(|kept| self.clock - kept.at < KEPT_SECONDS) {
            return if kept.request == request {
                Answer { is_replayed: true, ..kept.answer.clone() }
            } else {
                Refusal::other_parameters(&key).into()
            };
        }
        let answer = self.perform(write);
        self.kept.insert(key, Kept { request, at: self.clock, answer: answer.clone() });
        answer
    }

    fn perform(&mut self, write: &Write) -> Answer {
        if write.fails {
            return Refusal::server_error().into();
        }
        let path: Vec<&str> = write.path.split('/').collect();
        let done = match path.as_slice() {
            ["refunds"] => self.create_refund(&Form(&write.form)),
            ["invoices", id, "pay"] => self.pay_invoice(id, &Form(&write.form)),
            ["payment_intents", id, "confirm"] => self.confirm(id, &Form(&write.form)),
            _ => Err(Refusal::unknown_path(&write.path)),
        };
        match done {
            Ok(id) => Answer { status: StatusCode::OK, body: self.shelf.get(&id).unwrap_or_default(), is_replayed: false },
            Err(refusal) => refusal.into(),
        }
    }

    fn create_refund(&mut self, form: &Form<'_>) -> Result<String, Refusal> {
        form.allow(&["charge", "payment_intent", "amount", "reason", "metadata"])?;
        let charge = match (form.get("charge"), form.get("payment_intent")) {
            (Some(charge), _) => charge.to_owned(),
            (None, Some(intent)) => {
                let bare = self.shelf.bare(intent);
                bare["latest_charge"].as_str().map(str::to_owned).ok_or_else(|| Refusal::missing("payment_intent", intent))?
            }
            (None, None) => return Err(Refusal::request("parameter_missing", "charge", "One of charge or payment_intent is required.")),
        };
        if self.shelf.get(&charge).is_none() {
            return Err(Refusal::missing("charge", &charge));
        }
        let left = self.refundable(&charge);
        let amount = match form.get("amount") {
            None => left,
            Some(text) => text.parse().map_err(|_| Refusal::request("parameter_invalid_integer", "amount", "Invalid integer."))?,
        };
        if left == 0 {
            return Err(Refusal::request("charge_already_refunded", "charge", "The charge has nothing left to refund."));
        }
        if self.is_disputed(&charge) {
            return Err(Refusal::request("charge_disputed", "charge", "The charge has been charged back."));
        }
        if amount <= 0 || amount > left {
            return Err(Refusal::request("amount_too_large", "amount", "The amount is not between 1 and what is left of the charge."));
        }
        Ok(self.refund(&charge, amount, form.get("reason"), &form.metadata()))
    }

    fn pay_invoice(&mut self, invoice: &str, form: &Form<'_>) -> Result<String, Refusal> {
        form.allow(&["payment_method", "off_session"])?;
        let bare = self.shelf.bare(invoice);
        if !invoice.starts_with("in_") || bare.is_null() {
            return Err(Refusal::missing("invoice", invoice));
        }
        if bare["status"] != "open" {
            return Err(Refusal::request("invoice_already_paid", "invoice", "Invoice is already paid."));
        }
        self.collect_now(invoice, form.get("payment_method"))?;
        Ok(invoice.to_owned())
    }

    fn confirm(&mut self, intent: &str, form: &Form<'_>) -> Result<String, Refusal> {
        form.allow(&["payment_method", "off_session"])?;
        let invoice = self.invoice_of(intent).ok_or_else(|| Refusal::missing("intent", intent))?;
        if self.shelf.bare(&invoice)["status"] != "open" {
            return Err(Refusal::request("payment_intent_unexpected_state", "intent", "The payment has been collected already."));
        }
        if form.get("payment_method") == Some("pm_card_authenticationRequired") {
            self.shelf.change(intent, json!({ "status": "requires_action", "next_action": { "type": "use_stripe_sdk" } }));
            return Ok(intent.to_owned());
        }
        self.collect_now(&invoice, form.get("payment_method"))?;
        Ok(intent.to_owned())
    }

    /// The test payment methods that Stripe gives for declines (docs.stripe.com/testing) decline here too.
    fn collect_now(&mut self, invoice: &str, payment_method: Option<&str>) -> Result<(), Refusal> {
        let is_processing = self.shelf.bare(&self.intent_of(invoice))["status"] == "processing";
        if is_processing {
            return Err(Refusal::request("payment_intent_unexpected_state", "invoice", "A direct debit is on its way."));
        }
        let decline = match payment_method {
            Some("pm_card_chargeDeclined") => Some("generic_decline"),
            Some("pm_card_chargeDeclinedInsufficientFunds") => Some("insufficient_funds"),
            _ => None,
        };
        let method = self.plans.get(invoice).map_or(Method::Card, |plan| plan.method);
        let charge = self.collect(invoice, method, decline);
        decline.map_or(Ok(()), |code| Err(Refusal::declined(code, &charge)))
    }
}

struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn allow(&self, names: &[&str]) -> Result<(), Refusal> {
        let root = |name: &'a str| name.split('[').next().unwrap_or(name);
        match self.0.iter().map(|(name, _)| name.as_str()).find(|name| !names.contains(&root(name)) && root(name) != "expand") {
            Some(unknown) => Err(Refusal::unknown_parameter(unknown)),
            None => Ok(()),
        }
    }

    fn metadata(&self) -> Value {
        let inner = |name: &'a str| name.strip_prefix("metadata[").and_then(|rest| rest.strip_suffix(']'));
        self.0.iter().filter_map(|(name, value)| Some((inner(name)?.to_owned(), json!(value)))).collect::<serde_json::Map<_, _>>().into()
    }
}
