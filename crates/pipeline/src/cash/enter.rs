//! Documents that Tieout makes itself of cash: a batch of their own with manifest, seal and movements, in the caller's transaction.

use chrono::{DateTime, Utc};
use domain::{
    access::Actor,
    document::DocumentContent,
    id::{BatchId, CorrelationId, DocumentId, EntityId},
    period::AccountingPeriod,
    seal::{Canonical, content_hash},
};
use std::collections::BTreeMap;
use store::{
    Result, Tx,
    access::audit::{self, AuditEntry},
    batches::{self, ManifestLine, NewBatch},
    documents::{DocumentRows, LineRows, NewDocument},
    movements::{self, Cause},
    seals::{self, Covering},
};
use uuid::Uuid;

/// A batch of documents that are entered together.
pub(super) struct Entry<'a> {
    pub entity: EntityId,
    /// `bank`, `gateway` or `tieout-cash`.
    pub source: &'static str,
    pub number: &'a str,
    pub period: AccountingPeriod,
    pub actor: &'a Actor,
    pub reason: String,
    pub at: DateTime<Utc>,
    /// What somebody else says they come to; `None`: what they add up to.
    pub manifest: Option<Vec<ManifestLine>>,
}

/// Enters documents with the ids they were given.
pub(super) async fn enter(tx: &mut Tx, entry: Entry<'_>, documents: &[(DocumentId, DocumentContent)]) -> Result<()> {
    let batch_id = BatchId(Uuid::now_v7());
    let hashes: Vec<_> = documents.iter().map(|(_, content)| content_hash(content)).collect();
    let whole = hashes.iter().fold(Canonical::new("batch").text(entry.source).text(entry.number), |all, hash| all.bytes(hash));
    let new = NewBatch {
        batch_id,
        source: entry.source,
        number: entry.number,
        entity_id: entry.entity,
        period: entry.period,
        content_hash: &whole.finish(),
        document_count: i32::try_from(documents.len()).unwrap_or(i32::MAX),
        received_at: entry.at,
        actor: entry.actor.to_string(),
    };
    let manifest = entry.manifest.unwrap_or_else(|| sums(documents));
    batches::insert(tx, &new, &manifest).await?;
    let (mut rows, mut lines, mut covering) = (DocumentRows::default(), LineRows::default(), Covering::default());
    for (line, ((document_id, content), hash)) in (1..).zip(documents.iter().zip(&hashes)) {
        let new = NewDocument { document_id: *document_id, line, content, content_hash: hash, violations: &[] };
        rows.push(batch_id, entry.entity, entry.at, &new)?;
        lines.push(*document_id, &content.lines);
        covering.came_in(content.currency, content.kind, content.amount, content.tax, *hash);
    }
    rows.insert(lines, tx).await?;
    let cause = Cause { actor: entry.actor.clone(), reason: entry.reason, correlation_id: CorrelationId(Uuid::now_v7()), at: entry.at };
    movements::enter_batch(tx, batch_id, &cause).await?;
    batches::announce(tx, batch_id, entry.at).await?;
    seals::append(tx, entry.entity, batch_id, "intake", &covering.finish(), entry.at).await?;
    let told = AuditEntry {
        at: entry.at,
        actor: entry.actor.clone(),
        action: "batch.enter",
        subject: batch_id.to_string(),
        entity_id: Some(entry.entity),
        before: None,
        after: Some(serde_json::json!({"batch": format!("{} / {}", entry.source, entry.number), "documents": documents.len()})),
    };
    audit::append(tx, &told).await?;
    Ok(())
}

fn sums(documents: &[(DocumentId, DocumentContent)]) -> Vec<ManifestLine> {
    let mut sums: BTreeMap<_, ManifestLine> = BTreeMap::new();
    for (_, DocumentContent { currency, kind, amount, tax, .. }) in documents {
        let sum = sums.entry((*currency, *kind)).or_insert_with(|| ManifestLine {
            currency: *currency,
            kind: *kind,
            count: 0,
            total: Default::default(),
            tax: Default::default(),
        });
        (sum.count, sum.total, sum.tax) = (sum.count + 1, sum.total + amount, sum.tax + tax);
    }
    sums.into_values().collect()
}
