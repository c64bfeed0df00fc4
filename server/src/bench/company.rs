//! The company of the benches: one entity, one connection that accepts at once, and batches of any size.

use anyhow::ensure;
use async_trait::async_trait;
use connectors::{Erp, Opening, Page, Payload, PeriodTotals, Probed, Promise, ReadError, Sent};
use domain::{
    access::{Actor, Scope},
    id::{ConnectionId, EntityId, MappingId},
    mapping::MappingKind,
    period::AccountingPeriod,
    posting::{ErpSystem, Exchange, Fence, MappedDocument, Outcome, Probe},
    view::ImportOutcome,
};
use pipeline::{Context, erps::Erps};
use std::{fs::File, io::Write, sync::Arc, time::Duration};
use store::{Conn, connections::NewConnection};
use uuid::Uuid;

/// Lines of every document.
const LINES: u32 = 3;
const CUSTOMERS: u32 = 500;
/// Calls at once that the connections of the benches take.
pub const SLOTS: i32 = 1_000;

/// An ERP that accepts whatever it gets, at once.
struct Instant;

#[async_trait]
impl Erp for Instant {
    fn promise(&self) -> Promise {
        let (processing_time_max, request_timeout) = (Duration::from_secs(60), Duration::from_secs(10));
        Promise { fence: Fence::Prevents, processing_time_max, request_timeout, not_carried: &[] }
    }

    fn payload(&self, document: &MappedDocument) -> serde_json::Value {
        serde_json::json!({ "externalId": document.posting_key, "tranId": document.number, "total": document.total.to_string() })
    }

    async fn post(&self, payload: &Payload, _: &str) -> Sent {
        let exchange = Exchange { request: format!("POST {}", payload.number), status: Some(204), answer: None };
        Sent { outcome: Outcome::Accepted { erp_id: payload.number.clone(), erp_number: payload.number.clone() }, exchange }
    }

    async fn probe(&self, _: &Payload, _: &str) -> Probed {
        Probed { probe: Probe::Absent, exchange: Exchange { request: String::new(), status: Some(404), answer: None } }
    }

    async fn open_period(&self, _: &str, _: AccountingPeriod) -> Result<Opening, ReadError> {
        Ok(Opening { totals: PeriodTotals::default(), cursor: String::new() })
    }

    async fn read_period(&self, _: &str, _: AccountingPeriod, _: &str) -> Result<Page, ReadError> {
        Ok(Page { documents: Vec::new(), next: None })
    }
}

/// Entity US with its mappings and a connection of so many slots.
pub async fn furnish(cx: &Context, slots: i32) -> anyhow::Result<EntityId> {
    let mut tx = cx.pool.begin().await?;
    let connection = connect(&mut tx, "Instant", slots).await?;
    let entity = attach(&mut tx, "US", connection, "1").await?;
    let mut mappings = vec![(MappingKind::TaxCode, "T".to_owned())];
    mappings.extend((0..CUSTOMERS).map(|n| (MappingKind::Customer, format!("C-{n}"))));
    mappings
        .extend((0..LINES).flat_map(|n| [(MappingKind::Item, format!("{MAPPED}-{n}")), (MappingKind::Account, format!("{MAPPED}-{n}"))]));
    let rows: Vec<_> = mappings.into_iter().map(|(kind, code)| (MappingId(Uuid::now_v7()), kind, code, "7".to_owned())).collect();
    store::mappings::load(&mut tx, connection, &rows, "cli:bench", cx.clock.now()).await?;
    tx.commit().await?;
    Ok(entity)
}

/// Two connections, one of them of a single small entity; nothing is mapped.
pub async fn furnish_four(cx: &Context) -> anyhow::Result<Vec<(EntityId, ConnectionId)>> {
    let mut tx = cx.pool.begin().await?;
    let mut companies = Vec::new();
    for (code, entities) in [("Instant-A", vec!["US", "DE", "GB"]), ("Instant-B", vec!["CH"])] {
        let connection = connect(&mut tx, code, SLOTS).await?;
        for entity in entities {
            companies.push((attach(&mut tx, entity, connection, entity).await?, connection));
        }
    }
    tx.commit().await?;
    Ok(companies)
}

