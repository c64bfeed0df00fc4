//! Adyen over sockets: a signed webhook announces a report, the pull downloads it, and what it settled becomes documents.

use crate::world::World;
use chrono::TimeDelta;
use domain::{access::Actor, clock::Clock, id::GatewayAccountId};
use pipeline::gateways::{Access, AdyenSecrets, AdyenSettings, GatewayAccount, Pulled, open, pull};
use serde_json::{Value, json};
use server::{config::Settings, http::AppState, serve::router};
use simulators::adyen::{Config, FeeStyle, Simulator};
use std::sync::Arc;
use tokio::net::TcpListener;

const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

struct Endpoint {
    world: World,
    simulator: Simulator,
    url: String,
    _dir: tempfile::TempDir,
}

impl Endpoint {
    async fn new() -> Self {
        let (world, dir) = (World::new().await, tempfile::tempdir().unwrap());
        let clock = world.clock.clone();
        let config = Config {
            data_file: dir.path().join("adyen.jsonl"),
            company_account: "Lumen".into(),
            merchant_account: "LumenUS".into(),
            country: "US".into(),
            currency: "USD".into(),
            rates: [].into(),
            fees: FeeStyle::default(),
            report_user: "report@Company.Lumen".into(),
            report_password: "p".into(),
            seed: 13,
            now: Arc::new(move || clock.now()),
        };
        let simulator = Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let account = GatewayAccountId(uuid::Uuid::from_u128(78));
        let new = GatewayAccount {
            gateway_account_id: account,
            entity_id: world.us,
            external_id: "LumenUS".into(),
            code: "ADYEN-US".into(),
            name: "Adyen".into(),
            access: Access::Adyen {
                settings: AdyenSettings { base_url: simulator.url().into(), report_user: "report@Company.Lumen".into() },
                secrets: AdyenSecrets { report_password: "p".into(), hmac_keys: vec![KEY.into()] },
            },
            bank_words: "ADYEN".into(),
            since: world.ctx.clock.now(),
            pays_out: Vec::new(),
        };
        open(&world.ctx, &Actor::Cli("test".into()), &new).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/adyen/{account}", listener.local_addr().unwrap());
        let app = router(AppState::new(world.ctx.clone(), Settings::default()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let endpoint = Self { world, simulator, url, _dir: dir };
        endpoint.admin("webhook", &json!({ "url": endpoint.url, "secret": KEY })).await;
        endpoint
    }

    async fn admin(&self, path: &str, body: &Value) -> Value {
        let answer = reqwest::Client::new().post(format!("{}/admin/{path}", self.simulator.url())).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// Two invoices are collected by card, settled and reported.
    async fn settled(&self) -> Value {
        let due = self.world.ctx.clock.now().date_naive();
        let invoice = |number: &str, amount: &str| json!({ "number": number, "customer": "C-1", "amount": amount, "currency": "USD", "due": due, "method": "card", "fate": null });
        self.admin("invoices", &json!([invoice("INV-1", "110.00"), invoice("INV-2", "220.00")])).await;
        self.world.clock.advance(TimeDelta::days(9));
        self.admin("run", &json!({})).await["delivered"].clone()
    }

    async fn pull(&self) -> anyhow::Result<Pulled> {
        pull(&self.world.ctx, self.world.us).await
    }

    async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.world.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

#[tokio::test]
async fn an_announced_report_is_read_once_and_its_charges_are_payments_of_the_payout() {
    let endpoint = Endpoint::new().await;
    let delivered = endpoint.settled().await;
    assert_eq!(delivered["refused"], 0, "{delivered}");
    assert_eq!(endpoint.text("select count(*)::text from gateway_entry").await, "0", "an event is no truth");
    let pulled = endpoint.pull().await.unwrap();
    assert_eq!(pulled.documents, 2, "{pulled:?}");
    assert_eq!(
        endpoint.text("select string_agg(trim_scale(amount)::text, ' ' order by number) from document where kind = 'payment'").await,
        "110 220"
    );
    let off = "select count(*)::text from gateway_payout p where itemised_at is null or amount <>
        (select sum(net) from gateway_entry e where e.payout_id = p.payout_id and e.kind <> 'payout')";
    assert_eq!((endpoint.text(off).await.as_str(), pulled.payouts > 0), ("0", true));
    assert_eq!(endpoint.text("select array_to_string(invoice_numbers, ',') from gateway_entry where amount = 110").await, "INV-1");
    assert_eq!(endpoint.pull().await.unwrap(), Pulled::default());
    let report = pipeline::verify::verify(&endpoint.world.db.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
}

#[tokio::test]
async fn a_report_that_does_not_come_is_asked_for_again() {
    let endpoint = Endpoint::new().await;
    endpoint.settled().await;
    for kind in ["server_error", "cut_before", "throttled", "permission"] {
        endpoint.admin("faults", &json!({ "kind": kind, "on": "read", "next": 1 })).await;
        endpoint.pull().await.unwrap_err();
        assert_eq!(endpoint.text("select count(*)::text from gateway_entry").await, "0", "{kind}");
    }
    assert_eq!(endpoint.pull().await.unwrap().documents, 2);
}

#[tokio::test]
async fn a_forged_announcement_is_kept_with_the_reason_and_nothing_is_downloaded() {
    let endpoint = Endpoint::new().await;
    for kind in ["wrong_secret", "altered_body", "other_scheme"] {
        endpoint.admin("faults", &json!({ "kind": kind, "on": "webhook" })).await;
    }
    endpoint.settled().await;
    assert_ne!(endpoint.text("select count(*)::text from gateway_event where refused is not null").await, "0");
    let body = json!({ "live": "false", "notificationItems": [{ "NotificationRequestItem": {
        "pspReference": "settlement_detail_report_batch_9.csv", "merchantAccountCode": "LumenUS", "merchantReference": "",
        "amount": { "currency": "USD", "value": 0 }, "eventCode": "REPORT_AVAILABLE", "success": "true", "reason": "http://127.0.0.1:1/x",
        "eventDate": "2026-10-31T10:00:00+01:00", "additionalData": { "hmacSignature": "AAAA" },
    } }] });
    let answer = reqwest::Client::new().post(&endpoint.url).json(&body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    assert_eq!(endpoint.text("select count(*)::text from gateway_report where address like '%127.0.0.1:1%'").await, "0");
    let of_stripe = endpoint.url.replace("/adyen/", "/stripe/");
    let answer = reqwest::Client::new().post(of_stripe).json(&body).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404, "an account is heard where it is");
}
