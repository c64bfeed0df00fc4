//! The exception queue, its causes, and one exception with what people said about it.

mod cause;
mod causes;
mod clock;
mod page;

pub use cause::{describe, foresee, origin};
pub use causes::{Facet, clusters, facets, money, open, waiting};
pub use clock::sla;
pub use page::{chosen, list, matching};

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    exception::ExceptionKind,
    id::{ConnectionId, DocumentId, EntityId, ExceptionId},
    mapping::MappingKind,
    period::{AccountingPeriod, PeriodState},
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
    pub due_before: Option<DateTime<Utc>>,
    /// After this one: when it was opened, and its id.
    pub after: Option<(DateTime<Utc>, ExceptionId)>,
}

pub async fn find(pool: &Pool, scope: &Scope, id: ExceptionId, now: DateTime<Utc>) -> Result<Option<ExceptionView>> {
    let row = sqlx::query!(
        r#"select x.exception_id as "exception_id: ExceptionId", x.document_id as "document_id: DocumentId", d.number, d.kind as "document_kind: DocumentKind",
            d.customer_name, e.code as entity_code, c.code as "connection_code?", x.currency, x.amount, x.period as "period: AccountingPeriod",
            x.kind as "kind: ExceptionKind", x.fingerprint, x.message, x.opened_at, x.due_at, x.owner, d.stage as "stage: Stage",
            x.code, x.field, x.missing_kind as "missing_kind: MappingKind", x.missing_code, x.connection_id as "connection_id: ConnectionId",
            x.closed_at, x.closed_as, coalesce(p.state, 'open') as "state!: PeriodState", ($3::timestamptz at time zone e.time_zone)::date as "today!",
            (select a.approval_id from approval a where a.document_id = x.document_id and a.decision is null) as "approval_id: domain::id::ApprovalId"
        from exception x join document d using (document_id) join entity e on e.entity_id = x.entity_id
        left join erp_connection c on c.connection_id = x.connection_id
        left join accounting_period p on p.entity_id = x.entity_id and p.period = x.period
        where x.exception_id = $1 and x.entity_id = any($2)"#,
        id.0,
        &scope.ids(),
        now
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
            due_at: row.due_at,
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
        blocks_close: row.closed_at.is_none() && row.period.is_closing(row.state, row.today),
        notes,
    }))
}
