//! How much the rules applied without a person.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::receivable::MatchRates;

/// Sums over the matcher's runs since then, per currency; nothing where it did not run. Beside the items that the rules settled stand
/// those that people did: what people do is bounded, so it is counted.
pub async fn rates(pool: &Pool, scope: &Scope, since: DateTime<Utc>) -> Result<Vec<MatchRates>> {
    Ok(sqlx::query_as!(
        MatchRates,
        r#"with by_rules as (
            select t.currency, sum(t.lines) as lines, sum(t.confirmed) as confirmed, sum(t.in_full) as in_full, sum(t.received) as received,
                sum(t.applied) as applied, sum(t.items) as items
            from match_run r join match_run_total t using (run_id) where r.entity_id = any($1) and r.ran_at >= $2 group by t.currency
        ), by_people as (
            select d.currency, count(*) as items
            from application a join document d using (document_id) join allocation l using (document_id)
            where a.entity_id = any($1) and a.decided_by is not null and a.reverses is null and d.issue_date >= $2::timestamptz::date
            group by d.currency
        )
        select r.currency, r.lines as "lines!", r.confirmed as "confirmed!", r.in_full as "in_full!",
            r.items + coalesce(p.items, 0) as "items!", r.items as "items_by_rules!", r.received as "received!", r.applied as "applied!"
        from by_rules r left join by_people p using (currency) order by r.currency"#,
        &scope.ids(),
        since
    )
    .fetch_all(pool)
    .await?)
}
