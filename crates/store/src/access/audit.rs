//! The audit log: what was changed, by whom, from what to what. Append-only, numbered without gaps, each row hashed over
//! the one before. A chain in the same database proves accident, not intent: [`head`] is what gets anchored outside.

use crate::{Conn, Error, Result, Tx};
use chrono::{DateTime, SubsecRound, Utc};
use domain::{
    access::Actor,
    id::EntityId,
    seal::{Canonical, Hash},
};
use futures::TryStreamExt;
use serde_json::Value;

/// Serialises appends until the caller commits, so that numbers have no gaps and each row sees the one before.
const CHAIN_LOCK: i64 = 0x6175_6469;

/// One act. Append it last in a transaction: whoever comes next waits for its commit.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// Noun and verb: `user.create`.
    pub action: &'static str,
    /// What it was done to, by its identifier.
    pub subject: String,
    pub entity_id: Option<EntityId>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// The last link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    pub sequence: i64,
    pub hash: Hash,
}

/// The first row that does not follow from the one before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    #[error("audit event {expected} is missing, {found} follows")]
    Gap { expected: i64, found: i64 },
    #[error("audit event {0} was changed")]
    Changed(i64),
}

/// A row as it is stored, for hashing.
struct Row {
    sequence: i64,
    at: DateTime<Utc>,
    actor: String,
    action: String,
    subject: String,
    entity_id: Option<EntityId>,
    before: Option<String>,
    after: Option<String>,
}

impl Row {
    fn hash(&self, previous: Option<&Hash>) -> Hash {
        Canonical::new("audit")
            .bytes(previous.map_or(&[], |hash| &hash[..]))
            .integer(self.sequence.into())
            .integer(self.at.timestamp_micros().into())
            .text(&self.actor)
            .text(&self.action)
            .text(&self.subject)
            .text(&self.entity_id.map(|id| id.to_string()).unwrap_or_default())
            .text(self.before.as_deref().unwrap_or_default())
            .text(self.after.as_deref().unwrap_or_default())
            .finish()
    }
}

/// Appends in the caller's transaction, which must be *read committed* (a snapshot taken before the lock would not see
/// the last row).
pub async fn append(tx: &mut Tx, entry: &AuditEntry) -> Result<ChainHead> {
    sqlx::query!("select pg_advisory_xact_lock($1)", CHAIN_LOCK).fetch_one(&mut **tx).await?;
    let last = head(tx).await?;
    let row = Row {
        sequence: last.map_or(1, |head| head.sequence + 1),
        // the database keeps microseconds
        at: entry.at.trunc_subsecs(6),
        actor: entry.actor.to_string(),
        action: entry.action.to_owned(),
        subject: entry.subject.clone(),
        entity_id: entry.entity_id,
        before: entry.before.as_ref().map(Value::to_string),
        after: entry.after.as_ref().map(Value::to_string),
    };
    let hash = row.hash(last.as_ref().map(|head| &head.hash));
    sqlx::query!(
        "insert into audit_event (sequence, at, actor, action, subject, entity_id, before, after, hash)
         values ($1, $2, $3, $4, $5, $6, $7::text::json, $8::text::json, $9)",
        row.sequence,
        row.at,
        row.actor,
        row.action,
        row.subject,
        row.entity_id.map(|id| id.0),
        row.before,
        row.after,
        &hash[..],
    )
    .execute(&mut **tx)
    .await?;
    Ok(ChainHead { sequence: row.sequence, hash })
}

/// The last link; `None` before anything was audited.
pub async fn head(conn: &mut Conn) -> Result<Option<ChainHead>> {
    let row = sqlx::query!("select sequence, hash from audit_event order by sequence desc limit 1").fetch_optional(conn).await?;
    row.map(|row| Ok(ChainHead { sequence: row.sequence, hash: stored_hash(row.sequence, row.hash)? })).transpose()
}

