//! Documents on their way in: bulk insertion by COPY, and what a number was used for before.

use crate::{Conn, Error, Result};
use chrono::{DateTime, Utc};
use domain::{
    document::{DocumentContent, DocumentLine, Violation},
    id::{BatchId, DocumentId, EntityId},
    seal::{Hash, set_term},
    stage::{DocumentKind, Stage},
};
use std::fmt::Write;

/// A document before it is written; it enters at `rejected` when it broke a rule, else at `finalized`.
#[derive(Debug)]
pub struct NewDocument<'a> {
    pub document_id: DocumentId,
    /// Ordinal in the batch, from 1.
    pub line: i32,
    pub content: &'a DocumentContent,
    pub content_hash: &'a Hash,
    pub violations: &'a [Violation],
}

/// A document that has the same number and came in another batch.
#[derive(Debug, Clone)]
pub struct Prior {
    pub document_id: DocumentId,
    pub kind: DocumentKind,
    pub number: String,
    pub version: i32,
    pub stage: Stage,
    pub rejected: bool,
    pub superseded: bool,
    pub batch_number: String,
    /// Something was applied to it.
    pub settled: bool,
}

/// Makes the planner probe indexes until the caller commits: statistics know nothing of the rows that are just coming in,
/// and a sequential scan per chunk would cost the square of the batch.
pub async fn prefer_indexes(conn: &mut Conn) -> Result<()> {
    sqlx::raw_sql("set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off")
        .execute(conn)
        .await?;
    Ok(())
}

/// Fresh statistics after a large load: until autovacuum comes by, up to a minute later, plans would be made for an empty table.
pub async fn refresh_statistics(conn: &mut Conn) -> Result<()> {
    sqlx::raw_sql("analyze document, document_line, movement").execute(conn).await?;
    Ok(())
}

/// What these numbers were used for in other batches of the entity. Locks the rows: their stages hold until the caller commits.
pub async fn priors(conn: &mut Conn, entity: EntityId, batch: BatchId, keys: &[(DocumentKind, &str)]) -> Result<Vec<Prior>> {
    let kinds: Vec<String> = keys.iter().map(|(kind, _)| kind.to_string()).collect();
    let numbers: Vec<String> = keys.iter().map(|(_, number)| (*number).to_owned()).collect();
    let rows = sqlx::query!(
        r#"select d.document_id as "document_id: DocumentId", d.kind as "kind: DocumentKind", d.number, d.version, d.stage as "stage: Stage",
            d.rejected as "rejected!", d.superseded_by is not null as "superseded!", b.number as batch_number,
            exists (select from open_item o where o.document_id = d.document_id and o.applied > 0) as "settled!"
        from unnest($3::text[], $4::text[]) as wanted (kind, number)
        cross join lateral (
            -- one look by number for each, whatever the statistics say: they know nothing of the rows that are just coming in
            select document_id from document_number n
            where n.entity_id = $1 and n.number = wanted.number and n.kind = wanted.kind offset 0
        ) n join document d using (document_id) join batch b using (batch_id)
        where d.batch_id <> $2 order by d.document_id for update of d"#,
        entity.0,
        batch.0,
        &kinds,
        &numbers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Prior {
            document_id: row.document_id,
            kind: row.kind,
            number: row.number,
            version: row.version,
            stage: row.stage,
            rejected: row.rejected,
            superseded: row.superseded,
            batch_number: row.batch_number,
            settled: row.settled,
        })
        .collect())
}

pub async fn version(conn: &mut Conn, document: DocumentId) -> Result<i32> {
    Ok(sqlx::query_scalar!("select version from document where document_id = $1", document.0).fetch_one(conn).await?)
}

/// Names the successors of documents that are about to move to `superseded`: (old, new).
pub async fn name_successors(conn: &mut Conn, pairs: &[(DocumentId, DocumentId)]) -> Result<()> {
    let old: Vec<uuid::Uuid> = pairs.iter().map(|(old, _)| old.0).collect();
    let new: Vec<uuid::Uuid> = pairs.iter().map(|(_, new)| new.0).collect();
    let done = sqlx::query!(
        "update document d set superseded_by = pair.new from unnest($1::uuid[], $2::uuid[]) as pair (old, new)
        where d.document_id = pair.old and d.superseded_by is null",
        &old,
        &new
    )
    .execute(conn)
    .await?
    .rows_affected();
    let expected = u64::try_from(pairs.len()).unwrap_or(u64::MAX);
    if done == expected { Ok(()) } else { Err(Error::RowsAffected { expected, actual: done }) }
}

/// Rows of `document` in COPY's text format.
#[derive(Debug, Default)]
pub struct DocumentRows(String);

