//! Triggers of collection: what customers owe past its due date, as the worker wrote it.

use crate::{Conn, Pool, Result, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    dunning::{Silence, Steps, Trigger, TriggerItem},
    id::{DocumentId, EntityId},
};
use uuid::Uuid;

pub async fn set_steps(conn: &mut Conn, entity: EntityId, steps: Steps) -> Result<()> {
    sqlx::query!(
        "insert into dunning_steps (entity_id, days) values ($1, $2) on conflict (entity_id) do update set days = excluded.days",
        entity.0,
        &steps.days()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What [`raise`] changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raised {
    pub raised: u64,
    pub ended: u64,
}

/// Ends what is not owed so any more and raises what is owed anew; what is the same stands. Call it in a transaction.
pub async fn raise(conn: &mut Conn, entity: EntityId, now: DateTime<Utc>) -> Result<Raised> {
    let usual = Steps::USUAL.days();
    let ended = sqlx::query!(
        "with owed as materialized (select * from collectable($1, $2, $3))
        update collection_trigger t set ended_at = $2 where t.entity_id = $1 and t.ended_at is null and not exists (
            select from owed c
            where (c.customer_code, c.currency, c.step, c.amount) = (t.customer_code, t.currency, t.step, t.amount)
                and c.silent is not distinct from t.silent
                and c.items = array(select document_id from collection_item i where i.trigger_id = t.trigger_id order by i.due_on, i.document_id)
        )",
        entity.0,
        now,
        &usual
    )
    .execute(&mut *conn)
    .await?;
    let raised = sqlx::query!(
        "with owed as materialized (
            select gen_random_uuid() as trigger_id, c.* from collectable($1, $2, $3) c
            where not exists (select from collection_trigger t where t.entity_id = $1 and t.ended_at is null
                and (t.customer_code, t.currency) = (c.customer_code, c.currency))
        ), raised as (
            insert into collection_trigger (trigger_id, entity_id, customer_code, currency, step, days, from_days, amount, silent, raised_at)
            select trigger_id, $1, customer_code, currency, step, days, from_days, amount, silent, $2 from owed returning trigger_id
        ), listed as (
            insert into collection_item (trigger_id, document_id, open, due_on)
            select o.trigger_id, i.document_id, i.open, i.due_on
            from owed o cross join lateral unnest(o.items, o.opens, o.due_on) i (document_id, open, due_on)
        )
        select from raised",
        entity.0,
        now,
        &usual
    )
    .execute(conn)
    .await?;
    Ok(Raised { raised: raised.rows_affected(), ended: ended.rows_affected() })
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub step: Option<i16>,
    /// Only what is silent, or only what is not.
    pub silent: Option<bool>,
    pub customer: Option<String>,
    /// The last one of the page before.
    pub after: Option<(i16, Uuid)>,
}

/// What stands, the highest step first.
pub async fn triggers(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<Trigger>> {
    let rows = sqlx::query!(
        r#"select t.trigger_id, e.code, t.customer_code, t.currency, t.step, t.days, t.from_days, t.amount, t.silent as "silent: Silence", t.raised_at,
            (select d.customer_name from collection_item i join document d using (document_id) where i.trigger_id = t.trigger_id
                order by i.due_on desc, i.document_id desc limit 1) as "customer_name!"
        from collection_trigger t join entity e using (entity_id)
        where t.entity_id = any($1) and t.ended_at is null and ($2::smallint is null or t.step = $2)
            and ($3::boolean is null or (t.silent is not null) = $3) and ($4::text is null or t.customer_code = $4)
            and ($5::smallint is null or (-t.step, t.trigger_id) > (-$5, $6::uuid))
        order by -t.step, t.trigger_id limit $7"#,
        &scope.ids(),
        filter.step,
        filter.silent,
        filter.customer,
        filter.after.map(|after| after.0),
        filter.after.map(|after| after.1),
        limit
    )
    .fetch_all(pool)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.trigger_id).collect();
    let mut items = items(pool, &ids).await?.into_iter().peekable();
    let mut triggers: Vec<Trigger> = rows
        .into_iter()
        .map(|row| Trigger {
            trigger_id: row.trigger_id,
            entity_code: row.code,
            customer_code: row.customer_code,
            customer_name: row.customer_name,
            currency: row.currency,
            step: row.step,
            days: row.days,
            from_days: row.from_days,
            amount: row.amount,
            silent: row.silent,
            raised_at: row.raised_at,
            items: Vec::new(),
        })
        .collect();
    for trigger in &mut triggers {
        while let Some((_, item)) = items.next_if(|(of, _)| *of == trigger.trigger_id) {
            trigger.items.push(item);
        }
    }
    Ok(triggers)
}

/// The items of triggers in the order of these, oldest first.
async fn items(pool: &Pool, triggers: &[Uuid]) -> Result<Vec<(Uuid, TriggerItem)>> {
    let rows = sqlx::query!(
        r#"select i.trigger_id, i.document_id as "document_id: DocumentId", d.number, i.due_on as "due_on: NaiveDate", i.open
        from unnest($1::uuid[]) with ordinality t (trigger_id, place) join collection_item i using (trigger_id) join document d using (document_id)
        order by t.place, i.due_on, i.document_id"#,
        triggers
    )
    .fetch_all(pool)
    .await?;
    let item = |document_id, number, due_on, open| TriggerItem { document_id, number, due_on, open };
    Ok(rows.into_iter().map(|row| (row.trigger_id, item(row.document_id, row.number, row.due_on, row.open))).collect())
}
