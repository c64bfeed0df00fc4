//! Import of statement files: the whole file or nothing of it. Read twice: the first reading decides where each statement stands, the
//! second streams the lines, so memory does not grow with the file. Every file is kept, whatever came of it.

use super::{
    survey::{Surveyed, survey},
    violation,
};
use crate::{
    Context,
    import::{
        SharedFile, file_name,
        format::ReadSeek,
        keep::{self, Kept},
        lock,
    },
    retry::transaction,
};
use chrono::{DateTime, Utc};
use domain::{
    access::{Actor, Scope},
    document::Violation,
    id::{BankAccountId, StatementId},
    statement::{StatementFacts, StatementReport, StatementsReport},
    view::ImportOutcome,
};
use statements::{ColumnProfile, Event, Format, Line, LineStatus, ReadError, Reader};
use std::{
    io::{BufReader, Read, SeekFrom},
    sync::{Arc, Mutex},
};
use store::{
    Error, Result, Tx,
    access::audit::{self, AuditEntry},
    statements::{self as rows, BankAccount, LineRows, NewLine, NewStatement},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Lines of one COPY.
const CHUNK_LINES: usize = 5_000;

/// How a table is read: no format of its own says so.
#[derive(Debug, Clone)]
struct Table {
    account: String,
    profile: ColumnProfile,
}

struct Handover<'a> {
    intake_id: Uuid,
    actor: &'a Actor,
    file_name: &'a str,
    at: DateTime<Utc>,
}

/// A statement of the file, and the account it belongs to.
struct Standing {
    statement_id: StatementId,
    account: BankAccount,
    surveyed: Surveyed,
}

/// Imports a statement file for accounts of entities in `scope`. `account` is whose lines a table holds, where the file does not say
/// so itself. Refusals are reports, not errors.
pub async fn import_file(
    cx: &Context,
    actor: &Actor,
    scope: &Scope,
    name: &str,
    account: Option<&str>,
    file: impl ReadSeek + Send + 'static,
) -> anyhow::Result<StatementsReport> {
    let file: SharedFile = Arc::new(Mutex::new(Box::new(file)));
    let name = file_name(name);
    let handover = Handover { intake_id: Uuid::now_v7(), actor, file_name: &name, at: cx.clock.now() };
    let accounts = rows::accounts(&mut *cx.pool.acquire().await.map_err(Error::from)?, scope).await?;
    let (table, standing) = match table_of(&file, account, &accounts)? {
        Err(error) => (Arc::new(None), Err(vec![error])),
        Ok(table) => {
            let table = Arc::new(table);
            let standing = match read_once(&file, &table).await? {
                Ok(surveyed) => assign(surveyed, &accounts),
                Err(error) => Err(vec![error]),
            };
            (table, standing)
        }
    };
    Ok(match standing {
        Ok(standing) => transaction!(&cx.pool, |tx| import(tx, &handover, &file, &table, &standing).await)?,
        Err(errors) => {
            let report = refusal(handover.intake_id, errors);
            transaction!(&cx.pool, |tx| keep_outcome(tx, &handover, &file, report.outcome, &report.errors).await)?;
            report
        }
    })
}

/// The account's profile, when the file is a table.
fn table_of(
    file: &SharedFile,
    account: Option<&str>,
    accounts: &[BankAccount],
) -> anyhow::Result<std::result::Result<Option<Table>, Violation>> {
    let mut begin = Vec::new();
    let mut file = lock(file);
    file.seek(SeekFrom::Start(0))?;
    (&mut **file).take(4096).read_to_end(&mut begin)?;
    if Format::detect(&begin) != Some(Format::Csv) {
        return Ok(Ok(None));
    }
    let refused = |rule: &str| Violation { line: 1, field: "account".into(), rule: rule.into(), value: account.unwrap_or_default().into() };
    let Some(number) = account.map(compact) else { return Ok(Err(refused("of a table has to be named"))) };
    let Some(known) = accounts.iter().find(|account| account.number == number) else {
        return Ok(Err(refused("is not a bank account that you import for")));
    };
    let Some(profile) = known.csv_profile.clone() else {
        return Ok(Err(refused("has no column profile yet; hand a table over on the account's page")));
    };
    Ok(Ok(Some(Table { account: number, profile: serde_json::from_value(profile)? })))
}

