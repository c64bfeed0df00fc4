//! Exceptions: what failed and why, grouped by cause, and what a person does about it.

use super::ApiError;
use domain::view::{ApprovalView, Cluster, ExceptionRow, ExceptionView, Paged, WaitingGroup};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 50;

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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionsView {
    pub clusters: Vec<Cluster>,
    pub exceptions: Paged<ExceptionRow>,
    /// What clears by itself.
    pub waiting: Vec<WaitingGroup>,
    /// Resolutions that wait for an approver.
    pub approvals: Vec<ApprovalView>,
}

#[server(prefix = "/fn", endpoint = "list_exceptions")]
pub async fn list_exceptions(#[server(default)] query: ExceptionQuery) -> Result<ExceptionsView, ApiError> {
    use super::arguments::{page, paged, scope_of};
    use store::views::exceptions::{Filter, clusters, list, waiting};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(&query, ctx.clock.now())?;
    let causes = clusters(&ctx.pool, &scope, &Filter { fingerprint: None, after: None, ..filter.clone() }).await?;
    let rows = list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    Ok(ExceptionsView {
        clusters: causes,
        exceptions: paged(rows, PAGE, |row| format!("{}~{}", row.opened_at.to_rfc3339(), row.exception_id)),
        waiting: waiting(&ctx.pool, &scope, None).await?,
        approvals: store::approvals::open(&ctx.pool, &scope, page(PAGE)).await?,
    })
}

#[server(prefix = "/fn", endpoint = "get_exception")]
pub async fn get_exception(id: String) -> Result<ExceptionView, ApiError> {
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    store::views::exceptions::find(&super::context().pool, &scope, id).await?.ok_or(ApiError::NotFound)
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
    use super::ExceptionQuery;
    use crate::api::{
        ApiError,
        arguments::{cursor, period, word},
    };
    use chrono::{DateTime, TimeDelta, Utc};
    use domain::view::ReplayReport;
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
