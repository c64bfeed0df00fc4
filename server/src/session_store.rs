//! Sessions of tower-sessions in our own table. (The published store pins an older sqlx.) Expiry is decided in the
//! database by our clock; the record's own date plays no part.

use async_trait::async_trait;
use domain::{
    id::UserId,
    seal::{Canonical, Hash},
};
use pipeline::Context;
use serde_json::Value;
use store::access::sessions::{self, SessionLimits};
use tower_sessions::{
    SessionStore,
    cookie::time::{Duration, OffsetDateTime},
    session::{Id, Record},
    session_store::{Error, Result},
};

#[derive(Clone)]
pub struct Sessions {
    context: Context,
    limits: SessionLimits,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    pub fn new(context: Context, limits: SessionLimits) -> Self {
        Self { context, limits }
    }

    /// Whether a session is still one; looking does not keep it alive.
    pub async fn lives(&self, id: &Id) -> Result<bool> {
        let mut conn = self.connection().await?;
        sessions::lives(&mut conn, &hash(id), self.limits, self.context.clock.now()).await.map_err(failed)
    }

    async fn connection(&self) -> Result<impl std::ops::DerefMut<Target = store::Conn> + use<>> {
        self.context.pool.acquire().await.map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

/// What the table knows a session by: the id itself stays in the cookie.
fn hash(id: &Id) -> Hash {
    Canonical::new("session").integer(id.0).finish()
}

/// Whose session it is, so that it can be ended: also while the second factor is outstanding.
fn user(record: &Record) -> Option<UserId> {
    let signed_in = record.data.get(app::api::session::USER);
    let pending = record.data.get(app::api::session::PENDING).and_then(|pending| pending.get("user_id"));
    signed_in.or(pending)?.as_str()?.parse().ok()
}

fn data(record: &Record) -> Result<Value> {
    serde_json::to_value(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let mut conn = self.connection().await?;
        let data = data(record)?;
        while !sessions::insert(&mut conn, &hash(&record.id), user(record), &data, self.context.clock.now()).await.map_err(failed)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let mut conn = self.connection().await?;
        sessions::update(&mut conn, &hash(&record.id), user(record), &data(record)?, self.context.clock.now()).await.map_err(failed)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let mut conn = self.connection().await?;
        let found = sessions::find(&mut conn, &hash(id), self.limits, self.context.clock.now()).await.map_err(failed)?;
        let Some(data) = found else { return Ok(None) };
        let data = serde_json::from_value(data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::now_utc() + Duration::seconds(self.limits.absolute.num_seconds());
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let mut conn = self.connection().await?;
        sessions::delete(&mut conn, &hash(id)).await.map_err(failed)
    }
}
