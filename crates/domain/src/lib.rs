//! The trade of Tieout in types: what a document is, where it may go, what it is worth and how it is proved.
//! Pure: no I/O, no clock, no randomness; compiles to WebAssembly, so that screens and workers share one vocabulary.

pub mod access;
pub mod approval;
pub mod attempt;
pub mod audit;
pub mod bulk;
#[cfg(feature = "calendar")]
pub mod calendar;
pub mod cash_proof;
pub mod checkpoint;
pub mod clearing;
pub mod clock;
pub mod cluster;
pub mod control;
pub mod correction;
pub mod document;
pub mod dunning;
pub mod exception;
pub mod home;
pub mod id;
pub mod job;
pub mod lane;
pub mod mapping;
pub mod money;
pub mod notice;
pub mod period;
pub mod posting;
pub mod receivable;
pub mod reconciliation;
pub mod refund;
pub mod replay;
pub mod roll_forward;
pub mod rules;
#[cfg(feature = "seal")]
pub mod seal;
pub mod settlement;
pub mod sla;
pub mod stage;
pub mod statement;
mod text_enum;
pub mod transfer;
pub mod unmask;
pub mod view;
pub mod working_time;

/// A word that is not in the vocabulary of a text enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not a {kind}")]
pub struct UnknownWord {
    pub kind: &'static str,
    pub word: String,
}
