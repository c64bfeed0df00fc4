//! Batches as they were handed over: identity, manifest, and what a batch announces once it is in.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{BatchId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    seal::Hash,
    stage::DocumentKind,
};
use rust_decimal::Decimal;

/// A batch before it is written.
#[derive(Debug, Clone)]
pub struct NewBatch<'a> {
    pub batch_id: BatchId,
    pub source: &'a str,
    pub number: &'a str,
    pub entity_id: EntityId,
    pub period: AccountingPeriod,
    pub content_hash: &'a Hash,
    pub document_count: i32,
    pub received_at: DateTime<Utc>,
    pub actor: String,
}

/// One line of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestLine {
    pub currency: Currency,
    pub kind: DocumentKind,
    pub count: i64,
    pub total: Decimal,
    pub tax: Decimal,
}

/// A batch that has this identity already.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    pub batch_id: BatchId,
    pub content_hash: Hash,
    pub document_count: i32,
}

/// Serialises imports of one batch until the caller commits: the second one sees what the first one did.
pub async fn lock_identity(conn: &mut Conn, source: &str, number: &str) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($2, hashtextextended($1, 0)))", source, number).fetch_one(conn).await?;
    Ok(())
}

pub async fn find(conn: &mut Conn, source: &str, number: &str) -> Result<Option<Taken>> {
    let row = sqlx::query!(
        r#"select batch_id as "batch_id: BatchId", content_hash, document_count from batch where source = $1 and number = $2"#,
        source,
        number
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let content_hash = crate::seals::hash_column(&row.content_hash, "batch", "content_hash", &row.batch_id)?;
        Ok(Taken { batch_id: row.batch_id, content_hash, document_count: row.document_count })
    })
    .transpose()
}

pub async fn insert(conn: &mut Conn, batch: &NewBatch<'_>, manifest: &[ManifestLine]) -> Result<()> {
    sqlx::query!(
        "insert into batch (batch_id, source, number, entity_id, period, content_hash, document_count, received_at, actor)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        batch.batch_id.0,
        batch.source,
        batch.number,
        batch.entity_id.0,
        batch.period.to_string(),
        &batch.content_hash[..],
        batch.document_count,
        batch.received_at,
        batch.actor,
    )
    .execute(&mut *conn)
    .await?;
    let currencies: Vec<String> = manifest.iter().map(|line| line.currency.to_string()).collect();
    let kinds: Vec<String> = manifest.iter().map(|line| line.kind.to_string()).collect();
    let counts: Vec<i64> = manifest.iter().map(|line| line.count).collect();
    let totals: Vec<Decimal> = manifest.iter().map(|line| line.total).collect();
    let taxes: Vec<Decimal> = manifest.iter().map(|line| line.tax).collect();
    sqlx::query!(
        "insert into batch_manifest (batch_id, currency, kind, count, total, tax)
        select $1, * from unnest($2::text[], $3::text[], $4::bigint[], $5::numeric[], $6::numeric[])",
        batch.batch_id.0,
        &currencies,
        &kinds,
        &counts,
        &totals,
        &taxes,
    )
    .execute(&mut *conn)
    .await?;
    crate::controls::await_batch(conn, batch.batch_id).await
}

/// The entity's hard-closed periods. Locks its periods, so that none is closed until the caller commits.
pub async fn closed_periods(conn: &mut Conn, entity: EntityId) -> Result<Vec<AccountingPeriod>> {
    let rows = sqlx::query!(
        r#"select period as "period: AccountingPeriod", state from accounting_period where entity_id = $1 order by period for share"#,
        entity.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().filter(|row| row.state == "hard_closed").map(|row| row.period).collect())
}

/// Announces the batch's finalized documents to subscribers. Returns how many.
pub async fn announce(conn: &mut Conn, batch: BatchId, at: DateTime<Utc>) -> Result<u64> {
    let announced = sqlx::query!(
        "insert into outbox (event, document_id, entity_id, occurred_at)
        select case kind when 'invoice' then 'InvoiceIssued' when 'credit_memo' then 'CreditMemoCreated' when 'payment' then 'PaymentSettled'
            when 'refund' then 'PaymentRefunded' when 'returned_payment' then 'PaymentReturned' when 'chargeback' then 'PaymentDisputed'
            when 'transfer' then 'PaymentTransferred'
            when 'cash_application' then 'CashApplied' else 'CashUnapplied' end, document_id, entity_id, $2
        from document where batch_id = $1 and stage = 'finalized' order by line",
        batch.0,
        at
    )
    .execute(conn)
    .await?;
    Ok(announced.rows_affected())
}
