//! What one credit settles: reconciled receivable lines. Odoo keeps no document of it, only partial reconciles between two
//! lines, without our key. What they hold between the credit and each item is the state, and every write follows from reading it.

mod plan;
mod standing;

use super::{
    load, payload, payment, refusal,
    wire::{Fault, Talk},
};
use crate::Payload;
use chrono::NaiveDate;
use domain::{
    money::Currency,
    posting::{ErpDocument, ErpState, MappedDocument, MappedSettlement, Outcome, Probe, Refusal},
    stage::DocumentKind,
};
use plan::Step;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use standing::{At, Standing};

/// The settlement as mapped, and the dates, which Odoo doesn't keep.
pub(super) fn body(document: &MappedDocument) -> Value {
    json!({
        "company_id": payload::id(&document.entity_ref),
        "currency": document.currency,
        "document_date": document.document_date,
        "posting_date": document.posting_date,
        "due_date": document.due_date,
        "settlement": document.settlement,
    })
}

/// The frozen body, read.
struct Asked {
    company: i64,
    currency: Currency,
    takes_back: bool,
    credit: Key,
    /// In the order of the settlement's.
    debits: Vec<Key>,
    settlement: MappedSettlement,
}

/// What Odoo keeps an item's receivable lines under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Entry(i64),
    Payment(i64),
}

impl Key {
    fn of(erp_id: &str) -> Option<Self> {
        payment::id_of(erp_id).map(Self::Payment).or_else(|| erp_id.parse().ok().map(Self::Entry))
    }
}

impl Asked {
    fn of(payload: &Payload) -> Result<Self, Refusal> {
        let bad = |what: &str| refusal("bad_reference", format!("{what} in the application {}", payload.number), "applies_to");
        let body = &payload.body;
        let settlement: MappedSettlement =
            serde_json::from_value(body["settlement"].clone()).map_err(|_| bad("There is no readable settlement"))?;
        let key = |erp_id: &str| Key::of(erp_id).ok_or_else(|| bad(&format!("{erp_id:?} is not an Odoo journal entry's id")));
        let debits = settlement.debits.iter().map(|debit| key(&debit.item.erp_id)).collect::<Result<Vec<_>, _>>()?;
        let credit = key(&settlement.credit.erp_id)?;
        Ok(Self {
            company: body["company_id"].as_i64().ok_or_else(|| bad("There is no Odoo company id"))?,
            currency: body["currency"].as_str().and_then(|code| code.parse().ok()).ok_or_else(|| bad("There is no currency"))?,
            takes_back: payload.kind == DocumentKind::ApplicationReversal,
            credit,
            debits,
            settlement,
        })
    }

    fn entries(&self) -> Vec<i64> {
        let entry = |key: &Key| if let Key::Entry(id) = key { Some(*id) } else { None };
        self.debits.iter().chain([&self.credit]).filter_map(entry).collect()
    }

    fn payments(&self) -> Vec<i64> {
        let payment = |key: &Key| if let Key::Payment(id) = key { Some(*id) } else { None };
        self.debits.iter().chain([&self.credit]).filter_map(payment).collect()
    }

    fn total(&self) -> Decimal {
        self.settlement.debits.iter().map(|debit| debit.amount).sum()
    }
}

pub(super) async fn send(talk: &mut Talk<'_>, payload: &Payload) -> Outcome {
    let asked = match Asked::of(payload) {
        Ok(asked) => asked,
        Err(refusal) => return Outcome::Permanent(refusal),
    };
    let standing = match standing::read(talk, &asked).await {
        Ok(standing) => standing,
        Err(fault) => return fault.before_write(),
    };
    if standing.all(At::After) {
        return accepted(payload, &asked);
    }
    let steps = match steps(talk, &asked, &standing).await {
        Ok(steps) => steps,
        Err(fault) => return fault.before_write(),
    };
    let mut stopped = None;
    for (done, step) in steps.iter().enumerate() {
        match take(talk, &asked, payload, step).await {
            Ok(()) => {}
            Err(fault) if done == 0 && !matches!(fault, Fault::Business(_) | Fault::Permanent(_)) => return fault.after_write(),
            Err(fault) => {
                stopped = Some(fault);
                break;
            }
        }
    }
    // what was refused another worker may have done, and what was accepted may not be what is there
    let shown = standing::read(talk, &asked).await;
    match (shown, stopped) {
        (Ok(standing), _) if standing.all(At::After) => accepted(payload, &asked),
        (Ok(standing), Some(fault)) if standing.all(At::Before) => fault.after_write(),
        (Ok(_), None) => Outcome::Ambiguous { reason: "Odoo took it and shows other amounts as settled".to_owned() },
        (Ok(_), Some(fault)) => Outcome::Ambiguous { reason: format!("it is settled in part: {}", fault.reason()) },
        (Err(silent), _) => Outcome::Ambiguous { reason: format!("what is settled can't be read back: {}", silent.reason()) },
    }
}

