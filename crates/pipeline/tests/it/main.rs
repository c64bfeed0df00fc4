//! Scenarios over the whole pipeline, each on a database of its own.

mod import;
mod invoices;
mod verify;
