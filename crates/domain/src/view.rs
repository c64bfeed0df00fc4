//! Read models: what the pages show, and the only types that cross the wire. Amounts travel as text.

use crate::{
    access::Role,
    exception::ExceptionKind,
    id::*,
    mapping::MappingKind,
    period::AccountingPeriod,
    reconciliation::BatchCell,
    stage::{DocumentKind, Stage},
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// An entity as the switch and the row heads show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityView {
    pub entity_id: EntityId,
    pub code: String,
    pub name: String,
    pub functional_currency: String,
    pub time_zone: String,
}

/// Who is signed in, for the shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerView {
    pub name: String,
    pub email: String,
    pub roles: Vec<Role>,
    pub actions: Vec<crate::access::Action>,
    pub entities: Vec<EntityView>,
    /// Periods that hold documents, newest first.
    pub periods: Vec<AccountingPeriod>,
    /// Notices that were not read yet, up to a hundred.
    pub unread: i64,
}

/// How many documents, and how much money, are in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCell {
    pub stage: Stage,
    pub count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
}

/// One line of a stage matrix: a batch or entity in one currency and kind, with what its manifest says came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixRow {
    pub currency: String,
    pub kind: DocumentKind,
    pub came_in: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
    /// In the order of the state machine; only stages that hold something.
    pub stages: Vec<StageCell>,
}

impl MatrixRow {
    /// What the stages account for.
    pub fn accounted_for(&self) -> i64 {
        self.stages.iter().map(|cell| cell.count).sum()
    }

    pub fn amount_accounted_for(&self) -> Decimal {
        self.stages.iter().map(|cell| cell.amount).sum()
    }

    pub fn is_complete(&self) -> bool {
        self.accounted_for() == self.came_in && self.amount_accounted_for() == self.amount
    }

    pub fn count_in(&self, stage: Stage) -> i64 {
        self.stages.iter().filter(|cell| cell.stage == stage).map(|cell| cell.count).sum()
    }

    pub fn amount_in(&self, stage: Stage) -> Decimal {
        self.stages.iter().filter(|cell| cell.stage == stage).map(|cell| cell.amount).sum()
    }
}

/// A batch in a list, with where its documents are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchView {
    pub batch_id: BatchId,
    pub source: String,
    pub number: String,
    pub entity_code: String,
    pub entity_name: String,
    pub period: AccountingPeriod,
    pub received_at: DateTime<Utc>,
    pub actor: String,
    pub document_count: i32,
    pub matrix: Vec<MatrixRow>,
}

/// A batch with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDetail {
    pub batch: BatchView,
    /// Every file that was this batch or claimed to be it, oldest first.
    pub intakes: Vec<IntakeView>,
    pub seals: Vec<SealView>,
    /// Checkpoint 3 of this batch; empty: not compared yet.
    pub erp: Vec<BatchCell>,
    /// Before its first send; `None`: not everything was mapped yet.
    pub control: Option<crate::control::BatchControl>,
}

/// A file that was handed over, and what came of it. Hashes are hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeView {
    pub intake_id: uuid::Uuid,
    pub received_at: DateTime<Utc>,
    pub actor: String,
    pub file_name: String,
    pub raw_hash: String,
    pub byte_length: i64,
    pub outcome: ImportOutcome,
    pub batch_id: Option<BatchId>,
    /// Why it was refused, or the rules that rejected rows broke (the first of many).
    pub errors: Vec<crate::document::Violation>,
}

/// One link in the chain of its entity's seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealView {
    pub sequence: i64,
    pub purpose: String,
    pub totals: String,
    pub set_hash: String,
    pub merkle_root: String,
    pub previous_hash: Option<String>,
    pub seal_hash: String,
    pub sealed_at: DateTime<Utc>,
}

/// A page of a keyset-paged list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paged<T> {
    pub rows: Vec<T>,
    /// Hand it back for the next page; `None` is the end.
    pub next: Option<String>,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRow {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub version: i32,
    pub customer_name: String,
    pub entity_code: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub tax: Decimal,
    pub posting_date: NaiveDate,
    pub period: AccountingPeriod,
    pub stage: Stage,
    pub stage_at: DateTime<Utc>,
    pub erp_number: Option<String>,
}

/// Everything known about one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentView {
    pub row: DocumentRow,
    pub batch_id: BatchId,
    pub batch_number: String,
    pub customer_code: String,
    pub issue_date: NaiveDate,
    pub due_date: NaiveDate,
    pub applies_to: Option<String>,
    pub content_hash: String,
    pub superseded_by: Option<DocumentId>,
    pub violations: Vec<crate::document::Violation>,
    pub lines: Vec<crate::document::DocumentLine>,
    pub movements: Vec<MovementView>,
    pub attempts: Vec<AttemptView>,
    pub posting: Option<PostingView>,
    pub exception_id: Option<ExceptionId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementView {
    pub sequence: i32,
    pub from_stage: Option<Stage>,
    pub to_stage: Stage,
    pub actor: String,
    pub reason: String,
    pub correlation_id: CorrelationId,
    pub moved_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    pub attempt_id: AttemptId,
    pub purpose: String,
    pub worker: String,
    pub claimed_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub field: Option<String>,
    pub request: Option<String>,
    pub http_status: Option<i16>,
    pub answer: Option<String>,
    pub late: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostingView {
    pub connection_code: String,
    pub posting_key: String,
    pub payload: String,
    pub payload_hash: String,
    pub frozen_at: Option<DateTime<Utc>>,
    pub attempts: i32,
    pub work: Option<String>,
    pub due_at: Option<DateTime<Utc>>,
    /// Until then the ERP may still be working on the last send.
    pub processed_by: Option<DateTime<Utc>>,
    /// Probes after that which found nothing; two prove absence.
    pub absent_probes: i16,
    pub erp_id: Option<String>,
    pub erp_number: Option<String>,
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    pub outcome: ImportOutcome,
    /// The file as it is kept; none when it was only read.
    pub intake_id: Option<uuid::Uuid>,
    pub batch_id: Option<BatchId>,
    /// `source / number`.
    pub batch: String,
    pub documents: i64,
    pub rejected: i64,
    /// Why it was refused, or the rules that rejected rows broke (the first of many).
    pub errors: Vec<crate::document::Violation>,
    /// One sentence for people.
    pub summary: String,
}

crate::text_enum::text_enum! {
    pub enum ImportOutcome {
        Imported = "imported",
        /// The same content was there already; nothing changed.
        Unchanged = "unchanged",
        /// The batch number is taken by other content.
        Conflict = "conflict",
        Refused = "refused",
    }
}

/// Documents and money in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageMoney {
    pub currency: String,
    pub count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
}

