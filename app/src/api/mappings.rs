//! Mappings: what our codes are called at each ERP.

use super::{ApiError, reach::Reach};
use domain::view::{ConnectionView, MappingView, Paged};
use leptos::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use store::exceptions::Wanted;

#[cfg(feature = "ssr")]
const PAGE: usize = 100;
/// Proposals shown at once; the oldest are decided first.
#[cfg(feature = "ssr")]
pub(super) const PROPOSALS: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingsView {
    pub connections: Vec<ConnectionView>,
    /// Of all connections.
    pub proposals: Vec<Proposal>,
    pub active: Paged<MappingView>,
    pub reach: Reach,
}

/// A proposed mapping with what it would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    pub mapping: MappingView,
    /// The connection's entities: it counts for all of them.
    pub entities: Vec<String>,
    /// What is in force for the code now.
    pub instead_of: Option<String>,
    /// Money in exception for want of it, per currency.
    pub releases: Vec<(String, Decimal)>,
}

/// Proposals at the connections of these entities, oldest first.
#[cfg(feature = "ssr")]
pub(super) async fn proposals(ctx: &pipeline::Context, scope: &domain::access::Scope) -> Result<Vec<Proposal>, ApiError> {
    let waiting = store::mappings::proposals(&ctx.pool, scope, PROPOSALS).await?;
    let mut conn = ctx.pool.acquire().await.map_err(store::Error::from)?;
    let attached = store::connections::attached_entities(&mut conn).await?;
    let wanted: Vec<Wanted<'_>> = waiting.iter().map(wanted).collect();
    let released = store::exceptions::released_by(&mut conn, &wanted).await?;
    let mut proposals = Vec::new();
    for (mapping, released) in waiting.into_iter().zip(released) {
        let entities =
            attached.iter().filter(|e| e.connection_id == mapping.connection_id).map(|e| e.mapping.entity_code.clone()).collect();
        let found = store::mappings::lookup(&mut conn, mapping.connection_id, std::slice::from_ref(&mapping.source_code)).await?;
        let mut releases = std::collections::BTreeMap::<String, Decimal>::new();
        for store::limits::Reach { currency, amount, .. } in released.into_iter().filter(|reach| scope.contains(reach.entity_id)) {
            *releases.entry(currency).or_default() += amount;
        }
        let instead_of = found.get(mapping.kind, &mapping.source_code).map(str::to_owned);
        proposals.push(Proposal { mapping, entities, instead_of, releases: releases.into_iter().collect() });
    }
    Ok(proposals)
}

#[cfg(feature = "ssr")]
fn wanted(mapping: &MappingView) -> Wanted<'_> {
    Wanted { connection_id: mapping.connection_id, kind: mapping.kind, code: &mapping.source_code }
}

/// Mappings in force at a connection (the first one when none is named), by kind and code.
#[server(prefix = "/fn", endpoint = "list_mappings")]
pub async fn list_mappings(
    connection: Option<String>,
    kind: Option<String>,
    search: Option<String>,
    after: Option<String>,
) -> Result<MappingsView, ApiError> {
    use super::{
        arguments::{page, paged, word},
        reach::{entities, reach},
    };
    use domain::id::ConnectionId;
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let (pool, reach) = (ctx.pool.clone(), reach(&caller, &entities(&ctx).await?));
    let connections = store::connections::states(&pool, &scope, ctx.clock.now()).await?;
    let wanted: Option<ConnectionId> = word("connection", connection.as_deref())?;
    let reachable = |id: &ConnectionId| connections.iter().any(|c| c.connection_id == *id);
    let Some(connection) = wanted.or(connections.first().map(|c| c.connection_id)) else {
        return Ok(MappingsView { connections, proposals: Vec::new(), active: Paged { rows: Vec::new(), next: None }, reach });
    };
    if !reachable(&connection) {
        return Err(ApiError::NotFound);
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let rows = store::mappings::list(
        &pool,
        connection,
        word("kind", kind.as_deref())?,
        given(&search).as_deref(),
        given(&after).as_deref(),
        page(PAGE),
    )
    .await?;
    let active = paged(rows, PAGE, |row| format!("{}:{}", row.kind, row.source_code));
    Ok(MappingsView { connections, proposals: proposals(&ctx, &scope).await?, active, reach })
}

/// Proposes a mapping; in force at once when the money it releases is within the author's limit.
#[server(prefix = "/fn", endpoint = "propose_mapping")]
pub async fn propose_mapping(
    connection: String,
    kind: String,
    source_code: String,
    target_ref: String,
    back: String,
) -> Result<(), ApiError> {
    use pipeline::workbench::mappings::{Proposed, propose};
    let (caller, scope) = super::require(domain::access::Action::EditMapping)?;
    let connection = connection.parse().map_err(|_| ApiError::NotFound)?;
    let kind = kind.parse().map_err(|_| ApiError::invalid("kind", "Choose what is mapped."))?;
    let done = propose(&super::context(), &caller, &scope, connection, kind, &source_code, &target_ref).await?;
    super::go_back(&back, if done == Proposed::Active { "mapping in force" } else { "above your limit: an approver is asked" });
    Ok(())
}

#[server(prefix = "/fn", endpoint = "decide_mapping")]
pub async fn decide_mapping(mapping: String, approve: bool, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Approve)?;
    let id = mapping.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::workbench::mappings::decide(&super::context(), &caller, &scope, id, approve).await?;
    super::go_back(&back, if approve { "mapping in force" } else { "proposal refused" });
    Ok(())
}
