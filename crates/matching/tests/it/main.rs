//! The engine as its callers see it.

mod backtest;
mod cases;
mod labelled;
mod pass;
mod properties;
mod world;
