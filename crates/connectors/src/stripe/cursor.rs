//! Where a pull stands. Lists come newest first, so a pull walks from now back to where the last one began, and only at its end
//! the mark moves: to the newest object that the walk saw. What is made meanwhile is newer than the mark and comes with
//! the next pull.

use chrono::{DateTime, TimeDelta, Utc};
use std::{fmt, str::FromStr};

/// How far a pull looks back behind its mark. A row can become visible after one that was created later; nothing public says
/// how much later (U). Rows that were read before come again with the same id.
pub const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// Kept as text between pulls. Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Everything created before was read.
    since: i64,
    /// The newest object of this walk.
    newest: i64,
    /// The last object read of this walk; none before its first page.
    after: Option<String>,
}

impl Cursor {
    /// A first pull.
    pub fn since(time: DateTime<Utc>) -> Self {
        Self { since: time.timestamp(), newest: time.timestamp(), after: None }
    }

    /// A walk that looks back as far as this; one that broke off goes on first.
    pub fn back_to(mut self, time: DateTime<Utc>) -> Self {
        if self.after.is_none() {
            self.since = self.since.min(time.timestamp());
        }
        self
    }

    /// The `created[gte]` and `starting_after` of the next page.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let from = self.since.saturating_sub(OVERLAP.num_seconds()).max(0);
        let after = self.after.iter().map(|id| ("starting_after", id.clone()));
        [("created[gte]", from.to_string())].into_iter().chain(after).collect()
    }

    /// After a page whose newest object was created at `newest` and whose last has this id; `last` is `None` when it is the end.
    pub(super) fn advanced(&self, newest: Option<i64>, last: Option<String>) -> Self {
        let newest = newest.map_or(self.newest, |newest| newest.max(self.newest));
        let since = if last.is_some() { self.since } else { newest };
        Self { since, newest, after: last }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.since, self.newest, self.after.as_deref().unwrap_or_default())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a cursor of a Stripe pull")]
pub struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.splitn(3, ':');
        let mut seconds = || parts.next().and_then(|part| part.parse().ok()).ok_or_else(|| CursorError(text.to_owned()));
        let (since, newest) = (seconds()?, seconds()?);
        let after = parts.next().ok_or_else(|| CursorError(text.to_owned()))?;
        Ok(Self { since, newest, after: (!after.is_empty()).then(|| after.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_moves_at_the_end_of_a_walk_and_not_before() {
        let begun = Cursor::since(DateTime::from_timestamp(10_000, 0).unwrap());
        assert_eq!(begun.parameters(), [("created[gte]", "6400".to_owned())]);
        let midway = begun.advanced(Some(20_000), Some("txn_9".into()));
        assert_eq!(midway.parameters(), [("created[gte]", "6400".to_owned()), ("starting_after", "txn_9".to_owned())]);
        let done = midway.advanced(Some(15_000), None);
        assert_eq!(done.parameters(), [("created[gte]", "16400".to_owned())]);
        assert_eq!(done.advanced(None, None), done, "an empty pull changes nothing");
        let back = |cursor: &Cursor| cursor.clone().back_to(DateTime::from_timestamp(15_000, 0).unwrap());
        assert_eq!(back(&done).advanced(None, None), done, "looking back does not move the mark");
        assert_eq!((back(&done).parameters(), back(&midway)), (vec![("created[gte]", "11400".to_owned())], midway.clone()));
        for cursor in [begun, midway, done] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        assert!("yesterday".parse::<Cursor>().is_err() && "1:2".parse::<Cursor>().is_err());
    }
}
