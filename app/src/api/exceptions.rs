//! Exceptions: what failed and why, grouped by cause, and what a person does about it.

use super::{ApiError, mappings::Proposal, reach::Reach};
use chrono::{DateTime, Utc};
use domain::{
    exception::ExceptionKind,
    id::ConnectionId,
    mapping::MappingKind,
    view::{ApprovalView, Cluster, DocumentView, ExceptionRow, ExceptionView, Paged, StageMoney, WaitingGroup},
};
use leptos::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 50;
/// Open requests are few; whoever has more decides the oldest first.
#[cfg(feature = "ssr")]
const APPROVALS: usize = 200;

/// The filter as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionQuery {
    pub entity: Option<String>,
    pub period: Option<String>,
    pub currency: Option<String>,
    pub kind: Option<String>,
    pub connection: Option<String>,
    /// A cluster's fingerprint.
    pub cause: Option<String>,
    pub owner: Option<String>,
    /// Open for at least so many hours.
    pub hours: Option<String>,
    pub amount: Option<String>,
    pub after: Option<String>,
}

/// The mapping whose want is the cause, and how far its fix has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    pub connection_id: ConnectionId,
    pub connection_code: String,
    pub kind: MappingKind,
    pub code: String,
    pub entities: Vec<String>,
    /// Mapped since the documents stopped: they only have to be replayed.
    pub in_force: Option<String>,
    /// Reference and author of a proposal that waits.
    pub proposed: Option<(String, String)>,
}

/// What a filter can choose from, with counts; of everything open in entity and period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facets {
    pub currencies: Vec<(String, i64)>,
    pub kinds: Vec<(ExceptionKind, i64)>,
    pub connections: Vec<(ConnectionId, String, i64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionsView {
    pub clusters: Vec<Cluster>,
    pub facets: Facets,
    pub exceptions: Paged<ExceptionRow>,
    /// What clears by itself.
    pub waiting: Vec<WaitingGroup>,
    /// What a replay of the chosen cause takes: all of it in the caller's entities, whatever the filter hides.
    pub replay: Vec<StageMoney>,
    pub fixes: Vec<Fix>,
    pub reach: Reach,
    pub as_of: DateTime<Utc>,
}

#[server(prefix = "/fn", endpoint = "list_exceptions")]
pub async fn list_exceptions(#[server(default)] query: ExceptionQuery) -> Result<ExceptionsView, ApiError> {
    use super::{
        arguments::{page, paged, scope_of},
        reach::{entities, reach},
    };
    use domain::access::Action;
    use store::views::exceptions::{Filter, clusters, list, waiting};
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(&query, ctx.clock.now())?;
    let everything = clusters(&ctx.pool, &scope, &Filter { period: filter.period, ..Filter::default() }).await?;
    let causes = clusters(&ctx.pool, &scope, &Filter { fingerprint: None, after: None, ..filter.clone() }).await?;
    let rows = list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    let (mut replay, mut fixes) = (Vec::new(), Vec::new());
    if let Some(cause) = &filter.fingerprint {
        let of_cause = Filter { fingerprint: Some(cause.clone()), ..Filter::default() };
        replay = ssr::money(&clusters(&ctx.pool, &caller.scope(Action::Replay), &of_cause).await?);
        fixes = ssr::fixes(&ctx, &clusters(&ctx.pool, &scope, &of_cause).await?).await?;
    }
    Ok(ExceptionsView {
        clusters: causes,
        facets: ssr::facets(&everything),
        exceptions: paged(rows, PAGE, |row| format!("{}~{}", row.opened_at.to_rfc3339(), row.exception_id)),
        waiting: waiting(&ctx.pool, &scope, None).await?,
        replay,
        fixes,
        reach: reach(&caller, &entities(&ctx).await?),
        as_of: ctx.clock.now(),
    })
}

/// One exception with its document and what the caller may do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionDetail {
    pub exception: ExceptionView,
    pub document: DocumentView,
    pub fix: Option<Fix>,
    pub reach: Reach,
    /// What is left today of the caller's limit for closing without a second person.
    pub limit_left: Option<Decimal>,
    pub as_of: DateTime<Utc>,
}

