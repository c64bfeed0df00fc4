//! GET: lists newest first with `limit`, `starting_after`, `ending_before` and filters, one object by id, and `expand[]`.

use super::{
    error::Refusal,
    ledger::Books,
    shelf::{Resource, whole},
};
use serde_json::{Value, json};

const LIMIT_MAX: usize = 100;
const LIMIT: usize = 10;

/// What every list takes, beside `created[…]`.
const COMMON: [&str; 5] = ["limit", "starting_after", "ending_before", "created", "expand"];

/// The filters of a list, by the vendor's API reference.
fn filters(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::BalanceTransaction => &["payout", "type", "source", "currency"],
        Resource::Charge => &["customer", "payment_intent"],
        Resource::Customer => &["email"],
        Resource::Dispute | Resource::Refund => &["charge", "payment_intent"],
        Resource::Event => &["type", "types"],
        Resource::Invoice => &["customer", "status", "collection_method"],
        Resource::InvoicePayment => &["invoice", "payment", "status"],
        Resource::PaymentIntent => &["customer"],
        Resource::Payout => &["status", "arrival_date"],
    }
}

type Parameters = [(String, String)];

impl Books {
    /// `path` is without `/v1/`.
    pub(super) fn read(&self, path: &str, parameters: &Parameters) -> Result<Value, Refusal> {
        let parts: Vec<&str> = path.split('/').collect();
        let mut answer = match parts.as_slice() {
            ["balance"] => self.balance(),
            [list] => self.list(Resource::named(list).ok_or_else(|| Refusal::unknown_path(path))?, parameters)?,
            [list, id] => self.one(Resource::named(list).ok_or_else(|| Refusal::unknown_path(path))?, id)?,
            ["invoices", id, "lines"] => self.one(Resource::Invoice, id)?["lines"].take(),
            _ => return Err(Refusal::unknown_path(path)),
        };
        for (_, expanded) in parameters.iter().filter(|(name, _)| root(name) == "expand") {
            let segments: Vec<&str> = expanded.split('.').collect();
            self.expand(&mut answer, &segments);
        }
        Ok(answer)
    }

    fn balance(&self) -> Value {
        let (available, pending) = self.held();
        let row = |amount: i64| json!([{ "amount": amount, "currency": self.conversion.settlement.to_lowercase(), "source_types": { "card": amount } }]);
        whole("balance", json!({ "object": "balance", "available": row(available), "pending": row(pending) }))
    }

    fn one(&self, resource: Resource, id: &str) -> Result<Value, Refusal> {
        let found = self.shelf.get(id).filter(|_| self.shelf.resource_of(id) == Some(resource));
        found.ok_or_else(|| Refusal::missing(resource.name(), id))
    }

    fn list(&self, resource: Resource, parameters: &Parameters) -> Result<Value, Refusal> {
        let allowed = filters(resource);
        if let Some((unknown, _)) = parameters.iter().find(|(name, _)| !allowed.contains(&root(name)) && !COMMON.contains(&root(name))) {
            return Err(Refusal::unknown_parameter(unknown));
        }
        let limit = limit(parameters)?;
        let after = self.bound(resource, parameters, "starting_after")?;
        let before = self.bound(resource, parameters, "ending_before")?;
        let within = |place: &usize| after.is_none_or(|after| *place < after) && before.is_none_or(|before| *place > before);
        let candidates = self.candidates(resource, parameters);
        let matches = |place: &usize| self.is_created_within(resource, *place, parameters) && self.passes(resource, *place, parameters);
        let wanted = limit + 1;
        let mut places: Vec<usize> = if before.is_some() {
            candidates.into_iter().filter(within).filter(matches).take(wanted).collect()
        } else {
            candidates.into_iter().rev().filter(within).filter(matches).take(wanted).collect()
        };
        let has_more = places.len() > limit;
        places.truncate(limit);
        if before.is_some() {
            places.reverse();
        }
        let data: Vec<Value> = places.into_iter().map(|place| self.shelf.shown(resource, place)).collect();
        Ok(json!({ "object": "list", "url": format!("/v1/{}", resource.path()), "has_more": has_more, "data": data }))
    }

    fn bound(&self, resource: Resource, parameters: &Parameters, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(id) = get(parameters, name) else { return Ok(None) };
        let place = self.shelf.place(id).filter(|_| self.shelf.resource_of(id) == Some(resource));
        place.map(Some).ok_or_else(|| Refusal::request("resource_missing", name, &format!("No such {}: '{id}'", resource.name())))
    }

    /// Oldest first. By an index where a filter has one; else from the first that is new enough.
    fn candidates(&self, resource: Resource, parameters: &Parameters) -> Vec<usize> {
        let indexed = parameters.iter().find_map(|(name, value)| self.shelf.with(resource, leaf(name), value));
        indexed.unwrap_or_else(|| {
            let count = self.shelf.count(resource);
            let from: i64 = get(parameters, "created[gte]").and_then(|text| text.parse().ok()).unwrap_or(i64::MIN);
            let (mut low, mut high) = (0, count);
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.shelf.created(resource, middle) < from { low = middle + 1 } else { high = middle }
            }
            (low..count).collect()
        })
    }

    fn is_created_within(&self, resource: Resource, place: usize, parameters: &Parameters) -> bool {
        let created = self.shelf.created(resource, place);
        parameters.iter().all(|(name, value)| {
            let bound: i64 = value.parse().unwrap_or_default();
            match name.as_str() {
                "created[gte]" => created >= bound,
                "created[gt]" => created > bound,
                "created[lte]" => created <= bound,
                "created[lt]" => created < bound,
                _ => true,
            }
        })
    }

    fn passes(&self, resource: Resource, place: usize, parameters: &Parameters) -> bool {
        let by_value: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (leaf(name), value.as_str()))
            .filter(|(name, _)| matches!(*name, "type" | "status" | "currency" | "collection_method" | "types"))
            .collect();
        // `payment[type]` has one value here
        if by_value.is_empty() || resource == Resource::InvoicePayment {
            return true;
        }
        let object = self.shelf.shown(resource, place);
        let types: Vec<&str> = by_value.iter().filter(|(name, _)| *name == "types").map(|(_, value)| *value).collect();
        let is_type = types.is_empty() || object["type"].as_str().is_some_and(|found| types.contains(&found));
        is_type && by_value.iter().filter(|(name, _)| *name != "types").all(|(name, value)| object[*name] == **value)
    }

    /// Replaces ids by what they name, wherever the path leads; other values stay.
    fn expand(&self, value: &mut Value, segments: &[&str]) {
        match (value, segments) {
            (Value::Array(items), _) => items.iter_mut().for_each(|item| self.expand(item, segments)),
            (Value::Object(fields), [first, rest @ ..]) => {
                if let Some(inner) = fields.get_mut(*first) {
                    if let Some(object) = inner.as_str().and_then(|id| self.shelf.get(id)) {
                        *inner = object;
                    }
                    self.expand(inner, rest);
                }
            }
            _ => {}
        }
    }
}

fn limit(parameters: &Parameters) -> Result<usize, Refusal> {
    let Some(text) = get(parameters, "limit") else { return Ok(LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| Refusal::request("parameter_invalid_integer", "limit", "limit is between 1 and 100"))
}

fn get<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// `created` of `created[gte]`.
fn root(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// `payment_intent` of `payment[payment_intent]`, `types` of `types[]`.
fn leaf(name: &str) -> &str {
    let name = name.strip_suffix("[]").unwrap_or(name);
    name.rsplit('[').next().unwrap_or(name).trim_end_matches(']')
}
