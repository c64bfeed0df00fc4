//! Payments whose attempts to collect failed. They are few, and only those of a time are looked at.

use crate::{Pool, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    attempt::{FailedPayment, Recovery},
    id::{DocumentId, GatewayAccountId},
    money::Currency,
};

/// Whose failed payments.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// Of everybody, those that did not come in the end.
    Unrecovered,
    Customer(&'a str),
}

/// The last attempts first; none that was made before `from`.
pub async fn failed(pool: &Pool, scope: &Scope, of: Of<'_>, from: DateTime<Utc>, limit: i64) -> Result<Vec<FailedPayment>> {
    let customer = if let Of::Customer(code) = of { Some(code) } else { None };
    let rows = sqlx::query!(
        r#"select f.code as "code!", f.payment as "payment!", f.attempts as "attempts!", f.amount as "amount!", f.currency as "currency!: Currency",
            f.reason_code, f.failure, f.last_at as "last_at!", f.next_retry_at, f.recovered_at, d.document_id as "document_id?: DocumentId",
            d.customer_name as "customer_name?"
        from failed_payment f
        left join document d on d.entity_id = f.entity_id and d.kind = 'invoice' and d.number = f.payment and d.superseded_by is null
        where f.entity_id = any($1) and f.last_at >= $2
            and case when $3::text is null then f.recovered_at is null else d.customer_code = $3 end
        order by f.last_at desc, f.payment limit $4"#,
        &scope.ids(),
        from,
        customer,
        limit
    )
    .fetch_all(pool)
    .await?;
    let payment = rows.into_iter().map(|row| FailedPayment {
        code: row.code,
        payment: row.payment,
        invoice: row.document_id.zip(row.customer_name),
        attempts: row.attempts,
        amount: row.amount,
        currency: row.currency,
        reason_code: row.reason_code,
        failure: row.failure,
        last_at: row.last_at,
        next_retry_at: row.next_retry_at,
        recovered_at: row.recovered_at,
    });
    Ok(payment.collect())
}

/// What became of the payments whose first attempt failed since then, by account and currency.
pub async fn recovery(pool: &Pool, scope: &Scope, from: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<Recovery>> {
    Ok(sqlx::query_as!(
        Recovery,
        r#"select f.gateway_account_id as "gateway_account_id!: GatewayAccountId", t.code as entity_code, f.code as "code!",
            f.currency as "currency!: Currency", count(*) as "failed!", sum(f.amount) as "failed_amount!",
            count(f.recovered_at) as "recovered!", coalesce(sum(f.amount) filter (where f.recovered_at is not null), 0) as "recovered_amount!",
            count(*) filter (where f.recovered_at is null and f.next_retry_at > $3) as "retried!"
        from failed_payment f join entity t using (entity_id)
        where f.entity_id = any($1) and f.first_at >= $2 group by 1, 2, 3, 4 order by 2, 3, 4"#,
        &scope.ids(),
        from,
        now
    )
    .fetch_all(pool)
    .await?)
}
