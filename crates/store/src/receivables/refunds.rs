//! Refunds that people agreed on: recorded, tied to what paid them out, or withdrawn.

use super::Origin;
use crate::{Conn, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::{DocumentId, EntityId, GatewayAccountId, StatementId},
    money::Currency,
    refund::{Candidate, RefundWay},
    statement::masked,
};
use rust_decimal::Decimal;
use uuid::Uuid;

/// An account of ours that money can leave.
#[derive(Debug, Clone)]
pub struct Way {
    pub id: Uuid,
    pub is_gateway: bool,
    /// The number or code that a document's line names.
    pub account: String,
    pub name: String,
}

impl Way {
    /// As screens and plans say it.
    pub fn label(&self) -> String {
        if self.is_gateway { format!("{} ({})", self.name, self.account) } else { format!("{} {}", self.name, masked(&self.account)) }
    }
}

impl From<Way> for RefundWay {
    fn from(way: Way) -> Self {
        Self { id: way.id, name: way.label() }
    }
}

/// The accounts that a credit can be refunded from: that which it came to first, then those at banks in its entity and currency.
pub async fn refund_ways(conn: &mut Conn, scope: &Scope, credit: DocumentId) -> Result<Vec<Way>> {
    Ok(sqlx::query_as!(
        Way,
        r#"select id as "id!", is_gateway as "is_gateway!", account as "account!", name as "name!" from (
            select g.gateway_account_id as id, true as is_gateway, g.code as account, g.name, true as came
            from payment p join open_item i using (document_id) join gateway_account g using (gateway_account_id)
            where p.document_id = $1 and i.entity_id = any($2)
            union all
            select a.bank_account_id, false, a.number, a.name, exists (select from payment p join statement s using (statement_id)
                where p.document_id = $1 and s.bank_account_id = a.bank_account_id)
            from open_item i join bank_account a on a.entity_id = i.entity_id and a.currency = i.currency
            where i.document_id = $1 and i.entity_id = any($2)
        ) w order by came desc, name, account"#,
        credit.0,
        &scope.ids()
    )
    .fetch_all(conn)
    .await?)
}

/// A refund whose document was just entered.
#[derive(Debug, Clone)]
pub struct NewRefund<'a> {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub customer_code: &'a str,
    pub credit_id: DocumentId,
    pub way: &'a Way,
    pub reason: &'a str,
    pub requested_by: &'a str,
    /// `None`: within the limit of who asked.
    pub approved_by: Option<&'a str>,
    pub agreed_at: DateTime<Utc>,
}

pub async fn record_refund(conn: &mut Conn, new: &NewRefund<'_>) -> Result<()> {
    let (bank, gateway) = if new.way.is_gateway { (None, Some(new.way.id)) } else { (Some(new.way.id), None) };
    sqlx::query!(
        "insert into refund (document_id, entity_id, customer_code, credit_id, bank_account_id, gateway_account_id, reason, requested_by,
            approved_by, agreed_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        new.document_id.0,
        new.entity_id.0,
        new.customer_code,
        new.credit_id.0,
        bank,
        gateway,
        new.reason,
        new.requested_by,
        new.approved_by,
        new.agreed_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lines that may have paid refunds of an entity: booked on or after the refund's day, from its account, of its amount, and either naming it or
/// to the account that its payment had come from.
pub async fn refund_lines(conn: &mut Conn, entity: EntityId) -> Result<Vec<Candidate<Origin>>> {
    let rows = sqlx::query!(
        r#"select r.document_id as "document_id: DocumentId", l.statement_id as "statement_id: StatementId", l.ordinal, n.named as "named!"
        from refund r join document d using (document_id)
        join statement s on s.bank_account_id = r.bank_account_id and s.last_day >= d.issue_date
        join statement_line l on l.statement_id = s.statement_id and l.amount = -d.amount and l.booked_on >= d.issue_date
        cross join lateral (
            select position(d.number in upper(concat_ws(' ', l.text, l.end_to_end_id, l.customer_reference, l.bank_reference))) > 0 as named
        ) n
        where r.entity_id = $1 and r.paid_at is null and r.withdrawn_by is null and s.state = 'imported' and l.status = 'booked'
            and not l.reversal and l.return_reason is null
            and (n.named or l.counterparty_account = (select m.payer_account from payment_money m where m.document_id = r.credit_id))
            and not exists (select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal))
            and not exists (select from payment p where (p.statement_id, p.ordinal) = (l.statement_id, l.ordinal))
        order by r.agreed_at, r.document_id, l.booked_on, l.statement_id, l.ordinal"#,
        entity.0
    )
    .fetch_all(conn)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        refund: row.document_id,
        movement: Origin::Line(row.statement_id, row.ordinal),
        named: row.named,
    });
    Ok(candidates.collect())
}

/// Movements of a gateway that paid refunds: of the same payment, amount and currency, and no documents yet.
pub async fn refund_movements(conn: &mut Conn, account: GatewayAccountId) -> Result<Vec<Candidate<Origin>>> {
    let rows = sqlx::query!(
        r#"select r.document_id as "document_id: DocumentId", e.entry_id
        from refund r join document d using (document_id) join payment p on p.document_id = r.credit_id
        join gateway_entry c on (c.gateway_account_id, c.entry_id) = (p.gateway_account_id, p.entry_id)
        join gateway_entry e on e.gateway_account_id = c.gateway_account_id and e.payment_reference = c.payment_reference
            and e.kind = 'refund' and e.amount = -d.amount and e.currency = d.currency
        where r.gateway_account_id = $1 and c.gateway_account_id = $1 and r.paid_at is null and r.withdrawn_by is null
            and not exists (select from payment t where (t.gateway_account_id, t.entry_id) = (e.gateway_account_id, e.entry_id))
        order by r.agreed_at, r.document_id, e.created_at, e.entry_id"#,
        account.0
    )
    .fetch_all(conn)
    .await?;
    let candidates =
        rows.into_iter().map(|row| Candidate { refund: row.document_id, movement: Origin::Gateway(account, row.entry_id), named: true });
    Ok(candidates.collect())
}

/// The refunds are paid out.
pub async fn mark_paid(conn: &mut Conn, refunds: &[DocumentId], at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<Uuid> = refunds.iter().map(|id| id.0).collect();
    sqlx::query!("update refund set paid_at = $2 where document_id = any($1)", &ids, at).execute(conn).await?;
    Ok(())
}

/// A refund that may still be paid out, as its withdrawal needs it.
#[derive(Debug, Clone)]
pub struct Payable {
    pub number: String,
    pub entity_id: EntityId,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: Currency,
    pub amount: Decimal,
    pub account: String,
}

/// Locked; `None`: it is none, not the caller's, paid out or withdrawn.
pub async fn lock_refund(conn: &mut Conn, scope: &Scope, document: DocumentId) -> Result<Option<Payable>> {
    Ok(sqlx::query_as!(
        Payable,
        r#"select d.number, r.entity_id as "entity_id: EntityId", d.customer_code, d.customer_name, d.currency as "currency: Currency", d.amount,
            l.item_code as account
        from refund r join document d using (document_id) join document_line l on l.document_id = r.document_id and l.line = 1
        where r.document_id = $1 and r.entity_id = any($2) and r.paid_at is null and r.withdrawn_by is null for update of r"#,
        document.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn withdraw_refund(conn: &mut Conn, document: DocumentId, by: DocumentId) -> Result<()> {
    sqlx::query!("update refund set withdrawn_by = $2 where document_id = $1", document.0, by.0).execute(conn).await?;
    Ok(())
}
