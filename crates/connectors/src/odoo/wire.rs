//! Odoo's JSON-2 interface: one HTTP call, and what its answer means before anyone knows which document it was about.
//!
//! An error body is `{name, message, arguments, context, debug}`. `debug` is a stack trace and `arguments` repeats the
//! caller's values: only `name` and `message` leave this file.

use crate::ReadError;
use domain::posting::{Exchange, Outcome, Refusal};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A connection that isn't there after this long won't come; it leaves time to hand the document back.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What is kept of one answer; enough for a page of documents, not for a flood.
const ANSWER_CHARS_MAX: usize = 20_000;
const MESSAGE_CHARS_MAX: usize = 600;
const MASK: &str = "***";

pub(super) struct Wire {
    pub client: reqwest::Client,
    pub url: String,
    pub database: String,
    pub api_key: String,
}

impl Wire {
    pub(super) fn new(url: &str, database: String, api_key: String) -> reqwest::Result<Self> {
        // a redirect would carry a posting to a place that nobody configured
        let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), database, api_key })
    }

    /// One conversation has one deadline for all its calls: a post is several, and the lease is measured against their sum.
    pub(super) fn talk<'a>(&'a self, correlation_id: &'a str, time: Duration) -> Talk<'a> {
        Talk { wire: self, correlation_id, deadline: Instant::now() + time, request: Vec::new(), answer: Vec::new(), status: None }
    }
}

/// The calls of one post, probe or read, with their transcript.
pub(super) struct Talk<'a> {
    wire: &'a Wire,
    correlation_id: &'a str,
    deadline: Instant,
    request: Vec<String>,
    answer: Vec<String>,
    status: Option<u16>,
}

impl Talk<'_> {
    /// Calls `model/method` once, for one company, and returns the bare result.
    pub(super) async fn call(&mut self, method: &str, company: i64, mut arguments: Value) -> Result<Value, Fault> {
        // English whatever the API user prefers, so that a refusal reads the same for every connection
        arguments["context"]["allowed_company_ids"] = json!([company]);
        arguments["context"]["lang"] = json!("en_US");
        self.request.push(format!("POST /json/2/{method}\nAuthorization: bearer {MASK}\n{arguments}"));
        if Instant::now() >= self.deadline {
            return Err(self.note(None, Fault::NotSent("no time was left to send it".to_owned())));
        }
        let request = self
            .wire
            .client
            .post(format!("{}/json/2/{method}", self.wire.url))
            .header(header::AUTHORIZATION, format!("bearer {}", self.wire.api_key))
            .header("x-odoo-database", &self.wire.database)
            .header("x-request-id", self.correlation_id)
            .json(&arguments);
        let answered = timeout_at(self.deadline, async {
            let response = request.send().await?;
            let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Ok::<_, reqwest::Error>((response.status(), retry_after, response.bytes().await?))
        })
        .await;
        match answered {
            Err(_) => Err(self.note(None, Fault::NoAnswer("no answer in time".to_owned()))),
            Ok(Err(error)) if error.is_connect() => Err(self.note(None, Fault::NotSent("can't connect to Odoo".to_owned()))),
            Ok(Err(_)) => Err(self.note(None, Fault::NoAnswer("the connection broke before the answer".to_owned()))),
            Ok(Ok((status, retry_after, bytes))) => self.answered(status, retry_after, &bytes),
        }
    }

    fn answered(&mut self, status: StatusCode, retry_after: Option<u64>, bytes: &[u8]) -> Result<Value, Fault> {
        let body = serde_json::from_slice::<Value>(bytes).ok();
        if status != StatusCode::OK {
            let error = body.unwrap_or_default();
            return Err(self.note(Some(status.as_u16()), classify(status, retry_after, &error)));
        }
        let Some(result) = body else {
            return Err(self.note(Some(status.as_u16()), Fault::NoAnswer("the answer is not JSON".to_owned())));
        };
        self.keep(Some(status.as_u16()), &result.to_string());
        Ok(result)
    }

    fn note(&mut self, status: Option<u16>, fault: Fault) -> Fault {
        self.keep(status, &fault.reason());
        fault
    }

    fn keep(&mut self, status: Option<u16>, text: &str) {
        self.status = status;
        let shown: String = text.chars().take(ANSWER_CHARS_MAX).collect();
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        self.answer.push(format!("{status} {shown}"));
    }

    /// What is kept of the conversation. The key travels in a header only; an answer that repeats it is masked too.
    pub(super) fn exchange(self) -> Exchange {
        let masked = |text: String| if self.wire.api_key.is_empty() { text } else { text.replace(&self.wire.api_key, MASK) };
        let answer = (!self.answer.is_empty()).then(|| masked(self.answer.join("\n\n")));
        Exchange { request: masked(self.request.join("\n\n")), status: self.status, answer }
    }
}

