//! Stripe's webhooks over a socket, as the simulated account delivers them: believed, doubled, late, out of order and forged.

use crate::{
    endpoint::{ACCOUNT, Endpoint},
    world::World,
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::{access::Role, clock::Clock, job::JobKind};
use pipeline::gateways::{Access, StripeSecrets, StripeSettings};
use serde_json::{Value, json};
use simulators::stripe::{Config, Simulator, Switches};
use std::sync::Arc;

const SECRET: &str = "whsec_of_this_test";

async fn at_stripe() -> Endpoint<Simulator> {
    let (world, dir) = (World::new().await, tempfile::tempdir().unwrap());
    let clock = world.clock.clone();
    let config = Config {
        data_file: dir.path().join("stripe.jsonl"),
        secret_key: "sk_test_1".into(),
        country: "US".into(),
        currency: "USD".into(),
        rates: [].into(),
        seed: 13,
        switches: Switches::default(),
        now: Arc::new(move || clock.now()),
    };
    let simulator = Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = simulator.url().to_owned();
    let access = Access::Stripe {
        settings: StripeSettings { base_url: url.clone() },
        secrets: StripeSecrets { secret_key: "sk_test_1".into(), webhook_secrets: vec![SECRET.into()] },
    };
    Endpoint::around(world, dir, simulator, &url, access, SECRET).await
}

impl Endpoint<Simulator> {
    /// An invoice is charged, and told of. What the delivery came to.
    async fn charge(&self, number: &str) -> Value {
        let due = self.world.ctx.clock.now().date_naive().pred_opt();
        self.admin(
            "invoices",
            &json!([{ "number": number, "customer": "C-1", "amount": "110.00", "currency": "USD", "due": due, "method": "card" }]),
        )
        .await;
        self.world.clock.advance(TimeDelta::hours(1));
        self.admin("run", &json!({})).await["delivered"].clone()
    }

    async fn pulls_due(&self) -> usize {
        let due = store::jobs::last_runs(&self.world.db.pool, JobKind::PullGateways, 10).await.unwrap();
        assert!(due.iter().all(|job| job.subject == self.world.us.to_string() && job.run_at <= self.world.ctx.clock.now()));
        due.len()
    }

    async fn post(&self, url: &str, signature: Option<&str>, body: &str) -> StatusCode {
        let mut request = reqwest::Client::new().post(url).body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("Stripe-Signature", signature);
        }
        StatusCode::from_u16(request.send().await.unwrap().status().as_u16()).unwrap()
    }
}

#[tokio::test]
async fn an_event_is_kept_answered_and_makes_the_next_pull_due_and_the_pull_looks_at_it() {
    let endpoint = at_stripe().await;
    let delivered = endpoint.charge("INV-1").await;
    assert_eq!((&delivered["refused"], delivered["accepted"].as_u64().unwrap() >= 3), (&json!(0), true), "{delivered}");
    assert_eq!(endpoint.pulls_due().await, 1, "many events are one pull");
    assert_eq!(endpoint.text("select count(*)::text from gateway_entry").await, "0", "an event is no truth");
    assert_eq!(endpoint.text("select count(*)::text from gateway_event where pulled_at is not null").await, "0");
    assert_eq!(endpoint.pull().await.unwrap().entries, 1);
    assert_eq!(endpoint.text("select count(*)::text from gateway_event where pulled_at is null").await, "0");
}

#[tokio::test]
async fn doubled_late_and_reordered_events_change_nothing_but_their_count() {
    let endpoint = at_stripe().await;
    for kind in ["doubled", "late", "out_of_order"] {
        endpoint.fault(kind, "webhook").await;
        endpoint.charge(&format!("INV-{kind}")).await;
    }
    endpoint.admin("deliver", &json!({})).await;
    assert_eq!(endpoint.text("select max(times)::text || ' ' || count(*) filter (where times > 1) from gateway_event").await, "2 1");
    let told = endpoint.text("select count(distinct event_key)::text from gateway_event").await;
    assert_eq!(told, endpoint.text("select count(*)::text from gateway_event").await);
    assert_eq!(endpoint.pulls_due().await, 1);
    let pulled = endpoint.pull().await.unwrap();
    assert_eq!((pulled.entries, pulled.documents), (3, 3));
    let again = endpoint.pull().await.unwrap();
    assert_eq!((again.entries, again.documents), (0, 0));
}

