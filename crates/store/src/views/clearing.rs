//! Gateway clearing: the proof per account and currency, the movements behind its figures, payouts with their bank lines, and lines that
//! wait for a payout; refused reports; and disputes with what they left owed.

use crate::{Error, Pool, Result, Scope, views::planned_anew};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{
    clearing::{ClearingEntry, ClearingView, DisputeView, LostDispute, PayoutLine, PayoutView, RefusedReport, UntiedLine},
    id::{DocumentId, GatewayAccountId, StatementId},
    money::Currency,
    settlement::{Clearing, ClearingLine, DisputeStatus, EntryKind, Gateway, PayoutStatus},
};
use rust_decimal::Decimal;

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The proof of every account and currency of the caller's entities; `from`: the first day (UTC) whose movements are told apart, what came
/// before is the opening. Held against the balance are exactly the movements that were here when the gateway was asked for it.
pub async fn proofs(pool: &Pool, scope: &Scope, from: NaiveDate) -> Result<Vec<ClearingView>> {
    let mut views = heads(pool, scope).await?;
    let moved = sqlx::query!(
        r#"with moved as (
            select t.gateway_account_id, t.currency, t.kind, t.day, t.gross, t.fee
            from gateway_total t join gateway_account g using (gateway_account_id) where g.entity_id = any($1)
            union all
            select e.gateway_account_id, e.settlement_currency, e.kind, (e.created_at at time zone 'UTC')::date, -e.gross, -e.fee
            from gateway_account g join gateway_currency c using (gateway_account_id) join gateway_entry e
                on e.gateway_account_id = c.gateway_account_id and e.settlement_currency = c.currency and e.pulled_at > c.balance_at
            where g.entity_id = any($1)
        )
        select gateway_account_id as "gateway_account_id!: GatewayAccountId", currency as "currency!: Currency",
            case when day >= $2 then kind end as "kind: EntryKind", sum(gross) as "gross!", sum(fee) as "fee!"
        from moved group by 1, 2, 3"#,
        &scope.ids(),
        from
    )
    .fetch_all(pool)
    .await?;
    for row in moved {
        let is_of = |view: &&mut ClearingView| (view.gateway_account_id, view.clearing.currency) == (row.gateway_account_id, row.currency);
        let Some(view) = views.iter_mut().find(is_of) else { continue };
        match row.kind {
            None => view.opening += row.gross - row.fee,
            Some(kind) => {
                *view.clearing.lines.entry(kind.line()).or_default() += row.gross;
                *view.clearing.lines.entry(ClearingLine::Fees).or_default() -= row.fee;
            }
        }
    }
    Ok(views)
}