/// Why a call brought no result.
#[derive(Debug)]
pub(super) enum Fault {
    NotSent(String),
    Throttled(Option<u64>),
    Auth(String),
    Business(Refusal),
    Permanent(Refusal),
    /// The database gave the transaction back: two writers met on one row.
    RolledBack(String),
    NoAnswer(String),
}

impl Fault {
    /// The outcome of a document of which nothing has reached Odoo yet: silence on a look-up changes nothing there.
    pub(super) fn before_write(self) -> Outcome {
        match self {
            Self::NoAnswer(reason) => Outcome::Transient { reason },
            other => other.after_write(),
        }
    }

    /// The outcome of a write.
    pub(super) fn after_write(self) -> Outcome {
        match self {
            Self::NotSent(reason) => Outcome::Unreachable { reason },
            Self::RolledBack(reason) => Outcome::Transient { reason },
            Self::Throttled(retry_after_seconds) => Outcome::Throttled { retry_after_seconds },
            Self::Auth(reason) => Outcome::Auth { reason },
            Self::Business(refusal) => Outcome::Business(refusal),
            Self::Permanent(refusal) => Outcome::Permanent(refusal),
            Self::NoAnswer(reason) => Outcome::Ambiguous { reason },
        }
    }

    pub(super) fn reason(&self) -> String {
        match self {
            Self::NotSent(reason) | Self::RolledBack(reason) | Self::Auth(reason) | Self::NoAnswer(reason) => reason.clone(),
            Self::Throttled(_) => "too many requests".to_owned(),
            Self::Business(refusal) | Self::Permanent(refusal) => format!("{}: {}", refusal.code, refusal.message),
        }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Throttled(retry_after_seconds) => Self::Throttled { retry_after_seconds },
            Fault::Auth(reason) => Self::Auth(reason),
            Fault::NotSent(_) | Fault::RolledBack(_) | Fault::NoAnswer(_) => Self::NotAnswered(fault.reason()),
            Fault::Business(_) | Fault::Permanent(_) => Self::Unreadable(fault.reason()),
        }
    }
}

/// Odoo answers 500 for the caller's own mistakes as well; the exception's name tells them from a server that fell over.
fn classify(status: StatusCode, retry_after: Option<u64>, error: &Value) -> Fault {
    let code = error["name"].as_str().unwrap_or_default();
    let refusal = || Refusal {
        code: code.to_owned(),
        message: readable(code, error["message"].as_str().unwrap_or_default()),
        field: field_of(error),
    };
    match status.as_u16() {
        401 => Fault::Auth(readable(code, error["message"].as_str().unwrap_or("the API key was refused"))),
        429 => Fault::Throttled(retry_after),
        422 => Fault::Business(refusal()),
        500 if ROLLED_BACK.contains(&code) => Fault::RolledBack("another writer held the same record".to_owned()),
        500 if code.starts_with("builtins.") || code.starts_with("psycopg2.errors.Invalid") => Fault::Permanent(refusal()),
        300..=499 if code.is_empty() => {
            Fault::Permanent(Refusal { code: status.as_str().to_owned(), message: format!("Odoo answered {status}"), field: None })
        }
        300..=499 => Fault::Permanent(refusal()),
        _ => Fault::NoAnswer(format!("Odoo answered {status}")),
    }
}

/// Odoo tries these again inside and gives up after five times; the transaction is surely undone.
const ROLLED_BACK: [&str; 3] =
    ["psycopg2.errors.SerializationFailure", "psycopg2.errors.DeadlockDetected", "psycopg2.errors.LockNotAvailable"];

