//! The audit log on screen: who changed what, from what to what, and whether the chain is whole.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub sequence: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    /// Noun and verb: `user.create`.
    pub action: String,
    pub subject: String,
    /// `None`: it concerns no single entity.
    pub entity_code: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    /// Over the row before and this one, hexadecimal.
    pub hash: String,
}

/// The last link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    pub sequence: i64,
    pub hash: String,
    /// Its head is kept nowhere outside this database since then.
    pub unanchored_since: DateTime<Utc>,
}
