//! What happens to a payment, object by object, movement by movement, with the events that announce it.

use super::{
    DisputeFee,
    balance::Movement,
    ledger::{Books, Step},
    shelf::Resource,
};
use crate::gateway::{Dispute, Method, working_days_after};
use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};

/// Between a direct debit and its bank's answer.
const CLEARING_DAYS: u32 = 3;
const EVIDENCE_DAYS: TimeDelta = TimeDelta::days(14);
pub(super) fn method_type(method: Method, currency: &str) -> &'static str {
    match method {
        Method::Card => "card",
        Method::DirectDebit if currency == "EUR" => "sepa_debit",
        Method::DirectDebit if currency == "GBP" => "bacs_debit",
        Method::DirectDebit => "us_bank_account",
    }
}

impl Books {
    pub(super) fn happen(&mut self, step: Step) {
        match step {
            Step::Attempt { invoice, ordinal } => self.attempt_as_planned(&invoice, ordinal),
            Step::Clear { charge } => self.clear(&charge),
            Step::Return { charge } => self.give_back(&charge),
            Step::Refund { charge, is_partial } => {
                let left = self.refundable(&charge);
                let amount = if is_partial { (left / 2).max(1) } else { left };
                if left > 0 && !self.is_disputed(&charge) {
                    self.refund(&charge, amount, Some("requested_by_customer"), &json!({}));
                }
            }
            Step::Dispute { charge, dispute } => self.dispute(&charge, dispute),
            Step::Decide { dispute, is_won } => self.decide(&dispute, is_won),
            Step::Payday => self.payday(),
            Step::Arrive { payout } => self.arrive(&payout),
            Step::TakeBack => self.take_back(),
            Step::Release { amount } => {
                self.reserve(amount);
            }
        }
    }

    fn attempt_as_planned(&mut self, invoice: &str, ordinal: usize) {
        let Some(plan) = self.plans.get(invoice).cloned() else { return };
        let Some(attempt) = plan.attempts.get(ordinal).copied() else { return };
        if self.shelf.bare(invoice)["status"] != "open" {
            return;
        }
        let decline = (!attempt.succeeds).then_some("insufficient_funds");
        self.collect(invoice, plan.method, decline);
        if let (Some(_), Some(next)) = (decline, plan.attempts.get(ordinal + 1)) {
            self.shelf.change(invoice, json!({ "next_payment_attempt": next.at.timestamp() }));
            self.plan_step(next.at.timestamp(), Step::Attempt { invoice: invoice.to_owned(), ordinal: ordinal + 1 });
        }
    }

    /// One attempt to collect what is open; the charge it made.
    pub(super) fn collect(&mut self, invoice: &str, method: Method, decline: Option<&str>) -> String {
        let bare = self.shelf.bare(invoice);
        let (amount, currency) = (bare["amount_remaining"].as_i64().unwrap_or_default(), bare["currency"].clone());
        let intent = self.intent_of(invoice);
        let kind = method_type(method, &self.conversion.settlement);
        let (status, is_paid) = match (decline, method) {
            (Some(_), _) => ("failed", false),
            (None, Method::Card) => ("succeeded", true),
            (None, Method::DirectDebit) => ("pending", false),
        };
        let mut fields = json!({
            "amount": amount, "amount_captured": if is_paid { amount } else { 0 }, "captured": is_paid, "paid": is_paid, "status": status,
            "currency": currency, "customer": bare["customer"], "payment_intent": intent, "description": format!("Invoice {}", bare["number"].as_str().unwrap_or_default()),
            "failure_code": decline.map(|_| "card_declined"), "failure_message": decline.map(|_| "Your card has insufficient funds."),
        });
        if method == Method::DirectDebit {
            fields["payment_method_details"] =
                json!({ "type": kind, kind: { "bank_name": null, "country": null, "last4": "6789", "mandate": null } });
        }
        let charge = self.make(Resource::Charge, fields);
        let attempts = bare["attempt_count"].as_i64().unwrap_or(0) + 1;
        self.shelf.change(invoice, json!({ "attempt_count": attempts, "attempted": true, "next_payment_attempt": null }));
        match (decline, method) {
            (Some(code), _) => self.declined(invoice, &intent, &charge, code),
            (None, Method::Card) => self.paid(invoice, &intent, &charge),
            (None, Method::DirectDebit) => {
                self.shelf.change(&intent, json!({ "status": "processing", "latest_charge": charge }));
                self.announce("payment_intent.processing", &intent);
                self.announce("charge.pending", &charge);
                let answered = working_days_after(self.now().date_naive(), CLEARING_DAYS).and_time(NaiveTime::MIN).and_utc();
                self.plan_step(answered.timestamp() + 10 * 3600, Step::Clear { charge: charge.clone() });
            }
        }
        charge
    }

