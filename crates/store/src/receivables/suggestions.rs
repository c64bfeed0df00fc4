//! What the matcher says of money that is left, what applications taught it, and how its runs went.

use crate::{Conn, Result};
use chrono::{DateTime, Utc};
use domain::id::{DocumentId, EntityId};
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub struct NewSuggestion {
    pub document_id: DocumentId,
    pub verdict: &'static str,
    pub decision: serde_json::Value,
    pub score: Option<i32>,
}

/// What is suggested for all money of an entity that is left: suggestions for other payments go.
pub async fn suggest(conn: &mut Conn, entity: EntityId, new: &[NewSuggestion], at: DateTime<Utc>) -> Result<()> {
    let documents: Vec<uuid::Uuid> = new.iter().map(|n| n.document_id.0).collect();
    let verdicts: Vec<&str> = new.iter().map(|n| n.verdict).collect();
    let decisions: Vec<&serde_json::Value> = new.iter().map(|n| &n.decision).collect();
    let scores: Vec<Option<i32>> = new.iter().map(|n| n.score).collect();
    sqlx::query!(
        "delete from suggestion s using open_item i
        where i.document_id = s.document_id and i.entity_id = $1 and not s.document_id = any($2)",
        entity.0,
        &documents
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into suggestion as s (document_id, verdict, decision, score, decided_at)
        select d, v, j, c, $5 from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::integer[]) n (d, v, j, c)
        on conflict (document_id) do update set verdict = excluded.verdict, decision = excluded.decision, score = excluded.score,
            decided_at = excluded.decided_at
        where (s.verdict, s.decision) is distinct from (excluded.verdict, excluded.decision)",
        &documents,
        &verdicts as &[&str],
        &decisions as &[&serde_json::Value],
        &scores as &[Option<i32>],
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account or a name that a customer pays under, and the application that showed it.
#[derive(Debug, Clone)]
pub struct NewAlias<'a> {
    /// `account` or `name`.
    pub kind: &'static str,
    pub value: &'a str,
    pub customer_code: &'a str,
    pub application: DocumentId,
}

/// Keeps under which accounts and names customers pay; what is known stays as it is.
pub async fn learn(conn: &mut Conn, entity: EntityId, new: &[NewAlias<'_>], by: &str, at: DateTime<Utc>) -> Result<()> {
    let kinds: Vec<&str> = new.iter().map(|n| n.kind).collect();
    let values: Vec<&str> = new.iter().map(|n| n.value).collect();
    let customers: Vec<&str> = new.iter().map(|n| n.customer_code).collect();
    let applications: Vec<uuid::Uuid> = new.iter().map(|n| n.application.0).collect();
    sqlx::query!(
        "insert into payer_alias (entity_id, kind, value, customer_code, document_id, learned_from, learned_at)
        select $1, k, v, c, d, $6, $7 from unnest($2::text[], $3::text[], $4::text[], $5::uuid[]) n (k, v, c, d) where v <> ''
        on conflict do nothing",
        entity.0,
        &kinds as &[&str],
        &values as &[&str],
        &customers as &[&str],
        &applications,
        by,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What one run of the matcher came to in a currency.
#[derive(Debug, Clone, Default)]
pub struct MatchRun {
    pub currency: String,
    pub lines: i32,
    pub confirmed: i32,
    pub in_full: i32,
    pub received: Decimal,
    pub applied: Decimal,
    pub items: i32,
}

pub async fn record_run(conn: &mut Conn, entity: EntityId, rules: i32, at: DateTime<Utc>, totals: &[MatchRun]) -> Result<()> {
    let run = uuid::Uuid::now_v7();
    sqlx::query!("insert into match_run (run_id, entity_id, ran_at, rules) values ($1, $2, $3, $4)", run, entity.0, at, rules)
        .execute(&mut *conn)
        .await?;
    for total in totals {
        sqlx::query!(
            "insert into match_run_total (run_id, currency, lines, confirmed, in_full, received, applied, items)
            values ($1, $2, $3, $4, $5, $6, $7, $8)",
            run,
            total.currency,
            total.lines,
            total.confirmed,
            total.in_full,
            total.received,
            total.applied,
            total.items
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
