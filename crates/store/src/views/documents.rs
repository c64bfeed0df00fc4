//! Documents in lists and one by one.

use crate::{Error, Pool, Result, Scope, contents};
use domain::{
    document::Violation,
    id::{AttemptId, BatchId, CorrelationId, DocumentId, EntityId, ExceptionId},
    period::AccountingPeriod,
    seal::hex,
    stage::{DocumentKind, Stage},
    view::{AttemptView, DocumentRow, DocumentView, MovementView, PostingView},
};

/// The documents behind a cell.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity_id: Option<EntityId>,
    pub batch_id: Option<BatchId>,
    pub period: Option<AccountingPeriod>,
    /// In one of these stages.
    pub stages: Option<Vec<Stage>>,
    pub currency: Option<String>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<DocumentKind>>,
    /// Documents of the batches made for this period, whatever period they are posted in.
    pub batch_period: Option<AccountingPeriod>,
    /// Documents after this one.
    pub after: Option<DocumentId>,
}

impl Filter {
    fn stage_words(&self) -> Option<Vec<String>> {
        self.stages.as_ref().map(|stages| stages.iter().map(ToString::to_string).collect())
    }

    fn kind_words(&self) -> Option<Vec<String>> {
        self.kinds.as_ref().map(|kinds| kinds.iter().map(ToString::to_string).collect())
    }
}

