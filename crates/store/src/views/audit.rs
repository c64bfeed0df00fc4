//! The audit log, newest first. Rows of an entity are shown to those who reach it; rows of none to everybody who may read the log.

use crate::{Pool, Result, Scope};
use domain::{
    audit::{AuditRow, ChainView},
    seal::hex,
};

/// `subject`: the history of one thing. `before`: older than this number.
pub async fn list(pool: &Pool, scope: &Scope, subject: Option<&str>, before: Option<i64>, limit: i64) -> Result<Vec<AuditRow>> {
    let rows = sqlx::query!(
        r#"select sequence, at, actor, action, subject, e.code as "code?", before::text, after::text, hash
        from audit_event a left join entity e using (entity_id)
        where ($1::text is null or subject = $1) and ($2::bigint is null or sequence < $2) and (a.entity_id is null or a.entity_id = any($3))
        order by sequence desc limit $4"#,
        subject,
        before,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?;
    let row = rows.into_iter().map(|row| AuditRow {
        sequence: row.sequence,
        at: row.at,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        entity_code: row.code,
        before: row.before,
        after: row.after,
        hash: hex(&row.hash),
    });
    Ok(row.collect())
}

/// The head of the chain; `None` before anything was audited.
pub async fn chain(pool: &Pool) -> Result<Option<ChainView>> {
    let row = sqlx::query!(
        r#"select last.sequence, last.hash, first.at from (select sequence, hash from audit_event order by sequence desc limit 1) last
        cross join (select at from audit_event order by sequence limit 1) first"#
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| ChainView { sequence: row.sequence, hash: hex(&row.hash), unanchored_since: row.at }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::audit::{AuditEntry, append, head},
        testing::database,
    };
    use domain::{access::Actor, id::EntityId};

    #[tokio::test]
    async fn rows_of_other_entities_are_not_shown_and_pages_follow_each_other() {
        let db = database().await;
        let (us, de) = (db.entity("US", "USD").await, db.entity("DE", "EUR").await);
        for (number, entity_id) in [None, Some(us), Some(de), Some(us)].into_iter().enumerate() {
            let entry = AuditEntry {
                at: "2026-10-31T18:00:00Z".parse().unwrap(),
                actor: Actor::Cli("root".into()),
                action: "user.create",
                subject: format!("user:{}", number % 2),
                entity_id,
                before: None,
                after: None,
            };
            let mut tx = db.pool.begin().await.unwrap();
            append(&mut tx, &entry).await.unwrap();
            tx.commit().await.unwrap();
        }
        let listed = async |entities: &[EntityId], subject, before, limit| {
            let rows = list(&db.pool, &Scope::of_system(entities.to_vec()), subject, before, limit).await.unwrap();
            rows.into_iter().map(|row| row.sequence).collect::<Vec<_>>()
        };
        assert_eq!(listed(&[us], None, None, 10).await, [4, 2, 1]);
        assert_eq!(listed(&[us], None, None, 2).await, [4, 2]);
        assert_eq!(listed(&[us], None, Some(2), 2).await, [1]);
        assert_eq!(listed(&[us, de], Some("user:0"), None, 10).await, [3, 1]);
        let chain = chain(&db.pool).await.unwrap().unwrap();
        let head = head(&mut db.pool.acquire().await.unwrap()).await.unwrap().unwrap();
        assert_eq!((chain.sequence, chain.hash), (head.sequence, hex(&head.hash)));
    }
}
