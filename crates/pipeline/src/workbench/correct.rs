//! Corrections of posted documents: proposed from where a document stands, with what they do to the books, and carried out as a
//! batch of their own, through the same door as every other one. Above the limit a second person decides.

use super::{Resolved, WorkError, approve, text};
use crate::{Context, import, posting::map::codes, retry::transaction};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    access::{Caller, Scope},
    approval::ApprovalAct,
    correction::{Correction, CorrectionView, Standing, effect},
    document::DocumentContent,
    id::{ApprovalId, BatchId, DocumentId, EntityId},
    mapping::MappingKind,
    money::grouped,
    period::{AccountingPeriod, PeriodState},
    stage::Stage,
    view::ImportOutcome,
};
use std::collections::HashMap;
use store::{
    Error, Tx,
    approvals::{self, About, Ask},
    calendars, connections, contents, documents, entities,
    exceptions::{self, Subject},
    limits::{self, Act, Reach},
    mappings,
};

/// Under which source corrections come in.
const SOURCE: &str = "tieout-corrections";

/// What decides about corrections of one document, read in one transaction.
struct Facts {
    entity: EntityId,
    content: DocumentContent,
    in_erp: Option<bool>,
    credited_by: Option<String>,
    periods: HashMap<AccountingPeriod, PeriodState>,
}

impl Facts {
    async fn read(tx: &mut Tx, document: DocumentId) -> store::Result<Self> {
        let stored = contents::load(tx, &[document]).await?.pop().ok_or(Error::RowsAffected { expected: 1, actual: 0 })?;
        let (in_erp, credited_by) = documents::correction_facts(tx, document).await?;
        let periods = entities::periods(tx, stored.entity_id).await?;
        Ok(Self { entity: stored.entity_id, content: stored.content, in_erp, credited_by, periods })
    }

    fn standing(&self, stage: Stage, today: NaiveDate) -> Standing<'_> {
        let state = |period| self.periods.get(&period).copied().unwrap_or(PeriodState::Open);
        Standing {
            content: &self.content,
            stage,
            in_erp: self.in_erp,
            credited_by: self.credited_by.clone(),
            period: state(self.content.period),
            today,
            current: state(AccountingPeriod::of(today)),
        }
    }
}

/// Every correction, possible or why not, with its effect on the books.
pub async fn proposals(cx: &Context, scope: &Scope, document: DocumentId, stage: Stage) -> Result<Vec<CorrectionView>, WorkError> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let facts = Facts::read(tx, document).await?;
        if !scope.contains(facts.entity) {
            return Ok(Err(WorkError::NotFound));
        }
        let today = today(tx, facts.entity, now).await?;
        let attached = connections::attached_entities(tx).await?.into_iter().find(|attached| attached.entity_id == facts.entity);
        let lookup = match attached {
            Some(attached) => Some(mappings::lookup(tx, attached.connection_id, &codes([&facts.content])).await?),
            None => None,
        };
        let account = |item: &str| lookup.as_ref()?.get(MappingKind::Account, item).map(str::to_owned);
        let standing = facts.standing(stage, today);
        let view = |correction: &Correction| {
            let refusal = standing.refusal(*correction);
            let made = if refusal.is_none() { standing.documents(*correction) } else { Vec::new() };
            let effects = made.iter().flat_map(|document| effect(document, account)).collect();
            CorrectionView { correction: *correction, refusal, effects }
        };
        Ok(Ok(Correction::ALL.iter().map(view).collect()))
    })?
}

/// A correction's documents, as a batch that was read and stands.
pub(super) struct Made {
    correction: Correction,
    dated: NaiveDate,
    plan: String,
    documents: Vec<DocumentContent>,
    batch: import::Standing,
}

/// Which day it is where the entity keeps its books.
async fn today(tx: &mut Tx, entity: EntityId, now: DateTime<Utc>) -> store::Result<NaiveDate> {
    let calendar = calendars::of(tx, &[entity]).await?.remove(&entity);
    Ok(calendar.map_or_else(|| now.date_naive(), |calendar| calendar.day(now)))
}

/// `dated`: the day it was asked for; `None`: today.
async fn make(cx: &Context, document: DocumentId, correction: Correction, dated: Option<NaiveDate>) -> Result<Made, WorkError> {
    let now = cx.clock.now();
    let (facts, code, dated) = transaction!(&cx.pool, |tx| {
        let facts = Facts::read(tx, document).await?;
        let code = entities::list(tx).await?.into_iter().find(|entity| entity.entity_id == facts.entity).map(|entity| entity.code);
        let dated = match dated {
            Some(dated) => dated,
            None => today(tx, facts.entity, now).await?,
        };
        Ok((facts, code.unwrap_or_default(), dated))
    })?;
    // where it stands is asked again under the lock
    let documents = facts.standing(Stage::Confirmed, dated).documents(correction);
    let plan = documents.iter().map(in_words).collect::<Vec<_>>().join("; ");
    // a number is unique within its entity and kind only
    let number = format!("{code}-{}-{}-{correction}", facts.content.kind, facts.content.number);
    let file = import::compose::file(SOURCE, &number, &code, &documents);
    let batch = import::read_once(cx, &Scope::of_system(vec![facts.entity]), file.to_string().into_bytes()).await;
    let batch = batch.map_err(|error| WorkError::Conflict(format!("{error:#}")))?;
    Ok(Made { correction, dated, plan, documents, batch })
}

