//! The account's books: what is planned, what has happened, and what is not paid out yet.

use super::{
    shelf::{Resource, Shelf},
    write::{Answer, Kept, Write},
};
use crate::{
    dice::Dice,
    gateway::{self, Conversion, Dispute, Dressed, Forgery, Invoice, Plan, Tariff, minor},
};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// What is to happen.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The planned attempt of this ordinal.
    Attempt {
        invoice: String,
        ordinal: usize,
    },
    /// A direct debit's bank has paid.
    Clear {
        charge: String,
    },
    Return {
        charge: String,
    },
    Refund {
        charge: String,
        is_partial: bool,
    },
    Dispute {
        charge: String,
        dispute: Dispute,
    },
    Decide {
        dispute: String,
        is_won: bool,
    },
    /// Midnight: what is available is paid out.
    Payday,
    Arrive {
        payout: String,
    },
    /// A large refund on a day with no other money: the payout is negative.
    TakeBack,
    Release {
        amount: i64,
    },
}

/// A movement that no payout has paid.
pub(super) struct Unpaid {
    pub(super) id: String,
    pub(super) net: i64,
    pub(super) available_at: i64,
}

pub(crate) struct Books {
    pub(super) seed: u64,
    pub(super) tariff: Tariff,
    pub(super) conversion: Conversion,
    pub(super) dispute_fee: super::DisputeFee,
    pub(super) shelf: Shelf,
    agenda: BTreeMap<(i64, u64), Step>,
    /// Unix seconds of what happens now.
    pub(super) clock: i64,
    made: u64,
    pub(super) customers: HashMap<String, String>,
    pub(super) plans: HashMap<String, Plan>,
    pub(super) unpaid: Vec<Unpaid>,
    pub(super) payouts: u64,
    /// The largest charge since the last payday that will not come back by itself.
    pub(super) largest: Option<(i64, String)>,
    pub(super) kept: HashMap<String, Kept>,
    announced: Vec<Value>,
}

impl Books {
    pub(super) fn new(config: &super::Config) -> Self {
        Self {
            seed: config.seed,
            tariff: Tariff::of(&config.country),
            conversion: Conversion { settlement: config.currency.to_uppercase(), rates: config.rates.clone() },
            dispute_fee: config.switches.dispute_fee,
            shelf: Shelf::default(),
            agenda: BTreeMap::new(),
            clock: 0,
            made: 0,
            customers: HashMap::new(),
            plans: HashMap::new(),
            unpaid: Vec::new(),
            payouts: 0,
            largest: None,
            kept: HashMap::new(),
            announced: Vec::new(),
        }
    }

