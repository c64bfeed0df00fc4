//! Daily cash proofs: the imported statements of a range of days, with what their lines came to.

use crate::{Pool, Result, Scope};
use chrono::NaiveDate;
use domain::{
    cash_proof::{CashDay, CashPart, ProvedStatement, days},
    id::{BankAccountId, StatementId},
    statement::{Predecessor, masked},
};
use rust_decimal::Decimal;

/// The days of accounts, by entity and account, oldest first; one account, or all of the caller's.
pub async fn proofs(pool: &Pool, scope: &Scope, account: Option<BankAccountId>, from: NaiveDate, to: NaiveDate) -> Result<Vec<CashDay>> {
    let mut tx = super::planned_anew(pool).await?;
    let rows = sqlx::query!(
        r#"with shown as materialized (
            select s.* from bank_account a join statement s using (bank_account_id)
            where a.entity_id = any($1) and ($4::uuid is null or a.bank_account_id = $4) and s.state = 'imported' and s.last_day between $2 and $3
        ), sums as (
            select statement_id, part, sum(amount) as amount from shown join cash_line using (statement_id) group by 1, 2
        )
        select s.statement_id as "statement_id: StatementId", a.bank_account_id as "bank_account_id: BankAccountId", e.code, a.name,
            a.number as account_number, a.currency, s.number, s.opening, s.opened_on, s.closing, s.last_day,
            p.number as "before_number?", p.closing as "before_closing?", p.last_day as "before_day?",
            array(select part from sums t where t.statement_id = s.statement_id order by part) as "parts!: Vec<CashPart>",
            array(select amount from sums t where t.statement_id = s.statement_id order by part) as "amounts!: Vec<Decimal>"
        from shown s join bank_account a using (bank_account_id) join entity e on e.entity_id = s.entity_id
        left join lateral (
            select number, closing, last_day from statement b
            where b.bank_account_id = s.bank_account_id and b.state = 'imported' and (b.last_day, b.place, b.statement_id) < (s.last_day, s.place, s.statement_id)
            order by b.last_day desc, b.place desc, b.statement_id desc limit 1
        ) p on true
        order by e.code, a.name, a.currency, a.bank_account_id, s.last_day, s.place, s.statement_id"#,
        &scope.ids(),
        from,
        to,
        account.map(|id| id.0)
    )
    .fetch_all(&mut *tx)
    .await?;
    let statements: Vec<ProvedStatement> = rows
        .into_iter()
        .map(|row| ProvedStatement {
            statement_id: row.statement_id,
            bank_account_id: row.bank_account_id,
            entity_code: row.code,
            account_name: row.name,
            account_number: masked(&row.account_number),
            currency: row.currency,
            number: row.number,
            opening: row.opening,
            opened_on: row.opened_on,
            closing: row.closing,
            last_day: row.last_day,
            before: row.before_day.map(|last_day| Predecessor { number: row.before_number, closing: row.before_closing, last_day }),
            parts: row.parts.into_iter().zip(row.amounts).collect(),
        })
        .collect();
    Ok(days(&statements))
}
