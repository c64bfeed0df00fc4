//! `journalEntry`: lines that debit and credit accounts [B: schemas/journalEntry, H:section_0223040947].

use super::{
    compose::{self, Head, Rules},
    error::Refusal,
    ledger::{ArLine, Document, RecordType},
};
use rust_decimal::Decimal;
use serde_json::Value;

/// The journal that the body makes. Its lines on the receivables account name one customer, who owes what they debit.
pub(super) fn document(rules: &Rules<'_>, body: Value, id: u64, unique_key: u64) -> Result<Document, Refusal> {
    let lists = rules.lists;
    let head = Head::read(rules, &body)?;
    let (mut ar, mut entity, mut balance) = (Vec::new(), None, Decimal::ZERO);
    for (index, line) in compose::items(&body, "line").iter().enumerate() {
        let prefix = format!("line.items[{index}].");
        let known = |id: &str| lists.accounts.iter().chain(&lists.bank_accounts).any(|account| account.id == id);
        let account = compose::reference(line, "account", &prefix, known)?;
        let amount = amount(line, &prefix, head.decimals)?;
        balance += amount;
        if account == lists.receivables_account {
            entity = Some(head.customer(rules, line, "entity", &prefix)?);
            ar.push(ArLine { unique_key: unique_key + ar.len() as u64, amount });
        }
    }
    // The code is from [P]; REST may wrap it (U).
    if !balance.is_zero() || compose::items(&body, "line").is_empty() {
        let detail = format!("The amounts in a journal entry must balance; debits exceed credits by {balance}.");
        return Err(Refusal { code: "JE_AMOUNTS_MUST_BALANCE", ..Refusal::content("line", detail) });
    }
    let total = ar.iter().map(|line| line.amount).sum();
    Ok(Document { entity, total, ar, ..head.document(rules, RecordType::JournalEntry, body, id) })
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