    /// The same at every replay.
    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        self.made += 1;
        let mut dice = Dice::of(self.seed, &self.made.to_string());
        let digits = (0..23).map(|_| char::from(DIGITS[usize::try_from(dice.below(62)).unwrap_or(0)]));
        format!("{prefix}_1{}", digits.collect::<String>())
    }

    /// Adds an object that is made now; `id` is added.
    pub(super) fn make(&mut self, resource: Resource, mut fields: Value) -> String {
        let id = self.new_id(resource.prefix());
        fields["id"] = id.as_str().into();
        fields["created"] = self.clock.into();
        fields["object"] = resource.name().into();
        self.shelf.add(resource, self.clock, &fields);
        id
    }

    pub(super) fn announce(&mut self, event_type: &str, object: &str) {
        let snapshot = self.shelf.bare(object);
        let event = json!({ "type": event_type, "data": { "object": snapshot }, "api_version": super::VERSION, "pending_webhooks": 1 });
        let id = self.make(Resource::Event, event);
        self.announced.push(json!(id));
    }

    pub(super) fn plan_step(&mut self, at: i64, step: Step) {
        self.made += 1;
        self.agenda.insert((at, self.made), step);
    }

    pub(super) fn in_days(&self, days: TimeDelta) -> i64 {
        self.clock + days.num_seconds()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.clock, 0).unwrap_or_default()
    }

    pub(super) fn midnight_after(&self) -> i64 {
        (self.now().date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1)).timestamp()
    }

    fn take(&mut self, invoice: &Invoice) {
        let currency = invoice.currency.to_uppercase();
        let amount = minor(invoice.amount, &currency).unwrap_or_default();
        let customer = self.customer(invoice);
        let plan = gateway::plan(self.seed, invoice, self.now());
        let due = invoice.due.and_time(NaiveTime::MIN).and_utc().timestamp();
        let currency = currency.to_lowercase();
        let line = json!({
            "amount": amount, "currency": currency, "description": invoice.number, "discount_amounts": [], "discountable": false,
            "discounts": [], "id": self.new_id("il"), "invoice": null, "livemode": false, "metadata": {}, "object": "line_item",
            "parent": null, "period": { "start": self.clock, "end": self.clock }, "pretax_credit_amounts": null, "pricing": null,
            "quantity": 1, "quantity_decimal": "1", "subscription": null, "subtotal": amount, "taxes": null,
        });
        let id = self.make(
            Resource::Invoice,
            json!({
                "number": invoice.number, "customer": customer, "customer_name": invoice.customer_name, "currency": currency,
                "status": "open", "due_date": due, "effective_at": self.clock, "period_start": self.clock, "period_end": self.clock,
                "amount_due": amount, "amount_remaining": amount, "subtotal": amount, "subtotal_excluding_tax": amount,
                "total": amount, "total_excluding_tax": amount, "auto_advance": true,
                "next_payment_attempt": plan.attempts.first().map(|attempt| attempt.at.timestamp()),
                "status_transitions": { "finalized_at": self.clock, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
                "lines": { "data": [line], "has_more": false, "object": "list", "url": "/v1/invoices/lines" },
            }),
        );
        let kind = super::steps::method_type(plan.method, &self.conversion.settlement);
        let intent = self.make(
            Resource::PaymentIntent,
            json!({
                "amount": amount, "currency": currency, "customer": customer, "description": format!("Invoice {}", invoice.number),
                "status": "requires_confirmation", "payment_method_types": [kind],
            }),
        );
        self.make(
            Resource::InvoicePayment,
            json!({
                "invoice": id, "amount_requested": amount, "currency": currency, "is_default": true, "status": "open",
                "payment": { "type": "payment_intent", "payment_intent": intent },
            }),
        );
        self.announce("invoice.finalized", &id);
        if let Some(first) = plan.attempts.first() {
            self.plan_step(first.at.timestamp(), Step::Attempt { invoice: id.clone(), ordinal: 0 });
        }
        self.plans.insert(id, plan);
    }

    fn customer(&mut self, invoice: &Invoice) -> String {
        if let Some(id) = self.customers.get(&invoice.customer) {
            return id.clone();
        }
        let fields = json!({
            "name": invoice.customer_name, "currency": invoice.currency.to_lowercase(), "metadata": { "code": invoice.customer },
        });
        let id = self.make(Resource::Customer, fields);
        self.customers.insert(invoice.customer.clone(), id.clone());
        id
    }

    /// What we owe the merchant now, available and pending.
    pub(super) fn held(&self) -> (i64, i64) {
        let (available, pending): (Vec<&Unpaid>, Vec<&Unpaid>) = self.unpaid.iter().partition(|row| row.available_at <= self.clock);
        (available.iter().map(|row| row.net).sum(), pending.iter().map(|row| row.net).sum())
    }
}

impl gateway::Ledger for Books {
    type Write = Write;
    type Answer = Answer;

    fn feed(&mut self, at: DateTime<Utc>, invoices: &[Invoice]) -> Result<(), String> {
        for invoice in invoices {
            let (number, currency) = (&invoice.number, invoice.currency.to_uppercase());
            if minor(invoice.amount, &currency).is_none_or(|amount| amount <= 0) {
                return Err(format!("invoice {number}: {} {currency} is not an amount that can be collected", invoice.amount));
            }
            if !self.conversion.knows(&currency) {
                return Err(format!("invoice {number}: no rate from {currency} to {}", self.conversion.settlement));
            }
        }
        self.run(at);
        if self.plans.is_empty() && !invoices.is_empty() {
            self.plan_step(self.midnight_after(), Step::Payday);
        }
        invoices.iter().for_each(|invoice| self.take(invoice));
        Ok(())
    }

    fn run(&mut self, until: DateTime<Utc>) {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 <= until.timestamp()
        {
            let ((at, _), step) = entry.remove_entry();
            self.clock = self.clock.max(at);
            self.happen(step);
        }
        self.clock = self.clock.max(until.timestamp());
    }

    fn write(&mut self, at: DateTime<Utc>, write: Write) -> Answer {
        self.run(at);
        self.answer(&write)
    }

    fn announced(&mut self) -> Vec<Value> {
        let ids = std::mem::take(&mut self.announced);
        ids.iter().filter_map(|id| self.shelf.get(id.as_str().unwrap_or_default())).collect()
    }

    fn dress(event: &Value, secret: &str, forgery: Option<Forgery>, now: DateTime<Utc>) -> Dressed {
        super::sign::dress(event, secret, forgery, now)
    }

    fn overview(&self) -> Value {
        let counts = Resource::ALL.into_iter().map(|resource| (resource.path().to_owned(), json!(self.shelf.count(resource))));
        let (available, pending) = self.held();
        json!({
            "counts": counts.collect::<serde_json::Map<_, _>>(), "clock": self.now(), "currency": self.conversion.settlement,
            "available": available, "pending": pending,
        })
    }
}
