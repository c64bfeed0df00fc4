//! Invoices, credit memos and payments: made as a draft, then posted, and read back before anything is claimed.

use super::{
    Odoo, load, payload, payment,
    read::{self, Held},
    refusal,
    wire::{Fault, Talk},
};
use crate::Payload;
use domain::{
    posting::{ErpState, Outcome, Probe},
    stage::DocumentKind,
};
use serde_json::{Value, json};

fn model(kind: DocumentKind) -> &'static str {
    if kind.is_money() { payment::MODEL } else { "account.move" }
}

/// Everything in the company with our key, in any state, oldest first.
async fn by_key(talk: &mut Talk<'_>, company: i64, payload: &Payload) -> Result<Vec<Held>, Fault> {
    if payload.kind.is_money() { payment::by_key(talk, company, payload).await } else { read::by_key(talk, company, payload).await }
}

struct Ready {
    company: i64,
    /// `create`'s, with what only Odoo knows: the ids of journal, currency, payment method and corrected invoice.
    values: Value,
    context: Value,
}

impl Odoo {
    pub(super) async fn send(&self, talk: &mut Talk<'_>, payload: &Payload) -> Outcome {
        let Ready { company, values, context } = match self.ready(talk, payload).await {
            Ok(ready) => ready,
            Err(fault) => return fault.before_write(),
        };
        match by_key(talk, company, payload).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => return duplicate(payload),
            Err(fault) => return fault.before_write(),
        }
        match create(talk, company, payload, values, context).await {
            Ok(Some(id)) => self.post_draft(talk, payload, company, id).await,
            Ok(None) => Outcome::Ambiguous { reason: "Odoo created a document and didn't say which".to_owned() },
            // what another worker made meanwhile refuses a second one, and then it is there
            Err(fault @ (Fault::Business(_) | Fault::Permanent(_))) if payload.kind.is_money() => {
                match by_key(talk, company, payload).await {
                    Ok(found) if found.is_empty() => fault.after_write(),
                    Ok(_) => duplicate(payload),
                    Err(silent) => Outcome::Ambiguous { reason: silent.reason() },
                }
            }
            Err(fault) => fault.after_write(),
        }
    }

    async fn ready(&self, talk: &mut Talk<'_>, payload: &Payload) -> Result<Ready, Fault> {
        let mut values = payload.body["values"].clone();
        payload::check(&values).map_err(Fault::Permanent)?;
        let company = values["company_id"].as_i64().unwrap_or_default();
        values["currency_id"] = json!(self.currency(talk, company, &payload.body["currency"]).await?);
        if payload.kind.is_money() {
            let method = payment::method(talk, company, &payload.body).await?;
            values["payment_method_line_id"] = json!(method.id);
            return Ok(Ready { company, values, context: method.context() });
        }
        let journal = self.journal(talk, company).await?;
        values["journal_id"] = json!(journal);
        if let Some(number) = payload.body["applies_to"].as_str() {
            values["reversed_entry_id"] = json!(read::invoice_by_number(talk, company, journal, number).await?);
        }
        Ok(Ready { company, values, context: json!({}) })
    }

    /// Posts a draft that this conversation created. From here on only a plain refusal is certain; anything else leaves a draft.
    async fn post_draft(&self, talk: &mut Talk<'_>, payload: &Payload, company: i64, id: i64) -> Outcome {
        let refused = match action_post(talk, company, payload.kind, id).await {
            Ok(()) => None,
            Err(Fault::Business(refusal)) => Some(Outcome::Business(refusal)),
            Err(Fault::Permanent(refusal)) => Some(Outcome::Permanent(refusal)),
            Err(fault) => return Outcome::Ambiguous { reason: format!("draft {id} is in Odoo: {}", fault.reason()) },
        };
        // Odoo's answer is not what counts: it refuses a document that is posted already, and could accept without posting
        let held = match by_key(talk, company, payload).await {
            Ok(held) => held,
            Err(fault) => return Outcome::Ambiguous { reason: format!("document {id} can't be read back: {}", fault.reason()) },
        };
        if let Some(posted) = held.iter().find(|h| h.id == id && h.document.state == ErpState::Posted) {
            return Outcome::Accepted { erp_id: posted.document.erp_id.clone(), erp_number: posted.document.erp_number.clone() };
        }
        let Some(refused) = refused else {
            return Outcome::Ambiguous { reason: format!("Odoo posted document {id} and doesn't show it as posted") };
        };
        if let Err(fault) = discard(talk, company, payload.kind, &[id]).await {
            return Outcome::Ambiguous { reason: format!("the refused draft {id} is still in Odoo: {}", fault.reason()) };
        }
        if held.iter().any(|h| h.id != id) {
            return Outcome::Duplicate { reason: format!("another document with the reference {} came first", payload.posting_key) };
        }
        self.number_taken(talk, payload, company).await.unwrap_or(refused)
    }

    /// A number that somebody else's document has in our journal: never a duplicate of ours.
    async fn number_taken(&self, talk: &mut Talk<'_>, payload: &Payload, company: i64) -> Option<Outcome> {
        if payload.kind.is_money() {
            return None;
        }
        let journal = self.journal(talk, company).await.ok()?;
        let holder = read::number_holder(talk, company, journal, &payload.number).await.ok()??;
        let message = format!("The number {} already belongs to another document in Odoo ({holder}).", payload.number);
        Some(Outcome::Business(refusal("number_taken", message, "number")))
    }

    pub(super) async fn look(&self, talk: &mut Talk<'_>, payload: &Payload) -> Result<Probe, Fault> {
        let company = payload.body["values"]["company_id"].as_i64().unwrap_or_default();
        let mut held = by_key(talk, company, payload).await?;
        // a draft that was posted before and taken back is a person's doing: shown as it is
        let left_behind: Vec<i64> = held.iter().filter(|h| h.untouched).map(|h| h.id).collect();
        if let Some(first) = left_behind.first().filter(|_| left_behind.len() == held.len()) {
            match action_post(talk, company, payload.kind, *first).await {
                // refused for good: without the draft the next send is told why, or another worker finished it first
                Ok(()) | Err(Fault::Business(_) | Fault::Permanent(_)) => held = by_key(talk, company, payload).await?,
                Err(fault) => return Err(fault),
            }
        }
        let spare: Vec<i64> =
            held.iter().filter(|h| left_behind.contains(&h.id) && h.document.state == ErpState::Draft).map(|h| h.id).collect();
        discard(talk, company, payload.kind, &spare).await?;
        held.retain(|h| !spare.contains(&h.id));
        Ok(answer(held))
    }
}

