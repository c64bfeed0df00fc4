//! Rule tables of cash application as people read them: numbered versions per entity, what each would have done with the entity's own
//! history, and which one is in force.

use crate::{
    id::{ApprovalId, DocumentId, EntityId, RuleTableId},
    text_enum::text_enum,
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The version that whoever has none of his own uses; it comes with the program.
pub const STANDARD_VERSION: i32 = 1;

text_enum! {
    /// What an entry of a rule table is about.
    pub enum RuleGroup {
        /// Points that a rule gives.
        Points = "points",
        /// From which score what happens.
        Sureness = "sureness",
        /// What a payment may be short of.
        Short = "short",
        /// Days around dates.
        Days = "days",
        /// How far combinations are looked for.
        Search = "search",
    }
}

impl RuleGroup {
    pub fn label(self) -> &'static str {
        match self {
            Self::Points => "What a rule gives or takes",
            Self::Sureness => "When the rules decide alone",
            Self::Short => "What a payment may be short of",
            Self::Days => "Days around dates",
            Self::Search => "How far is searched",
        }
    }
}

/// One number of a rule table under its name, as text that people read and write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleEntry {
    pub name: String,
    pub group: RuleGroup,
    pub label: String,
    pub means: String,
    pub value: String,
    /// Where it speaks against a proposal a person decides, whatever the score.
    pub forbids: bool,
}

text_enum! {
    /// Where a version is in its life.
    pub enum RuleTableState {
        /// Its back-test is not finished.
        Testing = "testing",
        /// Its author may ask for it to be put in force.
        Tested = "tested",
        /// A second person is asked.
        Waiting = "waiting",
        Refused = "refused",
        InForce = "in_force",
        /// It was in force; another one is.
        Superseded = "superseded",
    }
}

impl RuleTableState {
    pub fn label(self) -> &'static str {
        match self {
            Self::Testing => "is back-tested",
            Self::Tested => "back-tested",
            Self::Waiting => "waits for approval",
            Self::Refused => "refused",
            Self::InForce => "in force",
            Self::Superseded => "superseded",
        }
    }
}

/// A version with who wrote it, who put it in force, and what its last back-test said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTableView {
    pub rule_table_id: RuleTableId,
    pub version: i32,
    pub state: RuleTableState,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_at: DateTime<Utc>,
    /// Proves the content.
    pub content_hash: String,
    pub activated_at: Option<DateTime<Utc>>,
    pub activated_by: Option<String>,
    /// The request that waits for a second person.
    pub approval_id: Option<ApprovalId>,
    pub test: Option<Backtest>,
}

/// What a version would have done with an entity's history, beside the version that was in force then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backtest {
    /// The version in force that it was held against.
    pub against: i32,
    /// Money that came in on these days.
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub ran_at: DateTime<Utc>,
    /// Payments whose final application is not known: not settled yet, or by the rules too lately.
    pub left_out: i64,
    pub totals: Vec<BacktestTotal>,
}

/// Payments of a currency whose final application is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BacktestTotal {
    pub currency: String,
    pub lines: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub received: Decimal,
    /// Applied without a person, rightly or wrongly.
    pub confirmed_before: i64,
    pub confirmed: i64,
    /// Rightly by this version only.
    pub gained: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub gained_amount: Decimal,
    /// Rightly by the version in force only.
    pub lost: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub lost_amount: Decimal,
    /// Applied without a person otherwise than it finally stood, and the money of those: by the version in force, and by this one.
    pub wrong_before: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub at_risk_before: Decimal,
    pub wrong: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub at_risk: Decimal,
}

text_enum! {
    /// How two versions differ about a payment.
    pub enum Difference {
        /// Wrongly applied by the new one.
        Wrong = "wrong",
        /// Rightly applied by the new one only.
        Gained = "gained",
        /// Rightly applied by the old one only.
        Lost = "lost",
    }
}

impl Difference {
    pub fn label(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Gained => "gained",
            Self::Lost => "lost",
        }
    }
}

/// A payment of the sample, with both decisions and what finally stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BacktestLine {
    pub difference: Difference,
    pub document_id: DocumentId,
    pub number: String,
    pub received_on: NaiveDate,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// What each would do, in words.
    pub before: String,
    pub after: String,
    pub stood: String,
}

/// A version that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleApprovalView {
    pub approval_id: ApprovalId,
    pub entity_id: EntityId,
    pub entity_code: String,
    pub version: i32,
    /// What exactly would be done, in words, with the figures of the back-test.
    pub plan: String,
    pub reason: String,
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
}
