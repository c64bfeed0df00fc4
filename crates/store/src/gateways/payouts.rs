//! Payouts, what they paid, and the bank lines that they came with.

use crate::{Conn, DriverError, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{EntityId, GatewayAccountId, StatementId},
    settlement::Payout,
};

/// So many days may a bank book a payout before the day that the gateway named, and after it.
const DAYS: (i32, i32) = (2, 7);
const RULE: &str = "rule: amount, currency and day";

/// Keeps payouts as the gateway says they are now.
pub async fn upsert(conn: &mut Conn, account: GatewayAccountId, payouts: &[Payout]) -> Result<u64> {
    let rows = serde_json::to_value(payouts).map_err(|error| DriverError::Encode(error.into()))?;
    let done = sqlx::query!(
        "insert into gateway_payout as p (gateway_account_id, payout_id, amount, currency, status, created_at, arrival_on, trace_id, reversed_by,
            failure)
        select $1, id, amount, currency, status, created_at, arrival_date, trace_id, reversed_by, failure
        from jsonb_to_recordset($2) as r (id text, amount numeric, currency text, status text, created_at timestamptz, arrival_date date,
            trace_id text, reversed_by text, failure text)
        on conflict (gateway_account_id, payout_id) do update set status = excluded.status, arrival_on = excluded.arrival_on,
            trace_id = excluded.trace_id, reversed_by = excluded.reversed_by, failure = excluded.failure
        where (p.status, p.arrival_on, p.trace_id, p.reversed_by, p.failure)
            is distinct from (excluded.status, excluded.arrival_on, excluded.trace_id, excluded.reversed_by, excluded.failure)",
        account.0,
        rows
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Payouts since then that are on their way or whose movements are not known.
pub async fn unsettled(conn: &mut Conn, account: GatewayAccountId, since: DateTime<Utc>) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "select payout_id from gateway_payout
        where gateway_account_id = $1 and (status in ('pending', 'in_transit') or itemised_at is null) and created_at >= $2 order by payout_id",
        account.0,
        since
    )
    .fetch_all(conn)
    .await?)
}

/// Says which movements a payout paid. Those that were not pulled yet stay out, and so does the mark that it is known: the next pull says it
/// again. Returns whether all were here.
pub async fn itemise(conn: &mut Conn, account: GatewayAccountId, payout: &str, entries: &[String], at: DateTime<Utc>) -> Result<bool> {
    sqlx::query!(
        "update gateway_entry set payout_id = $2 where gateway_account_id = $1 and entry_id = any($3) and payout_id is null",
        account.0,
        payout,
        entries
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "update gateway_payout set itemised_at = $4 where gateway_account_id = $1 and payout_id = $2
            and (select count(*) from gateway_entry e where e.gateway_account_id = $1 and e.payout_id = $2) = cardinality($3::text[])",
        account.0,
        payout,
        entries,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the lines that payouts brought or took out of what customers paid: by the bank account and the gateway's words. Returns how many.
pub async fn recognise(conn: &mut Conn, statements: &[StatementId], at: DateTime<Utc>) -> Result<u64> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    let done = sqlx::query!(
        "insert into payout_line (statement_id, ordinal, gateway_account_id, recognised_at)
        select distinct on (l.statement_id, l.ordinal) l.statement_id, l.ordinal, g.gateway_account_id, $2
        from statement_line l join statement s using (statement_id)
        join gateway_currency c on c.bank_account_id = s.bank_account_id
        join gateway_account g using (gateway_account_id)
        where l.statement_id = any($1) and l.status = 'booked' and not l.reversal
            and strpos(upper(coalesce(nullif(l.counterparty_name, ''), l.text)), upper(g.bank_words)) > 0
        order by l.statement_id, l.ordinal, g.code
        on conflict do nothing",
        &ids,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ties bank lines of an entity's gateways to payouts of the same amount and currency within days, each to the nearest that has no nearer
/// line. Returns how many.
pub async fn tie(conn: &mut Conn, entity: EntityId, at: DateTime<Utc>) -> Result<u64> {
    let done = sqlx::query!(
        "with pair as (
            select w.statement_id, w.ordinal, p.payout_id,
                row_number() over (partition by w.statement_id, w.ordinal order by abs(l.booked_on - p.arrival_on), p.payout_id) as of_line,
                row_number() over (partition by p.gateway_account_id, p.payout_id
                    order by abs(l.booked_on - p.arrival_on), w.statement_id, w.ordinal) as of_payout
            from payout_line w join statement_line l using (statement_id, ordinal) join statement s using (statement_id)
            join bank_account b using (bank_account_id)
            join gateway_payout p on p.gateway_account_id = w.gateway_account_id and p.amount = l.amount and p.currency = b.currency
                and p.status <> 'canceled' and l.booked_on between p.arrival_on - $3::integer and p.arrival_on + $4::integer
            where w.payout_id is null and s.entity_id = $1
                and not exists (select from payout_line o where o.gateway_account_id = p.gateway_account_id and o.payout_id = p.payout_id)
        )
        update payout_line w set payout_id = pair.payout_id, tied_at = $2, tied_by = $5 from pair
        where (w.statement_id, w.ordinal) = (pair.statement_id, pair.ordinal) and pair.of_line = 1 and pair.of_payout = 1",
        entity.0,
        at,
        DAYS.0,
        DAYS.1,
        RULE
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
