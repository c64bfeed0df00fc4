//! What benches need of the database beside the product's own statements: settings read back, plain `COPY` and bare SQL as
//! baselines.

pub mod bare;
pub mod books;
pub mod cash;

use crate::{Conn, Pool, Result};
use domain::{
    id::{EntityId, ReplaySetId},
    stage::Stage,
};
use futures::TryStreamExt;

/// `fsync` and `synchronous_commit` as the server has them.
pub async fn durability(pool: &Pool) -> Result<[String; 2]> {
    let row = sqlx::query!(r#"select current_setting('fsync') as "fsync!", current_setting('synchronous_commit') as "commit!""#)
        .fetch_one(pool)
        .await?;
    Ok([row.fsync, row.commit])
}

pub async fn insert_entity(conn: &mut Conn, id: EntityId, code: &str, currency: &str) -> Result<()> {
    sqlx::query!(
        "insert into entity (entity_id, code, name, country, functional_currency, time_zone) values ($1, $2, $2, 'US', $3, 'UTC')",
        id.0,
        code,
        currency
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Documents in a stage, from the totals.
pub async fn count_in(pool: &Pool, stage: Stage) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select coalesce(sum(count), 0)::bigint as "count!" from period_total where stage = $1"#, stage.as_str())
        .fetch_one(pool)
        .await?)
}

/// The rows of one imported batch, as `COPY` text.
pub struct BatchDump {
    batch: Vec<u8>,
    documents: Vec<u8>,
    lines: Vec<u8>,
    movements: Vec<u8>,
}

const BATCH: &str = "batch (batch_id, source, number, entity_id, period, content_hash, document_count, received_at, actor)";
const DOCUMENT: &str = "document (document_id, batch_id, line, entity_id, kind, number, version, customer_code, customer_name, currency, amount, tax, \
    issue_date, due_date, posting_date, period, applies_to, content_hash, hash_term, violations, stage, sequence, stage_at)";
const LINE: &str = "document_line (document_id, line, item_code, description, quantity, unit_price, net, tax, tax_code)";
const MOVEMENT: &str = "movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage, amount, tax, hash_term, \
    actor, reason, correlation_id, moved_at)";

pub async fn dump_batch(pool: &Pool) -> Result<BatchDump> {
    Ok(BatchDump {
        batch: copy_out(pool, BATCH).await?,
        documents: copy_out(pool, DOCUMENT).await?,
        lines: copy_out(pool, LINE).await?,
        movements: copy_out(pool, MOVEMENT).await?,
    })
}

/// The same rows in one transaction, indexes and keys on.
pub async fn load_batch(pool: &Pool, dump: &BatchDump) -> Result<()> {
    let mut tx = pool.begin().await?;
    for (table, rows) in [(BATCH, &dump.batch), (DOCUMENT, &dump.documents), (LINE, &dump.lines), (MOVEMENT, &dump.movements)] {
        let mut copy = tx.copy_in_raw(&format!("copy {table} from stdin")).await?;
        copy.send(rows.as_slice()).await?;
        copy.finish().await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn copy_out(pool: &Pool, table: &str) -> Result<Vec<u8>> {
    let mut conn = pool.acquire().await?;
    let mut rows = conn.copy_out_raw(&format!("copy {table} to stdout")).await?;
    let mut text = Vec::new();
    while let Some(chunk) = rows.try_next().await? {
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

/// Fresh statistics, as autovacuum would have made them in the minutes after a load.
pub async fn analyze(pool: &Pool) -> Result<()> {
    sqlx::query!("analyze").execute(pool).await?;
    Ok(())
}

/// The items of a replay set once more, in a table of the same indexes; nothing is decided or looked up.
pub async fn copy_items(pool: &Pool, set: ReplaySetId) -> Result<u64> {
    let copied = sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into bench_item (set_id, item, document_id, sequence, payload_hash)
        select set_id, item, document_id, sequence, payload_hash from replay_item where set_id = '{set}'"
    )))
    .execute(pool)
    .await?;
    Ok(copied.rows_affected())
}

pub async fn empty_copy(pool: &Pool) -> Result<()> {
    sqlx::raw_sql("drop table if exists bench_item; create table bench_item (like replay_item including all)").execute(pool).await?;
    Ok(())
}
