//! Bank accounts, and statements on their way in: bulk insertion by COPY, and what stands before a statement on its account.

use crate::{Conn, Result, Scope, documents::copy, documents::field, documents::text};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{BankAccountId, EntityId, StatementId},
    seal::Hash,
    statement::{Predecessor, StatementState},
};
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub struct NewBankAccount<'a> {
    pub bank_account_id: BankAccountId,
    pub entity_id: EntityId,
    pub number: &'a str,
    pub currency: &'a str,
    pub name: &'a str,
    pub opened_at: DateTime<Utc>,
    pub opened_by: String,
}

/// Conflicts on `bank_account_number` when the number is known in that currency.
pub async fn open_account(conn: &mut Conn, new: &NewBankAccount<'_>) -> Result<()> {
    sqlx::query!(
        "insert into bank_account (bank_account_id, entity_id, number, currency, name, opened_at, opened_by) values ($1, $2, $3, $4, $5, $6, $7)",
        new.bank_account_id.0,
        new.entity_id.0,
        new.number,
        new.currency,
        new.name,
        new.opened_at,
        new.opened_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account as an import looks for it.
#[derive(Debug, Clone)]
pub struct BankAccount {
    pub bank_account_id: BankAccountId,
    pub entity_id: EntityId,
    pub number: String,
    pub currency: String,
    pub csv_profile: Option<serde_json::Value>,
}

/// The accounts of the caller's entities. There are dozens at most.
pub async fn accounts(conn: &mut Conn, scope: &Scope) -> Result<Vec<BankAccount>> {
    Ok(sqlx::query_as!(
        BankAccount,
        r#"select bank_account_id as "bank_account_id: BankAccountId", entity_id as "entity_id: EntityId", number, currency, csv_profile
        from bank_account where entity_id = any($1) order by number, currency"#,
        &scope.ids()
    )
    .fetch_all(conn)
    .await?)
}

/// Keeps how the account's bank writes tables. `false`: it is not there or not the caller's.
pub async fn learn_profile(conn: &mut Conn, scope: &Scope, account: BankAccountId, profile: &serde_json::Value) -> Result<bool> {
    let done = sqlx::query!(
        "update bank_account set csv_profile = $3 where bank_account_id = $1 and entity_id = any($2)",
        account.0,
        &scope.ids(),
        profile
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Serialises imports of one account until the caller commits: each sees the statements before it.
pub async fn lock_account(conn: &mut Conn, account: BankAccountId) -> Result<()> {
    sqlx::query!("select from bank_account where bank_account_id = $1 for update", account.0).fetch_one(conn).await?;
    Ok(())
}

/// A statement that has this identity already; a refused one leaves its place to the bank's correction.
#[derive(Debug, Clone)]
pub struct Known {
    pub statement_id: StatementId,
    pub content_hash: Vec<u8>,
    pub state: StatementState,
    pub doubt: Option<String>,
}

pub async fn find(conn: &mut Conn, account: BankAccountId, identity: &str) -> Result<Option<Known>> {
    Ok(sqlx::query_as!(
        Known,
        r#"select statement_id as "statement_id: StatementId", content_hash, state as "state: StatementState", doubt from statement
        where bank_account_id = $1 and identity = $2 and state <> 'refused'"#,
        account.0,
        identity
    )
    .fetch_optional(conn)
    .await?)
}

/// The last imported statement of the account up to a day and place.
pub async fn before(conn: &mut Conn, account: BankAccountId, last_day: NaiveDate, place: i64) -> Result<Option<Predecessor>> {
    Ok(sqlx::query_as!(
        Predecessor,
        "select number, closing, last_day from statement
        where bank_account_id = $1 and state = 'imported' and (last_day, place) <= ($2, $3)
        order by last_day desc, place desc, statement_id desc limit 1",
        account.0,
        last_day,
        place
    )
    .fetch_optional(conn)
    .await?)
}

#[derive(Debug, Clone)]
pub struct NewStatement<'a> {
    pub statement_id: StatementId,
    pub bank_account_id: BankAccountId,
    pub entity_id: EntityId,
    pub intake_id: uuid::Uuid,
    pub ordinal: i32,
    pub format: &'a str,
    pub reference: Option<&'a str>,
    pub number: Option<i64>,
    pub page: Option<i64>,
    pub opening: Option<(Decimal, NaiveDate)>,
    pub closing: Option<(Decimal, NaiveDate)>,
    pub line_count: i32,
    pub credits: Decimal,
    pub debits: Decimal,
    pub difference: Option<Decimal>,
    pub last_day: NaiveDate,
    pub identity: &'a str,
    pub content_hash: &'a Hash,
    pub state: StatementState,
    pub doubt: Option<&'a str>,
    pub received_at: DateTime<Utc>,
    pub received_by: String,
}

/// Among the statements of one day.
pub fn place(number: Option<i64>, page: Option<i64>) -> i64 {
    number.unwrap_or_default().saturating_mul(1000).saturating_add(page.unwrap_or_default())
}

pub async fn insert(conn: &mut Conn, new: &NewStatement<'_>) -> Result<()> {
    sqlx::query!(
        "insert into statement (statement_id, bank_account_id, entity_id, intake_id, ordinal, format, reference, number, page, opening, opened_on,
            closing, closed_on, line_count, credits, debits, difference, last_day, identity, content_hash, state, doubt, received_at, received_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
        new.statement_id.0,
        new.bank_account_id.0,
        new.entity_id.0,
        new.intake_id,
        new.ordinal,
        new.format,
        new.reference,
        new.number,
        new.page,
        new.opening.map(|(amount, _)| amount),
        new.opening.map(|(_, day)| day),
        new.closing.map(|(amount, _)| amount),
        new.closing.map(|(_, day)| day),
        new.line_count,
        new.credits,
        new.debits,
        new.difference,
        new.last_day,
        new.identity,
        &new.content_hash[..],
        new.state.as_str(),
        new.doubt,
        new.received_at,
        new.received_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line before it is written.
#[derive(Debug)]
pub struct NewLine<'a> {
    pub ordinal: i32,
    pub file_line: i64,
    pub amount: Decimal,
    pub booked_on: NaiveDate,
    pub value_on: Option<NaiveDate>,
    pub status: &'a str,
    pub reversal: bool,
    pub bank_reference: Option<&'a str>,
    pub customer_reference: Option<&'a str>,
    pub end_to_end_id: Option<&'a str>,
    pub structured_references: Vec<String>,
    pub documents: Vec<String>,
    pub mandate: Option<&'a str>,
    pub counterparty_name: Option<&'a str>,
    pub counterparty_account: Option<&'a str>,
    pub text: &'a str,
    pub transaction_code: Option<&'a str>,
    pub return_reason: Option<&'a str>,
}

/// Rows of `statement_line` in COPY's text format.
#[derive(Debug, Default)]
pub struct LineRows(String);

const COPY: &str = "copy statement_line (statement_id, ordinal, file_line, amount, booked_on, value_on, status, reversal, bank_reference, \
    customer_reference, end_to_end_id, structured_references, documents, mandate, counterparty_name, counterparty_account, text, \
    transaction_code, return_reason) from stdin";

impl LineRows {
    pub fn push(&mut self, statement: StatementId, line: &NewLine<'_>) {
        let out = &mut self.0;
        field(out, statement);
        field(out, line.ordinal);
        field(out, line.file_line);
        field(out, line.amount);
        field(out, line.booked_on);
        optional(out, line.value_on.map(|day| day.to_string()).as_deref());
        text(out, line.status);
        field(out, line.reversal);
        optional(out, line.bank_reference);
        optional(out, line.customer_reference);
        optional(out, line.end_to_end_id);
        text(out, &array(&line.structured_references));
        text(out, &array(&line.documents));
        optional(out, line.mandate);
        optional(out, line.counterparty_name);
        optional(out, line.counterparty_account);
        text(out, line.text);
        optional(out, line.transaction_code);
        optional(out, line.return_reason);
        crate::documents::end_row(out);
    }

    pub async fn insert(self, conn: &mut Conn) -> Result<()> {
        copy(conn, COPY, self.0).await
    }
}

fn optional(out: &mut String, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.push_str("\\N\t"),
    }
}

/// An array in PostgreSQL's text form, every element quoted.
fn array(elements: &[String]) -> String {
    let quoted: Vec<String> = elements.iter().map(|e| format!("\"{}\"", e.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

/// A statement that waits, locked for its decision.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub statement_id: StatementId,
    pub entity_id: EntityId,
    pub doubt: Option<String>,
    pub received_by: String,
}

pub async fn lock_waiting(conn: &mut Conn, scope: &Scope, id: StatementId) -> Result<Option<Waiting>> {
    Ok(sqlx::query_as!(
        Waiting,
        r#"select statement_id as "statement_id: StatementId", entity_id as "entity_id: EntityId", doubt, received_by from statement
        where statement_id = $1 and entity_id = any($2) and state = 'waiting' for update"#,
        id.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// Conflicts on `statement_preparer_is_not_approver` when somebody decides his own.
pub async fn decide(conn: &mut Conn, id: StatementId, state: StatementState, by: &str, reason: &str, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update statement set state = $2, decided_by = $3, decided_at = $4, reason = $5 where statement_id = $1 and state = 'waiting'",
        id.0,
        state.as_str(),
        by,
        at,
        reason
    )
    .execute(conn)
    .await?;
    Ok(())
}
