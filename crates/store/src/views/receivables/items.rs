//! Open items behind a cell, oldest first; one of them; some by their ids.

use crate::{Pool, Result, Scope};
use chrono::NaiveDate;
use domain::{
    id::{DocumentId, EntityId},
    receivable::{OpenItemRow, OpenStatus},
    stage::{DocumentKind, Stage},
};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct Filter {
    pub kind: DocumentKind,
    pub currency: Option<String>,
    pub status: Option<OpenStatus>,
    /// First and last day that they age from.
    pub aged_from: (Option<NaiveDate>, Option<NaiveDate>),
    pub customer: Option<String>,
    /// The last one of the page before.
    pub after: Option<(NaiveDate, DocumentId)>,
}

/// Oldest first. Of every entity and currency that has any, an index gives the page; what is shown is the oldest of those.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<OpenItemRow>> {
    let mut tx = super::super::planned_anew(pool).await?;
    Ok(sqlx::query_as!(
        OpenItemRow,
        r#"with cell as materialized (
            select distinct entity_id, currency from open_total
            where entity_id = any($1) and kind = $2 and ($3::text is null or currency = $3)
        ), shown as materialized (
            select i.* from cell c cross join lateral (
                select * from open_item o
                where o.entity_id = c.entity_id and o.kind = $2 and o.currency = c.currency and o.open > 0
                    and ($4::text is null or ($4 in ('on_account', 'disputed') and o.kept = $4)
                        or ($4 = 'unidentified' and o.customer_code = '' and o.kept is null)
                        or ($4 = 'open' and o.customer_code <> '' and o.kept is null))
                    and ($5::date is null or o.aged_from >= $5) and ($6::date is null or o.aged_from <= $6)
                    and ($7::text is null or o.customer_code = $7)
                    and ($8::date is null or (o.aged_from, o.document_id) > ($8, $9::uuid))
                order by o.aged_from, o.document_id limit $10
            ) i
            order by i.aged_from, i.document_id limit $10
        )
        select i.document_id as "document_id: DocumentId", i.entity_id as "entity_id: EntityId", e.code as entity_code,
            i.kind as "kind: DocumentKind", d.number, i.customer_code, d.customer_name, i.currency, i.aged_from, i.amount, i.open as "open!",
            coalesce(i.kept, case when i.customer_code = '' then 'unidentified' else 'open' end) as "status!: OpenStatus",
            d.stage as "stage: Stage", s.score
        from shown i join entity e using (entity_id) join document d using (document_id) left join suggestion s using (document_id)
        order by i.aged_from, i.document_id"#,
        &scope.ids(),
        filter.kind.as_str(),
        filter.currency,
        filter.status.map(OpenStatus::as_str),
        filter.aged_from.0,
        filter.aged_from.1,
        filter.customer,
        filter.after.map(|after| after.0),
        filter.after.map(|after| after.1.0),
        limit
    )
    .fetch_all(&mut *tx)
    .await?)
}

/// An item, also when nothing is open of it any more.
pub async fn find(pool: &Pool, scope: &Scope, id: DocumentId) -> Result<Option<OpenItemRow>> {
    Ok(of_ids(pool, scope, &[id]).await?.pop())
}

/// Items as they are now, oldest first; those that count no more are left out.
pub async fn of_ids(pool: &Pool, scope: &Scope, ids: &[DocumentId]) -> Result<Vec<OpenItemRow>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        OpenItemRow,
        r#"select i.document_id as "document_id: DocumentId", i.entity_id as "entity_id: EntityId", e.code as entity_code,
            i.kind as "kind: DocumentKind", d.number, i.customer_code, d.customer_name, i.currency, i.aged_from, i.amount, i.open as "open!",
            open_status(i) as "status!: OpenStatus", d.stage as "stage: Stage", s.score as "score?"
        from open_item i join entity e using (entity_id) join document d using (document_id) left join suggestion s using (document_id)
        where i.document_id = any($1) and i.entity_id = any($2) order by i.aged_from, i.document_id"#,
        &ids,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}
