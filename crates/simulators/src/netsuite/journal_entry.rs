//! `journalEntry`: lines that debit and credit accounts [B: schemas/journalEntry, H:section_0223040947].

use super::{
    compose::{self, Rules},
    error::Refusal,
    ledger::{ArLine, Document, RecordType},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The journal that the body makes. Its lines on the receivables account name one customer, who owes what they debit.
pub(super) fn document(rules: &Rules<'_>, body: Value, id: u64, unique_key: u64) -> Result<Document, Refusal> {
    let lists = rules.lists;
    let subsidiary = compose::reference(&body, "subsidiary", "", |id| lists.subsidiaries.iter().any(|s| s.id == id))?;
    let currency = compose::reference(&body, "currency", "", |id| lists.currency(id).is_some())?;
    let decimals = lists.currency(&currency).map_or(2, |c| c.decimals);
    let tran_date = compose::date(&body, "tranDate")?.unwrap_or(rules.now.date_naive());
    let posting_period = compose::posting_period(rules, &body, tran_date)?;
    let (mut ar, mut entity, mut balance) = (Vec::new(), None, Decimal::ZERO);
    for (index, line) in compose::items(&body, "line").iter().enumerate() {
        let prefix = format!("line.items[{index}].");
        let known = |id: &str| lists.accounts.iter().chain(&lists.bank_accounts).any(|account| account.id == id);
        let account = compose::reference(line, "account", &prefix, known)?;
        let amount = amount(line, &prefix, decimals)?;
        balance += amount;
        if account == lists.receivables_account {
            let customer = compose::reference(line, "entity", &prefix, |id| lists.customers.iter().any(|c| c.id == id))?;
            compose::check_customer(lists, &format!("{prefix}entity"), &customer, &subsidiary)?;
            ar.push(ArLine { unique_key: unique_key + ar.len() as u64, amount });
            entity = Some(customer);
        }
    }
    // The code is from [P]; REST may wrap it (U).
    if !balance.is_zero() || compose::items(&body, "line").is_empty() {
        let detail = format!("The amounts in a journal entry must balance; debits exceed credits by {balance}.");
        return Err(Refusal { code: "JE_AMOUNTS_MUST_BALANCE", ..Refusal::content("line", detail) });
    }
    let record_type = RecordType::JournalEntry;
    Ok(Document {
        id,
        record_type,
        external_id: body["externalId"].as_str().map(str::to_owned),
        tran_id: body["tranId"].as_str().map_or_else(|| format!("JE{id}"), str::to_owned),
        subsidiary,
        entity,
        currency,
        tran_date,
        due_date: None,
        posting_period,
        tax_total: Decimal::ZERO,
        total: ar.iter().map(|line| line.amount).sum(),
        ar,
        apply: Vec::new(),
        voided: false,
        by_hand: false,
        last_modified: rules.now,
        body,
    })
}

/// A line either debits or credits.
fn amount(line: &Value, prefix: &str, decimals: u32) -> Result<Decimal, Refusal> {
    let (debit, credit) = (compose::number(line, "debit", prefix)?, compose::number(line, "credit", prefix)?);
    match (debit, credit) {
        (Some(debit), None) => Ok(compose::round(debit, decimals)),
        (None, Some(credit)) => Ok(-compose::round(credit, decimals)),
        _ => Err(Refusal::content(format!("{prefix}debit"), "A line has either a debit or a credit.")),
    }
}
