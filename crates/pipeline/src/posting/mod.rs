//! Posting: exactly once in effect.
//!
//! map → claim under a lease → send once → complete, fenced by the attempt → or probe what nobody knows.
//! A crash anywhere is the same as no answer: the lease ends, the document becomes `unknown`, a probe decides.
//! No database transaction is open while an ERP is being asked.

mod complete;
pub mod control;
pub mod map;
mod probe;
pub mod send;
pub mod worker;

use crate::Context;
use chrono::TimeDelta;
use connectors::Erp;
use domain::{
    access::Actor,
    id::{AttemptId, CorrelationId},
    posting::Exchange,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{
    connections::Connection,
    movements::Cause,
    postings::{Claim, Claimed, Finished, Place},
};
use uuid::Uuid;

/// Documents moved in one transaction at most: a longer one holds locks too long, a shorter one pays the commit too often.
pub const BATCH: usize = 1_000;

/// One worker at one connection.
#[derive(Clone)]
pub struct Desk {
    pub cx: Context,
    pub connection: Arc<Connection>,
    pub erp: Arc<dyn Erp>,
    /// Names the process in attempts: host and pid.
    pub worker: Arc<str>,
    pub queue: Arc<Queue>,
}

/// How far this worker has come in its connection's queue. What comes in before that place, in an earlier lane or due earlier, is seen
/// when the end was reached, and after so many claims at the latest.
#[derive(Default)]
pub struct Queue(Mutex<Option<(Place, u32)>>);

impl Queue {
    const CLAIMS: u32 = 16;

    fn after(&self) -> Place {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map_or(Place::START, |(place, _)| place)
    }

    fn claimed(&self, claimed: &[Claimed], wanted: usize) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claims = at.map_or(0, |(_, claims)| claims) + 1;
        let last = claimed.iter().map(Claimed::place).max().filter(|_| claimed.len() == wanted && claims < Self::CLAIMS);
        *at = last.map(|place| (place, claims));
    }
}

impl Desk {
    fn cause(&self, reason: impl Into<String>, correlation_id: CorrelationId) -> Cause {
        Cause { actor: Actor::System("posting".into()), reason: reason.into(), correlation_id, at: self.cx.clock.now() }
    }

    fn claim(&self, correlation_id: CorrelationId) -> Claim<'_> {
        Claim {
            connection: self.connection.connection_id,
            worker: &self.worker,
            correlation_id,
            now: self.cx.clock.now(),
            lease_seconds: self.lease_seconds(),
        }
    }

    fn slots(&self) -> usize {
        usize::try_from(self.connection.slots).unwrap_or(1)
    }

    fn request_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.connection.request_seconds_max.unsigned_abs()))
    }

    /// How long the ERP may still work on a request after it left us.
    fn processing(&self) -> TimeDelta {
        TimeDelta::seconds(self.connection.processing_seconds_max.into())
    }

    /// Long enough for one call, its answer and the write that follows; a claim that waited too long is given back.
    fn lease_seconds(&self) -> i32 {
        self.connection.request_seconds_max * 2 + 15
    }
}

fn new_correlation() -> CorrelationId {
    CorrelationId(Uuid::now_v7())
}

fn new_attempts(count: usize) -> Vec<AttemptId> {
    (0..count).map(|_| AttemptId(Uuid::now_v7())).collect()
}

/// Longest request or answer that is kept: an error page is no evidence beyond its beginning.
const KEPT_CHARS: usize = 16_000;

fn finished(claimed: &Claimed, outcome: &str, exchange: Option<&Exchange>) -> Finished {
    let keep = |text: &str| text.chars().take(KEPT_CHARS).collect::<String>();
    Finished {
        attempt_id: claimed.attempt_id,
        document_id: claimed.document_id,
        outcome: outcome.to_owned(),
        code: None,
        message: None,
        field: None,
        request: exchange.map(|e| keep(&e.request)),
        http_status: exchange.and_then(|e| e.status).and_then(|s| i16::try_from(s).ok()),
        answer: exchange.and_then(|e| e.answer.as_deref()).map(keep),
    }
}

fn wire(claimed: &Claimed) -> connectors::Payload {
    connectors::Payload {
        posting_key: domain::posting::PostingKey(claimed.posting_key.clone()),
        kind: claimed.kind,
        entity_ref: claimed.entity_ref.clone(),
        number: claimed.number.clone(),
        body: claimed.payload.clone(),
    }
}
