//! Background work: schedules put jobs into the queue, workers take them under a lease. A job's completion is in the
//! transaction of its effects, or of the last of them; a crash is a lease that ends, and every kind may run twice.

mod schedule;
mod work;
mod worker;

pub use worker::{drain, run};

use crate::{Context, erps::Erps, retry::transaction};
use domain::{
    access::Actor,
    id::{EntityId, JobId},
    job::{JobKind, ScheduleView},
};
use std::sync::Arc;
use store::{
    Result,
    access::{
        audit::{self, AuditEntry},
        sessions::SessionLimits,
    },
    jobs::{self, NewJob},
};
use uuid::Uuid;

/// What jobs are done with.
#[derive(Clone)]
pub struct Workshop {
    pub cx: Context,
    pub erps: Arc<Erps>,
    /// Names the process in jobs: host and pid.
    pub worker: Arc<str>,
    pub sessions: SessionLimits,
}

/// Runs on the page per schedule.
const RUNS_SHOWN: i64 = 10;

/// Starts a job now, of everything or of one entity. Pressing twice is one job.
pub async fn run_now(cx: &Context, actor: &Actor, kind: JobKind, entity: Option<EntityId>) -> Result<JobId> {
    let now = cx.clock.now();
    let created_by = actor.to_string();
    let subject = entity.map(|id| id.to_string()).unwrap_or_default();
    transaction!(&cx.pool, |tx| {
        let new = NewJob { job_id: JobId(Uuid::now_v7()), kind, subject: &subject, run_at: now, created_by: &created_by };
        let job = jobs::enqueue(tx, &new, now).await?;
        let after = Some(serde_json::json!({ "kind": kind, "subject": subject }));
        let entry = AuditEntry {
            at: now,
            actor: actor.clone(),
            action: "job.run",
            subject: format!("job:{job}"),
            entity_id: entity,
            before: None,
            after,
        };
        audit::append(tx, &entry).await?;
        Ok(job)
    })
}

/// Every schedule with its last runs.
pub async fn page(cx: &Context) -> Result<Vec<ScheduleView>> {
    let mut views = Vec::new();
    for found in jobs::schedules(&cx.pool).await? {
        views.push(ScheduleView {
            kind: found.kind,
            words: schedule::words(&found.cron),
            cron: found.cron,
            next_run_at: found.next_run_at,
            enabled: found.enabled,
            runs: jobs::last_runs(&cx.pool, found.kind, RUNS_SHOWN).await?,
        });
    }
    Ok(views)
}
