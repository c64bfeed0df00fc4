//! NetSuite SuiteTalk REST: record v1 to post, query v1 (SuiteQL) to read back. Source keys **H**, **B**, **P**, **J**, **U**
//! are those of the contract reference: Oracle help page, REST API Browser, SOAP codes, julbrs/netsuite-api-client, unverified.
//!
//! A document is posted with `POST` and its posting key as `externalId`, so NetSuite itself refuses a second one.
//! Never with `PUT …/eid:`: that is an upsert, and a replay would change a posted invoice or add its lines again.
//!
//! A cash application is no document of NetSuite: it is a `PATCH` of the payment or credit memo that is given, whose fence is the
//! figure it sets (`apply.rs`).

mod answer;
mod apply;
mod auth;
mod payload;
mod read;
mod wire;

use crate::{Erp, Opening, Page, Payload, Probed, Promise, ReadError, Sent};
use anyhow::{Context, Result, ensure};
use apply::Application;
use async_trait::async_trait;
use domain::{
    clock::Clock,
    money::Currency,
    period::AccountingPeriod,
    posting::{Exchange, Fence, MappedDocument, Outcome, Probe, Refusal},
    stage::DocumentKind,
};
use payload::Names;
use read::{Cursor, Row};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wire::{Answer, Call, Failure, Wire};

/// How long NetSuite may work on one request [H:subsect_1559222360].
const PROCESSING_TIME_MAX: Duration = Duration::from_secs(15 * 60);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// One account. Holds the private key, so it is never printed.
pub struct Config {
    /// `https://1234567-sb1.suitetalk.api.netsuite.com`, without a path.
    pub account_url: String,
    /// Of the integration record.
    pub client_id: String,
    /// Of the OAuth 2.0 client credentials mapping; the JWT's `kid`.
    pub certificate_id: String,
    /// EC P-256, PKCS #8.
    pub private_key_pem: String,
    /// Currency to its internal id in this account.
    pub currencies: BTreeMap<Currency, String>,
    /// The AR account that journals of money that went back debit.
    pub receivables_account: Option<String>,
    pub request_timeout: Duration,
    pub processing_time_max: Duration,
}

impl Config {
    /// With the time-outs of the contract.
    pub fn new(
        account_url: &str,
        client_id: &str,
        certificate_id: &str,
        private_key_pem: &str,
        currencies: BTreeMap<Currency, String>,
    ) -> Self {
        Self {
            account_url: account_url.trim_end_matches('/').to_owned(),
            client_id: client_id.to_owned(),
            certificate_id: certificate_id.to_owned(),
            private_key_pem: private_key_pem.to_owned(),
            currencies,
            receivables_account: None,
            request_timeout: REQUEST_TIMEOUT,
            processing_time_max: PROCESSING_TIME_MAX,
        }
    }
}

pub struct Netsuite {
    wire: Wire,
    names: Names,
    promise: Promise,
}

