//! An ERP in memory whose ledger a test may edit like the other hands in a real one.

use crate::invoices::World;
use async_trait::async_trait;
use connectors::{Erp, Opening, Page, Payload, PeriodTotals, Probed, Promise, ReadError, Sent};
use domain::{
    access::Scope,
    checkpoint::Checkpoint,
    clock::FixedClock,
    id::{ConnectionId, DocumentId, EntityId},
    period::AccountingPeriod,
    posting::*,
    stage::Stage,
};
use pipeline::{erps::Erps, posting::worker, readback, reconcile};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use store::{
    connections::{self, Connection, NewConnection},
    reconciliation::Cell,
};

#[derive(Default)]
pub struct Ledger {
    pub documents: Vec<ErpDocument>,
    /// Numbers that are refused when they are sent.
    pub refused: HashSet<String>,
    /// Left out of the pages, and still in the totals; so often.
    pub left_out: Option<(String, u32)>,
    /// Does not answer when it is read.
    pub silent: bool,
    /// Panics when it is read.
    pub broken: bool,
}

impl Ledger {
    fn of(&self, entity_ref: &str, period: AccountingPeriod) -> impl Iterator<Item = &ErpDocument> {
        // applications are in no period
        self.documents.iter().filter(move |d| d.kind.side().is_some() && d.entity_ref == entity_ref && period.contains(d.posting_date))
    }
}

#[derive(Clone, Default)]
pub struct FakeErp(Arc<Mutex<Ledger>>);

/// A document as an ERP holds it that took it as it was sent.
pub fn held(document: &MappedDocument, erp_id: &str) -> ErpDocument {
    ErpDocument {
        erp_id: erp_id.into(),
        erp_number: document.number.clone(),
        posting_key: Some(document.posting_key.clone()),
        kind: document.kind.into(),
        state: ErpState::Posted,
        entity_ref: document.entity_ref.clone(),
        customer_ref: Some(document.customer_ref.clone()),
        currency: document.currency,
        total: document.total,
        tax: Some(document.tax),
        document_date: Some(document.document_date),
        posting_date: document.posting_date,
        due_date: Some(document.due_date),
        modified_at: None,
    }
}

/// Small, so that every test reads more than one page.
const PAGE: usize = 2;

impl FakeErp {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Changes a document inside the ERP.
    pub fn edit(&self, number: &str, change: impl FnOnce(&mut ErpDocument)) {
        let mut ledger = self.ledger();
        change(ledger.documents.iter_mut().find(|document| document.erp_number == number).expect("a document of that number"));
    }

    /// Enters a document that did not come through us.
    pub fn enter(&self, number: &str, kind: ErpKind, total: i64) {
        self.ledger().documents.push(ErpDocument {
            erp_id: format!("hand-{number}"),
            erp_number: number.into(),
            posting_key: None,
            kind,
            state: ErpState::Posted,
            entity_ref: "1".into(),
            customer_ref: None,
            currency: "USD".parse().unwrap(),
            total: total.into(),
            tax: None,
            document_date: None,
            posting_date: "2026-10-15".parse().unwrap(),
            due_date: None,
            modified_at: None,
        });
    }
}

#[async_trait]
impl Erp for FakeErp {
    fn promise(&self) -> Promise {
        Promise { fence: Fence::Prevents, processing_time_max: Duration::ZERO, request_timeout: Duration::from_secs(5), not_carried: &[] }
    }

    fn payload(&self, document: &MappedDocument) -> serde_json::Value {
        serde_json::to_value(document).unwrap()
    }

    async fn post(&self, payload: &Payload, _: &str) -> Sent {
        let mut ledger = self.ledger();
        let exchange = Exchange { request: payload.body.to_string(), status: Some(200), answer: None };
        if ledger.refused.contains(&payload.number) {
            let refusal = Refusal { code: "CLOSED_TRAN_PRD".into(), message: "The period is closed".into(), field: None };
            return Sent { outcome: Outcome::Business(refusal), exchange };
        }
        let document: MappedDocument = serde_json::from_value(payload.body.clone()).unwrap();
        let erp_id = (ledger.documents.len() + 1).to_string();
        ledger.documents.push(held(&document, &erp_id));
        Sent { outcome: Outcome::Accepted { erp_id, erp_number: document.number }, exchange }
    }

    async fn probe(&self, payload: &Payload, _: &str) -> Probed {
        let ledger = self.ledger();
        let found = ledger.documents.iter().find(|document| document.posting_key.as_ref() == Some(&payload.posting_key));
        let probe = found.map_or(Probe::Absent, |document| Probe::Found(Box::new(document.clone())));
        Probed { probe, exchange: Exchange { request: String::new(), status: None, answer: None } }
    }

