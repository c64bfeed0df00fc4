//! What a person is told: what happened to what he watches or owns, and what was said to him.

use crate::{exception::ExceptionKind, id::ExceptionId, mapping::MappingKind, text_enum::text_enum};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum NoticeKind {
        Mentioned = "mentioned",
        Noted = "noted",
        Assigned = "assigned",
        Replayed = "replayed",
        Resolved = "resolved",
        /// A new version of the document came.
        Superseded = "superseded",
        /// What was wrong is right now: the ERP's document was corrected there.
        Cleared = "cleared",
        /// Past its time.
        Breached = "breached",
    }
}

impl NoticeKind {
    /// What happened to so many.
    pub fn words(self, count: i64) -> String {
        let (one, many) = match self {
            Self::Mentioned => return "You were mentioned".to_owned(),
            Self::Noted => return "A note was written".to_owned(),
            Self::Assigned => ("was assigned to you", "were assigned to you"),
            Self::Replayed => ("was replayed", "were replayed"),
            Self::Resolved => ("was resolved", "were resolved"),
            Self::Superseded => ("was superseded", "were superseded"),
            Self::Cleared => ("was cleared", "were cleared"),
            Self::Breached => ("is past its time", "are past their time"),
        };
        if count == 1 { format!("It {one}") } else { format!("{} {many}", crate::money::grouped(count.into())) }
    }
}

/// A line of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeView {
    pub notice_id: uuid::Uuid,
    pub what: NoticeKind,
    pub count: i64,
    /// The one, or one of them.
    pub exception_id: ExceptionId,
    pub number: String,
    pub entity_code: String,
    pub kind: ExceptionKind,
    pub missing: Option<(MappingKind, String)>,
    pub fingerprint: String,
    pub actor: Option<String>,
    /// What was said.
    pub body: Option<String>,
    pub at: DateTime<Utc>,
    pub unread: bool,
}

/// Whom a note speaks to: `@name` at the beginning of a word, in lower case, each once.
pub fn mentions(body: &str) -> Vec<String> {
    let mut names: Vec<String> = body
        .split(|c: char| c.is_whitespace() || "(,;:!?".contains(c))
        .filter_map(|word| word.strip_prefix('@'))
        .map(|name| name.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spoken_to_and_an_address_is_not() {
        assert_eq!(mentions("@Ben, could you look? (@mei.tanaka knows.) @ben again"), ["ben", "mei.tanaka"]);
        assert_eq!(mentions("@ben@lumen.example."), ["ben@lumen.example"]);
        assert_eq!(mentions("Wrote to ap@customer.example; @ nothing"), Vec::<String>::new());
    }

    #[test]
    fn a_notice_of_many_says_how_many() {
        assert_eq!(NoticeKind::Replayed.words(1), "It was replayed");
        assert_eq!(NoticeKind::Breached.words(4000), "4,000 are past their time");
    }
}
