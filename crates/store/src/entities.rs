//! Legal entities.

use crate::{Conn, Result};
use domain::{id::EntityId, view::EntityView};

/// All of them, by code. There are dozens at most.
pub async fn list(conn: &mut Conn) -> Result<Vec<EntityView>> {
    let rows = sqlx::query_as!(
        EntityView,
        r#"select entity_id as "entity_id: EntityId", code, name, functional_currency, time_zone from entity order by code"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
