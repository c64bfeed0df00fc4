//! The rules of posting, exactly once in effect, one by one against an ERP whose answers are written beforehand.

use crate::{
    invoices::invoice,
    world::{Company, PROCESSING, SLOTS, ambiguous, refusal},
};
use domain::{
    posting::{Outcome, Probe, Refusal},
    stage::Stage,
};
use futures::future::join_all;
use pipeline::posting::{Desk, send::Completion, worker};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

fn transient() -> Outcome {
    Outcome::Transient { reason: "the record is locked".into() }
}

fn unreachable() -> Outcome {
    Outcome::Unreachable { reason: "connection refused".into() }
}

/// Sends what is due and leaves the answers in hand.
async fn send_all(desk: &Desk) -> Vec<Completion> {
    let hand = desk.take(100).await.unwrap();
    join_all(hand.claimed.into_iter().map(|claimed| desk.send(claimed, hand.correlation_id, hand.lease_ends))).await
}

#[tokio::test]
async fn every_outcome_leads_to_its_stage_work_and_exception() {
    let permanent = Outcome::Permanent(Refusal { code: "INVALID_REQUEST".into(), message: "no such field".into(), field: None });
    let cases = [
        ("I-accepted", Outcome::Accepted { erp_id: "1".into(), erp_number: "N1".into() }, Stage::Posted, None, 1, None),
        ("I-throttled", Outcome::Throttled { retry_after_seconds: Some(30) }, Stage::Queued, Some("send"), 0, None),
        ("I-transient", transient(), Stage::Queued, Some("send"), 1, None),
        ("I-unreachable", unreachable(), Stage::Queued, Some("send"), 0, None),
        ("I-auth", Outcome::Auth { reason: "INVALID_LOGIN".into() }, Stage::Queued, Some("send"), 0, None),
        ("I-business", refusal("CLOSED_TRAN_PRD"), Stage::Exception, None, 1, Some("period")),
        ("I-permanent", permanent, Stage::Exception, None, 1, Some("other")),
        ("I-duplicate", Outcome::Duplicate { reason: "DUP_RCRD".into() }, Stage::Unknown, Some("probe"), 1, None),
        ("I-ambiguous", ambiguous(), Stage::Unknown, Some("probe"), 1, None),
    ];
    for (number, outcome, stage, work, attempts, trouble) in cases {
        let company = Company::queued(&[number]).await;
        company.erp.answers(number, [outcome]);
        let desk = company.desk();
        let answered = send_all(&desk).await;
        assert_eq!(company.stage(number).await, Stage::InFlight);
        desk.complete(&answered).await.unwrap();
        let (found_work, due, found_attempts) = company.next(number).await;
        assert_eq!((company.stage(number).await, found_work.as_deref(), found_attempts), (stage, work, attempts), "{number}");
        assert_eq!(due.is_some(), work.is_some(), "{number}");
        assert_eq!(company.trouble(number).await.map(|t| t.0).as_deref(), trouble, "{number}");
        let attempt = company.world.text("select outcome from posting_attempt").await;
        assert_eq!(format!("I-{attempt}"), number);
        let failed = ["auth", "business", "permanent", "ambiguous", "transient", "unreachable"].contains(&attempt.as_str());
        let states = store::connections::states(&company.world.db.pool, &company.scope(), company.world.cx.clock.now()).await.unwrap();
        let errors: Vec<_> = states.iter().flat_map(|state| &state.last_errors).map(|error| error.number.as_str()).collect();
        assert_eq!(errors, if failed { vec![number] } else { Vec::new() });
        company.ties_out().await;
    }
}

#[tokio::test]
async fn a_throttled_answer_waits_as_told_and_burns_no_attempt() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", (0..20).map(|_| Outcome::Throttled { retry_after_seconds: Some(30) }));
    company.drain().await;
    for _ in 0..20 {
        assert_eq!(company.next("I-1").await, (Some("send".into()), Some(30), 0));
        company.drain_after(30).await;
    }
    assert_eq!((company.stage("I-1").await, company.erp.sent("I-1").len()), (Stage::Posted, 21));
}

