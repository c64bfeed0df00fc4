//! Stripe: webhooks verified and read, objects pulled with a cursor, refunds and collections under an idempotency key.
//! Source keys **[FIX]**, **[PY]**, **[RL]**, **U** are those of the contract reference: stripe/openapi fixtures, Stripe's own
//! Python client, rate-limit page, unverified.
//!
//! A balance transaction does not name its payout; the payout names its transactions. So entries come twice: with the
//! pull as soon as they exist, and itemised by payout once Stripe has reconciled it.

mod cursor;
mod fields;
pub mod money;
mod pay;
mod pull;
mod read;
pub mod webhook;
mod wire;

pub use cursor::{Cursor, CursorError, OVERLAP};
pub use pay::{Collected, Collection, RefundOf, RefundOrder, RefundReason};
pub use pull::{Page, Pulled};

use std::time::Duration;
use wire::Wire;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// One account. Holds the secret key, so it is never printed.
pub struct Config {
    /// `https://api.stripe.com`, without a path.
    pub base_url: String,
    /// `sk_…` or a restricted `rk_…`.
    pub secret_key: String,
    /// The metadata key under which our own reference stands on a charge.
    pub reference_key: String,
    pub request_timeout: Duration,
}

impl Config {
    pub fn new(base_url: &str, secret_key: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            secret_key: secret_key.to_owned(),
            reference_key: "reference".to_owned(),
            request_timeout: REQUEST_TIMEOUT,
        }
    }
}

pub struct Stripe {
    wire: Wire,
    reference_key: String,
}

impl Stripe {
    pub fn new(config: Config) -> anyhow::Result<Self> {
        Ok(Self { wire: Wire::new(&config)?, reference_key: config.reference_key })
    }
}
