//! Odoo 19 through its JSON-2 interface.
//!
//! Creating and posting are two calls, so a crash between them leaves a draft that carries our posting key as `ref`;
//! the probe finishes it. Nothing in Odoo refuses a second invoice with the same `ref`, but a posted `name` is unique in its
//! journal: our document number is the `name`, in a sales journal of our own per company ([`Odoo::ensure_journal`]), and the
//! second `action_post` is refused. That is the fence. `ref` is looked up before and after all the same, to adopt what is there.
//!
//! Odoo computes the tax (`tax_is_ours` has no effect) and moves the accounting date of a document in a locked period without a
//! word: an invoice's to the first open day, a payment's entry to today while the payment keeps its own date. Both are read back
//! as the ledger has them and differ from ours there.
//!
//! `account.move/load` is never used: given an external id it finds the same draft again and adds the lines a second time.
//!
//! # Cash
//!
//! A payment's number is Odoo's own (`PBNK1/2026/00001`): ours would change the numbering of a bank journal that isn't ours. So its
//! fence is another one, and it prevents as well: `account.payment/load` makes it under an external id, which is unique.
//! Our key is the memo, which becomes the `ref` of the entry, and our number the payment reference. Seen on the running system:
//! - As installed, no payment method has an outstanding account, and a payment without one is "in process" with a number and *no
//!   journal entry*: nothing credits the receivable until a bank statement is reconciled. Community falls back to the company's
//!   default (Outstanding Receipts) at create only; writing the method again, even unchanged, empties it. By its source, editions
//!   with accounting don't fall back. Where the method has none we create with `force_payment_move`, which does in all of them.
//!   A posted payment without an entry is read as a draft.
//! - So an external id is loaded with `noupdate`: without it a late second request would write the values again.
//! - `load` answers 200 for everything, serialization failures included, and says in `messages` that it made nothing.
//! - A payment that a person copies keeps our memo: it is shown as a second one with our key, and never touched.
//! - One payment has one journal; money that came to several accounts of ours is refused before anything is sent.
//!
//! An application is no document in Odoo, only partial reconciles between receivable lines. They are read before every
//! write, and what is there already is not done again. Seen:
//! - `reconcile` settles as much as both sides have open. Done twice it is refused or does nothing.
//! - A smaller part is an `account.partial.reconcile` of our own making, under an external id. Odoo checks nothing there: more than
//!   is open would leave negative residuals, so open amounts are compared first. It books neither exchange differences nor tax
//!   that is due on payment; where there would be some, the part is refused: Odoo settles as much as both sides have open.
//! - A credit memo that names its invoice settles it when it is posted. An application that says the same is there already, one
//!   that says anything else is refused.
//! - Removing a partial reconcile undoes the full one around it and reverses its exchange entry; the other parts stay.
//!
//! So the connection's promise is one value: a repeated send is refused or finds what is there, for every kind of document.
//!
//! What another hand changed between two sends isn't repaired: the probe shows a total that differs. An application of several
//! items is several calls; the probe finishes one of which some are done and the others as before.

mod journal;
mod load;
mod payload;
mod payment;
mod period;
mod post;
mod read;
mod settle;
mod wire;