/// An open exception in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionRow {
    pub exception_id: ExceptionId,
    pub document_id: DocumentId,
    pub number: String,
    pub document_kind: DocumentKind,
    pub customer_name: String,
    pub entity_code: String,
    pub connection_code: Option<String>,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub period: AccountingPeriod,
    pub kind: ExceptionKind,
    pub fingerprint: String,
    pub message: String,
    pub opened_at: DateTime<Utc>,
    /// Until when it has to be dealt with, on its entity's calendar.
    pub due_at: Option<DateTime<Utc>>,
    pub owner: Option<String>,
    pub stage: Stage,
}

/// Exceptions of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    pub fingerprint: String,
    pub kind: ExceptionKind,
    pub code: String,
    pub message: String,
    pub connection_id: Option<ConnectionId>,
    pub connection_code: Option<String>,
    pub missing_kind: Option<MappingKind>,
    pub missing_code: Option<String>,
    pub entities: Vec<String>,
    pub count: i64,
    /// Per currency; never added.
    pub money: Vec<StageMoney>,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// When its oldest is due, which is the first: a cause is of one kind, and a kind has one allowance.
    pub due_at: Option<DateTime<Utc>>,
    /// Opened per day over the last days, oldest first, closed ones too; empty when it was not asked for.
    pub trend: Vec<i64>,
    /// Closing periods that its open exceptions hold up: entity and period.
    pub closing: Vec<(String, AccountingPeriod)>,
}

/// Documents that need no one: unknown (a probe decides), retry (throttled or not processed), held (waits for its invoice).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingGroup {
    pub what: String,
    pub entity_code: String,
    pub currency: String,
    pub count: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub next_at: Option<DateTime<Utc>>,
}

/// One exception with what people said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionView {
    pub row: ExceptionRow,
    pub code: String,
    pub field: Option<String>,
    pub missing_kind: Option<MappingKind>,
    pub missing_code: Option<String>,
    pub connection_id: Option<ConnectionId>,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_as: Option<String>,
    /// A request for a second person that waits.
    pub approval_id: Option<ApprovalId>,
    /// It is open, and its period is closing and can't be complete without it.
    pub blocks_close: bool,
    pub notes: Vec<NoteView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteView {
    pub author: String,
    pub written_at: DateTime<Utc>,
    pub body: String,
}

/// A mapping row with its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingView {
    pub mapping_id: MappingId,
    pub connection_id: ConnectionId,
    pub connection_code: String,
    pub kind: MappingKind,
    pub source_code: String,
    pub target_ref: String,
    pub version: i32,
    pub state: crate::mapping::MappingState,
    pub proposed_by: String,
    pub proposed_at: DateTime<Utc>,
    pub decided_by: Option<String>,
}

/// A connection as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    pub connection_id: ConnectionId,
    pub code: String,
    pub system: crate::posting::ErpSystem,
    pub sandbox: bool,
    /// Calls at once, as the vendor documents them.
    pub slots: i32,
    /// What throttling has left of them.
    pub slots_now: i32,
    /// Sends begun in a minute, where the vendor limits them.
    pub per_minute: Option<i32>,
    /// What is queued, lane by lane in their order.
    pub lanes: Vec<LaneDepth>,
    /// Throttled answers, ever.
    pub throttled: i64,
    pub throttled_until: Option<DateTime<Utc>>,
    pub in_flight: i64,
    pub posted_per_minute: i64,
    pub queued: i64,
    pub probing: i64,
    /// `closed` (calls go through) or `open`.
    pub circuit: String,
    pub circuit_reason: Option<String>,
    pub circuit_probe_at: Option<DateTime<Utc>>,
    pub processing_seconds_max: i32,
    pub request_seconds_max: i32,
    /// Entities whose books it keeps and the caller may see.
    pub entities: Vec<String>,
    pub last_errors: Vec<FailedAttemptView>,
}

/// How much waits in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneDepth {
    pub lane: crate::lane::Lane,
    /// No more than [`LaneDepth::COUNTED`] are counted.
    pub waiting: i64,
}

impl LaneDepth {
    pub const COUNTED: i64 = 10_000;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttemptView {
    pub document_id: DocumentId,
    pub number: String,
    pub outcome: String,
    pub message: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
}
