//! Two that decide about one document at once: the second waits for the first and then sees what it did.

use super::{
    erp::Told,
    process::stopped_after,
    versions::{Shop, WAITS},
};
use chrono::TimeDelta;
use domain::stage::Stage;
use std::{pin::pin, time::Duration};

#[tokio::test]
async fn an_answer_that_comes_while_a_look_decides_adds_nothing_and_fails_nothing() {
    let shop = Shop::new().await;
    let mut stops = 0;
    for waits in 0..WAITS {
        let number = format!("I-{waits}");
        shop.import(&number).await;
        shop.map().await;
        // accepted, and the worker stands still before it hears of it
        let late = shop.stands_still(true).await;
        shop.company.clock.advance(TimeDelta::seconds(1));
        let desk = shop.office.plain();
        let mut look = pin!(desk.probe());
        let is_stopped = stopped_after(waits, look.as_mut()).await.is_none();
        tokio::join!(late.goes_on(true), async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            if is_stopped {
                look.await.unwrap();
            }
        });
        assert_eq!(shop.company.stage(&number).await, Stage::Posted, "stopped at wait {waits}");
        stops += usize::from(is_stopped);
    }
    assert!(stops > 3, "{stops} stops");
    shop.company.ties_out().await;
}

#[tokio::test]
async fn a_worker_that_stands_still_in_its_mapping_holds_up_no_send() {
    let shop = Shop::new().await;
    for waits in 0..WAITS {
        let (first, second) = (format!("I-{waits}"), format!("J-{waits}"));
        shop.import(&first).await;
        shop.map().await;
        shop.import(&second).await;
        let mut slow = pin!(shop.map());
        let is_stopped = stopped_after(waits, slow.as_mut()).await.is_none();
        // the database ends a transaction that stands still only after seconds
        tokio::time::timeout(Duration::from_secs(5), shop.send()).await.expect("nobody has to wait for a mapping");
        assert_eq!(shop.company.stage(&first).await, Stage::Posted, "stopped at wait {waits}");
        if is_stopped {
            slow.await;
        }
        shop.settle().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_written_twice_is_not_late() {
    let shop = Shop::new().await;
    shop.import("I-1").await;
    shop.map().await;
    shop.tells("I-1", [Told::NoWord]);
    let desk = shop.office.plain();
    let hand = desk.take(1).await.unwrap();
    let answer = desk.send(hand.claimed[0].clone(), hand.correlation_id, hand.lease_ends).await;
    // the first commit's answer was lost
    desk.complete(std::slice::from_ref(&answer)).await.unwrap();
    desk.complete(&[answer]).await.unwrap();
    assert_eq!(shop.company.world.text("select outcome || ' ' || late from posting_attempt").await, "ambiguous false");
    assert_eq!(shop.company.next("I-1").await.2, 1);
}
