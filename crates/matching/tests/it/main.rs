//! The engine as its callers see it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod backtest;
mod cases;
mod labelled;
mod pass;
mod properties;
mod world;
