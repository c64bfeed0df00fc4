//! The home page: as much of it as the caller's roles may see.

use super::ApiError;
use chrono::{DateTime, Utc};
use domain::{
    audit::{AuditRow, ChainView},
    home::{Flow, Unreconciled},
    reconciliation::AgingCell,
    view::{BatchView, Cluster, MatrixRow, StageMoney, WaitingGroup},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Batches on the home page, newest first.
#[cfg(feature = "ssr")]
const BATCHES: i64 = 6;
/// Causes on the home page; the sums are over all.
#[cfg(feature = "ssr")]
const CAUSES: i64 = 6;
/// Acts on the home page of those who read the log.
#[cfg(feature = "ssr")]
const ACTS: i64 = 12;
/// Days of the chart, today among them.
pub const FLOW_DAYS: usize = 31;
/// Requests counted for an approver; more are "200 or more".
#[cfg(feature = "ssr")]
const APPROVALS: i64 = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeView {
    pub now: DateTime<Utc>,
    pub finance: Option<FinanceView>,
    /// Requests that wait for a second person; for approvers and administrators.
    pub approvals: Option<i64>,
    pub log: Option<LogView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinanceView {
    /// By entity: what the manifests say came in, and where it is.
    pub matrix: Vec<(String, MatrixRow)>,
    /// Open exceptions: the largest causes, all of them in money and number, and since when the oldest waits.
    pub causes: Vec<Cluster>,
    pub in_exception: Vec<StageMoney>,
    pub oldest: Option<DateTime<Utc>>,
    pub waiting: Vec<WaitingGroup>,
    pub unreconciled: Unreconciled,
    /// Not yet confirmed, by age.
    pub aging: Vec<AgingCell>,
    pub flow: Flow,
    pub batches: Vec<BatchView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    pub chain: Option<ChainView>,
    pub acts: Vec<AuditRow>,
}

#[server(prefix = "/fn", endpoint = "get_home")]
pub async fn get_home(entity: Option<String>, period: Option<String>) -> Result<HomeView, ApiError> {
    use domain::{access::Action, approval::GrantRequest};
    use store::views::audit;
    let (ctx, caller) = (super::context(), super::caller()?);
    let finance = caller.scope(Action::ReadFinance);
    let [approve, administer, log] = [Action::Approve, Action::ManageUsers, Action::ReadAudit].map(|action| caller.scope(action));
    Ok(HomeView {
        now: ctx.clock.now(),
        finance: if finance.is_empty() { None } else { Some(ssr::finance(&ctx, &finance, entity.as_deref(), period.as_deref()).await?) },
        approvals: if approve.is_empty() && administer.is_empty() {
            None
        } else {
            let resolutions = store::approvals::open(&ctx.pool, &approve, APPROVALS).await?.len();
            let replays = store::replays::waiting(&ctx.pool, &approve, APPROVALS).await?.len();
            let mappings = store::mappings::proposals(&ctx.pool, &approve, APPROVALS).await?.len();
            let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
            let others = |request: &GrantRequest| request.requested_by != caller.email && request.user_id != caller.user_id;
            let roles = store::access::grants::waiting(&mut conn, &administer, None, APPROVALS).await?;
            let roles = roles.iter().filter(|request| others(request)).count();
            let rules = store::rules::waiting(&ctx.pool, &approve, APPROVALS).await?.len();
            Some(i64::try_from(resolutions + replays + mappings + rules + roles).unwrap_or(APPROVALS))
        },
        log: if log.is_empty() {
            None
        } else {
            Some(LogView { chain: audit::chain(&ctx.pool).await?, acts: audit::list(&ctx.pool, &log, None, None, ACTS).await? })
        },
    })
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ApiError, BATCHES, CAUSES, FLOW_DAYS, FinanceView};
    use crate::api::arguments::{period as parse_period, scope_of};
    use chrono::Days;
    use domain::{access::Scope, view::Cluster};
    use store::views::{batches, exceptions, home};

    pub(super) async fn finance(
        ctx: &pipeline::Context,
        scope: &Scope,
        entity: Option<&str>,
        period: Option<&str>,
    ) -> Result<FinanceView, ApiError> {
        let scope = scope_of(ctx, scope, entity).await?;
        let (pool, now, period) = (&ctx.pool, ctx.clock.now(), parse_period(period)?);
        let open = exceptions::Filter { period, ..exceptions::Filter::default() };
        let newest = batches::Filter { period, ..batches::Filter::default() };
        let first_day = now.date_naive() - Days::new(FLOW_DAYS.try_into().unwrap_or_default());
        let (in_exception, oldest) = exceptions::open(pool, &scope, period).await?;
        Ok(FinanceView {
            matrix: batches::period_matrix(pool, &scope, domain::stage::Family::Billing, period).await?,
            causes: Cluster::merged(exceptions::clusters(pool, &scope, &open, CAUSES).await?),
            in_exception,
            oldest,
            waiting: exceptions::waiting(pool, &scope, None).await?,
            unreconciled: home::unreconciled(pool, &scope, period).await?,
            aging: home::open_by_age(pool, &scope, period, now).await?,
            flow: store::daily_flow::list(pool, &scope, first_day).await?,
            batches: batches::list(pool, &scope, &newest, BATCHES).await?,
        })
    }
}