    fn declined(&mut self, invoice: &str, intent: &str, charge: &str, code: &str) {
        let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": code, "charge": charge });
        let changes = json!({ "status": "requires_payment_method", "latest_charge": charge, "last_payment_error": error });
        self.shelf.change(intent, changes);
        self.announce("charge.failed", charge);
        self.announce("payment_intent.payment_failed", intent);
        self.announce("invoice.payment_failed", invoice);
    }

    /// The money is ours: a movement, and everything says so.
    fn paid(&mut self, invoice: &str, intent: &str, charge: &str) {
        let bare = self.shelf.bare(charge);
        let amount = bare["amount"].as_i64().unwrap_or_default();
        let (settled, exchange_rate) = self.conversion.settled(amount, bare["currency"].as_str().unwrap_or_default());
        let is_card = bare["payment_method_details"].is_null();
        let transaction = self.move_money(&Movement {
            kind: if is_card { "charge" } else { "payment" },
            category: "charge",
            amount: settled,
            fee: self.tariff.fee(settled),
            source: charge.into(),
            description: bare["description"].as_str().unwrap_or_default(),
            exchange_rate,
            is_immediate: false,
        });
        let changes = json!({
            "status": "succeeded", "paid": true, "captured": true, "amount_captured": amount, "balance_transaction": transaction,
        });
        self.shelf.change(charge, changes);
        self.shelf.change(
            intent,
            json!({ "status": "succeeded", "amount_received": amount, "latest_charge": charge, "last_payment_error": null }),
        );
        self.settle_invoice(invoice, amount, "paid");
        self.announce("charge.succeeded", charge);
        self.announce("payment_intent.succeeded", intent);
        self.announce("invoice.paid", invoice);
        self.plan_aftermath(invoice, charge, settled);
    }

    fn plan_aftermath(&mut self, invoice: &str, charge: &str, settled: i64) {
        use crate::gateway::Aftermath;
        let charge = charge.to_owned();
        match self.plans.get(invoice).and_then(|plan| plan.aftermath) {
            None => {
                if self.largest.as_ref().is_none_or(|(amount, _)| *amount < settled) {
                    self.largest = Some((settled, charge));
                }
            }
            Some(Aftermath::Returned { after }) => self.plan_step(self.in_days(after), Step::Return { charge }),
            Some(Aftermath::Refunded { after, is_partial }) => self.plan_step(self.in_days(after), Step::Refund { charge, is_partial }),
            Some(Aftermath::Disputed(dispute)) => self.plan_step(self.in_days(dispute.after), Step::Dispute { charge, dispute }),
        }
    }

    fn clear(&mut self, charge: &str) {
        let intent = self.shelf.bare(charge)["payment_intent"].as_str().unwrap_or_default().to_owned();
        if let Some(invoice) = self.invoice_of(&intent) {
            self.paid(&invoice, &intent, charge);
        }
    }

