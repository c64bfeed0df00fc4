//! Checkpoint 3: what was issued against what the ERPs hold. Control totals of both sides, and the rows that differ, found in the database.

use crate::{Conn, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    checkpoint::ControlTotal,
    id::{BatchId, ConnectionId, DocumentId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpKind, ErpState},
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;

/// When the period was last read back completely; `None`: never, so nothing can be assessed.
pub async fn read_at(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!("select finished_at from sync_state where entity_id = $1 and period = $2", entity.0, period.to_string())
        .fetch_optional(conn)
        .await?
        .flatten())
}

/// Periods of an entity that were read back at least once, newest first.
pub async fn assessable(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<AccountingPeriod>> {
    Ok(sqlx::query_scalar!(
        r#"select period as "period: AccountingPeriod" from sync_state where entity_id = $1 and finished_at is not null
        order by period desc limit $2"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// The left side by batch and stage.
#[derive(Debug)]
pub struct LeftTotal {
    pub batch_id: BatchId,
    pub currency: Currency,
    pub kind: DocumentKind,
    pub stage: Stage,
    pub total: ControlTotal,
}

pub async fn left_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<LeftTotal>> {
    let rows = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", currency as "currency: Currency", kind as "kind: DocumentKind", stage as "stage: Stage",
            sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
        from stage_total where entity_id = $1 and period = $2 group by batch_id, currency, kind, stage having sum(count) <> 0"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LeftTotal {
            batch_id: row.batch_id,
            currency: row.currency,
            kind: row.kind,
            stage: row.stage,
            total: ControlTotal { count: row.count, amount: row.amount, tax: row.tax },
        })
        .collect())
}

/// What left the left side by an approved reason.
pub async fn excused_totals(
    conn: &mut Conn,
    entity: EntityId,
    period: AccountingPeriod,
) -> Result<Vec<(BatchId, Currency, DocumentKind, ControlTotal)>> {
    let rows = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", currency as "currency: Currency", kind as "kind: DocumentKind", count(*) as "count!",
            sum(amount) as "amount!", sum(tax) as "tax!"
        from document d where entity_id = $1 and stage = 'resolved' and period = $2
            and exists (select from no_posting_approved n where n.document_id = d.document_id)
        group by batch_id, currency, kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.batch_id, row.currency, row.kind, ControlTotal { count: row.count, amount: row.amount, tax: row.tax }))
        .collect())
}

/// The right side; `unchecked` counts what has not been compared with ours since it changed.
#[derive(Debug)]
pub struct RightTotal {
    /// The batch that it stands for; none when we issued no such document in this cell.
    pub batch_id: Option<BatchId>,
    pub currency: Currency,
    pub kind: ErpKind,
    pub total: ControlTotal,
    pub unchecked: i64,
}

/// What the ERP holds in its ledger. Tax that it does not carry is taken as ours: it can't differ.
pub async fn right_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<RightTotal>> {
    let rows = sqlx::query!(
        r#"select case when (d.entity_id, d.period, d.currency, d.kind) = (r.entity_id, r.period, r.currency, r.kind) then d.batch_id end
                as "batch_id: BatchId",
            r.currency as "currency: Currency", r.kind as "kind: ErpKind", count(*) as "count!", sum(r.total) as "amount!",
            sum(coalesce(r.tax, d.tax, 0)) as "tax!", count(*) filter (where r.unchecked) as "unchecked!"
        from erp_document r left join document d using (document_id)
        where r.entity_id = $1 and r.period = $2 and r.gone_at is null and r.state = 'posted' group by 1, r.currency, r.kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RightTotal {
            batch_id: row.batch_id,
            currency: row.currency,
            kind: row.kind,
            total: ControlTotal { count: row.count, amount: row.amount, tax: row.tax },
            unchecked: row.unchecked,
        })
        .collect())
}

/// An issued document that the ERP does not hold exactly once and equal in its cell; one row per copy, or one without.
#[derive(Debug)]
pub struct LeftRow {
    pub document_id: DocumentId,
    pub batch_id: BatchId,
    pub number: String,
    pub kind: DocumentKind,
    pub stage: Stage,
    pub stage_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub currency: Currency,
    pub amount: Decimal,
    pub tax: Decimal,
    pub erp_id: Option<String>,
    pub connection_id: Option<ConnectionId>,
    pub erp_number: Option<String>,
    pub erp_entity: Option<EntityId>,
    pub erp_kind: Option<ErpKind>,
    pub erp_currency: Option<Currency>,
    pub erp_period: Option<AccountingPeriod>,
    pub erp_posting_date: Option<NaiveDate>,
    pub erp_total: Option<Decimal>,
    pub erp_tax: Option<Decimal>,
    /// There, but not in the ledger: draft or voided; or read before and gone.
    pub shadow_state: Option<ErpState>,
    pub shadow_gone: Option<bool>,
}