#[server(prefix = "/fn", endpoint = "get_exception")]
pub async fn get_exception(id: String) -> Result<ExceptionDetail, ApiError> {
    use super::reach::{entities, reach};
    use domain::access::Action;
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let exception = store::views::exceptions::find(&ctx.pool, &scope, id).await?.ok_or(ApiError::NotFound)?;
    let document = store::views::documents::find(&ctx.pool, &scope, exception.row.document_id).await?.ok_or(ApiError::NotFound)?;
    let entities = entities(&ctx).await?;
    let entity = entities.iter().find(|entity| entity.code == exception.row.entity_code).map(|entity| entity.entity_id);
    let resolves = entity.filter(|entity| exception.closed_at.is_none() && caller.scope(Action::Resolve).contains(*entity));
    let limit_left = match resolves {
        Some(entity) => Some(pipeline::workbench::resolve::limit_left(&ctx, &caller, entity, &exception.row.currency).await?),
        None => None,
    };
    Ok(ExceptionDetail {
        fix: ssr::fix_of(&ctx, &exception).await?,
        reach: reach(&caller, &entities),
        exception,
        document,
        limit_left,
        as_of: ctx.clock.now(),
    })
}

/// What waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalsView {
    pub resolutions: Vec<ApprovalView>,
    pub proposals: Vec<Proposal>,
    pub reach: Reach,
}

/// Resolutions and proposed mappings that wait, as far as the caller may read.
#[server(prefix = "/fn", endpoint = "list_approvals")]
pub async fn list_approvals(entity: Option<String>) -> Result<ApprovalsView, ApiError> {
    use super::{
        arguments::{page, scope_of},
        reach::{entities, reach},
    };
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    Ok(ApprovalsView {
        resolutions: store::approvals::open(&ctx.pool, &scope, page(APPROVALS)).await?,
        proposals: super::mappings::proposals(&ctx, &scope).await?,
        reach: reach(&caller, &entities(&ctx).await?),
    })
}

/// Gives listed exceptions an owner; an empty owner takes him away.
#[server(prefix = "/fn", endpoint = "assign_exceptions")]
pub async fn assign_exceptions(#[server(default)] exceptions: Vec<String>, owner: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::WorkExceptions)?;
    let ids = ssr::ids(&exceptions)?;
    let done = pipeline::workbench::assign(&super::context(), &caller, &scope, &ids, Some(&owner)).await?;
    super::go_back(&back, &format!("{done} assigned"));
    Ok(())
}

#[server(prefix = "/fn", endpoint = "comment_exception")]
pub async fn comment_exception(exception: String, body: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::WorkExceptions)?;
    let id = exception.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::workbench::comment(&super::context(), &caller, &scope, id, &body).await?;
    super::go_back(&back, "comment added");
    Ok(())
}

/// Replays listed documents: the same posting keys, mapped anew. Pressing twice is harmless.
#[server(prefix = "/fn", endpoint = "replay_documents")]
pub async fn replay_documents(#[server(default)] documents: Vec<String>, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Replay)?;
    let ctx = super::context();
    let erps = pipeline::erps::Erps::load(&ctx).await.map_err(|error| super::guard::internal(format!("{error:#}")))?;
    let report = pipeline::workbench::replay::replay(&ctx, &erps, &caller, &scope, &ssr::ids(&documents)?).await?;
    super::go_back(&back, &ssr::replayed(&report));
    Ok(())
}

