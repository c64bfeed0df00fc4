//! What follows from an answer: stage, next work, exception, circuit. Fenced by the attempt; a late answer is kept,
//! and adopted when it brings the ERP's number.

use super::{BATCH, Desk, finished, new_correlation, send::Completion};
use crate::retry::transaction;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    exception::{Cause as Trouble, ExceptionKind},
    id::{DocumentId, ExceptionId},
    notice::NoticeKind,
    posting::{Outcome, OutcomeKind, not_before},
    stage::Stage,
};
use std::collections::{BTreeMap, HashSet};
use store::{
    Conn, Result, connections,
    exceptions::{self, NewException},
    movements::{Cause, Move, transition, transition_all},
    postings::{self, Finished, Late, Next},
};
use uuid::Uuid;

/// A probe that may find a fast answer early; absence counts only after the ERP's processing time.
const FIRST_LOOK: TimeDelta = TimeDelta::seconds(20);
/// How long an open circuit lets nothing through.
const CIRCUIT_REST: TimeDelta = TimeDelta::seconds(60);
/// The same while nobody gets through; an ERP that is there again is found soon.
const UNREACHABLE_REST: TimeDelta = TimeDelta::seconds(15);

/// What one completion leads to.
struct Verdict {
    document_id: DocumentId,
    stage: Stage,
    reason: String,
    next: Next,
    trouble: Option<Trouble>,
}

impl Desk {
    /// Writes what a batch of sends came to, in one transaction, then what it says about the connection.
    pub async fn complete(&self, completions: &[Completion]) -> Result<()> {
        if completions.is_empty() {
            return Ok(());
        }
        let now = self.cx.clock.now();
        let attempts: Vec<Finished> = completions.iter().map(|c| self.finished_send(c)).collect();
        let verdicts: Vec<Verdict> = completions.iter().map(|c| self.judge(c, now)).collect();
        transaction!(&self.cx.pool, |tx| {
            postings::finish_attempts(tx, &attempts, now).await?;
            let claims: Vec<_> = completions.iter().map(|c| (c.claimed.document_id, c.claimed.attempt_id)).collect();
            let leases: Vec<_> = completions.iter().map(|c| c.correlation_id).collect();
            let mine: HashSet<DocumentId> = postings::hold(tx, &claims, &leases, "lease").await?.into_iter().collect();
            let late = self.late_adoptions(tx, completions, &mine).await?;
            let doubtful = self.doubtful_refusals(tx, completions, &mine).await?;
            let doubts: Vec<Verdict> = doubtful.iter().map(|id| look_first(*id, now)).collect();
            let plain = verdicts
                .iter()
                .filter(|v| (mine.contains(&v.document_id) || late.contains(&v.document_id)) && !doubtful.contains(&v.document_id));
            self.apply(tx, plain.chain(&doubts), now).await?;
            exceptions::close(tx, &late, NoticeKind::Cleared, None, now).await?;
            let answered = completions.iter().filter(|c| mine.contains(&c.claimed.document_id));
            postings::give_back(tx, answered.map(|c| c.correlation_id)).await
        })?;
        // apart, because whoever claims locks the connection before the totals: with both in one transaction they wait for each other
        transaction!(&self.cx.pool, |tx| {
            self.pace(tx, completions, now).await?;
            self.switch_circuit(tx, completions, now).await
        })
    }

    /// The lease ended before the answer came, but the answer is an acceptance and nothing else was decided since.
    async fn late_adoptions(&self, tx: &mut Conn, completions: &[Completion], mine: &HashSet<DocumentId>) -> Result<Vec<DocumentId>> {
        let late: Vec<DocumentId> = completions
            .iter()
            .filter(|c| !mine.contains(&c.claimed.document_id))
            .filter(|c| matches!(&c.sent, Some(sent) if matches!(sent.outcome, Outcome::Accepted { .. })))
            .map(|c| c.claimed.document_id)
            .collect();
        if late.is_empty() { Ok(late) } else { postings::hold_undecided(tx, &late).await }
    }

