//! Cash applications and their reversals: lines of the sublist `apply` of the payment or credit memo that is given.
//!
//! NetSuite keeps no document for them, so nothing refuses a second one. The fence is the figure: a line is found by the debit's
//! `doc` and says what the credit settles of it in all, so the same request again changes nothing [H:article_0224093711, for
//! payments; U for credit memos]. It holds while no later document of the same pair was sent, which is the sender's order to keep.

use super::{
    payload::{number, reference},
    record_type, wire,
};
use crate::Payload;
use chrono::NaiveDate;
use domain::{
    money::Currency,
    posting::{ErpDocument, ErpKind, ErpState, MappedAllocation, MappedDocument, PostingKey, Probe, Refusal},
    stage::{DocumentKind, Side},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is frozen. NetSuite carries neither date nor currency of an application, so what is read back has them from here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Application {
    /// `customerPayment` or `creditMemo`.
    record: String,
    /// Its internal id.
    id: String,
    key: PostingKey,
    currency: Currency,
    posting_date: NaiveDate,
    apply: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// The debit's internal id.
    doc: String,
    /// What the credit settles of it after this document.
    #[serde(with = "rust_decimal::serde::str")]
    settled: Decimal,
    /// What this document allocates, or takes back.
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
}

impl From<&MappedAllocation> for Line {
    fn from(allocation: &MappedAllocation) -> Self {
        Self { doc: allocation.item.erp_id.clone(), settled: allocation.settled, amount: allocation.amount }
    }
}

/// `null` for a document that says of no credit what it settles: [`Application::read`] refuses it.
pub(super) fn body(document: &MappedDocument) -> Value {
    let application = document.settlement.as_ref().and_then(|settlement| {
        let credit = &settlement.credit;
        let record = record_type(credit.kind).filter(|_| credit.kind.side() == Some(Side::Credit))?;
        Some(Application {
            record: record.to_owned(),
            id: credit.erp_id.clone(),
            key: document.posting_key.clone(),
            currency: document.currency,
            posting_date: document.posting_date,
            apply: settlement.debits.iter().map(Line::from).collect(),
        })
    });
    json!(application)
}

impl Application {
    /// Refuses what can't be sent.
    pub(super) fn read(body: &Value) -> Result<Self, Refusal> {
        let application: Option<Self> = Self::deserialize(body).ok();
        application.filter(|application| !application.apply.is_empty()).ok_or_else(|| Refusal {
            code: "nothing_to_apply".to_owned(),
            message: "The document doesn't say which payment or credit memo settles what.".to_owned(),
            field: Some("apply".to_owned()),
        })
    }

    /// Of the credit's record.
    pub(super) fn path(&self) -> String {
        format!("/services/rest/record/v1/{}/{}", self.record, wire::escaped(&self.id))
    }

    /// The application has no id in NetSuite: that of the credit with our key is its.
    pub(super) fn erp_id(&self) -> String {
        format!("{}/{}", self.id, self.key)
    }

    /// Only the lines that change.
    pub(super) fn change(&self) -> Value {
        let line = |line: &Line| {
            if line.settled.is_zero() {
                json!({ "doc": reference(&line.doc), "apply": false })
            } else {
                json!({ "doc": reference(&line.doc), "apply": true, "amount": number(line.settled) })
            }
        };
        json!({ "apply": { "items": self.apply.iter().map(line).collect::<Vec<_>>() } })
    }

    /// What the credit's record, with its sublists, says of this document. An error says why it says nothing.
    pub(super) fn probe(&self, payload: &Payload, record: &str) -> Result<Probe, String> {
        let record: Record = serde_json::from_str(record).map_err(|error| error.to_string())?;
        if record.id != self.id {
            return Err(format!("{} {} was asked for and {} came", self.record, self.id, record.id));
        }
        if record.is_void() {
            return Ok(self.gone(payload));
        }
        if record.apply.has_more {
            return Err("the credit settles more than one answer shows".to_owned());
        }
        let held: Vec<(&Line, Decimal)> = self.apply.iter().map(|line| (line, record.settled(&line.doc))).collect();
        let ours: Decimal = self.apply.iter().map(|line| line.amount).sum();
        let moved: Decimal = held.iter().map(|(line, held)| line.moved(payload.kind, *held)).sum();
        let as_sent: Decimal = held.iter().filter(|(line, held)| *held == line.settled).map(|(line, _)| line.amount).sum();
        let total = if as_sent == ours {
            ours
        } else if held.iter().all(|(line, held)| line.moved(payload.kind, *held).is_zero()) {
            return Ok(Probe::Absent);
        } else if moved == ours {
            // Too much of one and too little of another: what is as it was sent is less, and differs.
            as_sent
        } else {
            moved
        };
        Ok(Probe::Found(Box::new(self.document(payload, ErpState::Posted, total, record.last_modified_date))))
    }

    /// The credit is not in NetSuite, or void: it settles nothing, and sending again won't make it.
    pub(super) fn gone(&self, payload: &Payload) -> Probe {
        Probe::Found(Box::new(self.document(payload, ErpState::Voided, Decimal::ZERO, None)))
    }

    fn document(&self, payload: &Payload, state: ErpState, total: Decimal, modified_at: Option<String>) -> ErpDocument {
        ErpDocument {
            erp_id: self.erp_id(),
            erp_number: payload.number.clone(),
            posting_key: Some(payload.posting_key.clone()),
            kind: ErpKind::from(payload.kind),
            state,
            entity_ref: payload.entity_ref.clone(),
            customer_ref: None,
            currency: self.currency,
            total: total.normalize(),
            tax: None,
            document_date: None,
            posting_date: self.posting_date,
            due_date: None,
            modified_at,
        }
    }
}

impl Line {
    /// What the pair holds, less what it held before this document; of a reversal the other way round.
    fn moved(&self, kind: DocumentKind, held: Decimal) -> Decimal {
        match kind {
            DocumentKind::ApplicationReversal => self.settled + self.amount - held,
            _ => held - (self.settled - self.amount),
        }
    }
}

/// A payment or credit memo [B: schemas/customerPayment, schemas/creditMemo].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    last_modified_date: Option<String>,
    status: Option<Status>,
    /// Of a payment.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    payment: Option<Decimal>,
    /// Of a credit memo; a payment has another meaning for it.
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    total: Option<Decimal>,
    #[serde(default)]
    apply: Applied,
}

