//! The whole of posting against a model of it, under everything that can go wrong at once: an ERP that drops, delays, doubles and
//! reorders, and processes that are killed, stopped past their lease and continued at every step. After each round the model
//! says whether what moved was allowed; at the end the ERP's ledger is the evidence.
//!
//! `TIEOUT_SOAK_SENDS` sets how many calls are made, `TIEOUT_SOAK_SEED` which script: what strikes whom follows from the seed;
//! within a round processes run side by side, and in which order their transactions commit is PostgreSQL's.

mod erp;
mod model;
mod process;
mod races;
mod versions;

use crate::{
    invoices::invoice,
    workbench::replace_mapping,
    world::{Company, person},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{clock::Clock, id::DocumentId, mapping::MappingKind};
use erp::{PROCESSING, SimulatedErp, Weather};
use futures::future::{BoxFuture, join_all};
use model::{Model, Movement};
use pipeline::workbench::replay;
use process::{Fate, Office, Stopped};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::{collections::BTreeMap, time::Instant};
use store::replays::Source;
use uuid::Uuid;

const SENDS: u64 = 3_000;
const SLOTS: i32 = 1_000;
const TRIES_MAX: i32 = 8;
/// Postings of a large hand in a short run and in a long one, and the most of one that is struck.
const HANDS: [usize; 2] = [150, 500];
/// Rounds between two storms: an ERP that throttled is asked slowly for a while.
const CALM: [usize; 2] = [6, 40];
const STRUCK: usize = 40;
/// Documents that come in at once.
const BATCH: usize = 500;
/// One of so many corrects the invoice before it.
const CREDIT_EVERY: usize = 25;
/// A run of so many sends meets every kind of fault.
const LONG: u64 = 50_000;
/// Kinds of faults of the ERP and of processes.
const KINDS: usize = 14 + 16;
/// It has settled by then, or never will.
const LAST_ROUNDS: usize = 400;

struct Soak {
    company: Company,
    office: Office,
    erp: SimulatedErp,
    model: Model,
    rng: ChaCha8Rng,
    stopped: Vec<Stopped>,
    documents: usize,
    mapping: usize,
    hand: usize,
    calm: usize,
    rounds: usize,
    fates: BTreeMap<&'static str, u64>,
    /// Movements since then are read again: one that a killed process left to be committed comes late.
    read_from: DateTime<Utc>,
    began: Instant,
}

#[tokio::test]
async fn every_document_is_in_the_erp_once_and_every_movement_is_allowed_by_the_model() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let sends = number("TIEOUT_SOAK_SENDS").unwrap_or(SENDS);
    let seed = number("TIEOUT_SOAK_SEED").unwrap_or_else(rand::random);
    println!("TIEOUT_SOAK_SEED={seed} TIEOUT_SOAK_SENDS={sends}");
    let mut soak = Soak::new(seed, sends).await;
    if let Err(why) = soak.run(sends).await {
        panic!("{why}\nTIEOUT_SOAK_SEED={seed} TIEOUT_SOAK_SENDS={sends}");
    }
}

