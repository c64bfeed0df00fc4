//! The chain of seals of an entity: what came in, and what became of it. Seals are appended, never changed.

use crate::{Conn, Error, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{BatchId, DocumentId, EntityId},
    money::Currency,
    seal::{Canonical, Hash, SealContent, merkle_root, seal, set_term},
    stage::{DocumentKind, Stage},
};
use futures::TryStreamExt;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What a seal covers, without its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Canonical text, one line per cell: what, count, amount, tax.
    pub totals: String,
    /// Sum of the rows' terms.
    pub set_hash: String,
    pub merkle_root: Hash,
}

/// Control totals of one cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub count: i64,
    pub amount: Decimal,
    pub tax: Decimal,
}

impl Sums {
    pub fn add(&mut self, amount: Decimal, tax: Decimal) {
        *self = Self { count: self.count + 1, amount: self.amount + amount, tax: self.tax + tax };
    }
}

/// A stage only in outcomes.
type Cell = (Currency, DocumentKind, Option<Stage>);

/// Adds up rows in their order.
#[derive(Debug, Default)]
pub struct Covering {
    cells: BTreeMap<Cell, Sums>,
    terms: i128,
    rows: Vec<Hash>,
    /// Sum of the documents' sequences: with every movement it grows.
    movements: Option<i64>,
}

impl Covering {
    /// A document as it came in.
    pub fn came_in(&mut self, currency: Currency, kind: DocumentKind, amount: Decimal, tax: Decimal, content_hash: Hash) {
        self.add((currency, kind, None), amount, tax, content_hash);
    }

    fn add(&mut self, cell: Cell, amount: Decimal, tax: Decimal, row: Hash) {
        self.cells.entry(cell).or_default().add(amount, tax);
        self.terms += i128::from(set_term(&row));
        self.rows.push(row);
    }

    pub fn finish(self) -> Covered {
        let mut totals = String::new();
        for ((currency, kind, stage), Sums { count, amount, tax }) in &self.cells {
            let stage = stage.map(|stage| format!(" {stage}")).unwrap_or_default();
            totals.push_str(&format!("{currency} {kind}{stage} {count} {} {}\n", amount.normalize(), tax.normalize()));
        }
        if let Some(movements) = self.movements {
            totals.push_str(&format!("movements {movements}\n"));
        }
        Covered { totals, set_hash: self.terms.to_string(), merkle_root: merkle_root(&self.rows) }
    }
}

/// Serialises appends to the entity's chain until the caller commits. Its row is the lock; it stays referable by inserts.
pub async fn lock_chain(conn: &mut Conn, entity: EntityId) -> Result<()> {
    sqlx::query!("select 1 as locked from entity where entity_id = $1 for no key update", entity.0).fetch_one(conn).await?;
    Ok(())
}

/// Appends a seal to the entity's chain and waits for whoever appends at the same moment. Call it late in a transaction, which
/// must be *read committed*.
pub async fn append(
    conn: &mut Conn,
    entity: EntityId,
    batch: BatchId,
    purpose: &'static str,
    covered: &Covered,
    at: DateTime<Utc>,
) -> Result<Hash> {
    lock_chain(conn, entity).await?;
    let last = sqlx::query!("select sequence, seal_hash from seal where entity_id = $1 order by sequence desc limit 1", entity.0)
        .fetch_optional(&mut *conn)
        .await?;
    let previous = last.as_ref().map(|last| hash_column(&last.seal_hash, "seal", "seal_hash", &entity)).transpose()?;
    let hash = seal(&SealContent {
        previous: previous.as_ref(),
        purpose,
        totals: &covered.totals,
        set_hash: &covered.set_hash,
        merkle_root: &covered.merkle_root,
    });
    sqlx::query!(
        "insert into seal (entity_id, sequence, batch_id, purpose, totals, set_hash, merkle_root, previous_hash, seal_hash, sealed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        entity.0,
        last.map_or(1, |last| last.sequence + 1),
        batch.0,
        purpose,
        covered.totals,
        covered.set_hash,
        &covered.merkle_root[..],
        previous.as_ref().map(|hash| &hash[..]),
        &hash[..],
        at,
    )
    .execute(conn)
    .await?;
    Ok(hash)
}

