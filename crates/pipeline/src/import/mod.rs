//! Import of invoice batches: all or nothing against the manifest, row by row against the rules.
//!
//! A file is read twice. The first reading decides whether the batch stands and what its identity is; it writes nothing. The second
//! streams the documents into one transaction. So a refused batch costs the database nothing and reserves nothing, and the same
//! batch again is known before a row is written. Every file is kept, whatever came of it.

mod canonical;
pub mod compose;
mod csv;
pub mod format;
mod json;
pub(crate) mod keep;
mod load;
pub mod rules;
pub mod seals;
pub mod survey;

pub use canonical::read_only;

use crate::Context;
use chrono::{DateTime, Utc};
use domain::{
    access::{Actor, Scope},
    id::{BatchId, CorrelationId, EntityId, ExceptionId},
    notice::NoticeKind,
    stage::Stage,
    view::{ImportOutcome, ImportReport},
};
use format::ReadSeek;
use rules::violation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{
    Error, Result, Tx,
    access::audit::{self, AuditEntry},
    batches, entities, exceptions,
    movements::{self, Cause},
};
use survey::{Header, Refused, Survey};

/// Read by one thread at a time, more than once.
pub(crate) type SharedFile = Arc<Mutex<Box<dyn ReadSeek + Send>>>;

pub(crate) fn lock(file: &SharedFile) -> MutexGuard<'_, Box<dyn ReadSeek + Send>> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Documents of a batch that may change the plans of queries.
const LARGE: i64 = 10_000;

/// Longest name of a file that is kept.
const FILE_NAME_CHARS_MAX: usize = 200;

/// Who hands over what, when.
struct Handover<'a> {
    intake_id: uuid::Uuid,
    actor: &'a Actor,
    file_name: &'a str,
    at: DateTime<Utc>,
}

/// Imports a file for entities in `scope`. Refusals and conflicts are reports, not errors.
pub async fn import_file(
    cx: &Context,
    actor: &Actor,
    scope: &Scope,
    file_name: &str,
    file: impl ReadSeek + Send + 'static,
) -> anyhow::Result<ImportReport> {
    let file: SharedFile = Arc::new(Mutex::new(Box::new(file)));
    let file_name = self::file_name(file_name);
    let handover = Handover { intake_id: uuid::Uuid::now_v7(), actor, file_name: &file_name, at: cx.clock.now() };
    let mut report = match stands(cx, scope, &file).await? {
        Ok((survey, entity)) => {
            let report = crate::retry::transaction!(&cx.pool, |tx| import(tx, &handover, &file, &survey, entity).await)?;
            if report.outcome == ImportOutcome::Imported && report.documents >= LARGE {
                store::documents::refresh_statistics(&mut *cx.pool.acquire().await.map_err(Error::from)?).await?;
            }
            report
        }
        Err(refused) => {
            let report = refusal(refused);
            crate::retry::transaction!(&cx.pool, |tx| keep_outcome(tx, &handover, &file, &report).await)?;
            report
        }
    };
    report.intake_id = Some(handover.intake_id);
    Ok(report)
}

/// A name may come from anywhere; the database takes no control characters.
pub(crate) fn file_name(given: &str) -> String {
    given.chars().filter(|c| !c.is_control()).take(FILE_NAME_CHARS_MAX).collect()
}

/// A file that was read once and stands.
pub(crate) struct Standing {
    file: SharedFile,
    survey: Survey,
    entity: EntityId,
}

/// Reads a batch of our own making; one that does not stand is an error.
pub(crate) async fn read_once(cx: &Context, scope: &Scope, file: Vec<u8>) -> anyhow::Result<Standing> {
    let file: SharedFile = Arc::new(Mutex::new(Box::new(std::io::Cursor::new(file))));
    match stands(cx, scope, &file).await? {
        Ok((survey, entity)) => Ok(Standing { file, survey, entity }),
        Err(refused) => anyhow::bail!(refusal(refused).summary),
    }
}

/// Imports it in the caller's transaction.
pub(crate) async fn enter_read(tx: &mut Tx, actor: &Actor, file_name: &str, at: DateTime<Utc>, read: &Standing) -> Result<ImportReport> {
    let handover = Handover { intake_id: uuid::Uuid::now_v7(), actor, file_name, at };
    import(tx, &handover, &read.file, &read.survey, read.entity).await
}

/// The first reading. The entity must be one that the caller may import for; another one is as good as unknown.
async fn stands(cx: &Context, scope: &Scope, file: &SharedFile) -> anyhow::Result<std::result::Result<(Survey, EntityId), Refused>> {
    let header: Header = match blocking(file, |file| survey::header(file)).await? {
        Ok(header) => header,
        Err(refused) => return Ok(Err(refused)),
    };
    let known = entities::list(&mut *cx.pool.acquire().await.map_err(Error::from)?).await?;
    let Some(entity) =
        known.iter().find(|entity| entity.code == header.entity && scope.contains(entity.entity_id)).map(|entity| entity.entity_id)
    else {
        let error = violation(1, "entity", "is not an entity that you import for", &header.entity);
        return Ok(Err(Refused { batch: format!("{} / {}", header.source, header.batch), errors: vec![error] }));
    };
    let survey = blocking(file, move |file| survey::survey(file, header)).await?;
    Ok(survey.map(|survey| (survey, entity)))
}

async fn blocking<T: Send + 'static>(
    file: &SharedFile,
    read: impl FnOnce(&mut dyn ReadSeek) -> std::io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let file = file.clone();
    Ok(tokio::task::spawn_blocking(move || read(&mut **lock(&file))).await??)
}