fn duplicate(payload: &Payload) -> Outcome {
    Outcome::Duplicate { reason: format!("Odoo already has a document with the reference {}", payload.posting_key) }
}

async fn create(talk: &mut Talk<'_>, company: i64, payload: &Payload, values: Value, context: Value) -> Result<Option<i64>, Fault> {
    if payload.kind.is_money() {
        return load::once(talk, company, payment::MODEL, &payload.posting_key.0, &values, context).await.map(Some);
    }
    let created = talk.call("account.move/create", company, json!({ "vals_list": [values] })).await?;
    Ok(created[0].as_i64())
}

async fn action_post(talk: &mut Talk<'_>, company: i64, kind: DocumentKind, id: i64) -> Result<(), Fault> {
    talk.call(&format!("{}/action_post", model(kind)), company, json!({ "ids": [id] })).await.map(|_| ())
}

fn answer(held: Vec<Held>) -> Probe {
    let mut documents: Vec<_> = held.into_iter().map(|h| h.document).collect();
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Probe::Absent,
        (Some(only), true) => Probe::Found(Box::new(only)),
        (Some(last), false) => {
            documents.push(last);
            Probe::FoundTwice(documents)
        }
    }
}

/// Removes drafts of ours that were never posted. One that is gone already is fine.
async fn discard(talk: &mut Talk<'_>, company: i64, kind: DocumentKind, drafts: &[i64]) -> Result<(), Fault> {
    let method = format!("{}/unlink", model(kind));
    for id in drafts {
        match talk.call(&method, company, json!({ "ids": [id] })).await {
            Ok(_) => {}
            Err(Fault::Permanent(refusal)) if refusal.code == "odoo.exceptions.MissingError" => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}
