//! 100 invoices against a real Odoo 19 (`scripts/odoo up`), with a proxy in between that strikes on command. A send is three
//! calls there (look, create, post), so a worker that dies after the second leaves a draft and nothing else.

use crate::{
    company::{Billed, Company, Connected, PATIENCE},
    ledger::Ledger,
    proxy::{Call, Fault, Proxy, Script, Tally},
    workers::Crew,
};
use connectors::odoo::{Config, Odoo};
use domain::{
    mapping::MappingKind,
    posting::{ErpSystem, PostingKey},
    stage::DocumentKind,
};
use pipeline::{
    erps::{Erps, OdooSettings},
    readback,
    verify::verify,
};
use rust_decimal::Decimal;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

const INVOICES: usize = 100;
const WORKERS: usize = 3;
/// A killed worker's slots are free only when its leases have ended.
const SLOTS: i32 = 12;
/// Odoo makes a few documents a second, whoever waits for them.
const REQUEST_SECONDS: i32 = 10;
/// Requests that are held back arrive within it.
const PROCESSING_SECONDS: i32 = 15;
const JOURNAL: &str = "TIEO";

const SEED: u64 = 19;
/// Each of the three calls is made at least once per invoice, so every one of these numbers comes.
const WITHIN: usize = 90;
const FIXED: &[(Call, usize, Fault)] = &[
    (Call::Create, 10, Fault::Killed),
    (Call::Create, 16, Fault::Stopped),
    (Call::Create, 24, Fault::Killed),
    // when nothing else waits, a send that followed too soon would overtake them
    (Call::Create, 100, Fault::ArrivesLate),
    (Call::Create, 104, Fault::ArrivesLate),
];
const DRAWN: &[(Call, Fault, usize)] = &[
    (Call::Look, Fault::AnswerCut, 2),
    (Call::Look, Fault::Unavailable, 2),
    (Call::Look, Fault::Throttled, 2),
    (Call::Create, Fault::AnswerCut, 4),
    (Call::Create, Fault::AnswerLate, 2),
    (Call::Create, Fault::FailedAfterCommit, 3),
    (Call::Create, Fault::ArrivesLate, 3),
    (Call::Create, Fault::Overdue, 3),
    (Call::Create, Fault::Unavailable, 3),
    (Call::Create, Fault::Throttled, 4),
    (Call::Create, Fault::Refused, 1),
    (Call::Post, Fault::AnswerCut, 4),
    (Call::Post, Fault::AnswerLate, 2),
    (Call::Post, Fault::FailedAfterCommit, 3),
    (Call::Post, Fault::ArrivesLate, 3),
    (Call::Post, Fault::Unavailable, 3),
    (Call::Post, Fault::Throttled, 2),
    (Call::Post, Fault::Refused, 1),
];

struct World {
    company: Company,
    ledger: Ledger,
    crew: Arc<Crew>,
    proxy: Arc<Proxy>,
}

impl World {
    async fn new(ledger: Ledger) -> Self {
        let company = Company::new(store::testing::database().await).await;
        let crew = Arc::new(Crew::new(&company.db.url));
        let script = Script::new(SEED, WITHIN, FIXED, DRAWN);
        let request_time = Duration::from_secs(u64::from(REQUEST_SECONDS.unsigned_abs()));
        let proxy = Proxy::open(ledger.clone(), company.db.pool.clone(), crew.clone(), script, request_time).await;
        let world = Self { company, ledger, crew, proxy };
        world.connect().await;
        world
    }

