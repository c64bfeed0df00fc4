//! The sublist `apply` of payments and credit memos: what a credit settles.
//!
//! Its lines are found by `doc`, not by `line`: an update changes the amount of the debit that it names, adds one that was not
//! there, takes one back with `apply: false` or an amount of zero, and leaves the others alone [H:article_0224093711, for
//! payments; U for credit memos].

use super::{
    compose::{number, unknown},
    error::Refusal,
    ledger::{Applied, Document, Ledger, RecordType},
    record,
};
use axum::http::StatusCode;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What `credit` settles after the lines of `asked` have changed what it settled `before`.
pub(super) fn applied(ledger: &Ledger, credit: &Document, before: &[Applied], asked: Option<&Value>) -> Result<Vec<Applied>, Refusal> {
    if !credit.record_type.is_credit() {
        return Ok(Vec::new());
    }
    if credit.body["autoApply"] == true {
        return Err(Refusal::request("autoApply is not simulated."));
    }
    let mut lines: BTreeMap<u64, Decimal> = before.iter().map(|line| (line.doc, line.amount)).collect();
    for (index, line) in asked.and_then(|asked| asked["items"].as_array()).into_iter().flatten().enumerate() {
        let path = format!("apply.items[{index}].");
        let debit = debit(ledger, credit, line, &path)?;
        let amount = if line["apply"] == false { Decimal::ZERO } else { amount(ledger, credit, debit, line, &path)? };
        lines.insert(debit.id, amount);
    }
    lines.retain(|_, amount| !amount.is_zero());
    let sum: Decimal = lines.values().sum();
    if sum > credit.total {
        return Err(refuse("apply".to_owned(), format!("{sum} would be applied of {}, which is {}.", credit.tran_id, credit.total)));
    }
    Ok(lines.into_iter().map(|(doc, amount)| Applied { doc, amount }).collect())
}

/// An invoice, or a journal that debits the receivable, of the same customer, subsidiary and currency; others are not in the list to
/// choose from. That a journal is named by its id alone is U.
fn debit<'a>(ledger: &'a Ledger, credit: &Document, line: &Value, path: &str) -> Result<&'a Document, Refusal> {
    let id = line["doc"]["id"].as_str().ok_or_else(|| Refusal::content(format!("{path}doc"), "Please enter a value for doc."))?;
    let of = |document: &Document| (document.entity.clone(), document.subsidiary.clone(), document.currency.clone());
    let named = [RecordType::Invoice, RecordType::JournalEntry].into_iter().find_map(|record_type| ledger.find(record_type, id));
    let found = named.filter(|debit| of(debit) == of(credit) && debit.total.is_sign_positive());
    found.ok_or_else(|| unknown(&format!("{path}doc"), "doc", id))
}

/// Never more than remains of the debit. Without an amount, all of that (U).
fn amount(ledger: &Ledger, credit: &Document, debit: &Document, line: &Value, path: &str) -> Result<Decimal, Refusal> {
    let remaining = ledger.remaining(debit, Some(credit.id));
    let amount = number(line, "amount", path)?.unwrap_or(remaining);
    if amount.is_sign_negative() {
        return Err(refuse(format!("{path}amount"), "An applied amount can't be negative.".to_owned()));
    }
    if amount > remaining {
        let detail = format!("{amount} can't be applied to {}: {remaining} remains.", debit.tran_id);
        return Err(refuse(format!("{path}amount"), detail));
    }
    Ok(amount)
}

/// The code is from [P]; that REST says this one, and the text, are U.
fn refuse(path: String, detail: String) -> Refusal {
    Refusal { path: Some(path), ..Refusal::new(StatusCode::BAD_REQUEST, "CANT_APPLY_PMT", detail) }
}

/// Puts into a record that is read what the credit settles [B: schemas/customerPayment-applyElement].
pub(super) fn show(body: &mut Value, ledger: &Ledger, credit: &Document, expand: bool) {
    let sum: Decimal = credit.apply.iter().map(|line| line.amount).sum();
    body["applied"] = record::number(sum);
    body["unapplied"] = record::number(credit.total - sum);
    // A voided payment has no status of its own [B].
    if credit.voided && credit.record_type == RecordType::CreditMemo {
        body["status"] = json!({ "id": "V", "refName": "Voided" });
    }
    if !expand {
        return;
    }
    let line = |(place, line): (usize, &Applied)| {
        let debit = ledger.get(line.doc);
        json!({
            "line": place, "doc": { "id": line.doc.to_string() }, "apply": true, "amount": record::number(line.amount),
            "refNum": debit.map(|debit| &debit.tran_id), "total": debit.map(|debit| record::number(debit.total)),
        })
    };
    let lines: Vec<Value> = credit.apply.iter().enumerate().map(line).collect();
    body["apply"] = json!({ "count": lines.len(), "hasMore": false, "offset": 0, "totalResults": lines.len(), "items": lines });
}