#[tokio::test]
async fn a_transient_answer_backs_off_until_the_tries_are_used_up() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", (0..8).map(|_| transient()));
    company.drain().await;
    let mut waits = Vec::new();
    while let (Some(_), Some(due), _) = company.next("I-1").await {
        waits.push(due);
        company.drain_after(due + 1).await;
    }
    assert_eq!(waits.len(), 7);
    assert!(waits[6] > waits[0], "{waits:?}");
    let (kind, code, message) = company.trouble("I-1").await.unwrap();
    assert_eq!((kind.as_str(), code.as_str()), ("attempts", "ATTEMPTS_USED_UP"));
    assert!(message.contains("8 tries"), "{message}");
}

#[tokio::test]
async fn never_more_in_flight_than_slots_over_all_processes() {
    let numbers: Vec<String> = (0..20).map(|n| format!("I-{n}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let company = Company::queued(&numbers).await;
    let desks: Vec<Desk> = (0..6).map(|n| company.desk_of(&format!("process {n}"))).collect();
    for _ in 0..4 {
        let hands = join_all(desks.iter().map(|desk| desk.take(3))).await;
        let hands: Vec<_> = hands.into_iter().map(Result::unwrap).collect();
        assert_eq!(hands.iter().map(|hand| hand.claimed.len()).sum::<usize>(), usize::try_from(SLOTS).unwrap());
        for (desk, hand) in desks.iter().zip(hands) {
            let sends = hand.claimed.into_iter().map(|claimed| desk.send(claimed, hand.correlation_id, hand.lease_ends));
            desk.complete(&join_all(sends).await).await.unwrap();
        }
    }
    assert_eq!(company.erp.script().sent.len(), 16);
}

#[tokio::test]
async fn a_probe_takes_a_slot_and_sends_leave_it_one() {
    let company = Company::queued(&["I-1", "I-2", "I-3", "I-4", "I-5", "I-6"]).await;
    let desk = company.desk();
    company.erp.answers("I-1", [Outcome::Duplicate { reason: "DUP_RCRD".into() }]);
    let first = desk.take(1).await.unwrap();
    let answered = join_all(first.claimed.into_iter().map(|claimed| desk.send(claimed, first.correlation_id, first.lease_ends))).await;
    desk.complete(&answered).await.unwrap();
    let slots = usize::try_from(SLOTS).unwrap();
    assert_eq!(desk.take(100).await.unwrap().claimed.len(), slots - 1, "one is left for the probe that is due");
    assert_eq!(desk.probe().await.unwrap(), 1);
    assert_eq!(desk.take(100).await.unwrap().claimed.len(), 1, "the probe gave its slot back");
    company.clock.advance(chrono::TimeDelta::seconds(PROCESSING * 2));
    assert_eq!(desk.probe().await.unwrap(), 0, "every slot is in use");
}

#[tokio::test]
async fn a_claim_without_time_left_is_given_back_unsent() {
    let company = Company::queued(&["I-1"]).await;
    let desk = company.desk();
    let hand = desk.take(1).await.unwrap();
    assert!(hand.lease_ends > Instant::now() + Duration::from_secs(5));
    // the answer's time-out alone is as long as what is left
    let late = Instant::now() + Duration::from_secs(5);
    let completion = desk.send(hand.claimed[0].clone(), hand.correlation_id, late).await;
    assert!(completion.sent.is_none());
    desk.complete(&[completion]).await.unwrap();
    assert_eq!(company.next("I-1").await, (Some("send".into()), Some(0), 0));
    assert_eq!(company.history("I-1").await, "finalized queued in_flight queued");
    assert!(company.erp.sent("I-1").is_empty());
    assert_eq!(company.world.text("select outcome from posting_attempt").await, "not_sent");
}

#[tokio::test]
async fn an_expired_lease_becomes_unknown_and_never_queued() {
    let company = Company::queued(&["I-1"]).await;
    let desk = company.desk();
    desk.take(1).await.unwrap();
    assert_eq!(desk.sweep().await.unwrap(), 0, "the lease has not ended");
    company.end_leases().await;
    assert_eq!(desk.sweep().await.unwrap(), 1);
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown");
    assert_eq!(company.world.text("select outcome from posting_attempt").await, "no_answer");
    assert!(desk.take(10).await.unwrap().claimed.is_empty());
    company.ties_out().await;
}

#[tokio::test]
async fn absent_needs_two_looks_apart_after_the_processing_time() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.drain().await;
    company.drain_after(20).await;
    assert_eq!(company.erp.looked("I-1"), 1, "an early look may find a fast answer");
    assert_eq!(company.next("I-1").await, (Some("probe".into()), Some(PROCESSING - 20), 1));
    company.drain_after(PROCESSING - 20).await;
    assert_eq!((company.stage("I-1").await, company.erp.looked("I-1")), (Stage::Unknown, 2), "the first that counts");
    assert_eq!(company.next("I-1").await.1, Some(PROCESSING / 10));
    company.drain_after(PROCESSING / 10).await;
    assert_eq!(company.erp.looked("I-1"), 3);
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown queued in_flight posted");
    assert_eq!(company.erp.sent("I-1").len(), 2);
}

#[tokio::test]
async fn a_look_that_was_not_answered_counts_for_nothing() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.erp.looks("I-1", (0..5).map(|_| Probe::NotAnswered { reason: "HTTP 500".into() }));
    company.drain().await;
    for _ in 0..5 {
        company.drain_after(PROCESSING).await;
        assert_eq!(company.stage("I-1").await, Stage::Unknown);
    }
    company.drain_after(PROCESSING).await;
    assert_eq!(company.stage("I-1").await, Stage::Unknown, "one empty look");
    company.drain_after(PROCESSING).await;
    assert_eq!(company.stage("I-1").await, Stage::Posted);
}