    async fn connect(&self) {
        let ledger = &self.ledger;
        let (database, api_key) = (ledger.text("database"), ledger.text("api_key"));
        let config = Config {
            url: ledger.text("url"),
            database: database.clone(),
            api_key: api_key.clone(),
            journal_code: JOURNAL.into(),
            request_timeout: connectors::odoo::REQUEST_TIMEOUT,
            processing_time_max: connectors::odoo::PROCESSING_TIME_MAX,
            page_rows: connectors::odoo::PAGE_ROWS,
        };
        let entity_ref = ledger.company().to_string();
        Odoo::new(config).unwrap().ensure_journal(&entity_ref).await.unwrap();

        let customers = ledger.customers();
        let codes: Vec<String> = (1..=customers.len()).map(customer).collect();
        let (item, account, tax) = (ledger.furnished("item"), ledger.furnished("account"), ledger.furnished("tax"));
        let mut mappings: Vec<_> =
            codes.iter().zip(&customers).map(|(code, id)| (MappingKind::Customer, code.as_str(), id.as_str())).collect();
        mappings.extend([
            (MappingKind::Item, "API", item.as_str()),
            (MappingKind::Account, "API", &account),
            (MappingKind::TaxCode, "CA", &tax),
        ]);
        let settings = OdooSettings { url: format!("http://{}", self.proxy.address), database, journal_code: JOURNAL.into() };
        let erp = Connected {
            system: ErpSystem::Odoo,
            secret: &api_key,
            slots: SLOTS,
            request_seconds: REQUEST_SECONDS,
            processing_seconds: PROCESSING_SECONDS,
            entity_ref: &entity_ref,
            tax_is_ours: false,
            mappings: &mappings,
        };
        self.company.connect(&settings, erp).await;
    }

