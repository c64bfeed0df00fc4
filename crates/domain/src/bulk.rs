//! One act on many exceptions: what became of each, and filters that were given a name.

use crate::{id::*, text_enum::text_enum};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

text_enum! {
    /// What an act did to one exception.
    pub enum BulkResult {
        Done = "done",
        /// It was closed before the act came to it.
        Closed = "closed",
        /// The actor reads its entity but does not work there.
        Forbidden = "forbidden",
    }
}

text_enum! {
    pub enum BulkAct {
        Assign = "assign",
        Comment = "comment",
    }
}

/// An act and how far it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkEditView {
    pub edit_id: BulkEditId,
    pub act: BulkAct,
    pub made_by: String,
    pub made_at: DateTime<Utc>,
    /// The new owner; `None`: nobody.
    pub owner: Option<String>,
    pub done: i32,
    pub left_alone: i32,
    pub undone_at: Option<DateTime<Utc>>,
    pub undone: i32,
}

impl BulkEditView {
    /// Only an assignment has a way back, and only for whoever made it.
    pub fn can_be_undone_by(&self, email: &str) -> bool {
        self.act == BulkAct::Assign && self.done > 0 && self.undone_at.is_none() && self.made_by == email
    }
}

/// An exception that an act left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    pub exception_id: ExceptionId,
    pub number: String,
    pub entity_code: String,
    pub result: BulkResult,
    pub closed_as: Option<String>,
}

impl LeftAlone {
    /// Why, in words.
    pub fn why(&self) -> String {
        match self.result {
            BulkResult::Done => "done".to_owned(),
            BulkResult::Closed => format!("closed before: {}", self.closed_as.as_deref().unwrap_or("gone on")),
            BulkResult::Forbidden => format!("you may not work on exceptions of {}", self.entity_code),
        }
    }
}

/// A filter of the queue under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    pub view_id: ViewId,
    pub name: String,
    /// The filter as the query of a URL.
    pub query: String,
    pub shared: bool,
    /// Who named it.
    pub by: String,
    pub own: bool,
    pub is_default: bool,
}

impl SavedView {
    pub fn href(&self) -> String {
        let and = if self.query.is_empty() { "" } else { "&" };
        format!("/exceptions?view={}{and}{}", self.view_id, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(act: BulkAct) -> BulkEditView {
        BulkEditView {
            edit_id: BulkEditId(uuid::Uuid::nil()),
            act,
            made_by: "ann@lumen.example".into(),
            made_at: DateTime::UNIX_EPOCH,
            owner: None,
            done: 2,
            left_alone: 0,
            undone_at: None,
            undone: 0,
        }
    }

    #[test]
    fn an_assignment_is_undone_once_and_by_the_same_person() {
        let assigned = edit(BulkAct::Assign);
        assert!(assigned.can_be_undone_by("ann@lumen.example"));
        assert!(!assigned.can_be_undone_by("bob@lumen.example"));
        assert!(!edit(BulkAct::Comment).can_be_undone_by("ann@lumen.example"), "a note stays written");
        let undone = BulkEditView { undone_at: Some(DateTime::UNIX_EPOCH), ..assigned };
        assert!(!undone.can_be_undone_by("ann@lumen.example"));
    }
}
