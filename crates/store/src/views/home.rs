//! Figures of the home page: from totals, open breaks and open batches, never from all documents.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    home::Unreconciled,
    id::EntityId,
    period::AccountingPeriod,
    reconciliation::{AgeBucket, AgingCell},
    stage::Stage,
    view::StageMoney,
};

/// What billing issued and is not yet confirmed, by entity, currency and the age of its batch: hours and days since it came in. Of the batches made for
/// a period, or of all.
pub async fn open_by_age(pool: &Pool, scope: &Scope, period: Option<AccountingPeriod>, now: DateTime<Utc>) -> Result<Vec<AgingCell>> {
    let open: Vec<String> = Stage::ALL.iter().filter(|stage| stage.awaits_confirmation()).map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"select e.entity_id as "entity_id: EntityId", e.code, t.currency, b.received_at, sum(t.count)::bigint as "count!", sum(t.amount) as "amount!"
        from stage_total t join batch b using (batch_id) join entity e on e.entity_id = t.entity_id
        where t.entity_id = any($1) and t.stage = any($2) and ($3::text is null or b.period = $3)
            and t.kind in ('invoice', 'credit_memo')
        group by e.entity_id, e.code, t.currency, b.received_at having sum(t.count) <> 0 order by e.code, t.currency, b.received_at desc"#,
        &scope.ids(),
        &open,
        period.map(|period| period.to_string())
    )
    .fetch_all(pool)
    .await?;
    let mut cells: Vec<AgingCell> = Vec::new();
    for row in rows {
        let bucket = AgeBucket::of(now - row.received_at);
        match cells.last_mut().filter(|cell| cell.entity_id == row.entity_id && cell.currency == row.currency && cell.bucket == bucket) {
            Some(cell) => {
                cell.count += row.count;
                cell.amount += row.amount;
            }
            None => cells.push(AgingCell {
                entity_id: row.entity_id,
                entity_code: row.code,
                currency: row.currency,
                bucket,
                count: row.count,
                amount: row.amount,
            }),
        }
    }
    Ok(cells)
}

/// Open breaks of checkpoint 3 that are not timing, per currency, absolute; of one period or of all.
pub async fn unreconciled(pool: &Pool, scope: &Scope, period: Option<AccountingPeriod>) -> Result<Unreconciled> {
    let period = period.map(|period| period.to_string());
    let money = sqlx::query_as!(
        StageMoney,
        r#"select currency, count(*) as "count!", sum(difference) as "amount!" from reconciliation_break
        where entity_id = any($1) and closed_at is null and checkpoint = 3 and kind <> 'timing' and ($2::text is null or period = $2)
        group by currency order by currency"#,
        &scope.ids(),
        period
    )
    .fetch_all(pool)
    .await?;
    let assessed = sqlx::query_scalar!(
        r#"select count(*) as "count!" from entity e where entity_id = any($1) and exists (
            select from checkpoint_run r where r.entity_id = e.entity_id and r.checkpoint = 3 and ($2::text is null or r.period = $2))"#,
        &scope.ids(),
        period
    )
    .fetch_one(pool)
    .await?;
    Ok(Unreconciled { money, assessed, entities: i64::try_from(scope.entities().len()).unwrap_or_default() })
}

/// The newest period in which billing issued something.
pub async fn newest_period(pool: &Pool, scope: &Scope) -> Result<Option<AccountingPeriod>> {
    let issued: Vec<String> = Stage::ALL.iter().filter(|stage| stage.is_issued()).map(ToString::to_string).collect();
    Ok(sqlx::query_scalar!(
        r#"select max(period) as "period: AccountingPeriod" from period_total where entity_id = any($1) and stage = any($2) and count <> 0
            and kind in ('invoice', 'credit_memo')"#,
        &scope.ids(),
        &issued
    )
    .fetch_one(pool)
    .await?)
}
