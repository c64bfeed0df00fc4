//! Reading back over SuiteQL: one row per line on an AR account. Table and column names are U; check the Records Catalog.

use super::{
    answer,
    wire::{Answer, Failure},
};
use crate::{Class, Opening, PeriodTotals, ReadError, Total};
use chrono::NaiveDate;
use domain::{
    period::AccountingPeriod,
    posting::{ErpDocument, ErpKind, ErpState, PostingKey},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The most that a page holds [H:section_157909186990].
pub(super) const PAGE_ROWS: usize = 1000;

/// How our posting keys begin; other documents with an external id are not ours.
const OURS: &str = "tieout-";

/// Invoices, credit memos, payments, and journals to AR; ours among them are money that went back. Customer refunds, which we never make,
/// are left out.
/// Functional amounts (`tal.debit`) are left out: amounts are in the transaction's currency.
const COLUMNS: &str = "t.id AS id, t.tranid AS tranid, t.externalid AS externalid, t.type AS type, t.entity AS entity, \
t.voided AS voided, t.posting AS posting, t.taxtotal AS taxtotal, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS trandate, \
TO_CHAR(t.duedate, 'YYYY-MM-DD') AS duedate, TO_CHAR(t.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS lastmodified, \
tl.subsidiary AS subsidiary, tl.uniquekey AS uniquekey, tl.foreignamount AS foreignamount, c.symbol AS currency, \
TO_CHAR(p.startdate, 'YYYY-MM-DD') AS periodstart, TO_CHAR(p.enddate, 'YYYY-MM-DD') AS periodend";

const TOTALS: &str = "t.type AS type, c.symbol AS currency, COUNT(*) AS lines, SUM(tl.foreignamount) AS foreignamount, \
MAX(tl.uniquekey) AS uniquekey";

const RECEIVABLES: &str = "\
FROM transactionline tl \
INNER JOIN transaction t ON t.id = tl.transaction \
INNER JOIN transactionaccountingline tal ON tal.transaction = tl.transaction AND tal.transactionline = tl.id \
INNER JOIN account a ON a.id = tal.account \
INNER JOIN accountingperiod p ON p.id = t.postingperiod \
INNER JOIN currency c ON c.id = t.currency \
WHERE a.accttype = 'AcctRec' AND t.type IN ('CustInvc', 'CustCred', 'CustPymt', 'Journal')";

pub(super) fn by_external_id(external_id: &str) -> String {
    format!("SELECT {COLUMNS} {RECEIVABLES} AND t.externalid IN ('{}') ORDER BY tl.uniquekey", external_id.replace('\'', "''"))
}

/// Totals of a period, and the last key they hold.
pub(super) fn totals_of_period(entity_ref: &str, period: AccountingPeriod) -> Result<String, ReadError> {
    let within = within(entity_ref, period)?;
    Ok(format!("SELECT {TOTALS} {RECEIVABLES} {within} GROUP BY t.type, c.symbol"))
}

/// A page's rows between the last key that was read and the last that the totals hold. Paged by the unique line key, because
/// an offset would shift when someone posts meanwhile.
pub(super) fn by_period(entity_ref: &str, period: AccountingPeriod, cursor: &Cursor) -> Result<String, ReadError> {
    let (within, Cursor { after, through }) = (within(entity_ref, period)?, cursor);
    let keys = format!("tl.uniquekey > {after} AND tl.uniquekey <= {through}");
    Ok(format!("SELECT {COLUMNS} {RECEIVABLES} {within} AND {keys} ORDER BY tl.uniquekey"))
}

/// By the posting period's own dates: a document re-dated to the next month is read there.
fn within(entity_ref: &str, period: AccountingPeriod) -> Result<String, ReadError> {
    let subsidiary: u64 = entity_ref.parse().map_err(|_| ReadError::Unreadable(format!("subsidiary {entity_ref:?} is not a number")))?;
    let (first, last) = (period.first_day(), period.last_day());
    Ok(format!(
        "AND tl.subsidiary = {subsidiary} AND p.startdate = TO_DATE('{first}', 'YYYY-MM-DD') AND p.enddate = TO_DATE('{last}', 'YYYY-MM-DD')"
    ))
}

/// Unique line keys: the last one read, and the last to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) after: u64,
    pub(super) through: u64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.after, self.through)
    }
}

impl std::str::FromStr for Cursor {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let keys = text.split_once(':').and_then(|(after, through)| Some((after.parse().ok()?, through.parse().ok()?)));
        let (after, through) = keys.ok_or_else(|| ReadError::Unreadable(format!("cursor {text:?}")))?;
        Ok(Self { after, through })
    }
}

