//! Account numbers in full: whose they are, and what is shown of them, once, to who said why.

use crate::id::{BankAccountId, DocumentId, StatementId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whose numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An account of ours.
    BankAccount(BankAccountId),
    /// The payer of a payment.
    Payment(DocumentId),
    /// The other side of a line of a statement.
    Line(StatementId, i32),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BankAccount(id) => write!(f, "bank_account:{id}"),
            Self::Payment(id) => write!(f, "document:{id}"),
            Self::Line(id, ordinal) => write!(f, "statement:{id}/{ordinal}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} has no account number that could be shown")]
pub struct NoSubject(String);

impl std::str::FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let read = || {
            Some(match text.split_once(':')? {
                ("bank_account", id) => Self::BankAccount(id.parse().ok()?),
                ("document", id) => Self::Payment(id.parse().ok()?),
                ("statement", line) => {
                    let (id, ordinal) = line.split_once('/')?;
                    Self::Line(id.parse().ok()?, ordinal.trim().parse().ok()?)
                }
                _ => return None,
            })
        };
        read().ok_or_else(|| NoSubject(text.to_owned()))
    }
}

/// An account number and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNumber {
    pub holder: String,
    pub number: String,
}

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmasked {
    pub numbers: Vec<AccountNumber>,
    pub reason: String,
    pub shown_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_written_and_nothing_else_is_one() {
        let id = uuid::Uuid::from_u128(7);
        for subject in [Subject::BankAccount(BankAccountId(id)), Subject::Payment(DocumentId(id)), Subject::Line(StatementId(id), 12)] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for wrong in ["", "customer:7", "document:7", &format!("statement:{id}"), &format!("statement:{id}/x")] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong}");
        }
    }
}