/// Rows of `document_line` in COPY's text format. They depend on nothing in the database, so they are made ahead.
#[derive(Debug, Default)]
pub struct LineRows(String);

const DOCUMENT_COPY: &str = "copy document (document_id, batch_id, line, entity_id, kind, number, version, customer_code, customer_name, currency, \
    amount, tax, issue_date, due_date, posting_date, period, applies_to, content_hash, hash_term, violations, stage, sequence, stage_at) from stdin";
const LINE_COPY: &str =
    "copy document_line (document_id, line, item_code, description, quantity, unit_price, net, tax, tax_code) from stdin";

impl DocumentRows {
    pub fn push(&mut self, batch: BatchId, entity: EntityId, at: DateTime<Utc>, document: &NewDocument<'_>) -> Result<()> {
        let stage = if document.violations.is_empty() { Stage::Finalized } else { Stage::Rejected };
        self.push_at(batch, entity, at, document, (stage, 1))
    }

    /// A document with a history behind it: where it is now, and its place in that history.
    pub(crate) fn push_at(
        &mut self,
        batch: BatchId,
        entity: EntityId,
        at: DateTime<Utc>,
        document: &NewDocument<'_>,
        (stage, sequence): (Stage, i32),
    ) -> Result<()> {
        let content = document.content;
        let violations = serde_json::to_string(document.violations).map_err(|error| Error::Db(sqlx::Error::Encode(error.into())))?;
        let hash = domain::seal::hex(document.content_hash);
        let out = &mut self.0;
        field(out, document.document_id);
        field(out, batch);
        field(out, document.line);
        field(out, entity);
        field(out, content.kind);
        text(out, &content.number);
        field(out, content.version);
        text(out, &content.customer_code);
        text(out, &content.customer_name);
        field(out, content.currency);
        field(out, content.amount);
        field(out, content.tax);
        field(out, content.issue_date);
        field(out, content.due_date);
        field(out, content.posting_date);
        field(out, content.period);
        match &content.applies_to {
            Some(number) => text(out, number),
            None => out.push_str("\\N\t"),
        }
        field(out, format_args!("\\\\x{hash}"));
        field(out, set_term(document.content_hash));
        text(out, &violations);
        field(out, stage);
        field(out, sequence);
        field(out, at.to_rfc3339());
        end_row(out);
        Ok(())
    }

    /// Writes documents and their lines. A number that another transaction took meanwhile is a serialisation failure: the next
    /// try sees it.
    pub async fn insert(self, lines: LineRows, conn: &mut Conn) -> Result<()> {
        copy(conn, DOCUMENT_COPY, self.0)
            .await
            .map_err(|error| if error.is_conflict_on("document_live_number") { Error::Serialization } else { error })?;
        copy(conn, LINE_COPY, lines.0).await
    }
}

impl LineRows {
    pub fn push(&mut self, document_id: DocumentId, lines: &[DocumentLine]) {
        let out = &mut self.0;
        for (ordinal, line) in (1..).zip(lines) {
            field(out, document_id);
            field::<i32>(out, ordinal);
            text(out, &line.item_code);
            text(out, &line.description);
            field(out, line.quantity);
            field(out, line.unit_price);
            field(out, line.net);
            field(out, line.tax);
            text(out, &line.tax_code);
            end_row(out);
        }
    }
}

pub(crate) async fn copy(conn: &mut Conn, statement: &str, rows: String) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut copying = conn.copy_in_raw(statement).await?;
    copying.send(rows.into_bytes()).await?;
    copying.finish().await?;
    Ok(())
}

pub(crate) fn field<T: std::fmt::Display>(out: &mut String, value: T) {
    // writing to a String can't fail
    let _ = write!(out, "{value}\t");
}

pub(crate) fn text(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('\t');
}

pub(crate) fn end_row(out: &mut String) {
    out.pop();
    out.push('\n');
}

/// Whether the ERP holds a document posted, as far as it was read back, and the live credit memo that applies to it.
pub async fn correction_facts(conn: &mut Conn, document: DocumentId) -> Result<(Option<bool>, Option<String>)> {
    let row = sqlx::query!(
        r#"select (select bool_or(e.gone_at is null and e.state = 'posted') from erp_document e where e.document_id = d.document_id) as in_erp,
            (select c.number from document c where c.entity_id = d.entity_id and c.applies_to = d.number and d.kind = 'invoice'
                and c.kind = 'credit_memo' and not c.rejected and c.superseded_by is null order by c.document_id limit 1) as credited_by
        from document d where d.document_id = $1"#,
        document.0
    )
    .fetch_one(conn)
    .await?;
    Ok((row.in_erp, row.credited_by))
}
