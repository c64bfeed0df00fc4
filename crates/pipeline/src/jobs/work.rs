//! What each kind of job does. All of them may run twice: they compare what is there with what should be there.

use super::Workshop;
use crate::{access::sign_in, cash, gateways, import, readback, reconcile, retry::transaction, verify, workbench::replay};
use anyhow::{Context as _, bail};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    checkpoint::Checkpoint,
    id::{EntityId, JobId},
    job::JobKind,
    period::AccountingPeriod,
};
use std::time::Instant;
use store::{
    Tx,
    access::sessions,
    connections::{self, AttachedEntity},
    daily_flow,
    jobs::{self, Claimed, Ended, NewJob},
    notices, reconciliation, replays,
};
use uuid::Uuid;

/// Periods of an entity that are compared every time: those that may still change, and a few to look back.
const PERIODS_COMPARED: i64 = 6;
/// How long completed jobs are kept for the page; discarded ones stay.
const RUNS_KEPT: TimeDelta = TimeDelta::days(30);

/// A claimed job that is being worked on.
pub(super) struct Running {
    pub claimed: Claimed,
    pub since: Instant,
}

impl Running {
    pub(super) fn ended(&self, shop: &Workshop) -> Ended {
        Ended { at: shop.cx.clock.now(), duration_ms: i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX) }
    }
}

impl Workshop {
    /// Does a job and completes it.
    pub(super) async fn perform(&self, job: &Running) -> anyhow::Result<()> {
        match job.claimed.kind {
            JobKind::ReadBack => {
                let result = self.read_back(&job.claimed.subject).await?;
                self.complete(job, &result, Some(JobKind::Reconcile)).await?;
            }
            JobKind::Reconcile => {
                let result = self.reconcile(&job.claimed.subject).await?;
                self.complete(job, &result, None).await?;
            }
            JobKind::PullGateways => {
                let result = self.pull_gateways(&job.claimed.subject).await?;
                self.complete(job, &result, None).await?;
            }
            JobKind::ApplyCash => {
                let result = self.apply_cash(&job.claimed.subject).await?;
                self.complete(job, &result, None).await?;
            }
            JobKind::Backtest if job.claimed.subject.is_empty() => self.find_untested(job).await?,
            JobKind::Backtest => {
                let result = self.backtest(&job.claimed.subject).await?;
                self.complete(job, &result, None).await?;
            }
            JobKind::Collect => {
                let result = self.collect(&job.claimed.subject).await?;
                self.complete(job, &result, None).await?;
            }
            JobKind::Replay if job.claimed.subject.is_empty() => self.find_replays(job).await?,
            JobKind::Replay => self.replay(job).await?,
            JobKind::SealOutcomes => {
                let sealed = import::seals::seal_outcomes(&self.cx).await?;
                self.complete(job, &format!("{sealed} batches sealed"), None).await?;
            }
            JobKind::CountFlow => self.count_flow(job).await?,
            JobKind::TellBreaches => self.tell_breaches(job).await?,
            JobKind::SweepSessions => self.sweep(job).await?,
            JobKind::Verify => {
                let report = verify::verify(&self.cx.pool).await?;
                if !report.ties_out() {
                    bail!("{report}");
                }
                self.complete(job, &format!("everything ties out: {} checks", report.checks.len()), None).await?;
            }
        }
        Ok(())
    }

