//! Documents as Odoo holds them.

use super::{
    number, payload, refusal,
    wire::{Fault, Talk},
};
use crate::{Payload, ReadError};
use chrono::NaiveDate;
use domain::posting::{ErpDocument, ErpKind, ErpState, PostingKey};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// More documents with one key than this are as many as two.
pub(super) const SAME_KEY_ROWS_MAX: usize = 20;
const KEY_PREFIX: &str = "tieout-";

pub(super) const MOVE_TYPES: [&str; 2] = ["out_invoice", "out_refund"];
pub(super) const MOVE_FIELDS: [&str; 16] = [
    "name",
    "ref",
    "move_type",
    "state",
    "posted_before",
    "company_id",
    "partner_id",
    "currency_id",
    "amount_total",
    "amount_tax",
    "amount_untaxed",
    "date",
    "invoice_date",
    "invoice_date_due",
    "write_date",
    "journal_id",
];
/// A document with what only finishing it needs.
pub(super) struct Held {
    pub id: i64,
    pub document: ErpDocument,
    /// A draft that a crash left: never posted, and still what we sent. Anything else isn't ours to post or to remove.
    pub untouched: bool,
}

fn is_untouched(row: &Value, document: &ErpDocument, body: &Value) -> bool {
    let sent = &body["values"];
    let date = |key: &str| sent[key].as_str().and_then(|text| text.parse::<NaiveDate>().ok());
    document.state == ErpState::Draft
        && row["posted_before"] != true
        && (sent["move_type"] == "out_refund") == (document.kind == ErpKind::CreditMemo)
        && document.erp_number == sent["name"].as_str().unwrap_or_default()
        && document.customer_ref == sent["partner_id"].as_i64().map(|id| id.to_string())
        && body["currency"] == document.currency.code()
        && document.document_date == date("invoice_date")
        && number(&row["amount_untaxed"]).map(|net| net.normalize()) == payload::net(body, document.currency).map(|net| net.normalize())
}

pub(super) fn company_id(entity_ref: &str) -> Result<i64, ReadError> {
    entity_ref.parse().map_err(|_| ReadError::Unreadable(format!("{entity_ref:?} is not an Odoo company id")))
}

/// Every customer document of the company with our key, in any state, oldest first.
pub(super) async fn by_key(talk: &mut Talk<'_>, company: i64, payload: &Payload) -> Result<Vec<Held>, Fault> {
    let domain = json!([["ref", "=", payload.posting_key], ["company_id", "=", company], ["move_type", "in", MOVE_TYPES]]);
    let asked = json!({ "domain": domain, "fields": MOVE_FIELDS, "order": "id", "limit": SAME_KEY_ROWS_MAX });
    let rows = talk.call("account.move/search_read", company, asked).await?;
    let held = |row: &Value| {
        let document = document(row)?;
        Some(Held { id: row["id"].as_i64()?, untouched: is_untouched(row, &document, &payload.body), document })
    };
    rows.as_array()
        .and_then(|rows| rows.iter().map(held).collect())
        .ok_or_else(|| Fault::NoAnswer("Odoo's document can't be read".to_owned()))
}

/// The posted invoice that a credit memo corrects: in our journal, or the only one of that number elsewhere.
pub(super) async fn invoice_by_number(talk: &mut Talk<'_>, company: i64, journal: i64, number: &str) -> Result<i64, Fault> {
    let domain = json!([["name", "=", number], ["company_id", "=", company], ["move_type", "=", "out_invoice"], ["state", "=", "posted"]]);
    let asked = json!({ "domain": domain, "fields": ["journal_id"], "limit": SAME_KEY_ROWS_MAX });
    let found = talk.call("account.move/search_read", company, asked).await?;
    let rows = found.as_array().map(Vec::as_slice).unwrap_or_default();
    let ours = rows.iter().find(|row| row["journal_id"][0] == journal);
    let only = rows.first().filter(|_| rows.len() == 1);
    ours.or(only).and_then(|row| row["id"].as_i64()).ok_or_else(|| {
        Fault::Business(refusal(
            "applies_to_missing",
            format!("Odoo has no posted invoice {number} for this credit memo to correct."),
            "applies_to",
        ))
    })
}

/// Whose the number is in our journal: reference and customer of the posted document.
pub(super) async fn number_holder(talk: &mut Talk<'_>, company: i64, journal: i64, number: &str) -> Result<Option<String>, Fault> {
    let domain = json!([["name", "=", number], ["company_id", "=", company], ["journal_id", "=", journal], ["state", "=", "posted"]]);
    let found =
        talk.call("account.move/search_read", company, json!({ "domain": domain, "fields": ["ref", "partner_id"], "limit": 1 })).await?;
    Ok(found.get(0).map(|row| {
        let customer = row["partner_id"][1].as_str().unwrap_or("no customer");
        row["ref"].as_str().map_or_else(|| customer.to_owned(), |reference| format!("{customer}, {reference}"))
    }))
}

pub(super) fn document(row: &Value) -> Option<ErpDocument> {
    let kind = if row["move_type"] == "out_refund" { ErpKind::CreditMemo } else { ErpKind::Invoice };
    Some(ErpDocument {
        erp_id: row["id"].as_i64()?.to_string(),
        // a draft that nobody numbered has none
        erp_number: row["name"].as_str().unwrap_or_default().to_owned(),
        kind,
        state: state(&row["state"])?,
        total: number(&row["amount_total"])?,
        tax: Some(number(&row["amount_tax"])?),
        document_date: date(&row["invoice_date"]),
        due_date: date(&row["invoice_date_due"]),
        ..common(row)?
    })
}

/// The key of one line of a journal entry.
pub(super) fn line_id(row: &Value) -> Option<String> {
    Some(format!("{}/{}", row["move_id"][0].as_i64()?, row["id"].as_i64()?))
}

/// What both have; the rest is overwritten by the caller.
pub(super) fn common(row: &Value) -> Option<ErpDocument> {
    Some(ErpDocument {
        erp_id: String::new(),
        erp_number: String::new(),
        posting_key: row["ref"].as_str().filter(|text| text.starts_with(KEY_PREFIX)).map(|text| PostingKey(text.to_owned())),
        kind: ErpKind::Invoice,
        state: ErpState::Draft,
        entity_ref: row["company_id"][0].as_i64()?.to_string(),
        customer_ref: row["partner_id"][0].as_i64().map(|id| id.to_string()),
        currency: row["currency_id"][1].as_str()?.parse().ok()?,
        total: Decimal::ZERO,
        tax: None,
        document_date: None,
        posting_date: date(&row["date"])?,
        due_date: None,
        modified_at: row["write_date"].as_str().map(ToOwned::to_owned),
    })
}

pub(super) fn state(value: &Value) -> Option<ErpState> {
    match value.as_str()? {
        "posted" => Some(ErpState::Posted),
        "draft" => Some(ErpState::Draft),
        "cancel" => Some(ErpState::Voided),
        _ => None,
    }
}

fn date(value: &Value) -> Option<NaiveDate> {
    value.as_str()?.parse().ok()
}
