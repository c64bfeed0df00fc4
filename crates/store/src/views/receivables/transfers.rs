//! Transfers of a customer's money, to him and from him.

use crate::{Pool, Result, Scope};
use domain::{id::DocumentId, transfer::TransferView};

/// Newest first.
pub async fn transfers_of_customer(pool: &Pool, scope: &Scope, customer: &str, limit: i64) -> Result<Vec<TransferView>> {
    Ok(sqlx::query_as!(
        TransferView,
        r#"select t.out_id as "out_id!: DocumentId", o.number as out_number, t.in_id as "in_id!: DocumentId", i.number as in_number,
            f.code as from_entity, o.customer_code as from_customer, e.code as to_entity, i.customer_code as to_customer, o.currency, o.amount,
            t.reason as "reason!", t.requested_by as "requested_by!", t.approved_by, t.made_at as "made_at!", t.reverses is not null as "is_reversal!",
            exists (select from transfer r where r.reverses = t.out_id) as "is_reversed!"
        from (
            select t.* from open_item m join transfer t on t.out_id = m.document_id
            where m.entity_id = any($1) and m.customer_code = $2 and m.kind = 'transfer'
            union
            select t.* from open_item m join transfer t on t.in_id = m.document_id
            where m.entity_id = any($1) and m.customer_code = $2 and m.kind = 'payment'
        ) t join document o on o.document_id = t.out_id join document i on i.document_id = t.in_id
        join entity f on f.entity_id = t.from_entity join entity e on e.entity_id = t.to_entity
        order by t.made_at desc, t.out_id desc limit $3"#,
        &scope.ids(),
        customer,
        limit
    )
    .fetch_all(pool)
    .await?)
}