    /// Completes a job whose effects are written already, together with the job that follows from it.
    async fn complete(&self, job: &Running, result: &str, follow: Option<JobKind>) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let ended = job.ended(self);
            jobs::complete(tx, &job.claimed, result, ended).await?;
            if let Some(kind) = follow {
                let subject = &job.claimed.subject;
                let new = NewJob { job_id: JobId(Uuid::now_v7()), kind, subject, run_at: ended.at, created_by: job.claimed.kind.as_str() };
                jobs::enqueue(tx, &new, ended.at).await?;
            }
            Ok(())
        })
    }

    /// A job for every rule table without a back-test: what a job that was given up has left is found here.
    async fn find_untested(&self, job: &Running) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let ended = job.ended(self);
            let tables = store::rules::untested(tx).await?;
            for table in &tables {
                enqueue(tx, JobKind::Backtest, &table.to_string(), ended.at).await?;
            }
            jobs::complete(tx, &job.claimed, &format!("{} back-tests taken up again", tables.len()), ended).await
        })
    }

    async fn backtest(&self, subject: &str) -> anyhow::Result<String> {
        let table = subject.parse().with_context(|| format!("{subject:?} is not a rule table"))?;
        let cash::rules::Ran { lines, left_out } = cash::rules::backtest(&self.cx, table).await?;
        Ok(format!("{lines} payments decided about again, {left_out} left out"))
    }

    /// A job for every set that is to run and has none: what a job that was given up has left is found here.
    async fn find_replays(&self, job: &Running) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let ended = job.ended(self);
            let sets = replays::without_job(tx).await?;
            for set in &sets {
                enqueue(tx, JobKind::Replay, &set.to_string(), ended.at).await?;
            }
            jobs::complete(tx, &job.claimed, &format!("{} replays taken up again", sets.len()), ended).await
        })
    }

    /// One turn of a set. Until the next one the job waits in the queue, so that a pace keeps no worker from other jobs, and only this
    /// job paces its set.
    async fn replay(&self, job: &Running) -> anyhow::Result<()> {
        let subject = &job.claimed.subject;
        let set = subject.parse().with_context(|| format!("{subject:?} is not a replay"))?;
        match replay::turn(&self.cx, &self.erps, set).await? {
            None => self.complete(job, "none of its items has a turn any more", None).await?,
            Some(turned) => {
                let (ended, result) = (job.ended(self), format!("{} items had their turn", turned.items));
                transaction!(&self.cx.pool, |tx| jobs::put_off(tx, &job.claimed, &result, ended.at + turned.pause, ended).await)?;
            }
        }
        Ok(())
    }

    async fn count_flow(&self, job: &Running) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let days = daily_flow::recount(tx, self.cx.clock.now()).await?;
            jobs::complete(tx, &job.claimed, &format!("{days} days counted"), job.ended(self)).await
        })
    }

    async fn tell_breaches(&self, job: &Running) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let late = notices::tell_breaches(tx, self.cx.clock.now()).await?;
            jobs::complete(tx, &job.claimed, &format!("{late} past their time"), job.ended(self)).await
        })
    }

    async fn sweep(&self, job: &Running) -> store::Result<()> {
        transaction!(&self.cx.pool, |tx| {
            let ended = job.ended(self);
            let sessions = sessions::sweep(tx, self.sessions, ended.at).await?;
            sign_in::sweep(tx, ended.at).await?;
            let runs = jobs::forget_completed(tx, ended.at - RUNS_KEPT).await?;
            jobs::complete(tx, &job.claimed, &format!("{sessions} sessions and {runs} runs removed"), ended).await
        })
    }

    /// One ERP that does not answer keeps no other entity from being read; the job fails at the end and is tried again.
    async fn read_back(&self, subject: &str) -> anyhow::Result<String> {
        let entities = self.entities(subject).await?;
        let mut sum = readback::ReadBack::default();
        let mut errors = Vec::new();
        for entity in &entities {
            match readback::sync_entity(&self.cx, &self.erps, entity).await {
                Ok(done) => sum += done,
                Err(error) => {
                    tracing::warn!(entity.code = %entity.mapping.entity_code, error = format!("{error:#}"), "read-back failed");
                    errors.push(format!("{error:#}"));
                }
            }
        }
        if !errors.is_empty() {
            bail!("{} of {} entities: {}", errors.len(), entities.len(), errors.join("; "));
        }
        Ok(format!("{} read, {} gone, {} confirmed, {} differ", sum.read, sum.gone, sum.confirmed, sum.mismatched))
    }

    /// One gateway that does not answer keeps no other from being pulled; the job fails at the end and is tried again.
    async fn pull_gateways(&self, subject: &str) -> anyhow::Result<String> {
        let (mut sum, mut errors) = (gateways::Pulled::default(), Vec::new());
        for entity in self.known(subject).await? {
            match gateways::pull(&self.cx, entity).await {
                Ok(done) => sum += done,
                Err(error) => {
                    tracing::warn!(%entity, error = format!("{error:#}"), "gateway not pulled");
                    errors.push(format!("{error:#}"));
                }
            }
        }
        if !errors.is_empty() {
            bail!("{}", errors.join("; "));
        }
        let gateways::Pulled { entries, payouts, disputes, attempts, documents, applied } = sum;
        Ok(format!(
            "{entries} movements, {payouts} payouts, {disputes} disputes, {attempts} attempts, {documents} documents, {applied} applied"
        ))
    }

    async fn apply_cash(&self, subject: &str) -> anyhow::Result<String> {
        let mut sum = cash::Received::default();
        for entity in self.known(subject).await? {
            sum += cash::receive(&self.cx, entity).await?;
        }
        let cash::Received { payments, applied, credits, suggested, payouts, returned } = sum;
        Ok(format!(
            "{payments} payments received, {returned} taken back, {payouts} payouts of gateways, {applied} applications, {credits} credit memos applied, {suggested} wait for a person"
        ))
    }

    async fn collect(&self, subject: &str) -> anyhow::Result<String> {
        let (mut raised, mut ended) = (0, 0);
        for entity in self.known(subject).await? {
            let done = cash::collect(&self.cx, entity).await?;
            raised += done.raised;
            ended += done.ended;
        }
        Ok(format!("{raised} triggers raised, {ended} ended"))
    }

    /// Entities that a job is about, with an ERP or without: all, or the one its subject names.
    async fn known(&self, subject: &str) -> anyhow::Result<Vec<EntityId>> {
        let known = store::entities::list(&mut *self.cx.pool.acquire().await.map_err(store::Error::from)?).await?;
        Ok(known.into_iter().map(|entity| entity.entity_id).filter(|id| subject.is_empty() || id.to_string() == subject).collect())
    }

    /// Checkpoint 3 where an ERP was read back, checkpoint 4 where bank or gateway told of money.
    async fn reconcile(&self, subject: &str) -> anyhow::Result<String> {
        let (mut runs, mut opened, mut closed) = (0, 0, 0);
        for entity in self.known(subject).await? {
            reconcile::learn(&self.cx, entity).await?;
            let mut conn = self.cx.pool.acquire().await.map_err(store::Error::from)?;
            let periods = reconciliation::issued::assessable(&mut conn, entity, PERIODS_COMPARED).await?;
            drop(conn);
            let read_back = !periods.is_empty();
            let this = AccountingPeriod::of(self.cx.clock.now().date_naive()).next();
            let months = std::iter::successors(Some(this), |period| Some(period.previous())).take(usize::try_from(PERIODS_COMPARED)?);
            let settled = months.map(|period| (Checkpoint::Cash, period));
            for (checkpoint, period) in periods.into_iter().map(|period| (Checkpoint::Receivables, period)).chain(settled) {
                if let Some(done) = reconcile::run(&self.cx, checkpoint, entity, period).await? {
                    runs += 1;
                    opened += done.breaks.opened;
                    closed += done.breaks.closed;
                }
            }
            if read_back {
                cash::tie(&self.cx, entity).await?;
            }
        }
        Ok(format!("{runs} periods compared, {opened} breaks opened, {closed} closed"))
    }

    /// Entities with an ERP that a job is about: all, or the one its subject names.
    async fn entities(&self, subject: &str) -> anyhow::Result<Vec<AttachedEntity>> {
        if !subject.is_empty() {
            let entity: EntityId = subject.parse().with_context(|| format!("{subject:?} is not an entity"))?;
            return Ok(vec![readback::attached(&self.cx, entity).await?]);
        }
        let mut conn = self.cx.pool.acquire().await.map_err(store::Error::from)?;
        Ok(connections::attached_entities(&mut conn).await?)
    }
}

/// A job that another job of its kind starts.
async fn enqueue(tx: &mut Tx, kind: JobKind, subject: &str, at: DateTime<Utc>) -> store::Result<()> {
    let new = NewJob { job_id: JobId(Uuid::now_v7()), kind, subject, run_at: at, created_by: kind.as_str() };
    jobs::enqueue(tx, &new, at).await?;
    Ok(())
}
