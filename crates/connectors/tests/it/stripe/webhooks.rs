//! Webhooks as they really come: twice, late, out of order, and sometimes from someone else.

use super::world::{World, invoices, start, walk};
use axum::{Router, body::Bytes, http::HeaderMap, http::StatusCode, routing::post};
use connectors::stripe::{
    Cursor,
    webhook::{self, WebhookError},
};
use domain::{clock::Clock, settlement::PaymentEvent};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

const SECRET: &str = "whsec_of_this_test";

#[derive(Clone, Default)]
struct Received {
    events: Arc<Mutex<Vec<PaymentEvent>>>,
    refused: Arc<Mutex<Vec<WebhookError>>>,
}

impl Received {
    /// An endpoint as ours would be: verified, then kept.
    async fn listen(world: &World) -> Self {
        let (received, clock) = (Self::default(), world.clock.clone());
        let kept = received.clone();
        let endpoint = move |headers: HeaderMap, body: Bytes| async move {
            let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
            match webhook::receive(header, &body, &[SECRET.to_owned()], clock.now()) {
                Ok(event) => kept.events.lock().unwrap().push(event),
                Err(error) => {
                    kept.refused.lock().unwrap().push(error);
                    return StatusCode::BAD_REQUEST;
                }
            }
            StatusCode::OK
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/webhooks", post(endpoint))).await });
        world.admin("webhook", &json!({ "url": url, "secret": SECRET })).await;
        received
    }

    fn keys(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| event.dedupe_key.clone()).collect()
    }
}

async fn events(world: &World) -> Vec<PaymentEvent> {
    walk(Cursor::since(start()), |cursor| async move { world.stripe.events(&cursor).await }).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn doubled_late_and_reordered_webhooks_are_the_same_events() {
    let world = World::new().await;
    let received = Received::listen(&world).await;
    for (kind, share) in [("doubled", 200), ("late", 200), ("out_of_order", 200)] {
        world.admin("faults", &json!({ "kind": kind, "on": "webhook", "per_mille": share })).await;
    }
    world.feed(&invoices(40, 10, "USD")).await;
    for _ in 0..30 {
        world.live(24).await;
    }
    world.admin("deliver", &json!({})).await;
    let pulled = events(&world).await;
    let reference: BTreeMap<String, PaymentEvent> = pulled.into_iter().map(|event| (event.dedupe_key.clone(), event)).collect();
    loop {
        let missing = reference.len() - received.keys().iter().collect::<BTreeSet<_>>().len();
        if missing == 0 {
            break;
        }
        world.admin("deliver", &json!({})).await;
    }
    let keys = received.keys();
    assert!(keys.len() > reference.len(), "some came twice");
    let received: Vec<PaymentEvent> = received.events.lock().unwrap().clone();
    assert!(!received.is_sorted_by_key(|event| event.occurred_at), "some came out of order");
    for event in &received {
        let known = &reference[&event.dedupe_key];
        assert_eq!((&event.event_type, &event.object_id, event.occurred_at), (&known.event_type, &known.object_id, known.occurred_at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_webhook_is_refused_and_the_genuine_one_is_not() {
    let world = World::new().await;
    let received = Received::listen(&world).await;
    let forgeries = ["wrong_secret", "altered_body", "old_timestamp", "other_scheme"];
    for kind in forgeries {
        world.fault(kind, "webhook").await;
    }
    world.feed(&invoices(5, 1, "USD")).await;
    world.live(24 * 10).await;
    let refused = received.refused.lock().unwrap().clone();
    assert_eq!(refused.len(), forgeries.len(), "{refused:?}");
    assert_eq!(refused[..2], [WebhookError::WrongSignature, WebhookError::WrongSignature]);
    assert_eq!(refused[2], WebhookError::TooOld { age_seconds: 3600 });
    assert!(matches!(refused[3], WebhookError::NoSignature(_)));
    let pulled: BTreeSet<String> = events(&world).await.into_iter().map(|event| event.dedupe_key).collect();
    assert_eq!(received.keys().into_iter().collect::<BTreeSet<_>>(), pulled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_never_came_is_found_by_the_pull() {
    let world = World::new().await;
    let received = Received::listen(&world).await;
    world.admin("faults", &json!({ "kind": "lost", "on": "webhook", "next": 3 })).await;
    world.feed(&invoices(5, 1, "USD")).await;
    world.live(24 * 10).await;
    assert_eq!(events(&world).await.len(), received.keys().len() + 3);
}
