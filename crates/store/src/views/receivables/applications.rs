//! What settles what: applications of an item or of a customer's money, with their allocations and what became of them.

use super::items;
use crate::{Pool, Result, Scope};
use domain::{
    id::DocumentId,
    receivable::{AllocationView, ApplicationView, Settlement},
    stage::{DocumentKind, Stage},
};
use uuid::Uuid;

/// Credits of a customer whose applications are looked at, newest first.
const CREDITS_MAX: i64 = 100;

/// What a document settles or is settled by; of an application or a reversal the application. Newest first.
pub async fn settlement(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Settlement> {
    let ids = sqlx::query_scalar!(
        r#"select document_id as "id!" from application where credit_id = $1 and reverses is null
        union select coalesce(reverses, document_id) from application where document_id = $1
        union select a.document_id from allocation l join application a using (document_id) where l.debit_id = $1 and a.reverses is null"#,
        id.0
    )
    .fetch_all(pool)
    .await?;
    Ok(Settlement { item: items::find(pool, scope, id).await?, applications: load(pool, scope, &ids).await? })
}

/// Applications of a customer's newest payments and credit memos.
pub async fn applications_of_customer(pool: &Pool, scope: &Scope, customer: &str) -> Result<Vec<ApplicationView>> {
    let ids = sqlx::query_scalar!(
        "select a.document_id from (
            select document_id from open_item where entity_id = any($1) and customer_code = $2 and kind <> 'invoice'
            order by aged_from desc, document_id desc limit $3
        ) i join application a on a.credit_id = i.document_id and a.reverses is null",
        &scope.ids(),
        customer,
        CREDITS_MAX
    )
    .fetch_all(pool)
    .await?;
    load(pool, scope, &ids).await
}

async fn load(pool: &Pool, scope: &Scope, ids: &[Uuid]) -> Result<Vec<ApplicationView>> {
    let rows = sqlx::query!(
        r#"select a.document_id as "document_id: DocumentId", d.number, d.stage as "stage: Stage", d.currency,
            a.credit_id as "credit_id: DocumentId", c.number as credit_number, c.kind as "credit_kind: DocumentKind",
            m.moved_at as decided_at, a.decided_by, a.reason, a.score, r.document_id as "reversed_by?: DocumentId"
        from application a join document d using (document_id) join document c on c.document_id = a.credit_id
        join movement m on m.document_id = a.document_id and m.sequence = 1
        left join application r on r.reverses = a.document_id
        where a.document_id = any($1) and a.entity_id = any($2) order by m.moved_at desc, a.document_id desc"#,
        ids,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?;
    let allocations = sqlx::query!(
        r#"select l.document_id as "document_id: DocumentId", l.debit_id as "debit_id: DocumentId", d.number, l.amount
        from allocation l join document d on d.document_id = l.debit_id
        where l.document_id = any($1) order by l.document_id, l.line"#,
        ids
    )
    .fetch_all(pool)
    .await?;
    let of = |id: DocumentId| {
        let own = allocations.iter().filter(|line| line.document_id == id);
        own.map(|line| AllocationView { debit_id: line.debit_id, number: line.number.clone(), amount: line.amount }).collect()
    };
    Ok(rows
        .into_iter()
        .map(|row| ApplicationView {
            allocations: of(row.document_id),
            document_id: row.document_id,
            number: row.number,
            stage: row.stage,
            currency: row.currency,
            credit_id: row.credit_id,
            credit_number: row.credit_number,
            credit_kind: row.credit_kind,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
            reason: row.reason,
            score: row.score,
            reversed_by: row.reversed_by,
        })
        .collect())
}
