use super::world::*;
use chrono::TimeDelta;
use connectors::{Erp, netsuite::Netsuite};
use domain::posting::{Fence, MappedDocument, Outcome, OutcomeKind, Probe};
use futures::future::join_all;
use serde_json::json;
use simulators::netsuite::{ClosedPeriodError, DuplicateCode, OverConcurrency, Switches, client_credentials};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn an_accepted_document_is_in_the_ledger_once_with_our_number() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    let sent = world.post(&invoice).await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.len(), 1);
    let erp_id = ledger[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(sent.outcome, Outcome::Accepted { erp_id, erp_number: "INV-1".into() });
    assert_eq!(ledger[0]["externalId"], invoice.posting_key.0);
    assert_eq!((ledger[0]["total"].as_str(), ledger[0]["taxTotal"].as_str()), (Some("119.00"), Some("19.00")));
}

#[tokio::test]
async fn the_exchange_is_kept_without_the_token() {
    let world = World::new().await;
    let sent = world.post(&an_invoice("INV-1")).await;
    assert!(sent.exchange.request.contains("Authorization: Bearer ***"), "{}", sent.exchange.request);
    assert!(sent.exchange.request.contains("corr-1") && sent.exchange.request.contains(r#""amount":100.00"#));
    assert_eq!(sent.exchange.status, Some(204));
    assert_eq!(sent.exchange.request.matches("Bearer").count(), 1);
}

#[tokio::test]
async fn a_replayed_post_is_a_duplicate_under_either_code() {
    for duplicate in [DuplicateCode::DupRcrd, DuplicateCode::UniqueRcrdIdReqd] {
        let world = World::with(Switches { duplicate, ..Switches::default() }, Duration::from_secs(20)).await;
        let invoice = an_invoice("INV-1");
        world.accepted(&invoice).await;
        for _ in 0..3 {
            assert_eq!(world.post(&invoice).await.outcome.kind(), OutcomeKind::Duplicate, "{duplicate:?}");
        }
        assert_eq!(world.ledger().await.len(), 1, "{duplicate:?}");
    }
}

#[tokio::test]
async fn of_five_posts_at_once_with_one_key_exactly_one_is_accepted() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    let outcomes: Vec<OutcomeKind> = join_all((0..5).map(|_| world.post(&invoice))).await.iter().map(|sent| sent.outcome.kind()).collect();
    assert_eq!(outcomes.iter().filter(|kind| **kind == OutcomeKind::Accepted).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|kind| **kind == OutcomeKind::Duplicate).count(), 4, "{outcomes:?}");
    assert_eq!(world.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_request_delivered_twice_makes_one_document() {
    let world = World::new().await;
    world.fault("doubled").await;
    let invoice = an_invoice("INV-1");
    assert_eq!(world.post(&invoice).await.outcome.kind(), OutcomeKind::Duplicate);
    assert_eq!(world.ledger().await.len(), 1);
    assert_eq!(world.found(&invoice).await.erp_number, "INV-1");
}

#[tokio::test]
async fn external_ids_that_differ_in_case_only_are_one() {
    let world = World::new().await;
    let invoice = an_invoice("INV-a");
    world.accepted(&invoice).await;
    let other = an_invoice("INV-A");
    assert_eq!(world.post(&other).await.outcome.kind(), OutcomeKind::Duplicate);
    assert_eq!(world.found(&other).await.erp_number, "INV-a", "the probe finds what stands in the way");
}

#[tokio::test]
async fn too_many_at_once_are_throttled() {
    let world = World::new().await;
    world.accepted(&an_invoice("INV-0")).await;
    world.fault_with(json!({ "kind": "latency", "ms": 1500 })).await;
    let invoices: Vec<MappedDocument> = (1..=8).map(|n| an_invoice(&format!("INV-{n}"))).collect();
    let sent = join_all(invoices.iter().map(|invoice| world.post(invoice))).await;
    let throttled = sent.iter().filter(|sent| sent.outcome == Outcome::Throttled { retry_after_seconds: None }).count();
    assert_eq!(throttled, 3, "{:?}", sent.iter().map(|sent| sent.outcome.kind()).collect::<Vec<_>>());
    assert_eq!(world.ledger().await.len(), 6, "the throttled ones are surely not there");
}

#[tokio::test]
async fn throttling_that_looks_like_a_failed_login_stops_after_one_new_token() {
    let over_concurrency = OverConcurrency::InvalidLogin { after: Duration::from_millis(50) };
    let world = World::with(Switches { over_concurrency, ..Switches::default() }, Duration::from_secs(20)).await;
    world.accepted(&an_invoice("INV-0")).await;
    world.fault_with(json!({ "kind": "latency", "ms": 1500 })).await;
    let invoices: Vec<MappedDocument> = (1..=6).map(|n| an_invoice(&format!("INV-{n}"))).collect();
    let sent = join_all(invoices.iter().map(|invoice| world.post(invoice))).await;
    assert_eq!(sent.iter().filter(|sent| sent.outcome.kind() == OutcomeKind::Auth).count(), 1);
    assert_eq!(world.ledger().await.len(), 6);
}

#[tokio::test]
async fn a_429_is_throttled_and_leaves_nothing() {
    let world = World::new().await;
    world.fault("throttled").await;
    assert_eq!(world.post(&an_invoice("INV-1")).await.outcome.kind(), OutcomeKind::Throttled);
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn what_may_have_been_processed_is_ambiguous_and_the_probe_decides() {
    for (fault, there) in [("server_error", false), ("server_error_after_commit", true), ("cut_before", false), ("cut_after", true)] {
        let world = World::new().await;
        world.fault(fault).await;
        let invoice = an_invoice("INV-1");
        let sent = world.post(&invoice).await;
        assert_eq!(sent.outcome.kind(), OutcomeKind::Ambiguous, "{fault}: {:?}", sent.outcome);
        let probed = world.probe(&invoice).await;
        assert_eq!(matches!(probed.probe, Probe::Found(_)), there, "{fault}: {:?}", probed.probe);
        assert_eq!(probed.probe == Probe::Absent, !there, "{fault}");
        assert_eq!(world.ledger().await.len(), usize::from(there), "{fault}");
    }
}

#[tokio::test]
async fn a_time_out_is_ambiguous_and_the_erp_finishes_all_the_same() {
    let world = World::with(Switches::default(), Duration::from_millis(1500)).await;
    world.accepted(&an_invoice("INV-0")).await;
    world.fault_with(json!({ "kind": "latency", "ms": 3000, "next": 1 })).await;
    let invoice = an_invoice("INV-1");
    assert_eq!(world.post(&invoice).await.outcome, Outcome::Ambiguous { reason: "time-out".into() });
    assert_eq!(world.probe(&invoice).await.probe, Probe::Absent, "absent now proves nothing yet");
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(world.found(&invoice).await.total, invoice.total);
}

#[tokio::test]
async fn a_commit_after_the_client_gave_up_is_seen_by_a_later_probe() {
    let world = World::new().await;
    world.fault("delayed_commit").await;
    let invoice = an_invoice("INV-1");
    assert_eq!(world.post(&invoice).await.outcome.kind(), OutcomeKind::Ambiguous);
    assert_eq!(world.probe(&invoice).await.probe, Probe::Absent);
    assert_eq!(world.admin("deliver", &json!({})).await["delivered"], 1);
    assert_eq!(world.found(&invoice).await.erp_number, "INV-1");
    assert_eq!(world.post(&invoice).await.outcome.kind(), OutcomeKind::Duplicate);
    assert_eq!(world.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_because_nothing_was_sent() {
    let world = World::new().await;
    let invoice = an_invoice("INV-1");
    world.accepted(&an_invoice("INV-0")).await;
    let payload = world.payload(&invoice);
    let World { simulator, erp, dir: _dir, .. } = world;
    simulator.stop().await;
    let sent = erp.post(&payload, "corr-1").await;
    assert_eq!(sent.outcome.kind(), OutcomeKind::Unreachable, "{:?}", sent.outcome);
    assert!(matches!(erp.probe(&payload, "corr-1").await.probe, Probe::NotAnswered { .. }));
}

#[tokio::test]
async fn a_record_that_someone_else_changed_is_transient() {
    let world = World::new().await;
    world.fault("locked").await;
    assert_eq!(world.post(&an_invoice("INV-1")).await.outcome.kind(), OutcomeKind::Transient);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_document_goes_through() {
    let world = World::new().await;
    world.accepted(&an_invoice("INV-1")).await;
    world.fault("token_expired").await;
    world.accepted(&an_invoice("INV-2")).await;
    world.clock.advance(TimeDelta::hours(5));
    world.accepted(&an_invoice("INV-3")).await;
    assert_eq!(world.ledger().await.len(), 3);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let world = World::new().await;
    world.accepted(&an_invoice("INV-1")).await;
    world.clock.advance(TimeDelta::minutes(56));
    // Only a renewal asks the token endpoint, which is broken now.
    world.fault_with(json!({ "kind": "invalid_login", "on": "token", "next": 1 })).await;
    assert_eq!(world.post(&an_invoice("INV-2")).await.outcome.kind(), OutcomeKind::Auth);
    world.accepted(&an_invoice("INV-2")).await;
}

#[tokio::test]
async fn trouble_at_the_token_endpoint_is_never_ambiguous_because_the_document_was_not_sent() {
    let cases =
        [("throttled", OutcomeKind::Throttled), ("server_error", OutcomeKind::Unreachable), ("cut_before", OutcomeKind::Unreachable)];
    for (fault, expected) in cases {
        let world = World::new().await;
        world.fault_with(json!({ "kind": fault, "on": "token", "next": 1 })).await;
        assert_eq!(world.post(&an_invoice("INV-1")).await.outcome.kind(), expected, "{fault}");
        assert!(world.ledger().await.is_empty());
        world.accepted(&an_invoice("INV-1")).await;
    }
}

#[tokio::test]
async fn refused_credentials_are_auth() {
    let world = World::new().await;
    world.fault_with(json!({ "kind": "invalid_login", "next": 2 })).await;
    assert_eq!(world.post(&an_invoice("INV-1")).await.outcome.kind(), OutcomeKind::Auth);
    world.fault("permission").await;
    assert_eq!(world.post(&an_invoice("INV-1")).await.outcome.kind(), OutcomeKind::Auth);
    let stranger = Netsuite::new(config(world.simulator.url(), &client_credentials().unwrap()), Arc::new(world.clock.clone())).unwrap();
    assert_eq!(stranger.post(&world.payload(&an_invoice("INV-1")), "corr-1").await.outcome.kind(), OutcomeKind::Auth);
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn a_closed_period_is_business_however_it_is_said_until_it_is_opened() {
    for (closed_period, code) in [(ClosedPeriodError::ClosedTranPrd, "CLOSED_TRAN_PRD"), (ClosedPeriodError::UserError, "USER_ERROR")] {
        let world = World::with(Switches { closed_period, ..Switches::default() }, Duration::from_secs(20)).await;
        world.admin("periods/202610", &json!({ "closed": true })).await;
        let refusal = business(world.post(&an_invoice("INV-1")).await.outcome);
        assert_eq!(refusal.code, code);
        assert!(refusal.message.contains("period"), "{refusal:?}");
        world.admin("periods/202610", &json!({ "closed": false })).await;
        world.accepted(&an_invoice("INV-1")).await;
    }
}

#[tokio::test]
async fn an_unknown_reference_is_business_and_names_the_field() {
    let world = World::new().await;
    let with_line = |change: fn(&mut domain::posting::MappedLine)| {
        let mut invoice = an_invoice("INV-1");
        change(&mut invoice.lines[0]);
        invoice
    };
    let cases = [
        (MappedDocument { customer_ref: "9999".into(), ..an_invoice("INV-1") }, "entity"),
        (MappedDocument { entity_ref: "9".into(), ..an_invoice("INV-1") }, "subsidiary"),
        (MappedDocument { currency: "KWD".parse().unwrap(), ..an_invoice("INV-1") }, "currency"),
        (with_line(|line| line.item_ref = "99".into()), "item.items[0].item"),
        (with_line(|line| line.account_ref = "99".into()), "item.items[0].account"),
        (with_line(|line| line.tax_ref = "99".into()), "taxDetails.items[0].taxCode"),
    ];
    for (invoice, field) in cases {
        let refusal = business(world.post(&invoice).await.outcome);
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("INVALID_CONTENT", Some(field)));
    }
    world.fault("unknown_account").await;
    assert_eq!(business(world.post(&an_invoice("INV-1")).await.outcome).field.as_deref(), Some("item.items[0].account"));
    assert!(world.ledger().await.is_empty());
}

#[tokio::test]
async fn a_property_that_the_record_does_not_have_is_refused_and_not_ignored() {
    let world = World::new().await;
    let mut payload = world.payload(&an_invoice("INV-1"));
    payload.body["dueDat"] = "2026-11-30".into();
    let refusal = business(world.erp.post(&payload, "corr-1").await.outcome);
    assert_eq!(refusal.field.as_deref(), Some("dueDat"));
    // What we send for both kinds is known to the record.
    world.accepted(&an_invoice("INV-1")).await;
    world.accepted(&a_credit_memo("CM-1", "INV-1")).await;
}

#[tokio::test]
async fn the_payload_is_pure_and_its_amounts_are_exact_json_numbers() {
    let world = World::new().await;
    let mut invoice = an_invoice("INV-1");
    invoice.lines[0].quantity = dec("0.123456789012");
    invoice.lines[0].net = dec("12345678901234.10");
    let body = world.erp.payload(&invoice);
    assert_eq!(body.to_string(), world.erp.payload(&invoice).to_string());
    assert!(body["item"]["items"][0]["amount"].is_number());
    assert!(body.to_string().contains(r#""amount":12345678901234.10"#), "{body}");
    assert!(body.to_string().contains(r#""quantity":0.123456789012"#), "{body}");
}

#[tokio::test]
async fn the_promise_is_the_contract_s_and_never_zero() {
    let world = World::new().await;
    let promise = world.erp.promise();
    assert_eq!((promise.fence, promise.processing_time_max), (Fence::Prevents, Duration::from_secs(900)));
    let clock = Arc::new(world.clock.clone());
    let none = connectors::netsuite::Config { processing_time_max: Duration::ZERO, ..config(world.simulator.url(), &world.credentials) };
    assert!(Netsuite::new(none, clock).is_err());
}
