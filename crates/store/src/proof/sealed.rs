//! Seals: every chain is whole, and what was sealed is still there.

use super::Compared;
use crate::{Conn, Result, seals};
use chrono::{DateTime, Utc};
use domain::{
    id::{BatchId, EntityId},
    seal::{Hash, SealContent, seal},
};
use futures::TryStreamExt;

/// Recomputes every chain, and every intake seal from the documents as they are.
pub async fn seal_chains(conn: &mut Conn) -> Result<Compared> {
    let (rows, broken) = chains(conn).await?;
    if broken.is_some() {
        return Ok(Compared::new(Some(rows), broken));
    }
    let batches = sqlx::query!(
        r#"select b.batch_id as "batch_id: BatchId", source, number,
            (select count(*) from seal s where s.batch_id = b.batch_id and s.purpose = 'intake') as "intake_seals!"
        from batch b order by b.batch_id"#
    )
    .fetch_all(&mut *conn)
    .await?;
    for batch in batches {
        let name = format!("batch {} / {}", batch.source, batch.number);
        if batch.intake_seals != 1 {
            return Ok(Compared::new(Some(rows), Some(format!("{name} has {} intake seals, not one", batch.intake_seals))));
        }
        let (sealed, now) = (seals::last(conn, batch.batch_id, "intake").await?, seals::intake_of(conn, batch.batch_id).await?);
        if let Some(sealed) = sealed.filter(|sealed| *sealed != now) {
            return Ok(Compared::new(Some(rows), Some(format!("{name}: {}", what_differs(&sealed, &now)))));
        }
    }
    Ok(Compared::new(Some(rows), None))
}

/// The last outcome seal of every batch in which nothing moved since.
pub async fn outcomes(conn: &mut Conn) -> Result<Compared> {
    let batches = sqlx::query!(
        r#"select distinct b.batch_id as "batch_id: BatchId", source, number from batch b join seal s using (batch_id)
        where s.purpose = 'outcome' order by 1"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = i64::try_from(batches.len()).ok();
    for batch in batches {
        let (Some(sealed), Some(now)) =
            (seals::last(conn, batch.batch_id, "outcome").await?, seals::outcome_of(conn, batch.batch_id).await?)
        else {
            continue;
        };
        // the last line of the totals grows with every movement: another figure means that it is not sealed again yet
        if sealed.totals.lines().last() == now.totals.lines().last() && sealed != now {
            return Ok(Compared::new(rows, Some(format!("batch {} / {}: {}", batch.source, batch.number, what_differs(&sealed, &now)))));
        }
    }
    Ok(Compared::new(rows, None))
}

fn what_differs(sealed: &seals::Covered, now: &seals::Covered) -> String {
    let differing = sealed.totals.lines().zip(now.totals.lines()).find(|(sealed, now)| sealed != now);
    match differing {
        Some((sealed, now)) => format!("sealed was {sealed:?}, now it is {now:?}"),
        None if sealed.totals != now.totals => "the sealed totals have other cells than now".into(),
        None if sealed.set_hash != now.set_hash => format!("sealed was hash total {}, now it is {}", sealed.set_hash, now.set_hash),
        None => "the rows are the same, but not in the sealed order".into(),
    }
}

/// Streams the seals of every entity in order; names the first that does not follow from the one before.
async fn chains(conn: &mut Conn) -> Result<(i64, Option<String>)> {
    let mut rows = sqlx::query!(
        r#"select entity_id as "entity_id: EntityId", e.code, sequence, purpose, totals, set_hash, merkle_root, previous_hash, seal_hash
        from seal join entity e using (entity_id) order by entity_id, sequence"#
    )
    .fetch(conn);
    let (mut count, mut last): (i64, Option<(EntityId, i64, Hash)>) = (0, None);
    while let Some(row) = rows.try_next().await? {
        count += 1;
        let before = last.filter(|(entity, ..)| *entity == row.entity_id);
        let (expected, previous) = before.map_or((1, None), |(_, sequence, hash)| (sequence + 1, Some(hash)));
        let name = format!("seal {} of {}", row.sequence, row.code);
        if row.sequence != expected {
            return Ok((count, Some(format!("{name}: seal {expected} is missing before it"))));
        }
        if row.previous_hash.as_deref() != previous.as_ref().map(|hash| &hash[..]) {
            return Ok((count, Some(format!("{name} does not follow from the one before"))));
        }
        let merkle_root = seals::hash_column(&row.merkle_root, "seal", "merkle_root", &row.entity_id)?;
        let hash = seal(&SealContent {
            previous: previous.as_ref(),
            purpose: &row.purpose,
            totals: &row.totals,
            set_hash: &row.set_hash,
            merkle_root: &merkle_root,
        });
        if row.seal_hash != hash {
            return Ok((count, Some(format!("{name} was changed"))));
        }
        last = Some((row.entity_id, row.sequence, hash));
    }
    Ok((count, None))
}

/// A chain whose head is kept nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanchored {
    /// An entity's code, or `audit`.
    pub chain: String,
    pub rows: i64,
    pub since: DateTime<Utc>,
}

/// Every chain since its first row: heads are not anchored outside this database yet.
pub async fn unanchored(conn: &mut Conn) -> Result<Vec<Unanchored>> {
    let rows = sqlx::query!(
        r#"select 'seals of ' || e.code as "chain!", count(*) as "rows!", min(sealed_at) as "since!" from seal join entity e using (entity_id)
        group by e.code
        union all select 'audit log', count(*), min(at) from audit_event having count(*) > 0 order by 1"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| Unanchored { chain: row.chain, rows: row.rows, since: row.since }).collect())
}