/// Finishes an application of which some items are settled and the others as before: that is what a crash leaves.
pub(super) async fn look(talk: &mut Talk<'_>, payload: &Payload) -> Result<Probe, Fault> {
    let asked = Asked::of(payload).map_err(Fault::Permanent)?;
    let mut standing = standing::read(talk, &asked).await?;
    if standing.all(At::Before) {
        return Ok(Probe::Absent);
    }
    // refused for good: what is there is shown
    let missing = match steps(talk, &asked, &standing).await {
        Ok(steps) => steps,
        Err(Fault::Business(_) | Fault::Permanent(_)) => Vec::new(),
        Err(fault) => return Err(fault),
    };
    for step in &missing {
        match take(talk, &asked, payload, step).await {
            Ok(()) | Err(Fault::Business(_) | Fault::Permanent(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    if !missing.is_empty() {
        standing = standing::read(talk, &asked).await?;
    }
    let unreadable = || Fault::Permanent(refusal("bad_reference", format!("{} has no posting date", payload.number), "posting_date"));
    found(payload, &asked, &standing).map(|document| Probe::Found(Box::new(document))).ok_or_else(unreadable)
}

/// What is left to do. Tax that is due on payment is booked by Odoo's own reconciliation only, so no part of such an item is chosen.
async fn steps(talk: &mut Talk<'_>, asked: &Asked, standing: &Standing) -> Result<Vec<Step>, Fault> {
    let steps = plan::steps(asked, standing).map_err(Fault::Business)?;
    if !steps.iter().any(|step| matches!(step, Step::Portion(_))) {
        return Ok(steps);
    }
    let domain = json!([["move_id", "in", asked.entries()], ["tax_ids.tax_exigibility", "=", "on_payment"]]);
    let query = json!({ "domain": domain, "fields": ["move_id"], "limit": 1 });
    let found = talk.call("account.move.line/search_read", asked.company, query).await?;
    match found[0]["move_id"][1].as_str() {
        None => Ok(steps),
        Some(number) => {
            let because = "the tax that is due on payment would stay unbooked";
            Err(Fault::Business(plan::only_whole(number, &asked.settlement.credit.number, because)))
        }
    }
}

async fn take(talk: &mut Talk<'_>, asked: &Asked, payload: &Payload, step: &Step) -> Result<(), Fault> {
    match step {
        Step::Reconcile(lines) => talk.call("account.move.line/reconcile", asked.company, json!({ "ids": lines })).await.map(|_| ()),
        Step::Portion(portion) => {
            let key = format!("{}/{}/{}", payload.posting_key, portion.credit_line, portion.debit_line);
            load::once(talk, asked.company, "account.partial.reconcile", &key, &portion.values(), json!({})).await.map(|_| ())
        }
        Step::Unlink(partials) => {
            match talk.call("account.partial.reconcile/unlink", asked.company, json!({ "ids": partials })).await {
                // gone already
                Err(Fault::Permanent(refusal)) if refusal.code == "odoo.exceptions.MissingError" => Ok(()),
                answered => answered.map(|_| ()),
            }
        }
    }
}

fn erp_id(payload: &Payload, asked: &Asked) -> String {
    format!("{}/{}", asked.settlement.credit.erp_id, payload.posting_key)
}

fn accepted(payload: &Payload, asked: &Asked) -> Outcome {
    Outcome::Accepted { erp_id: erp_id(payload, asked), erp_number: payload.number.clone() }
}

/// The total is ours less what is settled too little or too much, so that it is ours only where every item is.
fn found(payload: &Payload, asked: &Asked, standing: &Standing) -> Option<ErpDocument> {
    let date = |key: &str| payload.body[key].as_str().and_then(|text| text.parse::<NaiveDate>().ok());
    Some(ErpDocument {
        erp_id: erp_id(payload, asked),
        erp_number: payload.number.clone(),
        posting_key: Some(payload.posting_key.clone()),
        kind: payload.kind.into(),
        state: ErpState::Posted,
        entity_ref: payload.entity_ref.clone(),
        customer_ref: None,
        currency: asked.currency,
        total: asked.total() - standing.astray(),
        tax: None,
        document_date: date("document_date"),
        posting_date: date("posting_date")?,
        due_date: date("due_date"),
        modified_at: None,
    })
}
