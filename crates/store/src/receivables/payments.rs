//! Money that came to us: lines of statements that become payments, and payments that are not applied in full, whether a bank or a
//! gateway brought them.

use crate::{Conn, Error, Result};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    id::{DocumentId, EntityId, GatewayAccountId, StatementId},
    money::Currency,
};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// An imported statement whose money became no payments yet.
#[derive(Debug, Clone)]
pub struct StatementReceipts {
    pub statement_id: StatementId,
    pub account: String,
    pub currency: Currency,
    pub last_day: NaiveDate,
    /// Booked lines that came in, without payouts of gateways, as the statement's lines come to: the manifest that the payments are held
    /// against.
    pub count: i64,
    pub total: Decimal,
}

/// The oldest statements of an entity that were not received, locked for one worker.
pub async fn to_receive(conn: &mut Conn, entity: EntityId, limit: i64) -> Result<Vec<StatementReceipts>> {
    Ok(sqlx::query_as!(
        StatementReceipts,
        r#"select s.statement_id as "statement_id: StatementId", a.number as account, a.currency as "currency: Currency", s.last_day,
            sums.count as "count!", sums.total as "total!"
        from (
            select * from statement where entity_id = $1 and state = 'imported' and received_cash_at is null
            order by last_day, place, statement_id limit $2 for update skip locked
        ) s join bank_account a using (bank_account_id)
        cross join lateral (
            select count(*) as count, coalesce(sum(amount), 0) as total from statement_line l
            where l.statement_id = s.statement_id and l.status = 'booked' and l.amount > 0 and not l.reversal
                and not exists (select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal))
        ) sums
        order by s.last_day, s.place, s.statement_id"#,
        entity.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// What moved money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a statement, by its ordinal.
    Line(StatementId, i32),
    /// A movement of a gateway's balance, by its id there.
    Gateway(GatewayAccountId, String),
}

/// Money with everything that its bank or its gateway told of it.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// `None`: a line that is no payment yet.
    pub document_id: Option<DocumentId>,
    pub origin: Origin,
    /// The number or code of our account that it came to.
    pub account: String,
    /// Of a payment: what is open.
    pub amount: Decimal,
    pub currency: Currency,
    pub received_on: NaiveDate,
    /// Empty: not known.
    pub customer_code: String,
    /// Somebody took an application of it back: the rules do not apply it again.
    pub taken_back: bool,
    /// Of money that went back: the payment that had brought it.
    pub takes_back: Option<DocumentId>,
    pub end_to_end_id: Option<String>,
    pub structured_references: Vec<String>,
    pub documents: Vec<String>,
    pub mandate: Option<String>,
    pub payer_name: Option<String>,
    pub payer_account: Option<String>,
    pub text: String,
}

struct Row {
    document_id: Option<DocumentId>,
    statement_id: Option<StatementId>,
    ordinal: Option<i32>,
    gateway_account_id: Option<GatewayAccountId>,
    entry_id: Option<String>,
    account: String,
    amount: Decimal,
    currency: Currency,
    received_on: NaiveDate,
    customer_code: String,
    taken_back: bool,
    takes_back: Option<DocumentId>,
    end_to_end_id: Option<String>,
    structured_references: Vec<String>,
    documents: Vec<String>,
    mandate: Option<String>,
    payer_name: Option<String>,
    payer_account: Option<String>,
    text: String,
}

impl TryFrom<Row> for Receipt {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let of_bank = row.statement_id.zip(row.ordinal).map(|(id, ordinal)| Origin::Line(id, ordinal));
        let origin = of_bank.or_else(|| Some(Origin::Gateway(row.gateway_account_id?, row.entry_id?)));
        let id = row.document_id.map(|id| id.to_string()).unwrap_or_default();
        let why = "neither a bank line nor a gateway's movement".to_owned();
        Ok(Self {
            origin: origin.ok_or(Error::Corrupt { table: "payment", column: "entry_id", id, why })?,
            document_id: row.document_id,
            account: row.account,
            amount: row.amount,
            currency: row.currency,
            received_on: row.received_on,
            customer_code: row.customer_code,
            taken_back: row.taken_back,
            takes_back: row.takes_back,
            end_to_end_id: row.end_to_end_id,
            structured_references: row.structured_references,
            documents: row.documents,
            mandate: row.mandate,
            payer_name: row.payer_name,
            payer_account: row.payer_account,
            text: row.text,
        })
    }
}

/// The lines of statements that become payments, in their order.
pub async fn receipts(conn: &mut Conn, statements: &[StatementId]) -> Result<Vec<Receipt>> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select null::uuid as "document_id: DocumentId", l.statement_id as "statement_id: StatementId", l.ordinal,
            null::uuid as "gateway_account_id: GatewayAccountId", null as entry_id, a.number as account, l.amount,
            a.currency as "currency: Currency", l.booked_on as received_on, '' as "customer_code!", false as "taken_back!",
            null::uuid as "takes_back: DocumentId", l.end_to_end_id,
            l.structured_references, l.documents, l.mandate, l.counterparty_name as payer_name, l.counterparty_account as payer_account, l.text
        from statement_line l join statement s using (statement_id) join bank_account a using (bank_account_id)
        where l.statement_id = any($1) and l.status = 'booked' and l.amount > 0 and not l.reversal
            and not exists (select from payout_line w where (w.statement_id, w.ordinal) = (l.statement_id, l.ordinal))
        order by l.statement_id, l.ordinal"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Payments of an entity that nobody keeps and that are not applied in full.
