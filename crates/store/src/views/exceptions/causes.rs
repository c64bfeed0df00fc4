//! Open exceptions by cause, from their totals: the cost is that of the causes shown, not of the rows behind them.

use super::Filter;
use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    exception::ExceptionKind,
    id::{ConnectionId, EntityId},
    mapping::MappingKind,
    period::AccountingPeriod,
    view::{Cluster, StageMoney, WaitingGroup},
};

/// Causes of the most exceptions first. Age and amount of the filter do not narrow them: a total knows neither.
pub async fn clusters(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<Cluster>> {
    let mut tx = crate::views::planned_anew(pool).await?;
    let rows = sqlx::query!(
        r#"with cell as (
            select fingerprint, connection_id, entity_id, kind, currency, sum(count) as count, sum(amount) as amount from exception_total
            where entity_id = any($1) and ($2::uuid is null or entity_id = $2) and ($3::text is null or period = $3)
                and ($4::text is null or currency = $4) and ($5::text is null or kind = $5) and ($6::uuid is null or connection_id = $6)
                and ($7::text is null or fingerprint = $7) and ($8::text is null or owner = $8)
            group by fingerprint, connection_id, entity_id, kind, currency having sum(count) > 0
        ), top as (
            select fingerprint, connection_id, sum(count) as count from cell group by fingerprint, connection_id
            order by count desc, fingerprint, connection_id limit $9
        )
        select t.fingerprint as "fingerprint!", cell.kind as "kind!: ExceptionKind", cell.currency as "currency!", first.message, first.code,
            c.code as "connection_code?", t.connection_id as "connection_id: ConnectionId", first.missing_kind as "missing_kind: MappingKind",
            first.missing_code, e.code as entity, cell.count::bigint as "count!", cell.amount as "amount!", first.opened_at as first_seen,
            last.opened_at as last_seen, first.due_at
        from top t join cell on cell.fingerprint = t.fingerprint and cell.connection_id is not distinct from t.connection_id
        join entity e using (entity_id) left join erp_connection c on c.connection_id = t.connection_id
        cross join lateral (
            select message, code, missing_kind, missing_code, opened_at, due_at from exception x
            where x.closed_at is null and x.fingerprint = t.fingerprint and x.entity_id = cell.entity_id
            order by x.opened_at, x.exception_id limit 1
        ) first
        cross join lateral (
            select opened_at from exception x
            where x.closed_at is null and x.fingerprint = t.fingerprint and x.entity_id = cell.entity_id
            order by x.opened_at desc, x.exception_id desc limit 1
        ) last
        order by t.count desc, t.fingerprint, t.connection_id, e.code, cell.currency"#,
        &scope.ids(),
        filter.entity_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        filter.currency,
        filter.kind.map(ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut clusters: Vec<Cluster> = Vec::new();
    for row in rows {
        let money = StageMoney { currency: row.currency, count: row.count, amount: row.amount };
        let same = clusters.last_mut().filter(|c| c.fingerprint == row.fingerprint && c.connection_id == row.connection_id);
        if let Some(cluster) = same {
            cluster.due_at = cluster.due_at.into_iter().chain(row.due_at).min();
            cluster.add(vec![row.entity], vec![money], row.first_seen, row.last_seen);
        } else {
            clusters.push(Cluster {
                fingerprint: row.fingerprint,
                kind: row.kind,
                code: row.code,
                message: row.message,
                connection_id: row.connection_id,
                connection_code: row.connection_code,
                missing_kind: row.missing_kind,
                missing_code: row.missing_code,
                entities: vec![row.entity],
                count: money.count,
                money: vec![money],
                first_seen: row.first_seen,
                last_seen: row.last_seen,
                due_at: row.due_at,
                trend: Vec::new(),
                closing: Vec::new(),
            });
        }
    }
    Ok(clusters)
}

/// What a filter shows, per currency. Age and amount do not narrow it: a total knows neither.
pub async fn money(pool: &Pool, scope: &Scope, filter: &Filter) -> Result<Vec<StageMoney>> {
    let mut tx = crate::views::planned_anew(pool).await?;
    Ok(sqlx::query_as!(
        StageMoney,
        r#"select currency, sum(count)::bigint as "count!", sum(amount) as "amount!" from exception_total
        where entity_id = any($1) and ($2::uuid is null or entity_id = $2) and ($3::text is null or period = $3)
            and ($4::text is null or currency = $4) and ($5::text is null or kind = $5) and ($6::uuid is null or connection_id = $6)
            and ($7::text is null or fingerprint = $7) and ($8::text is null or owner = $8)
        group by currency having sum(count) > 0 order by currency"#,
        &scope.ids(),
        filter.entity_id.map(|id| id.0),
        filter.period.map(|p| p.to_string()),
        filter.currency,
        filter.kind.map(ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner
    )
    .fetch_all(&mut *tx)
    .await?)
}

/// How many open exceptions a currency, kind and connection have.
#[derive(Debug, Clone)]
pub struct Facet {
    pub currency: String,
    pub kind: ExceptionKind,
    pub connection: Option<(ConnectionId, String)>,
    pub count: i64,
}

/// What there is to filter by, of everything open in a period.
pub async fn facets(pool: &Pool, scope: &Scope, filter: &Filter) -> Result<Vec<Facet>> {
    let rows = sqlx::query!(
        r#"select t.currency, t.kind as "kind: ExceptionKind", t.connection_id as "connection_id: ConnectionId", c.code as "code?",
            sum(t.count)::bigint as "count!"
        from exception_total t left join erp_connection c using (connection_id)
        where t.entity_id = any($1) and ($2::text is null or t.period = $2)
        group by t.currency, t.kind, t.connection_id, c.code having sum(t.count) > 0"#,
        &scope.ids(),
        filter.period.map(|p| p.to_string())
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Facet { currency: row.currency, kind: row.kind, connection: row.connection_id.zip(row.code), count: row.count })
        .collect())
}

/// Everything open in a period, per currency, and since when the oldest of it has been.
pub async fn open(pool: &Pool, scope: &Scope, period: Option<AccountingPeriod>) -> Result<(Vec<StageMoney>, Option<DateTime<Utc>>)> {
    let period = period.map(|period| period.to_string());
    let money = sqlx::query_as!(
        StageMoney,
        r#"select currency, sum(count)::bigint as "count!", sum(amount) as "amount!" from exception_total
        where entity_id = any($1) and ($2::text is null or period = $2) group by currency having sum(count) > 0 order by currency"#,
        &scope.ids(),
        period
    )
    .fetch_all(pool)
    .await?;
    let oldest = sqlx::query_scalar!(
        r#"select min(x.opened_at) from unnest($1::uuid[]) place (id) cross join lateral (
            select opened_at from exception
            where closed_at is null and entity_id = place.id and ($2::text is null or period = $2) order by opened_at limit 1
        ) x"#,
        &scope.ids(),
        period
    )
    .fetch_one(pool)
    .await?;
    Ok((money, oldest))
}

/// Retries are looked at one by one, because no total knows them; more than so many of an entity are not counted.
const RETRIES_COUNTED: i64 = 10_000;

/// What clears by itself: unknown, throttled or retrying, waiting for an invoice.
pub async fn waiting(pool: &Pool, scope: &Scope, entity: Option<EntityId>) -> Result<Vec<WaitingGroup>> {
    let scope = entity.map_or_else(|| scope.clone(), |entity| scope.narrowed(&[entity]));
    let rows = sqlx::query!(
        r#"with total as (
            select entity_id, stage as what, currency, sum(count)::bigint as count, sum(amount) as amount,
                case stage when 'unknown' then (select min(due_at) from posting p join entity_connection using (connection_id)
                    where work = 'probe' and p.entity_id = t.entity_id) end as next_at
            from period_total t where entity_id = any($1) and stage in ('unknown', 'held')
            group by entity_id, stage, currency having sum(count) > 0
        ), retry as (
            select entity_id, 'retry' as what, d.currency, count(*) as count, sum(d.amount) as amount, min(r.due_at) as next_at
            from unnest($1::uuid[]) place (id) cross join lateral (
                select document_id, due_at from posting where entity_id = place.id and work = 'send' and sent_at is not null
                order by due_at limit $2
            ) r join document d using (document_id) group by entity_id, d.currency
        )
        select e.code, w.what as "what!", w.currency as "currency!", w.count as "count!", w.amount as "amount!", w.next_at
        from (select * from total union all select * from retry) w join entity e using (entity_id) order by 2, 1, 3"#,
        &scope.ids(),
        RETRIES_COUNTED
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| WaitingGroup {
            what: row.what,
            entity_code: row.code,
            currency: row.currency,
            count: row.count,
            amount: row.amount,
            next_at: row.next_at,
        })
        .collect())
}
