//! Background work in the queue's words: kinds of jobs, their schedules, and how their runs went.

use crate::{id::JobId, text_enum::text_enum};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

text_enum! {
    /// What a job does.
    pub enum JobKind {
        /// Reads AR postings back from the ERPs and confirms ours.
        ReadBack = "read_back",
        /// Compares issued with read back: checkpoint 3.
        Reconcile = "reconcile",
        /// Pulls what moved at the payment gateways, and makes payments of their charges.
        PullGateways = "pull_gateways",
        /// Makes payments of what the banks told, and applies what the rules are sure of.
        ApplyCash = "apply_cash",
        /// Holds a proposed rule table against an entity's history.
        Backtest = "backtest",
        /// Writes what customers owe past its due date as triggers.
        Collect = "collect",
        /// Takes the items of running replays in turn.
        Replay = "replay",
        /// Seals what became of batches whose documents are all in a final stage.
        SealOutcomes = "seal_outcomes",
        /// Counts what came in, was posted and was confirmed, by day: the chart of the home page.
        CountFlow = "count_flow",
        /// Tells whoever watches or owns what is past its time since the last run.
        TellBreaches = "tell_breaches",
        /// Removes expired sessions, and completed jobs that nobody looks at any more.
        SweepSessions = "sweep_sessions",
        /// Proves totals, movements, lines and seals from raw rows.
        Verify = "verify",
    }
}

impl JobKind {
    pub fn label(self) -> &'static str {
        match self {
            Self::ReadBack => "Read back from the ERPs",
            Self::Reconcile => "Reconcile issued with ERP",
            Self::PullGateways => "Pull the payment gateways",
            Self::ApplyCash => "Receive and apply cash",
            Self::Backtest => "Back-test rule tables",
            Self::Collect => "Raise collection triggers",
            Self::Replay => "Go on with replays",
            Self::SealOutcomes => "Seal finished batches",
            Self::CountFlow => "Count the day’s flow",
            Self::TellBreaches => "Tell what is past its time",
            Self::SweepSessions => "Remove expired sessions and old runs",
            Self::Verify => "Verify the books",
        }
    }

    /// Five-field cron in UTC.
    pub fn cron(self) -> &'static str {
        match self {
            Self::ReadBack => "*/5 * * * *",
            Self::Reconcile => "*/15 * * * *",
            Self::PullGateways => "*/10 * * * *",
            Self::ApplyCash => "*/2 * * * *",
            Self::Backtest => "*/5 * * * *",
            Self::Collect => "40 * * * *",
            Self::Replay => "*/5 * * * *",
            Self::SealOutcomes => "*/10 * * * *",
            Self::CountFlow => "*/15 * * * *",
            Self::TellBreaches => "*/5 * * * *",
            Self::SweepSessions => "0 * * * *",
            Self::Verify => "10 2 * * *",
        }
    }

    /// Tries before a job is given up; its schedule starts another.
    pub fn attempts_max(self) -> i32 {
        match self {
            Self::ReadBack | Self::Reconcile | Self::PullGateways | Self::ApplyCash | Self::Collect | Self::Replay | Self::SealOutcomes => {
                5
            }
            Self::Backtest | Self::CountFlow | Self::TellBreaches | Self::SweepSessions | Self::Verify => 3,
        }
    }
}

text_enum! {
    /// Where a job is in its life.
    pub enum JobState {
        Available = "available",
        Running = "running",
        /// Failed, and is tried again.
        Retryable = "retryable",
        Completed = "completed",
        /// Failed for good; the error is kept.
        Discarded = "discarded",
    }
}

impl JobState {
    pub fn label(self) -> &'static str {
        match self {
            Self::Available => "waiting",
            Self::Running => "running",
            Self::Retryable => "waits to be tried again",
            Self::Completed => "done",
            Self::Discarded => "given up",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    pub attempt: i32,
    pub at: DateTime<Utc>,
    pub error: String,
}

/// One job as the page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    pub job_id: JobId,
    pub kind: JobKind,
    /// Empty: everything.
    pub subject: String,
    pub state: JobState,
    pub attempt: i32,
    pub attempts_max: i32,
    pub run_at: DateTime<Utc>,
    pub created_by: String,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration_ms: Option<i64>,
    pub result: Option<String>,
    pub errors: Vec<JobError>,
}

/// A schedule with what it started last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    pub kind: JobKind,
    pub cron: String,
    /// The cron expression as people say it.
    pub words: String,
    pub next_run_at: DateTime<Utc>,
    pub enabled: bool,
    /// Newest first.
    pub runs: Vec<JobView>,
}
