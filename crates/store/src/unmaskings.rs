//! Account numbers in full: who asked why, and the numbers themselves.

use crate::{Conn, Result, Scope};
use chrono::{DateTime, Utc};
use domain::{
    id::EntityId,
    unmask::{AccountNumber, Subject},
};
use uuid::Uuid;

/// Numbers that somebody asks to see.
#[derive(Debug)]
pub struct NewUnmasking<'a> {
    pub unmasking_id: Uuid,
    pub entity_id: EntityId,
    pub person: &'a str,
    pub subject: Subject,
    pub reason: &'a str,
    pub asked_at: DateTime<Utc>,
}

pub async fn insert(conn: &mut Conn, new: &NewUnmasking<'_>) -> Result<()> {
    sqlx::query!(
        "insert into unmasking (unmasking_id, entity_id, person, subject, reason, asked_at) values ($1, $2, $3, $4, $5, $6)",
        new.unmasking_id,
        new.entity_id.0,
        new.person,
        new.subject.to_string(),
        new.reason,
        new.asked_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person asked for and was not shown yet.
#[derive(Debug)]
pub struct Asked {
    pub subject: String,
    pub reason: String,
}

/// Takes what a person asked for since then; it is shown now and never again.
pub async fn take(conn: &mut Conn, id: Uuid, person: &str, since: DateTime<Utc>, at: DateTime<Utc>) -> Result<Option<Asked>> {
    Ok(sqlx::query_as!(
        Asked,
        "update unmasking set shown_at = $4 where unmasking_id = $1 and person = $2 and asked_at >= $3 and shown_at is null
        returning subject, reason",
        id,
        person,
        since,
        at
    )
    .fetch_optional(conn)
    .await?)
}

/// The numbers of a subject in the caller's entities, and whose entity it is; `None`: there is no such thing, or it has no number.
pub async fn numbers(conn: &mut Conn, scope: &Scope, subject: Subject) -> Result<Option<(EntityId, Vec<AccountNumber>)>> {
    let (account, document, line) = match subject {
        Subject::BankAccount(id) => (Some(id.0), None, None),
        Subject::Payment(id) => (None, Some(id.0), None),
        Subject::Line(id, ordinal) => (None, None, Some((id.0, ordinal))),
    };
    let rows = sqlx::query!(
        r#"select a.entity_id as "entity_id!: EntityId", a.name as "holder!", a.number as "number!" from bank_account a
            where a.bank_account_id = $1 and a.entity_id = any($5)
        union all
        select s.entity_id, coalesce(l.counterparty_name, ''), l.counterparty_account
        from statement_line l join statement s using (statement_id)
        where s.entity_id = any($5) and l.counterparty_account <> '' and (
            (l.statement_id, l.ordinal) = ($3, $4)
            or (l.statement_id, l.ordinal) = (select p.statement_id, p.ordinal from payment p where p.document_id = $2)
        )"#,
        account,
        document,
        line.map(|line| line.0),
        line.map(|line| line.1),
        &scope.ids()
    )
    .fetch_all(conn)
    .await?;
    let Some(entity) = rows.first().map(|row| row.entity_id) else { return Ok(None) };
    Ok(Some((entity, rows.into_iter().map(|row| AccountNumber { holder: row.holder, number: row.number }).collect())))
}
