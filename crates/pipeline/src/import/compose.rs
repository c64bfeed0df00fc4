//! Batches that Tieout makes itself, in the format of every other one: they come in through the same door.

use domain::document::DocumentContent;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The file of a batch of these documents, with the manifest that they add up to.
pub fn file(source: &str, batch: &str, entity: &str, documents: &[DocumentContent]) -> Value {
    let mut sums: BTreeMap<_, (u64, Decimal, Decimal)> = BTreeMap::new();
    for document in documents {
        let (count, total, tax) = sums.entry((document.currency, document.kind)).or_default();
        (*count, *total, *tax) = (*count + 1, *total + document.amount, *tax + document.tax);
    }
    let manifest = sums.into_iter().map(|((currency, kind), (count, total, tax))| {
        json!({ "currency": currency, "kind": kind, "count": count, "total": total.to_string(), "tax": tax.to_string() })
    });
    json!({
        "format": "tieout.invoice-batch/1", "source": source, "batch": batch, "entity": entity,
        "period": documents.iter().map(|document| document.period).max(),
        "manifest": manifest.collect::<Vec<_>>(), "documents": documents.iter().map(one).collect::<Vec<_>>(),
    })
}

fn one(document: &DocumentContent) -> Value {
    let lines = document.lines.iter().map(|line| {
        json!({
            "item": line.item_code, "description": line.description, "quantity": line.quantity.to_string(),
            "unit_price": line.unit_price.to_string(), "net": line.net.to_string(), "tax": line.tax.to_string(), "tax_code": line.tax_code,
        })
    });
    let mut shown = json!({
        "kind": document.kind, "number": document.number, "version": document.version,
        "customer": { "code": document.customer_code, "name": document.customer_name }, "currency": document.currency,
        "amount": document.amount.to_string(), "tax": document.tax.to_string(), "issue_date": document.issue_date,
        "due_date": document.due_date, "posting_date": document.posting_date, "lines": lines.collect::<Vec<_>>(),
    });
    if let Some(invoice) = &document.applies_to {
        shown["applies_to"] = invoice.as_str().into();
    }
    shown
}
