//! Pages while the account goes on living, and what a refused page means.

use super::world::{World, account, an_invoice, invoices, start, walk};
use connectors::{
    gateway::GatewayError,
    stripe::{Config, Cursor, Stripe},
};
use domain::settlement::GatewayEntry;
use serde_json::json;
use simulators::stripe::{Simulator, Switches};
use std::{collections::BTreeSet, time::Duration};

fn ids(entries: &[GatewayEntry]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry.id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_between_two_pages_comes_with_this_pull_or_the_next_one() {
    let world = World::new().await;
    world.feed(&invoices(900, 30, "USD")).await;
    world.live(24 * 20).await;
    let (mut seen, mut cursor, mut pages) = (Vec::new(), Cursor::since(start()), 0);
    loop {
        // a new connector each time: only the text of the cursor survives
        let stripe = Stripe::new(Config::new(world.simulator.url(), super::world::KEY)).unwrap();
        let pulled = stripe.entries(&cursor.to_string().parse().unwrap()).await.unwrap();
        seen.extend(pulled.items);
        cursor = pulled.next;
        pages += 1;
        if pulled.is_last {
            break;
        }
        world.live(13).await;
    }
    assert!(pages > 4, "{pages}");
    let first = ids(&seen).len();
    assert_eq!(first, seen.len(), "no row comes twice within a walk");
    let (later, _) = world.pull_entries(cursor).await;
    let (all, _) = world.pull_entries(Cursor::since(start())).await;
    assert!(ids(&all).len() > first, "rows were made meanwhile");
    assert_eq!(ids(&seen).union(&ids(&later)).cloned().collect::<BTreeSet<_>>(), ids(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_shows_up_late_comes_with_the_next_pull() {
    let world = World::new().await;
    // many on one day, so that rows lie minutes apart
    world.feed(&invoices(300, 1, "USD")).await;
    world.live(4).await;
    let (before, cursor) = world.pull_entries(Cursor::since(start())).await;
    world.live(2).await;
    world.fault("row_late", "read").await;
    let (second, cursor) = world.pull_entries(cursor).await;
    let (all, _) = world.pull_entries(Cursor::since(start())).await;
    let known: BTreeSet<String> = ids(&before).union(&ids(&second)).cloned().collect();
    let missing: Vec<String> = ids(&all).difference(&known).cloned().collect();
    assert_eq!(missing.len(), 1, "the fault struck");
    let (third, _) = world.pull_entries(cursor).await;
    assert!(ids(&third).contains(&missing[0]), "the overlap finds it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_refused_is_classified_and_the_pull_goes_on_from_it() {
    let world = World::new().await;
    world.feed(&[an_invoice("INV-1", "card")]).await;
    world.live(24 * 40).await;
    let cursor = Cursor::since(start());
    for (fault, expected, again) in [
        ("throttled", "throttled", true),
        ("lock_timeout", "not now", true),
        ("server_error", "not now", true),
        ("server_error_for_good", "refused", false),
        ("cut_before", "not answered", true),
        ("cut_after", "not answered", true),
        ("invalid_key", "credentials refused", false),
        ("permission", "credentials refused", false),
    ] {
        world.fault(fault, "read").await;
        let error = world.stripe.payouts(&cursor).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{fault}: {error}");
        assert_eq!(error.is_worth_another_try(), again, "{fault}");
        assert!(world.stripe.payouts(&cursor).await.is_ok(), "{fault}");
    }
    world.admin("faults", &json!({ "kind": "latency", "on": "read", "next": 1, "ms": 2_000 })).await;
    let hurried = Config { request_timeout: Duration::from_millis(200), ..Config::new(world.simulator.url(), super::world::KEY) };
    let error = Stripe::new(hurried).unwrap().payouts(&cursor).await.unwrap_err();
    assert_eq!(error, GatewayError::Unanswered("time-out".into()));
    let nobody = Stripe::new(Config::new("http://127.0.0.1:1", "sk")).unwrap().payouts(&cursor).await.unwrap_err();
    assert!(matches!(nobody, GatewayError::Transient(_)), "{nobody}");
    let stranger = Stripe::new(Config::new(world.simulator.url(), "sk_of_another")).unwrap().payouts(&cursor).await.unwrap_err();
    assert!(matches!(stranger, GatewayError::Auth(_)), "{stranger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_the_same_books() {
    let world = World::new().await;
    world.feed(&invoices(200, 20, "USD")).await;
    world.live(24 * 60).await;
    let charge = world.first("charges").await["id"].as_str().unwrap().to_owned();
    let order = super::keys::refund_of(&charge, Some("1.00"));
    world.stripe.refund(&order, "key-1").await.unwrap();
    let (before, _) = world.pull_entries(Cursor::since(start())).await;
    let World { simulator, clock, dir, .. } = world;
    simulator.stop().await;
    let again = account(&dir.path().join("stripe.jsonl"), &clock, "US", "USD", Switches::default());
    let simulator = Simulator::start(again, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let stripe = Stripe::new(Config::new(simulator.url(), super::world::KEY)).unwrap();
    let (after, _) = walk(Cursor::since(start()), |cursor| {
        let stripe = &stripe;
        async move { stripe.entries(&cursor).await }
    })
    .await;
    assert_eq!(before, after);
    let replayed = stripe.refund(&order, "key-1").await.unwrap();
    assert_eq!(Some(replayed.entry.unwrap()), before.first().map(|entry| entry.id.clone()), "keys survive too");
}
