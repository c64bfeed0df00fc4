//! Cash application as arithmetic: which open items a receipt pays, why, and how sure that is.
//! Pure: no database, no clock, no chance; the same book, rules and receipts give the same decisions.

pub mod amount;
pub mod labelled;
pub mod model;
