//! Checkpoint 3: what was issued against what the ERPs hold. Control totals are read first, rows only where they differ.

mod read;

pub use read::{aging, breaks, cells};

use crate::{Conn, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    checkpoint::{BreakKind, ControlTotal},
    id::{BreakId, CheckpointRunId, ConnectionId, DocumentId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpKind, ErpState},
    stage::{DocumentKind, Side, Stage},
};
use rust_decimal::Decimal;

/// The checkpoint that is kept here.
const CHECKPOINT: i16 = 3;

/// Makes the caller's transaction see one moment: totals and rows that belong together. Must be its first statement.
pub async fn one_snapshot(conn: &mut Conn) -> Result<()> {
    sqlx::query!("set transaction isolation level repeatable read").execute(conn).await?;
    Ok(())
}

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

/// The left side by stage.
#[derive(Debug)]
pub struct LeftTotal {
    pub currency: Currency,
    pub kind: DocumentKind,
    pub stage: Stage,
    pub total: ControlTotal,
}

pub async fn left_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<LeftTotal>> {
    let rows = sqlx::query!(
        r#"select currency as "currency: Currency", kind as "kind: DocumentKind", stage as "stage: Stage", sum(count)::bigint as "count!",
            sum(amount) as "amount!", sum(tax) as "tax!"
        from period_total where entity_id = $1 and period = $2 group by currency, kind, stage having sum(count) <> 0"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LeftTotal {
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
) -> Result<Vec<(Currency, DocumentKind, ControlTotal)>> {
    let rows = sqlx::query!(
        r#"select currency as "currency: Currency", kind as "kind: DocumentKind", count(*) as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
        from document d where entity_id = $1 and stage = 'resolved' and period = $2
            and exists (select from no_posting_approved n where n.document_id = d.document_id)
        group by currency, kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.currency, row.kind, ControlTotal { count: row.count, amount: row.amount, tax: row.tax })).collect())
}

/// The right side; `unchecked` counts what has not been compared with ours since it changed.
#[derive(Debug)]
pub struct RightTotal {
    pub currency: Currency,
    pub kind: ErpKind,
    pub total: ControlTotal,
    pub unchecked: i64,
}

