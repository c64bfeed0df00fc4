//! Receivables: what is open of every item, payments, and the applications that settle one with the other. What is open is the fold
//! of the applications; only this module adds to it, and the database keeps it between nothing and the amount.

mod applications;
mod book;
mod collection;
mod payments;
mod refunds;
mod returned;
mod roll_forward;
mod suggestions;
pub mod tie;
mod transfers;

pub use applications::{
    Applied, NewApplication, Settled, WriteOff, allocations_of, apply, find_application, lock_items, record_write_offs, settled_by,
};
pub use book::{BookCustomer, BookItem, CreditToApply, credits_for_refunds, credits_to_apply, customers, items};
pub use collection::{Filter as TriggerFilter, Raised, raise, set_steps, triggers};
pub use payments::{
    Moved, Origin, Receipt, StatementReceipts, link, mark_received, money, numbers, open_money, receipts, received_at, to_receive,
};
pub use refunds::{
    NewRefund, Payable, Way, lock_refund, mark_paid, record_refund, refund_lines, refund_movements, refund_ways, withdraw_refund,
};
pub use returned::{Returned, ReturnedTotal, returned, returned_total, went_back};
pub use roll_forward::roll_forward;
pub use suggestions::{MatchRun, NewAlias, NewSuggestion, learn, record_run, suggest};
pub use transfers::{NewTransfer, Transferred, find_transfer, gives_to_transfer, record_transfer};

use crate::{Conn, Result, Scope};
use domain::{
    id::{BatchId, DocumentId, EntityId, GatewayAccountId},
    receivable::OpenStatus,
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;

/// Opens the items of a batch that was just inserted.
pub(crate) async fn open_batch(conn: &mut Conn, batch: BatchId) -> Result<()> {
    sqlx::query!(
        "insert into open_item (document_id, entity_id, kind, customer_code, currency, aged_from, amount)
        select document_id, entity_id, kind, customer_code, currency, case kind when 'invoice' then due_date else issue_date end, amount
        from document where batch_id = $1 and not rejected and kind not in ('cash_application', 'application_reversal')",
        batch.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes the items of documents that do not count any more. Nothing may be applied to them.
pub(crate) async fn close(conn: &mut Conn, documents: &[uuid::Uuid]) -> Result<()> {
    sqlx::query!("delete from open_item where document_id = any($1)", documents).execute(conn).await?;
    Ok(())
}

/// Takes the next numbers of a series, `RC-2026-000001`. They are used in the caller's transaction or not at all, so there are no gaps.
pub async fn take_numbers(conn: &mut Conn, entity: EntityId, series: &str, year: i32, count: usize) -> Result<Vec<String>> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let last = sqlx::query_scalar!(
        "insert into number_series as s (entity_id, series, year, last) values ($1, $2, $3, $4)
        on conflict (entity_id, series, year) do update set last = s.last + excluded.last returning last",
        entity.0,
        series,
        i16::try_from(year).unwrap_or_default(),
        count
    )
    .fetch_one(conn)
    .await?;
    Ok((last - count + 1..=last).map(|number| format!("{series}-{year}-{number:06}")).collect())
}

/// One matcher of an entity at a time, until the caller commits.
pub async fn lock_entity(conn: &mut Conn, entity: EntityId) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('receivables', hashtextextended($1, 0)))", entity.to_string())
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// An open item that somebody acts on, locked.
#[derive(Debug, Clone)]
pub struct Item {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub kind: DocumentKind,
    pub number: String,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: String,
    pub open: Decimal,
    pub status: OpenStatus,
    pub stage: Stage,
}

/// An item as it stands, under the entity's lock.
pub async fn find(conn: &mut Conn, document: DocumentId) -> Result<Option<Item>> {
    Ok(sqlx::query_as!(
        Item,
        r#"select i.document_id as "document_id: DocumentId", i.entity_id as "entity_id: EntityId", i.kind as "kind: DocumentKind", d.number,
            i.customer_code, d.customer_name, i.currency, i.open as "open!", open_status(i) as "status!: OpenStatus", d.stage as "stage: Stage"
        from open_item i join document d using (document_id) where i.document_id = $1"#,
        document.0
    )
    .fetch_optional(conn)
    .await?)
}

/// The lost dispute that left an invoice owed, by the gateway's id.
pub async fn lost_dispute(conn: &mut Conn, invoice: DocumentId) -> Result<Option<String>> {
    Ok(sqlx::query_scalar!(r#"select dispute_id as "dispute_id!" from lost_dispute where document_id = $1"#, invoice.0)
        .fetch_optional(conn)
        .await?)
}

/// Marks invoices as disputed by a chargeback; what somebody marked before stays his.
pub async fn dispute(conn: &mut Conn, chargeback: DocumentId, invoices: &[DocumentId]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = invoices.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update open_item set kept = 'disputed', disputed_by = $2 where document_id = any($1) and kind = 'invoice' and kept is null",
        &ids,
        chargeback.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes off the marks that disputes set which these movements of a gateway end.
pub async fn end_disputes(conn: &mut Conn, account: GatewayAccountId, entries: &[&str]) -> Result<()> {
    sqlx::query!(
        "update open_item i set kept = null, disputed_by = null
        from gateway_entry w
        join gateway_entry d on d.gateway_account_id = w.gateway_account_id and d.payment_reference = w.payment_reference and d.kind = 'dispute'
        join payment b on (b.gateway_account_id, b.entry_id) = (d.gateway_account_id, d.entry_id)
        where w.gateway_account_id = $1 and w.entry_id = any($2) and i.disputed_by = b.document_id",
        account.0,
        entries as &[&str]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes off the mark that a dispute set on an invoice; what a person marked stays.
pub async fn give_up_dispute(conn: &mut Conn, invoice: DocumentId) -> Result<()> {
    sqlx::query!("update open_item set kept = null, disputed_by = null where document_id = $1 and disputed_by is not null", invoice.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Sets or takes off the mark that a person keeps an item with. `false`: it is not there, nothing is open of it, or not the caller's.
pub async fn keep(conn: &mut Conn, scope: &Scope, document: DocumentId, on: bool) -> Result<bool> {
    let done = sqlx::query!(
        "update open_item set kept = case when $3 then case kind when 'payment' then 'on_account' else 'disputed' end end,
            disputed_by = null
        where document_id = $1 and entity_id = any($2) and open > 0 and kind in ('payment', 'invoice')
            and ($3 = (kept is null)) and customer_code <> ''",
        document.0,
        &scope.ids(),
        on
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