    /// The worker that was stopped with a draft's answer at its door goes on when its leases have ended and another worker has
    /// posted the draft.
    async fn continue_the_stopped_worker(&self) {
        let until = Instant::now() + PATIENCE;
        let stopped = loop {
            if let Some(stopped) = self.proxy.tally(|tally| tally.struck.iter().find(|struck| struck.fault == Fault::Stopped).cloned()) {
                break stopped;
            }
            assert!(Instant::now() < until, "no worker was ever stopped");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        self.company.lap("stopped a worker");
        self.company.wait_until_leases_end(&stopped.worker).await;
        while self.ledger.state(&stopped.draft).await != "posted" {
            assert!(Instant::now() < until, "nobody finished the stopped worker's draft");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.crew.continue_stopped();
        self.company.lap("continued the stopped worker");
    }
}

fn customer(n: usize) -> String {
    format!("C-{n}")
}

/// An amount and customer of its own for each; 8 % of a multiple of 12.50 is exact, as Odoo computes the tax.
fn billed(run: &str, n: usize) -> Billed {
    let steps = Decimal::from(n + 7);
    Billed {
        kind: "invoice",
        number: format!("FAULT-{run}-{n:06}"),
        customer: customer(n % 3 + 1),
        net: Decimal::new(1250, 2) * steps,
        tax: Decimal::new(100, 2) * steps,
        applies_to: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_invoice_is_posted_in_a_real_odoo_exactly_once_whatever_happens() {
    let Some(ledger) = Ledger::open("faults, 100 invoices against a real Odoo") else { return };
    let newest = ledger.newest().await;
    let world = World::new(ledger).await;
    let company = &world.company;
    // numbers that no other run has: the ledger may be as full as it likes
    let run = uuid::Uuid::new_v4().simple().to_string();
    let invoices: Vec<Billed> = (1..=INVOICES).map(|n| billed(&run[..8], n)).collect();
    company.import(&invoices).await;
    (0..WORKERS).for_each(|_| world.crew.hire());

    world.continue_the_stopped_worker().await;
    company.wait_until_posted().await;
    // the worker that continued has finished with what it had in hand, and held back requests have come
    tokio::time::sleep(Duration::from_secs(u64::from(PROCESSING_SECONDS.unsigned_abs()))).await;
    world.crew.dismiss();

    compare_ledgers(&world, newest, &invoices).await;
    drafts_left_by_a_crash_were_finished(&world).await;
    it_did_happen(&world).await;
    company.lap("ledgers compared");
    let erps = Erps::load(&company.cx).await.unwrap();
    let attached = readback::attached(&company.cx, company.us).await.unwrap();
    let read = readback::sync_entity(&company.cx, &erps, &attached).await.unwrap();
    assert_eq!((read.confirmed, read.mismatched), (INVOICES, 0));
    company.lap("everything confirmed");
    let report = verify(&company.db.pool).await.unwrap();
    assert!(report.ties_out(), "{report}");
    company.lap("verified");
}

/// Nothing came into Odoo's company but our invoices, each once, posted, under our number and key, with our amounts.
async fn compare_ledgers(world: &World, newest: i64, invoices: &[Billed]) {
    let rows: Vec<(String, Option<String>)> =
        sqlx::query_as("select posting_key, erp_id from posting join posting_payload using (document_id)")
            .fetch_all(&world.company.db.pool)
            .await
            .unwrap();
    let known: HashMap<String, Option<String>> = rows.into_iter().collect();
    let theirs = world.ledger.since(newest).await;
    let not_posted: Vec<_> = theirs.iter().filter(|m| m.state != "posted").collect();
    assert!(not_posted.is_empty(), "left over: {not_posted:?}");
    for invoice in invoices {
        let key = PostingKey::of("US", DocumentKind::Invoice, &invoice.number, 1).to_string();
        let by_number = world.ledger.count("name", &invoice.number).await;
        let by_key = world.ledger.count("ref", &key).await;
        assert_eq!((by_number, by_key), (1, 1), "{key}");
        let found = theirs.iter().find(|m| m.name == invoice.number).unwrap();
        assert_eq!(found.reference, key);
        assert_eq!((found.total, found.tax), (invoice.net + invoice.tax, invoice.tax), "{key}");
        assert_eq!(known[&key].as_ref(), Some(&found.id), "{key}");
    }
    assert_eq!((theirs.len(), known.len()), (invoices.len(), invoices.len()));
    let ours: Decimal = invoices.iter().map(|invoice| invoice.net + invoice.tax).sum();
    assert_eq!(theirs.iter().map(|m| m.total).sum::<Decimal>(), ours);
}

/// The document of each struck worker is the very draft that it left, and its attempt was never answered.
async fn drafts_left_by_a_crash_were_finished(world: &World) {
    for struck in &world.proxy.tally(|tally| tally.struck.clone()) {
        let (erp_id, finished): (String, bool) = sqlx::query_as(
            "select p.erp_id, exists (select from posting_attempt s where s.document_id = p.document_id and s.purpose = 'send'
                and s.worker = $2 and s.outcome = 'no_answer')
                and exists (select from posting_attempt f where f.document_id = p.document_id and f.purpose = 'probe' and f.outcome = 'found')
            from posting p join posting_payload b using (document_id) where b.posting_key = $1",
        )
        .bind(&struck.key)
        .bind(&struck.worker)
        .fetch_one(&world.company.db.pool)
        .await
        .unwrap();
        assert_eq!((erp_id.as_str(), finished), (struck.draft.as_str(), true), "{struck:?}");
    }
}

/// The faults struck, every kind on every call: without them this test proves nothing.
async fn it_did_happen(world: &World) {
    let Tally { faults, struck } = world.proxy.tally(std::mem::take);
    for ((fault, call), times) in &faults {
        println!("{times:9}  {fault:?} on {call:?}");
    }
    let crashes = FIXED.iter().filter(|(_, _, fault)| matches!(fault, Fault::Killed | Fault::Stopped)).count();
    assert_eq!(struck.len(), crashes, "a crash that left only a draft did not happen");
    let scripted = FIXED.iter().map(|(call, _, fault)| (fault, call)).chain(DRAWN.iter().map(|(call, fault, _)| (fault, call)));
    for (fault, call) in scripted {
        assert!(faults.contains_key(&(*fault, *call)), "{fault:?} on {call:?} never happened");
    }
    let refused = world.company.count("select count(*) from posting_attempt where message like '%can''t connect%'").await;
    assert!(refused > 0, "no connection was refused");
    println!("{refused:9}  attempts with a connection refused");
    let sends = ["accepted", "throttled", "unreachable", "ambiguous", "no_answer"];
    world.company.assert_it_did_happen(&sends, &["found", "absent"]).await;
}