    /// A direct debit that its bank takes back: the movement is reversed without its fee, and the invoice is open again.
    fn give_back(&mut self, charge: &str) {
        let bare = self.shelf.bare(charge);
        let settled = self.shelf.bare(bare["balance_transaction"].as_str().unwrap_or_default());
        let transaction = self.move_money(&Movement {
            kind: "payment_failure_refund",
            category: "charge_failure",
            amount: -settled["amount"].as_i64().unwrap_or_default(),
            fee: 0,
            source: charge.into(),
            description: "Payment failure refund",
            exchange_rate: rate(&settled),
            is_immediate: true,
        });
        let message = "The customer has notified their bank that this payment was unauthorized.";
        let changes = json!({
            "status": "failed", "paid": false, "failure_code": "debit_not_authorized", "failure_message": message,
            "failure_balance_transaction": transaction,
        });
        self.shelf.change(charge, changes);
        let intent = bare["payment_intent"].as_str().unwrap_or_default().to_owned();
        self.shelf.change(&intent, json!({ "status": "requires_payment_method", "amount_received": 0 }));
        self.announce("charge.failed", charge);
        self.announce("payment_intent.payment_failed", &intent);
        if let Some(invoice) = self.invoice_of(&intent) {
            self.settle_invoice(&invoice, 0, "open");
            self.announce("invoice.payment_failed", &invoice);
        }
    }

    pub(super) fn refundable(&self, charge: &str) -> i64 {
        let bare = self.shelf.bare(charge);
        if bare["status"] == "succeeded" { bare["amount"].as_i64().unwrap_or(0) - bare["amount_refunded"].as_i64().unwrap_or(0) } else { 0 }
    }

    pub(super) fn is_disputed(&self, charge: &str) -> bool {
        self.shelf.bare(charge)["disputed"] == true
    }

    /// Fees are not given back (contract: Pitfalls).
    pub(super) fn refund(&mut self, charge: &str, amount: i64, reason: Option<&str>, metadata: &Value) -> String {
        let bare = self.shelf.bare(charge);
        let refund = self.make(
            Resource::Refund,
            json!({
                "amount": amount, "charge": charge, "currency": bare["currency"], "payment_intent": bare["payment_intent"], "reason": reason,
                "customer": bare["customer"], "status": "succeeded", "metadata": metadata,
            }),
        );
        let (settled, exchange_rate) = self.conversion.settled(amount, bare["currency"].as_str().unwrap_or_default());
        let transaction = self.move_money(&Movement {
            kind: if bare["payment_method_details"].is_null() { "refund" } else { "payment_refund" },
            category: "refund",
            amount: -settled,
            fee: 0,
            source: refund.as_str().into(),
            description: "REFUND FOR CHARGE",
            exchange_rate,
            is_immediate: true,
        });
        self.shelf.change(&refund, json!({ "balance_transaction": transaction }));
        let refunded = bare["amount_refunded"].as_i64().unwrap_or(0) + amount;
        let is_whole = bare["amount"].as_i64() == Some(refunded);
        self.shelf.change(charge, json!({ "amount_refunded": refunded, "refunded": is_whole }));
        self.announce("refund.created", &refund);
        self.announce("charge.refunded", charge);
        refund
    }

    /// The amount, and the fee in a row of its own or in the same one (contract: Pitfalls).
    fn dispute(&mut self, charge: &str, plan: Dispute) {
        if self.refundable(charge) == 0 {
            return;
        }
        let bare = self.shelf.bare(charge);
        let dispute = self.make(
            Resource::Dispute,
            json!({
                "amount": bare["amount"], "charge": charge, "currency": bare["currency"], "payment_intent": bare["payment_intent"],
                "reason": "fraudulent", "status": "needs_response", "is_charge_refundable": false,
                "evidence_details": {
                    "due_by": self.in_days(EVIDENCE_DAYS), "has_evidence": false, "past_due": false, "submission_count": 0,
                    "enhanced_eligibility": {},
                },
            }),
        );
        let (settled, exchange_rate) =
            self.conversion.settled(bare["amount"].as_i64().unwrap_or(0), bare["currency"].as_str().unwrap_or_default());
        let in_row = self.dispute_fee == DisputeFee::InRow;
        let row = |category, amount, fee, exchange_rate| Movement {
            kind: "adjustment",
            category,
            amount,
            fee,
            source: dispute.as_str().into(),
            description: "Chargeback withdrawal",
            exchange_rate,
            is_immediate: true,
        };
        let fee = self.tariff.dispute_fee;
        let mut rows = vec![self.move_money(&row("dispute", -settled, if in_row { fee } else { 0 }, exchange_rate))];
        if !in_row {
            rows.push(self.move_money(&row("fee", -fee, 0, None)));
        }
        self.show_movements(&dispute, &rows);
        self.shelf.change(charge, json!({ "disputed": true }));
        self.announce("charge.dispute.created", &dispute);
        self.announce("charge.dispute.funds_withdrawn", &dispute);
        self.plan_step(self.in_days(plan.decided_after), Step::Decide { dispute, is_won: plan.is_won });
    }

