//! An ERP in memory that answers at once, with a ledger of its own and a fence by key as NetSuite's `externalId`. It drops,
//! delays, doubles and reorders, and commits after the caller gave up; which of it strikes follows from the seed, the number
//! and how often that was sent. What it told whom is the model's evidence.

use crate::fake_erp::held;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use connectors::{Erp, Opening, Page, Payload, Probed, Promise, ReadError, Sent};
use domain::{
    clock::{Clock, FixedClock},
    period::AccountingPeriod,
    posting::*,
};
use pipeline::posting::map::payload_hash;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

/// What a round of sends meets beside single faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weather {
    /// Every call is taken.
    #[default]
    Clear,
    /// Single faults.
    Usual,
    Throttling,
    /// Nobody gets through.
    Away,
    CredentialsRefused,
    /// Half of the answers are lost.
    Rough,
}

/// What became of a call, and what the caller was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Accepted,
    Throttled(Option<u64>),
    Transient,
    Unreachable,
    CredentialsRefused,
    Refused,
    Duplicate,
    /// Cut, failed or timed out: it may have been processed.
    NoWord,
}

/// One call as the ERP saw it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The claim that it was made under.
    pub lease: Uuid,
    pub number: String,
    pub payload: [u8; 32],
    pub told: Told,
    pub at: DateTime<Utc>,
    /// Its lease had ended: the caller stood still past it and went on.
    pub late: bool,
    /// A credit memo whose invoice was not in the ledger.
    pub overtook: bool,
}

/// One look for a number.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub at: DateTime<Utc>,
    pub found: Option<[u8; 32]>,
    pub answered: bool,
}

#[derive(Clone)]
pub struct Entry {
    pub erp_id: String,
    pub body: Value,
    pub payload: [u8; 32],
    pub lease: Uuid,
    pub late: bool,
}

#[derive(Default)]
pub struct Books {
    /// Every document that was ever written, in order; the fence keeps a second one of a number out.
    pub ledger: Vec<(String, Entry)>,
    held: HashMap<String, usize>,
    /// Taken, and not written before this time.
    pub pending: Vec<(DateTime<Utc>, String, Entry)>,
    pub calls: Vec<Call>,
    pub looks: HashMap<String, Vec<Look>>,
    pub sends: u64,
    sent: HashMap<String, u64>,
    pub ended_leases: HashSet<Uuid>,
    /// Calls by processes past their lease.
    pub late: u64,
    /// Numbers that were sent in time while what another call in time had brought was there, or on its way in: only the fence kept a
    /// second one out, and not every ERP has one.
    pub left_to_the_fence: Vec<String>,
    pub weather: Weather,
    /// Told first, by number and in order.
    pub script: HashMap<String, VecDeque<Told>>,
    /// Struck, by name.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Books {
    pub fn entry(&self, number: &str) -> Option<&Entry> {
        Some(&self.ledger[*self.held.get(number)?].1)
    }

    fn holds_in_time(&self, number: &str) -> bool {
        let pending = self.pending.iter().filter(|(_, waiting, _)| waiting == number).map(|(_, _, entry)| entry);
        self.entry(number).into_iter().chain(pending).any(|entry| !entry.late)
    }

    fn write(&mut self, number: &str, entry: Entry) {
        self.held.insert(number.to_owned(), self.ledger.len());
        self.ledger.push((number.to_owned(), entry));
    }

    /// What was taken and is due is written, unless its number is there meanwhile.
    fn settle(&mut self, now: DateTime<Utc>) {
        let (due, waiting) = std::mem::take(&mut self.pending).into_iter().partition(|(at, _, _)| *at <= now);
        self.pending = waiting;
        for (_, number, entry) in due {
            if self.entry(&number).is_none() {
                self.write(&number, entry);
            }
        }
    }