async fn read_once(file: &SharedFile, table: &Arc<Option<Table>>) -> anyhow::Result<std::result::Result<Vec<Surveyed>, Violation>> {
    let (file, table) = (file.clone(), table.clone());
    let read = tokio::task::spawn_blocking(move || with_events(&file, table.as_ref().as_ref(), survey)).await?;
    match read {
        Ok(surveyed) => Ok(Ok(surveyed)),
        Err(ReadError::Refused(fault)) => Ok(Err(violation(&fault))),
        Err(ReadError::Io(error)) => Err(error.into()),
    }
}

/// Hands the events of the file, from its beginning, to `reading`.
fn with_events<T>(
    file: &SharedFile,
    table: Option<&Table>,
    reading: impl FnOnce(Reader<'_>) -> std::result::Result<T, ReadError>,
) -> std::result::Result<T, ReadError> {
    let mut file = lock(file);
    file.seek(SeekFrom::Start(0))?;
    let input = BufReader::with_capacity(1 << 16, &mut **file);
    reading(match table {
        Some(table) => statements::read_csv(input, &table.profile, Some(&table.account))?,
        None => statements::read(input)?,
    })
}

/// Finds the account of every statement; one that is not known refuses the file.
fn assign(surveyed: Vec<Surveyed>, accounts: &[BankAccount]) -> std::result::Result<Vec<Standing>, Vec<Violation>> {
    let mut errors = Vec::new();
    let mut standing = Vec::with_capacity(surveyed.len());
    for surveyed in surveyed {
        let (number, currency) = (compact(&surveyed.head.account), surveyed.head.currency.to_string());
        match accounts.iter().find(|account| account.number == number && account.currency == currency) {
            Some(account) => {
                standing.push(Standing { statement_id: StatementId(Uuid::now_v7()), account: account.clone(), surveyed });
            }
            None => errors.push(Violation {
                line: u32::try_from(surveyed.head.line).unwrap_or(u32::MAX),
                field: "account".into(),
                rule: "is not a bank account in this currency that you import for".into(),
                value: format!("{} {currency}", surveyed.head.account),
            }),
        }
    }
    if standing.is_empty() && errors.is_empty() {
        errors.push(Violation { line: 1, field: "file".into(), rule: "holds no statement".into(), value: String::new() });
    }
    if errors.is_empty() { Ok(standing) } else { Err(errors) }
}

/// An account number without its spaces.
pub(super) fn compact(number: &str) -> String {
    number.chars().filter(|c| !c.is_whitespace()).collect()
}

async fn import(
    tx: &mut Tx,
    handover: &Handover<'_>,
    file: &SharedFile,
    table: &Arc<Option<Table>>,
    standing: &[Standing],
) -> Result<StatementsReport> {
    let mut accounts: Vec<BankAccountId> = standing.iter().map(|statement| statement.account.bank_account_id).collect();
    accounts.sort_unstable();
    accounts.dedup();
    for account in accounts {
        rows::lock_account(tx, account).await?;
    }
    let (mut reports, mut conflicts) = (Vec::with_capacity(standing.len()), Vec::new());
    for statement in standing {
        match rows::find(tx, statement.account.bank_account_id, &statement.surveyed.identity()).await? {
            Some(known) if known.content_hash == statement.surveyed.content_hash => {
                reports.push(StatementReport {
                    statement_id: known.statement_id,
                    unchanged: true,
                    ..report(statement, known.state, known.doubt)
                });
            }
            Some(_) => conflicts.push(Violation {
                line: u32::try_from(statement.surveyed.head.line).unwrap_or(u32::MAX),
                field: "statement".into(),
                rule: "is here already with other content".into(),
                value: statement.surveyed.identity(),
            }),
            None => reports.push(report(statement, domain::statement::StatementState::Imported, None)),
        }
    }
    if !conflicts.is_empty() {
        keep_outcome(tx, handover, file, ImportOutcome::Conflict, &conflicts).await?;
        return Ok(StatementsReport { outcome: ImportOutcome::Conflict, ..refusal(handover.intake_id, conflicts) });
    }
    let outcome = if reports.iter().all(|report| report.unchanged) { ImportOutcome::Unchanged } else { ImportOutcome::Imported };
    keep_outcome(tx, handover, file, outcome, &[]).await?;
    for ((ordinal, statement), report) in (1..).zip(standing).zip(&mut reports).filter(|(_, report)| !report.unchanged) {
        (report.state, report.doubt) = enter(tx, handover, ordinal, statement).await?;
    }
    let fresh: Vec<Option<StatementId>> =
        standing.iter().zip(&reports).map(|(statement, report)| (!report.unchanged).then_some(statement.statement_id)).collect();
    load_lines(tx, file, table, fresh).await?;
    Ok(StatementsReport { outcome, intake_id: handover.intake_id, summary: summary(&reports), statements: reports, errors: Vec::new() })
}

fn report(statement: &Standing, state: domain::statement::StatementState, doubt: Option<String>) -> StatementReport {
    StatementReport {
        statement_id: statement.statement_id,
        account: domain::statement::masked(&statement.account.number),
        number: statement.surveyed.number(),
        lines: statement.surveyed.line_count,
        unchanged: false,
        state,
        doubt,
    }
}

/// Writes a statement where it stands: imported when it adds up and repeats nothing, else waiting.
async fn enter(
    tx: &mut Tx,
    handover: &Handover<'_>,
    ordinal: i32,
    statement: &Standing,
) -> Result<(domain::statement::StatementState, Option<String>)> {
    let surveyed = &statement.surveyed;
    let (opening, closing) = (surveyed.foot.opening, surveyed.foot.closing);
    let facts = StatementFacts {
        difference: surveyed.difference(),
        interim: surveyed.is_interim(),
        controls: surveyed.controls.clone(),
        opening: opening.map(|balance| balance.amount),
        number: surveyed.number(),
        first_day: surveyed.first_day,
    };
    let place = rows::place(surveyed.number(), surveyed.page());
    let before = rows::before(tx, statement.account.bank_account_id, surveyed.last_day, place).await?;
    let (state, doubt) = facts.entry(before.as_ref());
    let new = NewStatement {
        statement_id: statement.statement_id,
        bank_account_id: statement.account.bank_account_id,
        entity_id: statement.account.entity_id,
        intake_id: handover.intake_id,
        ordinal,
        format: format_word(surveyed.head.format),
        reference: surveyed.head.reference.as_deref(),
        number: surveyed.number(),
        page: surveyed.page(),
        opening: opening.map(|balance| (balance.amount, balance.date)),
        closing: closing.map(|balance| (balance.amount, balance.date)),
        line_count: surveyed.line_count,
        credits: surveyed.credits,
        debits: surveyed.debits,
        difference: surveyed.difference(),
        last_day: surveyed.last_day,
        identity: &surveyed.identity(),
        content_hash: &surveyed.content_hash,
        state,
        doubt: doubt.as_deref(),
        received_at: handover.at,
        received_by: handover.actor.to_string(),
    };
    rows::insert(tx, &new).await?;
    let entry = AuditEntry {
        at: handover.at,
        actor: handover.actor.clone(),
        action: "statement.import",
        subject: statement.statement_id.to_string(),
        entity_id: Some(statement.account.entity_id),
        before: None,
        after: Some(serde_json::json!({"state": state, "lines": surveyed.line_count, "difference": surveyed.difference(), "doubt": doubt})),
    };
    audit::append(tx, &entry).await?;
    Ok((state, doubt))
}

fn format_word(format: Format) -> &'static str {
    match format {
        Format::Mt940 => "mt940",
        Format::Mt942 => "mt942",
        Format::Camt053 => "camt053",
        Format::Bai2 => "bai2",
        Format::Csv => "csv",
    }
}