    fn decide(&mut self, dispute: &str, is_won: bool) {
        let bare = self.shelf.bare(dispute);
        self.shelf.change(dispute, json!({ "status": if is_won { "won" } else { "lost" } }));
        if is_won {
            let taken = bare["balance_transactions"][0].clone();
            let reversal = self.move_money(&Movement {
                kind: "adjustment",
                category: "dispute_reversal",
                amount: -taken["amount"].as_i64().unwrap_or_default(),
                fee: 0,
                source: dispute.into(),
                description: "Chargeback reversal",
                exchange_rate: rate(&taken),
                is_immediate: true,
            });
            let shown = bare["balance_transactions"].as_array().into_iter().flatten();
            let rows: Vec<String> = shown.filter_map(|row| row["id"].as_str().map(str::to_owned)).chain([reversal]).collect();
            self.show_movements(dispute, &rows);
            self.announce("charge.dispute.funds_reinstated", dispute);
        }
        self.announce("charge.dispute.closed", dispute);
    }

    fn show_movements(&mut self, dispute: &str, rows: &[String]) {
        let rows: Vec<Value> = rows.iter().filter_map(|id| self.shelf.get(id)).collect();
        self.shelf.change(dispute, json!({ "balance_transactions": rows }));
    }

    fn settle_invoice(&mut self, invoice: &str, paid: i64, status: &str) {
        let bare = self.shelf.bare(invoice);
        let is_paid = status == "paid";
        let paid_at = is_paid.then_some(self.clock);
        let mut transitions = bare["status_transitions"].clone();
        transitions["paid_at"] = json!(paid_at);
        let remaining = bare["amount_due"].as_i64().unwrap_or(0) - paid;
        let changes = json!({ "status": status, "amount_paid": paid, "amount_remaining": remaining, "status_transitions": transitions });
        self.shelf.change(invoice, changes);
        if let Some(payment) = self.payment_of(invoice) {
            let changes = json!({
                "status": status, "amount_paid": is_paid.then_some(paid), "status_transitions": { "canceled_at": null, "paid_at": paid_at },
            });
            self.shelf.change(&payment, changes);
        }
    }

    fn payment_of(&self, invoice: &str) -> Option<String> {
        let places = self.shelf.with(Resource::InvoicePayment, "invoice", invoice)?;
        let payment = self.shelf.shown(Resource::InvoicePayment, *places.first()?);
        payment["id"].as_str().map(str::to_owned)
    }

    pub(super) fn intent_of(&self, invoice: &str) -> String {
        let payment = self.payment_of(invoice).map(|id| self.shelf.bare(&id)).unwrap_or_default();
        payment["payment"]["payment_intent"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn invoice_of(&self, intent: &str) -> Option<String> {
        let places = self.shelf.with(Resource::InvoicePayment, "payment_intent", intent)?;
        let payment = self.shelf.shown(Resource::InvoicePayment, *places.first()?);
        payment["invoice"].as_str().map(str::to_owned)
    }
}

fn rate(movement: &Value) -> Option<rust_decimal::Decimal> {
    movement["exchange_rate"].as_number().and_then(|rate| rate.to_string().parse().ok())
}
