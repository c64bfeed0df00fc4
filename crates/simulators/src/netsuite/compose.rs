//! From the body of a record to a document, by the account's lists and rules.

use super::{
    ClosedPeriodError,
    error::Refusal,
    journal_entry,
    ledger::{ArLine, Document, Ledger, RecordType},
    lists::Lists,
    payment, serve,
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::collections::HashMap;

/// Properties of the record that this simulator acts on or stores [B: schemas/invoice, schemas/creditMemo].
const HEADER: &[&str] = &[
    "externalId",
    "tranId",
    "entity",
    "subsidiary",
    "tranDate",
    "postingPeriod",
    "currency",
    "exchangeRate",
    "memo",
    "otherRefNum",
    "account",
    "department",
    "class",
    "location",
    "item",
    "taxDetails",
    "taxDetailsOverride",
];
/// [B: schemas/customerPayment].
const PAYMENT: &[&str] = &[
    "externalId",
    "tranId",
    "customer",
    "subsidiary",
    "payment",
    "currency",
    "exchangeRate",
    "arAcct",
    "account",
    "undepFunds",
    "tranDate",
    "postingPeriod",
    "memo",
    "department",
    "class",
    "location",
];
/// [B: schemas/journalEntry].
const JOURNAL: &[&str] = &[
    "externalId",
    "tranId",
    "subsidiary",
    "toSubsidiary",
    "tranDate",
    "postingPeriod",
    "currency",
    "exchangeRate",
    "memo",
    "approved",
    "reversalDate",
    "reversalDefer",
    "line",
];
const JOURNAL_LINE: &[&str] = &["account", "debit", "credit", "memo", "entity", "department", "class", "location"];
/// Of what can be applied [B: schemas/customerPayment, schemas/creditMemo].
const CREDIT_ONLY: &[&str] = &["apply", "autoApply"];
/// A credit memo has no due date and no terms [B: schemas/creditMemo].
const INVOICE_ONLY: &[&str] = &["dueDate", "terms"];
const LINE: &[&str] = &[
    "line",
    "item",
    "account",
    "description",
    "quantity",
    "rate",
    "amount",
    "department",
    "class",
    "location",
    "taxCode",
    "taxDetailsReference",
];
const APPLY: &[&str] = &["doc", "apply", "amount", "line", "due", "total", "refNum"];
const TAX_DETAIL: &[&str] = &["taxDetailsReference", "taxCode", "taxType", "taxBasis", "taxRate", "taxAmount", "netAmount"];

/// What the rules need to know.
pub(super) struct Rules<'a> {
    pub(super) lists: &'a Lists,
    pub(super) ledger: &'a Ledger,
    pub(super) closed_period: ClosedPeriodError,
    pub(super) now: DateTime<Utc>,
}

/// Unknown property names are an error only when the header asks for it; the default is a warning [H:section_156570709583].
pub(super) fn check_names(record_type: RecordType, body: &Value) -> Result<(), Refusal> {
    let (header, more) = match record_type {
        RecordType::CustomerPayment => (PAYMENT, CREDIT_ONLY),
        RecordType::CreditMemo => (HEADER, CREDIT_ONLY),
        RecordType::Invoice => (HEADER, INVOICE_ONLY),
        RecordType::JournalEntry => (JOURNAL, [].as_slice()),
    };
    let known = |name: &str| header.contains(&name) || more.contains(&name);
    let check =
        |object: &Value, prefix: &str, known: &dyn Fn(&str) -> bool| match object.as_object().and_then(|o| o.keys().find(|k| !known(k))) {
            Some(name) => Err(Refusal::content(format!("{prefix}{name}"), format!("Unknown property {name}."))),
            None => Ok(()),
        };
    check(body, "", &known)?;
    for (sublist, names) in [("item", LINE), ("taxDetails", TAX_DETAIL), ("apply", APPLY), ("line", JOURNAL_LINE)] {
        for (index, line) in items(body, sublist).iter().enumerate() {
            check(line, &format!("{sublist}.items[{index}]."), &|name| names.contains(&name))?;
        }
    }
    Ok(())
}

