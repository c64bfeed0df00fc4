//! Builds of Tieout that ran on this database: what a cause may have begun with.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};

/// Notes that this build runs here; only the first time counts.
pub async fn note(conn: &mut Conn, release: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("insert into release (release, first_ran_at) values ($1, $2) on conflict (release) do nothing", release, at)
        .execute(conn)
        .await?;
    Ok(())
}
