//! Settings: environment variables `TIEOUT_*` over an optional `tieout.toml` in the working directory. Every one has a
//! default that works.

use anyhow::Context as _;
use chrono::TimeDelta;
use config::{Config, Environment, File};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};
use store::access::sessions::SessionLimits;

#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where to listen.
    pub address: SocketAddr,
    /// How browsers reach us, when not at `address`: `https://tieout.example.com`. With https, cookies are `Secure`.
    pub public_url: Option<String>,
    /// The private database cluster and the secret key live here.
    pub data_dir: Option<PathBuf>,
    /// Any PostgreSQL 15 or newer; without one, a private cluster. `DATABASE_URL` means the same.
    pub database_url: Option<String>,
    /// Connections of this process to the database.
    pub connections_max: u32,
    /// 64 hexadecimal digits; without them, a file in the data directory.
    pub secret_key: Option<String>,
    /// The built client and the static files.
    pub site_root: PathBuf,
    pub session_idle_minutes: u32,
    pub session_hours_max: u32,
    /// Files that are left here are imported.
    pub drop_dir: Option<PathBuf>,
    /// Believe the last `X-Forwarded-For`: only behind a proxy that sets it.
    pub trust_forwarded_for: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 3000)),
            public_url: None,
            data_dir: None,
            database_url: None,
            connections_max: 20,
            secret_key: None,
            site_root: PathBuf::from("target/site"),
            session_idle_minutes: 30,
            session_hours_max: 12,
            drop_dir: None,
            trust_forwarded_for: false,
        }
    }
}

impl Settings {
    pub fn load() -> anyhow::Result<Self> {
        let sources = Config::builder()
            .add_source(File::with_name("tieout").required(false))
            .add_source(Environment::with_prefix("TIEOUT").try_parsing(true))
            .build()
            .context("settings")?;
        let mut settings: Self = sources.try_deserialize().context("settings")?;
        // an all-digit key must not be read as a number
        settings.secret_key = std::env::var("TIEOUT_SECRET_KEY").ok().or(settings.secret_key);
        settings.database_url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).or(settings.database_url);
        Ok(settings)
    }

    pub fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            idle: TimeDelta::minutes(self.session_idle_minutes.into()),
            absolute: TimeDelta::hours(self.session_hours_max.into()),
        }
    }

    pub fn over_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    pub fn data_dir(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.clone().map_or_else(postgres::default_data_dir, Ok)
    }
}
