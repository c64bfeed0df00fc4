//! Breaks: opened, kept with their age and owner, closed by themselves.

use super::Place;
use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::BreakKind,
    id::{BatchId, BreakId, ConnectionId, DocumentId},
    money::Currency,
    stage::Side,
};
use rust_decimal::Decimal;

/// Currencies of the open breaks of an entity's period.
pub async fn currencies_of_open_breaks(conn: &mut Conn, place: Place) -> Result<Vec<Currency>> {
    Ok(sqlx::query_scalar!(
        r#"select distinct currency as "currency: Currency" from reconciliation_break
        where entity_id = $1 and period = $2 and checkpoint = $3 and closed_at is null"#,
        place.entity.0,
        place.period.to_string(),
        place.checkpoint.number()
    )
    .fetch_all(conn)
    .await?)
}

/// A difference that a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Of the cell that it is a break in.
    pub batch_id: Option<BatchId>,
    pub currency: Currency,
    pub side: Side,
    pub kind: BreakKind,
    pub document_id: Option<DocumentId>,
    pub erp: Option<(ConnectionId, String)>,
    pub left_amount: Decimal,
    pub right_amount: Decimal,
    /// Absolute.
    pub difference: Decimal,
    pub explanation: String,
    /// The same item in the same cell is the same break.
    pub identity: String,
    pub expected_by: Option<DateTime<Utc>>,
}

/// How many breaks a run opened, kept and closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BreakChanges {
    pub opened: u64,
    pub kept: u64,
    pub closed: u64,
}

/// Opens what is new, keeps what is still there with its age and owner, closes what is not there any more.
/// `ids` are for the new ones, one for each found.
pub async fn put_breaks(conn: &mut Conn, place: Place, found: &[Found], ids: &[BreakId], now: DateTime<Utc>) -> Result<BreakChanges> {
    let identities: Vec<&str> = found.iter().map(|f| f.identity.as_str()).collect();
    let closed = sqlx::query!(
        "update reconciliation_break set closed_at = $4
        where entity_id = $1 and period = $2 and checkpoint = $3 and closed_at is null and identity <> all($5)",
        place.entity.0,
        place.period.to_string(),
        place.checkpoint.number(),
        now,
        &identities as &[&str]
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let currencies: Vec<&str> = found.iter().map(|f| f.currency.code()).collect();
    let sides: Vec<&str> = found.iter().map(|f| f.side.as_str()).collect();
    let kinds: Vec<&str> = found.iter().map(|f| f.kind.as_str()).collect();
    let documents: Vec<Option<uuid::Uuid>> = found.iter().map(|f| f.document_id.map(|id| id.0)).collect();
    let connections: Vec<Option<uuid::Uuid>> = found.iter().map(|f| f.erp.as_ref().map(|(connection, _)| connection.0)).collect();
    let erp_ids: Vec<Option<&str>> = found.iter().map(|f| f.erp.as_ref().map(|(_, id)| id.as_str())).collect();
    let batches: Vec<Option<uuid::Uuid>> = found.iter().map(|f| f.batch_id.map(|id| id.0)).collect();
    let lefts: Vec<Decimal> = found.iter().map(|f| f.left_amount).collect();
    let rights: Vec<Decimal> = found.iter().map(|f| f.right_amount).collect();
    let differences: Vec<Decimal> = found.iter().map(|f| f.difference).collect();
    let explanations: Vec<&str> = found.iter().map(|f| f.explanation.as_str()).collect();
    let expected: Vec<Option<DateTime<Utc>>> = found.iter().map(|f| f.expected_by).collect();
    let written = sqlx::query_scalar!(
        r#"insert into reconciliation_break as b (break_id, checkpoint, entity_id, period, currency, side, kind, document_id, connection_id,
            erp_id, left_amount, right_amount, difference, explanation, identity, opened_at, expected_by, batch_id)
        select id, $1, $2, $3, currency, side, kind, document_id, connection_id, erp_id, l, r, difference, explanation, identity, $4, expected_by,
            batch_id
        from unnest($5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::uuid[], $11::text[], $12::numeric[], $13::numeric[],
                $14::numeric[], $15::text[], $16::text[], $17::timestamptz[], $18::uuid[])
            f (id, currency, side, kind, document_id, connection_id, erp_id, l, r, difference, explanation, identity, expected_by, batch_id)
        order by identity
        on conflict (identity) where closed_at is null do update set kind = excluded.kind, document_id = excluded.document_id,
            connection_id = excluded.connection_id, erp_id = excluded.erp_id, left_amount = excluded.left_amount,
            right_amount = excluded.right_amount, difference = excluded.difference, explanation = excluded.explanation,
            expected_by = excluded.expected_by, batch_id = excluded.batch_id
        returning b.break_id = any($5) as "opened!""#,
        place.checkpoint.number(),
        place.entity.0,
        place.period.to_string(),
        now,
        &ids,
        &currencies as &[&str],
        &sides as &[&str],
        &kinds as &[&str],
        &documents as &[Option<uuid::Uuid>],
        &connections as &[Option<uuid::Uuid>],
        &erp_ids as &[Option<&str>],
        &lefts,
        &rights,
        &differences,
        &explanations as &[&str],
        &identities as &[&str],
        &expected as &[Option<DateTime<Utc>>],
        &batches as &[Option<uuid::Uuid>]
    )
    .fetch_all(conn)
    .await?;
    let opened = u64::try_from(written.iter().filter(|opened| **opened).count()).unwrap_or_default();
    let all = u64::try_from(written.len()).unwrap_or_default();
    Ok(BreakChanges { opened, kept: all - opened, closed })
}
