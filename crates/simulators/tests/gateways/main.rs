//! The gateways' objects against what the vendors publish: key for key.
//!
//! Where the vendors' files are not at hand, the committed lists of keys still hold.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adyen;
mod stripe;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::path::PathBuf;

fn now() -> DateTime<Utc> {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

/// A vendor's file of the corpus.
fn corpus(path: &str) -> Option<Value> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    match std::fs::read_to_string(file) {
        Ok(text) => Some(serde_json::from_str(&text).unwrap()),
        Err(_) => {
            println!("skipped: corpus not found");
            None
        }
    }
}

/// Invoices enough that everything happens to some.
fn invoices() -> Value {
    let invoices = (0..1_500).map(|number| {
        json!({
            "number": format!("INV-{number}"), "customer": format!("C-{}", number % 50), "customer_name": "Alder GmbH", "amount": "120.00",
            "currency": "EUR", "due": format!("2026-0{}-{:02}", 6 + number % 2, 1 + number % 28),
        })
    });
    invoices.collect::<Vec<_>>().into()
}

async fn post(url: &str, path: &str, body: &Value) -> Value {
    let response = reqwest::Client::new().post(format!("{url}/admin/{path}")).json(body).send().await.unwrap();
    assert!(response.status().is_success(), "{path}");
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}
