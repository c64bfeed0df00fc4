//! Applications of one credit to what it settles, and their reversals.

use super::Item;
use crate::{Conn, Result, Scope};
use domain::{
    id::{DocumentId, EntityId},
    receivable::{OpenStatus, WriteOffReason},
    stage::{DocumentKind, Stage},
};
use rust_decimal::Decimal;

/// An application whose document was just inserted.
#[derive(Debug, Clone)]
pub struct NewApplication {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub credit_id: DocumentId,
    /// The application that it takes back.
    pub reverses: Option<DocumentId>,
    /// `None`: the rules.
    pub decided_by: Option<String>,
    pub reason: String,
    pub score: Option<i32>,
    pub rules: Option<i32>,
    /// In the order of the document's lines.
    pub allocations: Vec<(DocumentId, Decimal)>,
}

/// Writes applications and takes what they give out of both sides; a reversal puts it back. Conflicts on
/// `open_item_is_not_overallocated` when one asks for more than is open, on `application_is_reversed_once` when it was taken back.
pub async fn apply(conn: &mut Conn, new: &[NewApplication]) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let items = new.iter().flat_map(|n| n.allocations.iter().map(|(debit, _)| debit.0).chain([n.credit_id.0]));
    let items: Vec<uuid::Uuid> = items.collect();
    sqlx::query!("select from open_item where document_id = any($1) order by document_id for update", &items).execute(&mut *conn).await?;
    insert(conn, new).await?;
    allocate(conn, new).await
}

async fn insert(conn: &mut Conn, new: &[NewApplication]) -> Result<()> {
    let documents: Vec<uuid::Uuid> = new.iter().map(|n| n.document_id.0).collect();
    let entities: Vec<uuid::Uuid> = new.iter().map(|n| n.entity_id.0).collect();
    let credits: Vec<uuid::Uuid> = new.iter().map(|n| n.credit_id.0).collect();
    let reverses: Vec<Option<uuid::Uuid>> = new.iter().map(|n| n.reverses.map(|id| id.0)).collect();
    let by: Vec<Option<&str>> = new.iter().map(|n| n.decided_by.as_deref()).collect();
    let reasons: Vec<&str> = new.iter().map(|n| n.reason.as_str()).collect();
    let scores: Vec<Option<i32>> = new.iter().map(|n| n.score).collect();
    let rules: Vec<Option<i32>> = new.iter().map(|n| n.rules).collect();
    sqlx::query!(
        "insert into application (document_id, entity_id, credit_id, place, reverses, decided_by, reason, score, rules)
        select d, e, c, coalesce((select max(place) from application a where a.credit_id = c), 0) + row_number() over (partition by c order by o),
            v, b, r, s, u
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::integer[], $8::integer[])
            with ordinality n (d, e, c, v, b, r, s, u, o)",
        &documents,
        &entities,
        &credits,
        &reverses as &[Option<uuid::Uuid>],
        &by as &[Option<&str>],
        &reasons as &[&str],
        &scores as &[Option<i32>],
        &rules as &[Option<i32>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn allocate(conn: &mut Conn, new: &[NewApplication]) -> Result<()> {
    let rows = || new.iter().flat_map(|n| (1..).zip(&n.allocations).map(move |(line, part)| (n, line, part)));
    let documents: Vec<uuid::Uuid> = rows().map(|(n, ..)| n.document_id.0).collect();
    let lines: Vec<i32> = rows().map(|(_, line, _)| line).collect();
    let debits: Vec<uuid::Uuid> = rows().map(|(.., (debit, _))| debit.0).collect();
    let amounts: Vec<Decimal> = rows().map(|(.., (_, amount))| *amount).collect();
    sqlx::query!(
        "with allocated as (
            insert into allocation (document_id, line, debit_id, amount)
            select * from unnest($1::uuid[], $2::integer[], $3::uuid[], $4::numeric[]) returning document_id, debit_id, amount
        ), given as (
            select a.credit_id, l.debit_id, case when a.reverses is null then l.amount else -l.amount end as amount
            from allocated l join application a using (document_id)
        ), taken as (
            select item, sum(amount) as amount from given cross join lateral (values (credit_id), (debit_id)) s (item) group by item
        )
        update open_item i set applied = i.applied + t.amount from taken t where i.document_id = t.item",
        &documents,
        &lines,
        &debits,
        &amounts
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Items of the caller's entities, locked in id order; one that is not there is missing in the answer.
pub async fn lock_items(conn: &mut Conn, scope: &Scope, documents: &[DocumentId]) -> Result<Vec<Item>> {
    let ids: Vec<uuid::Uuid> = documents.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Item,
        r#"select i.document_id as "document_id: DocumentId", i.entity_id as "entity_id: EntityId", i.kind as "kind: DocumentKind", d.number,
            i.customer_code, d.customer_name, i.currency, i.open as "open!", open_status(i) as "status!: OpenStatus", d.stage as "stage: Stage"
        from open_item i join document d using (document_id)
        where i.document_id = any($1) and i.entity_id = any($2) order by i.document_id for update of i"#,
        &ids,
        &scope.ids()
    )
    .fetch_all(conn)
    .await?)
}

/// An application as its reversal needs it.
#[derive(Debug, Clone)]
pub struct Applied {
    pub document_id: DocumentId,
    pub entity_id: EntityId,
    pub number: String,
    pub kind: DocumentKind,
    pub credit_id: DocumentId,
    pub credit_number: String,
    pub customer_code: String,
    pub customer_name: String,
    pub currency: String,
    pub reversed: bool,
    pub stage: Stage,
}

pub async fn find_application(conn: &mut Conn, scope: &Scope, document: DocumentId) -> Result<Option<Applied>> {
    Ok(sqlx::query_as!(
        Applied,
        r#"select a.document_id as "document_id: DocumentId", a.entity_id as "entity_id: EntityId", d.number, d.kind as "kind: DocumentKind",
            a.credit_id as "credit_id: DocumentId", c.number as credit_number, d.customer_code, d.customer_name, d.currency,
            exists (select from application r where r.reverses = a.document_id) as "reversed!", d.stage as "stage: Stage"
        from application a join document d using (document_id) join document c on c.document_id = a.credit_id
        where a.document_id = $1 and a.entity_id = any($2)"#,
        document.0,
        &scope.ids()
    )
    .fetch_optional(conn)
    .await?)
}

/// What an application settles, in the order of its lines: item, number, amount.
pub async fn allocations_of(conn: &mut Conn, application: DocumentId) -> Result<Vec<(DocumentId, String, Decimal)>> {
    let rows = sqlx::query!(
        r#"select l.debit_id as "debit_id: DocumentId", d.number, l.amount from allocation l join document d on d.document_id = l.debit_id
        where l.document_id = $1 order by l.line"#,
        application.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.debit_id, row.number, row.amount)).collect())
}

