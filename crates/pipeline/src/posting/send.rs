//! One send: only while the lease outlives the answer's time-out.

use super::{Desk, new_attempts, new_correlation, wire};
use crate::retry::transaction;
use connectors::Sent;
use domain::{id::CorrelationId, stage::Stage};
use std::time::Instant;
use store::{
    Result,
    movements::transition,
    postings::{self, Claimed},
};

/// Postings under a lease that ends, by our own clock, no later than the database thinks.
#[derive(Debug)]
pub struct Hand {
    pub claimed: Vec<Claimed>,
    pub correlation_id: CorrelationId,
    pub lease_ends: Instant,
}

/// A posting with what its send brought; `None`: the lease left no time and nothing was sent.
#[derive(Debug)]
pub struct Completion {
    pub claimed: Claimed,
    pub correlation_id: CorrelationId,
    pub sent: Option<Sent>,
}

impl Desk {
    /// Takes up to `room` due postings; they are `in_flight` when this returns.
    pub async fn take(&self, room: usize) -> Result<Hand> {
        let correlation_id = new_correlation();
        let attempts = new_attempts(room);
        // measured before the claim, so it can only be too early
        let lease_ends = Instant::now() + std::time::Duration::from_secs(u64::from(self.lease_seconds().unsigned_abs()));
        let after = self.queue.after();
        let claimed = transaction!(&self.cx.pool, |tx| {
            let claimed = postings::claim_sends(tx, self.claim(correlation_id), &attempts, after).await?;
            let ids: Vec<_> = claimed.iter().map(|c| c.document_id).collect();
            transition(tx, &ids, Stage::InFlight, &self.cause(format!("sent by {}", self.worker), correlation_id)).await?;
            Ok(claimed)
        })?;
        self.queue.claimed(&claimed, room);
        Ok(Hand { claimed, correlation_id, lease_ends })
    }

    /// Sends once. A worker that stood still past its lease finds no time left and gives the posting back.
    pub async fn send(&self, claimed: Claimed, correlation_id: CorrelationId, lease_ends: Instant) -> Completion {
        if Instant::now() + self.request_timeout() >= lease_ends {
            return Completion { claimed, correlation_id, sent: None };
        }
        let sent = self.erp.post(&wire(&claimed), &correlation_id.to_string()).await;
        Completion { claimed, correlation_id, sent: Some(sent) }
    }
}
