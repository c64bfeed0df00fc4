//! Bank statements as banks send them, read into one model: MT940 and MT942, ISO 20022 camt.053, BAI2, and CSV by a profile
//! learned once per bank. A file is read as a stream of events in constant memory; [`read_all`] collects those of a small one.
//!
//! What breaks a rule that figures rest on refuses the file with line, field, rule and value. What can be read all the same is
//! read, and an [`Event::Remark`] says what was tolerated or which control did not hold. A statement that does not add up
//! reads too: its [`Proof`] says by how much it is off.

mod amount;
mod bai2;
mod camt;
mod collect;
mod csv;
mod currency;
mod date;
mod fault;
mod format;
mod input;
mod model;
mod mt940;
mod read;
mod reference;
mod tally;

pub use collect::{BankFile, Statement, collect, read_all};
pub use csv::{
    profile::{AmountColumns, Column, ColumnProfile, Columns, CurrencySource, RowOrder, SignConvention},
    propose::{Proposal, propose},
};
pub use currency::{CurrencyCode, NotACurrency};
pub use fault::{Fault, ReadError, Remark, RemarkKind};
pub use format::Format;
pub use model::{Balance, BalanceKind, Batch, Event, Line, LineStatus, Proof, ReferredDocument, StatementFoot, StatementHead};
pub use read::{Reader, read, read_csv};
pub use reference::StructuredReference;