#[tokio::test]
async fn found_and_equal_is_posted_with_the_erps_number() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.drain().await;
    company.erp.looks("I-1", [Probe::Found(Box::new(company.in_erp("I-1").await))]);
    company.drain_after(20).await;
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown posted");
    assert_eq!(company.world.text("select erp_id from posting").await, "found-I-1");
    assert_eq!(company.erp.sent("I-1").len(), 1);
    company.ties_out().await;
}

#[tokio::test]
async fn found_different_or_twice_is_a_mismatch_and_never_sendable() {
    let company = Company::with(&["I-1", "I-2"]).await;
    for number in ["I-1", "I-2"] {
        company.erp.answers(number, [ambiguous()]);
    }
    company.drain().await;
    let (mut one, two) = (company.in_erp("I-1").await, company.in_erp("I-2").await);
    one.total += rust_decimal::Decimal::new(1, 2);
    company.erp.looks("I-1", [Probe::Found(Box::new(one))]);
    company.erp.looks("I-2", [Probe::FoundTwice(vec![two.clone(), two])]);
    company.drain_after(20).await;
    assert_eq!((company.stage("I-1").await, company.stage("I-2").await), (Stage::Mismatch, Stage::Mismatch));
    let (kind, _, message) = company.trouble("I-1").await.unwrap();
    assert_eq!(kind, "mismatch");
    assert!(message.contains("total: ours 110, ERP 110.01"), "{message}");
    assert_eq!(company.trouble("I-2").await.unwrap().1, "TWICE_IN_ERP");
    let documents = [company.document("I-1").await, company.document("I-2").await];
    let replayed = pipeline::workbench::replay::prepare(
        &company.world.cx,
        &crate::world::person("ann@lumen.example"),
        &company.scope(),
        store::replays::Source::Documents(&documents),
        "both",
    )
    .await;
    assert!(replayed.is_err(), "a mismatch is not in exception, so nothing of it is frozen");
    company.drain_after(PROCESSING * 10).await;
    assert_eq!(company.erp.script().sent.len(), 2);
    company.ties_out().await;
}

