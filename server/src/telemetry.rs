//! What the program says about itself, on standard error: standard output belongs to the commands.

use tracing_subscriber::EnvFilter;

/// Reads `RUST_LOG`; `TIEOUT_LOG_JSON=1` writes one object per line.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,tower_sessions_core=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var_os("TIEOUT_LOG_JSON").is_some() { log.json().init() } else { log.init() }
}
