//! What the reconciliation page shows.

use crate::{Error, Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    checkpoint::{BreakKind, Checkpoint, ControlTotal, Tie},
    id::{BatchId, BreakId, CheckpointRunId, DocumentId, EntityId},
    period::AccountingPeriod,
    reconciliation::{AgeBucket, AgingCell, BatchCell, BreakFilter, BreakRow, CheckpointCell, CheckpointState},
    stage::{Side, Stage},
    view::Paged,
};

/// Cells of the latest run of every entity of the caller. An entity without a run is missing here: not assessed.
pub async fn cells(pool: &Pool, scope: &Scope, checkpoint: Checkpoint, period: AccountingPeriod) -> Result<Vec<CheckpointCell>> {
    let rows = sqlx::query!(
        r#"select r.run_id as "run_id: CheckpointRunId", e.entity_id as "entity_id: EntityId", e.code, c.currency, c.side as "side: Side",
            sum(left_count)::bigint as "left_count!", sum(left_amount) as "left_amount!", sum(left_tax) as "left_tax!",
            sum(right_count)::bigint as "right_count!", sum(right_amount) as "right_amount!", sum(right_tax) as "right_tax!",
            sum(timing_count)::bigint as "timing_count!", sum(timing_amount) as "timing_amount!",
            sum(unreconciled_count)::bigint as "unreconciled_count!", sum(unreconciled_amount) as "unreconciled_amount!",
            r.ran_at as "ran_at!", r.read_at as "read_at!"
        from entity e cross join lateral (
            select run_id, ran_at, read_at from checkpoint_run where entity_id = e.entity_id and period = $2 and checkpoint = $3
            order by ran_at desc, run_id desc limit 1
        ) r join checkpoint_cell c using (run_id)
        where e.entity_id = any($1) group by r.run_id, r.ran_at, r.read_at, e.entity_id, c.currency, c.side
        order by e.code, c.currency, c.side desc"#,
        &scope.ids(),
        period.to_string(),
        checkpoint.number()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CheckpointCell {
            checkpoint,
            run_id: row.run_id,
            entity_id: row.entity_id,
            entity_code: row.code,
            period,
            currency: row.currency,
            side: row.side,
            left: ControlTotal { count: row.left_count, amount: row.left_amount, tax: row.left_tax },
            right: ControlTotal { count: row.right_count, amount: row.right_amount, tax: row.right_tax },
            timing_count: row.timing_count,
            timing_amount: row.timing_amount,
            unreconciled_count: row.unreconciled_count,
            unreconciled_amount: row.unreconciled_amount,
            ran_at: row.ran_at,
            read_at: row.read_at,
        })
        .collect())
}

/// How every checkpoint stands in a period: cells of the latest runs, by their tie.
pub async fn states(pool: &Pool, scope: &Scope, period: AccountingPeriod) -> Result<Vec<CheckpointState>> {
    let mut states = Vec::with_capacity(Checkpoint::ALL.len());
    for checkpoint in Checkpoint::ALL {
        let cells = cells(pool, scope, *checkpoint, period).await?;
        let with = |tie: Tie| i64::try_from(cells.iter().filter(|cell| cell.tie() == tie).count()).unwrap_or(i64::MAX);
        states.push(CheckpointState {
            checkpoint: *checkpoint,
            ties: with(Tie::Ties),
            timing: with(Tie::Timing),
            off: with(Tie::Off),
            ran_at: cells.iter().map(|cell| cell.ran_at).max(),
        });
    }
    Ok(states)
}

/// Which cells are wanted by batch.
#[derive(Debug, Clone, Copy)]
pub enum BatchCells {
    /// All of one batch; its documents may belong to several periods.
    Of(BatchId),
    /// Those of a period that do not tie.
    OffIn(AccountingPeriod),
}

/// Cells by batch of the latest runs, newest batch first; what no batch of ours brought comes before them.
pub async fn batch_cells(pool: &Pool, scope: &Scope, checkpoint: Checkpoint, wanted: BatchCells, limit: i64) -> Result<Vec<BatchCell>> {
    let (batch, period) = match wanted {
        BatchCells::Of(batch) => (Some(batch.0), None),
        BatchCells::OffIn(period) => (None, Some(period.to_string())),
    };
    let rows = sqlx::query!(
        r#"with latest as (
            select distinct on (entity_id, period) run_id, entity_id, period, ran_at, read_at from checkpoint_run
            where entity_id = any($1) and checkpoint = $2 and ($3::text is null or period = $3)
            order by entity_id, period, ran_at desc, run_id desc
        )
        select run_id as "run_id: CheckpointRunId", r.entity_id as "entity_id: EntityId", e.code, r.period as "period: AccountingPeriod",
            c.batch_id as "batch_id: BatchId", b.number as "number?", c.currency, c.side as "side: Side", c.left_count, c.left_amount,
            c.left_tax, c.right_count, c.right_amount, c.right_tax, c.timing_count, c.timing_amount, c.unreconciled_count,
            c.unreconciled_amount, r.ran_at, r.read_at
        from latest r join entity e using (entity_id) join checkpoint_cell c using (run_id) left join batch b on b.batch_id = c.batch_id
        where case when $4::uuid is not null then c.batch_id = $4 else c.unreconciled_count + c.timing_count > 0
            or (c.left_count, c.left_amount, c.left_tax) <> (c.right_count, c.right_amount, c.right_tax) end
        order by b.received_at desc nulls first, b.number, r.period, c.currency, c.side desc limit $5"#,
        &scope.ids(),
        checkpoint.number(),
        period,
        batch,
        limit
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BatchCell {
            batch_id: row.batch_id,
            batch_number: row.number,
            cell: CheckpointCell {
                checkpoint,
                run_id: row.run_id,
                entity_id: row.entity_id,
                entity_code: row.code,
                period: row.period,
                currency: row.currency,
                side: row.side,
                left: ControlTotal { count: row.left_count, amount: row.left_amount, tax: row.left_tax },
                right: ControlTotal { count: row.right_count, amount: row.right_amount, tax: row.right_tax },
                timing_count: row.timing_count,
                timing_amount: row.timing_amount,
                unreconciled_count: row.unreconciled_count,
                unreconciled_amount: row.unreconciled_amount,
                ran_at: row.ran_at,
                read_at: row.read_at,
            },
        })
        .collect())
}

