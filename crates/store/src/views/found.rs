//! What is called so: documents, exceptions and batches by the beginning of their number.

use crate::{Pool, Result, Scope};
use domain::{
    id::{BatchId, DocumentId, ExceptionId},
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;

/// Nothing that is written sorts after it.
const LAST: char = '\u{10FFFF}';

#[derive(Debug, Clone)]
pub struct FoundDocument {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub customer_name: String,
    pub entity_code: String,
    pub currency: String,
    pub amount: Decimal,
    pub stage: Stage,
    /// When a person is needed.
    pub exception_id: Option<ExceptionId>,
}

/// In order of number: the first of every entity by its index, merged.
pub async fn documents(pool: &Pool, scope: &Scope, start: &str, limit: i64) -> Result<Vec<FoundDocument>> {
    Ok(sqlx::query_as!(
        FoundDocument,
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, d.customer_name, e.code as entity_code,
            d.currency, d.amount, d.stage as "stage: Stage", x.exception_id as "exception_id?: ExceptionId"
        from unnest($1::uuid[]) place (id) cross join lateral (
            select document_id from document_number where entity_id = place.id and number ~>=~ $2 and number ~<~ $3
            order by number using ~<~ limit $4
        ) n join document d using (document_id) join entity e on e.entity_id = d.entity_id left join exception x on x.document_id = d.document_id and x.closed_at is null
        order by d.number using ~<~, d.document_id limit $4"#,
        &scope.ids(),
        start,
        format!("{start}{LAST}"),
        limit
    )
    .fetch_all(pool)
    .await?)
}

#[derive(Debug, Clone)]
pub struct FoundBatch {
    pub batch_id: BatchId,
    pub number: String,
    pub source: String,
    pub entity_code: String,
    pub period: String,
}

pub async fn batches(pool: &Pool, scope: &Scope, start: &str, limit: i64) -> Result<Vec<FoundBatch>> {
    Ok(sqlx::query_as!(
        FoundBatch,
        r#"select b.batch_id as "batch_id: BatchId", b.number, b.source, e.code as entity_code, b.period
        from unnest($1::uuid[]) place (id) cross join lateral (
            select * from batch where entity_id = place.id and number ~>=~ $2 and number ~<~ $3 order by number using ~<~ limit $4
        ) b join entity e on e.entity_id = b.entity_id
        order by b.number using ~<~, b.batch_id limit $4"#,
        &scope.ids(),
        start,
        format!("{start}{LAST}"),
        limit
    )
    .fetch_all(pool)
    .await?)
}
