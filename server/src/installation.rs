//! One installation: its database, running or started here, and its secret key.

use crate::config::Settings;
use anyhow::Context as _;
use pipeline::{Context, SystemClock, secret::Cipher};
use postgres::{Cluster, Options};
use std::sync::Arc;

/// The database of the private cluster.
const DATABASE: &str = "tieout";
const SECRET_FILE: &str = "secret.key";

pub struct Installation {
    pub context: Context,
    /// Where the database is, for whoever wants to look into it.
    pub database_url: String,
    cluster: Option<Cluster>,
}

impl Installation {
    /// Connects to the database, and brings its schema up to date. When none is named: the private cluster, started here
    /// or, when another command of ours runs it, just used.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (database_url, cluster) = match &settings.database_url {
            Some(url) => (url.clone(), None),
            None => {
                let data_dir = settings.data_dir()?;
                let start = move || -> anyhow::Result<_> {
                    if let Some(url) = postgres::running_url(&data_dir, DATABASE) {
                        return Ok((url, None));
                    }
                    let cluster = Cluster::start(&data_dir, &Options::durable())?;
                    cluster.create_database_if_absent(DATABASE)?;
                    Ok((cluster.url(DATABASE), Some(cluster)))
                };
                tokio::task::spawn_blocking(start).await.context("starting PostgreSQL")??
            }
        };
        let secrets = match &settings.secret_key {
            Some(key) => Cipher::from_hex(key)?,
            None => {
                let data_dir = settings.data_dir()?;
                std::fs::create_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
                Cipher::from_file(&data_dir.join(SECRET_FILE))?
            }
        };
        let pool = store::connect(&database_url, settings.connections_max, crate::RELEASE).await.context("cannot reach the database")?;
        store::migrate(&pool).await.context("cannot bring the schema up to date")?;
        let context = Context { pool, clock: Arc::new(SystemClock), secrets: Arc::new(secrets) };
        let mut conn = context.pool.acquire().await?;
        store::releases::note(&mut conn, crate::RELEASE, context.clock.now()).await?;
        drop(conn);
        Ok(Self { context, database_url, cluster })
    }

    /// Closes connections and stops the private cluster.
    pub async fn close(self) -> anyhow::Result<()> {
        self.context.pool.close().await;
        match self.cluster {
            Some(cluster) => tokio::task::spawn_blocking(move || cluster.stop()).await.context("stopping PostgreSQL")?,
            None => Ok(()),
        }
    }
}
