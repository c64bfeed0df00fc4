//! What is done once, however often it is sent.

use super::world::{World, an_invoice, start, walk};
use connectors::{
    gateway::GatewayError,
    stripe::{Collection, Cursor, RefundOf, RefundOrder, RefundReason},
};
use domain::{
    money::{Currency, Money},
    settlement::RefundStatus,
};
use serde_json::json;

pub fn refund_of<'a>(charge: &'a str, amount: Option<&str>) -> RefundOrder<'a> {
    RefundOrder {
        of: RefundOf::Charge(charge),
        amount: amount.map(|amount| Money::new(amount.parse().unwrap(), Currency::USD).unwrap()),
        reason: Some(RefundReason::RequestedByCustomer),
        reference: "REFUND-7",
    }
}

/// An account with one charge of 120.00 USD.
async fn with_a_charge() -> (World, String) {
    let world = World::new().await;
    world.feed(&[an_invoice("INV-1", "card")]).await;
    world.live(24 * 25).await;
    let charge = world.first("charges?limit=1").await;
    assert_eq!(charge["status"], "succeeded");
    (world, charge["id"].as_str().unwrap().to_owned())
}

async fn refunds(world: &World) -> usize {
    walk(Cursor::since(start()), |cursor| async move { world.stripe.refunds(&cursor).await }).await.0.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_made_once_per_key_whatever_became_of_the_answer() {
    let (world, charge) = with_a_charge().await;
    let order = refund_of(&charge, Some("20.00"));
    let first = world.stripe.refund(&order, "key-1").await.unwrap();
    assert_eq!((first.amount.to_string().as_str(), first.status), ("20.00 USD", RefundStatus::Succeeded));
    assert_eq!(world.stripe.refund(&order, "key-1").await.unwrap(), first, "a replay");
    assert_eq!(world.stripe.refund_state(&first.id).await.unwrap(), first);
    let other = world.stripe.refund(&refund_of(&charge, Some("30.00")), "key-1").await.unwrap_err();
    assert!(matches!(&other, GatewayError::Permanent(refusal) if refusal.code == "idempotency_error"), "{other}");
    for (fault, key) in [("cut_after", "key-2"), ("server_error_after_commit", "key-3"), ("cut_before", "key-4"), ("server_error", "key-5")]
    {
        world.fault(fault, "write").await;
        let error = world.stripe.refund(&order, key).await.unwrap_err();
        assert!(error.is_worth_another_try(), "{fault}: {error}");
        world.stripe.refund(&order, key).await.unwrap();
    }
    assert_eq!(refunds(&world).await, 5);
    let too_much = world.stripe.refund(&refund_of(&charge, Some("21.00")), "key-6").await.unwrap_err();
    assert!(matches!(&too_much, GatewayError::Permanent(refusal) if refusal.field.as_deref() == Some("amount")), "{too_much}");
    world.stripe.refund(&refund_of(&charge, None), "key-7").await.unwrap();
    let nothing_left = world.stripe.refund(&refund_of(&charge, None), "key-8").await.unwrap_err();
    assert!(matches!(&nothing_left, GatewayError::Permanent(refusal) if refusal.code == "charge_already_refunded"), "{nothing_left}");
    let unknown = world.stripe.refund(&refund_of("ch_unknown", None), "key-9").await.unwrap_err();
    assert!(matches!(&unknown, GatewayError::Permanent(refusal) if refusal.code == "resource_missing"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_that_is_kept_under_the_key_ends_the_tries() {
    let (world, charge) = with_a_charge().await;
    let order = refund_of(&charge, Some("20.00"));
    world.fault("server_error_kept", "write").await;
    assert!(world.stripe.refund(&order, "key-1").await.unwrap_err().is_worth_another_try());
    let kept = world.stripe.refund(&order, "key-1").await.unwrap_err();
    assert!(matches!(kept, GatewayError::Permanent(_)), "{kept}");
    assert_eq!(refunds(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_flight_is_to_be_tried_again() {
    let (world, charge) = with_a_charge().await;
    let order = refund_of(&charge, Some("20.00"));
    world.admin("faults", &json!({ "kind": "latency", "on": "write", "next": 1, "ms": 400 })).await;
    let (slow, fast) = futures::join!(world.stripe.refund(&order, "key-1"), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.stripe.refund(&order, "key-1").await
    });
    assert!(matches!(fast.unwrap_err(), GatewayError::Transient(_)));
    assert_eq!(world.stripe.refund(&order, "key-1").await.unwrap(), slow.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_collected_declined_or_on_its_way() {
    let world = World::new().await;
    world.feed(&[an_invoice("INV-1", "direct_debit"), an_invoice("INV-2", "card"), an_invoice("INV-3", "card")]).await;
    let id = |object: &serde_json::Value| object["id"].as_str().unwrap().to_owned();
    let card = id(&world.first("invoices?limit=1").await);
    let declined = world.stripe.collect_invoice(&card, Some("pm_card_chargeDeclinedInsufficientFunds"), "key-1").await.unwrap_err();
    assert!(matches!(&declined, GatewayError::Declined(refusal) if refusal.code == "insufficient_funds"), "{declined}");
    let again = world.stripe.collect_invoice(&card, Some("pm_card_chargeDeclinedInsufficientFunds"), "key-1").await.unwrap_err();
    assert_eq!(again, declined, "no second attempt under the same key");
    let paid = world.stripe.collect_invoice(&card, None, "key-2").await.unwrap();
    assert_eq!((paid.id.as_str(), paid.collection), (card.as_str(), Collection::Paid));
    assert!(matches!(world.stripe.collect_invoice(&card, None, "key-3").await, Err(GatewayError::Permanent(_))), "paid already");
    let intents = world.first("payment_intents?limit=1&starting_after=").await;
    assert!(intents.is_null(), "an unknown starting_after is an error");
    let second = id(&world.first(&format!("payment_intents?limit=1&starting_after={}", id(&world.first("payment_intents").await))).await);
    let asked = world.stripe.collect_payment(&second, Some("pm_card_authenticationRequired"), "key-4").await.unwrap();
    assert_eq!(asked.collection, Collection::ActionRequired);
    assert_eq!(world.stripe.collect_payment(&second, None, "key-5").await.unwrap().collection, Collection::Paid);
    let third = id(&world.first(&format!("payment_intents?limit=1&starting_after={second}")).await);
    assert_eq!(world.stripe.collect_payment(&third, None, "key-6").await.unwrap().collection, Collection::Processing);
    assert_eq!(world.first("charges?limit=1").await["status"], "pending");
    let (attempts, _) = walk(Cursor::since(start()), |cursor| {
        let world = &world;
        async move { world.stripe.attempts(&cursor).await }
    })
    .await;
    assert_eq!(attempts.len(), 4);
    assert_eq!(world.stripe.attempt(&attempts[3].id).await.unwrap().failure.as_deref(), Some("Your card has insufficient funds."));
}