#[tokio::test]
async fn completion_is_fenced_by_the_attempt() {
    let company = Company::queued(&["I-1"]).await;
    let desk = company.desk();
    company.erp.answers("I-1", [refusal("CLOSED_TRAN_PRD"), ambiguous()]);
    let late = send_all(&desk).await;
    company.end_leases().await;
    desk.sweep().await.unwrap();
    desk.complete(&late).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::Unknown, "a late refusal decides nothing");
    for _ in 0..2 {
        company.clock.advance(chrono::TimeDelta::seconds(PROCESSING));
        desk.probe().await.unwrap();
    }
    let again = desk.take(1).await.unwrap();
    assert_eq!(again.claimed.len(), 1);
    desk.complete(&late).await.unwrap();
    assert_eq!(company.stage("I-1").await, Stage::InFlight, "another attempt has it in hand");
    assert_eq!(
        company.world.text("select outcome || ' ' || late::text || ' ' || code from posting_attempt where late").await,
        "no_answer true CLOSED_TRAN_PRD"
    );
    company.ties_out().await;
}

#[tokio::test]
async fn a_late_acceptance_is_adopted_whatever_was_thought_meanwhile() {
    // while it is unknown, after absence was proved, and after a refusal of the next try
    for wait in [0, 1, 2] {
        let company = Company::queued(&["I-1"]).await;
        let desk = company.desk();
        let late = send_all(&desk).await;
        company.end_leases().await;
        desk.sweep().await.unwrap();
        if wait > 0 {
            for _ in 0..2 {
                company.clock.advance(chrono::TimeDelta::seconds(PROCESSING));
                desk.probe().await.unwrap();
            }
            assert_eq!(company.stage("I-1").await, Stage::Queued);
        }
        if wait > 1 {
            company.execute("update posting_attempt set outcome = 'transient' where purpose = 'send'").await;
            company.erp.answers("I-1", [refusal("CLOSED_TRAN_PRD")]);
            company.drain().await;
            assert_eq!(company.stage("I-1").await, Stage::Exception);
        }
        desk.complete(&late).await.unwrap();
        assert_eq!((company.stage("I-1").await, company.next("I-1").await.0), (Stage::Posted, None), "{wait}");
        assert_eq!(company.trouble("I-1").await, None);
        company.ties_out().await;
    }
}

#[tokio::test]
async fn an_empty_look_from_before_the_last_send_counts_for_nothing() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous(), ambiguous()]);
    company.drain().await;
    company.clock.advance(chrono::TimeDelta::seconds(PROCESSING));
    // a process asks, and stands still with the answer in hand
    let stall = Arc::new(Semaphore::new(0));
    company.erp.script().stall = Some(stall.clone());
    let desk = company.desk_of("slow");
    let slow = tokio::spawn(async move { desk.probe().await.unwrap() });
    while company.erp.looked("I-1") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // meanwhile others prove absence and send again
    for _ in 0..2 {
        company.drain_after(PROCESSING).await;
    }
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown queued in_flight unknown");
    stall.add_permits(1);
    assert_eq!(slow.await.unwrap(), 1);
    assert_eq!(company.world.text("select absent_probes::text from posting").await, "0");
    company.drain_after(PROCESSING).await;
    assert_eq!(company.stage("I-1").await, Stage::Unknown, "one empty look");
}

#[tokio::test]
async fn a_refusal_after_an_unknown_outcome_is_looked_into_before_it_is_believed() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous(), refusal("CLOSED_TRAN_PRD"), refusal("CLOSED_TRAN_PRD")]);
    company.drain().await;
    for _ in 0..3 {
        company.drain_after(PROCESSING).await;
    }
    assert_eq!(company.history("I-1").await, "finalized queued in_flight unknown queued in_flight unknown", "not in exception unproved");
    for _ in 0..3 {
        company.drain_after(PROCESSING).await;
    }
    assert_eq!(company.stage("I-1").await, Stage::Exception, "looked into once, the next refusal is believed");
    assert_eq!(company.erp.sent("I-1").len(), 3);
    company.ties_out().await;
}

#[tokio::test]
async fn what_was_posted_after_all_is_adopted_when_the_period_has_closed_meanwhile() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [ambiguous(), refusal("CLOSED_TRAN_PRD")]);
    company.drain().await;
    company.erp.looks("I-1", [Probe::Absent, Probe::Absent, Probe::Found(Box::new(company.in_erp("I-1").await))]);
    for _ in 0..4 {
        company.drain_after(PROCESSING).await;
    }
    assert_eq!(company.stage("I-1").await, Stage::Posted);
    assert_eq!(company.trouble("I-1").await, None);
}

