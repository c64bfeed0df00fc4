//! Every webhook that the simulated account sends has the keys that the vendor's OpenAPI names for its event.

use super::{corpus, invoices, now, post};
use axum::{Router, body::Bytes, routing};
use serde_json::{Value, json};
use simulators::adyen::{Config, FeeStyle, Simulator};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// Required and known keys of an event's item.
type Vocabulary = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn words(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

fn committed() -> Vocabulary {
    let items: BTreeMap<String, Value> = serde_json::from_str(include_str!("adyen_items.json")).unwrap();
    items.into_iter().map(|(event, item)| (event, (words(&item["required"]), words(&item["known"])))).collect()
}

/// The same out of the OpenAPI file.
fn published(api: &Value) -> Vocabulary {
    let follow = |value: &Value| {
        let name = value["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        api["components"]["schemas"][name].clone()
    };
    let item = |webhook: &Value| {
        let request = follow(&webhook["post"]["requestBody"]["content"]["application/json"]["schema"]);
        let wrapper = follow(&request["properties"]["notificationItems"]["items"]);
        follow(&wrapper["properties"]["NotificationRequestItem"])
    };
    committed()
        .into_keys()
        .map(|event| {
            let item = item(&api["webhooks"][format!("/{event}")]);
            let known = item["properties"].as_object().unwrap().keys().cloned().collect();
            (event, (words(&item["required"]), known))
        })
        .collect()
}

async fn sent() -> Vec<Value> {
    let dir = TempDir::new().unwrap();
    let config = Config {
        data_file: dir.path().join("adyen.jsonl"),
        company_account: "Lumen".into(),
        merchant_account: "LumenDE".into(),
        country: "DE".into(),
        currency: "EUR".into(),
        rates: [].into(),
        fees: FeeStyle::Blended,
        report_user: "report".into(),
        report_password: "secret".into(),
        seed: 8,
        now: Arc::new(|| "2026-05-20T08:00:00Z".parse().unwrap()),
    };
    let simulator = Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let received: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = received.clone();
    let endpoint = move |body: Bytes| async move { kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap()) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", routing::post(endpoint))).await });
    post(simulator.url(), "webhook", &json!({ "url": url, "secret": "00FF" })).await;
    post(simulator.url(), "invoices", &invoices()).await;
    post(simulator.url(), "run", &json!({ "until": now() })).await;
    received.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_webhook_has_the_keys_of_its_event() {
    let webhooks = sent().await;
    let vocabularies = [Some(committed()), corpus("specs/adyen-webhooks-v1.json").map(|api| published(&api))];
    for vocabulary in vocabularies.into_iter().flatten() {
        let mut seen = BTreeSet::new();
        for webhook in &webhooks {
            assert_eq!(webhook["live"], "false");
            let item = webhook["notificationItems"][0]["NotificationRequestItem"].as_object().unwrap();
            let event = item["eventCode"].as_str().unwrap();
            let keys: BTreeSet<String> = item.keys().cloned().collect();
            let (required, known) = &vocabulary[event];
            assert!(required.is_subset(&keys) && keys.is_subset(known), "{event}: {keys:?}");
            assert!(item["success"].is_string() && item["amount"]["value"].is_i64());
            seen.insert(event.to_owned());
        }
        assert_eq!(seen, vocabulary.into_keys().collect(), "every event happened");
    }
}
