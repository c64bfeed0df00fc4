//! opening + charges − refunds − disputes − fees − payouts ± reserves = balance (accounting.md, Gateway clearing proof), and every
//! payout is the sum of its entries (contract: Reconciliation).

use super::world::{World, invoices, start, walk};
use connectors::stripe::Cursor;
use domain::settlement::{Clearing, ClearingLine, DisputeStatus, EntryKind, GatewayEntry, PaymentStatus, Payout, PayoutStatus};
use rust_decimal::Decimal;
use simulators::stripe::{DisputeFee, Switches};
use std::collections::{BTreeMap, BTreeSet};

async fn check(world: &World) -> (Vec<GatewayEntry>, Vec<Payout>) {
    let (entries, _) = world.pull_entries(Cursor::since(start())).await;
    let (payouts, _) = walk(Cursor::since(start()), |cursor| async move { world.stripe.payouts(&cursor).await }).await;
    let balance = world.stripe.balance().await.unwrap();
    let currency = entries[0].settlement_currency;
    let mut clearing = Clearing::new(currency);
    for entry in &entries {
        assert!(entry.ties(), "{entry:?}");
        clearing.add(entry).unwrap();
    }
    assert_eq!(clearing.closing(Decimal::ZERO), balance[&currency], "{clearing:?}");
    assert_eq!(-clearing.lines[&ClearingLine::Payouts], payouts.iter().map(|payout| payout.amount).sum());
    let mut itemised = BTreeSet::new();
    for payout in &payouts {
        let paid = world.entries_of(&payout.id).await;
        assert_eq!(payout.residual(&paid), Decimal::ZERO, "{payout:?}");
        assert_eq!(paid.iter().map(|entry| entry.net).sum::<Decimal>(), Decimal::ZERO, "its own movement is among them");
        assert!(paid.iter().all(|entry| entry.payout.as_deref() == Some(&payout.id)));
        itemised.extend(paid.into_iter().map(|entry| entry.id));
    }
    let unpaid: Decimal = entries.iter().filter(|entry| !itemised.contains(&entry.id)).map(|entry| entry.net).sum();
    assert_eq!(unpaid, balance[&currency], "what no payout has paid is still held");
    (entries, payouts)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_movement_of_three_months_is_in_the_balance_or_in_a_payout() {
    let world = World::new().await;
    world.feed(&invoices(1_500, 60, "USD")).await;
    world.live(24 * 150).await;
    let (entries, payouts) = check(&world).await;
    let mut kinds: BTreeMap<EntryKind, usize> = BTreeMap::new();
    entries.iter().for_each(|entry| *kinds.entry(entry.kind).or_default() += 1);
    let expected = [
        EntryKind::Charge,
        EntryKind::Refund,
        EntryKind::Dispute,
        EntryKind::DisputeFee,
        EntryKind::DisputeReversal,
        EntryKind::Return,
        EntryKind::Payout,
    ];
    for kind in expected {
        assert!(kinds.contains_key(&kind), "{kind}: {kinds:?}");
    }
    assert_eq!((kinds[&EntryKind::Reserve], kinds[&EntryKind::ReserveRelease]), (1, 1));
    assert_eq!(payouts.iter().filter(|payout| payout.amount < Decimal::ZERO).count(), 1, "one negative payout");
    assert!(payouts.iter().all(|payout| payout.status == PayoutStatus::Paid && payout.trace_id.is_some() && payout.is_itemised));
    let charges: Vec<&GatewayEntry> = entries.iter().filter(|entry| entry.kind == EntryKind::Charge).collect();
    assert!(charges.len() > 1_400);
    assert!(charges.iter().all(|charge| charge.invoice_numbers.len() == 1 && charge.customer_reference.is_some()));
    let converted = charges.iter().find(|charge| charge.currency.code() == "CAD").unwrap();
    assert_eq!(converted.exchange_rate.unwrap().to_string(), "0.7321");
    let exact = converted.amount * converted.exchange_rate.unwrap();
    assert!((exact - converted.gross).abs() <= Decimal::new(5, 3), "{converted:?}");
    let refund = entries.iter().find(|entry| entry.kind == EntryKind::Refund).unwrap();
    let its_charge = charges.iter().find(|charge| charge.payment_reference == refund.payment_reference).unwrap();
    assert_eq!(refund.invoice_numbers, its_charge.invoice_numbers);
    attempts_refunds_and_disputes(&world, &entries).await;
}

/// What moves no balance is pulled too, and what moved it names its movement.
async fn attempts_refunds_and_disputes(world: &World, entries: &[GatewayEntry]) {
    let (attempts, _) = walk(Cursor::since(start()), |cursor| async move { world.stripe.attempts(&cursor).await }).await;
    let failed: Vec<_> = attempts.iter().filter(|attempt| attempt.status == PaymentStatus::Failed).collect();
    assert!((20..120).contains(&failed.len()) && failed.iter().all(|attempt| attempt.failure.is_some()), "{}", failed.len());
    let (refunds, _) = walk(Cursor::since(start()), |cursor| async move { world.stripe.refunds(&cursor).await }).await;
    let ids: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert!(!refunds.is_empty() && refunds.iter().all(|refund| ids.contains(refund.entry.as_deref().unwrap())));
    let (disputes, _) = walk(Cursor::since(start()), |cursor| async move { world.stripe.disputes(&cursor).await }).await;
    assert!(disputes.iter().all(|dispute| dispute.respond_by.is_some() && dispute.entries.iter().all(|id| ids.contains(id.as_str()))));
    for dispute in &disputes {
        let expected = if dispute.status == DisputeStatus::Won { 3 } else { 2 };
        assert_eq!(dispute.entries.len(), expected, "amount, fee, and the reversal of one that is won");
        assert_eq!(world.stripe.dispute(&dispute.id).await.unwrap(), *dispute);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fee_of_a_dispute_may_stand_in_its_own_row_or_in_the_disputes() {
    let world = World::with("DE", "EUR", Switches { dispute_fee: DisputeFee::InRow }).await;
    world.feed(&invoices(1_200, 30, "EUR")).await;
    world.live(24 * 120).await;
    let (entries, _) = check(&world).await;
    let disputed: Vec<_> = entries.iter().filter(|entry| entry.kind == EntryKind::Dispute).collect();
    assert!(!disputed.is_empty() && disputed.iter().all(|entry| entry.fee == Decimal::from(20)));
    assert!(entries.iter().all(|entry| entry.kind != EntryKind::DisputeFee));
    let charge = entries.iter().find(|entry| entry.kind == EntryKind::Charge).unwrap();
    let fee = (charge.gross * "0.015".parse::<Decimal>().unwrap())
        .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    assert_eq!(charge.fee, fee + "0.25".parse::<Decimal>().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn yen_have_no_minor_unit_and_japan_is_paid_on_fridays() {
    use chrono::{Datelike, Weekday};
    let world = World::with("JP", "JPY", Switches::default()).await;
    world.feed(&invoices(200, 30, "JPY")).await;
    world.live(24 * 90).await;
    let (entries, payouts) = check(&world).await;
    assert!(entries.iter().all(|entry| entry.net.fract().is_zero()));
    let paid = payouts.iter().filter(|payout| payout.amount > Decimal::ZERO);
    assert!(paid.map(|payout| payout.arrival_date.weekday()).all(|weekday| weekday == Weekday::Fri));
}
