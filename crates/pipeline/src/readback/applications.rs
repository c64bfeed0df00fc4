//! Applications are no postings of their own in most ERPs, so no period's read brings them: each is looked up where its credit is.

use super::BATCH;
use crate::{Context, retry::transaction};
use connectors::{Erp, Payload};
use domain::posting::{ErpDocument, PostingKey, Probe};
use futures::future::join_all;
use std::collections::BTreeMap;
use store::{
    connections::AttachedEntity,
    erp_documents::{self, Read},
};
use uuid::Uuid;

/// Lookups at once; posting shares the connection's limits.
const AT_ONCE: usize = 4;

/// Looks up the applications of an entity that the ERP accepted and nobody has seen there, and those that differed. One that is not
/// found is looked for again with the next read.
pub(super) async fn read(cx: &Context, erp: &dyn Erp, entity: &AttachedEntity) -> store::Result<usize> {
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let mut after = Uuid::nil();
    let mut seen = 0;
    loop {
        let unseen = erp_documents::unseen_applications(&mut *cx.pool.acquire().await?, entity.entity_id, after, limit).await?;
        let Some(last) = unseen.last() else { return Ok(seen) };
        after = last.document_id.0;
        let payloads: Vec<Payload> = unseen
            .into_iter()
            .map(|one| Payload {
                posting_key: PostingKey(one.posting_key),
                kind: one.kind,
                entity_ref: entity.mapping.entity_ref.clone(),
                number: one.number,
                body: one.payload,
            })
            .collect();
        let started_at = cx.clock.now();
        // each once, whatever the ERP calls them
        let mut found: BTreeMap<String, ErpDocument> = BTreeMap::new();
        for some in payloads.chunks(AT_ONCE) {
            let probed = join_all(some.iter().map(|payload| erp.probe(payload, "read-back"))).await;
            let there = probed.into_iter().filter_map(|probed| if let Probe::Found(one) = probed.probe { Some(*one) } else { None });
            found.extend(there.map(|one| (one.erp_id.clone(), one)));
        }
        let found: Vec<ErpDocument> = found.into_values().collect();
        seen += found.len();
        let read = Read { read_id: Uuid::now_v7(), entity: entity.entity_id, connection: entity.connection_id, started_at };
        transaction!(&cx.pool, |tx| erp_documents::upsert(tx, read, &found).await)?;
    }
}
