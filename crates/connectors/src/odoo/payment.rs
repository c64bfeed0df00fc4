//! Money that came and money that went back: `account.payment`, found by our posting key in its memo, which is the `ref` of its journal entry too.

use super::{
    number, payload,
    read::{self, Held},
    refusal,
    wire::{Fault, Talk},
};
use crate::Payload;
use domain::posting::{ErpDocument, ErpKind, ErpState, MappedDocument, PostingKey};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) const MODEL: &str = "account.payment";
const ID_PREFIX: &str = "payment/";
const OUTBOUND: &str = "outbound";

const FIELDS: [&str; 13] = [
    "state",
    "move_id",
    "memo",
    "payment_reference",
    "payment_type",
    "partner_type",
    "company_id",
    "partner_id",
    "journal_id",
    "currency_id",
    "amount",
    "date",
    "write_date",
];
/// Of a receivable line that came through a bank or cash journal, or any other.
pub(super) const LINE_FIELDS: [&str; 11] = [
    "move_id",
    "move_name",
    "payment_id",
    "ref",
    "parent_state",
    "company_id",
    "partner_id",
    "currency_id",
    "amount_currency",
    "date",
    "write_date",
];

/// `{"values": …, "currency": "EUR", "journals": [7]}`: currency id and payment method are put into `values` at send.
pub(super) fn body(document: &MappedDocument) -> Value {
    let mut journals: Vec<Value> = Vec::new();
    for line in &document.lines {
        let journal = payload::id(&line.account_ref);
        if !journals.contains(&journal) {
            journals.push(journal);
        }
    }
    let payment_type = if document.kind.is_money_back() { OUTBOUND } else { "inbound" };
    json!({
        "currency": document.currency,
        "journals": journals,
        "values": {
            "payment_type": payment_type,
            "partner_type": "customer",
            "company_id": payload::id(&document.entity_ref),
            "partner_id": payload::id(&document.customer_ref),
            "journal_id": journals.first(),
            "amount": document.total.normalize().to_string(),
            "date": document.posting_date,
            "memo": document.posting_key,
            "payment_reference": document.number,
        },
    })
}

/// The way money comes or goes through the payment's journal, as `create` wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    pub id: i64,
    /// Whether the journal names the account that stands for the money until the bank shows it.
    has_account: bool,
}

impl Method {
    /// Without an account on the method Odoo may book nothing before the bank statement comes: then the company's default is
    /// asked for, so that the receivable moves now.
    pub(super) fn context(self) -> Value {
        if self.has_account { json!({}) } else { json!({ "force_payment_move": true }) }
    }
}

/// The one journal that the payment came to or left, and its first method of that direction.
pub(super) async fn method(talk: &mut Talk<'_>, company: i64, body: &Value) -> Result<Method, Fault> {
    let journals = body["journals"].as_array().map(Vec::as_slice).unwrap_or_default();
    let [journal] = journals else {
        let message = format!("A payment in Odoo comes to one journal, and this one came to {}.", journals.len());
        return Err(Fault::Business(refusal("one_journal", message, "account")));
    };
    let direction = &body["values"]["payment_type"];
    let domain = json!([
        ["journal_id", "=", journal],
        ["journal_id.company_id", "=", company],
        ["journal_id.type", "in", ["bank", "cash"]],
        ["payment_type", "=", direction],
    ]);
    let asked = json!({ "domain": domain, "fields": ["payment_account_id"], "order": "sequence, id", "limit": 1 });
    let found = talk.call("account.payment.method.line/search_read", company, asked).await?;
    match found[0]["id"].as_i64() {
        Some(id) => Ok(Method { id, has_account: found[0]["payment_account_id"].is_array() }),
        None => {
            let direction = direction.as_str().unwrap_or_default();
            let message = format!("Journal {journal} is no bank or cash journal of company {company} with an {direction} payment method.");
            Err(Fault::Business(refusal("journal_unfit", message, "account")))
        }
    }
}

