//! Adyen over sockets: a signed webhook announces a report, the pull downloads it, and what it settled becomes documents.

use crate::{
    endpoint::{ACCOUNT, Endpoint},
    world::World,
};
use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::{access::Role, clock::Clock};
use pipeline::gateways::{Access, AdyenSecrets, AdyenSettings, Pulled};
use serde_json::{Value, json};
use simulators::adyen::{Config, FeeStyle, Simulator};
use std::sync::Arc;

const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

async fn at_adyen() -> Endpoint<Simulator> {
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
    let url = simulator.url().to_owned();
    let access = Access::Adyen {
        settings: AdyenSettings { base_url: url.clone(), report_user: "report@Company.Lumen".into() },
        secrets: AdyenSecrets { report_password: "p".into(), hmac_keys: vec![KEY.into()] },
    };
    Endpoint::around(world, dir, simulator, &url, access, KEY).await
}

/// Two invoices are collected by card, settled and reported.
async fn settled(endpoint: &Endpoint<Simulator>) -> Value {
    let due = endpoint.world.ctx.clock.now().date_naive();
    let invoice = |number: &str, amount: &str| json!({ "number": number, "customer": "C-1", "amount": amount, "currency": "USD", "due": due, "method": "card", "fate": null });
    endpoint.admin("invoices", &json!([invoice("INV-1", "110.00"), invoice("INV-2", "220.00")])).await;
    endpoint.world.clock.advance(TimeDelta::days(9));
    endpoint.admin("run", &json!({})).await["delivered"].clone()
}

#[tokio::test]
async fn an_announced_report_is_read_once_and_its_charges_are_payments_of_the_payout() {
    let endpoint = at_adyen().await;
    let delivered = settled(&endpoint).await;
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
    let endpoint = at_adyen().await;
    settled(&endpoint).await;
    for kind in ["server_error", "cut_before", "throttled", "permission"] {
        endpoint.fault(kind, "read").await;
        endpoint.pull().await.unwrap_err();
        assert_eq!(endpoint.text("select count(*)::text from gateway_entry").await, "0", "{kind}");
    }
    assert_eq!(endpoint.pull().await.unwrap().documents, 2);
}

#[tokio::test]
async fn a_forged_announcement_is_kept_with_the_reason_and_nothing_is_downloaded() {
    let endpoint = at_adyen().await;
    for kind in ["wrong_secret", "altered_body", "other_scheme"] {
        endpoint.admin("faults", &json!({ "kind": kind, "on": "webhook" })).await;
    }
    settled(&endpoint).await;
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

#[tokio::test]
async fn a_report_that_breaks_a_rule_is_kept_to_the_byte_shown_with_the_line_and_read_again_when_it_is_announced_anew() {
    let endpoint = at_adyen().await;
    settled(&endpoint).await;
    endpoint.fault("broken_row", "read").await;
    assert_eq!(endpoint.pull().await.unwrap(), Pulled::default());
    let kept =
        "select i.outcome || ' ' || (i.byte_length > 0) || ' ' || (select count(*) from intake_chunk c where c.intake_id = i.intake_id)
        from gateway_report join intake i using (intake_id) where refused_at is not null";
    assert_eq!(endpoint.text(kept).await, "refused true 1");
    assert_eq!(endpoint.text("select count(*)::text from gateway_entry").await, "0", "a report is taken whole or not at all");
    let mut browser = endpoint.world.signed_in(Role::Controller).await;
    let page = browser.get("/cash/clearing").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in
        ["One settlement report was refused.", "settlement_detail_report_batch_", "line 2, TimeZone: a time zone that is known", "C.E.T."]
    {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(endpoint.pull().await.unwrap(), Pulled::default(), "it is not read again by itself");
    let address = endpoint.text("select address from gateway_report where refused_at is not null").await;
    let report = endpoint.text("select report from gateway_report where refused_at is not null").await;
    let announced = store::gateways::Announced { report, address };
    let now = endpoint.world.ctx.clock.now();
    store::gateways::announce_report(&mut endpoint.world.db.pool.acquire().await.unwrap(), ACCOUNT, &announced, now).await.unwrap();
    assert_eq!(endpoint.pull().await.unwrap().documents, 2);
    assert_eq!(endpoint.text("select string_agg(outcome, ' ' order by received_at, intake_id) from intake").await, "refused imported");
    assert!(!browser.get("/cash/clearing").await.body.contains("was refused"), "what was taken is not refused");
}

#[tokio::test]
async fn a_refused_authorisation_is_kept_once_however_often_it_comes_and_a_forged_one_is_not() {
    let endpoint = at_adyen().await;
    let due = endpoint.world.ctx.clock.now().date_naive();
    let invoice = |number: &str| json!({ "number": number, "customer": "C-1", "amount": "110.00", "currency": "USD", "due": due, "method": "card", "fate": "declined" });
    endpoint.fault("wrong_secret", "webhook").await;
    endpoint.fault("doubled", "webhook").await;
    endpoint.fault("out_of_order", "webhook").await;
    endpoint.admin("invoices", &json!([invoice("INV-1"), invoice("INV-2")])).await;
    endpoint.world.clock.advance(TimeDelta::days(9));
    endpoint.admin("run", &json!({})).await;
    let kept = "select string_agg(payment || ' ' || trim_scale(amount) || ' ' || currency || ' ' || failure || ' ' || status, ', ' order by payment)
        from gateway_attempt";
    let refused = ["INV-1", "INV-1", "INV-2", "INV-2"].map(|number| format!("{number} 110 USD Refused failed"));
    assert_eq!(endpoint.text(kept).await, refused.join(", "), "two attempts each");
    assert_eq!(endpoint.text("select count(*)::text from gateway_event where refused is not null").await, "1");
    assert_eq!(endpoint.pull().await.unwrap().documents, 0);
    let page = endpoint.world.signed_in(Role::Controller).await.get("/cash/clearing?from=2026-10-01").await;
    for part in ["Failed and not recovered", "INV-2", "Refused", "not tried again", "0.0 %"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
}
