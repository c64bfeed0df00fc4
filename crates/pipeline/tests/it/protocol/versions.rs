//! Two workers with two versions of a mapping: whatever stops or kills one of them, and wherever, the ERP never gets a second
//! payload under a key that it may hold.

use super::{
    erp::{PROCESSING, SimulatedErp, Told},
    process::{Fate, Office, Stopped, killed_after, stopped_after},
};
use crate::{
    invoices::invoice,
    workbench::replace_mapping,
    world::{Company, person},
};
use chrono::TimeDelta;
use domain::{mapping::MappingKind, stage::Stage};
use pipeline::{posting::worker, workbench::replay};
use std::{
    collections::HashSet,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use store::replays::Source;

/// More than any of it waits for the database; how often it does depends on how fast that is.
pub const WAITS: usize = 16;

pub struct Shop {
    pub company: Company,
    pub office: Office,
    erp: SimulatedErp,
    version: AtomicUsize,
}

impl Shop {
    pub async fn new() -> Self {
        let company = Company::new().await;
        company.limit(1_000_000).await;
        let erp = SimulatedErp::new(0, company.clock.clone());
        Self { office: Office::of(&company, &erp).await, company, erp, version: AtomicUsize::new(1) }
    }

    pub async fn import(&self, number: &str) {
        self.company.import("US", &format!("B-{number}"), &[invoice(number, 100)]).await;
    }

    pub async fn map(&self) {
        worker::map_all(&self.office.cx, &self.office.erps).await.unwrap();
    }

    /// The customer's reference is another from now on.
    async fn replace(&self) {
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        replace_mapping(&self.company, MappingKind::Customer, "C-1", &format!("erp-C-1.{version}")).await;
    }

    pub fn tells(&self, number: &str, told: impl IntoIterator<Item = Told>) {
        self.erp.books().script.entry(number.into()).or_default().extend(told);
    }

    pub async fn send(&self) {
        assert!(self.office.turn(4, Fate::Unharmed, 0).await.is_none());
    }

    /// A worker claims it and stands still in the call, past its lease; others write its attempt off.
    pub async fn stands_still(&self, answered: bool) -> Stopped {
        let stopped = self.office.turn(1, Fate::StoppedInSend { answered, calls: 0 }, 0).await.expect("a call");
        self.company.end_leases().await;
        self.office.tidy(None).await;
        stopped
    }

    /// Others look, twice and apart.
    async fn look_twice(&self) {
        for _ in 0..2 {
            self.company.clock.advance(TimeDelta::seconds(PROCESSING));
            self.office.look(1).await;
        }
    }

    async fn replay(&self, number: &str) {
        let set = self.freeze(number).await;
        replay::run(&self.office.cx, &self.office.erps, set).await.unwrap();
    }

    async fn freeze(&self, number: &str) -> domain::id::ReplaySetId {
        let documents = [self.company.document(number).await];
        let ann = person("ann@lumen.example");
        replay::prepare(&self.office.cx, &ann, &self.company.scope(), Source::Documents(&documents), number).await.unwrap()
    }

    pub async fn settle(&self) {
        for _ in 0..4 {
            self.office.tidy(None).await;
            self.send().await;
            self.look_twice().await;
        }
    }

    /// How many payloads were sent under its key, after the first so many calls.
    fn payloads(&self, number: &str, after: usize) -> usize {
        let books = self.erp.books();
        books.calls.iter().filter(|call| call.number == number).skip(after).map(|call| call.payload).collect::<HashSet<_>>().len()
    }

    /// The reference under which the ERP holds it, once.
    fn held(&self, number: &str) -> String {
        let books = self.erp.books();
        assert_eq!(books.ledger.iter().filter(|(held, _)| held == number).count(), 1, "{number}");
        books.entry(number).unwrap().body["customer_ref"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_worker_stopped_anywhere_in_its_mapping_and_one_that_maps_with_the_next_version_freeze_one_payload() {
    let shop = Shop::new().await;
    let mut stops = 0;
    for waits in 0..WAITS {
        let number = format!("I-{waits}");
        shop.import(&number).await;
        let mut slow = pin!(worker::map_all(&shop.office.cx, &shop.office.erps));
        let is_stopped = stopped_after(waits, slow.as_mut()).await.is_none();
        shop.replace().await;
        shop.map().await;
        shop.tells(&number, [Told::NoWord]);
        shop.send().await;
        if is_stopped {
            slow.await.unwrap();
        }
        shop.map().await;
        shop.settle().await;
        assert_eq!((shop.payloads(&number, 0), shop.company.stage(&number).await), (1, Stage::Posted), "stopped at wait {waits}");
        shop.held(&number);
        stops += usize::from(is_stopped);
    }
    assert!(stops > 3, "{stops} stops");
    shop.company.ties_out().await;
}

#[tokio::test]
async fn a_worker_killed_anywhere_between_mapping_and_send_leaves_one_payload_to_the_next() {
    let shop = Shop::new().await;
    let mut stops = 0;
    for waits in 0..2 * WAITS {
        let number = format!("I-{waits}");
        shop.import(&number).await;
        // nobody hears the first answer
        shop.tells(&number, [Told::NoWord]);
        let killed = killed_after(waits, async {
            shop.map().await;
            shop.office.plain().take(1).await.unwrap()
        });
        let is_killed = killed.await.is_none();
        shop.replace().await;
        shop.map().await;
        shop.send().await;
        shop.company.end_leases().await;
        shop.replace().await;
        shop.settle().await;
        assert_eq!((shop.payloads(&number, 0), shop.company.stage(&number).await), (1, Stage::Posted), "killed at wait {waits}");
        shop.held(&number);
        stops += usize::from(is_killed);
    }
    assert!(stops > 3, "{stops} stops");
    shop.company.ties_out().await;
}

#[tokio::test]
async fn what_was_proved_absent_is_sent_again_as_it_was_mapped_first() {
    for answered in [false, true] {
        let shop = Shop::new().await;
        shop.import("I-1").await;
        shop.map().await;
        shop.tells("I-1", [Told::NoWord]);
        let stopped = shop.stands_still(answered).await;
        shop.replace().await;
        shop.look_twice().await;
        assert_eq!(shop.company.stage("I-1").await, Stage::Queued);
        shop.send().await;
        // past the check of its lease already, so it still delivers
        stopped.goes_on(true).await;
        shop.settle().await;
        assert_eq!((shop.payloads("I-1", 0), shop.held("I-1").as_str()), (1, "erp-C-1"));
        assert_eq!(shop.company.stage("I-1").await, Stage::Posted);
        shop.company.ties_out().await;
    }
}

#[tokio::test]
async fn a_replay_stopped_anywhere_and_a_second_one_with_the_next_version_send_one_payload_after_the_refused_one() {
    let shop = Shop::new().await;
    let mut stops = 0;
    for waits in 0..WAITS {
        let number = format!("I-{waits}");
        shop.import(&number).await;
        shop.map().await;
        shop.tells(&number, [Told::Refused, Told::NoWord]);
        shop.send().await;
        let set = shop.freeze(&number).await;
        let mut slow = pin!(replay::run(&shop.office.cx, &shop.office.erps, set));
        let is_stopped = stopped_after(waits, slow.as_mut()).await.is_none();
        shop.replace().await;
        // the second waits for the first where that has locked the set
        let (second, ()) = tokio::join!(replay::run(&shop.office.cx, &shop.office.erps, set), async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            shop.send().await;
            if is_stopped {
                slow.await.unwrap();
            }
        });
        second.unwrap();
        shop.send().await;
        shop.replace().await;
        shop.settle().await;
        assert_eq!((shop.payloads(&number, 1), shop.company.stage(&number).await), (1, Stage::Posted), "stopped at wait {waits}");
        shop.held(&number);
        stops += usize::from(is_stopped);
    }
    assert!(stops > 3, "{stops} stops");
    shop.company.ties_out().await;
}

/// Refused after an unknown outcome that was proved absent, looked into, refused again: in exception, while the worker of the
/// first try still stands before its call.
async fn refused_while_one_stands_still() -> (Shop, Stopped) {
    let shop = Shop::new().await;
    shop.import("I-1").await;
    shop.map().await;
    let stopped = shop.stands_still(false).await;
    shop.look_twice().await;
    shop.tells("I-1", [Told::Refused, Told::Refused]);
    shop.send().await;
    shop.look_twice().await;
    shop.send().await;
    assert_eq!(shop.company.stage("I-1").await, Stage::Exception);
    shop.replace().await;
    (shop, stopped)
}

#[tokio::test]
async fn what_a_stopped_worker_delivers_before_the_replay_is_sent_is_adopted_and_nothing_else_goes_out() {
    let (shop, stopped) = refused_while_one_stands_still().await;
    shop.replay("I-1").await;
    stopped.goes_on(true).await;
    shop.settle().await;
    assert_eq!((shop.payloads("I-1", 0), shop.held("I-1").as_str()), (1, "erp-C-1"));
    assert_eq!(shop.company.stage("I-1").await, Stage::Posted);
    shop.company.ties_out().await;
}

#[tokio::test]
async fn what_a_stopped_worker_delivers_unheard_stays_the_only_one_and_the_replay_finds_it_different() {
    let (shop, stopped) = refused_while_one_stands_still().await;
    shop.replay("I-1").await;
    let second = shop.office.turn(1, Fate::StoppedInSend { answered: false, calls: 0 }, 0).await.unwrap();
    // the old one arrives first, and answers to nobody who may decide
    stopped.goes_on(true).await;
    assert_eq!(shop.company.stage("I-1").await, Stage::InFlight);
    second.goes_on(false).await;
    shop.settle().await;
    assert_eq!(shop.held("I-1"), "erp-C-1");
    assert_eq!(shop.company.history("I-1").await.split(' ').next_back(), Some("mismatch"));
    shop.company.ties_out().await;
}

#[tokio::test]
async fn a_stopped_worker_that_delivers_after_the_replay_meets_the_fence() {
    let (shop, stopped) = refused_while_one_stands_still().await;
    shop.replay("I-1").await;
    shop.send().await;
    stopped.goes_on(true).await;
    shop.settle().await;
    assert_eq!((shop.held("I-1").as_str(), shop.company.stage("I-1").await), ("erp-C-1.2", Stage::Posted));
    shop.company.ties_out().await;
}