#[tokio::test]
async fn refused_credentials_open_the_circuit_and_one_call_goes_through_when_due() {
    let company = Company::with(&["I-1", "I-2", "I-3", "I-4", "I-5", "I-6"]).await;
    let auth = || Outcome::Auth { reason: "INVALID_LOGIN".into() };
    for number in ["I-1", "I-2", "I-3", "I-4"] {
        company.erp.answers(number, [auth()]);
    }
    company.import("DE", "B-2", &[invoice("D-1", 100)]).await;
    company.drain().await;
    assert_eq!(company.erp.script().sent.len(), 5, "four slots and then nothing; the other account goes on");
    assert_eq!(company.stage("D-1").await, Stage::Posted);
    let circuit = "select circuit || ': ' || coalesce(circuit_reason, 'none') from erp_connection where code = 'Account-US'";
    assert_eq!(company.world.text(circuit).await, "open: INVALID_LOGIN");
    company.drain_after(59).await;
    assert_eq!(company.erp.script().sent.len(), 5, "not before its time");
    for number in ["I-1", "I-2", "I-3", "I-4", "I-5", "I-6"] {
        company.erp.answers(number, [auth()]);
    }
    company.drain_after(1).await;
    assert_eq!(company.erp.script().sent.len(), 6, "one call");
    assert_eq!(company.world.text(circuit).await, "open: INVALID_LOGIN");
    company.erp.script().answers.clear();
    company.drain_after(60).await;
    assert_eq!(company.world.text(circuit).await, "closed: none");
    assert_eq!(company.world.text("select count(*)::text from document where stage = 'posted'").await, "7");
    assert_eq!(company.world.text("select max(attempts)::text from posting").await, "1", "refused credentials burn no attempt");
    company.ties_out().await;
}

#[tokio::test]
async fn throttling_halves_what_is_called_at_once_and_success_raises_it_again() {
    let numbers = ["I-1", "I-2", "I-3", "I-4", "I-5", "I-6", "I-7", "I-8"];
    let company = Company::with(&numbers).await;
    for number in numbers {
        company.erp.answers(number, [Outcome::Throttled { retry_after_seconds: Some(30) }]);
    }
    company.drain().await;
    let pace = "select slots_now || ' of ' || slots || ', throttled ' || throttled from erp_connection where code = 'Account-US'";
    assert_eq!(company.world.text(pace).await, "2 of 4, throttled 4", "four answers of one moment halve it once");
    assert_eq!(company.erp.script().sent.len(), 4, "the others are not sent while the ERP wants to be left alone");
    company.drain_after(29).await;
    assert_eq!(company.erp.script().sent.len(), 4);
    company.erp.script().answers.clear();
    company.drain_after(1).await;
    assert_eq!(company.world.text(pace).await, "4 of 4, throttled 4");
    assert_eq!(company.world.text("select count(*)::text from document where stage = 'posted'").await, "8");
    company.ties_out().await;
}

#[tokio::test]
async fn an_erp_out_of_reach_for_hours_is_asked_by_one_call_at_a_time_and_burns_no_attempt() {
    let numbers = ["I-1", "I-2", "I-3", "I-4", "I-5", "I-6"];
    let company = Company::with(&numbers).await;
    for number in numbers {
        company.erp.answers(number, (0..200).map(|_| unreachable()));
    }
    company.drain().await;
    let circuit = "select circuit || ': ' || coalesce(circuit_reason, 'none') from erp_connection where code = 'Account-US'";
    assert_eq!(company.world.text(circuit).await, "open: connection refused");
    for looks in 1..=20 {
        company.drain_after(15 * 60).await;
        assert_eq!(company.erp.script().sent.len(), 4 + looks, "four slots, then one call when due");
    }
    company.erp.script().answers.clear();
    company.drain_after(15).await;
    assert_eq!(company.world.text(circuit).await, "closed: none");
    assert_eq!(company.world.text("select count(*)::text from document where stage = 'posted'").await, "6");
    assert_eq!(company.world.text("select max(attempts)::text from posting").await, "1");
    company.ties_out().await;
}