impl Netsuite {
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        ensure!(!config.request_timeout.is_zero(), "the request time-out of NetSuite is zero");
        ensure!(
            !config.processing_time_max.is_zero(),
            "the processing time of NetSuite is zero: an unknown would be called absent at once"
        );
        let promise = Promise {
            fence: Fence::Prevents,
            processing_time_max: config.processing_time_max,
            request_timeout: config.request_timeout,
            not_carried: NOT_CARRIED,
        };
        let wire = Wire::new(&config, clock).context("NetSuite connection")?;
        Ok(Self { wire, names: Names { currencies: config.currencies, receivables_account: config.receivables_account }, promise })
    }

    /// Sends a document. `known` is the key of what it changes.
    async fn write(&self, call: Call<'_>, payload: &Payload, known: Option<String>) -> Sent {
        // The default is a warning that nobody reads [H:section_156570709583].
        let call = Call { header: Some(("X-NetSuite-PropertyNameValidation", "Error")), ..call };
        let answer = self.wire.call(&call).await;
        let exchange = wire::exchange(call.shown(), &answer);
        let outcome = match answer {
            Ok(answer) => answer::outcome(&answer, &payload.number, known),
            Err(Failure::NotSent(reason)) => Outcome::Unreachable { reason },
            Err(Failure::Throttled) => Outcome::Throttled { retry_after_seconds: None },
            Err(Failure::Login(reason)) => Outcome::Auth { reason },
            Err(Failure::Lost(reason)) => Outcome::Ambiguous { reason },
        };
        Sent { outcome, exchange }
    }

    async fn apply(&self, payload: &Payload, correlation_id: &str) -> Sent {
        let application = match Application::read(&payload.body) {
            Ok(application) => application,
            Err(refusal) => return not_sent(payload, refusal),
        };
        let (path, body) = (application.path(), application.change());
        let call = Call { method: Method::PATCH, path: &path, header: None, body: Some(&body), correlation_id };
        self.write(call, payload, Some(application.erp_id())).await
    }

    /// Looks at the credit's own lines.
    async fn probe_application(&self, payload: &Payload, correlation_id: &str) -> Probed {
        let application = match Application::read(&payload.body) {
            Ok(application) => application,
            // It was never sent.
            Err(refusal) => return Probed { probe: Probe::Absent, exchange: not_sent(payload, refusal).exchange },
        };
        let path = format!("{}?expandSubResources=true", application.path());
        let call = Call { method: Method::GET, path: &path, header: None, body: None, correlation_id };
        let answer = self.wire.call(&call).await;
        let exchange = wire::exchange(call.shown(), &answer);
        let probe = match answer {
            Ok(answer) if answer.status == StatusCode::OK => application.probe(payload, &answer.body),
            Ok(answer) if answer::is_absent(&answer) => Ok(application.gone(payload)),
            Ok(answer) => Err(answer::summary(&answer)),
            Err(failure) => Err(failure.to_string()),
        };
        Probed { probe: probe.unwrap_or_else(|reason| Probe::NotAnswered { reason }), exchange }
    }

    /// Runs one page of SuiteQL [H:section_157909186990].
    async fn query(&self, suiteql: &str, correlation_id: &str) -> (Result<Answer, Failure>, String) {
        let path = format!("/services/rest/query/v1/suiteql?limit={}&offset=0", read::PAGE_ROWS);
        let body = json!({ "q": suiteql });
        let call = Call { method: Method::POST, path: &path, header: Some(("Prefer", "transient")), body: Some(&body), correlation_id };
        (self.wire.call(&call).await, call.shown())
    }

    /// The rows of the documents that carry this external id, in whatever record type.
    async fn rows_of(&self, external_id: &str, correlation_id: &str) -> (Result<Vec<Row>, ReadError>, String, String) {
        let (answer, shown) = self.query(&read::by_external_id(external_id), correlation_id).await;
        let text = answer.as_ref().map_or_else(Failure::to_string, |answer| answer.body.clone());
        (read::rows(answer).map(|page| page.rows), shown, text)
    }
}

/// What *confirmed* asks for and this connector does not read back. NetSuite has one date for a transaction, which we set
/// to the posting date; the others it holds, but not where SuiteQL gives them with the document [H:section_159886587653].
const NOT_CARRIED: &[&str] = &[
    "document date",
    "due date of credit memos",
    "tax per code",
    "exchange rate and functional amount",
    "AR account",
    "bank account of payments",
    "net per revenue account and dimension",
    "applied-to references of credit memos",
    "customer of money that went back",
    "posting date, customer and number of cash applications",
];

/// `None`: it is no record of its own, but changes one.
fn record_type(kind: DocumentKind) -> Option<&'static str> {
    match kind {
        DocumentKind::Invoice => Some("invoice"),
        DocumentKind::CreditMemo => Some("creditMemo"),
        DocumentKind::Payment => Some("customerPayment"),
        // A customer refund can't be made before it is applied, and a chargeback is none.
        DocumentKind::Refund | DocumentKind::ReturnedPayment | DocumentKind::Chargeback | DocumentKind::Transfer => Some("journalEntry"),
        DocumentKind::CashApplication | DocumentKind::ApplicationReversal => None,
    }
}