    fn struck(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

/// Seconds within which what was taken is written.
pub const PROCESSING: i64 = 900;

#[derive(Clone)]
pub struct SimulatedErp {
    books: Arc<Mutex<Books>>,
    clock: FixedClock,
    seed: u64,
}

impl SimulatedErp {
    pub fn new(seed: u64, clock: FixedClock) -> Self {
        Self { books: Arc::default(), clock, seed }
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.settle(self.clock.now());
        books
    }

    fn call(&self, payload: &Payload, lease: Uuid) -> (Told, Option<String>) {
        let mut books = self.books();
        let now = self.clock.now();
        let number = payload.number.as_str();
        books.sends += 1;
        let nth = books.sent.entry(number.to_owned()).or_default();
        *nth += 1;
        let luck = Luck::of(self.seed, number, *nth);
        let entry = Entry {
            erp_id: format!("id-{}", books.ledger.len() + books.pending.len()),
            body: payload.body.clone(),
            payload: payload_hash(&payload.body),
            lease,
            late: books.ended_leases.contains(&lease),
        };
        let (hash, late) = (entry.payload, entry.late);
        books.late += u64::from(late);
        if !late && books.holds_in_time(number) {
            books.left_to_the_fence.push(number.to_owned());
        }
        let invoice = payload.body["applies_to"].as_str();
        let overtook = invoice.is_some_and(|invoice| books.entry(invoice).is_none());
        let told = books.answer(number, entry, luck, now);
        books.calls.push(Call { lease, number: number.to_owned(), payload: hash, told, at: now, late, overtook });
        let erp_id = books.entry(number).map(|entry| entry.erp_id.clone());
        (told, erp_id)
    }
}

/// Numbers of one call, below a thousand.
struct Luck(u64);

impl Luck {
    fn of(seed: u64, number: &str, nth: u64) -> Self {
        let hash = blake3::hash(format!("{seed} {number} {nth}").as_bytes());
        Self(u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap()))
    }

    fn next(&mut self) -> u64 {
        let drawn = self.0 % 1000;
        self.0 /= 1000;
        drawn
    }
}

impl Books {
    fn answer(&mut self, number: &str, entry: Entry, mut luck: Luck, now: DateTime<Utc>) -> Told {
        if let Some(told) = self.script.get_mut(number).and_then(VecDeque::pop_front) {
            return told;
        }
        match self.weather {
            Weather::Away => return self.told("away", Told::Unreachable),
            Weather::CredentialsRefused => return self.told("credentials refused", Told::CredentialsRefused),
            Weather::Throttling if luck.next() < 300 => {
                let wait = (luck.next() < 500).then_some(30);
                return self.told("throttled", Told::Throttled(wait));
            }
            _ => {}
        }
        let fault = match self.weather {
            Weather::Clear => 1000,
            Weather::Rough => luck.next() / 2,
            _ => luck.next(),
        };
        match fault {
            0..90 => self.told("lost on its way", Told::NoWord),
            90..130 => self.told("failed, not processed", Told::NoWord),
            130..190 => self.told("locked", Told::Transient),
            // a closed period is found before the key is looked up
            190..240 => self.told("refused", Told::Refused),
            240..250 => self.told("not reached", Told::Unreachable),
            _ if self.entry(number).is_some() => {
                if fault < 350 {
                    self.told("answer lost", Told::NoWord)
                } else {
                    self.told("there already", Told::Duplicate)
                }
            }
            250..340 => {
                self.write(number, entry);
                self.told("committed, answer lost", Told::NoWord)
            }
            340..430 => {
                let seconds = i64::try_from(luck.next()).unwrap() * PROCESSING / 1000;
                self.pending.push((now + TimeDelta::seconds(seconds), number.to_owned(), entry));
                self.told("committed after the caller gave up", Told::NoWord)
            }
            430..480 => {
                // the first is accepted, the second refused as a duplicate; either answer may come first
                self.write(number, entry);
                self.told("doubled", if luck.next() < 500 { Told::Accepted } else { Told::Duplicate })
            }
            _ => {
                self.write(number, entry);
                Told::Accepted
            }
        }
    }

    fn told(&mut self, fault: &'static str, told: Told) -> Told {
        self.struck(fault);
        told
    }
}

/// Where a process stands still: after so many of its calls have passed.
pub struct Gate {
    after: usize,
    seen: AtomicUsize,
    /// The first call stands here, so the whole process does.
    pub reached: Notify,
    open: Semaphore,
}

impl Gate {
    pub fn after(calls: usize) -> Arc<Self> {
        Arc::new(Self { after: calls, seen: AtomicUsize::new(0), reached: Notify::new(), open: Semaphore::new(0) })
    }

