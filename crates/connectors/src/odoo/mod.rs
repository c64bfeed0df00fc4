//! Odoo 19 through its JSON-2 interface.
//!
//! Creating and posting are two calls, so a crash between them leaves a draft that carries our posting key as `ref`;
//! the probe finishes it. Nothing in Odoo refuses a second invoice with the same `ref`, but a posted `name` is unique in its
//! journal: our document number is the `name`, in a sales journal of our own per company ([`Odoo::ensure_journal`]), and the
//! second `action_post` is refused. That is the fence. `ref` is looked up before and after all the same, to adopt what is there.
//!
//! Odoo computes the tax (`tax_is_ours` has no effect) and moves the accounting date of a document in a locked period to the
//! first open day without a word; both are read back as they are and differ from ours there.
//!
//! `account.move/load` is never used: given an external id it finds the same draft again and adds the lines a second time.

mod journal;
mod payload;
mod period;
mod read;
mod wire;

use crate::{Erp, Opening, Page, Payload, Probed, Promise, ReadError, Sent};
use async_trait::async_trait;
use domain::{
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpState, Fence, MappedDocument, Outcome, Probe, Refusal},
};
use read::Held;
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

    async fn send(&self, talk: &mut Talk<'_>, payload: &Payload) -> Outcome {
        let (values, company) = match self.ready(talk, payload).await {
            Ok(ready) => ready,
            Err(fault) => return fault.before_write(),
        };
        match read::by_key(talk, company, &payload.posting_key).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => {
                return Outcome::Duplicate { reason: format!("Odoo already has a document with the reference {}", payload.posting_key) };
            }
            Err(fault) => return fault.before_write(),
        }
        match talk.call("account.move/create", company, json!({ "vals_list": [values] })).await {
            Ok(created) => match created[0].as_i64() {
                Some(id) => self.post_draft(talk, payload, company, id).await,
                None => Outcome::Ambiguous { reason: "Odoo created a document and didn't say which".to_owned() },
            },
            Err(fault) => fault.after_write(),
        }
    }

    /// `create`'s values with what only Odoo knows: the ids of journal, currency and corrected invoice.
    async fn ready(&self, talk: &mut Talk<'_>, payload: &Payload) -> Result<(Value, i64), Fault> {
        let mut values = payload.body["values"].clone();
        payload::check(&values).map_err(Fault::Permanent)?;
        let company = values["company_id"].as_i64().unwrap_or_default();
        let journal = self.journal(talk, company).await?;
        values["journal_id"] = json!(journal);
        values["currency_id"] = json!(self.currency(talk, company, &payload.body["currency"]).await?);
        if let Some(number) = payload.body["applies_to"].as_str() {
            values["reversed_entry_id"] = json!(read::invoice_by_number(talk, company, journal, number).await?);
        }
        Ok((values, company))
    }

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

    /// Posts a draft that this conversation created. From here on only a plain refusal is certain; anything else leaves a draft.
    async fn post_draft(&self, talk: &mut Talk<'_>, payload: &Payload, company: i64, id: i64) -> Outcome {
        let refused = match talk.call("account.move/action_post", company, json!({ "ids": [id] })).await {
            Ok(_) => None,
            Err(Fault::Business(refusal)) => Some(Outcome::Business(refusal)),
            Err(Fault::Permanent(refusal)) => Some(Outcome::Permanent(refusal)),
            Err(fault) => return Outcome::Ambiguous { reason: format!("draft {id} is in Odoo: {}", fault.reason()) },
        };
        // Odoo's answer is not what counts: it refuses a document that is posted already, and could accept without posting
        let held = match read::by_key(talk, company, &payload.posting_key).await {
            Ok(held) => held,
            Err(fault) => return Outcome::Ambiguous { reason: format!("document {id} can't be read back: {}", fault.reason()) },
        };
        if let Some(posted) = held.iter().find(|h| h.id == id && h.document.state == ErpState::Posted) {
            return Outcome::Accepted { erp_id: posted.document.erp_id.clone(), erp_number: posted.document.erp_number.clone() };
        }
        let Some(refused) = refused else {
            return Outcome::Ambiguous { reason: format!("Odoo posted document {id} and doesn't show it as posted") };
        };
        if let Err(fault) = discard(talk, company, &[id]).await {
            return Outcome::Ambiguous { reason: format!("the refused draft {id} is still in Odoo: {}", fault.reason()) };
        }
        if held.iter().any(|h| h.id != id) {
            return Outcome::Duplicate { reason: format!("another document with the reference {} came first", payload.posting_key) };
        }
        self.number_taken(talk, payload, company).await.unwrap_or(refused)
    }

    /// A number that somebody else's document has in our journal: never a duplicate of ours.
    async fn number_taken(&self, talk: &mut Talk<'_>, payload: &Payload, company: i64) -> Option<Outcome> {
        let journal = self.journal(talk, company).await.ok()?;
        let holder = read::number_holder(talk, company, journal, &payload.number).await.ok()??;
        let message = format!("The number {} already belongs to another document in Odoo ({holder}).", payload.number);
        Some(Outcome::Business(refusal("number_taken", message, "number")))
    }

    async fn look(&self, talk: &mut Talk<'_>, payload: &Payload) -> Result<Probe, Fault> {
        let company = payload.body["values"]["company_id"].as_i64().unwrap_or_default();
        let mut held = read::by_key(talk, company, &payload.posting_key).await?;
        // a draft that was posted before and taken back is a person's doing: shown as it is
        let left_behind: Vec<i64> = held.iter().filter(|h| h.is_untouched_draft_of(&payload.body)).map(|h| h.id).collect();
        if let Some(first) = left_behind.first().filter(|_| left_behind.len() == held.len()) {
            match talk.call("account.move/action_post", company, json!({ "ids": [first] })).await {
                // refused for good: without the draft the next send is told why, or another worker finished it first
                Ok(_) | Err(Fault::Business(_) | Fault::Permanent(_)) => held = read::by_key(talk, company, &payload.posting_key).await?,
                Err(fault) => return Err(fault),
            }
        }
        let spare: Vec<i64> =
            held.iter().filter(|h| left_behind.contains(&h.id) && h.document.state == ErpState::Draft).map(|h| h.id).collect();
        discard(talk, company, &spare).await?;
        held.retain(|h| !spare.contains(&h.id));
        Ok(answer(held))
    }
}