/// Accounts and currencies with their balances and with what is on its way; nothing has moved in them yet.
async fn heads(pool: &Pool, scope: &Scope) -> Result<Vec<ClearingView>> {
    let rows = sqlx::query!(
        r#"select g.gateway_account_id as "gateway_account_id: GatewayAccountId", t.code as entity_code, g.gateway as "gateway: Gateway", g.code,
            g.name, c.currency as "currency: Currency", c.balance, c.balance_at, g.pulled_at,
            (select coalesce(sum(p.amount), 0) from gateway_payout p
                where p.gateway_account_id = g.gateway_account_id and p.currency = c.currency and p.status in ('pending', 'in_transit', 'paid')
                and not exists (select from payout_line w where (w.gateway_account_id, w.payout_id) = (p.gateway_account_id, p.payout_id))
            ) as "in_transit!",
            (select coalesce(sum(l.amount), 0) from payout_line w join statement_line l using (statement_id, ordinal)
                join statement s using (statement_id)
                where w.gateway_account_id = g.gateway_account_id and w.payout_id is null and s.bank_account_id = c.bank_account_id
            ) as "untied!"
        from gateway_account g join gateway_currency c using (gateway_account_id) join entity t using (entity_id)
        where g.entity_id = any($1) order by t.code, g.code, c.currency"#,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?;
    let view = rows.into_iter().map(|row| ClearingView {
        gateway_account_id: row.gateway_account_id,
        entity_code: row.entity_code,
        gateway: row.gateway,
        code: row.code,
        name: row.name,
        opening: Decimal::ZERO,
        clearing: Clearing::new(row.currency),
        balance: row.balance.zip(row.balance_at),
        in_transit: row.in_transit,
        untied: row.untied,
        pulled_at: row.pulled_at,
    });
    Ok(view.collect())
}

/// Which movements of an account.
#[derive(Debug, Clone)]
pub struct Filter {
    pub account: GatewayAccountId,
    pub currency: Currency,
    /// Fees stand in movements of every kind.
    pub line: Option<ClearingLine>,
    /// Created on this day (UTC) or later.
    pub from: Option<NaiveDate>,
    /// Created before this day (UTC).
    pub until: Option<NaiveDate>,
    pub payout: Option<String>,
    /// The last one of the page before.
    pub after: Option<(DateTime<Utc>, String)>,
}

/// Newest first.
pub async fn entries(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<ClearingEntry>> {
    let kinds: Option<Vec<&str>> = filter
        .line
        .filter(|line| *line != ClearingLine::Fees)
        .map(|line| EntryKind::ALL.iter().filter(|kind| kind.line() == line).map(|kind| kind.as_str()).collect());
    let fees = filter.line == Some(ClearingLine::Fees);
    let mut tx = planned_anew(pool).await?;
    let rows = sqlx::query!(
        r#"select e.entry_id, e.kind as "kind: EntryKind", e.created_at, e.amount, e.currency as "currency: Currency", e.gross, e.fee, e.net,
            e.settlement_currency as "settlement_currency: Currency", e.payout_id, e.invoice_numbers, e.reason,
            paid.document_id as "document_id?: DocumentId", paid.number as "number?"
        from gateway_entry e join gateway_account g using (gateway_account_id)
        left join lateral (
            select d.document_id, d.number from payment p join document d using (document_id)
            where p.gateway_account_id = e.gateway_account_id and p.entry_id = e.entry_id and d.superseded_by is null limit 1
        ) paid on true
        where g.entity_id = any($1) and e.gateway_account_id = $2 and e.settlement_currency = $3
            and ($4::text[] is null or e.kind = any($4)) and (not $5 or e.fee <> 0 or e.kind in ('fee', 'dispute_fee'))
            and ($6::timestamptz is null or e.created_at >= $6) and ($7::text is null or e.payout_id = $7)
            and ($8::timestamptz is null or (e.created_at, e.entry_id) < ($8, $9))
            and ($11::timestamptz is null or e.created_at < $11)
        order by e.created_at desc, e.entry_id desc limit $10"#,
        &scope.ids(),
        filter.account.0,
        filter.currency.code(),
        kinds as Option<Vec<&str>>,
        fees,
        filter.from.map(midnight),
        filter.payout,
        filter.after.as_ref().map(|after| after.0),
        filter.after.as_ref().map(|after| after.1.as_str()),
        limit,
        filter.until.map(midnight)
    )
    .fetch_all(&mut *tx)
    .await?;
    let entry = rows.into_iter().map(|row| ClearingEntry {
        entry_id: row.entry_id,
        kind: row.kind,
        created_at: row.created_at,
        amount: row.amount,
        currency: row.currency,
        gross: row.gross,
        fee: row.fee,
        net: row.net,
        settlement_currency: row.settlement_currency,
        payout_id: row.payout_id,
        invoice_numbers: row.invoice_numbers,
        reason: row.reason,
        payment: row.document_id.zip(row.number),
    });
    Ok(entry.collect())
}

/// The latest payouts of the caller's entities, by the day on which the bank is to have them.
pub async fn payouts(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<PayoutView>> {
    let rows = sqlx::query!(
        r#"select p.gateway_account_id as "gateway_account_id: GatewayAccountId", g.code, p.payout_id, p.amount, p.currency as "currency: Currency",
            p.status as "status: PayoutStatus", p.arrival_on,
            case when p.itemised_at is not null then p.amount - (
                select coalesce(sum(e.net), 0) from gateway_entry e
                where e.gateway_account_id = p.gateway_account_id and e.payout_id = p.payout_id and e.kind not in ('payout', 'payout_failure')
            ) end as residual,
            w.statement_id as "statement_id?: StatementId", w.ordinal as "ordinal?", l.booked_on as "booked_on?", w.tied_at as "tied_at?",
            w.tied_by as "tied_by?"
        from gateway_payout p join gateway_account g using (gateway_account_id)
        left join payout_line w on w.gateway_account_id = p.gateway_account_id and w.payout_id = p.payout_id
        left join statement_line l on l.statement_id = w.statement_id and l.ordinal = w.ordinal
        where g.entity_id = any($1) order by p.arrival_on desc, g.code, p.payout_id limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?;
    let payout = rows.into_iter().map(|row| {
        let line = || {
            Some(PayoutLine {
                statement_id: row.statement_id?,
                ordinal: row.ordinal?,
                booked_on: row.booked_on?,
                tied_at: row.tied_at?,
                tied_by: row.tied_by.clone()?,
            })
        };
        PayoutView {
            line: line(),
            gateway_account_id: row.gateway_account_id,
            code: row.code,
            payout_id: row.payout_id,
            amount: row.amount,
            currency: row.currency,
            status: row.status,
            arrival_on: row.arrival_on,
            residual: row.residual,
        }
    });
    Ok(payout.collect())
}

/// Bank lines of gateways whose payout is not known, oldest first.
pub async fn untied(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<UntiedLine>> {
    Ok(sqlx::query_as!(
        UntiedLine,
        r#"select g.code, w.statement_id as "statement_id: StatementId", w.ordinal, l.booked_on, l.amount, b.currency as "currency: Currency", l.text
        from payout_line w join gateway_account g using (gateway_account_id) join statement_line l using (statement_id, ordinal)
        join statement s using (statement_id) join bank_account b using (bank_account_id)
        where w.payout_id is null and g.entity_id = any($1) order by l.booked_on, w.statement_id, w.ordinal limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Disputes of the caller's entities: those that wait for an answer or a decision by their deadline, then the latest of the others.
pub async fn disputes(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<DisputeView>> {
    let rows = sqlx::query!(
        r#"select g.code, d.dispute_id, d.amount, d.currency as "currency: Currency", d.status as "status: DisputeStatus", d.created_at,
            d.respond_by, d.reason, paid.document_id as "document_id?: DocumentId", paid.number as "number?", paid.customer_name as "customer?",
            back.document_id as "back_id?: DocumentId", back.number as "back_number?"
        from gateway_dispute d join gateway_account g using (gateway_account_id)
        left join lateral (
            select p.document_id, c.number, c.customer_name from gateway_entry e join payment p using (gateway_account_id, entry_id)
            join document c on c.document_id = p.document_id
            where e.gateway_account_id = d.gateway_account_id and e.payment_reference = d.payment_reference and e.kind = 'charge'
                and c.superseded_by is null limit 1
        ) paid on true
        left join lateral (
            select p.document_id, c.number from payment p join document c using (document_id)
            where p.takes_back = paid.document_id and c.kind = 'chargeback' and c.superseded_by is null order by p.document_id desc limit 1
        ) back on true
        where g.entity_id = any($1)
        order by d.status in ('won', 'lost', 'closed'), case when d.status not in ('won', 'lost', 'closed') then d.respond_by end, d.created_at desc,
            d.dispute_id
        limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?;
    let dispute = rows.into_iter().map(|row| DisputeView {
        code: row.code,
        dispute_id: row.dispute_id,
        amount: row.amount,
        currency: row.currency,
        status: row.status,
        created_at: row.created_at,
        respond_by: row.respond_by,
        reason: row.reason,
        payment: row.document_id.zip(row.number).zip(row.customer).map(|((id, number), customer)| (id, number, customer)),
        chargeback: row.back_id.zip(row.back_number),
    });
    Ok(dispute.collect())
}

/// Invoices of the caller's entities that lost disputes left owed, the largest first.
pub async fn lost(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<LostDispute>> {
    Ok(sqlx::query_as!(
        LostDispute,
        r#"select l.code as "code!", l.dispute_id as "dispute_id!", l.document_id as "document_id!: DocumentId", d.number, d.customer_name,
            l.open as "open!", l.currency as "currency!: Currency", a.requested_by as "asked_by?"
        from lost_dispute l join document d using (document_id)
        left join approval a on a.document_id = l.document_id and a.decision is null
        where l.entity_id = any($1) order by l.open desc, d.number limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?)
}

/// Settlement reports of the caller's entities of which nothing was taken, the latest first.
pub async fn refused_reports(pool: &Pool, scope: &Scope, limit: i64) -> Result<Vec<RefusedReport>> {
    let rows = sqlx::query!(
        r#"select g.code, r.report, r.announced_at, r.refused_at as "refused_at!", i.byte_length, i.errors
        from gateway_report r join gateway_account g using (gateway_account_id) join intake i using (intake_id)
        where r.refused_at is not null and g.entity_id = any($1) order by r.refused_at desc, r.report limit $2"#,
        &scope.ids(),
        limit
    )
    .fetch_all(pool)
    .await?;
    let report = rows.into_iter().map(|row| {
        let corrupt = |why: String| Error::Corrupt { table: "intake", column: "errors", id: row.report.clone(), why };
        Ok::<_, Error>(RefusedReport {
            errors: serde_json::from_value(row.errors).map_err(|error| corrupt(error.to_string()))?,
            code: row.code,
            report: row.report,
            announced_at: row.announced_at,
            refused_at: row.refused_at,
            byte_length: row.byte_length,
        })
    });
    report.collect()
}
