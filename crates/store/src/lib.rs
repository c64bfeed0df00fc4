//! The only crate with SQL. One module per aggregate; functions never open transactions, the caller owns `begin` and
//! `commit`. Every query that reads finance rows takes the caller's [`Scope`].

pub mod access;
pub mod approvals;
pub mod batches;
pub mod bench;
pub mod bulk;
pub mod calendars;
pub mod connections;
pub mod contents;
pub mod controls;
pub mod daily_flow;
pub mod demo;
pub mod documents;
pub mod entities;
pub mod erp_documents;
pub mod exceptions;
pub mod gateways;
pub mod intakes;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod mappings;
pub mod movements;
pub mod notices;
pub mod postings;
pub mod proof;
pub mod receivables;
pub mod reconciliation;
pub mod releases;
pub mod replays;
pub mod rules;
pub mod saved_views;
pub mod seals;
pub mod statements;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod unmaskings;
pub mod views;

pub use domain::access::Scope;
pub use sqlx::{
    Error as DriverError,
    postgres::{PgConnection as Conn, PgPool as Pool},
};

/// A transaction on the pool.
pub type Tx = sqlx::Transaction<'static, sqlx::Postgres>;

pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("database: {0}")]
    Db(sqlx::Error),
    /// A named constraint refused the row; the names are part of the contract.
    #[error("conflict on {constraint}")]
    Conflict { constraint: String },
    /// A guarded change met rows in another state than it expected.
    #[error("expected {expected} rows, found {actual}")]
    RowsAffected { expected: u64, actual: u64 },
    /// Two transactions could not be put in order; run it again.
    #[error("serialisation failure")]
    Serialization,
    /// A row that our own code can't have written.
    #[error("{table}.{column} of {id} is corrupt: {why}")]
    Corrupt { table: &'static str, column: &'static str, id: String, why: String },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(db) = error.as_database_error() else { return Self::Db(error) };
        // serialization_failure, deadlock_detected
        if matches!(db.code().as_deref(), Some("40001" | "40P01")) {
            return Self::Serialization;
        }
        match db.constraint() {
            Some(constraint) if db.is_unique_violation() || db.is_check_violation() => Self::Conflict { constraint: constraint.to_owned() },
            _ => Self::Db(error),
        }
    }
}

impl Error {
    pub fn is_conflict_on(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// A process that stands still inside a transaction must not keep its locks for ever: the database ends it.
const IDLE_IN_TRANSACTION_MAX: &str = "15s";

/// Connects with what a pool of this program needs; `release` is the build that an exception opened here is put down to.
pub async fn connect(url: &str, connections_max: u32, release: &str) -> Result<Pool> {
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(std::time::Duration::from_secs(30))
        .connect_with(options.options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MAX), ("tieout.release", release)]))
        .await?;
    Ok(pool)
}

/// Brings the schema up to date.
pub async fn migrate(pool: &Pool) -> Result<()> {
    MIGRATOR.run(pool).await.map_err(|error| Error::Db(error.into()))
}