/// The second reading, in one transaction.
async fn import(tx: &mut Tx, handover: &Handover<'_>, file: &SharedFile, survey: &Survey, entity_id: EntityId) -> Result<ImportReport> {
    let header = &survey.header;
    batches::lock_identity(tx, &header.source, &header.batch).await?;
    if let Some(taken) = batches::find(tx, &header.source, &header.batch).await? {
        let report = repeated(survey, &taken);
        keep_outcome(tx, handover, file, &report).await?;
        return Ok(report);
    }
    let batch_id = BatchId(uuid::Uuid::now_v7());
    let batch = batches::NewBatch {
        batch_id,
        source: &header.source,
        number: &header.batch,
        entity_id,
        period: header.period,
        content_hash: &survey.content_hash,
        document_count: survey.documents,
        received_at: handover.at,
        actor: handover.actor.to_string(),
    };
    batches::insert(tx, &batch, &header.manifest).await?;
    let closed = batches::closed_periods(tx, entity_id).await?.into_iter().collect();
    let target = load::Target { batch_id, entity_id, at: handover.at, closed };
    let loaded = load::load(tx, file, survey, &target).await?;
    enter(tx, handover, survey, &target, &loaded).await?;
    let report = imported(survey, batch_id, &loaded);
    keep_outcome(tx, handover, file, &report).await?;
    store::seals::append(tx, entity_id, batch_id, "intake", &survey.sealed, handover.at).await?;
    let entry = AuditEntry {
        at: handover.at,
        actor: handover.actor.clone(),
        action: "batch.import",
        subject: batch_id.to_string(),
        entity_id: Some(entity_id),
        before: None,
        after: Some(serde_json::json!({"batch": report.batch, "documents": report.documents, "rejected": report.rejected})),
    };
    audit::append(tx, &entry).await?;
    Ok(report)
}

/// First movements and totals of what came in, last ones of what it replaced, and the news for subscribers.
async fn enter(tx: &mut Tx, handover: &Handover<'_>, survey: &Survey, target: &load::Target, loaded: &load::Loaded) -> Result<()> {
    let header = &survey.header;
    let mut cause = Cause {
        actor: handover.actor.clone(),
        reason: format!("imported with batch {} of {}", header.batch, header.source),
        correlation_id: CorrelationId(uuid::Uuid::now_v7()),
        at: handover.at,
    };
    movements::enter_batch(tx, target.batch_id, &cause).await?;
    if !loaded.superseded.is_empty() {
        cause.reason = format!("replaced by a newer version in batch {} of {}", header.batch, header.source);
        exceptions::close(tx, &loaded.superseded, NoticeKind::Superseded, None, handover.at).await?;
        movements::transition(tx, &loaded.superseded, Stage::Superseded, &cause).await?;
    }
    let ids: Vec<ExceptionId> = (0..loaded.rejected).map(|_| ExceptionId(uuid::Uuid::now_v7())).collect();
    exceptions::open_rejected(tx, target.batch_id, &ids, handover.at).await?;
    batches::announce(tx, target.batch_id, handover.at).await?;
    Ok(())
}

async fn keep_outcome(tx: &mut Tx, handover: &Handover<'_>, file: &SharedFile, report: &ImportReport) -> Result<()> {
    let kept = keep::Kept {
        intake_id: handover.intake_id,
        received_at: handover.at,
        actor: handover.actor.to_string(),
        file_name: handover.file_name,
        outcome: report.outcome,
        batch_id: report.batch_id,
        errors: &report.errors,
    };
    keep::keep(tx, file, &kept).await
}

fn batch_name(survey: &Survey) -> String {
    format!("{} / {}", survey.header.source, survey.header.batch)
}

fn imported(survey: &Survey, batch_id: BatchId, loaded: &load::Loaded) -> ImportReport {
    let batch = batch_name(survey);
    let rejected = if loaded.rejected == 0 { String::new() } else { format!(", {} of them rejected", loaded.rejected) };
    ImportReport {
        intake_id: None,
        outcome: ImportOutcome::Imported,
        batch_id: Some(batch_id),
        documents: loaded.documents,
        rejected: loaded.rejected,
        errors: loaded.violations.clone(),
        summary: format!("Batch {batch} is in: complete: {} in = {} accounted for{rejected}.", survey.documents, loaded.documents),
        batch,
    }
}

fn repeated(survey: &Survey, taken: &batches::Taken) -> ImportReport {
    let batch = batch_name(survey);
    let (outcome, errors, summary) = if taken.content_hash == survey.content_hash {
        (ImportOutcome::Unchanged, Vec::new(), format!("Batch {batch} is here already with the same content; nothing was changed."))
    } else {
        let error = violation(1, "batch", "is taken by other content; a correction needs a new batch number", &survey.header.batch);
        (ImportOutcome::Conflict, vec![error], format!("Batch {batch} is here already with other content; nothing was changed."))
    };
    ImportReport {
        outcome,
        intake_id: None,
        batch_id: Some(taken.batch_id),
        documents: taken.document_count.into(),
        rejected: 0,
        errors,
        summary,
        batch,
    }
}

fn refusal(refused: Refused) -> ImportReport {
    let first = refused.errors.first().map(ToString::to_string).unwrap_or_default();
    let more = refused.errors.len().saturating_sub(1);
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    ImportReport {
        intake_id: None,
        outcome: ImportOutcome::Refused,
        batch_id: None,
        summary: format!("The batch was refused: {first}{more}. Nothing of it came in."),
        batch: refused.batch,
        documents: 0,
        rejected: 0,
        errors: refused.errors,
    }
}