fn not_sent(payload: &Payload, refusal: Refusal) -> Sent {
    let exchange = Exchange { request: format!("not sent\n\n{}", payload.body), status: None, answer: None };
    Sent { outcome: Outcome::Permanent(refusal), exchange }
}

#[async_trait]
impl Erp for Netsuite {
    fn promise(&self) -> Promise {
        self.promise
    }

    fn payload(&self, document: &MappedDocument) -> Value {
        payload::body(document, &self.names)
    }

    async fn post(&self, payload: &Payload, correlation_id: &str) -> Sent {
        let Some(record) = record_type(payload.kind) else { return self.apply(payload, correlation_id).await };
        if let Err(refusal) = payload::check(&payload.body) {
            return not_sent(payload, refusal);
        }
        let path = format!("/services/rest/record/v1/{record}");
        let call = Call { method: Method::POST, path: &path, header: None, body: Some(&payload.body), correlation_id };
        self.write(call, payload, None).await
    }

    /// By key first: `NONEXISTENT_ID` there is the only proof of absence. Then by query, which sees a second document
    /// that carries the key in another record type.
    async fn probe(&self, payload: &Payload, correlation_id: &str) -> Probed {
        let Some(record) = record_type(payload.kind) else { return self.probe_application(payload, correlation_id).await };
        let path = format!("/services/rest/record/v1/{record}/eid:{}", wire::escaped(&payload.posting_key.0));
        let call = Call { method: Method::GET, path: &path, header: None, body: None, correlation_id };
        let answer = self.wire.call(&call).await;
        let mut exchange = wire::exchange(call.shown(), &answer);
        let stored = match answer {
            Ok(answer) if answer.status == StatusCode::OK => answer::external_id(&answer.body),
            Ok(answer) if answer::is_absent(&answer) => return Probed { probe: Probe::Absent, exchange },
            Ok(answer) => Err(answer::summary(&answer)),
            Err(failure) => Err(failure.to_string()),
        };
        let external_id = match stored {
            Ok(external_id) => external_id,
            Err(reason) => return Probed { probe: Probe::NotAnswered { reason }, exchange },
        };
        let (rows, request, text) = self.rows_of(&external_id, correlation_id).await;
        exchange.request = format!("{}\n\n{request}", exchange.request);
        exchange.answer = Some(format!("{}\n\n{text}", exchange.answer.unwrap_or_default()));
        let documents: Result<Vec<_>, ReadError> = rows.and_then(|rows| rows.iter().map(Row::document).collect());
        let probe = match documents {
            Err(error) => Probe::NotAnswered { reason: error.to_string() },
            Ok(mut found) => match (found.pop(), found.is_empty()) {
                (Some(document), true) => Probe::Found(Box::new(document)),
                (Some(last), false) => Probe::FoundTwice(found.into_iter().chain([last]).collect()),
                (None, _) => Probe::NotAnswered { reason: "found by key, but not yet by query".to_owned() },
            },
        };
        Probed { probe, exchange }
    }

    async fn open_period(&self, entity_ref: &str, period: AccountingPeriod) -> Result<Opening, ReadError> {
        let (answer, _) = self.query(&read::totals_of_period(entity_ref, period)?, "read-back").await;
        read::opening(answer)
    }

    async fn read_period(&self, entity_ref: &str, period: AccountingPeriod, cursor: &str) -> Result<Page, ReadError> {
        let cursor: Cursor = cursor.parse()?;
        let (answer, _) = self.query(&read::by_period(entity_ref, period, &cursor)?, "read-back").await;
        let page = read::rows(answer)?;
        let last = page.rows.last().filter(|_| page.has_more).map(Row::key).transpose()?;
        let next = last.map(|after| Cursor { after, ..cursor }.to_string());
        let documents = page.rows.iter().map(Row::document).collect::<Result<_, _>>()?;
        Ok(Page { documents, next })
    }
}