/// Open breaks, oldest first. `after` is the `next` of the page before; one that can't be read starts at the beginning.
pub async fn breaks(pool: &Pool, scope: &Scope, filter: &BreakFilter, after: Option<&str>, limit: i64) -> Result<Paged<BreakRow>> {
    let scope = filter.entity.map_or_else(|| scope.clone(), |entity| scope.narrowed(&[entity]));
    let (after_at, after_id) = after.and_then(cursor).unwrap_or((DateTime::UNIX_EPOCH, uuid::Uuid::nil()));
    let mut rows = sqlx::query_as!(
        BreakRow,
        r#"select b.checkpoint::text as "checkpoint!: Checkpoint", b.break_id as "break_id: BreakId", e.code as entity_code, b.period as "period: AccountingPeriod", b.currency,
            b.side as "side: Side", b.kind as "kind: BreakKind", b.document_id as "document_id: DocumentId", d.number as "number?",
            ba.number as "batch_number?", d.stage as "stage?: Stage", r.erp_number as "erp_number?", b.left_amount, b.right_amount, b.difference,
            b.explanation, b.opened_at, b.expected_by, b.owner
        from reconciliation_break b join entity e using (entity_id) left join document d on d.document_id = b.document_id
        left join batch ba on ba.batch_id = coalesce(b.batch_id, d.batch_id)
        left join erp_document r on r.connection_id = b.connection_id and r.erp_id = b.erp_id
        where b.entity_id = any($1) and b.closed_at is null and b.checkpoint = $2 and ($3::text is null or b.period = $3)
            and ($4::text is null or b.currency = $4) and ($5::text is null or b.kind = $5)
            and ($9::uuid is null or b.batch_id = $9)
            and (b.opened_at, b.break_id) > ($6::timestamptz, $7::uuid)
        order by b.opened_at, b.break_id limit $8"#,
        &scope.ids(),
        filter.checkpoint.number(),
        filter.period.map(|period| period.to_string()),
        filter.currency,
        filter.kind.map(BreakKind::as_str),
        after_at,
        after_id,
        limit + 1,
        filter.batch.map(|id| id.0)
    )
    .fetch_all(pool)
    .await?;
    let wanted = usize::try_from(limit).unwrap_or_default();
    let next = (rows.len() > wanted)
        .then(|| rows.get(wanted.saturating_sub(1)).map(|row| format!("{}_{}", row.opened_at.timestamp_micros(), row.break_id)));
    rows.truncate(wanted);
    Ok(Paged { rows, next: next.flatten() })
}

fn cursor(text: &str) -> Option<(DateTime<Utc>, uuid::Uuid)> {
    let (micros, id) = text.split_once('_')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.parse().ok()?))
}

/// Open breaks by entity, currency and age; timing inside its time is left out. Counts open breaks only, which are few.
pub async fn aging(pool: &Pool, scope: &Scope, checkpoint: Checkpoint, now: DateTime<Utc>) -> Result<Vec<AgingCell>> {
    let bounds: Vec<(AgeBucket, Option<DateTime<Utc>>, DateTime<Utc>)> =
        AgeBucket::ALL.iter().map(|bucket| (*bucket, bucket.opened_between(now).0, bucket.opened_between(now).1)).collect();
    let buckets: Vec<&str> = bounds.iter().map(|(bucket, ..)| bucket.as_str()).collect();
    let after: Vec<Option<DateTime<Utc>>> = bounds.iter().map(|(_, after, _)| *after).collect();
    let until: Vec<DateTime<Utc>> = bounds.iter().map(|(.., until)| *until).collect();
    let rows = sqlx::query!(
        r#"select e.entity_id as "entity_id: EntityId", e.code, b.currency, a.bucket as "bucket!", count(*) as "count!",
            sum(b.difference) as "amount!"
        from unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) a (bucket, opened_after, opened_until)
        join reconciliation_break b on (a.opened_after is null or b.opened_at > a.opened_after) and b.opened_at <= a.opened_until
        join entity e using (entity_id)
        where b.entity_id = any($1) and b.closed_at is null and b.checkpoint = $2 and b.kind <> 'timing'
        group by e.entity_id, e.code, b.currency, a.bucket order by e.code, b.currency, min(b.opened_at) desc"#,
        &scope.ids(),
        checkpoint.number(),
        &buckets as &[&str],
        &after as &[Option<DateTime<Utc>>],
        &until
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let bucket = row.bucket.parse().map_err(|error: domain::UnknownWord| Error::Corrupt {
                table: "reconciliation_break",
                column: "opened_at",
                id: row.bucket.clone(),
                why: error.to_string(),
            })?;
            Ok(AgingCell {
                entity_id: row.entity_id,
                entity_code: row.code,
                currency: row.currency,
                bucket,
                count: row.count,
                amount: row.amount,
            })
        })
        .collect()
}
