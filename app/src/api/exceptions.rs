//! Exceptions: what failed and why, grouped by cause, and what a person does about it.

use super::{ApiError, mappings::Proposal, reach::Reach};
use chrono::{DateTime, Utc};
use domain::{
    approval::{ApprovalView, GrantRequest},
    cluster::{Foreseen, Origin},
    exception::ExceptionKind,
    id::{ConnectionId, EntityId},
    mapping::MappingKind,
    replay::ReplaySetView,
    rules::RuleApprovalView,
    sla::SlaView,
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
/// Longer than a transaction takes that opens exceptions.
#[cfg(feature = "ssr")]
const COMMIT_SECONDS: i64 = 30;
/// Of those that came within it, so many are told apart from new ones.
#[cfg(feature = "ssr")]
const KNOWN: i64 = 10_000;

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
    /// Due within so many hours; 0: past its time.
    pub due: Option<String>,
    pub after: Option<String>,
    /// Anything: the chosen cause is to be evaluated anew.
    pub preview: Option<String>,
    /// What came in later is not meant: an act takes what its page has shown.
    pub until: Option<String>,
}

impl ExceptionQuery {
    /// What filters; the place in the list does not.
    pub const KEYS: [&str; 10] = ["entity", "period", "currency", "kind", "connection", "cause", "owner", "hours", "amount", "due"];

    /// The filter that a URL holds.
    pub fn of<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let key = |key: &str| get(key).map(str::to_owned);
        Self {
            entity: key("entity"),
            period: key("period"),
            currency: key("currency"),
            kind: key("kind"),
            connection: key("connection"),
            cause: key("cause"),
            owner: key("owner"),
            hours: key("hours"),
            amount: key("amount"),
            due: key("due"),
            after: key("after"),
            preview: key("preview"),
            until: None,
        }
    }

    /// Key and value of what is set, for links and hidden fields.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let Self { entity, period, currency, kind, connection, cause, owner, hours, amount, due, .. } = self;
        let values = [entity, period, currency, kind, connection, cause, owner, hours, amount, due];
        let set = Self::KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key, value.as_deref()?)));
        set.filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// All that a filter shows, whatever the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    pub money: Vec<StageMoney>,
    /// There are more than were looked at.
    pub more: bool,
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
    /// What the replay would come to: asked for, or since the fix is in force.
    pub foreseen: Option<Vec<Foreseen>>,
    /// What the chosen cause began with.
    pub origin: Option<Origin>,
    /// Whether the caller watches the chosen cause.
    pub watched: bool,
    /// The clock of everything open in the entities.
    pub sla: SlaView,
    pub reach: Reach,
    /// `None`: age, due time and amount are in no total, and all that match were not asked for.
    pub extent: Option<Extent>,
    /// How many there are of all causes, those included that are not listed.
    pub of_all_causes: i64,
    pub news: Since,
    /// Taken before anything was read: what is shown was there then, or came since.
    pub as_of: DateTime<Utc>,
}

/// From where on an exception is new to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// The place in the list: a while before the page was made, because an exception is seen later than it was opened, with its
    /// writer's commit.
    pub place: String,
    /// So many after that place are on the page, or on one of its next.
    pub known: i64,
}

/// `whole`: all that match are chosen, so their extent is asked for at any price.
#[server(prefix = "/fn", endpoint = "list_exceptions")]
pub async fn list_exceptions(#[server(default)] query: ExceptionQuery, #[server(default)] whole: bool) -> Result<ExceptionsView, ApiError> {
    use super::{
        arguments::{page, paged, scope_of},
        reach::{entities, reach},
    };
    use domain::access::Action;
    use store::notices::{Watched, is_watched};
    use store::views::exceptions::{Filter, clusters, describe, facets, foresee, list, money, origin, sla, waiting};
    let (caller, scope) = super::require(Action::ReadFinance)?;
    let ctx = super::context();
    let as_of = ctx.clock.now();
    let scope = scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(&query, as_of)?;
    let news = ssr::since(&ctx, &scope, &filter, as_of).await?;
    let everything = facets(&ctx.pool, &scope, &filter).await?;
    let any_cause = Filter { fingerprint: None, ..filter.clone() };
    let mut causes = clusters(&ctx.pool, &scope, &any_cause, CAUSES).await?;
    let of_all_causes = money(&ctx.pool, &scope, &any_cause).await?.iter().map(|sum| sum.count).sum();
    let rows = list(&ctx.pool, &scope, &filter, page(PAGE)).await?;
    let (mut replay, mut fixes) = (Vec::new(), Vec::new());
    let (mut foreseen, mut began, mut watched) = (None, None, false);
    if let Some(cause) = &filter.fingerprint {
        if causes.iter().all(|shown| shown.fingerprint != *cause) {
            causes.extend(clusters(&ctx.pool, &scope, &filter, CAUSES).await?);
        }
        let of_cause = Filter { fingerprint: Some(cause.clone()), ..Filter::default() };
        let mine = clusters(&ctx.pool, &caller.scope(Action::Replay), &of_cause, CAUSES).await?;
        replay = StageMoney::per_currency(mine.into_iter().flat_map(|cluster| cluster.money));
        fixes = ssr::fixes(&ctx, &clusters(&ctx.pool, &scope, &of_cause, CAUSES).await?).await?;
        if query.preview.is_some() || fixes.iter().any(|fix| fix.in_force.is_some()) {
            foreseen = Some(foresee(&ctx.pool, &caller.scope(Action::Replay), cause).await?);
        }
        began = origin(&ctx.pool, &scope, cause).await?;
        watched = is_watched(&ctx.pool, caller.user_id, Watched::Cause(cause)).await?;
    }
    describe(&ctx.pool, &scope, &mut causes, as_of).await?;
    Ok(ExceptionsView {
        clusters: causes,
        facets: ssr::facets(&everything),
        exceptions: paged(rows, PAGE, place),
        waiting: waiting(&ctx.pool, &scope, None).await?,
        replay,
        fixes,
        foreseen,
        origin: began,
        watched,
        sla: sla(&ctx.pool, &scope, as_of).await?,
        reach: reach(&caller, &entities(&ctx).await?),
        extent: ssr::extent(&ctx, &scope, &filter, whole).await?,
        of_all_causes,
        news,
        as_of,
    })
}