/// Replays what was ticked in the queue.
#[server(prefix = "/fn", endpoint = "replay_exceptions")]
pub async fn replay_exceptions(#[server(default)] exceptions: Vec<String>, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Replay)?;
    let (ctx, ids) = (super::context(), ssr::ids(&exceptions)?);
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    let documents = store::exceptions::documents_of(&mut conn, &scope, &ids).await?;
    drop(conn);
    let erps = pipeline::erps::Erps::load(&ctx).await.map_err(|error| super::guard::internal(format!("{error:#}")))?;
    let mut report = pipeline::workbench::replay::replay(&ctx, &erps, &caller, &scope, &documents).await?;
    report.ineligible += i64::try_from(ids.len() - documents.len()).unwrap_or(i64::MAX);
    super::go_back(&back, &ssr::replayed(&report));
    Ok(())
}

/// Replays everything open of a cause.
#[server(prefix = "/fn", endpoint = "replay_cluster")]
pub async fn replay_cluster(cause: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Replay)?;
    let ctx = super::context();
    let erps = pipeline::erps::Erps::load(&ctx).await.map_err(|error| super::guard::internal(format!("{error:#}")))?;
    let report = pipeline::workbench::replay::replay_cluster(&ctx, &erps, &caller, &scope, &cause).await?;
    super::go_back(&back, &ssr::replayed(&report));
    Ok(())
}

/// Closes an exception with a reason; above the limit a second person is asked.
#[server(prefix = "/fn", endpoint = "resolve_exception")]
pub async fn resolve_exception(exception: String, reason: String, back: String) -> Result<(), ApiError> {
    use pipeline::workbench::resolve::{Resolved, resolve};
    let (caller, scope) = super::require(domain::access::Action::Resolve)?;
    let id = exception.parse().map_err(|_| ApiError::NotFound)?;
    let done = resolve(&super::context(), &caller, &scope, id, &reason).await?;
    super::go_back(&back, if done == Resolved::Done { "resolved" } else { "above your limit: an approver is asked" });
    Ok(())
}

/// Takes the number of a document that was entered in the ERP by hand; the read-back compares it.
#[server(prefix = "/fn", endpoint = "posted_by_hand")]
pub async fn posted_by_hand(exception: String, erp_number: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Resolve)?;
    let ctx = super::context();
    let id = exception.parse().map_err(|_| ApiError::NotFound)?;
    let erps = pipeline::erps::Erps::load(&ctx).await.map_err(|error| super::guard::internal(format!("{error:#}")))?;
    pipeline::workbench::resolve::posted_by_hand(&ctx, &erps, &caller, &scope, id, &erp_number).await?;
    super::go_back(&back, "taken over; the read-back compares it");
    Ok(())
}

