//! What is said about a cause beside its money: how it grows, what close it holds up, what began it, and what a replay of it would
//! come to.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    cluster::{Foreseen, Origin, TREND_DAYS},
    mapping::MappingKind,
    period::{AccountingPeriod, PeriodState},
    replay::ReplayVerdict,
    view::{Cluster, StageMoney},
};

/// Gives causes their trend and the closing periods that they hold up, in their entities.
pub async fn describe(pool: &Pool, scope: &Scope, causes: &mut [Cluster], now: DateTime<Utc>) -> Result<()> {
    let fingerprints: Vec<String> = causes.iter().map(|cause| cause.fingerprint.clone()).collect();
    let days = i32::try_from(TREND_DAYS).unwrap_or(i32::MAX);
    let opened = sqlx::query!(
        r#"select f.fingerprint, e.code, f.day - ($3::timestamptz at time zone e.time_zone)::date + $4 - 1 as "place!", f.opened
        from cause_flow f join entity e using (entity_id)
        where f.fingerprint = any($1) and f.entity_id = any($2) and f.day > ($3::timestamptz at time zone e.time_zone)::date - $4"#,
        &fingerprints,
        &scope.ids(),
        now,
        days
    )
    .fetch_all(pool)
    .await?;
    let periods = sqlx::query!(
        r#"select distinct t.fingerprint, e.code, t.period as "period: AccountingPeriod", coalesce(p.state, 'open') as "state!: PeriodState",
            ($3::timestamptz at time zone e.time_zone)::date as "today!"
        from exception_total t join entity e using (entity_id) left join accounting_period p using (entity_id, period)
        where t.fingerprint = any($1) and t.entity_id = any($2) and t.count > 0 order by 2, 3"#,
        &fingerprints,
        &scope.ids(),
        now
    )
    .fetch_all(pool)
    .await?;
    for cause in causes {
        cause.trend = vec![0; TREND_DAYS];
        for row in opened.iter().filter(|row| row.fingerprint == cause.fingerprint && cause.entities.contains(&row.code)) {
            if let Some(day) = usize::try_from(row.place).ok().and_then(|place| cause.trend.get_mut(place)) {
                *day += row.opened;
            }
        }
        let own = periods.iter().filter(|row| row.fingerprint == cause.fingerprint && cause.entities.contains(&row.code));
        cause.closing = own.filter(|row| row.period.is_closing(row.state, row.today)).map(|row| (row.code.clone(), row.period)).collect();
    }
    Ok(())
}

/// What came just before a cause began, as far as the rows prove it. A mapping is named when the document that failed first was mapped
/// after its activation and uses it, when it was the latest of those, no more than a week before, and no part of the account's
/// set-up; of what the ERP said it must be the kind that can be meant. A build is named when it had come within a day and another
/// ran before it.
pub async fn origin(pool: &Pool, scope: &Scope, fingerprint: &str) -> Result<Option<Origin>> {
    let row = sqlx::query!(
        r#"with first as (
            select b.began_at, b.release, x.connection_id, x.document_id, x.kind
            from cause_begin b join exception x using (exception_id)
            where b.fingerprint = $1 and b.entity_id = any($2) order by b.began_at, b.exception_id limit 1
        )
        select m.kind as "kind?: MappingKind", m.source_code as "code?", m.version as "version?",
            m.target_ref as "target?", m.decided_at, m.decided_by, r.release as "release?", r.first_ran_at as "first_ran_at?"
        from first f
        left join lateral (
            select m.* from document_code c join mapping m on m.connection_id = f.connection_id and m.kind = c.kind and m.source_code = c.code
            where c.document_id = f.document_id and m.state in ('active', 'retired') and m.decided_at between f.began_at - interval '7 days' and f.began_at
                and (f.kind = 'reference' or f.kind = 'customer' and c.kind = 'customer' or f.kind = 'tax' and c.kind = 'tax_code')
                and exists (select from movement v where v.document_id = f.document_id and v.to_stage = 'queued'
                    and v.moved_at between m.decided_at and f.began_at)
                and exists (select from mapping o where o.connection_id = m.connection_id and o.decided_at < m.decided_at)
            order by m.decided_at desc, m.version desc limit 1
        ) m on true
        left join release r on r.release = f.release and r.first_ran_at between f.began_at - interval '1 day' and f.began_at
            and exists (select from release o where o.first_ran_at < r.first_ran_at)"#,
        fingerprint,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if let (Some(kind), Some(code), Some(version), Some(target), Some(activated_at), Some(by)) =
        (row.kind, row.code, row.version, row.target, row.decided_at, row.decided_by)
    {
        return Ok(Some(Origin::Mapping { kind, code, version, target, activated_at, by }));
    }
    Ok(row.release.zip(row.first_ran_at).map(|(release, first_ran_at)| Origin::Release { release, first_ran_at }))
}

/// What all of a cause would come to if it were replayed now: one statement, most first.
pub async fn foresee(pool: &Pool, scope: &Scope, fingerprint: &str) -> Result<Vec<Foreseen>> {
    let rows = sqlx::query!(
        r#"select v.verdict as "verdict!: ReplayVerdict", case when v.verdict = 'missing' then v.missing_kind end as "missing_kind: MappingKind",
            case when v.verdict = 'missing' then v.missing_code end as missing_code, x.currency, count(*) as "count!", sum(x.amount) as "amount!"
        from exception x join document_verdict v using (document_id)
        where x.closed_at is null and x.entity_id = any($1) and x.fingerprint = $2
        group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4"#,
        &scope.ids(),
        fingerprint
    )
    .fetch_all(pool)
    .await?;
    let foreseen = rows.into_iter().map(|row| Foreseen {
        verdict: row.verdict,
        missing: row.missing_kind.zip(row.missing_code),
        money: StageMoney { currency: row.currency, count: row.count, amount: row.amount },
    });
    Ok(foreseen.collect())
}