/// The second reading; statements without an id were here already.
async fn load_lines(tx: &mut Tx, file: &SharedFile, table: &Arc<Option<Table>>, ids: Vec<Option<StatementId>>) -> Result<()> {
    let (send, mut chunks) = mpsc::channel::<LineRows>(1);
    let (file, table) = (file.clone(), table.clone());
    let reading = tokio::task::spawn_blocking(move || with_events(&file, table.as_ref().as_ref(), |events| stream(events, &ids, &send)));
    while let Some(chunk) = chunks.recv().await {
        chunk.insert(tx).await?;
    }
    let failed = |error: String| Error::Db(store::DriverError::Io(std::io::Error::other(error)));
    reading.await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

fn stream(events: Reader<'_>, ids: &[Option<StatementId>], send: &mpsc::Sender<LineRows>) -> std::result::Result<(), ReadError> {
    let mut ids = ids.iter().copied();
    let (mut current, mut ordinal, mut chunk, mut held) = (None, 0, LineRows::default(), 0);
    for event in events {
        match event? {
            Event::Opened(_) => (current, ordinal) = (ids.next().flatten(), 0),
            Event::Line(line) => {
                ordinal += 1;
                if let Some(statement) = current {
                    chunk.push(statement, &row(&line, ordinal));
                    held += 1;
                }
            }
            Event::Remark(_) | Event::Closed(_) => {}
        }
        // a closed channel: the transaction failed, nobody wants the rest
        if held == CHUNK_LINES {
            held = 0;
            if send.blocking_send(std::mem::take(&mut chunk)).is_err() {
                return Ok(());
            }
        }
    }
    // nobody wants it: as above
    let _ = send.blocking_send(chunk);
    Ok(())
}

fn row(line: &Line, ordinal: i32) -> NewLine<'_> {
    NewLine {
        ordinal,
        file_line: i64::try_from(line.line).unwrap_or(i64::MAX),
        amount: line.amount,
        booked_on: line.booking_date,
        value_on: line.value_date,
        status: match line.status {
            LineStatus::Booked => "booked",
            LineStatus::Pending => "pending",
            LineStatus::Information => "information",
        },
        reversal: line.reversal,
        bank_reference: line.bank_reference.as_deref().or(line.entry_reference.as_deref()),
        customer_reference: line.customer_reference.as_deref(),
        end_to_end_id: line.end_to_end_id.as_deref(),
        structured_references: line.structured_references.iter().map(|reference| reference.value().to_owned()).collect(),
        documents: line.documents.iter().map(|document| document.number.clone()).collect(),
        mandate: line.mandate.as_deref(),
        counterparty_name: line.counterparty_name.as_deref().or(line.ultimate_party.as_deref()),
        counterparty_account: line.counterparty_account.as_deref(),
        text: &line.text,
        transaction_code: line.transaction_code.as_deref(),
        return_reason: line.return_reason.as_deref(),
    }
}

