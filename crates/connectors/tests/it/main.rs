//! Connectors against contract simulators, whose ledgers are the evidence.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adyen;
mod netsuite;
mod stripe;
