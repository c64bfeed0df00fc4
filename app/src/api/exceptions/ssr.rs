//! What the queries need around them on the server: the filter, the facets, and how far a fix has come.

use super::{COMMIT_SECONDS, Cluster, ExceptionQuery, ExceptionView, Extent, Facets, Fix, KNOWN, Since};
use crate::api::{
    ApiError,
    arguments::{cursor, period, word},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{access::Scope, id::ExceptionId, view::StageMoney};
use pipeline::Context;
use store::views::exceptions::{Facet, Filter};

pub(in crate::api) fn filter(query: &ExceptionQuery, now: DateTime<Utc>) -> Result<Filter, ApiError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let hours: Option<u32> = word("hours", query.hours.as_deref())?;
    let due: Option<u32> = word("due", query.due.as_deref())?;
    let until: Option<DateTime<Utc>> = word("until", query.until.as_deref())?;
    let ago = |hours: u32| until.unwrap_or(now) - TimeDelta::hours(hours.into());
    Ok(Filter {
        entity_id: None,
        period: period(query.period.as_deref())?,
        currency: given(&query.currency),
        kind: word("kind", query.kind.as_deref())?,
        connection_id: word("connection", query.connection.as_deref())?,
        fingerprint: given(&query.cause),
        owner: given(&query.owner),
        opened_before: hours.map(ago).or(until),
        amount_min: word("amount", query.amount.as_deref())?,
        due_before: due.map(|hours| until.unwrap_or(now) + TimeDelta::hours(hours.into())),
        after: cursor(query.after.as_deref())?,
    })
}

pub(super) async fn count(ctx: &Context, scope: &Scope, filter: &Filter, limit: i64) -> Result<i64, ApiError> {
    let found = store::views::exceptions::chosen(&ctx.pool, scope, filter, limit).await?;
    Ok(i64::try_from(found.len()).unwrap_or(limit))
}

/// Counted before the page reads its rows: what commits in between is told as new, and never missed.
pub(super) async fn since(ctx: &Context, scope: &Scope, filter: &Filter, as_of: DateTime<Utc>) -> Result<Since, ApiError> {
    // everything that was opened later sorts after this
    let from = (as_of - TimeDelta::seconds(COMMIT_SECONDS), ExceptionId(uuid::Uuid::max()));
    let known = count(ctx, scope, &Filter { after: Some(from), ..filter.clone() }, KNOWN).await?;
    Ok(Since { place: format!("{}~{}", from.0.to_rfc3339(), from.1), known })
}

/// So many are looked at one by one, where no total knows what the filter asks.
const LOOKED_AT: i64 = 10_000;

pub(super) async fn extent(ctx: &Context, scope: &Scope, filter: &Filter, whole: bool) -> Result<Option<Extent>, ApiError> {
    use store::views::exceptions::{matching, money};
    if filter.opened_before.is_none() && filter.amount_min.is_none() && filter.due_before.is_none() {
        return Ok(Some(Extent { money: money(&ctx.pool, scope, filter).await?, more: false }));
    }
    if !whole {
        return Ok(None);
    }
    let money = StageMoney::per_currency(matching(&ctx.pool, scope, filter, LOOKED_AT + 1).await?);
    let more = money.iter().map(|sum| sum.count).sum::<i64>() > LOOKED_AT;
    Ok(Some(Extent { money, more }))
}

fn add<K: PartialEq>(counts: &mut Vec<(K, i64)>, key: K, count: i64) {
    match counts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, sum)) => *sum += count,
        None => counts.push((key, count)),
    }
}

/// Only what there is to choose from.
pub(super) fn facets(counted: &[Facet]) -> Facets {
    let (mut currencies, mut kinds, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for facet in counted {
        add(&mut kinds, facet.kind, facet.count);
        add(&mut currencies, facet.currency.clone(), facet.count);
        if let Some(connection) = &facet.connection {
            add(&mut connections, connection.clone(), facet.count);
        }
    }
    currencies.sort();
    kinds.sort();
    let mut connections: Vec<_> = connections.into_iter().map(|((id, code), count)| (id, code, count)).collect();
    connections.sort_by(|a, b| a.1.cmp(&b.1));
    Facets { currencies, kinds, connections }
}

/// A fix for each connection that wants the mapping.
pub(super) async fn fixes(ctx: &Context, clusters: &[Cluster]) -> Result<Vec<Fix>, ApiError> {
    let mut fixes = Vec::new();
    for cluster in clusters {
        let wanted = (cluster.connection_id, cluster.connection_code.as_ref(), cluster.missing_kind, cluster.missing_code.as_ref());
        if let (Some(connection_id), Some(connection_code), Some(kind), Some(code)) = wanted {
            fixes.push(Fix {
                connection_id,
                connection_code: connection_code.clone(),
                kind,
                code: code.clone(),
                entities: cluster.entities.clone(),
                in_force: None,
                proposed: None,
            });
        }
    }
    progress(ctx, &mut fixes).await?;
    Ok(fixes)
}

pub(super) async fn fix_of(ctx: &Context, exception: &ExceptionView) -> Result<Option<Fix>, ApiError> {
    let wanted = (exception.connection_id, exception.row.connection_code.clone(), exception.missing_kind, exception.missing_code.clone());
    let (Some(connection_id), Some(connection_code), Some(kind), Some(code)) = wanted else { return Ok(None) };
    let entities = vec![exception.row.entity_code.clone()];
    let mut fixes = [Fix { connection_id, connection_code, kind, code, entities, in_force: None, proposed: None }];
    progress(ctx, &mut fixes).await?;
    Ok(fixes.into_iter().next())
}

/// Looks up what was mapped or proposed meanwhile.
async fn progress(ctx: &Context, fixes: &mut [Fix]) -> Result<(), ApiError> {
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    for fix in fixes {
        let found = store::mappings::lookup(&mut conn, fix.connection_id, std::slice::from_ref(&fix.code)).await?;
        fix.in_force = found.get(fix.kind, &fix.code).map(str::to_owned);
        fix.proposed = store::mappings::proposed(&mut conn, fix.connection_id, fix.kind, &fix.code).await?;
    }
    Ok(())
}

pub(in crate::api) fn ids<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, ApiError> {
    if texts.is_empty() {
        return Err(ApiError::Conflict { message: "Choose at least one.".into() });
    }
    texts.iter().map(|text| text.parse().map_err(|_| ApiError::NotFound)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::exception::ExceptionKind;

    #[test]
    fn an_act_on_all_that_match_takes_what_was_due_when_its_page_was_made() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(100);
        let query = ExceptionQuery { due: Some("4".into()), until: Some(DateTime::UNIX_EPOCH.to_rfc3339()), ..ExceptionQuery::default() };
        assert_eq!(filter(&query, now).unwrap().due_before, Some(DateTime::UNIX_EPOCH + TimeDelta::hours(4)));
        let query = ExceptionQuery { until: None, ..query };
        assert_eq!(filter(&query, now).unwrap().due_before, Some(now + TimeDelta::hours(4)));
    }

    #[test]
    fn a_filter_offers_what_there_is_with_its_count() {
        let counted = [("USD", 2), ("EUR", 3), ("EUR", 1)].map(|(currency, count)| Facet {
            currency: currency.into(),
            kind: ExceptionKind::Tax,
            connection: None,
            count,
        });
        let facets = facets(&counted);
        assert_eq!(facets.currencies, [("EUR".to_owned(), 4), ("USD".to_owned(), 2)]);
        assert_eq!(facets.kinds, [(ExceptionKind::Tax, 6)]);
        assert!(facets.connections.is_empty());
    }
}