/// The totals out of their one page; there are never more groups than a page holds.
pub(super) fn opening(answer: Result<Answer, Failure>) -> Result<Opening, ReadError> {
    let mut totals = PeriodTotals::default();
    let mut through = 0;
    for row in rows(answer)?.rows {
        let (count, amount) = (row.parsed("lines")?, row.parsed("foreignamount")?);
        let class = match row.need("type")?.as_str() {
            "CustInvc" => Class::Invoices,
            "CustCred" => Class::CreditMemos,
            "CustPymt" | "Journal" => Class::MoneyAndJournals,
            other => return Err(ReadError::Unreadable(format!("transaction type {other:?}"))),
        };
        totals.add(class, row.parsed("currency")?, Total { count, amount });
        through = through.max(row.key()?);
    }
    Ok(Opening { totals, cursor: Cursor { after: 0, through }.to_string() })
}

pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) has_more: bool,
}

pub(super) fn rows(answer: Result<Answer, Failure>) -> Result<Rows, ReadError> {
    let answer = answer.map_err(|failure| match failure {
        Failure::Throttled => ReadError::Throttled { retry_after_seconds: None },
        Failure::Login(reason) => ReadError::Auth(reason),
        Failure::NotSent(reason) | Failure::Lost(reason) => ReadError::NotAnswered(reason),
    })?;
    match answer.status.as_u16() {
        200 => {}
        429 => return Err(ReadError::Throttled { retry_after_seconds: answer.retry_after_seconds }),
        401 | 403 => return Err(ReadError::Auth(answer::summary(&answer))),
        400..=499 => return Err(ReadError::Unreadable(answer::summary(&answer))),
        _ => return Err(ReadError::NotAnswered(answer::summary(&answer))),
    }
    let body: Value = serde_json::from_str(&answer.body).map_err(|error| ReadError::Unreadable(error.to_string()))?;
    let (Some(items), Some(has_more)) = (body["items"].as_array(), body["hasMore"].as_bool()) else {
        return Err(ReadError::Unreadable("a page without items or hasMore".to_owned()));
    };
    Ok(Rows { rows: items.iter().map(|item| Row(item.clone())).collect(), has_more })
}

/// One line on an AR account. SuiteQL gives texts, sometimes numbers, and leaves out what is null.
pub(super) struct Row(Value);

impl Row {
    fn text(&self, name: &str) -> Option<String> {
        match &self.0[name] {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn need(&self, name: &str) -> Result<String, ReadError> {
        self.text(name).ok_or_else(|| ReadError::Unreadable(format!("a line without {name}")))
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, ReadError> {
        let text = self.need(name)?;
        text.parse().map_err(|_| ReadError::Unreadable(format!("{name} is {text:?}")))
    }

    fn optional<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ReadError> {
        if self.text(name).is_some() { self.parsed(name).map(Some) } else { Ok(None) }
    }

    /// Where the next page starts.
    pub(super) fn key(&self) -> Result<u64, ReadError> {
        self.parsed("uniquekey")
    }

    pub(super) fn document(&self) -> Result<ErpDocument, ReadError> {
        // NetSuite's sign: what debits AR is positive, so credit memos and payments are negative.
        let amount: Decimal = self.parsed("foreignamount")?;
        let id = self.need("id")?;
        let posting_key = self.text("externalid").filter(|id| id.to_lowercase().starts_with(OURS)).map(PostingKey);
        let (kind, erp_id, total) = match self.need("type")?.as_str() {
            "CustInvc" => (ErpKind::Invoice, id, amount),
            "CustCred" => (ErpKind::CreditMemo, id, -amount),
            "CustPymt" => (ErpKind::Payment, id, -amount),
            "Journal" if posting_key.is_some() && amount.is_sign_positive() => (ErpKind::MoneyBack, id, amount),
            // A journal can hit AR with several lines; each is a posting of its own.
            "Journal" if amount.is_sign_negative() => (ErpKind::JournalCredit, format!("{id}/{}", self.key()?), -amount),
            "Journal" => (ErpKind::JournalDebit, format!("{id}/{}", self.key()?), amount),
            other => return Err(ReadError::Unreadable(format!("transaction type {other:?}"))),
        };
        Ok(ErpDocument {
            erp_id,
            erp_number: self.need("tranid")?,
            posting_key,
            kind,
            state: self.state(),
            entity_ref: self.need("subsidiary")?,
            customer_ref: self.text("entity"),
            currency: self.parsed("currency")?,
            total: total.normalize(),
            tax: self.optional::<Decimal>("taxtotal")?.map(|tax| tax.abs().normalize()),
            document_date: None,
            posting_date: self.posting_date()?,
            due_date: self.optional("duedate")?,
            modified_at: self.text("lastmodified"),
        })
    }

    fn state(&self) -> ErpState {
        if self.text("voided").as_deref() == Some("T") {
            ErpState::Voided
        } else if self.text("posting").as_deref() == Some("F") {
            ErpState::Draft
        } else {
            ErpState::Posted
        }
    }

    /// The transaction's date; where someone chose another posting period, that period's first day, so that it shows.
    fn posting_date(&self) -> Result<NaiveDate, ReadError> {
        let (date, start, end): (NaiveDate, NaiveDate, NaiveDate) =
            (self.parsed("trandate")?, self.parsed("periodstart")?, self.parsed("periodend")?);
        Ok(if (start..=end).contains(&date) { date } else { start })
    }
}
