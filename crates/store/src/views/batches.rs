//! Batches with where their documents are.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{BatchId, EntityId},
    period::AccountingPeriod,
    stage::{DocumentKind, Stage},
    view::{BatchView, MatrixRow, StageCell},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Which batches a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity_id: Option<EntityId>,
    pub period: Option<AccountingPeriod>,
    /// Older than this one: time and id of the last row seen.
    pub after: Option<(DateTime<Utc>, BatchId)>,
}

struct Head {
    batch_id: Uuid,
    source: String,
    number: String,
    entity_code: String,
    entity_name: String,
    period: AccountingPeriod,
    received_at: DateTime<Utc>,
    actor: String,
    document_count: i32,
}

/// Newest first.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<BatchView>> {
    let heads = sqlx::query_as!(
        Head,
        r#"select batch_id, source, number, e.code as entity_code, e.name as entity_name, period as "period: AccountingPeriod",
            received_at, actor, document_count
        from batch join entity e using (entity_id)
        where entity_id = any($1) and ($2::uuid is null or entity_id = $2) and ($3::text is null or period = $3)
            and ($4::timestamptz is null or (received_at, batch_id) < ($4, $5::uuid))
        order by received_at desc, batch_id desc limit $6"#,
        &scope.ids(),
        filter.entity_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        filter.after.map(|a| a.0),
        filter.after.map(|a| a.1.0),
        limit
    )
    .fetch_all(pool)
    .await?;
    with_matrix(pool, heads).await
}

pub async fn find(pool: &Pool, scope: &Scope, batch: BatchId) -> Result<Option<BatchView>> {
    let head = sqlx::query_as!(
        Head,
        r#"select batch_id, source, number, e.code as entity_code, e.name as entity_name, period as "period: AccountingPeriod",
            received_at, actor, document_count
        from batch join entity e using (entity_id) where batch_id = $1 and entity_id = any($2)"#,
        batch.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    Ok(with_matrix(pool, head.into_iter().collect()).await?.pop())
}

async fn with_matrix(pool: &Pool, heads: Vec<Head>) -> Result<Vec<BatchView>> {
    let ids: Vec<Uuid> = heads.iter().map(|head| head.batch_id).collect();
    let mut matrices = matrices(pool, &ids).await?;
    Ok(heads
        .into_iter()
        .map(|head| BatchView {
            matrix: matrices.remove(&head.batch_id).unwrap_or_default().into_values().collect(),
            batch_id: BatchId(head.batch_id),
            source: head.source,
            number: head.number,
            entity_code: head.entity_code,
            entity_name: head.entity_name,
            period: head.period,
            received_at: head.received_at,
            actor: head.actor,
            document_count: head.document_count,
        })
        .collect())
}

type Matrix = BTreeMap<(String, DocumentKind), MatrixRow>;

/// What came in is the manifest's word, where it is now the totals'; both must agree.
async fn matrices(pool: &Pool, batches: &[Uuid]) -> Result<HashMap<Uuid, Matrix>> {
    let mut matrices: HashMap<Uuid, Matrix> = HashMap::new();
    let manifest = sqlx::query!(
        r#"select batch_id, currency, kind as "kind: DocumentKind", count, total, tax from batch_manifest where batch_id = any($1)"#,
        batches
    )
    .fetch_all(pool)
    .await?;
    for row in manifest {
        let line = MatrixRow { currency: row.currency.clone(), kind: row.kind, came_in: row.count, amount: row.total, tax: row.tax, stages: Vec::new() };
        matrices.entry(row.batch_id).or_default().insert((row.currency, row.kind), line);
    }
    let totals = sqlx::query!(
        r#"select batch_id, currency, kind as "kind: DocumentKind", stage as "stage: Stage",
            sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
        from stage_total where batch_id = any($1)
        group by batch_id, currency, kind, stage having sum(count) <> 0"#,
        batches
    )
    .fetch_all(pool)
    .await?;
    for row in totals {
        let matrix = matrices.entry(row.batch_id).or_default();
        let line = matrix.entry((row.currency.clone(), row.kind)).or_insert_with(|| MatrixRow {
            currency: row.currency,
            kind: row.kind,
            came_in: 0,
            amount: Decimal::ZERO,
            tax: Decimal::ZERO,
            stages: Vec::new(),
        });
        line.stages.push(StageCell { stage: row.stage, count: row.count, amount: row.amount, tax: row.tax });
    }
    for line in matrices.values_mut().flat_map(BTreeMap::values_mut) {
        line.stages.sort_by_key(|cell| cell.stage);
    }
    Ok(matrices)
}

/// The matrix of entities × currency × kind for a period, from the coarse totals: what came in is the sum of all stages.
pub async fn period_matrix(pool: &Pool, scope: &Scope, period: Option<AccountingPeriod>) -> Result<Vec<(String, MatrixRow)>> {
    let rows = sqlx::query!(
        r#"select e.code, currency, kind as "kind: DocumentKind", stage as "stage: Stage",
            sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
        from period_total join entity e using (entity_id)
        where entity_id = any($1) and ($2::text is null or period = $2)
        group by e.code, currency, kind, stage having sum(count) <> 0 order by e.code, currency, kind"#,
        &scope.ids(),
        period.map(|p| p.to_string())
    )
    .fetch_all(pool)
    .await?;
    let mut matrix: Vec<(String, MatrixRow)> = Vec::new();
    for row in rows {
        if !matrix.last().is_some_and(|(code, line)| *code == row.code && line.currency == row.currency && line.kind == row.kind) {
            let line = MatrixRow {
                currency: row.currency,
                kind: row.kind,
                came_in: 0,
                amount: Decimal::ZERO,
                tax: Decimal::ZERO,
                stages: Vec::new(),
            };
            matrix.push((row.code, line));
        }
        if let Some((_, line)) = matrix.last_mut() {
            line.came_in += row.count;
            line.amount += row.amount;
            line.tax += row.tax;
            line.stages.push(StageCell { stage: row.stage, count: row.count, amount: row.amount, tax: row.tax });
            line.stages.sort_by_key(|cell| cell.stage);
        }
    }
    Ok(matrix)
}
