//! Scenarios over the whole pipeline, each on a database of its own.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod attempts;
mod bulk;
mod causes;
mod clock;
mod collection;
mod control;
mod decisions;
mod fake_erp;
mod gateways;
mod import;
mod invoices;
mod jobs;
mod late;
mod money_back;
mod movements;
mod notices;
mod posting;
mod protocol;
mod queue;
mod receivables;
mod receivables_views;
mod reconcile;
mod refunds;
mod rules;
mod settled;
mod statements;
mod transfers;
mod verify;
mod workbench;
mod world;