/// A second person's decision on a resolution.
#[server(prefix = "/fn", endpoint = "decide_approval")]
pub async fn decide_approval(approval: String, approve: bool, comment: Option<String>, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Approve)?;
    let id = approval.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::workbench::resolve::decide(&super::context(), &caller, &scope, id, approve, comment.as_deref()).await?;
    super::go_back(&back, if approve { "approved" } else { "refused" });
    Ok(())
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{Cluster, ExceptionQuery, ExceptionView, Facets, Fix, StageMoney};
    use crate::api::{
        ApiError,
        arguments::{cursor, period, word},
    };
    use chrono::{DateTime, TimeDelta, Utc};
    use domain::view::ReplayReport;
    use pipeline::Context;
    use store::views::exceptions::Filter;

    pub(super) fn filter(query: &ExceptionQuery, now: DateTime<Utc>) -> Result<Filter, ApiError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let hours: Option<u32> = word("hours", query.hours.as_deref())?;
        Ok(Filter {
            entity_id: None,
            period: period(query.period.as_deref())?,
            currency: given(&query.currency),
            kind: word("kind", query.kind.as_deref())?,
            connection_id: word("connection", query.connection.as_deref())?,
            fingerprint: given(&query.cause),
            owner: given(&query.owner),
            opened_before: hours.map(|hours| now - TimeDelta::hours(hours.into())),
            amount_min: word("amount", query.amount.as_deref())?,
            after: cursor(query.after.as_deref())?,
        })
    }

    fn add<K: PartialEq>(counts: &mut Vec<(K, i64)>, key: K, count: i64) {
        match counts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += count,
            None => counts.push((key, count)),
        }
    }

    /// Only what there is to choose from.
    pub(super) fn facets(clusters: &[Cluster]) -> Facets {
        let (mut currencies, mut kinds, mut connections) = (Vec::new(), Vec::new(), Vec::new());
        for cluster in clusters {
            add(&mut kinds, cluster.kind, cluster.count);
            for money in &cluster.money {
                add(&mut currencies, money.currency.clone(), money.count);
            }
            if let (Some(id), Some(code)) = (cluster.connection_id, &cluster.connection_code) {
                add(&mut connections, (id, code.clone()), cluster.count);
            }
        }
        currencies.sort();
        kinds.sort();
        let mut connections: Vec<_> = connections.into_iter().map(|((id, code), count)| (id, code, count)).collect();
        connections.sort_by(|a, b| a.1.cmp(&b.1));
        Facets { currencies, kinds, connections }
    }

    /// The sums of several clusters, per currency.
    pub(super) fn money(clusters: &[Cluster]) -> Vec<StageMoney> {
        let mut sums: Vec<StageMoney> = Vec::new();
        for money in clusters.iter().flat_map(|cluster| &cluster.money) {
            match sums.iter_mut().find(|sum| sum.currency == money.currency) {
                Some(sum) => {
                    sum.count += money.count;
                    sum.amount += money.amount;
                }
                None => sums.push(money.clone()),
            }
        }
        sums
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
        if fixes.is_empty() {
            return Ok(());
        }
        let proposals = store::mappings::proposals(&ctx.pool).await?;
        let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
        for fix in fixes {
            let found = store::mappings::lookup(&mut conn, fix.connection_id, std::slice::from_ref(&fix.code)).await?;
            fix.in_force = found.get(fix.kind, &fix.code).map(str::to_owned);
            let same = |p: &&domain::view::MappingView| p.connection_id == fix.connection_id && p.kind == fix.kind && p.source_code == fix.code;
            fix.proposed = proposals.iter().find(same).map(|p| (p.target_ref.clone(), p.proposed_by.clone()));
        }
        Ok(())
    }

    pub(super) fn ids<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, ApiError> {
        if texts.is_empty() {
            return Err(ApiError::Conflict { message: "Choose at least one.".into() });
        }
        texts.iter().map(|text| text.parse().map_err(|_| ApiError::NotFound)).collect()
    }

    pub(super) fn replayed(report: &ReplayReport) -> String {
        let mut parts = vec![format!("{} queued", report.queued)];
        if report.still_missing > 0 {
            parts.push(format!("{} still without a mapping", report.still_missing));
        }
        if report.ineligible > 0 {
            parts.push(format!("{} not in exception any more", report.ineligible));
        }
        parts.join(", ")
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    fn cluster(kind: ExceptionKind, money: &[(&str, i64)]) -> Cluster {
        Cluster {
            fingerprint: "f".into(),
            kind,
            code: String::new(),
            message: String::new(),
            connection_id: None,
            connection_code: None,
            missing_kind: None,
            missing_code: None,
            entities: vec!["DE".into()],
            count: money.iter().map(|(_, count)| count).sum(),
            money: money.iter().map(|(c, count)| StageMoney { currency: (*c).into(), count: *count, amount: (*count).into() }).collect(),
            first_seen: DateTime::UNIX_EPOCH,
            last_seen: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_filter_offers_what_there_is_with_its_count() {
        let clusters = [cluster(ExceptionKind::Tax, &[("USD", 2), ("EUR", 3)]), cluster(ExceptionKind::Tax, &[("EUR", 1)])];
        let facets = ssr::facets(&clusters);
        assert_eq!(facets.currencies, [("EUR".to_owned(), 4), ("USD".to_owned(), 2)]);
        assert_eq!(facets.kinds, [(ExceptionKind::Tax, 6)]);
        assert!(facets.connections.is_empty());
    }
}
