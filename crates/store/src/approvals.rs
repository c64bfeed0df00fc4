//! What people do about one document or about the rules of cash application, and the second person it may need.

use crate::{Conn, Error, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    approval::{ApprovalAct, ApprovalView},
    id::{ApprovalId, DocumentId, EntityId, RuleTableId},
};
use rust_decimal::Decimal;

/// What an act is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Document(DocumentId),
    Rules(RuleTableId),
}

/// What is to be done about it.
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
    pub about: About,
    pub shown_hash: [u8; 32],
    /// Currency and amount of a document.
    pub money: Option<(String, Decimal)>,
    pub ask: Ask,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    pub within_limit: bool,
}

/// Conflicts on `approval_document` or `approval_rule_table` when a request for the same waits already.
pub async fn insert(conn: &mut Conn, new: &NewApproval) -> Result<()> {
    let (document, rules) = match new.about {
        About::Document(id) => (Some(id.0), None),
        About::Rules(id) => (None, Some(id.0)),
    };
    let (currency, amount) = new.money.clone().unzip();
    sqlx::query!(
        "insert into approval (approval_id, entity_id, document_id, shown_hash, currency, amount, reason, requested_by, requested_at,
            decision, decided_by, decided_at, act, plan, erp_number, dated, content, rule_table_id)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then 'within_limit' end, case when $10 then $8 end,
            case when $10 then $9::timestamptz end, $11, $12, $13, $14, $15, $16)",
        new.approval_id.0,
        new.entity_id.0,
        document,
        new.shown_hash.as_slice(),
        currency,
        amount,
        new.ask.reason,
        new.requested_by,
        new.requested_at,
        new.within_limit,
        new.ask.act.as_str(),
        new.ask.plan,
        new.ask.erp_number,
        new.ask.dated,
        new.ask.content,
        rules
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
    pub about: About,
    pub shown_hash: Vec<u8>,
    pub ask: Ask,
    pub requested_by: String,
}

pub async fn lock_open(conn: &mut Conn, scope: &Scope, id: ApprovalId) -> Result<Option<Open>> {
    let row = sqlx::query!(
        r#"select approval_id as "approval_id: ApprovalId", entity_id as "entity_id: EntityId", document_id as "document_id: DocumentId",
            rule_table_id as "rule_table_id: RuleTableId", shown_hash, act as "act: ApprovalAct", plan, erp_number, dated, content, reason, requested_by
        from approval where approval_id = $1 and entity_id = any($2) and decision is null for update"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let about = row.document_id.map(About::Document).or(row.rule_table_id.map(About::Rules));
    let nothing = || Error::Corrupt { table: "approval", column: "document_id", id: id.to_string(), why: "it is about nothing".into() };
    Ok(Some(Open {
        approval_id: row.approval_id,
        entity_id: row.entity_id,
        about: about.ok_or_else(nothing)?,
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

/// What about documents waits for an approver, oldest first.
pub async fn open(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<ApprovalView>> {
    Ok(sqlx::query_as!(
        ApprovalView,
        r#"select a.approval_id as "approval_id: ApprovalId", d.document_id as "document_id: DocumentId", d.number, e.code as entity_code,
            a.currency as "currency!", a.amount as "amount!", a.act as "act: ApprovalAct", a.plan, a.reason, a.requested_by, a.requested_at
        from approval a join document d using (document_id) join entity e on e.entity_id = a.entity_id
        where a.decision is null and a.entity_id = any($1) order by a.requested_at limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// What about the money and the credits of one customer waits for an approver, oldest first.
pub async fn open_of_customer(pool: &Pool, scope: &Scope, customer: &str) -> Result<Vec<ApprovalView>> {
    Ok(sqlx::query_as!(
        ApprovalView,
        r#"select a.approval_id as "approval_id: ApprovalId", d.document_id as "document_id: DocumentId", d.number, e.code as entity_code,
            a.currency as "currency!", a.amount as "amount!", a.act as "act: ApprovalAct", a.plan, a.reason, a.requested_by, a.requested_at
        from approval a join document d using (document_id) join entity e on e.entity_id = a.entity_id
        where a.decision is null and a.entity_id = any($1) and d.customer_code = $2 and a.act in ('write_off', 'refund', 'transfer') order by a.requested_at"#,
        &scope.ids(),
        customer
    )
    .fetch_all(pool)
    .await?)
}
