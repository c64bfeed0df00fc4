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
    posting::{ErpDocument, MappedDocument, MappedLine, PostingKey},
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

pub fn payload(odoo: &Odoo, document: &MappedDocument) -> Payload {
    Payload {
        posting_key: document.posting_key.clone(),
        kind: document.kind,
        entity_ref: document.entity_ref.clone(),
        number: document.number.clone(),
        body: odoo.payload(document),
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