pub async fn open_money(conn: &mut Conn, entity: EntityId) -> Result<Vec<Receipt>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select document_id as "document_id: DocumentId", statement_id as "statement_id: StatementId", ordinal,
            gateway_account_id as "gateway_account_id: GatewayAccountId", entry_id, account as "account!", open as "amount!",
            currency as "currency!: Currency", received_on as "received_on!", customer_code as "customer_code!", taken_back as "taken_back!",
            takes_back as "takes_back: DocumentId", end_to_end_id, structured_references as "structured_references!", documents as "documents!", mandate, payer_name, payer_account,
            text as "text!"
        from payment_money where entity_id = $1 and kind = 'payment' and open > 0 and kept is null order by document_id"#,
        entity.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// Payments that banks brought at a moment, with their whole amounts and without what was found out about them since.
pub async fn received_at(conn: &mut Conn, entity: EntityId, at: DateTime<Utc>) -> Result<Vec<Receipt>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select m.document_id as "document_id: DocumentId", m.statement_id as "statement_id: StatementId", m.ordinal,
            m.gateway_account_id as "gateway_account_id: GatewayAccountId", m.entry_id, m.account as "account!", m.amount as "amount!",
            m.currency as "currency!: Currency", m.received_on as "received_on!", '' as "customer_code!", false as "taken_back!",
            null::uuid as "takes_back: DocumentId", m.end_to_end_id, m.structured_references as "structured_references!", m.documents as "documents!", m.mandate, m.payer_name,
            m.payer_account, m.text as "text!"
        from payment_money m join statement s on s.statement_id = m.statement_id
        where m.entity_id = $1 and m.kind = 'payment' and s.entity_id = $1 and s.received_cash_at = $2 order by m.statement_id, m.ordinal"#,
        entity.0,
        at
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Receipt::try_from).collect()
}

/// A document of money and what moved it.
#[derive(Debug, Clone)]
pub struct Moved {
    pub document_id: DocumentId,
    pub origin: Origin,
    /// Of money that went back: the payment that had brought it.
    pub takes_back: Option<DocumentId>,
}

/// Says what moved the money of each document.
pub async fn link(conn: &mut Conn, moved: &[Moved]) -> Result<()> {
    let documents: Vec<uuid::Uuid> = moved.iter().map(|m| m.document_id.0).collect();
    let taken_back: Vec<Option<uuid::Uuid>> = moved.iter().map(|m| m.takes_back.map(|id| id.0)).collect();
    let line = |origin: &Origin| if let Origin::Line(id, ordinal) = origin { Some((id.0, *ordinal)) } else { None };
    let movement = |origin: &Origin| if let Origin::Gateway(id, entry) = origin { Some((id.0, entry.clone())) } else { None };
    let (statements, ordinals): (Vec<Option<uuid::Uuid>>, Vec<Option<i32>>) = moved.iter().map(|m| line(&m.origin).unzip()).unzip();
    let (accounts, entries): (Vec<Option<uuid::Uuid>>, Vec<Option<String>>) = moved.iter().map(|m| movement(&m.origin).unzip()).unzip();
    sqlx::query!(
        "insert into payment (document_id, statement_id, ordinal, gateway_account_id, entry_id, takes_back)
        select * from unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::uuid[])",
        &documents,
        &statements as &[Option<uuid::Uuid>],
        &ordinals as &[Option<i32>],
        &accounts as &[Option<uuid::Uuid>],
        &entries as &[Option<String>],
        &taken_back as &[Option<uuid::Uuid>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A payment with everything that is told of it, and its whole amount.
pub async fn money(conn: &mut Conn, payment: DocumentId) -> Result<Option<Receipt>> {
    let row = sqlx::query_as!(
        Row,
        r#"select document_id as "document_id: DocumentId", statement_id as "statement_id: StatementId", ordinal,
            gateway_account_id as "gateway_account_id: GatewayAccountId", entry_id, account as "account!", amount as "amount!",
            currency as "currency!: Currency", received_on as "received_on!", customer_code as "customer_code!", taken_back as "taken_back!",
            takes_back as "takes_back: DocumentId", end_to_end_id, structured_references as "structured_references!", documents as "documents!", mandate, payer_name, payer_account,
            text as "text!"
        from payment_money where document_id = $1"#,
        payment.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Receipt::try_from).transpose()
}

/// Numbers of documents.
pub async fn numbers(conn: &mut Conn, documents: &[DocumentId]) -> Result<HashMap<DocumentId, String>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(r#"select document_id as "document_id: DocumentId", number from document where document_id = any($1)"#, &ids)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.document_id, row.number)).collect())
}

/// The money of these statements is payments now.
pub async fn mark_received(conn: &mut Conn, statements: &[StatementId], at: DateTime<Utc>) -> Result<()> {
    let ids: Vec<uuid::Uuid> = statements.iter().map(|id| id.0).collect();
    sqlx::query!("update statement set received_cash_at = $2 where statement_id = any($1)", &ids, at).execute(conn).await?;
    Ok(())
}
