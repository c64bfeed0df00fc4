//! Bank accounts with what their statements came to, statements with the one before each, and their lines.

use crate::{Pool, Result, Scope};
use chrono::NaiveDate;
use domain::{
    cash_proof::CashPart,
    id::{BankAccountId, StatementId},
    statement::{BankAccountView, Predecessor, StatementLineView, StatementState, StatementView, masked},
};
use rust_decimal::Decimal;

/// The accounts of the caller's entities, by entity and name. There are dozens at most; each looks at its own statements.
pub async fn accounts(pool: &Pool, scope: &Scope) -> Result<Vec<BankAccountView>> {
    let rows = sqlx::query_as!(
        BankAccountView,
        r#"select a.bank_account_id as "bank_account_id: BankAccountId", e.code as entity_code, a.number, a.currency, a.name,
            last.last_day as "last_day?", proved.closing as "closing?", coalesce(seen.imported, 0) as "imported!", coalesce(seen.waiting, 0) as "waiting!"
        from bank_account a join entity e using (entity_id)
        left join lateral (
            select last_day from statement s where s.bank_account_id = a.bank_account_id and state = 'imported'
            order by last_day desc, place desc, statement_id desc limit 1
        ) last on true
        left join lateral (
            select closing from statement s where s.bank_account_id = a.bank_account_id and state = 'imported' and closing is not null
            order by last_day desc, place desc, statement_id desc limit 1
        ) proved on true
        left join lateral (
            select count(*) filter (where state = 'imported') as imported, count(*) filter (where state = 'waiting') as waiting
            from statement s where s.bank_account_id = a.bank_account_id
        ) seen on true
        where a.entity_id = any($1) order by e.code, a.name, a.currency"#,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| BankAccountView { number: masked(&row.number), ..row }).collect())
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub account: Option<BankAccountId>,
    pub state: Option<StatementState>,
    /// The last one of the page before.
    pub after: Option<(NaiveDate, StatementId)>,
}

struct Row {
    statement_id: StatementId,
    bank_account_id: BankAccountId,
    entity_code: String,
    account_name: String,
    account_number: String,
    currency: String,
    format: String,
    reference: Option<String>,
    number: Option<i64>,
    page: Option<i64>,
    opening: Option<Decimal>,
    opened_on: Option<NaiveDate>,
    closing: Option<Decimal>,
    closed_on: Option<NaiveDate>,
    line_count: i32,
    credits: Decimal,
    debits: Decimal,
    difference: Option<Decimal>,
    last_day: NaiveDate,
    state: StatementState,
    doubt: Option<String>,
    received_at: chrono::DateTime<chrono::Utc>,
    received_by: String,
    decided_by: Option<String>,
    reason: Option<String>,
    before_number: Option<i64>,
    before_closing: Option<Decimal>,
    before_day: Option<NaiveDate>,
}

impl From<Row> for StatementView {
    fn from(row: Row) -> Self {
        let (number, closing) = (row.before_number, row.before_closing);
        Self {
            statement_id: row.statement_id,
            bank_account_id: row.bank_account_id,
            entity_code: row.entity_code,
            account_name: row.account_name,
            account_number: masked(&row.account_number),
            currency: row.currency,
            format: row.format,
            reference: row.reference,
            number: row.number,
            page: row.page,
            opening: row.opening,
            opened_on: row.opened_on,
            closing: row.closing,
            closed_on: row.closed_on,
            line_count: row.line_count,
            credits: row.credits,
            debits: row.debits,
            difference: row.difference,
            last_day: row.last_day,
            state: row.state,
            doubt: row.doubt,
            received_at: row.received_at,
            received_by: row.received_by,
            decided_by: row.decided_by,
            reason: row.reason,
            before: row.before_day.map(|last_day| Predecessor { number, closing, last_day }),
        }
    }
}

/// The latest days first.
pub async fn list(pool: &Pool, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<StatementView>> {
    let mut tx = super::planned_anew(pool).await?;
    let rows = sqlx::query_as!(
        Row,
        r#"with shown as materialized (
            select s.* from statement s
            where s.entity_id = any($1) and ($2::uuid is null or s.bank_account_id = $2) and ($3::text is null or s.state = $3)
                and ($4::date is null or (s.last_day, s.statement_id) < ($4, $5::uuid))
            order by s.last_day desc, s.statement_id desc limit $6
        )
        select s.statement_id as "statement_id: StatementId", s.bank_account_id as "bank_account_id: BankAccountId", e.code as entity_code,
            a.name as account_name, a.number as account_number, a.currency, s.format, s.reference, s.number, s.page, s.opening, s.opened_on,
            s.closing, s.closed_on, s.line_count, s.credits, s.debits, s.difference, s.last_day, s.state as "state: StatementState", s.doubt,
            s.received_at, s.received_by, s.decided_by, s.reason, p.number as "before_number?", p.closing as "before_closing?",
            p.last_day as "before_day?"
        from shown s join bank_account a using (bank_account_id) join entity e on e.entity_id = s.entity_id
        left join lateral (
            select number, closing, last_day from statement b
            where b.bank_account_id = s.bank_account_id and b.state = 'imported' and (b.last_day, b.place, b.statement_id) < (s.last_day, s.place, s.statement_id)
            order by b.last_day desc, b.place desc, b.statement_id desc limit 1
        ) p on true
        order by s.last_day desc, s.statement_id desc"#,
        &scope.ids(),
        filter.account.map(|id| id.0),
        filter.state.map(StatementState::as_str),
        filter.after.map(|after| after.0),
        filter.after.map(|after| after.1.0),
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub async fn find(pool: &Pool, scope: &Scope, id: StatementId) -> Result<Option<StatementView>> {
    let row = sqlx::query_as!(
        Row,
        r#"select s.statement_id as "statement_id: StatementId", s.bank_account_id as "bank_account_id: BankAccountId", e.code as entity_code,
            a.name as account_name, a.number as account_number, a.currency, s.format, s.reference, s.number, s.page, s.opening, s.opened_on,
            s.closing, s.closed_on, s.line_count, s.credits, s.debits, s.difference, s.last_day, s.state as "state: StatementState", s.doubt,
            s.received_at, s.received_by, s.decided_by, s.reason, p.number as "before_number?", p.closing as "before_closing?",
            p.last_day as "before_day?"
        from statement s join bank_account a using (bank_account_id) join entity e on e.entity_id = s.entity_id
        left join lateral (
            select number, closing, last_day from statement b
            where b.bank_account_id = s.bank_account_id and b.state = 'imported' and (b.last_day, b.place, b.statement_id) < (s.last_day, s.place, s.statement_id)
            order by b.last_day desc, b.place desc, b.statement_id desc limit 1
        ) p on true
        where s.statement_id = $1 and s.entity_id = any($2)"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Into::into))
}

/// The statements of one file, in its order.
pub async fn of_intake(pool: &Pool, scope: &Scope, intake: uuid::Uuid) -> Result<Vec<StatementId>> {
    Ok(sqlx::query_scalar!(
        r#"select statement_id as "statement_id: StatementId" from statement where intake_id = $1 and entity_id = any($2) order by ordinal"#,
        intake,
        &scope.ids()
    )
    .fetch_all(pool)
    .await?)
}

/// Lines in the bank's order, after one of them; all, or those that are a part of the daily cash proof.
pub async fn lines(
    pool: &Pool,
    scope: &Scope,
    statement: StatementId,
    part: Option<CashPart>,
    after: i32,
    limit: i64,
) -> Result<Vec<StatementLineView>> {
    let rows = sqlx::query_as!(
        StatementLineView,
        "select l.ordinal, l.amount, l.booked_on, l.value_on, l.status, l.reversal, l.bank_reference, l.end_to_end_id, l.structured_references,
            l.counterparty_name, l.counterparty_account, l.text, l.transaction_code, l.return_reason
        from statement_line l join statement s using (statement_id)
        where l.statement_id = $1 and s.entity_id = any($2) and l.ordinal > $3
            and ($5::text is null or exists (select from cash_line c where (c.statement_id, c.ordinal, c.part) = (l.statement_id, l.ordinal, $5)))
        order by l.ordinal limit $4",
        statement.0,
        &scope.ids(),
        after,
        limit,
        part.map(CashPart::as_str)
    )
    .fetch_all(pool)
    .await?;
    let mask =
        |line: StatementLineView| StatementLineView { counterparty_account: line.counterparty_account.as_deref().map(masked), ..line };
    Ok(rows.into_iter().map(mask).collect())
}
