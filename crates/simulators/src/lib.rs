//! Contract simulators of the vendors: HTTP servers on loopback, each with a ledger of its own that survives a restart
//! and faults on command. They are written from the vendors' contracts and know nothing of our domain, so what their
//! ledgers hold is evidence. They refuse to run in production.

pub mod adyen;
mod dice;
mod faults;
pub mod gateway;
mod journal;
pub mod netsuite;
pub mod stripe;
mod wire;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where a simulator reads the time.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A poisoned lock means a panic in another request; the data is whole, because every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Simulators and fault routes never run beside real books, and never listen beyond this machine.
fn refuse_unless_harmless(environment: Option<&str>, addr: SocketAddr) -> Result<()> {
    if environment.is_some_and(|name| name.eq_ignore_ascii_case("production")) {
        bail!("a simulator does not run with TIEOUT_ENV=production");
    }
    if !addr.ip().is_loopback() {
        bail!("a simulator listens on loopback only, not on {addr}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulator_refuses_production_and_foreign_interfaces() {
        let loopback = "127.0.0.1:0".parse().unwrap();
        assert!(refuse_unless_harmless(None, loopback).is_ok());
        assert!(refuse_unless_harmless(Some("sandbox"), loopback).is_ok());
        assert!(refuse_unless_harmless(Some("production"), loopback).is_err());
        assert!(refuse_unless_harmless(Some("PRODUCTION"), loopback).is_err());
        assert!(refuse_unless_harmless(None, "0.0.0.0:0".parse().unwrap()).is_err());
    }
}
