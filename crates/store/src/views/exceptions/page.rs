//! Pages of the queue, and all that a filter shows.

use super::Filter;
use crate::{Conn, Pool, Result, Scope};
use domain::{
    exception::ExceptionKind,
    id::{DocumentId, ExceptionId},
    period::AccountingPeriod,
    stage::{DocumentKind, Stage},
    view::{ExceptionRow, StageMoney},
};
use rust_decimal::Decimal;

/// When fewer exceptions of the caller's entities reach an amount, it is looked for by itself.
const LARGE_ONES: i64 = 2_000;

/// Oldest first. The page is found in indexes and planned anew each time, because its plan depends on which filters are set; only
/// then its rows are read.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<ExceptionRow>> {
    let mut tx = crate::views::planned_anew(pool).await?;
    let page = ids(&mut tx, scope, filter, limit).await?;
    Ok(sqlx::query_as!(
        ExceptionRow,
        r#"select x.exception_id as "exception_id: ExceptionId", x.document_id as "document_id: DocumentId", d.number, d.kind as "document_kind: DocumentKind",
            d.customer_name, e.code as entity_code, c.code as "connection_code?", x.currency, x.amount, x.period as "period: AccountingPeriod",
            x.kind as "kind: ExceptionKind", x.fingerprint, x.message, x.opened_at, x.due_at, x.owner, d.stage as "stage: Stage"
        from exception x join document d using (document_id) join entity e on e.entity_id = x.entity_id
        left join erp_connection c on c.connection_id = x.connection_id
        where x.exception_id = any($1) order by x.opened_at, x.exception_id"#,
        &page
    )
    .fetch_all(&mut *tx)
    .await?)
}

/// The exceptions that a filter shows, whatever the page: the oldest, up to a limit.
pub async fn chosen(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<ExceptionId>> {
    let mut tx = crate::views::planned_anew(pool).await?;
    Ok(ids(&mut tx, scope, filter, limit).await?.into_iter().map(ExceptionId).collect())
}

/// Their money per currency.
pub async fn matching(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<StageMoney>> {
    let mut tx = crate::views::planned_anew(pool).await?;
    let found = ids(&mut tx, scope, filter, limit).await?;
    let rows = sqlx::query!(
        r#"select currency, count(*) as "count!", sum(amount) as "amount!" from exception where exception_id = any($1)
        group by currency order by currency"#,
        &found
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(|row| StageMoney { currency: row.currency, count: row.count, amount: row.amount }).collect())
}

/// Few large ones are taken from the index of amounts and put in order; otherwise the queue is walked in its order.
async fn ids(conn: &mut Conn, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<uuid::Uuid>> {
    let places = places(conn, scope, filter).await?;
    if let Some(amount) = filter.amount_min
        && let Some(page) = page_of_large(conn, &places, amount, filter, limit).await?
    {
        return Ok(page);
    }
    page_in_order(conn, &places, filter, limit).await
}

/// The first rows of every entity by the index of the filters, merged. What is due by a time was opened before it.
async fn page_in_order(conn: &mut Conn, places: &[uuid::Uuid], filter: &Filter, limit: i64) -> Result<Vec<uuid::Uuid>> {
    Ok(sqlx::query_scalar!(
        "select x.exception_id from unnest($1::uuid[]) place (id) cross join lateral (
            select exception_id, opened_at from exception
            where closed_at is null and entity_id = place.id and ($2::text is null or period = $2) and ($3::text is null or currency = $3)
                and ($4::text is null or kind = $4) and ($5::uuid is null or connection_id = $5) and ($6::text is null or fingerprint = $6)
                and ($7::text is null or owner = $7) and ($8::timestamptz is null or opened_at < $8) and ($9::numeric is null or amount >= $9)
                and ($10::timestamptz is null or (opened_at, exception_id) > ($10, $11::uuid))
                and ($13::timestamptz is null or due_at <= $13 and opened_at <= $13)
            order by opened_at, exception_id limit $12
        ) x order by x.opened_at, x.exception_id limit $12",
        places,
        filter.period.map(|p| p.to_string()),
        filter.currency,
        filter.kind.map(ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner,
        filter.opened_before,
        filter.amount_min,
        filter.after.map(|a| a.0),
        filter.after.map(|a| a.1.0),
        limit,
        filter.due_before
    )
    .fetch_all(conn)
    .await?)
}

/// `None`: they are many.
async fn page_of_large(
    conn: &mut Conn,
    places: &[uuid::Uuid],
    amount: Decimal,
    filter: &Filter,
    limit: i64,
) -> Result<Option<Vec<uuid::Uuid>>> {
    let page = sqlx::query!(
        r#"with large as materialized (
            select x.* from unnest($1::uuid[]) place (id) cross join lateral (
                select exception_id, opened_at, period, currency, kind, connection_id, fingerprint, owner, due_at from exception
                where closed_at is null and entity_id = place.id and amount >= $13 limit $14
            ) x limit $14
        )
        select (select count(*) from large) < $14 as "few!", array(
            select exception_id from large
            where ($2::text is null or period = $2) and ($3::text is null or currency = $3)
                and ($4::text is null or kind = $4) and ($5::uuid is null or connection_id = $5) and ($6::text is null or fingerprint = $6)
                and ($7::text is null or owner = $7) and ($8::timestamptz is null or opened_at < $8)
                and ($9::timestamptz is null or (opened_at, exception_id) > ($9, $10::uuid))
                and ($12::timestamptz is null or due_at <= $12)
            order by opened_at, exception_id limit $11
        ) as "ids!""#,
        places,
        filter.period.map(|p| p.to_string()),
        filter.currency,
        filter.kind.map(ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner,
        filter.opened_before,
        filter.after.map(|a| a.0),
        filter.after.map(|a| a.1.0),
        limit,
        filter.due_before,
        amount,
        LARGE_ONES
    )
    .fetch_one(conn)
    .await?;
    Ok(page.few.then_some(page.ids))
}

/// The entities that a filter leaves. An entity posts to one connection, so that a connection is its entities.
async fn places(conn: &mut Conn, scope: &Scope, filter: &Filter) -> Result<Vec<uuid::Uuid>> {
    let mut places = scope.ids();
    if let Some(entity) = filter.entity_id {
        places.retain(|id| *id == entity.0);
    }
    let Some(connection) = filter.connection_id else { return Ok(places) };
    Ok(sqlx::query_scalar!(
        "select entity_id from entity_connection where connection_id = $1 and entity_id = any($2)",
        connection.0,
        &places
    )
    .fetch_all(conn)
    .await?)
}