    async fn open_period(&self, entity_ref: &str, period: AccountingPeriod) -> Result<Opening, ReadError> {
        let ledger = self.ledger();
        assert!(!ledger.broken, "the connector has a bug");
        if ledger.silent {
            return Err(ReadError::NotAnswered("connection cut".into()));
        }
        let mut totals = PeriodTotals::default();
        ledger.of(entity_ref, period).for_each(|document| totals.add_document(document));
        Ok(Opening { totals, cursor: "0".into() })
    }

    async fn read_period(&self, entity_ref: &str, period: AccountingPeriod, cursor: &str) -> Result<Page, ReadError> {
        let mut ledger = self.ledger();
        let from: usize = cursor.parse().unwrap();
        let mut all: Vec<_> = ledger.of(entity_ref, period).cloned().collect();
        if let Some((number, times @ 1..)) = &mut ledger.left_out
            && all.iter().any(|document| document.erp_number == *number)
        {
            *times -= 1;
            all.retain(|document| document.erp_number != *number);
        }
        let next = (from + PAGE < all.len()).then(|| (from + PAGE).to_string());
        Ok(Page { documents: all.into_iter().skip(from).take(PAGE).collect(), next })
    }
}

/// The small company with an ERP.
pub struct Posting {
    pub world: World,
    pub clock: FixedClock,
    pub de: EntityId,
    pub erp: FakeErp,
    pub erps: Arc<Erps>,
    pub connection: ConnectionId,
}

impl Posting {
    /// Both entities keep their receivables in one account, as legal entities 1 and 2; every code is mapped.
    pub async fn new() -> Self {
        let mut world = World::new().await;
        let clock = FixedClock::at(world.cx.clock.now());
        world.cx.clock = Arc::new(clock.clone());
        let de = EntityId(sqlx::query_scalar("select entity_id from entity where code = 'DE'").fetch_one(&world.db.pool).await.unwrap());
        let erp = FakeErp::default();
        let new = NewConnection {
            connection_id: ConnectionId(uuid::Uuid::from_u128(9)),
            code: "Fake".into(),
            system: ErpSystem::Netsuite,
            settings: serde_json::json!({}),
            secrets: Vec::new(),
            slots: 4,
            per_minute: None,
            processing_seconds_max: 1,
            request_seconds_max: 5,
        };
        let mut conn = world.db.pool.acquire().await.unwrap();
        connections::insert(&mut conn, &new).await.unwrap();
        connections::attach_entity(&mut conn, world.us, new.connection_id, "1", true).await.unwrap();
        connections::attach_entity(&mut conn, de, new.connection_id, "2", true).await.unwrap();
        let write_offs = ["WRITE-OFF-BANK-FEE", "WRITE-OFF-DISPUTE"].map(|code| [("item", code), ("account", code)]);
        let codes = [("customer", "C-1"), ("item", "API"), ("account", "API"), ("tax_code", "CA"), ("tax_code", "OUT-OF-SCOPE")];
        for (kind, code) in codes.into_iter().chain(write_offs.into_iter().flatten()).chain([("bank_account", "000123456789")]) {
            sqlx::query("insert into mapping values ($1, $2, $3, $4, $5, 1, 'active', 'ann', now(), 'bob', now())")
                .bind(uuid::Uuid::now_v7())
                .bind(new.connection_id.0)
                .bind(kind)
                .bind(code)
                .bind(format!("erp-{code}"))
                .execute(&mut *conn)
                .await
                .unwrap();
        }
        drop(conn);
        let connection: Connection = connections::list(&world.db.pool).await.unwrap().remove(0);
        let erps = Arc::new(Erps::of(vec![(connection, Arc::new(erp.clone()))]));
        Self { world, clock, de, erp, erps, connection: new.connection_id }
    }

    pub async fn post(&self) {
        worker::drain(&self.world.cx, &self.erps, &"test".into()).await.unwrap();
    }

    pub async fn sync(&self) -> readback::ReadBack {
        self.sync_period(october()).await
    }

    pub async fn sync_period(&self, period: AccountingPeriod) -> readback::ReadBack {
        readback::sync(&self.world.cx, &self.erps, self.world.us, period).await.unwrap()
    }

    pub async fn reconcile(&self, period: AccountingPeriod) -> Vec<Cell> {
        reconcile::run(&self.world.cx, Checkpoint::Receivables, self.world.us, period).await.unwrap().expect("an assessed period").cells
    }

    pub async fn stage(&self, number: &str) -> Stage {
        let stage: String =
            sqlx::query_scalar("select stage from document where number = $1").bind(number).fetch_one(&self.world.db.pool).await.unwrap();
        stage.parse().unwrap()
    }

    pub async fn document(&self, number: &str) -> DocumentId {
        DocumentId(
            sqlx::query_scalar("select document_id from document where number = $1")
                .bind(number)
                .fetch_one(&self.world.db.pool)
                .await
                .unwrap(),
        )
    }

    pub fn scope(&self) -> Scope {
        Scope::of_system(vec![self.world.us, self.de])
    }
}

pub fn october() -> AccountingPeriod {
    "2026-10".parse().unwrap()
}
