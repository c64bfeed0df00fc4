//! Read-back: what the ERPs hold, asked for again and again, and compared with what we sent.
//!
//! [`sync`] copies every AR posting of an entity's periods, whoever made it. [`confirm`] compares ours: exactly one document in
//! the ERP's ledger per posting key, and equal, is *confirmed*; anything else is a *mismatch*, also when it was confirmed
//! before. An ERP that does not answer changes nothing. No transaction is open while it is asked.

mod applications;

use crate::{Context, erps::Erps, posting::BATCH, retry::transaction};
use anyhow::Context as _;
use connectors::{Erp, PeriodTotals, ReadError};
use domain::{
    access::Actor,
    exception::{Cause as Trouble, ExceptionKind},
    id::{CorrelationId, DocumentId, EntityId, ExceptionId},
    notice::NoticeKind,
    period::AccountingPeriod,
    posting::{ErpDocument, ErpState, MappedDocument, differences},
    stage::Stage,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};
use store::{
    Conn,
    connections::{self, AttachedEntity},
    erp_documents::{self, Compared, Held, Read},
    exceptions::{self, NewException},
    movements::{Cause, Move, transition_all},
    postings,
};
use uuid::Uuid;

/// Rows written in one statement.
const CHUNK: usize = 2_000;
/// Periods with documents that are read every time; older ones only while something of theirs waits to be confirmed.
const PERIODS_READ: usize = 3;
/// How often the periods are read before a difference from the ERP's own totals fails the read.
const READS: u32 = 3;
/// How often one page is asked for while the ERP says it has too much to do; posting shares its limits.
const THROTTLED_TRIES: u32 = 6;
/// The longest wait between them.
const THROTTLED_WAIT_MAX: Duration = Duration::from_secs(10);

/// What a read-back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadBack {
    pub read: usize,
    pub gone: u64,
    pub confirmed: usize,
    pub mismatched: usize,
}

impl std::ops::AddAssign for ReadBack {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.gone += other.gone;
        self.confirmed += other.confirmed;
        self.mismatched += other.mismatched;
    }
}

/// Reads a period and its neighbours, into which the ERP may have moved ours, and compares.
pub async fn sync(cx: &Context, erps: &Erps, entity: EntityId, period: AccountingPeriod) -> anyhow::Result<ReadBack> {
    sync_periods(cx, erps, &attached(cx, entity).await?, &[period.previous(), period, period.next()]).await
}

/// Reads every period of an entity in which something of ours may stand, and compares.
pub async fn sync_entity(cx: &Context, erps: &Erps, entity: &AttachedEntity) -> anyhow::Result<ReadBack> {
    let periods = periods(cx, entity.entity_id).await?;
    sync_periods(cx, erps, entity, &periods).await
}

pub async fn attached(cx: &Context, entity: EntityId) -> anyhow::Result<AttachedEntity> {
    let all = connections::attached_entities(&mut *cx.pool.acquire().await.map_err(store::Error::from)?).await?;
    all.into_iter().find(|attached| attached.entity_id == entity).with_context(|| format!("entity {entity} has no ERP connection"))
}

/// The newest periods with documents in the ERP, all with documents to be confirmed, this month, and the one after each.
async fn periods(cx: &Context, entity: EntityId) -> anyhow::Result<Vec<AccountingPeriod>> {
    let in_erp = erp_documents::periods_in_erp(&mut *cx.pool.acquire().await.map_err(store::Error::from)?, entity).await?;
    let mut wanted = BTreeSet::from([AccountingPeriod::of(cx.clock.now().date_naive())]);
    wanted.extend(in_erp.iter().enumerate().filter(|(place, (_, waits))| *place < PERIODS_READ || *waits).map(|(_, (period, _))| *period));
    let next: Vec<_> = wanted.iter().map(|period| period.next()).collect();
    wanted.extend(next);
    Ok(wanted.into_iter().collect())
}

/// Reads the periods, all or none, and compares. They are one read, because a document may have moved from one to another.
async fn sync_periods(cx: &Context, erps: &Erps, entity: &AttachedEntity, periods: &[AccountingPeriod]) -> anyhow::Result<ReadBack> {
    let erp = erps.get(entity.connection_id).with_context(|| format!("connection {} is not there", entity.connection_id))?;
    let read = Read { read_id: Uuid::now_v7(), entity: entity.entity_id, connection: entity.connection_id, started_at: cx.clock.now() };
    let seen = match read_all(&**erp, &entity.mapping.entity_ref, periods).await {
        Ok(seen) => seen,
        Err(error) => {
            let reason = error.to_string();
            transaction!(&cx.pool, |tx| erp_documents::record_failure(tx, read, periods, &reason).await)?;
            return Err(anyhow::Error::new(error).context(format!("reading {} back", entity.mapping.entity_code)));
        }
    };
    let gone = write(cx, read, periods, &seen).await?;
    let applications = applications::read(cx, &**erp, entity).await?;
    let mut done = confirm(cx, entity).await?;
    (done.read, done.gone) = (seen.len() + applications, gone);
    Ok(done)
}