impl Soak {
    async fn new(seed: u64, sends: u64) -> Self {
        let company = Company::new().await;
        company
            .execute("update erp_connection set slots = 1000, slots_now = 1000, request_seconds_max = 600 where code = 'Account-US'")
            .await;
        company.limit(1_000_000_000_000).await;
        let erp = SimulatedErp::new(seed, company.clock.clone());
        let office = Office::of(&company, &erp).await;
        assert_eq!((office.connection.slots, office.connection.attempts_max), (SLOTS, TRIES_MAX));
        let model = Model::new(PROCESSING, TRIES_MAX, usize::try_from(SLOTS).unwrap());
        let read_from = company.clock.now();
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            company,
            office,
            erp,
            model,
            rng,
            stopped: Vec::new(),
            documents: 0,
            mapping: 0,
            hand: HANDS[usize::from(sends >= LONG)],
            calm: CALM[usize::from(sends >= LONG)],
            rounds: 1,
            fates: BTreeMap::new(),
            read_from,
            began: Instant::now(),
        }
    }

    async fn run(&mut self, sends: u64) -> Result<(), String> {
        while self.erp.books().sends < sends {
            self.new_documents().await;
            self.round().await?;
            self.rounds += 1;
            if self.rounds.is_multiple_of(50) {
                println!("{:7} sends after {:.0} s", self.erp.books().sends, self.began.elapsed().as_secs_f32());
            }
        }
        println!("{} rounds in {:?}, now everything settles", self.rounds, self.began.elapsed());
        self.settle().await?;
        self.prove(sends).await?;
        self.report();
        Ok(())
    }

    /// So many are there always that a hand is full.
    async fn new_documents(&mut self) {
        let queued = self.model.stages().get("queued").copied().unwrap_or_default();
        if queued >= self.hand {
            return;
        }
        let documents: Vec<Value> = (self.documents + 1..=self.documents + BATCH).map(document).collect();
        self.documents += BATCH;
        self.company.import("US", &format!("B-{}", self.documents), &documents).await;
    }

    /// Each kind in turn, so that a short run has all of them.
    fn weather(&self) -> Weather {
        const TURNS: [Weather; 4] = [Weather::Away, Weather::Throttling, Weather::Rough, Weather::CredentialsRefused];
        if self.rounds.is_multiple_of(self.calm) { TURNS[self.rounds / self.calm % TURNS.len()] } else { Weather::Usual }
    }

    /// Time goes on, processes do a step side by side, some of them are struck, and then everything is looked at.
    async fn round(&mut self) -> Result<(), String> {
        self.erp.books().weather = self.weather();
        let read_from = self.tick();
        if self.rng.random_range(0..10) == 0 {
            self.people().await;
        }
        let (mut fates, mut rooms) = (vec![Fate::mild(&mut self.rng)], vec![self.rng.random_range(1..=self.hand)]);
        for _ in 0..self.rng.random_range(1..5) {
            let room = self.rng.random_range(2..STRUCK);
            fates.push(Fate::severe(&mut self.rng, room));
            rooms.push(room);
        }
        for fate in &fates {
            *self.fates.entry(fate.name()).or_default() += 1;
        }
        let going_on = self.those_who_go_on();
        let (office, rng) = (&self.office, &mut self.rng);
        let mut acts: Vec<BoxFuture<'_, Option<Stopped>>> = Vec::new();
        for (fate, room) in fates.into_iter().zip(rooms) {
            let order = rng.random();
            acts.push(Box::pin(async move { office.turn(room, fate, order).await }));
        }
        for _ in 0..2 {
            let killed_at = (rng.random_range(0..6) == 0).then(|| rng.random_range(0..60));
            acts.push(Box::pin(async move {
                office.tidy(killed_at).await;
                None
            }));
        }
        acts.push(Box::pin(async move {
            office.look(10).await;
            None
        }));
        for (stopped, lease_ended) in going_on {
            acts.push(Box::pin(async move {
                stopped.goes_on(lease_ended).await;
                None
            }));
        }
        self.stopped.extend(join_all(acts).await.into_iter().flatten());
        if self.rng.random_range(0..3) == 0 {
            self.end_leases().await;
        }
        self.observe(read_from).await
    }

    /// Returns the moment of the round.
    fn tick(&mut self) -> DateTime<Utc> {
        let seconds = match self.rng.random_range(0..20) {
            0 => self.rng.random_range(900..1500),
            1..6 => self.rng.random_range(60..300),
            _ => self.rng.random_range(1..20),
        };
        self.company.clock.advance(TimeDelta::seconds(seconds));
        self.company.clock.now()
    }

    /// Stopped processes that go on, and whether their lease has ended meanwhile.
    fn those_who_go_on(&mut self) -> Vec<(Stopped, bool)> {
        let (mut going_on, mut staying) = (Vec::new(), Vec::new());
        for stopped in self.stopped.drain(..) {
            if self.rng.random_range(0..10) == 0 { going_on.push(stopped) } else { staying.push(stopped) }
        }
        self.stopped = staying;
        let ended = &self.erp.books().ended_leases;
        going_on
            .into_iter()
            .map(|stopped| (stopped.claim().is_some_and(|claim| ended.contains(&claim.0)), stopped))
            .map(|(e, s)| (s, e))
            .collect()
    }

    /// Only the dead and the stopped have leases between two rounds; theirs end.
    async fn end_leases(&mut self) {
        let ended: Vec<Uuid> = sqlx::query_scalar(
            "update lease set expires_at = clock_timestamp() - interval '1 second' where expires_at > clock_timestamp() returning lease_id",
        )
        .fetch_all(&self.company.world.db.pool)
        .await
        .unwrap();
        self.model.leases_ended(&ended, self.company.clock.now());
        self.erp.books().ended_leases.extend(ended);
    }

    /// Somebody gives a customer another reference, and somebody replays what was refused, which maps it anew.
    async fn people(&mut self) {
        if self.rng.random_range(0..2) == 0 {
            self.mapping += 1;
            replace_mapping(&self.company, MappingKind::Customer, "C-1", &format!("erp-C-1.{}", self.mapping)).await;
        }
        let refused = self.model.in_stage("exception");
        let documents: Vec<DocumentId> = refused.iter().map(|id| DocumentId(*id)).collect();
        let cx = &self.company.world.cx;
        let ann = person("ann@lumen.example");
        if !documents.is_empty() && replay::prepare(cx, &ann, &self.company.scope(), Source::Documents(&documents), "refused").await.is_ok()
        {
            self.model.replay_asked(&refused);
        }
        for set in self.company.running_sets().await {
            // two processes at once, one of them may die in it
            let killed_at = self.rng.random_range(0..80);
            let (killed, whole) = tokio::join!(
                process::killed_after(killed_at, replay::run(cx, &self.office.erps, set)),
                replay::run(cx, &self.office.erps, set)
            );
            whole.unwrap();
            drop(killed);
        }
    }

    async fn observe(&mut self, now: DateTime<Utc>) -> Result<(), String> {
        let movements: Vec<Movement> = sqlx::query_as(
            "select m.document_id, d.number, m.sequence, m.from_stage, m.to_stage, m.correlation_id, m.moved_at, p.attempts, b.payload_hash
            from movement m join document d using (document_id) left join posting p using (document_id)
                left join posting_payload b using (document_id)
            where m.entity_id = $1 and m.moved_at >= $2 order by m.document_id, m.sequence",
        )
        .bind(self.company.world.us.0)
        .bind(self.read_from)
        .fetch_all(&self.company.world.db.pool)
        .await
        .unwrap();
        self.read_from = now;
        self.model.observe(&movements, &mut self.erp.books())
    }

    /// The faults end, the stopped go on, the leases of the dead end, and people replay what is left.
    async fn settle(&mut self) -> Result<(), String> {
        for _ in 0..LAST_ROUNDS {
            self.erp.books().weather = Weather::Clear;
            self.company.clock.advance(TimeDelta::seconds(PROCESSING));
            let read_from = self.company.clock.now();
            self.end_leases().await;
            self.people().await;
            let ended = std::mem::take(&mut self.stopped);
            join_all(ended.into_iter().map(|stopped| stopped.goes_on(true))).await;
            self.office.tidy(None).await;
            join_all((0..4).map(|_| self.office.look(100))).await;
            join_all((0..4).map(|order| self.office.turn(self.hand, Fate::Unharmed, order))).await;
            self.observe(read_from).await?;
            if self.model.stages().keys().all(|stage| ["posted", "mismatch"].contains(stage)) {
                return Ok(());
            }
        }
        Err(format!("not settled: {:?}", self.model.stages()))
    }

    /// The ERP's ledger, every movement that is stored, and `tieout verify`.
    async fn prove(&self, sends: u64) -> Result<(), String> {
        // what was taken late is written
        self.company.clock.advance(TimeDelta::seconds(PROCESSING));
        self.compare_ledgers(sends)?;
        let stored: i64 = sqlx::query_scalar("select count(*) from movement").fetch_one(&self.company.world.db.pool).await.unwrap();
        let wrongly_late: i64 = sqlx::query_scalar("select count(*) from posting_attempt where late and outcome <> 'no_answer'")
            .fetch_one(&self.company.world.db.pool)
            .await
            .unwrap();
        if wrongly_late > 0 {
            return Err(format!("{wrongly_late} answers in time count as late"));
        }
        if usize::try_from(stored).unwrap() != self.model.movements {
            return Err(format!("{stored} movements, the model saw {}", self.model.movements));
        }
        let report = pipeline::verify::verify(&self.company.world.db.pool).await.unwrap();
        if report.ties_out() { Ok(()) } else { Err(report.to_string()) }
    }

    fn compare_ledgers(&self, sends: u64) -> Result<(), String> {
        let books = self.erp.books();
        self.model.at_the_end(&books)?;
        if books.ledger.len() != self.documents || books.sends < sends {
            return Err(format!("{} in the ERP of {}, {} sends", books.ledger.len(), self.documents, books.sends));
        }
        let kinds = books.faults.len() + self.fates.len();
        if sends >= LONG && kinds < KINDS {
            return Err(format!("only {kinds} of {KINDS} kinds of faults did strike"));
        }
        Ok(())
    }

    fn report(&self) {
        let books = self.erp.books();
        for (fault, count) in books.faults.iter().chain(&self.fates) {
            println!("{count:9}  {fault}");
        }
        for ((from, to), count) in &self.model.seen {
            println!("{count:9}  {from} → {to}");
        }
        println!("{:9}  sends by processes past their lease", books.late);
        println!("{:9}  throttled answers, none of which burnt a try", self.model.throttled);
        println!(
            "{} sends of {} documents, 0 doubled, 0 lost, {} movements allowed by the model, in {:.0} s",
            books.sends,
            books.ledger.len(),
            self.model.movements,
            self.began.elapsed().as_secs_f32()
        );
    }
}

/// An invoice, or a credit memo for the one before it.
fn document(n: usize) -> Value {
    let mut document = invoice(&format!("I-{n}"), i64::try_from(100 + n % 900).unwrap());
    if n.is_multiple_of(CREDIT_EVERY) {
        document["kind"] = "credit_memo".into();
        document["applies_to"] = format!("I-{}", n - 1).into();
    }
    document
}