impl Record {
    /// A direct void leaves nothing of the amount (U).
    fn is_void(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.id == "V") || self.payment.or(self.total).is_some_and(|amount| amount.is_zero())
    }

    fn settled(&self, doc: &str) -> Decimal {
        self.apply.items.iter().filter(|pair| pair.apply && pair.doc.id == doc).filter_map(|pair| pair.amount).sum()
    }
}

#[derive(Deserialize)]
struct Status {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applied {
    #[serde(default)]
    has_more: bool,
    items: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    doc: Debit,
    /// Lines that could be applied may stand beside those that are (U).
    apply: bool,
    #[serde(default, with = "rust_decimal::serde::arbitrary_precision_option")]
    amount: Option<Decimal>,
}

#[derive(Deserialize)]
struct Debit {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 of debit 7 on top of 20.
    fn probe(record: &Value) -> Result<Probe, String> {
        let line = Line { doc: "7".into(), settled: Decimal::from(50), amount: Decimal::from(30) };
        let key = PostingKey::of("US", DocumentKind::CashApplication, "A-1", 1);
        let application = Application {
            record: "customerPayment".into(),
            id: "3".into(),
            key: key.clone(),
            currency: Currency::USD,
            posting_date: "2026-10-31".parse().unwrap(),
            apply: vec![line],
        };
        let (kind, entity_ref, number) = (DocumentKind::CashApplication, "1".to_owned(), "A-1".to_owned());
        let payload = Payload { posting_key: key, kind, entity_ref, number, body: json!(application) };
        Application::read(&payload.body).unwrap().probe(&payload, &record.to_string())
    }

    fn record(lines: &Value) -> Value {
        json!({ "id": "3", "payment": 150.00, "total": 0, "status": { "id": "C" }, "apply": { "hasMore": false, "items": lines } })
    }

    #[test]
    fn a_pair_holds_the_sum_of_its_applied_lines_and_nothing_of_the_others() {
        let line = |doc: &str, apply: bool, amount: Value| json!({ "doc": { "id": doc }, "apply": apply, "amount": amount });
        let cases = [
            (json!([line("7", true, json!(50.0))]), Some("30")),
            (json!([line("7", true, json!(20)), line("7", true, json!(3e1)), line("8", true, json!(1))]), Some("30")),
            (json!([line("7", true, json!(20.00))]), None),
            (json!([line("7", true, json!(20)), line("7", false, json!(30))]), None),
            (json!([line("7", true, json!(45)), line("8", true, json!(5))]), Some("25")),
            (json!([line("7", false, Value::Null)]), Some("-20")),
            (json!([]), Some("-20")),
        ];
        for (lines, expected) in cases {
            let total = match probe(&record(&lines)).unwrap() {
                Probe::Found(found) => Some(found.total.to_string()),
                other => (other != Probe::Absent).then(|| format!("{other:?}")),
            };
            assert_eq!(total.as_deref(), expected, "{lines}");
        }
    }

    #[test]
    fn a_record_that_says_nothing_proves_nothing() {
        let mut long = record(&json!([]));
        long["apply"]["hasMore"] = true.into();
        let mut other = record(&json!([]));
        other["id"] = "4".into();
        for record in [long, other, json!({}), json!({ "id": "3", "payment": 150, "apply": { "links": [] } })] {
            assert!(probe(&record).is_err(), "{record}");
        }
    }
}
