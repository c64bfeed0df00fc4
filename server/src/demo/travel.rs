//! The clock of a company that is made in its past and then goes on living.

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use pipeline::SystemClock;
use std::sync::{Arc, Mutex, PoisonError};

/// Stands still in the past until it is moved; at last it is the machine's clock.
#[derive(Debug, Clone, Default)]
pub struct TravelClock(Arc<Mutex<Option<DateTime<Utc>>>>);

impl TravelClock {
    pub fn set(&self, time: Option<DateTime<Utc>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Never backwards.
    pub fn advance_to(&self, time: DateTime<Utc>) {
        self.set(Some(self.now().max(time)));
    }
}

impl Clock for TravelClock {
    fn now(&self) -> DateTime<Utc> {
        let past = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        past.unwrap_or_else(|| SystemClock.now())
    }
}