fn in_words(document: &DocumentContent) -> String {
    let DocumentContent { kind, number, amount, currency, posting_date, .. } = document;
    format!("{} {number} of {} {currency}, posting date {posting_date}", kind.label().to_lowercase(), grouped(*amount))
}

/// Asks for a correction; within the limit it is carried out at once.
pub async fn ask(
    cx: &Context,
    caller: &Caller,
    scope: &Scope,
    document: DocumentId,
    correction: Correction,
    reason: &str,
) -> Result<Resolved, WorkError> {
    let reason = text("reason", reason)?;
    let act = act(correction).ok_or_else(|| WorkError::Conflict("It was issued; a void is only possible before issue.".into()))?;
    let made = make(cx, document, correction, None).await?;
    transaction!(&cx.pool, |tx| {
        let Some(subject) = exceptions::lock_document(tx, scope, document).await? else { return Ok(Err(WorkError::NotFound)) };
        if let Some(refusal) = refusal(tx, &subject, &made).await? {
            return Ok(Err(WorkError::Conflict(refusal)));
        }
        let about = format!("document:{document}");
        let reach = Reach { entity_id: subject.entity_id, currency: subject.currency.clone(), amount: subject.amount };
        let act_of = Act { person: &caller.email, act: "correct", subject: &about, at: cx.clock.now() };
        let within_limit = limits::use_up(tx, act_of, &[reach]).await?;
        let ask = Ask { act, plan: made.plan.clone(), erp_number: None, dated: Some(made.dated), content: None, reason: reason.clone() };
        let asked = approve::request(cx, tx, caller, &subject, ask, within_limit).await?;
        if within_limit && asked.is_ok() {
            enter(cx, tx, caller, &made).await?;
        }
        Ok(asked)
    })?
}

fn act(correction: Correction) -> Option<ApprovalAct> {
    ApprovalAct::ALL.iter().copied().find(|act| act.correction() == Some(correction))
}

/// Why it can't be done as the document stands now; the caller holds its row.
async fn refusal(tx: &mut Tx, subject: &Subject, made: &Made) -> store::Result<Option<String>> {
    let facts = Facts::read(tx, subject.document_id).await?;
    if let Some(refusal) = facts.standing(subject.stage, made.dated).refusal(made.correction) {
        return Ok(Some(refusal));
    }
    let keys: Vec<_> = made.documents.iter().map(|document| (document.kind, document.number.as_str())).collect();
    let priors = documents::priors(tx, subject.entity_id, BatchId(uuid::Uuid::nil()), &keys).await?;
    Ok(priors.into_iter().find(|prior| !prior.rejected).map(|prior| format!("{} is there already.", prior.number)))
}

async fn enter(cx: &Context, tx: &mut Tx, caller: &Caller, made: &Made) -> store::Result<()> {
    let report = import::enter_read(tx, &caller.actor(), "correction.json", cx.clock.now(), &made.batch).await?;
    if report.outcome == ImportOutcome::Imported && report.rejected == 0 {
        return Ok(());
    }
    let why = report.errors.first().map_or(report.summary, ToString::to_string);
    Err(Error::Corrupt { table: "batch", column: "content", id: report.batch, why })
}

/// What an approved correction makes; `None`: the request is another act, or not there.
pub(super) async fn prepare_approved(cx: &Context, scope: &Scope, approval: ApprovalId) -> Result<Option<Made>, WorkError> {
    let open = transaction!(&cx.pool, |tx| approvals::lock_open(tx, scope, approval).await)?;
    let wanted = open.and_then(|open| Some((open.about, open.ask.act.correction()?, open.ask.dated?)));
    match wanted {
        Some((About::Document(document), correction, dated)) => make(cx, document, correction, Some(dated)).await.map(Some),
        Some((About::Rules(_), ..)) | None => Ok(None),
    }
}

pub(super) async fn carry_out(
    cx: &Context,
    tx: &mut Tx,
    caller: &Caller,
    subject: &Subject,
    made: Option<&Made>,
) -> store::Result<Result<(), WorkError>> {
    let Some(made) = made else { return Ok(Err(WorkError::NotFound)) };
    if let Some(refusal) = refusal(tx, subject, made).await? {
        return Ok(Err(WorkError::Conflict(refusal)));
    }
    enter(cx, tx, caller, made).await?;
    Ok(Ok(()))
}
