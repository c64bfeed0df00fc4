//! Replay by frozen set: freezing, deciding, and taking items in turn.

mod read;

pub use read::{Page, find, item_payload, items, list, mapping_authors, stages, verdicts, waiting};

use crate::{Conn, Result, Scope, limits::Reach, views::exceptions::Filter};
use chrono::{DateTime, Utc};
use domain::{
    id::{DocumentId, EntityId, ReplaySetId},
    job::JobKind,
    replay::{ReplayResult, ReplayState},
};

/// What is to be frozen.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    Documents(&'a [DocumentId]),
    /// Every open exception that a filter shows, whatever the page.
    Matching(&'a Filter),
    /// Of those, what nothing of ours stands in the way of now.
    Passing(&'a Filter),
}

/// A set before it is decided.
#[derive(Debug, Clone)]
pub struct NewSet<'a> {
    pub set_id: ReplaySetId,
    pub title: &'a str,
    pub prepared_by: &'a str,
    pub prepared_at: DateTime<Utc>,
}

/// Freezes what is in exception now and in no unfinished set, and returns its money; empty: nothing is, and no set is made.
pub async fn freeze(conn: &mut Conn, scope: &Scope, source: Source<'_>, new: &NewSet<'_>) -> Result<Vec<Reach>> {
    let any = Filter::default();
    let (documents, filter) = match source {
        Source::Documents(documents) => (Some(documents.iter().map(|id| id.0).collect::<Vec<_>>()), &any),
        Source::Matching(filter) | Source::Passing(filter) => (None, filter),
    };
    sqlx::query!("set local plan_cache_mode = force_custom_plan").execute(&mut *conn).await?;
    let items = sqlx::query!(
        "insert into replay_item (set_id, item, document_id, sequence, payload_hash)
        select $1, row_number() over (order by x.opened_at, x.exception_id), d.document_id, d.sequence, b.payload_hash
        from exception x join document d using (document_id) left join posting_payload b using (document_id)
        where x.closed_at is null and d.stage = 'exception' and x.entity_id = any($2) and ($3::uuid[] is null or x.document_id = any($3))
            and ($4::text is null or x.period = $4) and ($5::text is null or x.currency = $5) and ($6::text is null or x.kind = $6)
            and ($7::uuid is null or x.connection_id = $7) and ($8::text is null or x.fingerprint = $8) and ($9::text is null or x.owner = $9)
            and ($10::timestamptz is null or x.opened_at < $10) and ($11::numeric is null or x.amount >= $11)
            and ($13::timestamptz is null or x.due_at <= $13)
            and not exists (select from replay_item o join replay_set s using (set_id)
                where o.document_id = x.document_id and o.result is null and s.finished_at is null)
            and (not $12 or exists (select from document_verdict v where v.document_id = x.document_id and v.verdict = 'will_post'))",
        new.set_id.0,
        &scope.ids(),
        documents.as_deref(),
        filter.period.map(|period| period.to_string()),
        filter.currency,
        filter.kind.map(domain::exception::ExceptionKind::as_str),
        filter.connection_id.map(|id| id.0),
        filter.fingerprint,
        filter.owner,
        filter.opened_before,
        filter.amount_min,
        matches!(source, Source::Passing(_)),
        filter.due_before
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if items == 0 {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "insert into replay_set (set_id, title, state, items, set_hash, prepared_by, prepared_at, within_limit)
        select $1, $2, 'waiting', count(*), sha256(convert_to(string_agg(
            document_id || ' ' || sequence || ' ' || coalesce(encode(payload_hash, 'hex'), '-'), E'\\n' order by item), 'UTF8')), $3, $4, false
        from replay_item where set_id = $1",
        new.set_id.0,
        new.title,
        new.prepared_by,
        new.prepared_at
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_as!(
        Reach,
        r#"insert into replay_money (set_id, entity_id, currency, count, amount)
        select $1, d.entity_id, d.currency, count(*), sum(d.amount)
        from replay_item i join document d using (document_id) where i.set_id = $1 group by d.entity_id, d.currency
        returning entity_id as "entity_id: EntityId", currency, amount"#,
        new.set_id.0
    )
    .fetch_all(conn)
    .await?)
}

/// A set, locked for an act.
#[derive(Debug, Clone)]
pub struct Locked {
    pub number: i64,
    pub state: ReplayState,
    pub prepared_by: String,
    pub per_minute: Option<i32>,
}

/// Locks a set all of whose entities are in scope.
pub async fn lock(conn: &mut Conn, scope: &Scope, id: ReplaySetId) -> Result<Option<Locked>> {
    Ok(sqlx::query_as!(
        Locked,
        r#"select number, state as "state: ReplayState", prepared_by, per_minute from replay_set s
        where set_id = $1 and not exists (select from replay_money m where m.set_id = s.set_id and m.entity_id <> all($2)) for update"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether every document of a set stands where it stood when the set was frozen.
pub async fn is_unchanged(conn: &mut Conn, id: ReplaySetId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select not exists (select from replay_item i join document d using (document_id)
            where i.set_id = $1 and (d.stage <> 'exception' or d.sequence <> i.sequence)) as "unchanged!""#,
        id.0
    )
    .fetch_one(conn)
    .await?)
}

/// The preparer's limit was enough.
pub async fn set_within_limit(conn: &mut Conn, id: ReplaySetId) -> Result<()> {
    sqlx::query!("update replay_set set within_limit = true, state = 'running' where set_id = $1", id.0).execute(conn).await?;
    Ok(())
}

/// A second person's decision. Conflicts on `replay_preparer_is_not_approver` when it is the preparer's.
pub async fn decide(conn: &mut Conn, id: ReplaySetId, to: ReplayState, by: &str, comment: Option<&str>, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update replay_set set state = $2, decided_by = $3, decided_at = $4, comment = $5, finished_at = case when $6 then $4::timestamptz end
        where set_id = $1",
        id.0,
        to.as_str(),
        by,
        at,
        comment,
        to.is_finished()
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_state(conn: &mut Conn, id: ReplaySetId, to: ReplayState, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update replay_set set state = $2, finished_at = case when $3 then $4::timestamptz end where set_id = $1",
        id.0,
        to.as_str(),
        to.is_finished(),
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn set_rate(conn: &mut Conn, id: ReplaySetId, per_minute: Option<i32>) -> Result<()> {
    sqlx::query!("update replay_set set per_minute = $2 where set_id = $1", id.0, per_minute).execute(conn).await?;
    Ok(())
}

/// Sets that are to be run and have no job that will.
pub async fn without_job(conn: &mut Conn) -> Result<Vec<ReplaySetId>> {
    Ok(sqlx::query_scalar!(
        r#"select set_id as "set_id: ReplaySetId" from replay_set where finished_at is null and state = 'running' and not exists (
            select from job where kind = $1 and subject = set_id::text and state in ('available', 'running', 'retryable'))
        order by prepared_at"#,
        JobKind::Replay.as_str()
    )
    .fetch_all(conn)
    .await?)
}

/// An item whose turn it is.
#[derive(Debug)]
pub struct Turn {
    pub item: i32,
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    /// It is in exception still, where it was when the set was frozen.
    pub unchanged: bool,
    /// Nothing is added to its period any more.
    pub period_closed: bool,
    pub stage: domain::stage::Stage,
}

/// The next items of a set with their documents, locked.
pub async fn next(conn: &mut Conn, id: ReplaySetId, limit: i64) -> Result<Vec<Turn>> {
    Ok(sqlx::query_as!(
        Turn,
        r#"with turn as materialized (
            select item, document_id, sequence from replay_item where set_id = $1 and result is null order by item limit $2 for update
        )
        select t.item, t.document_id as "document_id: DocumentId", d.entity_id as "entity_id: EntityId",
            d.stage = 'exception' and d.sequence = t.sequence as "unchanged!", d.stage as "stage: domain::stage::Stage",
            exists (select from accounting_period p where p.entity_id = d.entity_id and p.period = d.period and p.state = 'hard_closed')
                as "period_closed!"
        from turn t join document d using (document_id) order by d.document_id for update of d"#,
        id.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What became of an item.
#[derive(Debug)]
pub struct Done {
    pub item: i32,
    pub result: ReplayResult,
    pub detail: Option<String>,
}

pub async fn finish_items(conn: &mut Conn, id: ReplaySetId, done: &[Done], at: DateTime<Utc>) -> Result<()> {
    let items: Vec<i32> = done.iter().map(|d| d.item).collect();
    let results: Vec<&str> = done.iter().map(|d| d.result.as_str()).collect();
    let details: Vec<Option<&str>> = done.iter().map(|d| d.detail.as_deref()).collect();
    sqlx::query!(
        "with done as (
            update replay_item i set result = r.result, detail = r.detail, done_at = $5
            from unnest($2::integer[], $3::text[], $4::text[]) r (item, result, detail) where i.set_id = $1 and i.item = r.item
            returning r.result
        )
        update replay_set s set queued = s.queued + n.queued, missing = s.missing + n.missing, ineligible = s.ineligible + n.ineligible
        from (select count(*) filter (where result = 'queued')::integer as queued, count(*) filter (where result = 'missing')::integer as missing,
            count(*) filter (where result = 'ineligible')::integer as ineligible from done) n
        where s.set_id = $1",
        id.0,
        &items,
        &results as &[&str],
        &details as &[Option<&str>],
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}