/// Every document of the periods, once, in full: what the pages hold is what the ERP totalled before. Somebody at work in
/// the ERP may change a document in between, so a difference counts when it stays.
async fn read_all(erp: &dyn Erp, entity_ref: &str, periods: &[AccountingPeriod]) -> Result<Vec<ErpDocument>, ReadError> {
    let mut reads = 1;
    loop {
        match read_once(erp, entity_ref, periods).await {
            Err(ReadError::Incomplete(_)) if reads < READS => reads += 1,
            done => return done,
        }
    }
}

async fn read_once(erp: &dyn Erp, entity_ref: &str, periods: &[AccountingPeriod]) -> Result<Vec<ErpDocument>, ReadError> {
    // all totals first: what moves from one period to another while we read differs from both
    let mut openings = Vec::new();
    for period in periods {
        openings.push((*period, patient(|| erp.open_period(entity_ref, *period)).await?));
    }
    let mut seen = BTreeMap::new();
    for (period, opening) in openings {
        let mut read = PeriodTotals::default();
        let mut cursor = Some(opening.cursor);
        while let Some(at) = cursor {
            let page = patient(|| erp.read_period(entity_ref, period, &at)).await?;
            page.documents.iter().for_each(|document| read.add_document(document));
            seen.extend(page.documents.into_iter().map(|document| (document.erp_id.clone(), document)));
            if page.next.as_ref() == Some(&at) {
                return Err(ReadError::Unreadable(format!("page {at} follows itself")));
            }
            cursor = page.next;
        }
        if let Some(difference) = opening.totals.difference(&read, period) {
            return Err(ReadError::Incomplete(difference));
        }
    }
    Ok(seen.into_values().collect())
}