/// What the ERP holds in its ledger. Tax that it does not carry is taken as ours: it can't differ.
pub async fn right_totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<RightTotal>> {
    let rows = sqlx::query!(
        r#"select currency as "currency: Currency", kind as "kind: ErpKind", count(*) as "count!", sum(total) as "amount!",
            sum(coalesce(tax, (select d.tax from document d where d.document_id = r.document_id), 0)) as "tax!",
            count(*) filter (where unchecked) as "unchecked!"
        from erp_document r where entity_id = $1 and period = $2 and gone_at is null and state = 'posted' group by currency, kind"#,
        entity.0,
        period.to_string()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| RightTotal {
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
        select i.document_id as "document_id: DocumentId", i.number, i.kind as "kind: DocumentKind", i.stage as "stage: Stage", i.stage_at,
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
            o.code as "document_entity?", d.currency as "document_currency?: Currency", d.period as "document_period?: AccountingPeriod",
            d.stage as "document_stage?: Stage", coalesce(d.entity_id = r.entity_id and d.period = r.period, false) as "is_home!",
            (select count(*) from erp_document c where c.document_id = r.document_id and c.gone_at is null and c.state = 'posted') as "copies!"
        from erp_document r
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

/// Currencies of the open breaks of an entity's period.
pub async fn currencies_of_open_breaks(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<Currency>> {
    Ok(sqlx::query_scalar!(
        r#"select distinct currency as "currency: Currency" from reconciliation_break
        where entity_id = $1 and period = $2 and checkpoint = $3 and closed_at is null"#,
        entity.0,
        period.to_string(),
        CHECKPOINT
    )
    .fetch_all(conn)
    .await?)
}

/// A difference that a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub currency: Currency,
    pub side: Side,
    pub kind: BreakKind,
    pub document_id: Option<DocumentId>,
    pub erp: Option<(ConnectionId, String)>,
    pub left_amount: Decimal,
    pub right_amount: Decimal,
    /// Absolute.
    pub difference: Decimal,
    pub explanation: String,
    /// The same item in the same cell is the same break.
    pub identity: String,
    pub expected_by: Option<DateTime<Utc>>,
}

/// How many breaks a run opened, kept and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreakChanges {
    pub opened: u64,
    pub kept: u64,
    pub closed: u64,
}

/// Opens what is new, keeps what is still there with its age and owner, closes what is not there any more.
/// `ids` are for the new ones, one for each found.
pub async fn put_breaks(
    conn: &mut Conn,
    entity: EntityId,
    period: AccountingPeriod,
    found: &[Found],
    ids: &[BreakId],
    now: DateTime<Utc>,
) -> Result<BreakChanges> {
    let identities: Vec<&str> = found.iter().map(|f| f.identity.as_str()).collect();
    let closed = sqlx::query!(
        "update reconciliation_break set closed_at = $4
        where entity_id = $1 and period = $2 and checkpoint = $3 and closed_at is null and identity <> all($5)",
        entity.0,
        period.to_string(),
        CHECKPOINT,
        now,
        &identities as &[&str]
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let currencies: Vec<&str> = found.iter().map(|f| f.currency.code()).collect();
    let sides: Vec<&str> = found.iter().map(|f| f.side.as_str()).collect();
    let kinds: Vec<&str> = found.iter().map(|f| f.kind.as_str()).collect();
    let documents: Vec<Option<uuid::Uuid>> = found.iter().map(|f| f.document_id.map(|id| id.0)).collect();
    let connections: Vec<Option<uuid::Uuid>> = found.iter().map(|f| f.erp.as_ref().map(|(connection, _)| connection.0)).collect();
    let erp_ids: Vec<Option<&str>> = found.iter().map(|f| f.erp.as_ref().map(|(_, id)| id.as_str())).collect();
    let lefts: Vec<Decimal> = found.iter().map(|f| f.left_amount).collect();
    let rights: Vec<Decimal> = found.iter().map(|f| f.right_amount).collect();
    let differences: Vec<Decimal> = found.iter().map(|f| f.difference).collect();
    let explanations: Vec<&str> = found.iter().map(|f| f.explanation.as_str()).collect();
    let expected: Vec<Option<DateTime<Utc>>> = found.iter().map(|f| f.expected_by).collect();
    let written = sqlx::query_scalar!(
        r#"insert into reconciliation_break as b (break_id, checkpoint, entity_id, period, currency, side, kind, document_id, connection_id,
            erp_id, left_amount, right_amount, difference, explanation, identity, opened_at, expected_by)
        select id, $1, $2, $3, currency, side, kind, document_id, connection_id, erp_id, l, r, difference, explanation, identity, $4, expected_by
        from unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::uuid[], $11::text[], $12::numeric[], $13::numeric[],
                $14::numeric[], $15::text[], $16::text[], $17::timestamptz[])
            f (id, currency, side, kind, document_id, connection_id, erp_id, l, r, difference, explanation, identity, expected_by)
        order by identity
        on conflict (identity) where closed_at is null do update set kind = excluded.kind, document_id = excluded.document_id,
            connection_id = excluded.connection_id, erp_id = excluded.erp_id, left_amount = excluded.left_amount,
            right_amount = excluded.right_amount, difference = excluded.difference, explanation = excluded.explanation,
            expected_by = excluded.expected_by
        returning b.break_id = any($5) as "opened!""#,
        CHECKPOINT,
        entity.0,
        period.to_string(),
        now,
        &ids,
        &currencies as &[&str],
        &sides as &[&str],
        &kinds as &[&str],
        &documents as &[Option<uuid::Uuid>],
        &connections as &[Option<uuid::Uuid>],
        &erp_ids as &[Option<&str>],
        &lefts,
        &rights,
        &differences,
        &explanations as &[&str],
        &identities as &[&str],
        &expected as &[Option<DateTime<Utc>>]
    )
    .fetch_all(conn)
    .await?;
    let opened = u64::try_from(written.iter().filter(|opened| **opened).count()).unwrap_or_default();
    let all = u64::try_from(written.len()).unwrap_or_default();
    Ok(BreakChanges { opened, kept: all - opened, closed })
}

/// One cell of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub currency: Currency,
    pub side: Side,
    pub left: ControlTotal,
    pub right: ControlTotal,
    pub timing: (i64, Decimal),
    pub unreconciled: (i64, Decimal),
}

/// A run of the checkpoint over one entity and period.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub run_id: CheckpointRunId,
    pub entity: EntityId,
    pub period: AccountingPeriod,
    pub ran_at: DateTime<Utc>,
    pub read_at: DateTime<Utc>,
}

pub async fn insert_run(conn: &mut Conn, run: Run, cells: &[Cell]) -> Result<()> {
    sqlx::query!(
        "insert into checkpoint_run (run_id, checkpoint, entity_id, period, ran_at, read_at) values ($1, $2, $3, $4, $5, $6)",
        run.run_id.0,
        CHECKPOINT,
        run.entity.0,
        run.period.to_string(),
        run.ran_at,
        run.read_at
    )
    .execute(&mut *conn)
    .await?;
    let text = |of: fn(&Cell) -> String| cells.iter().map(of).collect::<Vec<String>>();
    let number = |of: fn(&Cell) -> i64| cells.iter().map(of).collect::<Vec<i64>>();
    let money = |of: fn(&Cell) -> Decimal| cells.iter().map(of).collect::<Vec<Decimal>>();
    sqlx::query!(
        "insert into checkpoint_cell (run_id, currency, side, left_count, left_amount, left_tax, right_count, right_amount, right_tax,
            timing_count, timing_amount, unreconciled_count, unreconciled_amount)
        select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::numeric[], $6::numeric[], $7::bigint[], $8::numeric[], $9::numeric[],
            $10::bigint[], $11::numeric[], $12::bigint[], $13::numeric[])",
        run.run_id.0,
        &text(|c| c.currency.to_string()),
        &text(|c| c.side.to_string()),
        &number(|c| c.left.count),
        &money(|c| c.left.amount),
        &money(|c| c.left.tax),
        &number(|c| c.right.count),
        &money(|c| c.right.amount),
        &money(|c| c.right.tax),
        &number(|c| c.timing.0),
        &money(|c| c.timing.1),
        &number(|c| c.unreconciled.0),
        &money(|c| c.unreconciled.1)
    )
    .execute(conn)
    .await?;
    Ok(())
}
