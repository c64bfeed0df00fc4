//! What people do about one document, and the second person it may need.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    approval::{ApprovalAct, ApprovalView},
    id::{ApprovalId, DocumentId, EntityId},
};
use rust_decimal::Decimal;

/// What is to be done about a document.
#[derive(Debug, Clone)]
pub struct Ask {
    pub act: ApprovalAct,
    /// What exactly would be done, in words.
    pub plan: String,
    /// The number in the ERP, of [`ApprovalAct::TakeNumber`].
    pub erp_number: Option<String>,
    /// The date of a correction's documents.
    pub dated: Option<NaiveDate>,
    /// What exactly is asked for, where words are not enough to do it.
    pub content: Option<serde_json::Value>,
    pub reason: String,
}

/// An act as it is recorded: open until decided, or decided at once within the limit.
#[derive(Debug, Clone)]
pub struct NewApproval {
    pub approval_id: ApprovalId,
    pub entity_id: EntityId,
    pub document_id: DocumentId,
    pub shown_hash: [u8; 32],
    pub currency: String,
    pub amount: Decimal,
    pub ask: Ask,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    pub within_limit: bool,
}

/// Conflicts on `approval_document` when a request for the document waits already.
pub async fn insert(conn: &mut Conn, new: &NewApproval) -> Result<()> {
    sqlx::query!(
        "insert into approval (approval_id, entity_id, document_id, shown_hash, currency, amount, reason, requested_by, requested_at,
            decision, decided_by, decided_at, act, plan, erp_number, dated, content)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then 'within_limit' end, case when $10 then $8 end,
            case when $10 then $9::timestamptz end, $11, $12, $13, $14, $15)",
        new.approval_id.0,
        new.entity_id.0,
        new.document_id.0,
        new.shown_hash.as_slice(),
        new.currency,
        new.amount,
        new.ask.reason,
        new.requested_by,
        new.requested_at,
        new.within_limit,
        new.ask.act.as_str(),
        new.ask.plan,
        new.ask.erp_number,
        new.ask.dated,
        new.ask.content
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An open request, locked for its decision.
#[derive(Debug, Clone)]
pub struct Open {
    pub approval_id: ApprovalId,
    pub entity_id: EntityId,
    pub document_id: DocumentId,
    pub shown_hash: Vec<u8>,
    pub ask: Ask,
    pub requested_by: String,
}

pub async fn lock_open(conn: &mut Conn, scope: &Scope, id: ApprovalId) -> Result<Option<Open>> {
    let row = sqlx::query!(
        r#"select approval_id as "approval_id: ApprovalId", entity_id as "entity_id: EntityId", document_id as "document_id: DocumentId",
            shown_hash, act as "act: ApprovalAct", plan, erp_number, dated, content, reason, requested_by
        from approval where approval_id = $1 and entity_id = any($2) and decision is null for update"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Open {
        approval_id: row.approval_id,
        entity_id: row.entity_id,
        document_id: row.document_id,
        shown_hash: row.shown_hash,
        ask: Ask { act: row.act, plan: row.plan, erp_number: row.erp_number, dated: row.dated, content: row.content, reason: row.reason },
        requested_by: row.requested_by,
    }))
}

/// Conflicts on `preparer_is_not_approver` when somebody decides his own.
pub async fn decide(conn: &mut Conn, id: ApprovalId, decision: &str, by: &str, comment: Option<&str>, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update approval set decision = $2, decided_by = $3, decided_at = $4, comment = $5 where approval_id = $1 and decision is null",
        id.0,
        decision,
        by,
        at,
        comment
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What waits for an approver, oldest first.
pub async fn open(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<ApprovalView>> {
    Ok(sqlx::query_as!(
        ApprovalView,
        r#"select a.approval_id as "approval_id: ApprovalId", a.document_id as "document_id: DocumentId", d.number, e.code as entity_code,
            a.currency, a.amount, a.act as "act: ApprovalAct", a.plan, a.reason, a.requested_by, a.requested_at
        from approval a join document d using (document_id) join entity e on e.entity_id = a.entity_id
        where a.decision is null and a.entity_id = any($1) order by a.requested_at limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}
