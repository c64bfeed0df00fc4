//! What the database tells as it happens. A message says only that something came in; what, the listener asks for himself.

use crate::{Pool, Result};
use sqlx::postgres::PgListener;

const OPENED: &str = "exception_opened";

/// One connection that waits.
pub struct Listener(PgListener);

impl Listener {
    pub async fn new(pool: &Pool) -> Result<Self> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(OPENED).await?;
        Ok(Self(listener))
    }

    /// Returns when exceptions were opened, and after a lost connection, because nobody knows what was missed.
    pub async fn opened(&mut self) -> Result<()> {
        self.0.try_recv().await?;
        Ok(())
    }
}