#[tokio::test]
async fn a_forged_event_is_refused_kept_with_the_reason_and_starts_nothing() {
    let endpoint = at_stripe().await;
    for kind in ["wrong_secret", "altered_body", "old_timestamp", "other_scheme"] {
        endpoint.fault(kind, "webhook").await;
    }
    let before = endpoint.charge("INV-1").await;
    assert_eq!(before["refused"], 4, "{before}");
    for (reason, times) in [("no v1 signature of %", 2), ("signed 3600 seconds ago%", 1), ("% has no v1 signature%", 1)] {
        let found: i64 = sqlx::query_scalar("select count(*) from gateway_event where refused like $1")
            .bind(reason)
            .fetch_one(&endpoint.world.db.pool)
            .await
            .unwrap();
        assert_eq!(found, times, "{reason}");
    }
    let believed =
        "select count(*)::text from gateway_event where refused is not null and (event_key is not null or pulled_at is not null)";
    assert_eq!(endpoint.text(believed).await, "0");
    let forged = r#"{"id":"evt_1","type":"charge.succeeded","created":1,"data":{"object":{"id":"ch_1"}}}"#;
    let lonely = at_stripe().await;
    assert_eq!(lonely.post(&lonely.url, Some("t=1,v1=00"), forged).await, StatusCode::BAD_REQUEST);
    assert_eq!(lonely.post(&lonely.url, None, forged).await, StatusCode::BAD_REQUEST);
    assert_eq!(lonely.pulls_due().await, 0);
    assert_eq!(lonely.text("select count(*)::text from gateway_event where refused is not null").await, "2");
}

#[tokio::test]
async fn an_account_that_is_not_ours_is_not_found_and_a_huge_body_is_not_taken() {
    let endpoint = at_stripe().await;
    let other = endpoint.url.replace(&ACCOUNT.to_string(), &uuid::Uuid::from_u128(78).to_string());
    assert_eq!(endpoint.post(&other, Some("t=1,v1=00"), "{}").await, StatusCode::NOT_FOUND);
    assert_eq!(endpoint.post(&endpoint.url.replace(&ACCOUNT.to_string(), "x"), None, "{}").await, StatusCode::NOT_FOUND);
    assert_eq!(endpoint.post(&endpoint.url, Some("t=1,v1=00"), &" ".repeat(300 * 1024)).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(endpoint.text("select count(*)::text from gateway_event").await, "0");
}

#[tokio::test]
async fn the_clearing_page_proves_the_balance_and_leads_to_the_movements_behind_it() {
    let endpoint = at_stripe().await;
    endpoint.charge("INV-1").await;
    endpoint.pull().await.unwrap();
    let mut browser = endpoint.world.signed_in(Role::Controller).await;
    let page = browser.get("/cash/clearing").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("What moved explains every balance that a gateway gave."), "{}", page.body);
    let movements = format!("/cash/clearing/movements?account={ACCOUNT}&amp;currency=USD&amp;from=2026-10-01&amp;line=charges");
    assert!(page.body.contains(&movements), "{}", page.body);
    let behind = browser.get(&movements.replace("&amp;", "&")).await;
    assert!(behind.body.contains("Charges since 2026-10-01") && behind.body.contains("INV-1"), "{}", behind.body);
    assert!(behind.body.contains("RC-2026-000001") && behind.body.contains("3.49"), "its payment and its fee: {}", behind.body);
    assert_eq!(browser.get("/cash/clearing/movements?account=x&currency=USD").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn events_of_a_declined_charge_make_the_pull_due_and_only_the_pull_knows_of_it() {
    let endpoint = at_stripe().await;
    let due = endpoint.world.ctx.clock.now().date_naive().pred_opt();
    let declined = json!([{ "number": "INV-1", "customer": "C-1", "amount": "110.00", "currency": "USD", "due": due, "method": "card", "fate": "declined" }]);
    for kind in ["doubled", "out_of_order"] {
        endpoint.fault(kind, "webhook").await;
    }
    endpoint.admin("invoices", &declined).await;
    endpoint.world.clock.advance(TimeDelta::hours(1));
    endpoint.admin("run", &json!({})).await;
    endpoint.admin("deliver", &json!({})).await;
    let told = "select string_agg(distinct event_type, ' ' order by event_type) from gateway_event where event_type like '%failed'";
    assert_eq!(endpoint.text(told).await, "charge.failed invoice.payment_failed payment_intent.payment_failed");
    assert_eq!((endpoint.pulls_due().await, endpoint.text("select count(*)::text from gateway_attempt").await.as_str()), (1, "0"));
    let pulled = endpoint.pull().await.unwrap();
    assert_eq!((pulled.attempts, pulled.entries, pulled.documents), (1, 0, 0));
    let page = endpoint.world.signed_in(Role::Controller).await.get("/cash/clearing?from=2026-10-01").await;
    for part in ["Failed and not recovered", "INV-1", "card_declined", "tried again"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
}
