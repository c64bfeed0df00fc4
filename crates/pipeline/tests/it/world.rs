//! Two entities, each with an ERP account of its own whose answers are written beforehand.

use crate::{
    fake_erp::held,
    invoices::{World, batch, invoice},
};
use async_trait::async_trait;
use chrono::TimeDelta;
use connectors::{Erp, Opening, Page, Payload, Probed, Promise, ReadError, Sent};
use domain::{
    access::{Actor, Caller, Scope},
    clock::FixedClock,
    id::{ConnectionId, DocumentId, EntityId, ExceptionId, MappingId, ReplaySetId, UserId},
    mapping::MappingKind,
    period::AccountingPeriod,
    posting::*,
    stage::Stage,
    view::ImportOutcome,
};
use pipeline::{
    erps::Erps,
    posting::{Desk, worker},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    io::Cursor,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::connections::{self, NewConnection};

/// Seconds that the accounts may still work on a request.
pub const PROCESSING: i64 = 900;
pub const SLOTS: i32 = 4;

#[derive(Default)]
pub struct Script {
    /// Answers to sends by document number, in order; without one, it is accepted.
    pub answers: HashMap<String, VecDeque<Outcome>>,
    /// What looks find by document number, in order; without one, nothing.
    pub looks: HashMap<String, VecDeque<Probe>>,
    pub sent: Vec<Payload>,
    pub looked: Vec<String>,
    /// So many of the next of these panic: `map`, `send`, `look`.
    pub panics: HashMap<&'static str, usize>,
    /// The next look has its answer, and brings it only when this is opened.
    pub stall: Option<Arc<tokio::sync::Semaphore>>,
}

#[derive(Clone, Default)]
pub struct ScriptedErp(Arc<Mutex<Script>>);

impl ScriptedErp {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_panic(&self, act: &'static str) {
        let panics = self.script().panics.get_mut(act).is_some_and(|left| left.checked_sub(1).map(|less| *left = less).is_some());
        assert!(!panics, "the connector has a fault");
    }

    pub fn answers(&self, number: &str, outcomes: impl IntoIterator<Item = Outcome>) {
        self.script().answers.entry(number.into()).or_default().extend(outcomes);
    }

    pub fn looks(&self, number: &str, probes: impl IntoIterator<Item = Probe>) {
        self.script().looks.entry(number.into()).or_default().extend(probes);
    }

    pub fn sent(&self, number: &str) -> Vec<Payload> {
        self.script().sent.iter().filter(|payload| payload.number == number).cloned().collect()
    }

    pub fn looked(&self, number: &str) -> usize {
        self.script().looked.iter().filter(|looked| *looked == number).count()
    }
}

#[async_trait]
impl Erp for ScriptedErp {
    fn promise(&self) -> Promise {
        let seconds = Duration::from_secs;
        Promise { fence: Fence::Prevents, processing_time_max: seconds(900), request_timeout: seconds(5), not_carried: &[] }
    }

    fn payload(&self, document: &MappedDocument) -> Value {
        self.may_panic("map");
        json!({ "customer": document.customer_ref, "account": document.lines[0].account_ref, "total": document.total.to_string() })
    }

    async fn post(&self, payload: &Payload, _: &str) -> Sent {
        self.may_panic("send");
        let mut script = self.script();
        script.sent.push(payload.clone());
        let accepted = || Outcome::Accepted { erp_id: format!("id-{}", payload.number), erp_number: payload.number.clone() };
        let outcome = script.answers.get_mut(&payload.number).and_then(VecDeque::pop_front).unwrap_or_else(accepted);
        Sent { outcome, exchange: Exchange { request: payload.body.to_string(), status: None, answer: None } }
    }

    async fn probe(&self, payload: &Payload, _: &str) -> Probed {
        self.may_panic("look");
        let (probe, stall) = {
            let mut script = self.script();
            script.looked.push(payload.number.clone());
            let probe = script.looks.get_mut(&payload.number).and_then(VecDeque::pop_front).unwrap_or(Probe::Absent);
            (probe, script.stall.take())
        };
        if let Some(stall) = stall {
            stall.acquire_owned().await.unwrap().forget();
        }
        Probed { probe, exchange: Exchange { request: "look".into(), status: None, answer: None } }
    }

    async fn open_period(&self, _: &str, _: AccountingPeriod) -> Result<Opening, ReadError> {
        Err(ReadError::NotAnswered("this one is not read back".into()))
    }

    async fn read_period(&self, _: &str, _: AccountingPeriod, _: &str) -> Result<Page, ReadError> {
        Err(ReadError::NotAnswered("this one is not read back".into()))
    }
}

pub struct Company {
    pub world: World,
    pub clock: FixedClock,
    pub de: EntityId,
    pub us_connection: ConnectionId,
    pub erp: ScriptedErp,
    pub erps: Arc<Erps>,
}

pub fn person(email: &str) -> Caller {
    Caller { user_id: UserId(uuid::Uuid::nil()), email: email.into(), name: email.into(), grants: Vec::new() }
}

pub fn refusal(code: &str) -> Outcome {
    Outcome::Business(Refusal { code: code.into(), message: format!("{code}, it says"), field: Some("entity".into()) })
}

pub fn ambiguous() -> Outcome {
    Outcome::Ambiguous { reason: "HTTP 500".into() }
}

impl Company {
    pub async fn new() -> Self {
        let mut world = World::new().await;
        let clock = FixedClock::at(world.cx.clock.now());
        world.cx.clock = Arc::new(clock.clone());
        let de = EntityId(sqlx::query_scalar("select entity_id from entity where code = 'DE'").fetch_one(&world.db.pool).await.unwrap());
        let (us_connection, de_connection) = (ConnectionId(uuid::Uuid::from_u128(8)), ConnectionId(uuid::Uuid::from_u128(9)));
        let mut conn = world.db.pool.acquire().await.unwrap();
        for (connection_id, code, entity) in [(us_connection, "Account-US", world.us), (de_connection, "Account-DE", de)] {
            let new = NewConnection {
                connection_id,
                code: code.into(),
                system: ErpSystem::Netsuite,
                settings: json!({}),
                secrets: Vec::new(),
                slots: SLOTS,
                per_minute: None,
                processing_seconds_max: i32::try_from(PROCESSING).unwrap(),
                request_seconds_max: 5,
            };
            connections::insert(&mut conn, &new).await.unwrap();
            connections::attach_entity(&mut conn, entity, connection_id, "1", true).await.unwrap();
            let rows =
                [(MappingKind::Customer, "C-1"), (MappingKind::Item, "API"), (MappingKind::Account, "API"), (MappingKind::TaxCode, "CA")]
                    .map(|(kind, code)| (MappingId(uuid::Uuid::now_v7()), kind, code.to_owned(), format!("erp-{code}")));
            store::mappings::load(&mut conn, connection_id, &rows, "set-up", world.cx.clock.now()).await.unwrap();
        }
        drop(conn);
        let erp = ScriptedErp::default();
        let rows = connections::list(&world.db.pool).await.unwrap();
        let erps = Arc::new(Erps::of(rows.into_iter().map(|row| (row, Arc::new(erp.clone()) as Arc<dyn Erp>)).collect()));
        Self { world, clock, de, us_connection, erp, erps }
    }

    /// With these invoices of the US imported, each of 110.00.
    pub async fn with(numbers: &[&str]) -> Self {
        let company = Self::new().await;
        company.import("US", "B-1", &numbers.iter().map(|number| invoice(number, 100)).collect::<Vec<_>>()).await;
        company
    }

    /// The same, mapped and queued.
    pub async fn queued(numbers: &[&str]) -> Self {
        let company = Self::with(numbers).await;
        worker::map_all(&company.world.cx, &company.erps).await.unwrap();
        for number in numbers {
            assert_eq!(company.stage(number).await, Stage::Queued);
        }
        company
    }

    pub async fn import(&self, entity: &str, number: &str, documents: &[Value]) {
        let mut file = batch(number, documents);
        file["entity"] = entity.into();
        let file = Cursor::new(file.to_string().into_bytes());
        let actor = Actor::User("ann@lumen.example".into());
        let report = pipeline::import::import_file(&self.world.cx, &actor, &self.scope(), "batch.json", file).await.unwrap();
        assert_eq!(report.outcome, ImportOutcome::Imported, "{report:?}");
    }

    pub fn scope(&self) -> Scope {
        Scope::of_system(vec![self.world.us, self.de])
    }

    /// The US account as one worker sees it.
    pub fn desk(&self) -> Desk {
        self.desk_of("one")
    }

    pub fn desk_of(&self, worker: &str) -> Desk {
        let desks = self.erps.desks(&self.world.cx, &worker.into());
        desks.into_iter().find(|desk| desk.connection.connection_id == self.us_connection).unwrap()
    }

    pub async fn drain(&self) {
        worker::drain(&self.world.cx, &self.erps, &"drain".into()).await.unwrap();
    }

    pub async fn running_sets(&self) -> Vec<ReplaySetId> {
        let running = "select set_id from replay_set where finished_at is null and state = 'running' order by prepared_at";
        let sets: Vec<uuid::Uuid> = sqlx::query_scalar(running).fetch_all(&self.world.db.pool).await.unwrap();
        sets.into_iter().map(ReplaySetId).collect()
    }

    /// The replays that are to run, to their end.
    pub async fn work(&self) {
        for set in self.running_sets().await {
            pipeline::workbench::replay::run(&self.world.cx, &self.erps, set).await.unwrap();
        }
    }

    /// The clock goes on, then everything due is done.
    pub async fn drain_after(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.drain().await;
    }

    pub async fn document(&self, number: &str) -> DocumentId {
        let id = sqlx::query_scalar("select document_id from document where number = $1").bind(number).fetch_one(&self.world.db.pool).await;
        DocumentId(id.unwrap())
    }

    pub async fn stage(&self, number: &str) -> Stage {
        let stage: String =
            sqlx::query_scalar("select stage from document where number = $1").bind(number).fetch_one(&self.world.db.pool).await.unwrap();
        stage.parse().unwrap()
    }

    /// Every stage it was in, in order.
    pub async fn history(&self, number: &str) -> String {
        sqlx::query_scalar(
            "select string_agg(to_stage, ' ' order by m.sequence) from movement m join document d using (document_id) where d.number = $1",
        )
        .bind(number)
        .fetch_one(&self.world.db.pool)
        .await
        .unwrap()
    }

    /// What its posting waits for, in how many seconds, and tries that counted.
    pub async fn next(&self, number: &str) -> (Option<String>, Option<i64>, i32) {
        let (work, due_at, attempts): (Option<String>, Option<chrono::DateTime<chrono::Utc>>, i32) =
            sqlx::query_as("select work, due_at, attempts from posting p join document d using (document_id) where d.number = $1")
                .bind(number)
                .fetch_one(&self.world.db.pool)
                .await
                .unwrap();
        (work, due_at.map(|at| (at - self.world.cx.clock.now()).num_seconds()), attempts)
    }

    /// Its open exception: kind, code and message.
    pub async fn trouble(&self, number: &str) -> Option<(String, String, String)> {
        sqlx::query_as(
            "select x.kind, x.code, x.message from exception x join document d using (document_id) where d.number = $1 and x.closed_at is null",
        )
        .bind(number)
        .fetch_optional(&self.world.db.pool)
        .await
        .unwrap()
    }

    pub async fn exception(&self, number: &str) -> ExceptionId {
        let id = sqlx::query_scalar(
            "select exception_id from exception x join document d using (document_id) where d.number = $1 order by exception_id desc limit 1",
        )
        .bind(number)
        .fetch_one(&self.world.db.pool)
        .await;
        ExceptionId(id.unwrap())
    }

    /// The document as the ERP would hold it.
    pub async fn in_erp(&self, number: &str) -> ErpDocument {
        let mapped: Value =
            sqlx::query_scalar("select mapped from posting_payload p join document d using (document_id) where d.number = $1")
                .bind(number)
                .fetch_one(&self.world.db.pool)
                .await
                .unwrap();
        let ours: MappedDocument = serde_json::from_value(mapped).unwrap();
        held(&ours, &format!("found-{number}"))
    }

    pub async fn execute(&self, sql: &'static str) -> u64 {
        sqlx::query(sql).execute(&self.world.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }

    /// Waits until a query says this.
    pub async fn until(&self, expected: &str, sql: &'static str) {
        for _ in 0..1_000 {
            if self.world.text(sql).await == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{sql} never said {expected}");
    }

    /// Leases of the workers that died or stood still end now.
    pub async fn end_leases(&self) {
        self.execute("update lease set expires_at = clock_timestamp() - interval '1 second'").await;
    }

    /// Whatever a test did, the sources tie out.
    pub async fn ties_out(&self) {
        let report = pipeline::verify::verify(&self.world.db.pool).await.unwrap();
        assert!(report.ties_out(), "{report}");
    }
}
