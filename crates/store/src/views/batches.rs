//! Batches with where their documents are.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{BatchId, EntityId},
    period::AccountingPeriod,
    seal::hex,
    stage::{DocumentKind, Family, Stage},
    view::{BatchView, MatrixRow, SealView, StageCell},
};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Which batches a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub entity_id: Option<EntityId>,
    pub period: Option<AccountingPeriod>,
    /// Those that brought a document of it.
    pub family: Family,
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

fn words(family: Family) -> Vec<String> {
    family.kinds().iter().map(ToString::to_string).collect()
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
            and exists (select from batch_manifest m where m.batch_id = batch.batch_id and m.kind = any($7))
        order by received_at desc, batch_id desc limit $6"#,
        &scope.ids(),
        filter.entity_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        filter.after.map(|a| a.0),
        filter.after.map(|a| a.1.0),
        limit,
        &words(filter.family)
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
        let line = MatrixRow {
            currency: row.currency.clone(),
            kind: row.kind,
            came_in: row.count,
            amount: row.total,
            tax: row.tax,
            stages: Vec::new(),
        };
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
        let line = matrix.entry((row.currency.clone(), row.kind)).or_insert_with(|| empty_row(row.currency, row.kind));
        line.stages.push(StageCell { stage: row.stage, count: row.count, amount: row.amount, tax: row.tax });
    }
    for line in matrices.values_mut().flat_map(BTreeMap::values_mut) {
        line.stages.sort_by_key(|cell| cell.stage);
    }
    Ok(matrices)
}

/// The matrix of entities × currency × kind of a family over the batches of a period, or over all. What came in is the word of their manifests,
/// where it is now the totals'; both must agree.
pub async fn period_matrix(
    pool: &Pool,
    scope: &Scope,
    family: Family,
    period: Option<AccountingPeriod>,
) -> Result<Vec<(String, MatrixRow)>> {
    let mut matrix: BTreeMap<(String, String, DocumentKind), MatrixRow> = BTreeMap::new();
    let manifest = sqlx::query!(
        r#"select e.code, m.currency, m.kind as "kind: DocumentKind", sum(m.count)::bigint as "count!", sum(m.total) as "total!", sum(m.tax) as "tax!"
        from batch b join batch_manifest m using (batch_id) join entity e using (entity_id)
        where b.entity_id = any($1) and ($2::text is null or b.period = $2) and m.kind = any($3)
        group by e.code, m.currency, m.kind"#,
        &scope.ids(),
        period.map(|p| p.to_string()),
        &words(family)
    )
    .fetch_all(pool)
    .await?;
    for row in manifest {
        let line = matrix.entry((row.code, row.currency.clone(), row.kind)).or_insert_with(|| empty_row(row.currency, row.kind));
        (line.came_in, line.amount, line.tax) = (row.count, row.total, row.tax);
    }
    for (code, currency, kind, cell) in accounted(pool, scope, family, period).await? {
        let line = matrix.entry((code, currency.clone(), kind)).or_insert_with(|| empty_row(currency, kind));
        line.stages.push(cell);
    }
    for line in matrix.values_mut() {
        line.stages.sort_by_key(|cell| cell.stage);
    }
    Ok(matrix.into_iter().map(|((code, ..), line)| (code, line)).collect())
}

fn empty_row(currency: String, kind: DocumentKind) -> MatrixRow {
    MatrixRow { currency, kind, came_in: 0, amount: Decimal::ZERO, tax: Decimal::ZERO, stages: Vec::new() }
}

/// Totals per stage. All periods are read from the coarse totals; a period of batches only from the fine ones, because a document
/// may be posted in another period than its batch's.
async fn accounted(
    pool: &Pool,
    scope: &Scope,
    family: Family,
    period: Option<AccountingPeriod>,
) -> Result<Vec<(String, String, DocumentKind, StageCell)>> {
    struct Row {
        code: String,
        currency: String,
        kind: DocumentKind,
        stage: Stage,
        count: i64,
        amount: Decimal,
        tax: Decimal,
    }
    let rows = if let Some(period) = period {
        sqlx::query_as!(
            Row,
            r#"select e.code, currency, kind as "kind: DocumentKind", stage as "stage: Stage",
                sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
            from stage_total join entity e using (entity_id)
            where batch_id in (select batch_id from batch where entity_id = any($1) and period = $2) and kind = any($3)
            group by e.code, currency, kind, stage having sum(count) <> 0"#,
            &scope.ids(),
            period.to_string(),
            &words(family)
        )
        .fetch_all(pool)
        .await?
    } else {
        sqlx::query_as!(
            Row,
            r#"select e.code, currency, kind as "kind: DocumentKind", stage as "stage: Stage",
                sum(count)::bigint as "count!", sum(amount) as "amount!", sum(tax) as "tax!"
            from period_total join entity e using (entity_id)
            where entity_id = any($1) and kind = any($2)
            group by e.code, currency, kind, stage having sum(count) <> 0"#,
            &scope.ids(),
            &words(family)
        )
        .fetch_all(pool)
        .await?
    };
    let cell =
        |row: Row| (row.code, row.currency, row.kind, StageCell { stage: row.stage, count: row.count, amount: row.amount, tax: row.tax });
    Ok(rows.into_iter().map(cell).collect())
}

/// Its links in the chain of its entity's seals, in order.
pub async fn seals(pool: &Pool, scope: &Scope, batch: BatchId) -> Result<Vec<SealView>> {
    let rows = sqlx::query!(
        "select sequence, purpose, totals, set_hash, merkle_root, previous_hash, seal_hash, sealed_at
        from seal where batch_id = $1 and entity_id = any($2) order by sequence",
        batch.0,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SealView {
            sequence: row.sequence,
            purpose: row.purpose,
            totals: row.totals,
            set_hash: row.set_hash,
            merkle_root: hex(&row.merkle_root),
            previous_hash: row.previous_hash.as_deref().map(hex),
            seal_hash: hex(&row.seal_hash),
            sealed_at: row.sealed_at,
        })
        .collect())
}
