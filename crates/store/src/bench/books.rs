//! Books of any size for benches: batches with their history already behind them. The rows are those that transitions would have
//! written, set by set, so that `verify` proves them like any others.

use crate::{
    Conn, Result,
    documents::{DocumentRows, LineRows, NewDocument},
};
use chrono::{DateTime, Utc};
use domain::{
    document::DocumentContent,
    id::{BatchId, ConnectionId, DocumentId, EntityId, ExceptionId},
    lane::Lane,
    seal::Hash,
    stage::Stage,
};

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Queued,
    Posted,
    /// Nothing was sent: a mapping is missing.
    Unmapped,
    /// The ERP refused it.
    Refused,
}

impl History {
    fn end(self) -> (Stage, i32) {
        match self {
            Self::Queued => (Stage::Queued, 2),
            Self::Posted => (Stage::Posted, 4),
            Self::Unmapped => (Stage::Exception, 2),
            Self::Refused => (Stage::Exception, 4),
        }
    }
}

/// The documents of a batch in COPY's format.
#[derive(Default)]
pub struct Rows {
    documents: DocumentRows,
    lines: LineRows,
}

/// What a row is written under.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub batch_id: BatchId,
    pub entity_id: EntityId,
    pub connection_id: ConnectionId,
    pub at: DateTime<Utc>,
}

impl Rows {
    pub fn push(
        &mut self,
        place: Place,
        id: DocumentId,
        line: i32,
        content: &DocumentContent,
        hash: &Hash,
        history: History,
    ) -> Result<()> {
        let document = NewDocument { document_id: id, line, content, content_hash: hash, violations: &[] };
        self.lines.push(id, &content.lines);
        self.documents.push_at(place.batch_id, place.entity_id, place.at, &document, history.end())
    }
}

/// An open exception of a document of the batch.
#[derive(Debug)]
pub struct Trouble {
    pub exception_id: ExceptionId,
    pub document_id: DocumentId,
    pub kind: &'static str,
    pub fingerprint: String,
    pub code: String,
    pub message: String,
    pub missing: Option<(String, String)>,
    pub opened_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub owner: Option<String>,
}

/// Writes a batch that was just inserted: documents, lines, movements, postings, attempts, events, totals, exceptions.
/// Foreign keys are not looked at row by row, because everything they name is written here.
pub async fn write(conn: &mut Conn, place: Place, rows: Rows, troubles: &[Trouble]) -> Result<()> {
    sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *conn).await?;
    rows.documents.insert(rows.lines, conn).await?;
    crate::documents::prefer_indexes(conn).await?;
    write_history(conn, place).await?;
    write_postings(conn, place).await?;
    sqlx::raw_sql("set local session_replication_role = origin").execute(&mut *conn).await?;
    write_totals(conn, place).await?;
    crate::receivables::open_batch(conn, place.batch_id).await?;
    open_exceptions(conn, troubles).await
}

