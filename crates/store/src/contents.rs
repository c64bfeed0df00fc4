//! The canonical content of documents, put together from their rows.

use crate::{Conn, Error, Result};
use domain::{
    document::{DocumentContent, DocumentLine},
    id::{DocumentId, EntityId},
    money::{Currency, Money},
    period::AccountingPeriod,
    stage::DocumentKind,
};
use std::collections::HashMap;

/// A document's content with what it belongs to.
#[derive(Debug, Clone)]
pub struct Stored {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub content: DocumentContent,
}

/// Loads documents in id order, lines included: two statements for any number.
pub async fn load(conn: &mut Conn, ids: &[DocumentId]) -> Result<Vec<Stored>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let mut lines = load_lines(conn, &ids).await?;
    let rows = sqlx::query!(
        r#"select document_id as "document_id: DocumentId", entity_id as "entity_id: EntityId", kind as "kind: DocumentKind", number, version,
            customer_code, customer_name, currency as "currency: Currency", amount, tax, issue_date, due_date, posting_date,
            period as "period: AccountingPeriod", applies_to
        from document where document_id = any($1) order by document_id"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let money = |amount, column| {
                Money::new(amount, row.currency).map(Money::amount).map_err(|error| Error::Corrupt {
                    table: "document",
                    column,
                    id: row.document_id.to_string(),
                    why: error.to_string(),
                })
            };
            Ok(Stored {
                document_id: row.document_id,
                entity_id: row.entity_id,
                content: DocumentContent {
                    kind: row.kind,
                    number: row.number,
                    version: row.version,
                    customer_code: row.customer_code,
                    customer_name: row.customer_name,
                    currency: row.currency,
                    amount: money(row.amount, "amount")?,
                    tax: money(row.tax, "tax")?,
                    issue_date: row.issue_date,
                    due_date: row.due_date,
                    posting_date: row.posting_date,
                    period: row.period,
                    applies_to: row.applies_to,
                    lines: lines.remove(&row.document_id.0).unwrap_or_default(),
                },
            })
        })
        .collect()
}

async fn load_lines(conn: &mut Conn, ids: &[uuid::Uuid]) -> Result<HashMap<uuid::Uuid, Vec<DocumentLine>>> {
    let rows = sqlx::query!(
        "select document_id, item_code, description, quantity, unit_price, net, tax, tax_code
        from document_line where document_id = any($1) order by document_id, line",
        ids
    )
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<uuid::Uuid, Vec<DocumentLine>> = HashMap::with_capacity(ids.len());
    for row in rows {
        lines.entry(row.document_id).or_default().push(DocumentLine {
            item_code: row.item_code,
            description: row.description,
            quantity: row.quantity.normalize(),
            unit_price: row.unit_price.normalize(),
            net: row.net.normalize(),
            tax: row.tax.normalize(),
            tax_code: row.tax_code,
        });
    }
    Ok(lines)
}
