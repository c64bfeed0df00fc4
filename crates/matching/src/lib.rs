//! Cash application as arithmetic: which open items a receipt pays, why, and how sure that is.
//! Pure: no database, no clock, no chance; the same book, rules and receipts give the same decisions.
//!
//! A receipt is read ([`normalise`]), what it names and who pays it lead to candidates, combinations included ([`subset`]);
//! rules that everybody can see give points ([`rules`]), and [`decide`] says what follows. [`decide_all`] does so for many
//! receipts, with open amounts that fall. [`labelled`] is what all of it is measured against.

pub mod amount;
pub mod backtest;
mod book;
mod decide;
pub mod decision;
pub mod labelled;
pub mod model;
pub mod normalise;
mod parameters;
mod pass;
mod payer;
mod propose;
pub mod rates;
mod reading;
pub mod rules;
mod score;
pub mod sheet;
mod short;
pub mod subset;

pub use backtest::{Backtest, Differing, Moment, Stood, Sum, Tally};
pub use book::{Book, BookError};
pub use decide::decide;
pub use pass::decide_all;
pub use payer::payer_of;
pub use rules::RuleTable;
pub use sheet::SheetFault;