/// The document that the body makes, with nothing applied; `id` and `unique_key` are given, so an update keeps its own.
pub(super) fn document(rules: &Rules<'_>, record_type: RecordType, body: Value, id: u64, unique_key: u64) -> Result<Document, Refusal> {
    match record_type {
        RecordType::CustomerPayment => return payment::document(rules, body, id, unique_key),
        RecordType::JournalEntry => return journal_entry::document(rules, body, id, unique_key),
        RecordType::Invoice | RecordType::CreditMemo => {}
    }
    let lists = rules.lists;
    let head = Head::read(rules, &body)?;
    let entity = head.customer(rules, &body, "entity", "")?;
    let lines = lines(lists, &body, head.decimals)?;
    let net: Decimal = lines.iter().map(|line| line.amount).sum();
    let tax_total = if body["taxDetailsOverride"] == Value::Bool(true) {
        given_tax(lists, &body, &lines)?
    } else {
        // The engine rounds per line, so it can differ by a cent from a document rounded once.
        lines.iter().map(|line| round(line.amount * line.tax_percent / Decimal::ONE_HUNDRED, head.decimals)).sum()
    };
    let total = net + tax_total;
    Ok(Document {
        entity: Some(entity),
        due_date: if record_type == RecordType::Invoice { date(&body, "dueDate")? } else { None },
        tax_total,
        total,
        ar: vec![ArLine { unique_key, amount: record_type.ar_amount(total) }],
        ..head.document(rules, record_type, body, id)
    })
}

/// What every record type says at its head: where it stands in the books.
pub(super) struct Head {
    subsidiary: String,
    currency: String,
    /// Of the currency.
    pub(super) decimals: u32,
    tran_date: NaiveDate,
    posting_period: String,
}

impl Head {
    pub(super) fn read(rules: &Rules<'_>, body: &Value) -> Result<Self, Refusal> {
        let lists = rules.lists;
        let subsidiary = reference(body, "subsidiary", "", |id| lists.subsidiaries.iter().any(|s| s.id == id))?;
        let currency = reference(body, "currency", "", |id| lists.currency(id).is_some())?;
        let decimals = lists.currency(&currency).map_or(2, |c| c.decimals);
        let tran_date = date(body, "tranDate")?.unwrap_or(rules.now.date_naive());
        let posting_period = posting_period(rules, body, tran_date)?;
        Ok(Self { subsidiary, currency, decimals, tran_date, posting_period })
    }

    /// The customer whom a field of the record, or of a line of it, names.
    pub(super) fn customer(&self, rules: &Rules<'_>, of: &Value, field: &str, prefix: &str) -> Result<String, Refusal> {
        let customers = &rules.lists.customers;
        let id = reference(of, field, prefix, |id| customers.iter().any(|c| c.id == id))?;
        let Some(customer) = customers.iter().find(|c| c.id == id) else { return Ok(id) };
        if customer.inactive {
            return Err(Refusal::content(format!("{prefix}{field}"), format!("Customer {id} is inactive.")));
        }
        // The code is from [P]; REST may wrap it (U).
        if !customer.subsidiaries.is_empty() && !customer.subsidiaries.contains(&self.subsidiary) {
            let detail = format!("Customer {id} does not belong to subsidiary {}.", self.subsidiary);
            return Err(Refusal { code: "SUBSIDIARY_MISMATCH", ..Refusal::content("subsidiary", detail) });
        }
        Ok(id)
    }

    /// A document there, of nobody, with no amount, no tax and nothing applied.
    pub(super) fn document(self, rules: &Rules<'_>, record_type: RecordType, body: Value, id: u64) -> Document {
        Document {
            id,
            record_type,
            external_id: body["externalId"].as_str().map(str::to_owned),
            tran_id: body["tranId"].as_str().map_or_else(|| format!("{}{id}", record_type.prefix()), str::to_owned),
            subsidiary: self.subsidiary,
            entity: None,
            currency: self.currency,
            tran_date: self.tran_date,
            due_date: None,
            posting_period: self.posting_period,
            tax_total: Decimal::ZERO,
            total: Decimal::ZERO,
            ar: Vec::new(),
            apply: Vec::new(),
            voided: false,
            by_hand: false,
            last_modified: rules.now,
            body,
        }
    }
}

fn posting_period(rules: &Rules<'_>, body: &Value, tran_date: NaiveDate) -> Result<String, Refusal> {
    let period = if body.get("postingPeriod").is_some() {
        reference(body, "postingPeriod", "", |id| rules.lists.period(id).is_some())?
    } else {
        let period = rules
            .lists
            .period_of(tran_date)
            .ok_or_else(|| Refusal::content("tranDate", format!("No accounting period for {tran_date}.")))?;
        period.id.clone()
    };
    if rules.ledger.is_closed(&period) { Err(serve::closed_period(rules.closed_period)) } else { Ok(period) }
}