/// What an intake seal of the batch covers, from the rows as they are.
pub async fn intake_of(conn: &mut Conn, batch: BatchId) -> Result<Covered> {
    let mut rows = sqlx::query!(
        r#"select currency as "currency: Currency", kind as "kind: DocumentKind", amount, tax, content_hash, document_id as "id: DocumentId"
        from document where batch_id = $1 order by line"#,
        batch.0
    )
    .fetch(conn);
    let mut covering = Covering::default();
    while let Some(row) = rows.try_next().await? {
        let hash = hash_column(&row.content_hash, "document", "content_hash", &row.id)?;
        covering.came_in(row.currency, row.kind, row.amount, row.tax, hash);
    }
    Ok(covering.finish())
}

/// What an outcome seal of the batch covers now: id, content hash, stage and ERP number of every document. `None` while something
/// is still expected to happen to one.
pub async fn outcome_of(conn: &mut Conn, batch: BatchId) -> Result<Option<Covered>> {
    let mut rows = sqlx::query!(
        r#"select d.document_id as "id: DocumentId", currency as "currency: Currency", kind as "kind: DocumentKind", amount, tax, content_hash,
            stage as "stage: Stage", sequence, erp_number
        from document d left join posting using (document_id) where batch_id = $1 order by line"#,
        batch.0
    )
    .fetch(conn);
    let mut covering = Covering { movements: Some(0), ..Covering::default() };
    while let Some(row) = rows.try_next().await? {
        if !row.stage.is_final() {
            return Ok(None);
        }
        let hash = Canonical::new("outcome")
            .bytes(row.id.0.as_bytes())
            .bytes(&row.content_hash)
            .text(row.stage.as_str())
            .text(row.erp_number.as_deref().unwrap_or_default())
            .finish();
        covering.add((row.currency, row.kind, Some(row.stage)), row.amount, row.tax, hash);
        covering.movements = covering.movements.map(|sum| sum + i64::from(row.sequence));
    }
    Ok(Some(covering.finish()))
}

/// Batches whose documents are all in a final stage and that moved since their last outcome seal, or have none.
pub async fn ready_for_outcome(conn: &mut Conn, limit: i64) -> Result<Vec<(BatchId, EntityId)>> {
    let stages: Vec<String> = Stage::ALL.iter().filter(|stage| stage.is_final()).map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"select b.batch_id as "batch_id: BatchId", b.entity_id as "entity_id: EntityId" from batch b
        left join lateral (
            select max(sealed_at) as sealed_at from seal where seal.batch_id = b.batch_id and purpose = 'outcome'
        ) last on true
        where not exists (
            select from stage_total t where t.batch_id = b.batch_id and t.stage <> all($1) group by t.stage having sum(t.count) <> 0
        ) and (last.sealed_at is null or exists (
            select from movement m where m.entity_id = b.entity_id and m.moved_at >= last.sealed_at and m.batch_id = b.batch_id
        ))
        order by b.entity_id, b.batch_id limit $2"#,
        &stages,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.batch_id, row.entity_id)).collect())
}

/// The batch's last seal of a purpose.
pub async fn last(conn: &mut Conn, batch: BatchId, purpose: &str) -> Result<Option<Covered>> {
    let row = sqlx::query!(
        "select totals, set_hash, merkle_root from seal where batch_id = $1 and purpose = $2 order by sequence desc limit 1",
        batch.0,
        purpose
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let merkle_root = hash_column(&row.merkle_root, "seal", "merkle_root", &batch)?;
        Ok(Covered { totals: row.totals, set_hash: row.set_hash, merkle_root })
    })
    .transpose()
}

/// A hash column; the database checks its length.
pub(crate) fn hash_column(bytes: &[u8], table: &'static str, column: &'static str, id: &impl std::fmt::Display) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::Corrupt { table, column, id: id.to_string(), why: "not 32 bytes".into() })
}
