//! Checkpoint 4: money that banks and gateways settled against the cash that was applied, or that a person keeps on account.

use crate::{Conn, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    checkpoint::ControlTotal,
    id::{BatchId, DocumentId, EntityId},
    money::Currency,
    period::AccountingPeriod,
    stage::Side,
};
use rust_decimal::Decimal;

/// When bank or gateway last told of money of this period; `None`: they never did, so nothing can be assessed.
pub async fn told_at(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Option<DateTime<Utc>>> {
    Ok(sqlx::query_scalar!(
        "select max(told_at) from settled_money where entity_id = $1 and told_through >= $2 and settled_on between $2 and $3",
        entity.0,
        period.first_day(),
        period.last_day()
    )
    .fetch_one(conn)
    .await?)
}

/// Both sides by batch; `different` counts movements that are not applied whole.
#[derive(Debug)]
pub struct SettledTotal {
    /// `None`: movements that are no documents yet.
    pub batch_id: Option<BatchId>,
    pub currency: Currency,
    pub side: Side,
    pub settled: ControlTotal,
    pub applied: ControlTotal,
    pub different: i64,
}

pub async fn totals(conn: &mut Conn, entity: EntityId, period: AccountingPeriod) -> Result<Vec<SettledTotal>> {
    let rows = sqlx::query!(
        r#"with money as (
            select *, row_number() over (partition by movement order by document_id) as copy from settled_money
            where entity_id = $1 and told_through >= $2 and settled_on between $2 and $3
        )
        select batch_id as "batch_id?: BatchId", currency as "currency!: Currency", side as "side!: Side",
            count(*) filter (where copy = 1) as "settled_count!", coalesce(sum(amount) filter (where copy = 1), 0) as "settled!",
            count(*) filter (where open = 0) as "applied_count!", coalesce(sum(document_amount - open), 0) as "applied!",
            count(*) filter (where copy > 1 or document_id is null or open > 0 or document_amount <> amount) as "different!"
        from money group by batch_id, currency, side"#,
        entity.0,
        period.first_day(),
        period.last_day()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SettledTotal {
            batch_id: row.batch_id,
            currency: row.currency,
            side: row.side,
            settled: ControlTotal { count: row.settled_count, amount: row.settled, tax: Decimal::ZERO },
            applied: ControlTotal { count: row.applied_count, amount: row.applied, tax: Decimal::ZERO },
            different: row.different,
        })
        .collect())
}

/// A movement that is not applied whole; one row per document that it became, or one without.
#[derive(Debug)]
pub struct SettledRow {
    /// The same movement always has the same.
    pub movement: String,
    /// In words.
    pub place: String,
    /// The bank account or the gateway that told of it.
    pub source: String,
    pub settled_on: NaiveDate,
    pub told_at: DateTime<Utc>,
    pub currency: Currency,
    pub side: Side,
    pub amount: Decimal,
    pub document_id: Option<DocumentId>,
    pub batch_id: Option<BatchId>,
    pub number: Option<String>,
    pub document_amount: Option<Decimal>,
    /// Neither applied nor kept on account.
    pub open: Option<Decimal>,
    /// Empty: not known.
    pub customer_code: Option<String>,
}

pub async fn differences(conn: &mut Conn, entity: EntityId, period: AccountingPeriod, currencies: &[Currency]) -> Result<Vec<SettledRow>> {
    let currencies: Vec<String> = currencies.iter().map(ToString::to_string).collect();
    Ok(sqlx::query_as!(
        SettledRow,
        r#"with money as (
            select *, count(*) over (partition by movement) as copies from settled_money
            where entity_id = $1 and told_through >= $2 and settled_on between $2 and $3 and currency = any($4)
        )
        select movement as "movement!", place as "place!", source as "source!", settled_on as "settled_on!", told_at as "told_at!",
            currency as "currency!: Currency", side as "side!: Side", amount as "amount!", document_id as "document_id?: DocumentId",
            batch_id as "batch_id?: BatchId", number as "number?", document_amount as "document_amount?", open as "open?",
            customer_code as "customer_code?"
        from money where copies > 1 or document_id is null or open > 0 or document_amount <> amount
        order by movement, document_id"#,
        entity.0,
        period.first_day(),
        period.last_day(),
        &currencies
    )
    .fetch_all(conn)
    .await?)
}