/// Every payment of the company with our key, in any state, oldest first; as its receivable line where it has one.
pub(super) async fn by_key(talk: &mut Talk<'_>, company: i64, payload: &Payload) -> Result<Vec<Held>, Fault> {
    let unreadable = || Fault::NoAnswer("Odoo's payment can't be read".to_owned());
    let domain = json!([["memo", "=", payload.posting_key], ["company_id", "=", company]]);
    let asked = json!({ "domain": domain, "fields": FIELDS, "order": "id", "limit": read::SAME_KEY_ROWS_MAX });
    let found = talk.call("account.payment/search_read", company, asked).await?;
    let rows = found.as_array().ok_or_else(unreadable)?;
    let ids: Vec<&Value> = rows.iter().filter(|row| row["move_id"].is_array()).map(|row| &row["id"]).collect();
    let lines = if ids.is_empty() { json!([]) } else { lines_of(talk, company, &ids).await? };
    let lines = lines.as_array().ok_or_else(unreadable)?;
    rows.iter().map(|row| held(row, lines, &payload.body)).collect::<Option<_>>().ok_or_else(unreadable)
}

async fn lines_of(talk: &mut Talk<'_>, company: i64, payments: &[&Value]) -> Result<Value, Fault> {
    let domain = json!([["payment_id", "in", payments], ["account_id.account_type", "=", "asset_receivable"]]);
    talk.call("account.move.line/search_read", company, json!({ "domain": domain, "fields": LINE_FIELDS, "order": "id" })).await
}

fn held(row: &Value, lines: &[Value], body: &Value) -> Option<Held> {
    let id = row["id"].as_i64()?;
    let lines: Vec<ErpDocument> = lines.iter().filter(|line| line["payment_id"][0] == id).map(line).collect::<Option<_>>()?;
    let total = lines.iter().map(|line| line.total).sum();
    let document = match lines.into_iter().next() {
        Some(line) => ErpDocument { erp_id: erp_id(id), total, ..line },
        None => without_entry(row, id)?,
    };
    Some(Held { id, document, untouched: is_untouched(row, body) })
}

/// A payment that isn't in the ledger: a draft, or one that waits for the bank.
fn without_entry(row: &Value, id: i64) -> Option<ErpDocument> {
    Some(ErpDocument {
        erp_id: erp_id(id),
        posting_key: row["memo"].as_str().map(|text| PostingKey(text.to_owned())),
        kind: if row["payment_type"] == OUTBOUND { ErpKind::MoneyBack } else { ErpKind::Payment },
        state: if matches!(row["state"].as_str()?, "canceled" | "rejected") { ErpState::Voided } else { ErpState::Draft },
        total: number(&row["amount"])?,
        ..read::common(row)?
    })
}

/// A draft that a crash left: never posted, and still what we sent. Anything else isn't ours to post or to remove; a copy that a
/// person made has our memo, but not our number.
fn is_untouched(row: &Value, body: &Value) -> bool {
    let sent = &body["values"];
    let same = |key: &str| row[key] == sent[key];
    let same_id = |key: &str| row[key][0] == sent[key];
    let amount = |value: &Value| value.as_str().and_then(|text| text.parse::<Decimal>().ok());
    row["state"] == "draft"
        && row["move_id"] == false
        && ["payment_type", "partner_type", "date", "payment_reference"].into_iter().all(same)
        && ["partner_id", "journal_id"].into_iter().all(same_id)
        && row["currency_id"][1] == body["currency"]
        && number(&row["amount"]).map(|held| held.normalize()) == amount(&sent["amount"])
}

/// A receivable line of a payment, or one that a bank or cash journal credits. Of a payment that we made it is the payment.
pub(super) fn line(row: &Value) -> Option<ErpDocument> {
    let common = read::common(row)?;
    let ours = row["payment_id"][0].as_i64().filter(|_| common.posting_key.is_some());
    let amount = number(&row["amount_currency"])?;
    Some(ErpDocument {
        erp_id: ours.map_or(read::line_id(row)?, erp_id),
        erp_number: row["move_name"].as_str().unwrap_or_default().to_owned(),
        kind: if amount.is_sign_negative() { ErpKind::Payment } else { ErpKind::MoneyBack },
        state: read::state(&row["parent_state"])?,
        total: amount.abs(),
        ..common
    })
}

/// Payments and journal entries are numbered apart in Odoo.
fn erp_id(payment: i64) -> String {
    format!("{ID_PREFIX}{payment}")
}

pub(super) fn id_of(erp_id: &str) -> Option<i64> {
    erp_id.strip_prefix(ID_PREFIX)?.parse().ok()
}
