//! A payment: what the bank told of it, and what the matcher says.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{DocumentId, StatementId},
    receivable::BankLine,
    statement::masked,
};

/// The line of the statement that brought it; account numbers are masked.
pub async fn bank_line(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Option<BankLine>> {
    let row = sqlx::query!(
        r#"select s.statement_id as "statement_id: StatementId", a.name, a.number, l.booked_on, l.value_on, l.counterparty_name,
            l.counterparty_account, l.text, l.documents, l.structured_references, l.end_to_end_id, l.customer_reference, l.bank_reference
        from payment p join statement_line l using (statement_id, ordinal) join statement s using (statement_id)
        join bank_account a using (bank_account_id)
        where p.document_id = $1 and s.entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| {
        let references = [row.documents, row.structured_references].concat().into_iter();
        let references = references.chain(row.end_to_end_id).chain(row.customer_reference).chain(row.bank_reference);
        BankLine {
            statement_id: row.statement_id,
            account_name: row.name,
            account_number: masked(&row.number),
            booked_on: row.booked_on,
            value_on: row.value_on.filter(|day| *day != row.booked_on),
            payer_name: row.counterparty_name.filter(|name| !name.is_empty()),
            payer_account: row.counterparty_account.as_deref().map(masked),
            text: row.text,
            references: each_once(references),
        }
    }))
}

fn each_once(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for one in all {
        if !one.is_empty() && !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// The matcher's decision as it was written, and when.
#[derive(Debug, Clone)]
pub struct Suggested {
    pub decision: serde_json::Value,
    pub decided_at: DateTime<Utc>,
}

pub async fn suggested(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Option<Suggested>> {
    Ok(sqlx::query_as!(
        Suggested,
        "select s.decision, s.decided_at from suggestion s join open_item i using (document_id)
        where s.document_id = $1 and i.entity_id = any($2)",
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?)
}

/// The version of a document that counts now; itself, unless another took its place.
pub async fn live_version(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Option<DocumentId>> {
    Ok(sqlx::query_scalar!(
        r#"select live.document_id as "id: DocumentId" from document d
        join document live on live.entity_id = d.entity_id and live.number = d.number and live.kind = d.kind
            and not live.rejected and live.superseded_by is null
        where d.document_id = $1 and d.entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?)
}

/// Whose invoice or credit memo a number is.
pub async fn customer_of(pool: &Pool, scope: &Scope, number: &str) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(
        "select d.customer_code from document d
        where d.entity_id = any($1) and d.number = $2 and not d.rejected and d.superseded_by is null and d.kind in ('invoice', 'credit_memo')
        limit 1",
        &scope.ids(),
        number
    )
    .fetch_optional(pool)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_two_fields_give_is_shown_once() {
        let all = ["INV-1", "", "RF18539007547034", "INV-1"].map(str::to_owned);
        assert_eq!(each_once(all.into_iter()), ["INV-1", "RF18539007547034"]);
    }
}
