//! Mappings: what our codes are called at each ERP.

use super::ApiError;
use domain::view::{ConnectionView, MappingView, Paged};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingsView {
    pub connections: Vec<ConnectionView>,
    pub proposals: Vec<MappingView>,
    pub active: Paged<MappingView>,
}

/// Mappings in force at a connection (the first one when none is named), by kind and code.
#[server(prefix = "/fn", endpoint = "list_mappings")]
pub async fn list_mappings(connection: Option<String>, kind: Option<String>, search: Option<String>, after: Option<String>) -> Result<MappingsView, ApiError> {
    use super::arguments::{page, paged, word};
    use domain::id::ConnectionId;
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let pool = super::context().pool;
    let connections = store::connections::states(&pool, &scope).await?;
    let wanted: Option<ConnectionId> = word("connection", connection.as_deref())?;
    let reachable = |id: &ConnectionId| connections.iter().any(|c| c.connection_id == *id);
    let Some(connection) = wanted.or(connections.first().map(|c| c.connection_id)) else {
        return Ok(MappingsView { connections, proposals: Vec::new(), active: Paged { rows: Vec::new(), next: None } });
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
    let mut proposals = store::mappings::proposals(&pool).await?;
    proposals.retain(|proposal| reachable(&proposal.connection_id));
    Ok(MappingsView { connections, proposals, active: paged(rows, PAGE, |row| format!("{}:{}", row.kind, row.source_code)) })
}

/// Proposes a mapping; in force at once when the money it releases is within the author's limit.
#[server(prefix = "/fn", endpoint = "propose_mapping")]
pub async fn propose_mapping(connection: String, kind: String, source_code: String, target_ref: String, back: String) -> Result<(), ApiError> {
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