struct Line {
    amount: Decimal,
    tax_percent: Decimal,
    tax_reference: Option<String>,
}

fn lines(lists: &Lists, body: &Value, decimals: u32) -> Result<Vec<Line>, Refusal> {
    let lines = items(body, "item");
    if lines.is_empty() {
        return Err(Refusal::content("item", "Enter at least one line item."));
    }
    let mut found = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let prefix = format!("item.items[{index}].");
        reference(line, "item", &prefix, |id| lists.items.iter().any(|i| i.id == id))?;
        if line.get("account").is_some() {
            reference(line, "account", &prefix, |id| lists.accounts.iter().any(|a| a.id == id))?;
        }
        let tax_percent = if line.get("taxCode").is_some() {
            let code = reference(line, "taxCode", &prefix, |id| lists.tax_codes.iter().any(|t| t.id == id))?;
            lists.tax_codes.iter().find(|t| t.id == code).map_or(Decimal::ZERO, |t| t.percent)
        } else {
            Decimal::ZERO
        };
        let amount = match number(line, "amount", &prefix)? {
            Some(amount) => amount,
            None => number(line, "quantity", &prefix)?.unwrap_or(Decimal::ONE) * number(line, "rate", &prefix)?.unwrap_or_default(),
        };
        let tax_reference = line["taxDetailsReference"].as_str().map(str::to_owned);
        found.push(Line { amount: round(amount, decimals), tax_percent, tax_reference });
    }
    Ok(found)
}

/// SuiteTax with `taxDetailsOverride`: our tax is kept as it is, and every detail belongs to a line [B: invoice-taxDetailsElement].
fn given_tax(lists: &Lists, body: &Value, lines: &[Line]) -> Result<Decimal, Refusal> {
    let mut per_line: HashMap<&str, Decimal> =
        lines.iter().filter_map(|line| Some((line.tax_reference.as_deref()?, Decimal::ZERO))).collect();
    for (index, detail) in items(body, "taxDetails").iter().enumerate() {
        let prefix = format!("taxDetails.items[{index}].");
        reference(detail, "taxCode", &prefix, |id| lists.tax_codes.iter().any(|t| t.id == id))?;
        let line = detail["taxDetailsReference"]["id"].as_str().and_then(|id| per_line.get_mut(id));
        let line =
            line.ok_or_else(|| Refusal::content(format!("{prefix}taxDetailsReference"), "No line has this tax details reference."))?;
        *line += number(detail, "taxAmount", &prefix)?.unwrap_or_default();
    }
    Ok(per_line.values().sum())
}

pub(super) fn unknown(path: &str, field: &str, id: &str) -> Refusal {
    Refusal::content(path, format!("Invalid reference key or id {id} for {field}."))
}

/// References are objects `{"id": "1"}` [H:section_0209125602].
pub(super) fn reference(object: &Value, field: &str, prefix: &str, exists: impl Fn(&str) -> bool) -> Result<String, Refusal> {
    let id = object[field]["id"]
        .as_str()
        .ok_or_else(|| Refusal::content(format!("{prefix}{field}"), format!("Please enter a value for {field}.")))?;
    if exists(id) { Ok(id.to_owned()) } else { Err(unknown(&format!("{prefix}{field}"), field, id)) }
}

pub(super) fn date(object: &Value, field: &str) -> Result<Option<NaiveDate>, Refusal> {
    let Some(value) = object.get(field) else { return Ok(None) };
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or_else(|| Refusal::content(field, format!("Invalid date for {field}; use yyyy-MM-dd.")))
}

/// Amounts are JSON numbers [B]; read digit by digit, never through a double.
pub(super) fn number(object: &Value, field: &str, prefix: &str) -> Result<Option<Decimal>, Refusal> {
    let Some(value) = object.get(field) else { return Ok(None) };
    let Value::Number(number) = value else {
        return Err(Refusal::content(format!("{prefix}{field}"), format!("Invalid number for {field}.")));
    };
    let text = number.to_string();
    let parsed = text.parse().or_else(|_| Decimal::from_scientific(&text));
    parsed.map(Some).map_err(|_| Refusal::content(format!("{prefix}{field}"), format!("Invalid number for {field}.")))
}

pub(super) fn items<'a>(body: &'a Value, sublist: &str) -> &'a [Value] {
    body[sublist]["items"].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn round(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}
