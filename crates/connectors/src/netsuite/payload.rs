//! The record body [B: schemas/invoice, schemas/creditMemo, schemas/customerPayment, schemas/journalEntry]. Amounts are JSON numbers with exactly our digits.

use super::apply;
use domain::{
    money::Currency,
    posting::{MappedDocument, MappedLine, Refusal},
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What the account calls things that no mapping translates.
pub(super) struct Names {
    pub(super) currencies: BTreeMap<Currency, String>,
    pub(super) receivables_account: Option<String>,
}

pub(super) fn body(document: &MappedDocument, names: &Names) -> Value {
    // A currency without an id goes under its code: NetSuite refuses it and names the field.
    let currency = names.currencies.get(&document.currency).map_or_else(|| document.currency.code(), String::as_str);
    match document.kind {
        DocumentKind::Invoice | DocumentKind::CreditMemo => billing(document, currency),
        DocumentKind::Payment => payment(document, currency),
        DocumentKind::Refund | DocumentKind::ReturnedPayment | DocumentKind::Chargeback | DocumentKind::Transfer => {
            journal(document, currency, names.receivables_account.as_deref())
        }
        DocumentKind::CashApplication | DocumentKind::ApplicationReversal => apply::body(document),
    }
}

/// Refuses what NetSuite has no place for, before anything is sent: a payment comes to one account, and a journal debits one that is known.
pub(super) fn check(body: &Value) -> Result<(), Refusal> {
    if body["line"]["items"][0]["account"].is_null() && body["line"].is_object() {
        let message = "The settings of the connection name no receivables_account, which money that went back is debited to.".to_owned();
        return Err(Refusal { code: "receivables_account".to_owned(), message, field: Some("line".to_owned()) });
    }
    let Some(accounts) = body["account"].as_array() else { return Ok(()) };
    let named: Vec<&str> = accounts.iter().filter_map(|account| account["id"].as_str()).collect();
    let named = if named.is_empty() { "none".to_owned() } else { named.join(" and ") };
    let message = format!("A payment in NetSuite comes to one account; this one names {named}.");
    Err(Refusal { code: "accounts".to_owned(), message, field: Some("account".to_owned()) })
}

/// Nothing is applied by creating it: that is a document of its own.
fn payment(document: &MappedDocument, currency: &str) -> Value {
    let accounts: BTreeSet<&str> = document.lines.iter().map(|line| line.account_ref.as_str()).collect();
    let accounts: Vec<Value> = accounts.into_iter().map(reference).collect();
    // Several are kept as such for [`check`].
    let account = if let [account] = accounts.as_slice() { account.clone() } else { Value::Array(accounts) };
    let memo: Vec<&str> = document.lines.iter().map(|line| line.description.as_str()).collect();
    json!({
        "externalId": document.posting_key.0,
        "tranId": document.number,
        "customer": reference(&document.customer_ref),
        "subsidiary": reference(&document.entity_ref),
        "currency": reference(currency),
        "tranDate": document.posting_date.to_string(),
        "payment": number(document.total),
        "account": account,
        "memo": memo.join("; "),
        "autoApply": false,
    })
}

/// Debits the customer's receivable again, and credits the accounts that the money left [H:section_0223040947].
fn journal(document: &MappedDocument, currency: &str, receivables_account: Option<&str>) -> Value {
    let memo = |line: &MappedLine| line.description.clone();
    let debit = json!({
        "account": receivables_account.map(reference),
        "debit": number(document.total),
        "entity": reference(&document.customer_ref),
        "memo": document.lines.iter().map(memo).collect::<Vec<_>>().join("; "),
    });
    let credit = |line: &MappedLine| json!({ "account": reference(&line.account_ref), "credit": number(line.net), "memo": memo(line) });
    let lines: Vec<Value> = [debit].into_iter().chain(document.lines.iter().map(credit)).collect();
    json!({
        "externalId": document.posting_key.0,
        "tranId": document.number,
        "subsidiary": reference(&document.entity_ref),
        "currency": reference(currency),
        "tranDate": document.posting_date.to_string(),
        "memo": document.number,
        "approved": true,
        "line": { "items": lines },
    })
}

fn billing(document: &MappedDocument, currency: &str) -> Value {
    let lines: Vec<Value> = document.lines.iter().enumerate().map(|(index, mapped)| line(document, index, mapped)).collect();
    let mut body = json!({
        "externalId": document.posting_key.0,
        "tranId": document.number,
        "entity": reference(&document.customer_ref),
        "subsidiary": reference(&document.entity_ref),
        "currency": reference(currency),
        // The one date that NetSuite has; its posting period follows from it.
        "tranDate": document.posting_date.to_string(),
        "item": { "items": lines },
    });
    // A credit memo has no due date [B: schemas/creditMemo].
    if document.kind == DocumentKind::Invoice {
        body["dueDate"] = document.due_date.to_string().into();
    }
    if let Some(invoice) = &document.applies_to {
        body["otherRefNum"] = invoice.as_str().into();
    }
    if document.tax_is_ours {
        body["taxDetailsOverride"] = true.into();
        body["taxDetails"] =
            json!({ "items": document.lines.iter().enumerate().map(|(index, line)| tax_detail(index, line)).collect::<Vec<_>>() });
    }
    body
}

fn line(document: &MappedDocument, index: usize, line: &MappedLine) -> Value {
    let mut body = json!({
        "item": reference(&line.item_ref),
        "account": reference(&line.account_ref),
        "description": line.description,
        "quantity": number(line.quantity),
        "rate": number(line.unit_price),
        // Sent although it follows from the two: it is rounded here, and by nobody else.
        "amount": number(line.net),
    });
    if document.tax_is_ours {
        body["taxDetailsReference"] = tax_reference(index).into();
    } else {
        body["taxCode"] = reference(&line.tax_ref);
    }
    body
}

/// SuiteTax: our tax of a line, tied to it by the reference [B: invoice-taxDetailsElement].
fn tax_detail(index: usize, line: &MappedLine) -> Value {
    json!({
        "taxDetailsReference": reference(&tax_reference(index)),
        "taxCode": reference(&line.tax_ref),
        "taxBasis": number(line.net),
        "taxAmount": number(line.tax),
    })
}

fn tax_reference(index: usize) -> String {
    format!("line-{}", index + 1)
}

/// References are objects with the internal id [H:section_0209125602].
pub(super) fn reference(id: &str) -> Value {
    json!({ "id": id })
}

/// The digits as they are, never through a double. A decimal's text is always a JSON number.
pub(super) fn number(amount: Decimal) -> Value {
    amount.to_string().parse().map_or(Value::Null, Value::Number)
}
