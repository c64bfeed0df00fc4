//! Refunds that are agreed and not paid out: beside AR, never inside.

use crate::{Pool, Result, Scope};
use domain::{
    id::{DocumentId, EntityId},
    refund::{RefundPayable, RefundsPayable},
    stage::Stage,
};

/// Of one customer, oldest first.
pub async fn refunds_payable(pool: &Pool, scope: &Scope, customer: &str) -> Result<Vec<RefundPayable>> {
    Ok(sqlx::query_as!(
        RefundPayable,
        r#"select r.document_id as "document_id: DocumentId", d.number, r.entity_id as "entity_id: EntityId", e.code as entity_code,
            r.customer_code, d.currency, d.amount, r.credit_id as "credit_id: DocumentId", c.number as credit_number,
            coalesce(b.name, g.name) as "way!", r.reason, r.requested_by, r.approved_by, r.agreed_at, d.stage as "stage: Stage"
        from refund r join document d using (document_id) join document c on c.document_id = r.credit_id
        join entity e on e.entity_id = r.entity_id left join bank_account b using (bank_account_id) left join gateway_account g using (gateway_account_id)
        where r.entity_id = any($1) and r.customer_code = $2 and r.paid_at is null and r.withdrawn_by is null
        order by r.agreed_at, r.document_id"#,
        &scope.ids(),
        customer
    )
    .fetch_all(pool)
    .await?)
}

/// What they come to by currency: few, because each waits only until the money leaves.
pub async fn refunds_payable_totals(pool: &Pool, scope: &Scope) -> Result<Vec<RefundsPayable>> {
    Ok(sqlx::query_as!(
        RefundsPayable,
        r#"select d.currency, sum(d.amount) as "amount!" from refund r join document d using (document_id)
        where r.entity_id = any($1) and r.paid_at is null and r.withdrawn_by is null group by d.currency order by d.currency"#,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}
