//! The AR postings of a period: the invoices and credit notes in any state, then the payments, then the receivable lines of
//! whatever else touches AR (journals, other documents), each line on its own so that two sides of one journal don't net out.
//! A payment is a receivable line that a bank or cash journal credits, whether Odoo has a payment for it or only a bank
//! statement's line; what those journals debit (a refund, a returned payment) is a line. Lines without an amount in their
//! currency (exchange differences) change no receivable in that currency.

use super::{
    number,
    payment::{self, LINE_FIELDS},
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

const RECEIPT_JOURNALS: [&str; 3] = ["bank", "cash", "credit"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Documents,
    Payments,
    Lines,
}

impl Part {
    const ALL: [Self; 3] = [Self::Documents, Self::Payments, Self::Lines];

    fn name(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Payments => "payments",
            Self::Lines => "lines",
        }
    }

    fn next(self) -> Option<Self> {
        match self {
            Self::Documents => Some(Self::Payments),
            Self::Payments => Some(Self::Lines),
            Self::Lines => None,
        }
    }

    fn model(self) -> &'static str {
        if self == Self::Documents { "account.move" } else { "account.move.line" }
    }

    /// Which records of the part belong to the period.
    fn domain(self, company: i64, period: AccountingPeriod) -> Vec<Value> {
        let mut domain =
            vec![json!(["company_id", "=", company]), json!(["date", ">=", period.first_day()]), json!(["date", "<=", period.last_day()])];
        match self {
            Self::Documents => domain.push(json!(["move_type", "in", MOVE_TYPES])),
            Self::Payments => domain.extend([json!(["journal_id.type", "in", RECEIPT_JOURNALS]), json!(["amount_currency", "<", 0])]),
            Self::Lines => domain.extend([
                json!(["amount_currency", "!=", 0]),
                json!("|"),
                json!(["journal_id.type", "not in", RECEIPT_JOURNALS]),
                json!(["amount_currency", ">", 0]),
            ]),
        }
        if self != Self::Documents {
            domain.push(json!(["account_id.account_type", "=", "asset_receivable"]));
            domain.push(json!(["move_id.move_type", "not in", MOVE_TYPES]));
        }
        domain
    }
}

/// Where a page begins, and the last id of each part that the totals hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    part: Part,
    after: i64,
    last: [i64; 3],
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [documents, payments, lines] = self.last;
        write!(f, "{}:{}:{documents}:{payments}:{lines}", self.part.name(), self.after)
    }
}

impl FromStr for Cursor {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        let unreadable = || ReadError::Unreadable(format!("cursor {text:?}"));
        let (name, ids) = text.split_once(':').ok_or_else(unreadable)?;
        let part = Part::ALL.into_iter().find(|part| part.name() == name).ok_or_else(unreadable)?;
        let ids: Vec<i64> = ids.split(':').map(str::parse).collect::<Result<_, _>>().map_err(|_| unreadable())?;
        let [after, documents, payments, lines] = ids[..] else { return Err(unreadable()) };
        Ok(Self { part, after, last: [documents, payments, lines] })
    }
}

impl Cursor {
    /// The last id that its part's totals hold.
    fn through(&self) -> i64 {
        let [documents, payments, lines] = self.last;
        match self.part {
            Part::Documents => documents,
            Part::Payments => payments,
            Part::Lines => lines,
        }
    }
}

/// Odoo's totals of each part, by one grouped read.
pub(super) async fn open(talk: &mut Talk<'_>, company: i64, period: AccountingPeriod) -> Result<Opening, ReadError> {
    let mut totals = PeriodTotals::default();
    let mut last = [0; 3];
    for (part, last) in Part::ALL.into_iter().zip(&mut last) {
        let (groupby, amount) = match part {
            Part::Documents => (json!(["currency_id", "move_type"]), "amount_total:sum"),
            Part::Payments | Part::Lines => (json!(["currency_id"]), "amount_currency:sum"),
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
    Ok(Opening { totals, cursor: Cursor { part: Part::Documents, after: 0, last }.to_string() })
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
        (Part::Payments | Part::Lines, _) => (Class::MoneyAndJournals, sum),
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
    let fields = if cursor.part == Part::Documents { MOVE_FIELDS.as_slice() } else { LINE_FIELDS.as_slice() };
    let mut domain = cursor.part.domain(company, period);
    domain.extend([json!(["id", ">", cursor.after]), json!(["id", "<=", cursor.through()])]);
    let method = format!("{}/search_read", cursor.part.model());
    let found = talk.call(&method, company, json!({ "domain": domain, "fields": fields, "order": "id", "limit": page_rows })).await?;
    let rows = found.as_array().ok_or_else(|| ReadError::Unreadable(format!("{method}: not a list")))?;
    let document = |row: &Value| match cursor.part {
        Part::Documents => read::document(row),
        Part::Payments => payment::line(row),
        Part::Lines => journal_line(row),
    };
    let lacking = |row: &Value| ReadError::Unreadable(format!("{method}: id {} lacks a field or has an unknown currency", row["id"]));
    let documents = rows.iter().map(|row| document(row).ok_or_else(|| lacking(row))).collect::<Result<_, _>>()?;
    let last = rows.last().and_then(|row| row["id"].as_i64()).filter(|_| rows.len() == page_rows);
    let next = match last {
        Some(after) => Some(Cursor { after, ..cursor }),
        None => cursor.part.next().map(|part| Cursor { part, after: 0, ..cursor }),
    };
    Ok(Page { documents, next: next.map(|cursor| cursor.to_string()) })
}

/// What debits or credits AR beside payments. Money that went back through a payment of ours is that payment.
fn journal_line(row: &Value) -> Option<ErpDocument> {
    let ours = row["payment_id"].is_array() && read::common(row)?.posting_key.is_some();
    if ours {
        return payment::line(row);
    }
    let amount = number(&row["amount_currency"])?;
    let kind = if amount.is_sign_negative() { ErpKind::JournalCredit } else { ErpKind::JournalDebit };
    Some(ErpDocument {
        erp_id: read::line_id(row)?,
        erp_number: row["move_name"].as_str().unwrap_or_default().to_owned(),
        kind,
        state: read::state(&row["parent_state"])?,
        total: amount.abs(),
        ..read::common(row)?
    })
}
