//! The AR postings of a period: first the invoices and credit notes in any state, then the receivable lines of whatever else
//! touches AR (journals, other documents), each line on its own so that two sides of one journal don't net out. Receipts stay
//! outside: they come through bank and cash journals and are checked against the applied cash. Lines without an amount in
//! their currency (exchange differences) change no receivable in that currency.

use super::{
    number,
    read::{self, MOVE_FIELDS, MOVE_TYPES},
    wire::Talk,
};
use crate::{Class, Opening, Page, PeriodTotals, ReadError, Total};
use domain::{
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpDocument, ErpKind},
};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

const LINE_FIELDS: [&str; 10] =
    ["move_id", "move_name", "ref", "parent_state", "company_id", "partner_id", "currency_id", "amount_currency", "date", "write_date"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Documents,
    Lines,
}

impl Part {
    fn model(self) -> &'static str {
        match self {
            Self::Documents => "account.move",
            Self::Lines => "account.move.line",
        }
    }

    /// Which records of the part belong to the period.
    fn domain(self, company: i64, period: AccountingPeriod) -> Vec<Value> {
        let mut domain =
            vec![json!(["company_id", "=", company]), json!(["date", ">=", period.first_day()]), json!(["date", "<=", period.last_day()])];
        match self {
            Self::Documents => domain.push(json!(["move_type", "in", MOVE_TYPES])),
            Self::Lines => domain.extend([
                json!(["account_id.account_type", "=", "asset_receivable"]),
                json!(["move_id.move_type", "not in", MOVE_TYPES]),
                json!(["journal_id.type", "not in", ["bank", "cash", "credit"]]),
                json!(["amount_currency", "!=", 0]),
            ]),
        }
        domain
    }
}

/// Where a page begins, and the last ids that the totals hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    part: Part,
    after: i64,
    last_document: i64,
    last_line: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = if self.part == Part::Documents { "documents" } else { "lines" };
        write!(f, "{part}:{}:{}:{}", self.after, self.last_document, self.last_line)
    }
}

impl FromStr for Cursor {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let unreadable = || ReadError::Unreadable(format!("cursor {text:?}"));
        let (part, ids) = text.split_once(':').ok_or_else(unreadable)?;
        let ids: Vec<i64> = ids.split(':').map(str::parse).collect::<Result<_, _>>().map_err(|_| unreadable())?;
        let part = match part {
            "documents" => Part::Documents,
            "lines" => Part::Lines,
            _ => return Err(unreadable()),
        };
        let [after, last_document, last_line] = ids[..] else { return Err(unreadable()) };
        Ok(Self { part, after, last_document, last_line })
    }
}

/// Odoo's totals of both parts, each by one grouped read.
pub(super) async fn open(talk: &mut Talk<'_>, company: i64, period: AccountingPeriod) -> Result<Opening, ReadError> {
    let mut totals = PeriodTotals::default();
    let mut last = [0, 0];
    for (part, last) in [Part::Documents, Part::Lines].into_iter().zip(&mut last) {
        let (groupby, amount) = match part {
            Part::Documents => (json!(["currency_id", "move_type"]), "amount_total:sum"),
            Part::Lines => (json!(["currency_id"]), "amount_currency:sum"),
        };
        let asked = json!({ "domain": part.domain(company, period), "groupby": groupby, "aggregates": ["__count", amount, "id:max"] });
        let method = format!("{}/formatted_read_group", part.model());
        let found = talk.call(&method, company, asked).await?;
        for row in found.as_array().ok_or_else(|| ReadError::Unreadable(format!("{method}: not a list")))? {
            let read = group(part, row, amount).ok_or_else(|| ReadError::Unreadable(format!("{method}: a group lacks a field: {row}")))?;
            totals.add(read.class, read.currency, read.total);
            *last = read.last.max(*last);
        }
    }
    let [last_document, last_line] = last;
    let cursor = Cursor { part: Part::Documents, after: 0, last_document, last_line }.to_string();
    Ok(Opening { totals, cursor })
}

struct Group {
    class: Class,
    currency: Currency,
    total: Total,
    last: i64,
}

/// Odoo shows a refund's amount without its sign, and sums as floating point: rounded to the currency's digits again.
fn group(part: Part, row: &Value, amount: &str) -> Option<Group> {
    let currency: Currency = row["currency_id"][1].as_str()?.parse().ok()?;
    let sum = number(&row[amount])?.round_dp(currency.minor_units());
    let (class, amount) = match (part, row["move_type"].as_str()) {
        (Part::Documents, Some("out_refund")) => (Class::CreditMemos, -sum),
        (Part::Documents, _) => (Class::Invoices, sum),
        (Part::Lines, _) => (Class::Journals, sum),
    };
    Some(Group { class, currency, total: Total { count: row["__count"].as_u64()?, amount }, last: row["id:max"].as_i64()? })
}

pub(super) async fn page(
    talk: &mut Talk<'_>,
    company: i64,
    period: AccountingPeriod,
    cursor: Cursor,
    page_rows: usize,
) -> Result<Page, ReadError> {
    let (fields, through) = match cursor.part {
        Part::Documents => (MOVE_FIELDS.as_slice(), cursor.last_document),
        Part::Lines => (LINE_FIELDS.as_slice(), cursor.last_line),
    };
    let mut domain = cursor.part.domain(company, period);
    domain.extend([json!(["id", ">", cursor.after]), json!(["id", "<=", through])]);
    let method = format!("{}/search_read", cursor.part.model());
    let found = talk.call(&method, company, json!({ "domain": domain, "fields": fields, "order": "id", "limit": page_rows })).await?;
    let rows = found.as_array().ok_or_else(|| ReadError::Unreadable(format!("{method}: not a list")))?;
    let document = |row: &Value| match cursor.part {
        Part::Documents => read::held(row).map(|held| held.document),
        Part::Lines => journal_line(row),
    };
    let lacking = |row: &Value| ReadError::Unreadable(format!("{method}: id {} lacks a field or has an unknown currency", row["id"]));
    let documents = rows.iter().map(|row| document(row).ok_or_else(|| lacking(row))).collect::<Result<_, _>>()?;
    let last = rows.last().and_then(|row| row["id"].as_i64()).filter(|_| rows.len() == page_rows);
    let next = match (last, cursor.part) {
        (Some(after), _) => Some(Cursor { after, ..cursor }),
        (None, Part::Documents) => Some(Cursor { part: Part::Lines, after: 0, ..cursor }),
        (None, Part::Lines) => None,
    };
    Ok(Page { documents, next: next.map(|cursor| cursor.to_string()) })
}

fn journal_line(row: &Value) -> Option<ErpDocument> {
    let amount = number(&row["amount_currency"])?;
    let kind = if amount.is_sign_negative() { ErpKind::JournalCredit } else { ErpKind::JournalDebit };
    Some(ErpDocument {
        erp_id: format!("{}/{}", row["move_id"][0].as_i64()?, row["id"].as_i64()?),
        erp_number: row["move_name"].as_str().unwrap_or_default().to_owned(),
        kind,
        state: read::state(&row["parent_state"])?,
        total: amount.abs(),
        ..read::common(row)?
    })
}