async fn write_history(conn: &mut Conn, place: Place) -> Result<()> {
    sqlx::query!(
        "insert into movement (document_id, sequence, entity_id, batch_id, currency, period, kind, from_stage, to_stage, amount, tax,
            hash_term, actor, reason, correlation_id, moved_at)
        select d.document_id, m.sequence, d.entity_id, d.batch_id, d.currency, d.period, d.kind, m.from_stage, m.to_stage, d.amount, d.tax,
            d.hash_term, m.actor, m.reason, d.batch_id, $2
        from document d join (values
            (2, 'queued', 1, null, 'finalized', 'cli:bench', 'imported'), (2, 'queued', 2, 'finalized', 'queued', 'system:mapping', 'mapped'),
            (4, 'posted', 1, null, 'finalized', 'cli:bench', 'imported'), (4, 'posted', 2, 'finalized', 'queued', 'system:mapping', 'mapped'),
            (4, 'posted', 3, 'queued', 'in_flight', 'system:posting', 'sent'),
            (4, 'posted', 4, 'in_flight', 'posted', 'system:posting', 'accepted'),
            (2, 'exception', 1, null, 'finalized', 'cli:bench', 'imported'),
            (2, 'exception', 2, 'finalized', 'exception', 'system:mapping', 'a mapping is missing'),
            (4, 'exception', 1, null, 'finalized', 'cli:bench', 'imported'), (4, 'exception', 2, 'finalized', 'queued', 'system:mapping', 'mapped'),
            (4, 'exception', 3, 'queued', 'in_flight', 'system:posting', 'sent'),
            (4, 'exception', 4, 'in_flight', 'exception', 'system:posting', 'refused')
        ) m (length, stage, sequence, from_stage, to_stage, actor, reason) on m.length = d.sequence and m.stage = d.stage
        where d.batch_id = $1 order by d.line, m.sequence",
        place.batch_id.0,
        place.at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into outbox (event, document_id, entity_id, occurred_at)
        select event, document_id, entity_id, $2 from document d cross join lateral (values ('InvoiceIssued'),
            (case d.stage when 'posted' then 'PostingAccepted' when 'exception' then 'ExceptionOpened' end)) e (event)
        where batch_id = $1 and event is not null order by line",
        place.batch_id.0,
        place.at
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_postings(conn: &mut Conn, place: Place) -> Result<()> {
    sqlx::query!("update batch_control set state = 'passed', compared_at = $2 where batch_id = $1", place.batch_id.0, place.at)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into posting (document_id, entity_id, connection_id, frozen_at, attempts, lane, work, due_at, sent_at, erp_id, erp_number)
        select document_id, entity_id, $2, case when sequence = 4 then $3::timestamptz end,
            case when sequence = 4 then 1 else 0 end, $4, case stage when 'queued' then 'send' end, case stage when 'queued' then $3 end,
            case when sequence = 4 then $3 end, case stage when 'posted' then number end, case stage when 'posted' then number end
        from document where batch_id = $1 and (stage <> 'exception' or sequence = 4) order by line",
        place.batch_id.0,
        place.connection_id.0,
        place.at,
        Lane::Normal.place()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into posting_payload (document_id, posting_key, mapped, payload, payload_hash)
        select document_id, 'tieout-' || entity_id || '-' || number, jsonb_build_object('entity_ref', '1'), jsonb_build_object('tranId', number, 'total', amount::text),
            sha256(convert_to(number, 'UTF8'))
        from document where batch_id = $1 and (stage <> 'exception' or sequence = 4) order by line",
        place.batch_id.0
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into posting_attempt (attempt_id, document_id, connection_id, purpose, worker, correlation_id, claimed_at, finished_at, outcome,
            message, request, http_status)
        select gen_random_uuid(), document_id, $2, 'send', 'bench', $1, $3, $3, case stage when 'posted' then 'accepted' else 'business' end,
            case stage when 'posted' then 'number ' || number end, 'POST ' || number, case stage when 'posted' then 204 else 400 end
        from document where batch_id = $1 and sequence = 4 order by line",
        place.batch_id.0,
        place.connection_id.0,
        place.at
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_totals(conn: &mut Conn, place: Place) -> Result<()> {
    sqlx::query!(
        "with total as (
            insert into stage_total (batch_id, entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
            select batch_id, entity_id, currency, period, kind, stage, 0, count(*), sum(amount), sum(tax), sum(hash_term::numeric)
            from document where batch_id = $1 group by batch_id, entity_id, currency, period, kind, stage
            returning entity_id, currency, period, kind, stage, count, amount, tax, hash_total
        )
        insert into period_total as t (entity_id, currency, period, kind, stage, slot, count, amount, tax, hash_total)
        select entity_id, currency, period, kind, stage, 0, count, amount, tax, hash_total from total
        order by entity_id, period, currency, kind, stage
        on conflict (entity_id, period, currency, kind, stage, slot) do update set count = t.count + excluded.count,
            amount = t.amount + excluded.amount, tax = t.tax + excluded.tax, hash_total = t.hash_total + excluded.hash_total",
        place.batch_id.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn open_exceptions(conn: &mut Conn, troubles: &[Trouble]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = troubles.iter().map(|t| t.exception_id.0).collect();
    let documents: Vec<uuid::Uuid> = troubles.iter().map(|t| t.document_id.0).collect();
    let kinds: Vec<&str> = troubles.iter().map(|t| t.kind).collect();
    let fingerprints: Vec<&str> = troubles.iter().map(|t| t.fingerprint.as_str()).collect();
    let codes: Vec<&str> = troubles.iter().map(|t| t.code.as_str()).collect();
    let messages: Vec<&str> = troubles.iter().map(|t| t.message.as_str()).collect();
    let missing_kinds: Vec<Option<&str>> = troubles.iter().map(|t| t.missing.as_ref().map(|(kind, _)| kind.as_str())).collect();
    let missing_codes: Vec<Option<&str>> = troubles.iter().map(|t| t.missing.as_ref().map(|(_, code)| code.as_str())).collect();
    let opened: Vec<DateTime<Utc>> = troubles.iter().map(|t| t.opened_at).collect();
    let due: Vec<DateTime<Utc>> = troubles.iter().map(|t| t.due_at).collect();
    let owners: Vec<Option<&str>> = troubles.iter().map(|t| t.owner.as_deref()).collect();
    sqlx::query!(
        "insert into exception (exception_id, document_id, entity_id, connection_id, currency, amount, period, kind, fingerprint, code,
            message, missing_kind, missing_code, opened_at, due_at, owner)
        select r.id, d.document_id, d.entity_id, ec.connection_id, d.currency, d.amount, d.period, r.kind, r.fingerprint, r.code,
            r.message, r.missing_kind, r.missing_code, r.opened_at, r.due_at, r.owner
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
                $11::timestamptz[])
            r (id, document_id, kind, fingerprint, code, message, missing_kind, missing_code, opened_at, owner, due_at)
        join document d using (document_id) join entity_connection ec using (entity_id)",
        &ids,
        &documents,
        &kinds as &[&str],
        &fingerprints as &[&str],
        &codes as &[&str],
        &messages as &[&str],
        &missing_kinds as &[Option<&str>],
        &missing_codes as &[Option<&str>],
        &opened,
        &owners as &[Option<&str>],
        &due
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How large the database is, in megabytes.
pub async fn megabytes(pool: &crate::Pool) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"select pg_database_size(current_database()) / 1048576 as "size!""#).fetch_one(pool).await?)
}

/// What autovacuum would have done in the hours after such a load.
pub async fn settle(pool: &crate::Pool) -> Result<()> {
    sqlx::raw_sql("vacuum (analyze, parallel 0)").execute(pool).await?;
    sqlx::raw_sql("checkpoint").execute(pool).await?;
    Ok(())
}
