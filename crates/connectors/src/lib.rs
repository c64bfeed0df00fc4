//! Protocols, and no business rule: one folder per system. A connector turns a mapped document into the system's
//! payload, sends it, classifies the answer into exactly one [`Outcome`], and reads documents back.
//! Orchestration (when to send, what an outcome means for the document) is `pipeline`'s.

pub mod adyen;
pub mod gateway;
pub mod netsuite;
pub mod odoo;
pub mod stripe;
mod totals;

use async_trait::async_trait;
use domain::{
    period::AccountingPeriod,
    posting::{ErpDocument, Exchange, Fence, MappedDocument, Outcome, PostingKey, Probe},
    stage::DocumentKind,
};
use std::time::Duration;
pub use totals::{Class, PeriodTotals, Total};

/// A document as it goes over the wire: made once by [`Erp::payload`], frozen at the first send, the same on every try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    pub posting_key: PostingKey,
    pub kind: DocumentKind,
    /// The ERP's legal entity, as mapped.
    pub entity_ref: String,
    /// Our document number.
    pub number: String,
    pub body: serde_json::Value,
}

/// What one send brought back.
#[derive(Debug)]
pub struct Sent {
    pub outcome: Outcome,
    pub exchange: Exchange,
}

/// What one probe brought back.
#[derive(Debug)]
pub struct Probed {
    pub probe: Probe,
    pub exchange: Exchange,
}

/// What a connection promises; from the system's contract, not from configuration.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    pub fence: Fence,
    /// How long the system may still work on a request whose answer we never got.
    pub processing_time_max: Duration,
    /// How long we wait for one answer.
    pub request_timeout: Duration,
    /// Fields of *confirmed* (accounting.md) that this system does not carry.
    pub not_carried: &'static [&'static str],
}

/// What the ERP itself totals of a period's AR postings, and where reading them begins.
#[derive(Debug)]
pub struct Opening {
    pub totals: PeriodTotals,
    /// The first page's. It bounds the pages to what the totals hold: what is posted meanwhile comes with the next read.
    pub cursor: String,
}

/// One page of documents of an AR period as the ERP holds them, whoever made them.
#[derive(Debug)]
pub struct Page {
    pub documents: Vec<ErpDocument>,
    /// Hand it back for the next page; `None` is the end.
    pub next: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("throttled")]
    Throttled { retry_after_seconds: Option<u64> },
    #[error("credentials refused: {0}")]
    Auth(String),
    #[error("not answered: {0}")]
    NotAnswered(String),
    #[error("unreadable answer: {0}")]
    Unreadable(String),
    #[error("read incompletely: {0}")]
    Incomplete(String),
}

#[async_trait]
pub trait Erp: Send + Sync {
    fn promise(&self) -> Promise;

    /// Sets up at the ERP what posting needs there, when the connection is checked; most need nothing.
    async fn prepare(&self, _entity_ref: &str) -> Result<(), ReadError> {
        Ok(())
    }

    /// The wire body. Pure: the same document gives the same bytes.
    fn payload(&self, document: &MappedDocument) -> serde_json::Value;

    /// Sends once, with bounded time-outs and the correlation id. Never retries inside.
    async fn post(&self, payload: &Payload, correlation_id: &str) -> Sent;

    /// Looks for the posting key. Finishes what a crash left half-made (a draft) before it answers `Found`.
    async fn probe(&self, payload: &Payload, correlation_id: &str) -> Probed;

    /// Control totals of the AR postings of a legal entity and period, whoever made them, formed by the ERP.
    async fn open_period(&self, entity_ref: &str, period: AccountingPeriod) -> Result<Opening, ReadError>;

    /// Those postings, in pages of a stable order, bounded by posting date. The first cursor is the opening's.
    async fn read_period(&self, entity_ref: &str, period: AccountingPeriod, cursor: &str) -> Result<Page, ReadError>;
}