async fn connect(conn: &mut Conn, code: &str, slots: i32) -> anyhow::Result<ConnectionId> {
    let connection_id = ConnectionId(Uuid::now_v7());
    let new = NewConnection {
        connection_id,
        code: code.into(),
        system: ErpSystem::Netsuite,
        settings: serde_json::json!({}),
        secrets: Vec::new(),
        slots,
        per_minute: None,
        processing_seconds_max: 60,
        request_seconds_max: 10,
    };
    store::connections::insert(conn, &new).await?;
    Ok(connection_id)
}

/// An entity of this id with a connection of its own.
pub async fn connect_entity(cx: &Context, entity: EntityId, code: &str) -> anyhow::Result<ConnectionId> {
    let mut tx = cx.pool.begin().await?;
    let connection = connect(&mut tx, code, SLOTS).await?;
    store::bench::insert_entity(&mut tx, entity, code, "USD").await?;
    store::connections::attach_entity(&mut tx, entity, connection, "1", true).await?;
    tx.commit().await?;
    Ok(connection)
}

async fn attach(conn: &mut Conn, code: &str, connection: ConnectionId, entity_ref: &str) -> anyhow::Result<EntityId> {
    let entity = EntityId(Uuid::now_v7());
    store::bench::insert_entity(conn, entity, code, "USD").await?;
    store::connections::attach_entity(conn, entity, connection, entity_ref, true).await?;
    Ok(entity)
}

/// Every connection of the database answers at once.
pub async fn instant_erps(cx: &Context) -> anyhow::Result<Erps> {
    let connections = store::connections::list(&cx.pool).await?;
    Ok(Erps::of(connections.into_iter().map(|connection| (connection, Arc::new(Instant) as Arc<dyn Erp>)).collect()))
}

/// Items that [`furnish`] maps begin so.
pub const MAPPED: &str = "SKU";

/// A batch file of `documents` invoices that differ in number and customer only, with three lines each.
pub fn batch_file(documents: u32, number: &str, items: &str) -> anyhow::Result<File> {
    let mut file = std::io::BufWriter::new(tempfile::tempfile()?);
    let (total, tax) = (u64::from(documents) * 330, u64::from(documents) * 30);
    write!(
        file,
        r#"{{"format":"tieout.invoice-batch/1","source":"bench","batch":"{number}","entity":"US","period":"2026-10","manifest":[{{"currency":"USD","kind":"invoice","count":{documents},"total":"{total}.00","tax":"{tax}.00"}}],"documents":["#
    )?;
    for n in 0..documents {
        let comma = if n == 0 { "" } else { "," };
        let customer = n % CUSTOMERS;
        write!(
            file,
            r#"{comma}{{"kind":"invoice","number":"{number}-{n}","customer":{{"code":"C-{customer}","name":"Customer {customer}"}},"currency":"USD","amount":"330.00","tax":"30.00","issue_date":"2026-10-31","due_date":"2026-11-30","lines":["#
        )?;
        for line in 0..LINES {
            let comma = if line == 0 { "" } else { "," };
            write!(
                file,
                r#"{comma}{{"item":"{items}-{line}","description":"API calls in October","quantity":"100","unit_price":"1","net":"100.00","tax":"10.00","tax_code":"T"}}"#
            )?;
        }
        file.write_all(b"]}")?;
    }
    file.write_all(b"]}")?;
    let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

pub async fn import(cx: &Context, entity: EntityId, file: File) -> anyhow::Result<()> {
    let scope = Scope::of_system(vec![entity]);
    let report = pipeline::import::import_file(cx, &Actor::Cli("bench".into()), &scope, "bench.json", file).await?;
    ensure!(report.outcome == ImportOutcome::Imported && report.rejected == 0, "import: {report:?}");
    Ok(())
}

/// Maps everything that is finalized.
pub async fn map(cx: &Context, erps: &Erps) -> anyhow::Result<()> {
    while pipeline::posting::worker::map_all(cx, erps).await? > 0 {}
    Ok(())
}