    /// Refusals that prove nothing, because an earlier send of the same document may have been processed.
    async fn doubtful_refusals(
        &self,
        tx: &mut Conn,
        completions: &[Completion],
        mine: &HashSet<DocumentId>,
    ) -> Result<HashSet<DocumentId>> {
        let refused: Vec<_> = completions
            .iter()
            .filter(|c| mine.contains(&c.claimed.document_id))
            .filter(|c| matches!(&c.sent, Some(sent) if matches!(sent.outcome, Outcome::Business(_) | Outcome::Permanent(_))))
            .map(|c| (c.claimed.document_id, c.claimed.attempt_id))
            .collect();
        Ok(if refused.is_empty() { HashSet::new() } else { postings::doubtful(tx, &refused).await?.into_iter().collect() })
    }

    async fn apply<'v>(&self, tx: &mut Conn, verdicts: impl Iterator<Item = &'v Verdict>, now: DateTime<Utc>) -> Result<()> {
        let mut moves: BTreeMap<(Stage, &str), Vec<DocumentId>> = BTreeMap::new();
        let mut next = Vec::new();
        let mut troubles = Vec::new();
        for verdict in verdicts {
            moves.entry((verdict.stage, verdict.reason.as_str())).or_default().push(verdict.document_id);
            next.push(verdict.next.clone());
            if let Some(cause) = &verdict.trouble {
                let exception_id = ExceptionId(Uuid::now_v7());
                troubles.push(NewException {
                    exception_id,
                    document_id: verdict.document_id,
                    system: Some(self.connection.system),
                    cause: cause.clone(),
                    besides: Vec::new(),
                });
            }
        }
        let moves: Vec<(Stage, Cause, Vec<DocumentId>)> =
            moves.into_iter().map(|((stage, reason), ids)| (stage, self.cause(reason, new_correlation()), ids)).collect();
        let each: Vec<Move> = moves.iter().map(|(to, cause, documents)| Move { documents, to: *to, cause }).collect();
        transition_all(tx, &each).await?;
        for (stage, _, ids) in &moves {
            match stage {
                Stage::Posted => postings::publish(tx, "PostingAccepted", ids, now).await?,
                Stage::Exception | Stage::Mismatch => postings::publish(tx, "ExceptionOpened", ids, now).await?,
                _ => {}
            }
        }
        if !next.is_empty() {
            postings::set_next(tx, &next).await?;
        }
        if !troubles.is_empty() {
            exceptions::open(tx, &troubles, now).await?;
        }
        Ok(())
    }

    /// Half as many calls at once when the ERP throttles, one more when it takes what it gets.
    async fn pace(&self, tx: &mut Conn, completions: &[Completion], now: DateTime<Utc>) -> Result<()> {
        let waits: Vec<Option<u64>> = completions
            .iter()
            .filter_map(|c| match &c.sent.as_ref()?.outcome {
                Outcome::Throttled { retry_after_seconds } => Some(*retry_after_seconds),
                _ => None,
            })
            .collect();
        if waits.is_empty() {
            return connections::speed_up(tx, self.connection.connection_id).await;
        }
        let longest =
            waits.iter().flatten().max().map(|seconds| now + TimeDelta::seconds(i64::try_from(*seconds).unwrap_or(3600).min(3600)));
        let throttled = i64::try_from(waits.len()).unwrap_or(i64::MAX);
        connections::slow_down(tx, self.connection.connection_id, throttled, longest, now).await
    }

    async fn switch_circuit(&self, tx: &mut Conn, completions: &[Completion], now: DateTime<Utc>) -> Result<()> {
        let answers = || completions.iter().filter_map(|c| Some((c.claimed.sent_at, &c.sent.as_ref()?.outcome)));
        if let Some(Outcome::Auth { reason }) = answers().map(|(_, outcome)| outcome).find(|o| matches!(o, Outcome::Auth { .. })) {
            tracing::warn!(connection.code = %self.connection.code, reason, "credentials refused, circuit opened");
            return connections::open_circuit(tx, self.connection.connection_id, reason, now, now + CIRCUIT_REST).await;
        }
        let out_of_reach = |outcome: &Outcome| matches!(outcome, Outcome::Unreachable { .. });
        if let Some((_, Outcome::Unreachable { reason })) = answers().next()
            && answers().all(|(_, outcome)| out_of_reach(outcome))
        {
            tracing::warn!(connection.code = %self.connection.code, reason, "nobody gets through, circuit opened");
            return connections::open_circuit(tx, self.connection.connection_id, reason, now, now + UNREACHABLE_REST).await;
        }
        let no_word = |outcome: &Outcome| {
            let kind = outcome.kind();
            matches!(kind, OutcomeKind::Transient | OutcomeKind::Unreachable | OutcomeKind::Ambiguous | OutcomeKind::Throttled)
        };
        self.close_circuit(tx, answers().filter(|(_, outcome)| !no_word(outcome)).filter_map(|(called_at, _)| called_at).max()).await
    }

    /// Credentials were accepted by a call made at this time.
    pub(super) async fn close_circuit(&self, tx: &mut Conn, called_at: Option<DateTime<Utc>>) -> Result<()> {
        if let Some(called_at) = called_at
            && connections::close_circuit(tx, self.connection.connection_id, called_at).await?
        {
            tracing::info!(connection.code = %self.connection.code, "circuit closed");
        }
        Ok(())
    }

    fn judge(&self, completion: &Completion, now: DateTime<Utc>) -> Verdict {
        let claimed = &completion.claimed;
        let kind = completion.sent.as_ref().map_or(OutcomeKind::NotSent, |s| s.outcome.kind());
        let mut next = Next { burnt: kind.burns_an_attempt(), ..Next::nothing(claimed.document_id) };
        let verdict = |stage: Stage, reason: String, next: Next, trouble: Option<Trouble>| Verdict {
            document_id: claimed.document_id,
            stage,
            reason,
            next,
            trouble,
        };
        let jitter = || rand::random_range(0..=100);
        let tries = claimed.attempts.unsigned_abs();
        match completion.sent.as_ref().map(|s| &s.outcome) {
            Some(Outcome::Accepted { erp_id, erp_number }) => {
                (next.erp_id, next.erp_number) = (Some(erp_id.clone()), Some(erp_number.clone()));
                verdict(kind.stage(), format!("accepted by {}", self.connection.code), next, None)
            }
            Some(Outcome::Transient { reason }) if claimed.attempts + 1 >= self.connection.attempts_max => {
                let message = format!("not processed after {} tries: {reason}", claimed.attempts + 1);
                let cause = Trouble { kind: ExceptionKind::Attempts, code: "ATTEMPTS_USED_UP".into(), message, field: None, missing: None };
                verdict(Stage::Exception, "tries used up".into(), next, Some(cause))
            }
            Some(Outcome::Business(refusal) | Outcome::Permanent(refusal)) => {
                verdict(kind.stage(), format!("refused: {}", refusal.code), next, Some(Trouble::of_refusal(refusal)))
            }
            Some(Outcome::Ambiguous { .. } | Outcome::Duplicate { .. }) => {
                let wait = if kind == OutcomeKind::Duplicate { TimeDelta::zero() } else { FIRST_LOOK.min(self.processing()) };
                (next.work, next.due_at, next.sent_at) = (Some("probe"), Some(now + wait), Some(now));
                let reason = if kind == OutcomeKind::Duplicate { "the ERP has our key already" } else { "sent, outcome not known" };
                verdict(kind.stage(), reason.into(), next, None)
            }
            waits => {
                let (reason, due) = match waits {
                    Some(Outcome::Throttled { retry_after_seconds }) => {
                        ("throttled", not_before(now, tries, jitter(), *retry_after_seconds))
                    }
                    Some(Outcome::Transient { .. }) => ("not processed, tried again later", not_before(now, tries, jitter(), None)),
                    Some(Outcome::Unreachable { .. }) => ("the ERP was not reached, nothing sent", now),
                    Some(Outcome::Auth { .. }) => ("credentials refused, nothing sent", now),
                    _ => ("claimed, not sent", now),
                };
                (next.work, next.due_at) = (Some("send"), Some(due));
                verdict(Stage::Queued, reason.into(), next, None)
            }
        }
    }

    fn finished_send(&self, completion: &Completion) -> Finished {
        let Some(sent) = &completion.sent else { return finished(&completion.claimed, OutcomeKind::NotSent.as_str(), None) };
        let mut row = finished(&completion.claimed, sent.outcome.kind().as_str(), Some(&sent.exchange));
        match &sent.outcome {
            Outcome::Business(refusal) | Outcome::Permanent(refusal) => {
                (row.code, row.message, row.field) = (Some(refusal.code.clone()), Some(refusal.message.clone()), refusal.field.clone());
            }
            Outcome::Transient { reason }
            | Outcome::Unreachable { reason }
            | Outcome::Auth { reason }
            | Outcome::Duplicate { reason }
            | Outcome::Ambiguous { reason } => {
                row.message = Some(reason.clone());
            }
            Outcome::Accepted { erp_number, .. } => row.message = Some(format!("number {erp_number}")),
            Outcome::Throttled { retry_after_seconds } => {
                row.message = retry_after_seconds.map(|seconds| format!("asked to wait {seconds} s"));
            }
        }
        row
    }

    /// Leases that ended without an answer: nobody knows, so a probe has to.
    pub async fn sweep(&self) -> Result<usize> {
        let now = self.cx.clock.now();
        transaction!(&self.cx.pool, |tx| {
            let expired = postings::end_expired(tx, self.connection.connection_id).await?;
            let ids: Vec<DocumentId> = expired.iter().map(|e| e.document_id).collect();
            transition(tx, &ids, Stage::Unknown, &self.cause("the lease ended without an answer", new_correlation())).await?;
            let next: Vec<Next> = ids
                .iter()
                .map(|id| Next { work: Some("probe"), due_at: Some(now), burnt: true, sent_at: Some(now), ..Next::nothing(*id) })
                .collect();
            postings::set_next(tx, &next).await?;
            postings::write_off(tx, &expired, now).await?;
            Ok(ids.len())
        })
    }

    /// What waits to be sent into a period that was hard closed meanwhile, proved absent or never sent: it waits for a person, and is
    /// never re-dated. Returns how many were stopped.
    pub async fn stop_late(&self) -> Result<usize> {
        let now = self.cx.clock.now();
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        transaction!(&self.cx.pool, |tx| {
            let late = postings::stop_late(tx, self.connection.connection_id, limit).await?;
            let ids: Vec<DocumentId> = late.iter().map(|late| late.document_id).collect();
            if ids.is_empty() {
                return Ok(0);
            }
            transition(tx, &ids, Stage::Exception, &self.cause("its period was hard closed before it was sent", new_correlation())).await?;
            let new: Vec<NewException> = late.iter().map(of_late).collect();
            exceptions::open(tx, &new, now).await?;
            postings::publish(tx, "ExceptionOpened", &ids, now).await?;
            Ok(ids.len())
        })
    }

    pub(super) async fn decide(&self, tx: &mut Conn, decisions: Vec<Decision>, now: DateTime<Utc>) -> Result<()> {
        let verdicts: Vec<Verdict> = decisions
            .into_iter()
            .map(|d| Verdict { document_id: d.next.document_id, stage: d.stage, reason: d.reason, next: d.next, trouble: d.trouble })
            .collect();
        self.apply(tx, verdicts.iter(), now).await
    }
}

/// A refusal that proves nothing: a probe decides what became of the earlier send.
fn look_first(document_id: DocumentId, now: DateTime<Utc>) -> Verdict {
    let next = Next { work: Some("probe"), due_at: Some(now), burnt: true, sent_at: Some(now), ..Next::nothing(document_id) };
    Verdict {
        document_id,
        stage: Stage::Unknown,
        reason: "refused, but an earlier send may have been processed".into(),
        next,
        trouble: None,
    }
}

fn of_late(late: &Late) -> NewException {
    let message = format!("The accounting period {} was hard closed before it was sent", late.period);
    let cause = Trouble { kind: ExceptionKind::Period, code: "PERIOD_HARD_CLOSED".into(), message, field: None, missing: None };
    NewException { exception_id: ExceptionId(Uuid::now_v7()), document_id: late.document_id, system: None, cause, besides: Vec::new() }
}

/// What a probe decided.
pub(super) struct Decision {
    pub stage: Stage,
    pub reason: String,
    pub next: Next,
    pub trouble: Option<Trouble>,
}
