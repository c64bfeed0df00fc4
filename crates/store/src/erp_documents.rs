//! What the ERPs hold, as it was read back; and which of it has to be compared with ours.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{ConnectionId, DocumentId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    posting::{ErpDocument, ErpKind, ErpState, PostingKey},
    reconciliation::ReadState,
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;

/// One read of some periods of an entity's receivables.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// UUIDv7, so that a later read has a greater id.
    pub read_id: uuid::Uuid,
    pub entity: EntityId,
    pub connection: ConnectionId,
    pub started_at: DateTime<Utc>,
}

/// Writes what a read saw; each `erp_id` at most once in a call. Links ours by posting key, else by the ERP's id, else by a
/// number that was entered by hand. What is new or differs from the last read becomes unchecked. Rows that a later read
/// wrote stay as they are.
pub async fn upsert(conn: &mut Conn, read: Read, seen: &[ErpDocument]) -> Result<u64> {
    let ids: Vec<&str> = seen.iter().map(|d| d.erp_id.as_str()).collect();
    let refs: Vec<&str> = seen.iter().map(|d| d.entity_ref.as_str()).collect();
    let keys: Vec<Option<&str>> = seen.iter().map(|d| d.posting_key.as_ref().map(|key| key.0.as_str())).collect();
    let kinds: Vec<&str> = seen.iter().map(|d| d.kind.as_str()).collect();
    let states: Vec<&str> = seen.iter().map(|d| d.state.as_str()).collect();
    let numbers: Vec<&str> = seen.iter().map(|d| d.erp_number.as_str()).collect();
    let customers: Vec<Option<&str>> = seen.iter().map(|d| d.customer_ref.as_deref()).collect();
    let currencies: Vec<&str> = seen.iter().map(|d| d.currency.code()).collect();
    let totals: Vec<Decimal> = seen.iter().map(|d| d.total).collect();
    let taxes: Vec<Option<Decimal>> = seen.iter().map(|d| d.tax).collect();
    let document_dates: Vec<Option<NaiveDate>> = seen.iter().map(|d| d.document_date).collect();
    let posting_dates: Vec<NaiveDate> = seen.iter().map(|d| d.posting_date).collect();
    let periods: Vec<String> = seen.iter().map(|d| AccountingPeriod::of(d.posting_date).to_string()).collect();
    let due_dates: Vec<Option<NaiveDate>> = seen.iter().map(|d| d.due_date).collect();
    let stamps: Vec<Option<&str>> = seen.iter().map(|d| d.modified_at.as_deref()).collect();
    let done = sqlx::query!(
        "insert into erp_document as e (connection_id, erp_id, entity_id, entity_ref, posting_key, document_id, kind, state, erp_number,
            customer_ref, currency, total, tax, document_date, posting_date, period, due_date, modified_at, first_seen_at, seen_at, read_id)
        select $1, r.erp_id, $2, r.entity_ref, r.posting_key, coalesce(k.document_id, i.document_id, n.document_id), r.kind, r.state,
            r.erp_number, r.customer_ref, r.currency, r.total, r.tax, r.document_date, r.posting_date, r.period, r.due_date, r.modified_at,
            $3, $3, $4
        from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::numeric[],
                $14::numeric[], $15::date[], $16::date[], $17::text[], $18::date[], $19::text[])
            r (erp_id, entity_ref, posting_key, kind, state, erp_number, customer_ref, currency, total, tax, document_date, posting_date,
                period, due_date, modified_at)
        left join (posting_payload b join posting k using (document_id)) on b.posting_key = r.posting_key and k.connection_id = $1
        left join lateral (
            select document_id from posting p where k.document_id is null and p.connection_id = $1 and p.erp_id = r.erp_id limit 1
        ) i on true
        left join lateral (
            select document_id from posting p where k.document_id is null and i.document_id is null and p.connection_id = $1
                and p.entity_id = $2 and p.erp_id is null and p.erp_number = r.erp_number limit 1
        ) n on true
        order by r.erp_id
        on conflict (connection_id, erp_id) do update set entity_id = excluded.entity_id, entity_ref = excluded.entity_ref,
            posting_key = excluded.posting_key, document_id = coalesce(excluded.document_id, e.document_id), kind = excluded.kind,
            state = excluded.state, erp_number = excluded.erp_number, customer_ref = excluded.customer_ref, currency = excluded.currency,
            total = excluded.total, tax = excluded.tax, document_date = excluded.document_date, posting_date = excluded.posting_date,
            period = excluded.period, due_date = excluded.due_date, modified_at = excluded.modified_at, seen_at = excluded.seen_at,
            read_id = excluded.read_id, gone_at = null,
            unchecked = e.unchecked or e.gone_at is not null
                or (e.entity_id, e.entity_ref, e.document_id, e.kind, e.state, e.erp_number, e.customer_ref, e.currency, e.total, e.tax,
                    e.document_date, e.posting_date, e.due_date)
                is distinct from (excluded.entity_id, excluded.entity_ref, coalesce(excluded.document_id, e.document_id), excluded.kind,
                    excluded.state, excluded.erp_number, excluded.customer_ref, excluded.currency, excluded.total, excluded.tax,
                    excluded.document_date, excluded.posting_date, excluded.due_date)
        where e.read_id <= excluded.read_id",
        read.connection.0,
        read.entity.0,
        read.started_at,
        read.read_id,
        &ids as &[&str],
        &refs as &[&str],
        &keys as &[Option<&str>],
        &kinds as &[&str],
        &states as &[&str],
        &numbers as &[&str],
        &customers as &[Option<&str>],
        &currencies as &[&str],
        &totals,
        &taxes as &[Option<Decimal>],
        &document_dates as &[Option<NaiveDate>],
        &posting_dates,
        &periods,
        &due_dates as &[Option<NaiveDate>],
        &stamps as &[Option<&str>]
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Marks what stood in completely read periods and was not seen by this read or a later one. Returns how many are gone. Applications
/// are in no period's read.
pub async fn mark_gone(conn: &mut Conn, read: Read, periods: &[AccountingPeriod], now: DateTime<Utc>) -> Result<u64> {
    let periods: Vec<String> = periods.iter().map(ToString::to_string).collect();
    let done = sqlx::query!(
        "update erp_document set gone_at = $5, unchecked = true
        where entity_id = $1 and connection_id = $2 and period = any($3) and read_id < $4 and gone_at is null
            and kind not in ('cash_application', 'application_reversal')",
        read.entity.0,
        read.connection.0,
        &periods,
        read.read_id,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Records a complete read: period and how many documents it holds.
pub async fn record_read(conn: &mut Conn, read: Read, found: &[(AccountingPeriod, i32)], now: DateTime<Utc>) -> Result<()> {
    let periods: Vec<String> = found.iter().map(|(period, _)| period.to_string()).collect();
    let counts: Vec<i32> = found.iter().map(|(_, count)| *count).collect();
    sqlx::query!(
        "insert into sync_state (entity_id, period, started_at, finished_at, documents)
        select $1, period, $2, $3, documents from unnest($4::text[], $5::integer[]) r (period, documents) order by period
        on conflict (entity_id, period) do update set started_at = excluded.started_at, finished_at = excluded.finished_at,
            documents = excluded.documents, error = null",
        read.entity.0,
        read.started_at,
        now,
        &periods,
        &counts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Records a read that was not answered; what the last complete one found stays.
pub async fn record_failure(conn: &mut Conn, read: Read, periods: &[AccountingPeriod], error: &str) -> Result<()> {
    let periods: Vec<String> = periods.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into sync_state (entity_id, period, started_at, error) select $1, period, $2, $3 from unnest($4::text[]) period order by period
        on conflict (entity_id, period) do update set started_at = excluded.started_at, error = excluded.error",
        read.entity.0,
        read.started_at,
        error,
        &periods
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Periods in which documents of the entity are, or may be, in the ERP, newest first; `true`: some still wait to be confirmed.
pub async fn periods_in_erp(conn: &mut Conn, entity: EntityId) -> Result<Vec<(AccountingPeriod, bool)>> {
    let rows = sqlx::query!(
        r#"select period as "period: AccountingPeriod", coalesce(sum(count) filter (where stage = 'posted'), 0) > 0 as "waits!"
        from period_total where entity_id = $1 and stage in ('posted', 'confirmed', 'mismatch')
        group by period having sum(count) > 0 order by period desc"#,
        entity.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.period, row.waits)).collect())
}

/// When periods were read back, for every entity of the caller that has an ERP.
pub async fn read_states(pool: &Pool, scope: &Scope, period: AccountingPeriod) -> Result<Vec<ReadState>> {
    Ok(sqlx::query_as!(
        ReadState,
        r#"select e.entity_id as "entity_id: EntityId", e.code as entity_code, $2::text as "period!: AccountingPeriod",
            s.started_at as "started_at?", s.finished_at, coalesce(s.documents, 0) as "documents!", s.error
        from entity_connection ec join entity e using (entity_id) left join sync_state s on s.entity_id = e.entity_id and s.period = $2
        where e.entity_id = any($1) order by e.code"#,
        &scope.ids(),
        period.to_string()
    )
    .fetch_all(pool)
    .await?)
}

/// An application that has to be looked up in its ERP.
#[derive(Debug)]
pub struct Unseen {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub posting_key: String,
    pub payload: serde_json::Value,
}

/// Applications of an entity that the ERP accepted and that were not seen there, and those that differed, in id order.
pub async fn unseen_applications(conn: &mut Conn, entity: EntityId, after: uuid::Uuid, limit: i64) -> Result<Vec<Unseen>> {
    Ok(sqlx::query_as!(
        Unseen,
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, b.posting_key, b.payload
        from document d join posting_payload b using (document_id)
        where d.entity_id = $1 and d.stage in ('posted', 'mismatch') and d.kind in ('cash_application', 'application_reversal')
            and d.document_id > $2
            and (d.stage = 'mismatch' or not exists (select from erp_document e where e.document_id = d.document_id and e.gone_at is null))
        order by d.document_id limit $3"#,
        entity.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A document of ours that has to be compared with the ERP.
#[derive(Debug)]
pub struct Compared {
    pub document_id: DocumentId,
    pub stage: Stage,
    pub mapped: serde_json::Value,
}

/// Documents whose ERP document is new or changed, locked in id order.
pub async fn claim_unchecked(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<Compared>> {
    Ok(sqlx::query_as!(
        Compared,
        r#"select d.document_id as "document_id: DocumentId", d.stage as "stage: Stage", p.mapped
        from document d join posting_payload p using (document_id)
        where d.document_id in (
            select distinct e.document_id from erp_document e join document o on o.document_id = e.document_id
            where e.entity_id = $1 and e.unchecked and o.stage in ('posted', 'confirmed', 'mismatch')
            order by e.document_id limit $2
        ) and d.stage in ('posted', 'confirmed', 'mismatch')
        order by d.document_id for update of d"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A row read back, with what became of it.
#[derive(Debug)]
pub struct Held {
    pub document_id: DocumentId,
    pub connection_id: ConnectionId,
    pub document: ErpDocument,
    pub gone: bool,
}

/// What the ERPs hold of these documents, gone or not, locked until the comparison is written.
pub async fn held(conn: &mut Conn, documents: &[DocumentId]) -> Result<Vec<Held>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select document_id as "document_id!: DocumentId", connection_id as "connection_id: ConnectionId", erp_id, erp_number, posting_key,
            kind as "kind: ErpKind", state as "state: ErpState", entity_ref, customer_ref, currency as "currency: Currency", total, tax,
            document_date, posting_date, due_date, modified_at, gone_at is not null as "gone!"
        from erp_document where document_id = any($1) order by connection_id, erp_id for update"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Held {
            document_id: row.document_id,
            connection_id: row.connection_id,
            gone: row.gone,
            document: ErpDocument {
                erp_id: row.erp_id,
                erp_number: row.erp_number,
                posting_key: row.posting_key.map(PostingKey),
                kind: row.kind,
                state: row.state,
                entity_ref: row.entity_ref,
                customer_ref: row.customer_ref,
                currency: row.currency,
                total: row.total,
                tax: row.tax,
                document_date: row.document_date,
                posting_date: row.posting_date,
                due_date: row.due_date,
                modified_at: row.modified_at,
            },
        })
        .collect())
}

/// These rows were compared as they are.
pub async fn mark_checked(conn: &mut Conn, rows: &[Held]) -> Result<()> {
    let connections: Vec<uuid::Uuid> = rows.iter().map(|row| row.connection_id.0).collect();
    let ids: Vec<&str> = rows.iter().map(|row| row.document.erp_id.as_str()).collect();
    sqlx::query!(
        "update erp_document e set unchecked = false from unnest($1::uuid[], $2::text[]) r (connection_id, erp_id)
        where e.connection_id = r.connection_id and e.erp_id = r.erp_id",
        &connections,
        &ids as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}
