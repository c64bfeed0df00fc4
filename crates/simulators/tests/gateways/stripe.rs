//! Every object that the simulated account shows has the keys of the fixture of its resource.

use super::{corpus, invoices, now, post};
use serde_json::{Value, json};
use simulators::stripe::{Config, Simulator, Switches};
use std::{collections::BTreeSet, sync::Arc};
use tempfile::TempDir;

const KEY: &str = "sk_test";

/// Resource and the list it is shown in.
const LISTS: [(&str, &str); 10] = [
    ("balance_transaction", "balance_transactions"),
    ("charge", "charges"),
    ("customer", "customers"),
    ("dispute", "disputes"),
    ("event", "events"),
    ("invoice", "invoices"),
    ("invoice_payment", "invoice_payments"),
    ("payment_intent", "payment_intents"),
    ("payout", "payouts"),
    ("refund", "refunds"),
];

/// Where keys are data, or depend on a type: maps of the merchant's, the object of an event, the details of a payment method, and
/// the reference of a payment, which the fixture leaves out.
const OPEN: [&str; 6] = ["metadata", "fraud_details", "payment_method_details", "data.object", "payment", "last_payment_error"];

async fn account(dir: &TempDir) -> Simulator {
    let config = Config {
        data_file: dir.path().join("stripe.jsonl"),
        secret_key: KEY.into(),
        country: "DE".into(),
        currency: "EUR".into(),
        rates: [].into(),
        seed: 8,
        switches: Switches::default(),
        now: Arc::new(|| "2026-05-20T08:00:00Z".parse().unwrap()),
    };
    Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

async fn get(simulator: &Simulator, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{}/v1/{path}", simulator.url())).bearer_auth(KEY);
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

/// Every difference of the keys, by path. A null on either side may stand for an object or a list.
fn differences(ours: &Value, theirs: &Value, path: &str, found: &mut BTreeSet<String>) {
    if OPEN.contains(&path) {
        return;
    }
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) if !theirs.is_empty() || path.is_empty() => {
            found.extend(ours.keys().filter(|key| !theirs.contains_key(*key)).map(|key| format!("+{}", inner(key))));
            found.extend(theirs.keys().filter(|key| !ours.contains_key(*key)).map(|key| format!("-{}", inner(key))));
            for (key, value) in ours {
                differences(value, theirs.get(key).unwrap_or(&Value::Null), &inner(key), found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
                differences(ours, theirs, path, found);
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_the_keys_of_its_resource() {
    let dir = TempDir::new().unwrap();
    let simulator = account(&dir).await;
    post(simulator.url(), "invoices", &invoices()).await;
    post(simulator.url(), "run", &json!({ "until": now() })).await;
    let committed: Value = serde_json::from_str(include_str!("../../src/stripe/objects.json")).unwrap();
    let fixtures = corpus("stripe/fixtures3.json").map(|corpus| corpus["resources"].clone());
    for (resource, list) in LISTS {
        let page = get(&simulator, &format!("{list}?limit=100")).await;
        let objects = page["data"].as_array().unwrap();
        assert!(!objects.is_empty(), "{resource}");
        for theirs in [Some(&committed), fixtures.as_ref()].into_iter().flatten() {
            let mut found = BTreeSet::new();
            objects.iter().for_each(|object| differences(object, &theirs[resource], "", &mut found));
            assert!(found.is_empty(), "{resource}: {found:?}");
        }
        assert!(objects.iter().all(|object| object["object"] == resource && object["id"].is_string() && object["created"].is_i64()));
    }
    let balance = get(&simulator, "balance").await;
    let mut found = BTreeSet::new();
    differences(&balance, &committed["balance"], "", &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_newest_first_in_pages_and_refuse_what_they_do_not_know() {
    let dir = TempDir::new().unwrap();
    let simulator = account(&dir).await;
    post(simulator.url(), "invoices", &invoices()).await;
    post(simulator.url(), "run", &json!({ "until": now() })).await;
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let first = get(&simulator, "charges").await;
    assert_eq!((ids(&first).len(), &first["has_more"], &first["object"]), (10, &json!(true), &json!("list")), "ten without a limit");
    assert!(first["data"].as_array().unwrap().is_sorted_by_key(|charge| -charge["created"].as_i64().unwrap()));
    let next = get(&simulator, &format!("charges?starting_after={}", ids(&first)[9])).await;
    let back = get(&simulator, &format!("charges?ending_before={}", ids(&next)[0])).await;
    assert_eq!(ids(&back), ids(&first), "the page before is the first one again");
    let since = first["data"][4]["created"].as_i64().unwrap();
    let recent = get(&simulator, &format!("charges?created[gte]={since}&limit=100")).await;
    assert_eq!((ids(&recent), &recent["has_more"]), (ids(&first)[..5].to_vec(), &json!(false)));
    let failed = get(&simulator, "events?types[]=charge.failed&types[]=charge.refunded&limit=100").await;
    let types: BTreeSet<&str> = failed["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["charge.failed", "charge.refunded"].into());
    let payout = ids(&get(&simulator, "payouts?limit=1").await).remove(0);
    let paid = get(&simulator, &format!("balance_transactions?payout={payout}&limit=100&type=payout")).await;
    assert_eq!((ids(&paid).len(), &paid["data"][0]["source"]), (1, &json!(payout)));
    let expanded = get(&simulator, &format!("balance_transactions?payout={payout}&type=payout&expand[]=data.source")).await;
    assert_eq!(expanded["data"][0]["source"]["object"], "payout");
    for (path, code) in [
        ("charges?limit=101", "parameter_invalid_integer"),
        ("charges?colour=red", "parameter_unknown"),
        ("charges?starting_after=ch_none", "resource_missing"),
        ("charges/ch_none", "resource_missing"),
    ] {
        let answer = get(&simulator, path).await;
        assert_eq!((&answer["error"]["type"], &answer["error"]["code"]), (&json!("invalid_request_error"), &json!(code)), "{path}");
    }
}
