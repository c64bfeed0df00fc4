//! Every object the account has. Only what differs from the resource's blank is kept, because a year of a company is a hundred thousand
//! invoices, and an object as Stripe shows it is mostly nulls.

use serde_json::{Map, Value};
use std::{collections::HashMap, sync::LazyLock};

/// One object of each resource with every key it has in Stripe's own fixtures [FIX], and nothing in it.
static BLANKS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("objects.json")).unwrap_or_else(|error| unreachable!("objects.json: {error}")));

/// Path, name and id prefix of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Resource {
    BalanceTransaction,
    Charge,
    Customer,
    Dispute,
    Event,
    Invoice,
    InvoicePayment,
    PaymentIntent,
    Payout,
    Refund,
}

use Resource::*;

impl Resource {
    pub(super) const ALL: [Self; 10] =
        [BalanceTransaction, Charge, Customer, Dispute, Event, Invoice, InvoicePayment, PaymentIntent, Payout, Refund];

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            BalanceTransaction => ("balance_transactions", "balance_transaction", "txn"),
            Charge => ("charges", "charge", "ch"),
            Customer => ("customers", "customer", "cus"),
            Dispute => ("disputes", "dispute", "dp"),
            Event => ("events", "event", "evt"),
            Invoice => ("invoices", "invoice", "in"),
            InvoicePayment => ("invoice_payments", "invoice_payment", "inpay"),
            PaymentIntent => ("payment_intents", "payment_intent", "pi"),
            Payout => ("payouts", "payout", "po"),
            Refund => ("refunds", "refund", "re"),
        }
    }

    pub(super) fn named(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.path() == path)
    }

    pub(super) fn path(self) -> &'static str {
        self.words().0
    }

    pub(super) fn name(self) -> &'static str {
        self.words().1
    }

    pub(super) fn prefix(self) -> &'static str {
        self.words().2
    }
}

/// Fields by which lists are asked for, so that a list need not look at everything.
const INDEXED: [&str; 5] = ["charge", "customer", "invoice", "payment_intent", "source"];

struct Stored {
    created: i64,
    /// JSON of the fields that were set.
    fields: Box<str>,
}

#[derive(Default)]
pub(super) struct Shelf {
    lists: HashMap<Resource, Vec<Stored>>,
    places: HashMap<String, (Resource, usize)>,
    /// By resource, field and value: places in the list, oldest first.
    index: HashMap<(Resource, &'static str, String), Vec<usize>>,
}

impl Shelf {
    /// Objects come in the order of their creation.
    pub(super) fn add(&mut self, resource: Resource, created: i64, fields: &Value) {
        let list = self.lists.entry(resource).or_default();
        let place = list.len();
        for name in INDEXED {
            let value = fields[name].as_str().or_else(|| fields["payment"][name].as_str());
            if let Some(value) = value {
                self.index.entry((resource, name, value.to_owned())).or_default().push(place);
            }
        }
        if let Some(id) = fields["id"].as_str() {
            self.places.insert(id.to_owned(), (resource, place));
        }
        list.push(Stored { created, fields: fields.to_string().into() });
    }

    /// A balance transaction does not show its payout, but can be listed by it.
    pub(super) fn pay(&mut self, transaction: &str, payout: &str) {
        if let Some((resource, place)) = self.places.get(transaction) {
            self.index.entry((*resource, "payout", payout.to_owned())).or_default().push(*place);
        }
    }

    pub(super) fn change(&mut self, id: &str, changes: Value) {
        let Some((resource, place)) = self.places.get(id).copied() else { return };
        let (mut fields, Value::Object(changes)) = (self.fields(resource, place), changes) else { return };
        for (name, value) in changes {
            fields[name] = value;
        }
        self.lists.entry(resource).or_default()[place].fields = fields.to_string().into();
    }

    fn fields(&self, resource: Resource, place: usize) -> Value {
        let stored = self.lists.get(&resource).and_then(|list| list.get(place));
        stored.and_then(|stored| serde_json::from_str(&stored.fields).ok()).unwrap_or_default()
    }

    /// As Stripe shows it.
    pub(super) fn get(&self, id: &str) -> Option<Value> {
        let (resource, place) = self.places.get(id)?;
        Some(self.shown(*resource, *place))
    }

    pub(super) fn resource_of(&self, id: &str) -> Option<Resource> {
        self.places.get(id).map(|(resource, _)| *resource)
    }

    /// What was set of it; enough for the account's own rules.
    pub(super) fn bare(&self, id: &str) -> Value {
        self.places.get(id).map(|(resource, place)| self.fields(*resource, *place)).unwrap_or_default()
    }

    pub(super) fn created(&self, resource: Resource, place: usize) -> i64 {
        self.lists.get(&resource).and_then(|list| list.get(place)).map_or(0, |stored| stored.created)
    }

    pub(super) fn shown(&self, resource: Resource, place: usize) -> Value {
        let mut fields = self.fields(resource, place);
        if resource == Event {
            let object = fields["data"]["object"].take();
            let name = object["object"].as_str().unwrap_or_default().to_owned();
            fields["data"]["object"] = whole(&name, object);
        }
        whole(resource.name(), fields)
    }

    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).map(|(_, place)| *place)
    }

    pub(super) fn count(&self, resource: Resource) -> usize {
        self.lists.get(&resource).map_or(0, Vec::len)
    }

    /// Places that have this value, oldest first; `None` when the field is not indexed.
    pub(super) fn with(&self, resource: Resource, field: &str, value: &str) -> Option<Vec<usize>> {
        let name = INDEXED.into_iter().chain(["payout"]).find(|name| *name == field)?;
        Some(self.index.get(&(resource, name, value.to_owned())).cloned().unwrap_or_default())
    }
}

/// The blank of a resource with these fields in it.
pub(super) fn whole(name: &str, fields: Value) -> Value {
    let mut whole = BLANKS.get(name).cloned().unwrap_or_default();
    if let (Some(whole), Value::Object(fields)) = (whole.as_object_mut(), fields) {
        whole.extend(fields);
    }
    whole
}