    pub fn open(&self) {
        self.open.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    async fn pass(&self) {
        if self.seen.fetch_add(1, Ordering::Relaxed) >= self.after {
            self.reached.notify_one();
            self.open.acquire().await.unwrap().forget();
        }
    }
}

/// The ERP as one process reaches it, with the gate at which that process stands still: before a call or after its answer.
#[derive(Clone)]
pub struct Line {
    pub erp: SimulatedErp,
    pub before: Option<Arc<Gate>>,
    pub after: Option<Arc<Gate>>,
}

impl Line {
    pub fn plain(erp: &SimulatedErp) -> Self {
        Self { erp: erp.clone(), before: None, after: None }
    }
}

async fn pass(gate: Option<&Arc<Gate>>) {
    if let Some(gate) = gate {
        gate.pass().await;
    }
}

fn exchange() -> Exchange {
    Exchange { request: String::new(), status: None, answer: None }
}

fn refusal() -> Refusal {
    Refusal { code: "CLOSED_TRAN_PRD".into(), message: "The period is closed".into(), field: None }
}

#[async_trait]
impl Erp for Line {
    fn promise(&self) -> Promise {
        let seconds = std::time::Duration::from_secs;
        Promise { fence: Fence::Prevents, processing_time_max: seconds(900), request_timeout: seconds(600), not_carried: &[] }
    }

    fn payload(&self, document: &MappedDocument) -> Value {
        json!(document)
    }

    async fn post(&self, payload: &Payload, correlation_id: &str) -> Sent {
        pass(self.before.as_ref()).await;
        let (told, erp_id) = self.erp.call(payload, correlation_id.parse().unwrap());
        pass(self.after.as_ref()).await;
        let reason = String::from("as the script says");
        let outcome = match told {
            Told::Accepted => Outcome::Accepted { erp_id: erp_id.unwrap(), erp_number: payload.number.clone() },
            Told::Throttled(retry_after_seconds) => Outcome::Throttled { retry_after_seconds },
            Told::Transient => Outcome::Transient { reason },
            Told::Unreachable => Outcome::Unreachable { reason },
            Told::CredentialsRefused => Outcome::Auth { reason },
            Told::Refused => Outcome::Business(refusal()),
            Told::Duplicate => Outcome::Duplicate { reason },
            Told::NoWord => Outcome::Ambiguous { reason },
        };
        Sent { outcome, exchange: exchange() }
    }

    async fn probe(&self, payload: &Payload, _: &str) -> Probed {
        pass(self.before.as_ref()).await;
        let probe = {
            let mut books = self.erp.books();
            let at = self.erp.clock.now();
            let number = payload.number.clone();
            let nth = books.looks.get(&number).map_or(0, Vec::len) as u64;
            let mut luck = Luck::of(!self.erp.seed, &number, nth);
            let is_away = matches!(books.weather, Weather::Away | Weather::CredentialsRefused);
            let answered = books.weather == Weather::Clear || (!is_away && luck.next() >= 80);
            let entry = books.entry(&number).cloned();
            let found = entry.as_ref().map(|entry| entry.payload);
            books.looks.entry(number).or_default().push(Look { at, found, answered });
            match entry {
                _ if !answered => {
                    books.struck("look not answered");
                    Probe::NotAnswered { reason: "as the script says".into() }
                }
                Some(entry) => Probe::Found(Box::new(held(&serde_json::from_value(entry.body).unwrap(), &entry.erp_id))),
                None => Probe::Absent,
            }
        };
        pass(self.after.as_ref()).await;
        Probed { probe, exchange: exchange() }
    }

    async fn open_period(&self, _: &str, _: AccountingPeriod) -> Result<Opening, ReadError> {
        Err(ReadError::NotAnswered("this one is not read back".into()))
    }

    async fn read_period(&self, _: &str, _: AccountingPeriod, _: &str) -> Result<Page, ReadError> {
        Err(ReadError::NotAnswered("this one is not read back".into()))
    }
}

#[test]
fn a_second_send_in_time_shows_although_the_fence_keeps_it_out() {
    let erp = SimulatedErp::new(1, FixedClock::at(DateTime::UNIX_EPOCH));
    let payload = Payload {
        posting_key: PostingKey("US-invoice-I-1".into()),
        kind: domain::stage::DocumentKind::Invoice,
        entity_ref: "1".into(),
        number: "I-1".into(),
        body: json!({}),
    };
    let [first, stood_still, second] = [1, 2, 3].map(Uuid::from_u128);
    erp.call(&payload, first);
    erp.books().ended_leases.insert(stood_still);
    erp.call(&payload, stood_still);
    assert!(erp.books().left_to_the_fence.is_empty(), "what comes past its lease is what the fence is for");
    erp.call(&payload, second);
    let books = erp.books();
    assert_eq!((books.left_to_the_fence.as_slice(), books.ledger.len()), (["I-1".to_owned()].as_slice(), 1));
}
