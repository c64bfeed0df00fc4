//! When jobs come by themselves. A schedule is moved on in the transaction that starts its job, so it fires once whatever
//! the number of processes; runs that were missed while nobody worked are made up for by one.

use crate::{Context, retry::transaction};
use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use domain::{id::JobId, job::JobKind};
use store::{
    Result,
    jobs::{self, NewJob},
};
use uuid::Uuid;

/// When a schedule that can't be read is looked at again.
const UNREADABLE_WAIT: TimeDelta = TimeDelta::hours(1);

/// Sets up the schedules of this version.
pub(super) async fn put_all(cx: &Context) -> Result<()> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        for kind in JobKind::ALL {
            jobs::put_schedule(tx, *kind, kind.cron(), next(kind.cron(), now)).await?;
        }
        Ok(())
    })
}

/// Starts the jobs whose time has come. Returns how many.
pub(super) async fn start_due(cx: &Context) -> Result<usize> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let due = jobs::due_schedules(tx, now).await?;
        for schedule in &due {
            jobs::advance(tx, schedule, next(&schedule.cron, now)).await?;
            let new = NewJob { job_id: JobId(Uuid::now_v7()), kind: schedule.kind, subject: "", run_at: now, created_by: "schedule" };
            jobs::enqueue(tx, &new, now).await?;
        }
        Ok(due.len())
    })
}

fn next(cron: &str, now: DateTime<Utc>) -> DateTime<Utc> {
    match cron.parse::<Cron>().and_then(|parsed| parsed.find_next_occurrence(&now, false)) {
        Ok(at) => at,
        Err(error) => {
            tracing::error!(cron, %error, "schedule can't be read");
            now + UNREADABLE_WAIT
        }
    }
}

/// As people say it; the expression itself when it can't be read.
pub(super) fn words(cron: &str) -> String {
    let Ok(parsed) = cron.parse::<Cron>() else { return cron.to_owned() };
    let said = parsed.describe();
    let said = said.trim_end_matches('.');
    let said = said.strip_prefix("At every ").map_or_else(|| said.to_owned(), |often| format!("Every {often}"));
    format!("{said} (UTC)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_said_in_words() {
        assert_eq!(words("*/5 * * * *"), "Every 5 minutes (UTC)");
        assert_eq!(words("0 * * * *"), "At minute 0 past every hour (UTC)");
        assert_eq!(words("10 2 * * *"), "At 02:10 (UTC)");
        for kind in JobKind::ALL {
            assert_ne!(words(kind.cron()), kind.cron(), "{kind}");
        }
    }

    #[test]
    fn every_schedule_has_a_next_time_after_now() {
        let now = "2026-11-20T02:10:00Z".parse().expect("a time");
        for kind in JobKind::ALL {
            let at = next(kind.cron(), now);
            assert!(at > now && at <= now + TimeDelta::days(1), "{kind}: {at}");
        }
        assert_eq!(next(JobKind::Verify.cron(), now), now + TimeDelta::days(1));
    }
}