pub async fn left_differences(
    conn: &mut Conn,
    entity: EntityId,
    period: AccountingPeriod,
    currencies: &[Currency],
) -> Result<Vec<LeftRow>> {
    let stages: Vec<String> = Stage::ALL.iter().filter(|stage| stage.is_issued()).map(ToString::to_string).collect();
    let currencies: Vec<String> = currencies.iter().map(ToString::to_string).collect();
    Ok(sqlx::query_as!(
        LeftRow,
        r#"with issued as (
            select d.document_id, d.batch_id, d.entity_id, d.period, d.number, d.kind, d.stage, d.stage_at, d.currency, d.amount, d.tax, r.erp_id,
                r.connection_id, r.erp_number, r.entity_id as erp_entity, r.kind as erp_kind, r.currency as erp_currency,
                r.period as erp_period, r.posting_date as erp_posting_date, r.total as erp_total, r.tax as erp_tax,
                count(r.erp_id) over (partition by d.document_id) as copies
            from document d
            left join erp_document r on r.document_id = d.document_id and r.gone_at is null and r.state = 'posted'
            where d.entity_id = $1 and d.period = $2 and d.stage = any($3) and d.currency = any($4)
                and not (d.stage = 'resolved' and exists (select from no_posting_approved n where n.document_id = d.document_id))
        )
        select i.document_id as "document_id: DocumentId", i.batch_id as "batch_id: BatchId", i.number, i.kind as "kind: DocumentKind", i.stage as "stage: Stage", i.stage_at,
            b.received_at, i.currency as "currency: Currency", i.amount, i.tax, i.erp_id as "erp_id?",
            i.connection_id as "connection_id?: ConnectionId", i.erp_number as "erp_number?", i.erp_entity as "erp_entity?: EntityId",
            i.erp_kind as "erp_kind?: ErpKind", i.erp_currency as "erp_currency?: Currency", i.erp_period as "erp_period?: AccountingPeriod",
            i.erp_posting_date as "erp_posting_date?", i.erp_total as "erp_total?", i.erp_tax, s.state as "shadow_state?: ErpState",
            s.gone as "shadow_gone?"
        from issued i join batch b using (batch_id)
        left join lateral (
            select e.state, e.gone_at is not null as gone from erp_document e
            where i.copies = 0 and e.document_id = i.document_id order by e.read_id desc limit 1
        ) s on true
        where copies <> 1 or i.erp_entity <> i.entity_id or i.erp_period <> i.period or i.erp_currency <> i.currency or i.erp_kind <> i.kind
            or i.erp_total <> i.amount or i.erp_tax <> i.tax
        order by i.document_id, i.erp_id"#,
        entity.0,
        period.to_string(),
        &stages,
        &currencies
    )
    .fetch_all(conn)
    .await?)
}

/// An ERP document in the ledger that no issued document of the same cell stands against.
#[derive(Debug)]
pub struct RightRow {
    pub connection_id: ConnectionId,
    pub erp_id: String,
    pub erp_number: String,
    pub kind: ErpKind,
    pub currency: Currency,
    pub total: Decimal,
    pub posting_key: Option<String>,
    pub document_id: Option<DocumentId>,
    /// The batch of this cell that it stands for.
    pub batch_id: Option<BatchId>,
    pub number: Option<String>,
    pub document_entity: Option<String>,
    pub document_currency: Option<Currency>,
    pub document_period: Option<AccountingPeriod>,
    pub document_stage: Option<Stage>,
    /// It belongs into this period and entity.
    pub is_home: bool,
    /// Copies of that document in the ERPs' ledgers.
    pub copies: i64,
}

pub async fn right_differences(
    conn: &mut Conn,
    entity: EntityId,
    period: AccountingPeriod,
    currencies: &[Currency],
) -> Result<Vec<RightRow>> {
    let stages: Vec<String> = Stage::ALL.iter().filter(|stage| stage.is_issued()).map(ToString::to_string).collect();
    let currencies: Vec<String> = currencies.iter().map(ToString::to_string).collect();
    Ok(sqlx::query_as!(
        RightRow,
        r#"select r.connection_id as "connection_id: ConnectionId", r.erp_id, r.erp_number, r.kind as "kind: ErpKind",
            r.currency as "currency: Currency", r.total, r.posting_key, d.document_id as "document_id?: DocumentId", d.number as "number?",
            case when (w.entity_id, w.period, w.currency, w.kind) = (r.entity_id, r.period, r.currency, r.kind) then w.batch_id end
                as "batch_id: BatchId",
            o.code as "document_entity?", d.currency as "document_currency?: Currency", d.period as "document_period?: AccountingPeriod",
            d.stage as "document_stage?: Stage", coalesce(d.entity_id = r.entity_id and d.period = r.period, false) as "is_home!",
            (select count(*) from erp_document c where c.document_id = r.document_id and c.gone_at is null and c.state = 'posted') as "copies!"
        from erp_document r
        left join document w on w.document_id = r.document_id
        left join document d on d.document_id = r.document_id and d.stage = any($3)
            and not (d.stage = 'resolved' and exists (select from no_posting_approved n where n.document_id = d.document_id))
        left join entity o on o.entity_id = d.entity_id
        where r.entity_id = $1 and r.period = $2 and r.gone_at is null and r.state = 'posted' and r.currency = any($4)
            and (d.document_id is null or d.entity_id <> r.entity_id or d.period <> r.period or d.currency <> r.currency or d.kind <> r.kind)
        order by r.connection_id, r.erp_id"#,
        entity.0,
        period.to_string(),
        &stages,
        &currencies
    )
    .fetch_all(conn)
    .await?)
}
