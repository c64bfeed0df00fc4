//! A simulator, a connector to it, and a clock that both read.

use chrono::{DateTime, NaiveDate, Utc};
use connectors::{
    Erp, Payload, PeriodTotals, Probed, Sent,
    netsuite::{Config, Netsuite},
};
use domain::{
    clock::{Clock, FixedClock},
    money::Currency,
    period::AccountingPeriod,
    posting::{
        ErpDocument, MappedAllocation, MappedDocument, MappedItem, MappedLine, MappedSettlement, Outcome, PostingKey, Probe, Refusal,
    },
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use simulators::netsuite::{ClientCredentials, Lists, Simulator, Switches, client_credentials};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

pub struct World {
    pub simulator: Simulator,
    pub erp: Netsuite,
    pub clock: FixedClock,
    pub credentials: ClientCredentials,
    pub lists: Lists,
    pub dir: TempDir,
    http: reqwest::Client,
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn october() -> AccountingPeriod {
    AccountingPeriod::new(2026, 10).unwrap()
}

fn lists() -> Lists {
    Lists::standard(date("2026-09-01"), 4, 5, 3)
}

fn currencies() -> BTreeMap<Currency, String> {
    let lists = lists();
    lists.currencies.iter().map(|c| (c.symbol.parse().unwrap(), c.id.clone())).collect()
}

pub async fn simulator(file: &Path, clock: &FixedClock, credentials: &ClientCredentials, lists: &Lists, switches: Switches) -> Simulator {
    let clock = clock.clone();
    let config = simulators::netsuite::Config {
        account_id: "1234567".into(),
        data_file: file.to_owned(),
        concurrency_limit: 5,
        seed: 1,
        client: credentials.registered.clone(),
        lists: lists.clone(),
        switches,
        now: Arc::new(move || clock.now()),
    };
    Simulator::start(config, "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// The connector's configuration for an account at `url`.
pub fn config(url: &str, credentials: &ClientCredentials) -> Config {
    let client = &credentials.registered;
    let receivables_account = Some(lists().receivables_account);
    let config = Config::new(url, &client.client_id, &client.certificate_id, &credentials.private_key_pem, currencies());
    Config { receivables_account, ..config }
}

impl World {
    pub async fn new() -> Self {
        Self::with(Switches::default(), Duration::from_secs(20)).await
    }

    pub async fn with(switches: Switches, request_timeout: Duration) -> Self {
        let dir = TempDir::new().unwrap();
        let clock = FixedClock::at(DateTime::<Utc>::from_naive_utc_and_offset(date("2026-10-31").and_hms_opt(12, 0, 0).unwrap(), Utc));
        let credentials = client_credentials().unwrap();
        let lists = lists();
        let simulator = simulator(&dir.path().join("ledger.jsonl"), &clock, &credentials, &lists, switches).await;
        let config = Config { request_timeout, ..config(simulator.url(), &credentials) };
        let erp = Netsuite::new(config, Arc::new(clock.clone())).unwrap();
        Self { simulator, erp, clock, credentials, lists, dir, http: reqwest::Client::new() }
    }

    /// A connector to the same account whose settings name no receivables account.
    pub fn without_receivables_account(&self) -> Netsuite {
        let config = Config { receivables_account: None, ..config(self.simulator.url(), &self.credentials) };
        Netsuite::new(config, Arc::new(self.clock.clone())).unwrap()
    }

    /// The simulator dies and comes back with the same file, on another port.
    pub async fn restart(self) -> Self {
        let Self { simulator: old, clock, credentials, lists, dir, http, .. } = self;
        old.stop().await;
        let simulator = simulator(&dir.path().join("ledger.jsonl"), &clock, &credentials, &lists, Switches::default()).await;
        let erp = Netsuite::new(config(simulator.url(), &credentials), Arc::new(clock.clone())).unwrap();
        Self { simulator, erp, clock, credentials, lists, dir, http }
    }

    pub async fn admin(&self, path: &str, body: &Value) -> Value {
        let response = self.http.post(format!("{}/admin/{path}", self.simulator.url())).json(body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn fault(&self, kind: &str) {
        self.fault_with(json!({ "kind": kind, "next": 1 })).await;
    }

    pub async fn fault_with(&self, rule: Value) {
        self.admin("faults", &rule).await;
    }

    /// Every document the ERP holds, by its own account.
    pub async fn ledger(&self) -> Vec<Value> {
        let text = self.http.get(format!("{}/admin/ledger", self.simulator.url())).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["documents"].as_array().unwrap().clone()
    }

    /// What the ERP's ledger says a credit settles, as debit and amount.
    pub async fn applied(&self, credit: &MappedItem) -> Vec<(String, String)> {
        let ledger = self.ledger().await;
        let credit = ledger.iter().find(|document| document["id"] == credit.erp_id.as_str()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        credit["apply"].as_array().unwrap().iter().map(|line| (text(&line["doc"]), text(&line["amount"]))).collect()
    }

    pub async fn post(&self, document: &MappedDocument) -> Sent {
        self.erp.post(&self.payload(document), "corr-1").await
    }

    pub async fn probe(&self, document: &MappedDocument) -> Probed {
        self.erp.probe(&self.payload(document), "corr-1").await
    }

    pub fn payload(&self, document: &MappedDocument) -> Payload {
        Payload {
            posting_key: document.posting_key.clone(),
            kind: document.kind,
            entity_ref: document.entity_ref.clone(),
            number: document.number.clone(),
            body: self.erp.payload(document),
        }
    }

    pub async fn found(&self, document: &MappedDocument) -> ErpDocument {
        match self.probe(document).await.probe {
            Probe::Found(found) => *found,
            other => panic!("not found once: {other:?}"),
        }
    }

    /// As an application names it, once it is posted.
    pub async fn item(&self, document: &MappedDocument) -> MappedItem {
        let erp_id = self.accepted(document).await;
        MappedItem { kind: document.kind, posting_key: document.posting_key.clone(), number: document.number.clone(), erp_id }
    }

    pub async fn accepted(&self, document: &MappedDocument) -> String {
        match self.post(document).await.outcome {
            Outcome::Accepted { erp_id, .. } => erp_id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// The whole period, page by page; with the sizes of the pages.
    pub async fn read(&self, entity_ref: &str, period: AccountingPeriod) -> (Vec<ErpDocument>, Vec<usize>) {
        let (mut documents, mut sizes, mut read) = (Vec::new(), Vec::new(), PeriodTotals::default());
        let opening = self.erp.open_period(entity_ref, period).await.unwrap();
        let mut cursor = Some(opening.cursor);
        while let Some(at) = cursor {
            let page = self.erp.read_period(entity_ref, period, &at).await.unwrap();
            sizes.push(page.documents.len());
            page.documents.iter().for_each(|document| read.add_document(document));
            documents.extend(page.documents);
            cursor = page.next;
        }
        assert_eq!(opening.totals, read, "the ERP's totals are those of its pages");
        (documents, sizes)
    }
}

pub fn business(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Business(refusal) => refusal,
        other => panic!("not business: {other:?}"),
    }
}

/// An invoice of 100.00 USD net and 19.00 tax, ours.
pub fn an_invoice(number: &str) -> MappedDocument {
    MappedDocument {
        posting_key: PostingKey::of("US", DocumentKind::Invoice, number, 1),
        kind: DocumentKind::Invoice,
        number: number.into(),
        entity_ref: "1".into(),
        customer_ref: "1001".into(),
        currency: Currency::USD,
        document_date: date("2026-10-31"),
        posting_date: date("2026-10-31"),
        due_date: date("2026-11-30"),
        total: dec("119.00"),
        tax: dec("19.00"),
        applies_to: None,
        tax_is_ours: true,
        lines: vec![a_line("100.00", "19.00")],
        settlement: None,
    }
}

pub fn a_credit_memo(number: &str, applies_to: &str) -> MappedDocument {
    MappedDocument {
        posting_key: PostingKey::of("US", DocumentKind::CreditMemo, number, 1),
        kind: DocumentKind::CreditMemo,
        applies_to: Some(applies_to.into()),
        ..an_invoice(number)
    }
}

/// A payment of 150.00 USD, ours.
pub fn a_payment(number: &str) -> MappedDocument {
    MappedDocument {
        posting_key: PostingKey::of("US", DocumentKind::Payment, number, 1),
        kind: DocumentKind::Payment,
        total: dec("150.00"),
        tax: dec("0.00"),
        lines: vec![MappedLine { item_ref: String::new(), account_ref: "101".into(), tax_ref: String::new(), ..a_line("150.00", "0.00") }],
        ..an_invoice(number)
    }
}

/// A document that applies a credit or takes that back: what it allocates of each debit, and what the pair holds afterwards.
pub fn an_application(kind: DocumentKind, number: &str, credit: MappedItem, debits: &[(&MappedItem, &str, &str)]) -> MappedDocument {
    let allocation = |(item, amount, settled): &(&MappedItem, &str, &str)| MappedAllocation {
        item: (*item).clone(),
        amount: dec(amount),
        settled: dec(settled),
    };
    let debits: Vec<_> = debits.iter().map(allocation).collect();
    MappedDocument {
        posting_key: PostingKey::of("US", kind, number, 1),
        kind,
        total: debits.iter().map(|debit| debit.amount).sum(),
        tax: Decimal::ZERO,
        lines: Vec::new(),
        settlement: Some(MappedSettlement { credit, debits }),
        ..an_invoice(number)
    }
}

pub fn a_line(net: &str, tax: &str) -> MappedLine {
    MappedLine {
        item_ref: "1".into(),
        account_ref: "54".into(),
        tax_ref: "19".into(),
        description: "Usage October".into(),
        quantity: dec("1"),
        unit_price: dec(net),
        net: dec(net),
        tax: dec(tax),
    }
}
