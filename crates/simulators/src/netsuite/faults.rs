//! What can go wrong at NetSuite.

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Works, `ms` later; longer than the client waits, it commits after the client gave up.
    Latency,
    Throttled,
    /// 500, nothing done.
    ServerError,
    /// 500, and yet it is done.
    ServerErrorAfterCommit,
    /// The connection is cut, nothing done.
    CutBefore,
    /// Done, then the connection is cut.
    CutAfter,
    /// The connection is cut, and it is done `ms` later; without `ms` when `/admin/deliver` says so.
    DelayedCommit,
    /// The network delivers the request twice; the second answer comes back.
    Doubled,
    ClosedPeriod,
    UnknownAccount,
    /// The token used is expired from now on.
    TokenExpired,
    /// 401 whatever the token.
    InvalidLogin,
    /// 403, the role may not.
    Permission,
    /// Someone else holds the record.
    Locked,
    /// A page without its last row that says it is the last one.
    RowLost,
}

/// Which requests it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    #[default]
    Write,
    Read,
    /// The token endpoint; kinds that make no sense there refuse the assertion.
    Token,
}

pub type FaultRule = crate::faults::FaultRule<FaultKind, On>;