async fn keep_outcome(tx: &mut Tx, handover: &Handover<'_>, file: &SharedFile, outcome: ImportOutcome, errors: &[Violation]) -> Result<()> {
    let kept = Kept {
        intake_id: handover.intake_id,
        received_at: handover.at,
        actor: handover.actor.to_string(),
        file_name: handover.file_name,
        outcome,
        batch_id: None,
        errors,
    };
    keep::keep(tx, file, &kept).await
}

fn refusal(intake_id: Uuid, errors: Vec<Violation>) -> StatementsReport {
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    let summary = format!("Nothing of the file came in: {first}");
    StatementsReport { outcome: ImportOutcome::Refused, intake_id, statements: Vec::new(), errors, summary }
}

fn summary(reports: &[StatementReport]) -> String {
    let fresh = reports.iter().filter(|report| !report.unchanged);
    let (count, lines) = fresh.clone().fold((0, 0), |(count, lines), report| (count + 1, lines + report.lines));
    let waiting = fresh.filter(|report| report.state == domain::statement::StatementState::Waiting).count();
    let plural = |count: usize, one: &str, many: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {many}") };
    if count == 0 {
        return format!(
            "{} here already with the same content; nothing was changed.",
            plural(reports.len(), "statement is", "statements are")
        );
    }
    let waits = if waiting == 0 { String::new() } else { format!(", {waiting} of them waiting for a second person") };
    format!(
        "{} in, with {}{waits}.",
        plural(count, "statement is", "statements are"),
        plural(usize::try_from(lines).unwrap_or(0), "line", "lines")
    )
}
