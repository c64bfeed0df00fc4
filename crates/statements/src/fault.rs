//! Why a file is refused, and what was tolerated in one that reads.

use crate::input::decode;
use serde::Serialize;
use std::{borrow::Cow, io};

/// A place in a file, the rule that it breaks and what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("line {line}, {field}: {rule}: {value:?}")]
pub struct Fault {
    /// Of the file, from 1.
    pub line: u64,
    /// In the words of the format: `:61: amount`, `Ntry/Amt`, `49 control total`, a column.
    pub field: Cow<'static, str>,
    pub rule: Cow<'static, str>,
    /// As written, shortened to 80 characters.
    pub value: String,
}

const VALUE_MAX: usize = 80;

impl Fault {
    pub(crate) fn new(line: u64, field: impl Into<Cow<'static, str>>, rule: impl Into<Cow<'static, str>>, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let value = decode(&value[..value.len().min(4 * VALUE_MAX)]).chars().take(VALUE_MAX).collect();
        Self { line, field: field.into(), rule: rule.into(), value }
    }
}

/// Why reading ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Refused(#[from] Fault),
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl ReadError {
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Refused(fault) => Some(fault),
            Self::Io(_) => None,
        }
    }
}

/// Something that a person may want to know of a file that reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    pub kind: RemarkKind,
    #[serde(flatten)]
    pub fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RemarkKind {
    /// A total, count or chain that the file states and that does not hold: reason enough not to import it unasked.
    Control,
    /// A departure from the format whose meaning is clear.
    Tolerated,
}

impl Remark {
    pub(crate) fn control(fault: Fault) -> Self {
        Self { kind: RemarkKind::Control, fault }
    }

    pub(crate) fn tolerated(fault: Fault) -> Self {
        Self { kind: RemarkKind::Tolerated, fault }
    }
}
