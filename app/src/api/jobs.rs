//! Background work: schedules, their last runs, and running one now.

use super::ApiError;
use chrono::{DateTime, Utc};
use domain::{
    job::{JobKind, ScheduleView},
    view::EntityView,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobsView {
    pub now: DateTime<Utc>,
    pub schedules: Vec<ScheduleView>,
    /// Why a schedule can't be run now by this caller; nothing stands here for one that can.
    pub refused: Vec<(JobKind, String)>,
    /// To name what a run is about.
    pub entities: Vec<EntityView>,
}

/// Works entity by entity, so that somebody who may run it for one entity can.
pub fn is_per_entity(kind: JobKind) -> bool {
    match kind {
        JobKind::ReadBack | JobKind::Reconcile | JobKind::PullGateways | JobKind::ApplyCash | JobKind::Collect => true,
        JobKind::Backtest
        | JobKind::Replay
        | JobKind::SealOutcomes
        | JobKind::CountFlow
        | JobKind::TellBreaches
        | JobKind::SweepSessions
        | JobKind::Verify => false,
    }
}

/// Why somebody who may run jobs in `within` of `all` entities may not run this one; `None` when he may.
#[cfg(any(feature = "ssr", test))]
fn refusal(kind: JobKind, within: usize, all: usize) -> Option<String> {
    if within == 0 {
        Some("needs Operator role".to_owned())
    } else if within < all && !is_per_entity(kind) {
        Some("needs Operator role in every entity".to_owned())
    } else {
        None
    }
}

#[server(prefix = "/fn", endpoint = "list_jobs")]
pub async fn list_jobs() -> Result<JobsView, ApiError> {
    use domain::access::Action;
    let (caller, _) = super::require(Action::ReadJobs)?;
    let ctx = super::context();
    let schedules = pipeline::jobs::page(&ctx).await?;
    let entities = super::reach::entities(&ctx).await?;
    let within = caller.scope(Action::RunJobs).entities().len();
    let refused = schedules.iter().filter_map(|schedule| Some((schedule.kind, refusal(schedule.kind, within, entities.len())?))).collect();
    Ok(JobsView { now: ctx.clock.now(), schedules, refused, entities })
}

/// Starts a job of everything, or of each entity within reach where that is less.
#[server(prefix = "/fn", endpoint = "run_job")]
pub async fn run_job(kind: String, #[server(default)] back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::RunJobs)?;
    let ctx = super::context();
    let kind: JobKind = kind.parse().map_err(|_| ApiError::NotFound)?;
    let all = super::reach::entities(&ctx).await?.len();
    let within = scope.entities();
    if refusal(kind, within.len(), all).is_some() {
        return Err(ApiError::Forbidden);
    }
    if within.len() == all {
        pipeline::jobs::run_now(&ctx, &caller.actor(), kind, None).await?;
    } else {
        for entity in within {
            pipeline::jobs::run_now(&ctx, &caller.actor(), kind, Some(*entity)).await?;
        }
    }
    super::go_back(&back, &format!("asked for: {}", kind.label()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_whole_company_is_run_by_who_reaches_all_of_it() {
        assert_eq!(refusal(JobKind::Verify, 5, 5), None);
        assert_eq!(refusal(JobKind::ReadBack, 1, 5), None);
        assert_eq!(refusal(JobKind::Verify, 1, 5).unwrap(), "needs Operator role in every entity");
        assert_eq!(refusal(JobKind::ReadBack, 0, 5).unwrap(), "needs Operator role");
    }
}