/// Asks again while the ERP says it has too much to do.
async fn patient<T, Asking: Future<Output = Result<T, ReadError>>>(ask: impl Fn() -> Asking) -> Result<T, ReadError> {
    let mut tries = 0;
    loop {
        match ask().await {
            Err(ReadError::Throttled { retry_after_seconds }) if tries < THROTTLED_TRIES => {
                let wait = retry_after_seconds.map_or(Duration::from_millis(500 << tries), Duration::from_secs);
                tokio::time::sleep(wait.min(THROTTLED_WAIT_MAX)).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

async fn write(cx: &Context, read: Read, periods: &[AccountingPeriod], seen: &[ErpDocument]) -> store::Result<u64> {
    let mut counts: BTreeMap<AccountingPeriod, i32> = periods.iter().map(|period| (*period, 0)).collect();
    for document in seen {
        if let Some(count) = counts.get_mut(&AccountingPeriod::of(document.posting_date)) {
            *count += 1;
        }
    }
    let counts: Vec<_> = counts.into_iter().collect();
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        for chunk in seen.chunks(CHUNK) {
            erp_documents::upsert(tx, read, chunk).await?;
        }
        let gone = erp_documents::mark_gone(tx, read, periods, now).await?;
        erp_documents::record_read(tx, read, &counts, now).await?;
        Ok(gone)
    })
}

/// Compares what is new or changed in the ERP with ours.
pub async fn confirm(cx: &Context, entity: &AttachedEntity) -> store::Result<ReadBack> {
    let mut done = ReadBack::default();
    loop {
        let (taken, confirmed, mismatched) = transaction!(&cx.pool, |tx| confirm_batch(cx, tx, entity).await)?;
        done.confirmed += confirmed;
        done.mismatched += mismatched;
        if taken < BATCH {
            return Ok(done);
        }
    }
}

async fn confirm_batch(cx: &Context, tx: &mut Conn, entity: &AttachedEntity) -> store::Result<(usize, usize, usize)> {
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let ours = erp_documents::claim_unchecked(tx, entity.entity_id, limit).await?;
    if ours.is_empty() {
        return Ok((0, 0, 0));
    }
    let ids: Vec<DocumentId> = ours.iter().map(|document| document.document_id).collect();
    let rows = erp_documents::held(tx, &ids).await?;
    let mut held: HashMap<DocumentId, Vec<&Held>> = HashMap::new();
    for row in &rows {
        held.entry(row.document_id).or_default().push(row);
    }
    let (mut equal, mut cleared) = (Vec::new(), Vec::new());
    let mut different: BTreeMap<&'static str, Vec<DocumentId>> = BTreeMap::new();
    let mut troubles = Vec::new();
    for document in &ours {
        let verdict = compare(document, held.get(&document.document_id).map_or(&[], Vec::as_slice));
        match (document.stage, verdict) {
            (Stage::Confirmed, None) => {}
            (Stage::Mismatch, None) => {
                equal.push(document.document_id);
                cleared.push(document.document_id);
            }
            (_, None) => equal.push(document.document_id),
            (stage, Some((reason, cause))) => {
                if stage != Stage::Mismatch {
                    different.entry(reason).or_default().push(document.document_id);
                }
                let exception_id = ExceptionId(Uuid::now_v7());
                troubles.push(NewException {
                    exception_id,
                    document_id: document.document_id,
                    system: Some(entity.system),
                    cause,
                    besides: Vec::new(),
                });
            }
        }
    }
    let moved = different.values().map(Vec::len).sum();
    settle(cx, tx, &equal, &cleared, &different, &troubles).await?;
    erp_documents::mark_checked(tx, &rows).await?;
    Ok((ours.len(), equal.len(), moved))
}

async fn settle(
    cx: &Context,
    tx: &mut Conn,
    equal: &[DocumentId],
    cleared: &[DocumentId],
    different: &BTreeMap<&'static str, Vec<DocumentId>>,
    troubles: &[NewException],
) -> store::Result<()> {
    let now = cx.clock.now();
    let correlation_id = CorrelationId(Uuid::now_v7());
    let cause = |reason: &str| Cause { actor: Actor::System("read-back".into()), reason: reason.into(), correlation_id, at: now };
    let confirmed = cause("read back and equal");
    let reasons: Vec<(Cause, &[DocumentId])> = different.iter().map(|(reason, documents)| (cause(reason), documents.as_slice())).collect();
    let mut moves = vec![Move { documents: equal, to: Stage::Confirmed, cause: &confirmed }];
    moves.extend(reasons.iter().map(|(cause, documents)| Move { documents, to: Stage::Mismatch, cause }));
    transition_all(tx, &moves).await?;
    postings::publish(tx, "PostingConfirmed", equal, now).await?;
    exceptions::close(tx, cleared, NoticeKind::Cleared, None, now).await?;
    postings::publish(tx, "ExceptionResolved", cleared, now).await?;
    for (_, documents) in reasons {
        postings::publish(tx, "ExceptionOpened", documents, now).await?;
    }
    if !troubles.is_empty() {
        exceptions::open(tx, troubles, now).await?;
    }
    Ok(())
}

/// Exactly one document that is neither gone nor voided, in the ledger and equal: `None`. Else why not, for the movement and
/// for people. A voided copy beside the one that counts does no harm.
fn compare(ours: &Compared, held: &[&Held]) -> Option<(&'static str, Trouble)> {
    let trouble = |code: &str, message: String, field: Option<&str>| Trouble {
        kind: ExceptionKind::Mismatch,
        code: code.into(),
        message,
        field: field.map(Into::into),
        missing: None,
    };
    let there: Vec<&ErpDocument> =
        held.iter().filter(|row| !row.gone && row.document.state != ErpState::Voided).map(|row| &row.document).collect();
    let numbers = |of: &[&ErpDocument]| of.iter().map(|document| document.erp_number.as_str()).collect::<Vec<_>>().join(", ");
    let theirs = match there.as_slice() {
        [] => {
            let voided: Vec<&ErpDocument> = held.iter().filter(|row| !row.gone).map(|row| &row.document).collect();
            return Some(if voided.is_empty() {
                let last: Vec<&ErpDocument> = held.iter().map(|row| &row.document).collect();
                (
                    "no longer in the ERP",
                    trouble("GONE_FROM_ERP", format!("{} was in the ERP and is not there any more", numbers(&last)), None),
                )
            } else {
                ("voided in the ERP", trouble("VOIDED_IN_ERP", format!("{} was voided in the ERP", numbers(&voided)), Some("state")))
            });
        }
        [one] => *one,
        more => {
            let message = format!("{} documents in the ERP carry our key: {}", more.len(), numbers(more));
            return Some(("twice in the ERP", trouble("TWICE_IN_ERP", message, None)));
        }
    };
    match serde_json::from_value::<MappedDocument>(ours.mapped.clone()) {
        Ok(mapped) => {
            let differs = differences(&mapped, theirs);
            let moved = differs.iter().any(|difference| difference.field == "posting date");
            let reason = if moved { "re-dated in the ERP" } else { "different in the ERP" };
            (!differs.is_empty()).then(|| (reason, Trouble::of_differences(&differs)))
        }
        Err(error) => Some(("can't be compared", trouble("UNREADABLE", format!("what we sent can't be read any more: {error}"), None))),
    }
}
