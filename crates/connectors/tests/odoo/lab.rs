//! The real Odoo of `scripts/odoo`, the hands of other people in it, and a proxy that loses answers.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use connectors::{
    Erp, Payload, PeriodTotals, ReadError,
    odoo::{Config, Odoo, PAGE_ROWS, PROCESSING_TIME_MAX, REQUEST_TIMEOUT},
};
use domain::{
    money::Currency,
    posting::{ErpDocument, MappedAllocation, MappedDocument, MappedItem, MappedLine, MappedSettlement, Outcome, PostingKey, Probe},
    stage::DocumentKind,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{io::Write, sync::Arc, time::Duration};
use tokio::sync::Barrier;

pub const CORRELATION: &str = "test-correlation";

#[derive(Clone)]
pub struct Lab {
    at: Value,
    client: reqwest::Client,
}

impl Lab {
    /// `None`, and a line that the test harness can't swallow, where `TIEOUT_ODOO` doesn't hold the JSON of `scripts/odoo up`.
    pub fn open(test: &str) -> Option<Self> {
        let Ok(text) = std::env::var("TIEOUT_ODOO") else {
            let skipped = format!("SKIPPED odoo::{test}: no real Odoo, TIEOUT_ODOO is not set\n");
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
            return None;
        };
        Some(Self {
            at: serde_json::from_str(&text).expect("TIEOUT_ODOO is JSON"),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        })
    }

    pub fn url(&self) -> String {
        self.at["url"].as_str().unwrap().to_owned()
    }

    pub fn company(&self, code: &str) -> i64 {
        self.at["companies"][code].as_i64().unwrap()
    }

    pub fn setup(&self, code: &str, what: &str) -> &Value {
        &self.at["setup"][code][what]
    }

    pub fn customer(&self, code: &str) -> i64 {
        self.setup(code, "customers")[0].as_i64().unwrap()
    }

    pub fn config(&self) -> Config {
        Config {
            url: self.url(),
            database: self.at["database"].as_str().unwrap().to_owned(),
            api_key: self.at["api_key"].as_str().unwrap().to_owned(),
            journal_code: "TIEO".to_owned(),
            request_timeout: REQUEST_TIMEOUT,
            processing_time_max: PROCESSING_TIME_MAX,
            page_rows: PAGE_ROWS,
        }
    }

    /// A connector after its connection check.
    pub async fn connector(&self, code: &str) -> Odoo {
        self.connector_with(code, self.config()).await
    }

    pub async fn connector_with(&self, code: &str, config: Config) -> Odoo {
        let odoo = Odoo::new(config).unwrap();
        odoo.ensure_journal(&self.company(code).to_string()).await.unwrap();
        odoo
    }

    /// What another program or person does in Odoo.
    pub async fn raw(&self, method: &str, company: &str, mut arguments: Value) -> (u16, Value) {
        arguments["context"] = json!({ "allowed_company_ids": [self.company(company)] });
        let config = self.config();
        let request = self.client.post(format!("{}/json/2/{method}", config.url)).bearer_auth(config.api_key);
        let response = request.header("x-odoo-database", config.database).json(&arguments).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn done(&self, method: &str, company: &str, arguments: Value) -> Value {
        let (status, answer) = self.raw(method, company, arguments).await;
        assert_eq!(status, 200, "{method}: {}", answer["message"]);
        answer
    }

    /// State and name of every document with the key, whoever asks.
    pub async fn held(&self, company: &str, payload: &Payload) -> Vec<(String, String)> {
        let asked = json!({ "domain": [["ref", "=", payload.posting_key]], "fields": ["state", "name"], "order": "id" });
        let rows = self.done("account.move/search_read", company, asked).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.as_array().unwrap().iter().map(|row| (text(&row["state"]), text(&row["name"]))).collect()
    }

    /// An invoice of one line, 100.00 without tax, with a number that no other run has.
    pub fn invoice(&self, company: &str) -> MappedDocument {
        let currency: Currency = match company {
            "DE" => "EUR",
            "SG" => "SGD",
            _ => "USD",
        }
        .parse()
        .unwrap();
        let number = format!("INV-2026-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        let mut document = MappedDocument {
            posting_key: PostingKey::of(company, DocumentKind::Invoice, &number, 1),
            kind: DocumentKind::Invoice,
            number,
            entity_ref: self.company(company).to_string(),
            customer_ref: self.customer(company).to_string(),
            currency,
            document_date: day("2026-11-10"),
            posting_date: day("2026-11-10"),
            due_date: day("2026-12-10"),
            total: Decimal::ZERO,
            tax: Decimal::ZERO,
            applies_to: None,
            tax_is_ours: false,
            lines: Vec::new(),
            settlement: None,
        };
        self.set_lines(&mut document, company, "", &[("1", "100", "100.00", "0.00")]);
        document
    }

    pub fn credit_memo(&self, company: &str, of: &str) -> MappedDocument {
        let invoice = self.invoice(company);
        let number = invoice.number.replace("INV", "CM");
        MappedDocument {
            posting_key: PostingKey::of(company, DocumentKind::CreditMemo, &number, 1),
            kind: DocumentKind::CreditMemo,
            applies_to: Some(of.to_owned()),
            number,
            ..invoice
        }
    }

    /// A journal of the company of this type; made where the set-up has none.
    pub async fn journal(&self, company: &str, kind: &str) -> i64 {
        let domain = json!([["type", "=", kind], ["company_id", "=", self.company(company)]]);
        let asked = json!({ "domain": domain, "order": "id", "limit": 1 });
        if let Some(id) = self.done("account.journal/search", company, asked.clone()).await[0].as_i64() {
            return id;
        }
        // another test may be faster
        let values = json!({ "name": "Till", "code": "TILL", "type": kind, "company_id": self.company(company) });
        self.raw("account.journal/create", company, json!({ "vals_list": [values] })).await;
        self.done("account.journal/search", company, asked).await[0].as_i64().unwrap()
    }

    /// Money of the first customer in the bank, with a number that no other run has.
    pub async fn payment(&self, company: &str, amount: &str) -> MappedDocument {
        let invoice = self.invoice(company);
        let number = invoice.number.replace("INV", "PAY");
        let total = amount.parse().unwrap();
        let line = MappedLine {
            item_ref: String::new(),
            account_ref: self.journal(company, "bank").await.to_string(),
            tax_ref: String::new(),
            description: "Transfer".to_owned(),
            quantity: Decimal::ONE,
            unit_price: total,
            net: total,
            tax: Decimal::ZERO,
        };
        MappedDocument {
            posting_key: PostingKey::of(company, DocumentKind::Payment, &number, 1),
            kind: DocumentKind::Payment,
            number,
            total,
            tax: Decimal::ZERO,
            lines: vec![line],
            ..invoice
        }
    }

    /// Money that goes back through the same journal.
    pub async fn money_back(&self, company: &str, amount: &str) -> MappedDocument {
        let payment = self.payment(company, amount).await;
        let number = payment.number.replace("PAY", "CB");
        let posting_key = PostingKey::of(company, DocumentKind::Chargeback, &number, 1);
        MappedDocument { posting_key, kind: DocumentKind::Chargeback, number, ..payment }
    }

    /// State and memo of every payment with the key.
    pub async fn payments(&self, company: &str, payload: &Payload) -> Vec<String> {
        let asked = json!({ "domain": [["memo", "=", payload.posting_key]], "fields": ["state"], "order": "id" });
        let rows = self.done("account.payment/search_read", company, asked).await;
        rows.as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
    }

    /// What a journal entry has open.
    pub async fn residual(&self, company: &str, entry: &str) -> Decimal {
        let asked = json!({ "ids": [entry.parse::<i64>().unwrap()], "fields": ["amount_residual"] });
        self.done("account.move/read", company, asked).await[0]["amount_residual"].to_string().parse().unwrap()
    }

    /// Lines of quantity, price, net and tax.
    pub fn set_lines(&self, document: &mut MappedDocument, company: &str, tax_ref: &str, lines: &[(&str, &str, &str, &str)]) {
        let line = |(quantity, unit_price, net, tax): &(&str, &str, &str, &str)| MappedLine {
            item_ref: self.setup(company, "item").to_string(),
            account_ref: self.setup(company, "account").to_string(),
            tax_ref: tax_ref.to_owned(),
            description: "API calls".to_owned(),
            quantity: quantity.parse().unwrap(),
            unit_price: unit_price.parse().unwrap(),
            net: net.parse().unwrap(),
            tax: tax.parse().unwrap(),
        };
        document.lines = lines.iter().map(line).collect();
        document.tax = document.lines.iter().map(|l| l.tax).sum();
        document.total = document.lines.iter().map(|l| l.net).sum::<Decimal>() + document.tax;
    }
}

pub fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

/// What Odoo holds of a document that was posted to it.
#[derive(Clone)]
pub struct Posted {
    pub document: MappedDocument,
    pub erp_id: String,
}

impl Posted {
    pub async fn new(odoo: &Odoo, document: MappedDocument) -> Self {
        let sent = odoo.post(&payload(odoo, &document), CORRELATION).await;
        let Outcome::Accepted { erp_id, .. } = sent.outcome else { panic!("{sent:?}") };
        Self { document, erp_id }
    }

    fn item(&self) -> MappedItem {
        MappedItem {
            kind: self.document.kind,
            posting_key: self.document.posting_key.clone(),
            number: self.document.number.clone(),
            erp_id: self.erp_id.clone(),
        }
    }
}

/// Gives a credit to items: of each how much, and how much the credit settles of it then.
pub fn application(credit: &Posted, debits: &[(&Posted, &str, &str)]) -> MappedDocument {
    let number = format!("APP-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let debits = debits.iter().map(|(item, amount, settled)| MappedAllocation {
        item: item.item(),
        amount: amount.parse().unwrap(),
        settled: settled.parse().unwrap(),
    });
    let settlement = MappedSettlement { credit: credit.item(), debits: debits.collect() };
    MappedDocument {
        posting_key: PostingKey(format!("tieout-US-app-{number}-v1")),
        kind: DocumentKind::CashApplication,
        number,
        total: settlement.debits.iter().map(|debit| debit.amount).sum(),
        tax: Decimal::ZERO,
        applies_to: None,
        lines: Vec::new(),
        settlement: Some(settlement),
        ..credit.document.clone()
    }
}

/// Takes an application back, when the credit settled this much of each item without it.
pub fn reversal(application: &MappedDocument, settled: &[&str]) -> MappedDocument {
    let mut reversal = application.clone();
    reversal.kind = DocumentKind::ApplicationReversal;
    reversal.number = application.number.replace("APP", "REV");
    reversal.posting_key = PostingKey(format!("tieout-US-rev-{}-v1", reversal.number));
    let debits = &mut reversal.settlement.as_mut().unwrap().debits;
    debits.iter_mut().zip(settled).for_each(|(debit, settled)| debit.settled = settled.parse().unwrap());
    reversal
}

pub fn payload(odoo: &Odoo, document: &MappedDocument) -> Payload {
    Payload {
        posting_key: document.posting_key.clone(),
        kind: document.kind,
        entity_ref: document.entity_ref.clone(),
        number: document.number.clone(),
        body: odoo.payload(document),
    }
}

pub fn found(probe: Probe) -> ErpDocument {
    match probe {
        Probe::Found(document) => *document,
        other => panic!("not found once: {other:?}"),
    }
}

/// Every document of a period, page by page; as many as Odoo totals.
pub async fn period(odoo: &Odoo, entity_ref: &str, period: &str) -> Result<Vec<ErpDocument>, ReadError> {
    let period = period.parse().unwrap();
    let opening = odoo.open_period(entity_ref, period).await?;
    let (mut documents, mut read, mut cursor) = (Vec::new(), PeriodTotals::default(), Some(opening.cursor));
    while let Some(at) = cursor {
        let page = odoo.read_period(entity_ref, period, &at).await?;
        page.documents.iter().for_each(|document| read.add_document(document));
        documents.extend(page.documents);
        cursor = page.next;
    }
    opening.totals.difference(&read, period).map_or(Ok(documents), |difference| Err(ReadError::Incomplete(difference)))
}

/// What happens to a call on its way.
#[derive(Clone)]
pub enum Fate {
    Pass,
    /// A gateway in front of Odoo answers 502 and Odoo never hears of it.
    BadGateway,
    /// Reaches Odoo only then.
    Held(Duration),
    /// Odoo does the work and the answer comes too late.
    Late(Duration),
    /// Waits until as many calls as the barrier wants are there, so that they reach Odoo at once.
    Meet(Arc<Barrier>),
}

#[derive(Clone)]
struct Proxy {
    lab: Lab,
    method: &'static str,
    fate: Fate,
}

impl Lab {
    /// The same Odoo, reached through another proxy.
    pub fn behind(&self, proxy: &Config) -> Self {
        let mut at = self.at.clone();
        at["url"] = json!(proxy.url);
        Self { at, ..self.clone() }
    }

    /// The configuration of a connector whose calls of one method meet with a fate.
    pub async fn through_proxy(&self, method: &'static str, fate: Fate) -> Config {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass_on).with_state(Proxy { lab: self.clone(), method, fate });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Config { url, ..self.config() }
    }
}

async fn pass_on(State(proxy): State<Proxy>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let fate = if uri.path().ends_with(proxy.method) { proxy.fate.clone() } else { Fate::Pass };
    match &fate {
        Fate::BadGateway => return StatusCode::BAD_GATEWAY.into_response(),
        Fate::Meet(barrier) => {
            barrier.wait().await;
        }
        Fate::Held(wait) => tokio::time::sleep(*wait).await,
        Fate::Pass | Fate::Late(_) => {}
    }
    let mut request = proxy.lab.client.post(format!("{}{}", proxy.lab.url(), uri.path())).body(body);
    for name in ["authorization", "content-type", "x-odoo-database", "x-request-id"] {
        request = request.header(name, &headers[name]);
    }
    let response = request.send().await.unwrap();
    let status = StatusCode::from_u16(response.status().as_u16()).unwrap();
    let answer = response.bytes().await.unwrap();
    if let Fate::Late(wait) = fate {
        tokio::time::sleep(wait).await;
    }
    (status, answer).into_response()
}
