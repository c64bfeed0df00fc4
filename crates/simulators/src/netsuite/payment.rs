//! `customerPayment`: money received from a customer [B: schemas/customerPayment].

use super::{
    compose::{self, Head, Rules},
    error::Refusal,
    ledger::{ArLine, Document, RecordType},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The payment that the body makes, with nothing applied yet.
pub(super) fn document(rules: &Rules<'_>, body: Value, id: u64, unique_key: u64) -> Result<Document, Refusal> {
    let head = Head::read(rules, &body)?;
    let customer = head.customer(rules, &body, "customer", "")?;
    // Without an account it waits among the undeposited funds.
    if body.get("account").is_some() {
        compose::reference(&body, "account", "", |id| rules.lists.bank_accounts.iter().any(|a| a.id == id))?;
    }
    let total = amount(&body, head.decimals)?;
    let record_type = RecordType::CustomerPayment;
    Ok(Document {
        entity: Some(customer),
        total,
        ar: vec![ArLine { unique_key, amount: record_type.ar_amount(total) }],
        ..head.document(rules, record_type, body, id)
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
