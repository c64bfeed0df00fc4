//! `customerPayment`: money received from a customer [B: schemas/customerPayment].

use super::{
    compose::{self, Rules},
    error::Refusal,
    ledger::{ArLine, Document, RecordType},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The payment that the body makes, with nothing applied yet.
pub(super) fn document(rules: &Rules<'_>, body: Value, id: u64, unique_key: u64) -> Result<Document, Refusal> {
    let lists = rules.lists;
    let customer = compose::reference(&body, "customer", "", |id| lists.customers.iter().any(|c| c.id == id))?;
    let subsidiary = compose::reference(&body, "subsidiary", "", |id| lists.subsidiaries.iter().any(|s| s.id == id))?;
    compose::check_customer(lists, "customer", &customer, &subsidiary)?;
    let currency = compose::reference(&body, "currency", "", |id| lists.currency(id).is_some())?;
    // Without an account it waits among the undeposited funds.
    if body.get("account").is_some() {
        compose::reference(&body, "account", "", |id| lists.bank_accounts.iter().any(|a| a.id == id))?;
    }
    let tran_date = compose::date(&body, "tranDate")?.unwrap_or(rules.now.date_naive());
    let posting_period = compose::posting_period(rules, &body, tran_date)?;
    let total = amount(&body, lists.currency(&currency).map_or(2, |c| c.decimals))?;
    let record_type = RecordType::CustomerPayment;
    Ok(Document {
        id,
        record_type,
        external_id: body["externalId"].as_str().map(str::to_owned),
        tran_id: body["tranId"].as_str().map_or_else(|| format!("{}{id}", record_type.query_type()), str::to_owned),
        subsidiary,
        entity: Some(customer),
        currency,
        tran_date,
        due_date: None,
        posting_period,
        tax_total: Decimal::ZERO,
        total,
        ar: vec![ArLine { unique_key, amount: record_type.ar_amount(total) }],
        apply: Vec::new(),
        voided: false,
        by_hand: false,
        last_modified: rules.now,
        body,
    })
}

fn amount(body: &Value, decimals: u32) -> Result<Decimal, Refusal> {
    let amount = compose::number(body, "payment", "")?.ok_or_else(|| Refusal::content("payment", "Please enter a value for payment."))?;
    // The code is from [P]; REST may wrap it (U).
    if amount <= Decimal::ZERO {
        let detail = "The amount of a payment must be positive.";
        return Err(Refusal { code: "NEGATIVE_PAYMENT_DISALLWD", ..Refusal::content("payment", detail) });
    }
    Ok(compose::round(amount, decimals))
}
