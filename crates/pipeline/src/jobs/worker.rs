//! The loop: start what is due, give back what was lost, take one job, do it under a lease that is prolonged while it works.

use super::{Workshop, schedule, work::Running};
use crate::retry::transaction;
use domain::posting::not_before;
use futures::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};
use store::{Result, jobs};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Jobs that one process does at once; a slow ERP does not hold up the rest.
const AT_ONCE: usize = 3;
/// How long a job of a dead worker waits.
const LEASE_SECONDS: i32 = 60;
const LEASE_PROLONGED_EVERY: Duration = Duration::from_secs(20);
/// How long an idle worker sleeps before it looks again.
const IDLE: Duration = Duration::from_secs(1);

/// Works until cancelled. A job in hand then is given back.
pub async fn run(shop: Workshop, cancel: CancellationToken) {
    while let Err(error) = schedule::put_all(&shop.cx).await {
        tracing::error!(%error, "schedules could not be set up");
        if cancel.run_until_cancelled(tokio::time::sleep(IDLE)).await.is_none() {
            return;
        }
    }
    let mut hands = JoinSet::new();
    for _ in 0..AT_ONCE {
        hands.spawn(hand(shop.clone(), cancel.clone()));
    }
    hands.join_all().await;
}

async fn hand(shop: Workshop, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        let worked = turn(&shop, &cancel).await;
        if let Err(error) = &worked {
            tracing::error!(%error, "a job could not be taken or ended");
        }
        if !matches!(worked, Ok(true)) {
            let spread = IDLE * rand::random_range(80..120) / 100;
            cancel.run_until_cancelled(tokio::time::sleep(spread)).await;
        }
    }
}

/// Does everything that is due at the clock's time, and returns when nothing is: tests and the demo's past.
pub async fn drain(shop: &Workshop) -> Result<()> {
    schedule::put_all(&shop.cx).await?;
    while turn(shop, &CancellationToken::new()).await? {}
    Ok(())
}

/// Takes and does one job; `false`: nothing was due.
async fn turn(shop: &Workshop, cancel: &CancellationToken) -> Result<bool> {
    schedule::start_due(&shop.cx).await?;
    let now = shop.cx.clock.now();
    let claimed = transaction!(&shop.cx.pool, |tx| {
        jobs::sweep(tx, now).await?;
        jobs::claim(tx, &shop.worker, LEASE_SECONDS, now).await
    })?;
    let Some(claimed) = claimed else { return Ok(false) };
    let job = Running { claimed, since: Instant::now() };
    match cancel.run_until_cancelled(under_lease(shop, &job)).await {
        Some(Ended::Done) => {}
        Some(Ended::Failed(error)) => give_up_or_retry(shop, &job, &error).await?,
        Some(Ended::LeaseLost) => tracing::warn!(job.kind = %job.claimed.kind, job.id = %job.claimed.job_id, "lease lost, work dropped"),
        None => {
            let ended = job.ended(shop);
            transaction!(&shop.cx.pool, |tx| jobs::fail(tx, &job.claimed, "the worker was stopped", Some(ended.at), ended).await)?;
        }
    }
    Ok(true)
}

enum Ended {
    Done,
    Failed(String),
    LeaseLost,
}

/// Works, and prolongs the lease meanwhile. A panic is a failure of its job and of nothing else.
async fn under_lease(shop: &Workshop, job: &Running) -> Ended {
    let mut work = std::pin::pin!(AssertUnwindSafe(shop.perform(job)).catch_unwind());
    loop {
        match tokio::time::timeout(LEASE_PROLONGED_EVERY, &mut work).await {
            Ok(Ok(Ok(()))) => return Ended::Done,
            Ok(Ok(Err(error))) => return Ended::Failed(format!("{error:#}")),
            Ok(Err(_)) => return Ended::Failed("the job panicked; see the log".into()),
            Err(_) => match jobs::extend(&shop.cx.pool, &job.claimed, LEASE_SECONDS).await {
                Ok(true) => {}
                Ok(false) => return Ended::LeaseLost,
                Err(error) => tracing::warn!(%error, job.id = %job.claimed.job_id, "lease not prolonged"),
            },
        }
    }
}

async fn give_up_or_retry(shop: &Workshop, job: &Running, error: &str) -> Result<()> {
    let ended = job.ended(shop);
    let tries = job.claimed.attempt;
    let retry_at =
        (tries < job.claimed.attempts_max).then(|| not_before(ended.at, tries.unsigned_abs(), rand::random_range(0..=100), None));
    tracing::warn!(job.kind = %job.claimed.kind, job.id = %job.claimed.job_id, job.attempt = tries, error, "job failed");
    transaction!(&shop.cx.pool, |tx| jobs::fail(tx, &job.claimed, error, retry_at, ended).await)
}
