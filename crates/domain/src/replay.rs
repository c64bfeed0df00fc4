//! Replay by frozen set: what was frozen, what would become of it, and what did.

use crate::{id::*, stage::Stage, text_enum::text_enum, view::StageMoney};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

text_enum! {
    /// Where a set is in its life.
    pub enum ReplayState {
        /// Above its preparer's limit: a second person decides.
        Waiting = "waiting",
        Running = "running",
        Paused = "paused",
        Done = "done",
        Cancelled = "cancelled",
        Refused = "refused",
        /// Something in it changed after it was frozen, so what was shown is not what would run.
        Void = "void",
    }
}

impl ReplayState {
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waits for approval",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Void => "void: changed since it was frozen",
        }
    }

    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Refused | Self::Void)
    }
}

text_enum! {
    /// What would become of an item now.
    pub enum ReplayVerdict {
        WillPost = "will_post",
        /// A mapping is still missing.
        Missing = "missing",
        /// Its period is hard closed.
        PeriodClosed = "period_closed",
        /// The ERP holds it already.
        InErp = "in_erp",
        /// It went on since it was frozen.
        Changed = "changed",
    }
}

impl ReplayVerdict {
    pub fn label(self) -> &'static str {
        match self {
            Self::WillPost => "will be sent",
            Self::Missing => "still misses a mapping",
            Self::PeriodClosed => "period is closed",
            Self::InErp => "is in the ERP already",
            Self::Changed => "went on since",
        }
    }
}

text_enum! {
    /// What became of an item when its turn came.
    pub enum ReplayResult {
        Queued = "queued",
        Missing = "missing",
        Ineligible = "ineligible",
    }
}

/// A set with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaySetView {
    pub set_id: ReplaySetId,
    /// What people call it.
    pub number: i64,
    pub title: String,
    pub state: ReplayState,
    pub items: i32,
    /// Hexadecimal.
    pub set_hash: String,
    pub prepared_by: String,
    pub prepared_at: DateTime<Utc>,
    pub within_limit: bool,
    pub decided_by: Option<String>,
    pub decided_at: Option<DateTime<Utc>>,
    pub comment: Option<String>,
    pub per_minute: Option<i32>,
    pub queued: i32,
    pub missing: i32,
    pub ineligible: i32,
    pub finished_at: Option<DateTime<Utc>>,
    /// Codes of the entities whose documents it holds.
    pub entities: Vec<String>,
    pub money: Vec<StageMoney>,
}

impl ReplaySetView {
    /// Items whose turn has come.
    pub fn done(&self) -> i32 {
        self.queued + self.missing + self.ineligible
    }
}

/// How many items would come to what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCount {
    pub verdict: ReplayVerdict,
    pub detail: Option<String>,
    pub count: i64,
}

/// One item of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayItem {
    pub item: i32,
    pub document_id: DocumentId,
    pub number: String,
    pub entity_code: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    /// Before its turn.
    pub verdict: Option<ReplayVerdict>,
    pub result: Option<ReplayResult>,
    pub detail: Option<String>,
    /// Where the document is now.
    pub stage: Stage,
    pub erp_number: Option<String>,
}

/// How many items that were queued are in a stage now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    pub stage: Stage,
    pub count: i64,
}

/// A field of the wire body that a replay changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// `item.items[0].account.id`
    pub field: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// Fields in which two wire bodies differ, by name.
pub fn field_changes(old: &serde_json::Value, new: &serde_json::Value) -> Vec<FieldChange> {
    let (mut before, mut after) = (std::collections::BTreeMap::new(), std::collections::BTreeMap::new());
    flatten("", old, &mut before);
    flatten("", new, &mut after);
    let fields: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    fields
        .into_iter()
        .filter(|field| before.get(*field) != after.get(*field))
        .map(|field| FieldChange { field: field.clone(), old: before.get(field).cloned(), new: after.get(field).cloned() })
        .collect()
}

fn flatten(path: &str, value: &serde_json::Value, into: &mut std::collections::BTreeMap<String, String>) {
    use serde_json::Value;
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&below, value, into);
            }
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                flatten(&format!("{path}[{place}]"), value, into);
            }
        }
        Value::String(text) => drop(into.insert(path.to_owned(), text.clone())),
        other => drop(into.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_fields_that_differ_are_named_with_their_place() {
        let old = json!({ "entity": { "id": "7" }, "lines": [{ "account": "1" }, { "account": "2" }], "memo": null });
        let new = json!({ "entity": { "id": "8" }, "lines": [{ "account": "1" }], "terms": 30 });
        let changes = field_changes(&old, &new);
        let said: Vec<(&str, Option<&str>, Option<&str>)> =
            changes.iter().map(|c| (c.field.as_str(), c.old.as_deref(), c.new.as_deref())).collect();
        assert_eq!(said, [("entity.id", Some("7"), Some("8")), ("lines[1].account", Some("2"), None), ("terms", None, Some("30"))]);
        assert_eq!(field_changes(&old, &old), []);
    }
}