#[tokio::test]
async fn the_payload_is_frozen_from_the_first_send() {
    let company = Company::with(&["I-1"]).await;
    company.erp.answers("I-1", [transient(), ambiguous(), Outcome::Throttled { retry_after_seconds: None }]);
    company.drain().await;
    company.execute("update mapping set target_ref = 'another'").await;
    for _ in 0..5 {
        company.drain_after(PROCESSING).await;
    }
    let sent = company.erp.sent("I-1");
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|payload| *payload == sent[0]), "{sent:?}");
}

#[tokio::test]
async fn a_missing_mapping_is_named_before_anything_is_sent() {
    let company = Company::new().await;
    let mut new = invoice("I-1", 100);
    new["lines"][0]["item"] = json!("SEAT");
    company.import("US", "B-1", &[new, invoice("I-2", 100)]).await;
    company.drain().await;
    assert_eq!(company.history("I-1").await, "finalized exception");
    let (kind, code, message) = company.trouble("I-1").await.unwrap();
    assert_eq!((kind.as_str(), code.as_str()), ("mapping", "MAPPING_MISSING"));
    assert_eq!(message, "Item SEAT has no mapping; Revenue account SEAT has no mapping");
    assert!(company.erp.sent("I-1").is_empty());
    assert_eq!(company.stage("I-2").await, Stage::Posted, "the others go on");
    company.ties_out().await;
}

#[tokio::test]
async fn a_credit_memo_waits_for_its_invoice() {
    let company = Company::new().await;
    let mut credit = invoice("C-1", 50);
    credit["kind"] = json!("credit_memo");
    credit["applies_to"] = json!("I-1");
    company.import("US", "B-1", &[credit]).await;
    company.drain().await;
    assert_eq!(company.stage("C-1").await, Stage::Held, "it came before its invoice");
    company.import("US", "B-2", &[invoice("I-1", 100)]).await;
    company.erp.answers("I-1", [ambiguous()]);
    company.drain().await;
    assert_eq!(company.stage("C-1").await, Stage::Held, "the invoice may not be there");
    for _ in 0..3 {
        company.drain_after(PROCESSING).await;
    }
    assert_eq!((company.stage("I-1").await, company.stage("C-1").await), (Stage::Posted, Stage::Posted));
    let sent: Vec<String> = company.erp.script().sent.iter().map(|payload| payload.number.clone()).collect();
    assert_eq!(sent, ["I-1", "I-1", "C-1"]);
    company.ties_out().await;
}

#[tokio::test]
async fn a_connector_that_panics_costs_its_calls_and_ends_no_loop() {
    let numbers: Vec<String> = (0..8).map(|n| format!("I-{n}")).collect();
    let company = Company::with(&numbers.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // as many sends as there are slots
    company.erp.script().panics.extend([("map", 1), ("send", usize::try_from(SLOTS).unwrap()), ("look", 1)]);
    let (cx, cancel) = (company.world.cx.clone(), CancellationToken::new());
    let working = tokio::spawn(worker::run(cx, company.erps.clone(), "one".into(), cancel.clone()));
    company.until("4", "select count(*)::text from document where stage = 'in_flight'").await;
    // first the sends' leases, then that of the look which panics: whoever takes a slot first, all of them are free again
    company.end_leases().await;
    while company.erp.script().panics.values().sum::<usize>() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    company.end_leases().await;
    let looking = company.until("8", "select count(*)::text from document where stage = 'posted'");
    let time = async {
        loop {
            tokio::time::sleep(Duration::from_millis(300)).await;
            company.clock.advance(chrono::TimeDelta::seconds(PROCESSING));
        }
    };
    tokio::select! { () = looking => {}, () = time => {} }
    assert_eq!(company.erp.script().panics.values().sum::<usize>(), 0);
    cancel.cancel();
    working.await.unwrap();
    company.ties_out().await;
}