/// What a controller reads: without Odoo's pleasantries, user names and SQL.
pub(super) fn readable(code: &str, message: &str) -> String {
    let listed: Vec<&str> = message.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
    let text = match code {
        "odoo.exceptions.AccessError" if !listed.is_empty() => {
            format!("The API user has no access to {} in this company.", listed.join(", "))
        }
        "odoo.exceptions.MissingError" => match missing_record(message) {
            Some((model, id)) => format!("Odoo has no {model} {id}."),
            None => "The record does not exist or has been deleted.".to_owned(),
        },
        _ if code.starts_with("psycopg2.") => message.lines().next().unwrap_or_default().to_owned(),
        _ => message.split_whitespace().collect::<Vec<_>>().join(" ").trim_start_matches("The operation cannot be completed: ").to_owned(),
    };
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// `(Record: account.account(26,), User: 2)` names the model and the id.
fn missing_record(message: &str) -> Option<(&str, &str)> {
    let (model, rest) = message.split_once("(Record: ")?.1.split_once('(')?;
    Some((model, rest.split([',', ')']).next()?))
}

/// The field of ours that is meant, when Odoo says so.
fn field_of(error: &Value) -> Option<String> {
    let message = error["message"].as_str()?;
    if let Some(rest) = message.strip_prefix("Invalid field '") {
        return rest.split('\'').next().map(ToOwned::to_owned);
    }
    let words = [
        ("res.partner", "customer"),
        ("account.account", "account"),
        ("account.tax", "tax"),
        ("product.product", "item"),
        ("account.journal", "journal"),
    ];
    let model = missing_record(message).map(|(model, _)| model);
    let named = |word: &str| model == Some(word) || message.contains(&format!("({word})"));
    words.iter().find(|(word, _)| named(word)).map(|(_, field)| (*field).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, name: &str, message: &str) -> Outcome {
        let error = json!({ "name": name, "message": message, "debug": "Traceback (most recent call last)" });
        classify(StatusCode::from_u16(status).unwrap(), None, &error).after_write()
    }

    #[test]
    fn every_answer_seen_on_the_running_system_has_its_class() {
        assert!(matches!(outcome(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey"), Outcome::Auth { .. }));
        assert!(matches!(outcome(422, "odoo.exceptions.UserError", "archived"), Outcome::Business(_)));
        assert!(matches!(outcome(404, "werkzeug.exceptions.NotFound", "the model 'x' does not exist"), Outcome::Permanent(_)));
        assert!(matches!(outcome(500, "builtins.ValueError", "Invalid field 'x' in 'account.move'"), Outcome::Permanent(_)));
        assert!(matches!(outcome(500, "psycopg2.errors.SerializationFailure", "could not serialize"), Outcome::Transient { .. }));
        assert!(matches!(outcome(429, "", ""), Outcome::Throttled { .. }));
        for status in [500, 502, 503, 504] {
            assert!(matches!(outcome(status, "", ""), Outcome::Ambiguous { .. }), "{status} says nothing about what was done");
        }
    }

    #[test]
    fn silence_on_a_look_up_is_not_silence_on_a_write() {
        assert!(matches!(Fault::NoAnswer(String::new()).before_write(), Outcome::Transient { .. }));
        assert!(matches!(Fault::NoAnswer(String::new()).after_write(), Outcome::Ambiguous { .. }));
    }

    #[test]
    fn a_refusal_is_readable_and_names_the_field() {
        let missing = "Record does not exist or has been deleted.\n(Record: account.account(999999,), User: 2)";
        let Outcome::Permanent(refusal) = outcome(404, "odoo.exceptions.MissingError", missing) else { panic!("permanent") };
        assert_eq!(refusal.message, "Odoo has no account.account 999999.");
        assert_eq!(refusal.field.as_deref(), Some("account"));
        let jokes = "Uh-oh!\n\nSorry, Administrator (id=2) doesn't have 'read' access to:\n- Account (account.account)\n\nIf you really";
        let Outcome::Permanent(refusal) = outcome(403, "odoo.exceptions.AccessError", jokes) else { panic!("permanent") };
        assert_eq!(refusal.message, "The API user has no access to Account (account.account) in this company.");
        assert_eq!(refusal.field.as_deref(), Some("account"));
    }
}
