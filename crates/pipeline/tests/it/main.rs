//! Scenarios over the whole pipeline, each on a database of its own.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod control;
mod decisions;
mod fake_erp;
mod import;
mod invoices;
mod jobs;
mod movements;
mod posting;
mod protocol;
mod queue;
mod reconcile;
mod verify;
mod workbench;
mod world;
