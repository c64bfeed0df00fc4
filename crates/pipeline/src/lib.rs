//! What happens, and no protocol: imports, posting, read-back, reconciliation, access. Knows neither axum nor leptos.

pub mod access;
pub mod cash;
pub mod company;
pub mod erps;
pub mod folder;
pub mod gateways;
pub mod import;
pub mod jobs;
pub mod posting;
pub mod readback;
pub mod reconcile;
pub mod retry;
pub mod secret;
pub mod verify;
pub mod workbench;

use domain::clock::Clock;
use std::sync::Arc;
use store::Pool;

/// What every act needs: the database and the time.
#[derive(Clone)]
pub struct Context {
    pub pool: Pool,
    pub clock: Arc<dyn Clock>,
    /// Encrypts secrets at rest.
    pub secrets: Arc<secret::Cipher>,
}

/// The machine's clock; the only place that reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        chrono::Utc::now()
    }
}
