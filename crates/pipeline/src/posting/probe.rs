//! Probing: what became of a send whose answer nobody has. Absence is proved by two looks apart, both after the ERP's
//! maximum processing time; only then is the document sendable again.

use super::{Desk, complete::Decision, finished, new_attempts, new_correlation, wire};
use crate::retry::transaction;
use chrono::{DateTime, TimeDelta, Utc};
use connectors::Probed;
use domain::{
    exception::{Cause as Trouble, ExceptionKind},
    id::CorrelationId,
    posting::{MappedDocument, Probe, differences, not_before},
    stage::Stage,
};
use futures::future::join_all;
use std::collections::HashSet;
use store::{
    Result,
    postings::{self, Claimed, Finished, Next},
};

/// Unknown outcomes asked about in one round.
const ROUND: usize = 20;
/// Looks that must find nothing before a document counts as absent.
const ABSENT_PROOF: i16 = 2;

impl Desk {
    /// Asks the ERP about unknown outcomes that are due. Returns how many were asked about.
    pub async fn probe(&self) -> Result<usize> {
        let correlation_id = new_correlation();
        let now = self.cx.clock.now();
        let hidden_until = now + TimeDelta::from_std(self.request_timeout()).unwrap_or(TimeDelta::minutes(2)) * 2;
        let attempts = new_attempts(ROUND.min(self.slots()));
        let claimed =
            transaction!(&self.cx.pool, |tx| postings::claim_probes(tx, self.claim(correlation_id), &attempts, hidden_until).await)?;
        if claimed.is_empty() {
            return Ok(0);
        }
        let asked = join_all(claimed.into_iter().map(|claimed| async move {
            let probed = self.erp.probe(&wire(&claimed), &correlation_id.to_string()).await;
            (claimed, probed)
        }))
        .await;
        self.complete_probes(&asked, correlation_id, now).await?;
        Ok(asked.len())
    }

    /// `asked_at` is when the asking began: an answer says nothing about what came later.
    async fn complete_probes(&self, asked: &[(Claimed, Probed)], lease: CorrelationId, asked_at: DateTime<Utc>) -> Result<()> {
        let now = self.cx.clock.now();
        let attempts: Vec<Finished> = asked.iter().map(|(claimed, probed)| finished_probe(claimed, probed)).collect();
        let claims: Vec<_> = asked.iter().map(|(claimed, _)| (claimed.document_id, claimed.attempt_id)).collect();
        let answered = asked.iter().any(|(_, probed)| !matches!(probed.probe, Probe::NotAnswered { .. }));
        transaction!(&self.cx.pool, |tx| {
            postings::finish_attempts(tx, &attempts, now).await?;
            let mine: HashSet<_> = postings::hold(tx, &claims, &[lease], "probe").await?.into_iter().collect();
            let mut ours = postings::mapped(tx, &claims.iter().map(|(document, _)| *document).collect::<Vec<_>>()).await?;
            let (mut decided, mut waiting) = (Vec::new(), Vec::new());
            for (claimed, probed) in asked.iter().filter(|(claimed, _)| mine.contains(&claimed.document_id)) {
                let mapped = ours.remove(&claimed.document_id).unwrap_or_default();
                match self.weigh(claimed, mapped, &probed.probe, asked_at, now) {
                    Weighed::Decided(decision) => decided.push(decision),
                    Weighed::Waits(next) => waiting.push(next),
                }
            }
            postings::set_next(tx, &waiting).await?;
            self.decide(tx, decided, now).await?;
            postings::give_back(tx, mine.iter().map(|_| lease)).await
        })?;
        // apart, as after sends
        self.close_circuit(&mut *self.cx.pool.acquire().await?, answered.then_some(asked_at)).await
    }

    fn weigh(&self, claimed: &Claimed, mapped: serde_json::Value, probe: &Probe, asked_at: DateTime<Utc>, now: DateTime<Utc>) -> Weighed {
        let mut next = Next { absent_probes: claimed.absent_probes, ..Next::nothing(claimed.document_id) };
        let mismatch = |next, reason: &str, trouble| {
            Weighed::Decided(Decision { stage: Stage::Mismatch, reason: reason.into(), next, trouble: Some(trouble) })
        };
        match probe {
            Probe::Found(found) => {
                (next.erp_id, next.erp_number) = (Some(found.erp_id.clone()), Some(found.erp_number.clone()));
                let differs = match serde_json::from_value::<MappedDocument>(mapped) {
                    Ok(ours) => differences(&ours, found),
                    Err(error) => {
                        tracing::error!(document.id = %claimed.document_id, %error, "the mapped document is unreadable");
                        return Weighed::Waits(Next { work: Some("probe"), due_at: Some(now + TimeDelta::hours(1)), ..next });
                    }
                };
                if differs.is_empty() {
                    Weighed::Decided(Decision { stage: Stage::Posted, reason: "found in the ERP and equal".into(), next, trouble: None })
                } else {
                    mismatch(next, "found in the ERP and different", Trouble::of_differences(&differs))
                }
            }
            Probe::FoundTwice(found) => {
                let numbers = found.iter().map(|d| d.erp_number.as_str()).collect::<Vec<_>>().join(", ");
                let message = format!("{} documents in the ERP carry our key: {numbers}", found.len());
                let trouble = Trouble { kind: ExceptionKind::Mismatch, code: "TWICE_IN_ERP".into(), message, field: None, missing: None };
                mismatch(next, "twice in the ERP", trouble)
            }
            Probe::Absent => self.weigh_absence(claimed, next, asked_at, now),
            Probe::NotAnswered { .. } => {
                Weighed::Waits(Next { work: Some("probe"), due_at: Some(not_before(now, 4, rand::random_range(0..=100), None)), ..next })
            }
        }
    }

    fn weigh_absence(&self, claimed: &Claimed, mut next: Next, asked_at: DateTime<Utc>, now: DateTime<Utc>) -> Weighed {
        let processing = self.processing();
        let counts_from = claimed.sent_at.unwrap_or(now) + processing;
        next.work = Some("probe");
        if asked_at < counts_from {
            next.due_at = Some(counts_from);
            return Weighed::Waits(next);
        }
        next.absent_probes += 1;
        if next.absent_probes >= ABSENT_PROOF {
            (next.work, next.due_at) = (Some("send"), Some(now));
            return Weighed::Decided(Decision { stage: Stage::Queued, reason: "proved absent from the ERP".into(), next, trouble: None });
        }
        // apart, and in proportion to how slow the ERP may be
        next.due_at = Some(now + (processing / 10).max(TimeDelta::seconds(1)));
        Weighed::Waits(next)
    }
}

enum Weighed {
    Decided(Decision),
    Waits(Next),
}

fn finished_probe(claimed: &Claimed, probed: &Probed) -> Finished {
    let (outcome, message) = match &probed.probe {
        Probe::Found(found) => ("found", Some(format!("number {}", found.erp_number))),
        Probe::FoundTwice(found) => ("found_twice", Some(format!("{} documents", found.len()))),
        Probe::Absent => ("absent", None),
        Probe::NotAnswered { reason } => ("not_answered", Some(reason.clone())),
    };
    Finished { message, ..finished(claimed, outcome, Some(&probed.exchange)) }
}