use crate::{Erp, Opening, Page, Payload, Probed, Promise, ReadError, Sent};
use async_trait::async_trait;
use domain::{
    money::Currency,
    period::AccountingPeriod,
    posting::{Fence, MappedDocument, Outcome, Probe, Refusal},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use wire::{Fault, Talk, Wire};

/// Odoo stops a request of its own after two minutes of wall time (`limit_time_real`).
pub const PROCESSING_TIME_MAX: Duration = Duration::from_secs(120);
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A second or two of Odoo's time.
pub const PAGE_ROWS: usize = 500;
/// Odoo's own limit for the code of a journal.
const JOURNAL_CODE_CHARS_MAX: usize = 5;

const NOT_CARRIED: &[&str] = &[
    "tax per code",
    "exchange rate and functional amount",
    "AR account",
    "net per revenue account and dimension",
    "applied-to references",
    "document date of payments",
    "number and dates of cash applications",
];

/// One connection.
#[derive(Clone)]
pub struct Config {
    /// `https://company.odoo.com`
    pub url: String,
    pub database: String,
    pub api_key: String,
    /// The sales journal of our own, the same code in every company.
    pub journal_code: String,
    /// For all calls of one post, probe or page together.
    pub request_timeout: Duration,
    /// Never zero: a request whose answer we didn't get may still be at work.
    pub processing_time_max: Duration,
    /// Documents of one page of [`Erp::read_period`].
    pub page_rows: usize,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.url)
            .field("database", &self.database)
            .field("journal_code", &self.journal_code)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("a journal code has one to five letters or digits, not {0:?}")]
    JournalCode(String),
    #[error("{0} can't be zero")]
    Zero(&'static str),
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A connection to one Odoo database, for all its companies.
pub struct Odoo {
    wire: Wire,
    journal_code: String,
    request_timeout: Duration,
    processing_time_max: Duration,
    page_rows: usize,
    known: Mutex<Known>,
}

/// Odoo's keys of things that hardly change; dropped with every refusal, which may come from one that did.
#[derive(Default)]
struct Known {
    journals: HashMap<i64, i64>,
    currencies: HashMap<Currency, i64>,
}

impl Odoo {
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let code = config.journal_code;
        if code.is_empty() || code.len() > JOURNAL_CODE_CHARS_MAX || !code.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(ConfigError::JournalCode(code));
        }
        if config.request_timeout.is_zero() {
            return Err(ConfigError::Zero("request_timeout"));
        }
        if config.processing_time_max.is_zero() {
            return Err(ConfigError::Zero("processing_time_max"));
        }
        if config.page_rows == 0 {
            return Err(ConfigError::Zero("page_rows"));
        }
        Ok(Self {
            wire: Wire::new(&config.url, config.database, config.api_key)?,
            journal_code: code,
            request_timeout: config.request_timeout,
            processing_time_max: config.processing_time_max,
            page_rows: config.page_rows,
            known: Mutex::default(),
        })
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Odoo's id of a currency.
    async fn currency(&self, talk: &mut Talk<'_>, company: i64, code: &Value) -> Result<i64, Fault> {
        let currency = code.as_str().and_then(|code| code.parse::<Currency>().ok());
        if let Some(id) = currency.and_then(|currency| self.known(|known| known.currencies.get(&currency).copied())) {
            return Ok(id);
        }
        // an inactive currency isn't found, and that is right: posting in it is somebody's decision
        let found = talk
            .call("res.currency/search_read", company, json!({ "domain": [["name", "=", code]], "fields": ["id"], "limit": 1 }))
            .await?;
        match (currency, found[0]["id"].as_i64()) {
            (Some(currency), Some(id)) => {
                self.known(|known| known.currencies.insert(currency, id));
                Ok(id)
            }
            _ => Err(Fault::Business(refusal("currency_inactive", format!("The currency {code} isn't active in Odoo."), "currency"))),
        }
    }
}

fn refusal(code: &str, message: String, field: &str) -> Refusal {
    Refusal { code: code.to_owned(), message, field: Some(field.to_owned()) }
}

/// A JSON number as it was written; Odoo writes small and large ones with an exponent.
fn number(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
}

#[async_trait]
impl Erp for Odoo {
    async fn prepare(&self, entity_ref: &str) -> Result<(), ReadError> {
        self.ensure_journal(entity_ref).await
    }

    fn promise(&self) -> Promise {
        Promise {
            fence: Fence::Prevents,
            processing_time_max: self.processing_time_max,
            request_timeout: self.request_timeout,
            not_carried: NOT_CARRIED,
        }
    }

    fn payload(&self, document: &MappedDocument) -> Value {
        payload::body(document)
    }

    async fn post(&self, payload: &Payload, correlation_id: &str) -> Sent {
        let mut talk = self.wire.talk(correlation_id, self.request_timeout);
        let outcome =
            if payload.kind.is_application() { settle::send(&mut talk, payload).await } else { self.send(&mut talk, payload).await };
        if matches!(outcome, Outcome::Business(_) | Outcome::Permanent(_)) {
            self.known(|known| *known = Known::default());
        }
        Sent { outcome, exchange: talk.exchange() }
    }

    async fn probe(&self, payload: &Payload, correlation_id: &str) -> Probed {
        let mut talk = self.wire.talk(correlation_id, self.request_timeout);
        let found =
            if payload.kind.is_application() { settle::look(&mut talk, payload).await } else { self.look(&mut talk, payload).await };
        let probe = found.unwrap_or_else(|fault| Probe::NotAnswered { reason: fault.reason() });
        Probed { probe, exchange: talk.exchange() }
    }

    async fn open_period(&self, entity_ref: &str, period: AccountingPeriod) -> Result<Opening, ReadError> {
        let mut talk = self.wire.talk("read-period", self.request_timeout);
        period::open(&mut talk, read::company_id(entity_ref)?, period).await
    }

    async fn read_period(&self, entity_ref: &str, period: AccountingPeriod, cursor: &str) -> Result<Page, ReadError> {
        let mut talk = self.wire.talk("read-period", self.request_timeout);
        period::page(&mut talk, read::company_id(entity_ref)?, period, cursor.parse()?, self.page_rows).await
    }
}