/// What an application of a credit settles.
#[derive(Debug, Clone)]
pub struct Settled {
    pub application: DocumentId,
    /// Item, number and amount, in the order of its lines.
    pub debits: Vec<(DocumentId, String, Decimal)>,
}

/// The applications of a credit that were not taken back, the last one first.
pub async fn settled_by(conn: &mut Conn, credit: DocumentId) -> Result<Vec<Settled>> {
    let rows = sqlx::query!(
        r#"select a.document_id as "application: DocumentId", l.debit_id as "debit_id: DocumentId", d.number, l.amount
        from application a join allocation l using (document_id) join document d on d.document_id = l.debit_id
        where a.credit_id = $1 and a.reverses is null and not exists (select from application r where r.reverses = a.document_id)
        order by a.place desc, l.line"#,
        credit.0
    )
    .fetch_all(conn)
    .await?;
    let mut found: Vec<Settled> = Vec::new();
    for row in rows {
        if found.last().is_none_or(|last| last.application != row.application) {
            found.push(Settled { application: row.application, debits: Vec::new() });
        }
        if let Some(last) = found.last_mut() {
            last.debits.push((row.debit_id, row.number, row.amount));
        }
    }
    Ok(found)
}

/// A credit memo of our own that gives a part of an item up.
#[derive(Debug, Clone)]
pub struct WriteOff {
    pub document_id: DocumentId,
    pub debit_id: DocumentId,
    pub reason: WriteOffReason,
    /// The credit that was short; `None`: nothing paid.
    pub payment_id: Option<DocumentId>,
}

pub async fn record_write_offs(conn: &mut Conn, new: &[WriteOff], decided_by: &str, why: &str) -> Result<()> {
    for write_off in new {
        sqlx::query!(
            "insert into write_off (document_id, debit_id, reason, payment_id, decided_by, why) values ($1, $2, $3, $4, $5, $6)",
            write_off.document_id.0,
            write_off.debit_id.0,
            write_off.reason.as_str(),
            write_off.payment_id.map(|id| id.0),
            decided_by,
            why
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
