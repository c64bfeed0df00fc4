//! NetSuite: every outcome with the fault that causes it, and what the ledger holds afterwards.

mod cash;
mod outcomes;
mod read_back;
mod world;