/// Reads the whole log in order and recomputes every hash. `Ok(Err(..))` names the first row that does not fit.
pub async fn verify_chain(conn: &mut Conn) -> Result<std::result::Result<Option<ChainHead>, BrokenChain>> {
    let mut rows = sqlx::query!(
        r#"select sequence, at, actor, action, subject, entity_id as "entity_id: EntityId", before::text, after::text, hash
           from audit_event order by sequence"#
    )
    .fetch(conn);
    let mut last: Option<ChainHead> = None;
    while let Some(found) = rows.try_next().await? {
        let expected = last.map_or(1, |head| head.sequence + 1);
        if found.sequence != expected {
            return Ok(Err(BrokenChain::Gap { expected, found: found.sequence }));
        }
        let row = Row {
            sequence: found.sequence,
            at: found.at,
            actor: found.actor,
            action: found.action,
            subject: found.subject,
            entity_id: found.entity_id,
            before: found.before,
            after: found.after,
        };
        let hash = row.hash(last.as_ref().map(|head| &head.hash));
        if found.hash != hash {
            return Ok(Err(BrokenChain::Changed(found.sequence)));
        }
        last = Some(ChainHead { sequence: found.sequence, hash });
    }
    Ok(Ok(last))
}

fn stored_hash(sequence: i64, bytes: Vec<u8>) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::Corrupt {
        table: "audit_event",
        column: "hash",
        id: sequence.to_string(),
        why: "not 32 bytes".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestDatabase, database};
    use serde_json::json;

    fn entry(subject: &str) -> AuditEntry {
        AuditEntry {
            at: "2026-10-31T18:00:00.123456789Z".parse().unwrap(),
            actor: Actor::Cli("root".into()),
            action: "user.create",
            subject: subject.into(),
            entity_id: None,
            before: None,
            after: Some(json!({"name": "Ann", "limit": "10.50"})),
        }
    }

    async fn three_events() -> TestDatabase {
        let db = database().await;
        for subject in ["a", "b", "c"] {
            let mut tx = db.pool.begin().await.unwrap();
            append(&mut tx, &entry(subject)).await.unwrap();
            tx.commit().await.unwrap();
        }
        db
    }

    /// What only an owner of the database can do.
    async fn tamper(db: &TestDatabase, sql: &'static str) {
        let mut conn = db.pool.acquire().await.unwrap();
        sqlx::raw_sql("alter table audit_event disable trigger all").execute(&mut *conn).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *conn).await.unwrap();
    }

    async fn verify(db: &TestDatabase) -> std::result::Result<Option<ChainHead>, BrokenChain> {
        verify_chain(&mut db.pool.acquire().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn an_untouched_chain_verifies_to_its_head() {
        let db = three_events().await;
        let head = head(&mut db.pool.acquire().await.unwrap()).await.unwrap();
        assert_eq!(head.unwrap().sequence, 3);
        assert_eq!(verify(&db).await, Ok(head));
    }

    #[tokio::test]
    async fn rows_can_be_neither_changed_nor_removed() {
        let db = three_events().await;
        for sql in ["update audit_event set actor = 'x'", "delete from audit_event", "truncate audit_event"] {
            let refused = sqlx::raw_sql(sql).execute(&db.pool).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
        }
    }

    #[tokio::test]
    async fn a_changed_row_is_named() {
        let db = three_events().await;
        tamper(&db, r#"update audit_event set after = '{"name": "Ann", "limit": "10.51"}' where sequence = 2"#).await;
        assert_eq!(verify(&db).await, Err(BrokenChain::Changed(2)));
    }

    #[tokio::test]
    async fn a_removed_row_is_named() {
        let db = three_events().await;
        tamper(&db, "delete from audit_event where sequence = 2").await;
        assert_eq!(verify(&db).await, Err(BrokenChain::Gap { expected: 2, found: 3 }));
    }

    #[tokio::test]
    async fn appends_at_the_same_time_make_one_chain_without_gaps() {
        let db = database().await;
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let pool = db.pool.clone();
                tokio::spawn(async move {
                    let mut tx = pool.begin().await.unwrap();
                    append(&mut tx, &entry(&n.to_string())).await.unwrap();
                    // every third one fails after all; its number must not be lost
                    if n % 3 == 0 { tx.rollback().await.unwrap() } else { tx.commit().await.unwrap() }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(verify(&db).await.unwrap().unwrap().sequence, 13);
    }
}
