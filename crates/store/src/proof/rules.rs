//! Rules of cash application: every version's hash, computed anew from its text.

use super::Compared;
use crate::{Conn, Result};
use domain::{id::EntityId, seal::rule_table_hash};

pub async fn rule_tables(conn: &mut Conn) -> Result<Compared> {
    let rows = sqlx::query!(
        r#"select t.entity_id as "entity_id: EntityId", e.code, t.version, t.content::text as "content!", t.content_hash
        from rule_table t join entity e using (entity_id) order by e.code, t.version"#
    )
    .fetch_all(conn)
    .await?;
    let differs = rows.iter().find(|row| rule_table_hash(row.entity_id, &row.content).as_slice() != row.content_hash);
    let said = differs.map(|row| format!("rule table {} of {} is not what its hash says", row.version, row.code));
    Ok(Compared::new(i64::try_from(rows.len()).ok(), said))
}
