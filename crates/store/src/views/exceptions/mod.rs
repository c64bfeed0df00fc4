//! The exception queue, its causes, and one exception with what people said about it.

mod causes;

pub use causes::{Facet, clusters, facets, open, waiting};

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    exception::ExceptionKind,
    id::{ConnectionId, DocumentId, EntityId, ExceptionId},
    mapping::MappingKind,
    period::AccountingPeriod,
    stage::{DocumentKind, Stage},
    view::{ExceptionRow, ExceptionView, NoteView},
};
use rust_decimal::Decimal;

/// Which open exceptions a list shows; all of it stands in the URL.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity_id: Option<EntityId>,
    pub period: Option<AccountingPeriod>,
    pub currency: Option<String>,
    pub kind: Option<ExceptionKind>,
    pub connection_id: Option<ConnectionId>,
    pub fingerprint: Option<String>,
    pub owner: Option<String>,
    /// Opened before this.
    pub opened_before: Option<DateTime<Utc>>,
    pub amount_min: Option<Decimal>,
    /// After this one: when it was opened, and its id.
    pub after: Option<(DateTime<Utc>, ExceptionId)>,
}

/// An amount that so few exceptions reach in the caller's entities is looked for by itself.
const LARGE_ONES: i64 = 2_000;

/// Oldest first. The page is found in indexes and planned anew each time, because its plan depends on which filters are set; only
/// then its rows are read.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<ExceptionRow>> {
    let mut tx = super::planned_anew(pool).await?;
    let places = places(&mut tx, scope, filter).await?;
    let large = match filter.amount_min {
        Some(amount) => large_ones(&mut tx, &places, amount).await?,
        None => None,
    };
    let page = match large {
        Some(large) => page_among(&mut tx, &large, filter, limit).await?,
        None => page_of(&mut tx, &places, filter, limit).await?,
    };
    Ok(sqlx::query_as!(
        ExceptionRow,
        r#"select x.exception_id as "exception_id: ExceptionId", x.document_id as "document_id: DocumentId", d.number, d.kind as "document_kind: DocumentKind",
            d.customer_name, e.code as entity_code, c.code as "connection_code?", x.currency, x.amount, x.period as "period: AccountingPeriod",
            x.kind as "kind: ExceptionKind", x.fingerprint, x.message, x.opened_at, x.owner, d.stage as "stage: Stage"
        from exception x join document d using (document_id) join entity e on e.entity_id = x.entity_id
        left join erp_connection c on c.connection_id = x.connection_id
        where x.exception_id = any($1) order by x.opened_at, x.exception_id"#,
        &page
    )
    .fetch_all(&mut *tx)
    .await?)
}

/// The first rows of every entity by the index of the filters, merged.
async fn page_of(conn: &mut Conn, places: &[uuid::Uuid], filter: &Filter, limit: i64) -> Result<Vec<uuid::Uuid>> {
    Ok(sqlx::query_scalar!(
        "select x.exception_id from unnest($1::uuid[]) place (id) cross join lateral (
            select exception_id, opened_at from exception
            where closed_at is null and entity_id = place.id and ($2::text is null or period = $2) and ($3::text is null or currency = $3)
                and ($4::text is null or kind = $4) and ($5::uuid is null or connection_id = $5) and ($6::text is null or fingerprint = $6)
                and ($7::text is null or owner = $7) and ($8::timestamptz is null or opened_at < $8) and ($9::numeric is null or amount >= $9)
                and ($10::timestamptz is null or (opened_at, exception_id) > ($10, $11::uuid))
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
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The first ones of a few.
async fn page_among(conn: &mut Conn, few: &[uuid::Uuid], filter: &Filter, limit: i64) -> Result<Vec<uuid::Uuid>> {
    Ok(sqlx::query_scalar!(
        "select exception_id from exception
        where closed_at is null and exception_id = any($1) and ($2::text is null or period = $2) and ($3::text is null or currency = $3)
            and ($4::text is null or kind = $4) and ($5::uuid is null or connection_id = $5) and ($6::text is null or fingerprint = $6)
            and ($7::text is null or owner = $7) and ($8::timestamptz is null or opened_at < $8)
            and ($9::timestamptz is null or (opened_at, exception_id) > ($9, $10::uuid))
        order by opened_at, exception_id limit $11",
        few,
        filter.period.map(|p| p.to_string()),
        filter.currency,
        filter.kind.map(ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner,
        filter.opened_before,
        filter.after.map(|a| a.0),
        filter.after.map(|a| a.1.0),
        limit
    )
    .fetch_all(conn)
    .await?)
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

/// The open exceptions of at least this amount, when they are few.
async fn large_ones(conn: &mut Conn, places: &[uuid::Uuid], amount: Decimal) -> Result<Option<Vec<uuid::Uuid>>> {
    let ids = sqlx::query_scalar!(
        r#"select x.exception_id as "id!" from unnest($1::uuid[]) place (id) cross join lateral (
            select exception_id from exception
            where closed_at is null and entity_id = place.id and amount >= $2 order by amount limit $3
        ) x limit $3"#,
        places,
        amount,
        LARGE_ONES
    )
    .fetch_all(conn)
    .await?;
    Ok((i64::try_from(ids.len()).is_ok_and(|found| found < LARGE_ONES)).then_some(ids))
}

pub async fn find(pool: &Pool, scope: &Scope, id: ExceptionId) -> Result<Option<ExceptionView>> {
    let row = sqlx::query!(
        r#"select x.exception_id as "exception_id: ExceptionId", x.document_id as "document_id: DocumentId", d.number, d.kind as "document_kind: DocumentKind",
            d.customer_name, e.code as entity_code, c.code as "connection_code?", x.currency, x.amount, x.period as "period: AccountingPeriod",
            x.kind as "kind: ExceptionKind", x.fingerprint, x.message, x.opened_at, x.owner, d.stage as "stage: Stage",
            x.code, x.field, x.missing_kind as "missing_kind: MappingKind", x.missing_code, x.connection_id as "connection_id: ConnectionId",
            x.closed_at, x.closed_as,
            (select a.approval_id from approval a where a.document_id = x.document_id and a.decision is null) as "approval_id: domain::id::ApprovalId"
        from exception x join document d using (document_id) join entity e on e.entity_id = x.entity_id
        left join erp_connection c on c.connection_id = x.connection_id
        where x.exception_id = $1 and x.entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let notes = sqlx::query_as!(
        NoteView,
        "select author, written_at, body from exception_note where exception_id = $1 order by written_at, note_id",
        id.0
    )
    .fetch_all(pool)
    .await?;
    Ok(Some(ExceptionView {
        row: ExceptionRow {
            exception_id: row.exception_id,
            document_id: row.document_id,
            number: row.number,
            document_kind: row.document_kind,
            customer_name: row.customer_name,
            entity_code: row.entity_code,
            connection_code: row.connection_code,
            currency: row.currency,
            amount: row.amount,
            period: row.period,
            kind: row.kind,
            fingerprint: row.fingerprint,
            message: row.message,
            opened_at: row.opened_at,
            owner: row.owner,
            stage: row.stage,
        },
        code: row.code,
        field: row.field,
        missing_kind: row.missing_kind,
        missing_code: row.missing_code,
        connection_id: row.connection_id,
        closed_at: row.closed_at,
        closed_as: row.closed_as,
        approval_id: row.approval_id,
        notes,
    }))
}