fn answer(held: Vec<Held>) -> Probe {
    let mut documents: Vec<_> = held.into_iter().map(|h| h.document).collect();
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Probe::Absent,
        (Some(only), true) => Probe::Found(Box::new(only)),
        (Some(last), false) => {
            documents.push(last);
            Probe::FoundTwice(documents)
        }
    }
}

/// Removes drafts of ours that were never posted. One that is gone already is fine.
async fn discard(talk: &mut Talk<'_>, company: i64, drafts: &[i64]) -> Result<(), Fault> {
    for id in drafts {
        match talk.call("account.move/unlink", company, json!({ "ids": [id] })).await {
            Ok(_) => {}
            Err(Fault::Permanent(refusal)) if refusal.code == "odoo.exceptions.MissingError" => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
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
        let outcome = self.send(&mut talk, payload).await;
        if matches!(outcome, Outcome::Business(_) | Outcome::Permanent(_)) {
            self.known(|known| *known = Known::default());
        }
        Sent { outcome, exchange: talk.exchange() }
    }

    async fn probe(&self, payload: &Payload, correlation_id: &str) -> Probed {
        let mut talk = self.wire.talk(correlation_id, self.request_timeout);
        let probe = self.look(&mut talk, payload).await.unwrap_or_else(|fault| Probe::NotAnswered { reason: fault.reason() });
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
