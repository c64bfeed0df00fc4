//! The composition root: settings, database, routes, layers. Knows how the parts fit; does no work of its own.

pub mod bench;
pub mod command;
pub mod config;
pub mod demo;
pub mod guard;
pub mod http;
pub mod installation;
pub mod metrics;
pub mod roles;
pub mod security;
pub mod serve;
pub mod session_store;
pub mod telemetry;

/// This build: version and commit.
pub const RELEASE: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("TIEOUT_COMMIT"));