/// In id order, which is the order they came in.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<DocumentRow>> {
    let (stages, kinds) = (filter.stage_words(), filter.kind_words());
    Ok(sqlx::query_as!(
        DocumentRow,
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, d.version, d.customer_name,
            e.code as entity_code, d.currency, d.amount, d.tax, d.posting_date, d.period as "period: AccountingPeriod",
            d.stage as "stage: Stage", d.stage_at, p.erp_number as "erp_number?"
        from document d join entity e using (entity_id) left join posting p using (document_id)
        where d.entity_id = any($1) and ($2::uuid is null or d.entity_id = $2) and ($3::uuid is null or d.batch_id = $3)
            and ($4::text is null or d.period = $4) and ($5::text[] is null or d.stage = any($5)) and ($6::text is null or d.currency = $6)
            and ($7::text[] is null or d.kind = any($7)) and ($8::uuid is null or d.document_id > $8)
            and ($9::text is null or d.batch_id in (select batch_id from batch where period = $9))
        order by d.document_id limit $10"#,
        &scope.ids(),
        filter.entity_id.map(|id| id.0),
        filter.batch_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        stages.as_deref(),
        filter.currency,
        kinds.as_deref(),
        filter.after.map(|id| id.0),
        filter.batch_period.map(|p| p.to_string()),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Documents of one number, within the filter: the search box. A query of its own, so that the number's index always leads.
pub async fn search(pool: &Pool, scope: &Scope, number: &str, filter: &Filter, limit: i64) -> Result<Vec<DocumentRow>> {
    let (stages, kinds) = (filter.stage_words(), filter.kind_words());
    Ok(sqlx::query_as!(
        DocumentRow,
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, d.version, d.customer_name,
            e.code as entity_code, d.currency, d.amount, d.tax, d.posting_date, d.period as "period: AccountingPeriod",
            d.stage as "stage: Stage", d.stage_at, p.erp_number as "erp_number?"
        from document_number n join document d using (document_id) join entity e on e.entity_id = d.entity_id left join posting p using (document_id)
        where n.entity_id = any($1) and n.number = $2 and ($3::uuid is null or d.entity_id = $3) and ($4::uuid is null or d.batch_id = $4)
            and ($5::text is null or d.period = $5) and ($6::text[] is null or d.stage = any($6)) and ($7::text is null or d.currency = $7)
            and ($8::text[] is null or d.kind = any($8)) and ($9::uuid is null or d.document_id > $9)
            and ($10::text is null or d.batch_id in (select batch_id from batch where period = $10))
        order by d.document_id limit $11"#,
        &scope.ids(),
        number,
        filter.entity_id.map(|id| id.0),
        filter.batch_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        stages.as_deref(),
        filter.currency,
        kinds.as_deref(),
        filter.after.map(|id| id.0),
        filter.batch_period.map(|p| p.to_string()),
        limit
    )
    .fetch_all(pool)
    .await?)
}

pub async fn find(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Option<DocumentView>> {
    let head = sqlx::query!(
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, d.version, d.customer_name,
            e.code as entity_code, d.currency, d.amount, d.tax, d.posting_date, d.period as "period: AccountingPeriod",
            d.stage as "stage: Stage", d.stage_at, p.erp_number as "erp_number?", d.batch_id as "batch_id: BatchId", b.number as batch_number,
            d.customer_code, d.issue_date, d.due_date, d.applies_to, d.content_hash, d.superseded_by as "superseded_by: DocumentId", d.violations,
            (select exception_id from exception x where x.document_id = d.document_id and x.closed_at is null) as "exception_id: ExceptionId"
        from document d join entity e using (entity_id) join batch b using (batch_id) left join posting p using (document_id)
        where d.document_id = $1 and d.entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let corrupt =
        |error: serde_json::Error| Error::Corrupt { table: "document", column: "violations", id: id.to_string(), why: error.to_string() };
    let violations: Vec<Violation> = serde_json::from_value(head.violations).map_err(corrupt)?;
    let mut conn = pool.acquire().await?;
    let lines = contents::load(&mut conn, &[id]).await?.pop().map(|stored| stored.content.lines).unwrap_or_default();
    drop(conn);
    Ok(Some(DocumentView {
        row: DocumentRow {
            document_id: head.document_id,
            kind: head.kind,
            number: head.number,
            version: head.version,
            customer_name: head.customer_name,
            entity_code: head.entity_code,
            currency: head.currency,
            amount: head.amount,
            tax: head.tax,
            posting_date: head.posting_date,
            period: head.period,
            stage: head.stage,
            stage_at: head.stage_at,
            erp_number: head.erp_number,
        },
        batch_id: head.batch_id,
        batch_number: head.batch_number,
        customer_code: head.customer_code,
        issue_date: head.issue_date,
        due_date: head.due_date,
        applies_to: head.applies_to,
        content_hash: hex(&head.content_hash),
        superseded_by: head.superseded_by,
        violations,
        lines,
        movements: movements(pool, id).await?,
        attempts: attempts(pool, id).await?,
        posting: posting(pool, id).await?,
        exception_id: head.exception_id,
    }))
}

async fn movements(pool: &Pool, id: DocumentId) -> Result<Vec<MovementView>> {
    Ok(sqlx::query_as!(
        MovementView,
        r#"select sequence, from_stage as "from_stage: Stage", to_stage as "to_stage: Stage", actor, reason,
            correlation_id as "correlation_id: CorrelationId", moved_at
        from movement where document_id = $1 order by sequence"#,
        id.0
    )
    .fetch_all(pool)
    .await?)
}

async fn attempts(pool: &Pool, id: DocumentId) -> Result<Vec<AttemptView>> {
    Ok(sqlx::query_as!(
        AttemptView,
        r#"select attempt_id as "attempt_id: AttemptId", purpose, worker, claimed_at, finished_at, outcome, code, message, field, request,
            http_status, answer, late
        from posting_attempt where document_id = $1 order by attempt_id"#,
        id.0
    )
    .fetch_all(pool)
    .await?)
}

async fn posting(pool: &Pool, id: DocumentId) -> Result<Option<PostingView>> {
    let row = sqlx::query!(
        r#"select c.code, posting_key, payload, payload_hash, frozen_at, attempts, work, due_at, absent_probes, erp_id, erp_number,
            sent_at + c.processing_seconds_max * interval '1 second' as processed_by
        from posting join posting_payload using (document_id) join erp_connection c using (connection_id) where document_id = $1"#,
        id.0
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| PostingView {
        connection_code: row.code,
        posting_key: row.posting_key,
        payload: serde_json::to_string_pretty(&row.payload).unwrap_or_default(),
        payload_hash: hex(&row.payload_hash),
        frozen_at: row.frozen_at,
        attempts: row.attempts,
        work: row.work,
        due_at: row.due_at,
        processed_by: row.processed_by,
        absent_probes: row.absent_probes,
        erp_id: row.erp_id,
        erp_number: row.erp_number,
    }))
}
