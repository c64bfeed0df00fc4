//! Exceptions: what failed and why, grouped by cause, and what a person does about it.

use super::{ApiError, mappings::Proposal, reach::Reach};
use chrono::{DateTime, Utc};
use domain::{
    approval::ApprovalView,
    exception::ExceptionKind,
    id::ConnectionId,
    mapping::MappingKind,
    replay::ReplaySetView,
    view::{Cluster, DocumentView, ExceptionRow, ExceptionView, Paged, StageMoney, WaitingGroup},
};
use leptos::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
pub(super) mod ssr;

#[cfg(feature = "ssr")]
const PAGE: usize = 50;
/// Causes beside the queue, those of the most exceptions.
#[cfg(feature = "ssr")]
const CAUSES: i64 = 50;
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
    use store::views::exceptions::{Filter, clusters, facets, list, waiting};
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(&query, ctx.clock.now())?;
    let everything = facets(&ctx.pool, &scope, &filter).await?;
    let mut causes = clusters(&ctx.pool, &scope, &Filter { fingerprint: None, ..filter.clone() }, CAUSES).await?;
    let rows = list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    let (mut replay, mut fixes) = (Vec::new(), Vec::new());
    if let Some(cause) = &filter.fingerprint {
        if causes.iter().all(|shown| shown.fingerprint != *cause) {
            causes.extend(clusters(&ctx.pool, &scope, &filter, CAUSES).await?);
        }
        let of_cause = Filter { fingerprint: Some(cause.clone()), ..Filter::default() };
        let mine = clusters(&ctx.pool, &caller.scope(Action::Replay), &of_cause, CAUSES).await?;
        replay = StageMoney::per_currency(mine.into_iter().flat_map(|cluster| cluster.money));
        fixes = ssr::fixes(&ctx, &clusters(&ctx.pool, &scope, &of_cause, CAUSES).await?).await?;
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
    pub replays: Vec<ReplaySetView>,
    pub reach: Reach,
}

/// Resolutions, replays and proposed mappings that wait, as far as the caller may read.
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
        replays: store::replays::waiting(&ctx.pool, &scope, page(APPROVALS)).await?,
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

/// Closes an exception with a reason; above the limit a second person is asked.
#[server(prefix = "/fn", endpoint = "resolve_exception")]
pub async fn resolve_exception(exception: String, reason: String, back: String) -> Result<(), ApiError> {
    use pipeline::workbench::{Resolved, resolve::resolve};
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
    pipeline::workbench::approve::decide(&super::context(), &caller, &scope, id, approve, comment.as_deref()).await?;
    super::go_back(&back, if approve { "approved" } else { "refused" });
    Ok(())
}
