//! What the replay pages show.

use crate::{Conn, Error, Pool, Result, Scope};
use domain::{
    id::{DocumentId, ReplaySetId},
    replay::{ReplayItem, ReplayResult, ReplaySetView, ReplayState, ReplayVerdict, StageCount, VerdictCount},
    stage::Stage,
    view::StageMoney,
};

/// Sets with a document in the caller's entities, newest first, as far as they reach into these; `before` is the number of the last one of the page before.
pub async fn list(pool: &Pool, scope: &Scope, before: Option<i64>, limit: i64) -> Result<Vec<ReplaySetView>> {
    select(pool, scope, None, None, before, limit).await
}

/// Sets that wait for a second person, newest first.
pub async fn waiting(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<ReplaySetView>> {
    select(pool, scope, None, Some(ReplayState::Waiting), None, limit).await
}

pub async fn find(pool: &Pool, scope: &Scope, id: ReplaySetId) -> Result<Option<ReplaySetView>> {
    Ok(select(pool, scope, Some(id), None, None, 1).await?.into_iter().next())
}

async fn select(
    pool: &Pool,
    scope: &Scope,
    id: Option<ReplaySetId>,
    state: Option<ReplayState>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ReplaySetView>> {
    let rows = sqlx::query!(
        r#"select s.set_id as "set_id: ReplaySetId", s.number, s.title, s.state as "state: ReplayState", m.items as "items!", encode(s.set_hash, 'hex') as "set_hash!",
            s.prepared_by, s.prepared_at, s.within_limit, s.decided_by, s.decided_at, s.comment, s.per_minute,
            coalesce(part.queued, s.queued) as "queued!", coalesce(part.missing, s.missing) as "missing!",
            coalesce(part.ineligible, s.ineligible) as "ineligible!",
            s.finished_at, m.entities as "entities!: Vec<String>", m.currencies as "currencies!: Vec<String>", m.counts as "counts!: Vec<i64>", m.amounts as "amounts!: Vec<rust_decimal::Decimal>"
        from replay_set s cross join lateral (
            select array_agg(currency order by currency) as currencies, array_agg(count order by currency) as counts,
                array_agg(amount order by currency) as amounts, sum(count)::integer as items,
                (select array_agg(distinct e.code order by e.code) from replay_money m join entity e using (entity_id)
                    where m.set_id = s.set_id and m.entity_id = any($1)) as entities
            from (
                select currency, sum(count)::bigint as count, sum(amount) as amount from replay_money
                where set_id = s.set_id and entity_id = any($1) group by currency
            ) sums
        ) m left join lateral (
            select count(*) filter (where i.result = 'queued')::integer as queued, count(*) filter (where i.result = 'missing')::integer as missing,
                count(*) filter (where i.result = 'ineligible')::integer as ineligible
            from replay_item i join document d using (document_id)
            where m.items < s.items and i.set_id = s.set_id and i.result is not null and d.entity_id = any($1)
        ) part on m.items < s.items
        where ($2::uuid is null or s.set_id = $2) and ($3::bigint is null or s.number < $3) and ($5::text is null or s.state = $5)
            and exists (select from replay_money m where m.set_id = s.set_id and m.entity_id = any($1))
        order by s.number desc limit $4"#,
        &scope.ids(),
        id.map(|id| id.0),
        before,
        limit,
        state.map(ReplayState::as_str)
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let sums = row.currencies.into_iter().zip(row.counts).zip(row.amounts);
            ReplaySetView {
                set_id: row.set_id,
                number: row.number,
                title: row.title,
                state: row.state,
                items: row.items,
                set_hash: row.set_hash,
                prepared_by: row.prepared_by,
                prepared_at: row.prepared_at,
                within_limit: row.within_limit,
                decided_by: row.decided_by,
                decided_at: row.decided_at,
                comment: row.comment,
                per_minute: row.per_minute,
                queued: row.queued,
                missing: row.missing,
                ineligible: row.ineligible,
                finished_at: row.finished_at,
                entities: row.entities,
                money: sums.map(|((currency, count), amount)| StageMoney { currency, count, amount }).collect(),
            }
        })
        .collect())
}