/// The rows behind a query, as far as the caller may see them: for the export.
#[cfg(feature = "ssr")]
pub async fn matching(
    ctx: &pipeline::Context,
    scope: &domain::access::Scope,
    query: &ExceptionQuery,
    limit: i64,
) -> Result<Vec<ExceptionRow>, ApiError> {
    let scope = super::arguments::scope_of(ctx, scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(query, ctx.clock.now())?;
    Ok(store::views::exceptions::list(&ctx.pool, &scope, &filter, limit).await?)
}

/// How many there are behind a query after its place in the list, up to a limit: for what tells of new ones.
#[cfg(feature = "ssr")]
pub async fn count(ctx: &pipeline::Context, scope: &domain::access::Scope, query: &ExceptionQuery, limit: i64) -> Result<i64, ApiError> {
    let scope = super::arguments::scope_of(ctx, scope, query.entity.as_deref()).await?;
    let filter = ssr::filter(query, ctx.clock.now())?;
    ssr::count(ctx, &scope, &filter, limit).await
}

/// The place in a list after this row.
pub fn place(row: &ExceptionRow) -> String {
    format!("{}~{}", row.opened_at.to_rfc3339(), row.exception_id)
}

/// One exception with its document and what the caller may do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionDetail {
    pub exception: ExceptionView,
    pub document: DocumentView,
    pub fix: Option<Fix>,
    pub reach: Reach,
    pub watched: bool,
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
    let exception = store::views::exceptions::find(&ctx.pool, &scope, id, ctx.clock.now()).await?.ok_or(ApiError::NotFound)?;
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
        watched: store::notices::is_watched(&ctx.pool, caller.user_id, store::notices::Watched::Exception(id)).await?,
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
    pub rules: Vec<RuleApprovalView>,
    /// Roles that wait for a second administrator.
    pub grants: Vec<GrantRequest>,
    /// Entities in which the caller gives roles.
    pub administers: Vec<EntityId>,
    pub reach: Reach,
}

/// Resolutions, replays, rules and proposed mappings that wait, as far as the caller may read; and roles, for who gives some.
#[server(prefix = "/fn", endpoint = "list_approvals")]
pub async fn list_approvals(entity: Option<String>) -> Result<ApprovalsView, ApiError> {
    use super::{
        arguments::page,
        reach::{entities, reach},
    };
    use domain::access::Action;
    let (ctx, caller) = (super::context(), super::caller()?);
    let entities = entities(&ctx).await?;
    let code = entity.filter(|code| !code.is_empty());
    let named = entities.iter().filter(|entity| code.as_ref().is_none_or(|code| *code == entity.code)).map(|entity| entity.entity_id);
    let named: Vec<EntityId> = named.collect();
    let [scope, administers] = [Action::ReadFinance, Action::ManageUsers].map(|action| caller.scope(action).narrowed(&named));
    if scope.is_empty() && administers.is_empty() {
        return Err(if code.is_some() { ApiError::NotFound } else { ApiError::Forbidden });
    }
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    Ok(ApprovalsView {
        resolutions: store::approvals::open(&ctx.pool, &scope, page(APPROVALS)).await?,
        proposals: super::mappings::proposals(&ctx, &scope).await?,
        replays: store::replays::waiting(&ctx.pool, &scope, page(APPROVALS)).await?,
        rules: store::rules::waiting(&ctx.pool, &scope, page(APPROVALS)).await?,
        grants: store::access::grants::waiting(&mut conn, &administers, None, page(APPROVALS)).await?,
        administers: administers.entities().to_vec(),
        reach: reach(&caller, &entities),
    })
}

#[server(prefix = "/fn", endpoint = "comment_exception")]
pub async fn comment_exception(exception: String, body: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::WorkExceptions)?;
    let id = exception.parse().map_err(|_| ApiError::NotFound)?;
    let told = pipeline::workbench::comment(&super::context(), &caller, &scope, id, &body).await?;
    super::go_back(
        &back,
        &if told.is_empty() { "comment added".to_owned() } else { format!("comment added, told to {}", told.join(", ")) },
    );
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
