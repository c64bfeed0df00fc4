//! Payment gateways: our accounts there, what moved their balances, what they paid out, and what they announced.

mod attempts;
mod disputes;
mod entries;
mod events;
mod payouts;
mod reports;

pub use attempts::{settled as settled_attempts, unsettled_since as attempts_unsettled_since, upsert as upsert_attempts};
pub use disputes::{undecided, upsert as upsert_disputes};
pub use entries::{Movement, MovementTotal, NamedInvoice, PaidBy, insert as insert_entries, invoices, movement_totals, movements, paid_by};
pub use events::{NewEvent, heed, keep};
pub use payouts::{itemise, recognise, tie, unsettled, upsert as upsert_payouts};
pub use reports::{
    Announced, ReadReport, announce as announce_report, refuse as refuse_report, taken as report_taken, to_read as reports_to_read,
};

use crate::{Conn, Error, Result};
use chrono::{DateTime, Utc};
use domain::{
    id::{BankAccountId, EntityId, GatewayAccountId},
    money::Currency,
    settlement::Gateway,
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// An account to be pulled from now on.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub gateway_account_id: GatewayAccountId,
    pub entity_id: EntityId,
    pub gateway: Gateway,
    pub external_id: String,
    pub code: String,
    pub name: String,
    pub settings: serde_json::Value,
    /// Encrypted; `pipeline::secret` opens it.
    pub secrets: Vec<u8>,
    pub bank_words: String,
    pub since: DateTime<Utc>,
    pub opened_at: DateTime<Utc>,
    pub opened_by: String,
}

/// Conflicts on `gateway_account_code` and `gateway_account_external` when it is known already.
pub async fn open_account(conn: &mut Conn, new: &NewAccount) -> Result<()> {
    sqlx::query!(
        "insert into gateway_account (gateway_account_id, entity_id, gateway, external_id, code, name, settings, secrets, bank_words, since,
            opened_at, opened_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        new.gateway_account_id.0,
        new.entity_id.0,
        new.gateway.as_str(),
        new.external_id,
        new.code,
        new.name,
        new.settings,
        new.secrets,
        new.bank_words,
        new.since,
        new.opened_at,
        new.opened_by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Says to which of our accounts a currency is paid out.
pub async fn pay_out_to(conn: &mut Conn, account: GatewayAccountId, currency: Currency, bank_account: BankAccountId) -> Result<()> {
    sqlx::query!(
        "insert into gateway_currency (gateway_account_id, currency, bank_account_id) values ($1, $2, $3)
        on conflict (gateway_account_id, currency) do update set bank_account_id = excluded.bank_account_id",
        account.0,
        currency.code(),
        bank_account.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An account as a pull needs it.
#[derive(Debug, Clone)]
pub struct Account {
    pub gateway_account_id: GatewayAccountId,
    pub entity_id: EntityId,
    pub gateway: Gateway,
    pub code: String,
    pub settings: serde_json::Value,
    pub secrets: Vec<u8>,
    pub since: DateTime<Utc>,
    pub entry_cursor: Option<String>,
    pub payout_cursor: Option<String>,
    pub dispute_cursor: Option<String>,
    pub attempt_cursor: Option<String>,
}

/// The accounts of an entity. There are dozens at most.
pub async fn of_entity(conn: &mut Conn, entity: EntityId) -> Result<Vec<Account>> {
    Ok(sqlx::query_as!(
        Account,
        r#"select gateway_account_id as "gateway_account_id: GatewayAccountId", entity_id as "entity_id: EntityId",
            gateway as "gateway: Gateway", code, settings, secrets, since, entry_cursor, payout_cursor, dispute_cursor, attempt_cursor
        from gateway_account where entity_id = $1 order by code"#,
        entity.0
    )
    .fetch_all(conn)
    .await?)
}

pub async fn find(conn: &mut Conn, id: GatewayAccountId) -> Result<Option<Account>> {
    Ok(sqlx::query_as!(
        Account,
        r#"select gateway_account_id as "gateway_account_id: GatewayAccountId", entity_id as "entity_id: EntityId",
            gateway as "gateway: Gateway", code, settings, secrets, since, entry_cursor, payout_cursor, dispute_cursor, attempt_cursor
        from gateway_account where gateway_account_id = $1"#,
        id.0
    )
    .fetch_optional(conn)
    .await?)
}

/// Where the pulls of an account go on.
#[derive(Debug, Clone, Default)]
pub struct Cursors {
    pub entries: Option<String>,
    pub payouts: Option<String>,
    pub disputes: Option<String>,
    pub attempts: Option<String>,
}

/// Moves cursors on; one that is not given stays.
pub async fn advance(conn: &mut Conn, account: GatewayAccountId, cursors: &Cursors) -> Result<()> {
    let done = sqlx::query!(
        "update gateway_account set entry_cursor = coalesce($2, entry_cursor), payout_cursor = coalesce($3, payout_cursor),
            dispute_cursor = coalesce($4, dispute_cursor), attempt_cursor = coalesce($5, attempt_cursor)
        where gateway_account_id = $1",
        account.0,
        cursors.entries,
        cursors.payouts,
        cursors.disputes,
        cursors.attempts
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::RowsAffected { expected: 1, actual: done.rows_affected() }) }
}

/// A pull reached its end. `balances`: what the gateway holds after exactly the movements that are here; none where it moved meanwhile.
pub async fn pulled(
    conn: &mut Conn,
    account: GatewayAccountId,
    balances: Option<&BTreeMap<Currency, Decimal>>,
    at: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("update gateway_account set pulled_at = $2 where gateway_account_id = $1", account.0, at).execute(&mut *conn).await?;
    for (currency, balance) in balances.into_iter().flatten() {
        sqlx::query!(
            "insert into gateway_currency (gateway_account_id, currency, balance, balance_at) values ($1, $2, $3, $4)
            on conflict (gateway_account_id, currency) do update set balance = excluded.balance, balance_at = excluded.balance_at",
            account.0,
            currency.code(),
            balance,
            at
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