/// What the items whose turn has not come would come to now, most first.
pub async fn verdicts(pool: &Pool, scope: &Scope, id: ReplaySetId) -> Result<Vec<VerdictCount>> {
    let rows = sqlx::query!(
        r#"select v.verdict as "verdict!", case when v.verdict <> 'in_erp' then v.detail end as detail, count(*) as "count!"
        from replay_verdict v join replay_item i using (set_id, item) join document d on d.document_id = v.document_id
        where v.set_id = $1 and i.result is null and d.entity_id = any($2)
        group by 1, 2 order by 3 desc, 1, 2"#,
        id.0,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|row| Ok(VerdictCount { verdict: verdict(&row.verdict)?, detail: row.detail, count: row.count })).collect()
}

fn verdict(word: &str) -> Result<ReplayVerdict> {
    word.parse().map_err(|error: domain::UnknownWord| Error::Corrupt {
        table: "replay_verdict",
        column: "verdict",
        id: word.to_owned(),
        why: error.to_string(),
    })
}

/// Where the queued items are now. Looks at the items of one set.
pub async fn stages(pool: &Pool, scope: &Scope, id: ReplaySetId) -> Result<Vec<StageCount>> {
    Ok(sqlx::query_as!(
        StageCount,
        r#"select d.stage as "stage: Stage", count(*) as "count!" from replay_item i join document d using (document_id)
        where i.set_id = $1 and i.result = 'queued' and d.entity_id = any($2) group by d.stage order by d.stage"#,
        id.0,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}

/// Which items of a set a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    pub result: Option<ReplayResult>,
    pub stage: Option<Stage>,
    /// After this item.
    pub after: i32,
}

/// Items in the order of their turns, with what would become of those whose turn has not come.
pub async fn items(pool: &Pool, scope: &Scope, id: ReplaySetId, page: Page, limit: i64) -> Result<Vec<ReplayItem>> {
    let rows = sqlx::query!(
        r#"select i.item, i.document_id as "document_id: DocumentId", d.number, e.code, d.currency, d.amount, d.stage as "stage: Stage",
            i.result as "result: ReplayResult", coalesce(i.detail, v.detail) as detail, v.verdict as "verdict?", p.erp_number as "erp_number?"
        from replay_item i join document d using (document_id) join entity e using (entity_id) left join posting p using (document_id)
        left join lateral (
            select verdict, detail from replay_verdict v where i.result is null and v.set_id = i.set_id and v.item = i.item
        ) v on true
        where i.set_id = $1 and d.entity_id = any($2) and i.item > $3 and ($4::text is null or i.result = $4)
            and ($5::text is null or d.stage = $5)
        order by i.item limit $6"#,
        id.0,
        &scope.ids(),
        page.after,
        page.result.map(ReplayResult::as_str),
        page.stage.map(Stage::as_str),
        limit
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ReplayItem {
                item: row.item,
                document_id: row.document_id,
                number: row.number,
                entity_code: row.code,
                currency: row.currency,
                amount: row.amount,
                verdict: row.verdict.as_deref().map(verdict).transpose()?,
                result: row.result,
                detail: row.detail,
                stage: row.stage,
                erp_number: row.erp_number,
            })
        })
        .collect()
}

/// An item's document and what was made for the ERP last.
pub async fn item_payload(
    conn: &mut Conn,
    scope: &Scope,
    id: ReplaySetId,
    item: i32,
) -> Result<Option<(DocumentId, Option<serde_json::Value>)>> {
    let row = sqlx::query!(
        r#"select i.document_id as "document_id: DocumentId", b.payload as "payload?"
        from replay_item i join document d using (document_id) left join posting_payload b using (document_id)
        where i.set_id = $1 and i.item = $2 and d.entity_id = any($3)"#,
        id.0,
        item,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.document_id, row.payload)))
}

/// Who proposed the mappings in force whose want put these documents into exception: none of them approves the replay.
pub async fn mapping_authors(conn: &mut Conn, id: ReplaySetId) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select distinct m.proposed_by from replay_item i join exception x on x.document_id = i.document_id and x.closed_at is null
        cross join lateral unnest(x.missing_besides || (x.missing_kind || ':' || x.missing_code)) wanted (code)
        join mapping m on m.connection_id = x.connection_id and m.kind = split_part(wanted.code, ':', 1)
            and m.source_code = substr(wanted.code, strpos(wanted.code, ':') + 1) and m.state = 'active'
        where i.set_id = $1",
        id.0
    )
    .fetch_all(conn)
    .await?)
}
