//! Connections to ERPs: state, slots, last errors.

use super::ApiError;
use domain::view::ConnectionView;
use leptos::prelude::*;

#[server(prefix = "/fn", endpoint = "list_connections")]
pub async fn list_connections() -> Result<Vec<ConnectionView>, ApiError> {
    let (_, scope) = super::require(domain::access::Action::ReadConnections)?;
    let ctx = super::context();
    Ok(store::connections::states(&ctx.pool, &scope, ctx.clock.now()).await?)
}
