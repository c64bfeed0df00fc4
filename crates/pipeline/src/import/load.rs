//! The second reading: documents stream into the database, a chunk at a time, in the caller's transaction. Here a row also meets
//! what only the database knows: closed periods, and what its number was used for before.

use super::{
    SharedFile, format,
    rules::{self, ReadDocument, violation},
    survey::{ERRORS_MAX, Survey},
};
use chrono::{DateTime, Utc};
use domain::{
    document::Violation,
    id::{BatchId, DocumentId, EntityId},
    period::AccountingPeriod,
    stage::{DocumentKind, Stage},
};
use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
};
use store::{
    Conn, Error, Result,
    documents::{self, DocumentRows, LineRows, NewDocument, Prior},
};
use tokio::sync::mpsc;

/// Documents of one COPY. With three chunks under way this bounds the memory of an import.
const CHUNK_DOCUMENTS: usize = 2_000;

/// Where the documents of a batch go.
pub struct Target {
    pub batch_id: BatchId,
    pub entity_id: EntityId,
    pub at: DateTime<Utc>,
    pub closed: BTreeSet<AccountingPeriod>,
}

/// What loading came to.
#[derive(Debug, Default)]
pub struct Loaded {
    pub documents: i64,
    pub rejected: i64,
    /// Rules that rows broke; the first of many.
    pub violations: Vec<Violation>,
    /// Older versions that the new ones take the place of; still to be moved.
    pub superseded: Vec<DocumentId>,
}

/// Inserts every document and its lines. Rows enter no stage total yet, and superseded versions are named but not moved.
pub async fn load(conn: &mut Conn, file: &SharedFile, survey: &Survey, target: &Target) -> Result<Loaded> {
    let (send, mut chunks) = mpsc::channel(1);
    let (file, period) = (file.clone(), survey.header.period);
    let reading = tokio::task::spawn_blocking(move || read_chunks(&file, period, &send));
    documents::prefer_indexes(conn).await?;
    let mut loading = Loading { target, loaded: Loaded::default(), numbers: HashMap::new() };
    while let Some(chunk) = chunks.recv().await {
        loading.chunk(conn, chunk).await?;
    }
    reading.await.map_err(|error| Error::Db(sqlx_io(std::io::Error::other(error))))?.map_err(|error| Error::Db(sqlx_io(error)))?;
    if loading.loaded.documents != i64::from(survey.documents) {
        return Err(Error::Db(sqlx_io(std::io::Error::other("the file changed while it was read"))));
    }
    Ok(loading.loaded)
}

fn sqlx_io(error: std::io::Error) -> store::DriverError {
    store::DriverError::Io(error)
}

/// Documents that were read, and what of them needs no database.
#[derive(Default)]
struct Chunk {
    documents: Vec<(DocumentId, ReadDocument)>,
    lines: LineRows,
}

/// Reads on a thread of its own, as far ahead as the channel lets it.
fn read_chunks(file: &SharedFile, period: AccountingPeriod, send: &mpsc::Sender<Chunk>) -> std::io::Result<()> {
    let mut file = super::lock(file);
    let mut chunk = Chunk::default();
    let mut unreadable = false;
    let read = format::documents(&mut **file, &mut |raw| {
        match rules::read(&raw, period) {
            Ok(document) => {
                let document_id = DocumentId(uuid::Uuid::now_v7());
                chunk.lines.push(document_id, &document.content.lines);
                chunk.documents.push((document_id, document));
            }
            Err(_) => unreadable = true,
        }
        // a closed channel: the transaction failed, nobody wants the rest
        let full = chunk.documents.len() == CHUNK_DOCUMENTS;
        let sent = !full || send.blocking_send(std::mem::take(&mut chunk)).is_ok();
        if sent && !unreadable { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    match read {
        Ok(()) => {
            let _ = send.blocking_send(chunk);
            Ok(())
        }
        Err(format::ReadError::Io(error)) => Err(error),
        // the first reading found it readable
        Err(error) => Err(std::io::Error::other(error)),
    }
}

struct Loading<'a> {
    target: &'a Target,
    loaded: Loaded,
    /// Numbers that this file has used, by a hash (half of BLAKE3, far beyond chance), and where.
    numbers: HashMap<[u8; 16], u32>,
}

impl Loading<'_> {
    async fn chunk(&mut self, conn: &mut Conn, chunk: Chunk) -> Result<()> {
        let Chunk { mut documents, lines } = chunk;
        let keys: Vec<(DocumentKind, &str)> =
            documents.iter().map(|(_, document)| (document.content.kind, document.content.number.as_str())).collect();
        let mut priors: HashMap<(DocumentKind, String), Vec<Prior>> = HashMap::new();
        for prior in store::documents::priors(conn, self.target.entity_id, self.target.batch_id, &keys).await? {
            priors.entry((prior.kind, prior.number.clone())).or_default().push(prior);
        }
        let (mut rows, mut successors) = (DocumentRows::default(), Vec::new());
        for (document_id, document) in &mut documents {
            let document_id = *document_id;
            let replaced = self.judge(document, &priors);
            successors.extend(replaced.into_iter().map(|old| (old, document_id)));
            self.count(document);
            let line = i32::try_from(self.loaded.documents).unwrap_or(i32::MAX);
            let new = NewDocument {
                document_id,
                line,
                content: &document.content,
                content_hash: &document.content_hash,
                violations: &document.violations,
            };
            rows.push(self.target.batch_id, self.target.entity_id, self.target.at, &new)?;
        }
        if !successors.is_empty() {
            store::documents::name_successors(conn, &successors).await?;
            self.loaded.superseded.extend(successors.iter().map(|(old, _)| *old));
        }
        rows.insert(lines, conn).await
    }

    fn count(&mut self, document: &ReadDocument) {
        self.loaded.documents += 1;
        if !document.violations.is_empty() {
            self.loaded.rejected += 1;
            let room = ERRORS_MAX.saturating_sub(self.loaded.violations.len());
            self.loaded.violations.extend(document.violations.iter().take(room).cloned());
        }
    }

    /// Adds what the database and the rest of the file say against a row; otherwise says which versions it replaces.
    fn judge(&mut self, document: &mut ReadDocument, priors: &HashMap<(DocumentKind, String), Vec<Prior>>) -> Vec<DocumentId> {
        let content = &document.content;
        let mut breaks = |field: &str, rule: String, value: &str| document.violations.push(violation(document.line, field, rule, value));
        if self.target.closed.contains(&content.period) {
            breaks("posting_date", format!("{} is hard closed", content.period), &content.posting_date.to_string());
        }
        let key = (content.kind, content.number.clone());
        if !content.number.is_empty() {
            if let Some(first) = self.numbers.get(&number_key(&key)) {
                breaks("number", format!("stands in this file already, at line {first}"), &content.number);
            }
            self.numbers.entry(number_key(&key)).or_insert(document.line);
        }
        let replaced = match succession(content.version, priors.get(&key).map_or(&[], Vec::as_slice)) {
            Ok(replaced) => replaced,
            Err((field, rule)) => {
                let value = if field == "number" { content.number.clone() } else { content.version.to_string() };
                breaks(field, rule, &value);
                Vec::new()
            }
        };
        if document.violations.is_empty() { replaced } else { Vec::new() }
    }
}

fn number_key((kind, number): &(DocumentKind, String)) -> [u8; 16] {
    let hash = domain::seal::Canonical::new("number").text(kind.as_str()).text(number).finish();
    let mut key = [0; 16];
    key.copy_from_slice(&hash[..16]);
    key
}

/// Which earlier rows a version replaces, or why it can't come in.
///
/// The last version that counted decides: the next one replaces it, while it has not gone to the ERP. Rejected rows reserve
/// nothing: a corrected row may keep their version or count on, and replaces them.
fn succession(version: i32, priors: &[Prior]) -> std::result::Result<Vec<DocumentId>, (&'static str, String)> {
    let last = priors.iter().filter(|prior| !prior.rejected).max_by_key(|prior| prior.version);
    let counted = last.map_or(0, |prior| prior.version);
    let tries = || priors.iter().filter(|prior| prior.rejected && prior.version > counted);
    let next = tries().map(|prior| prior.version).max().unwrap_or(counted) + 1;
    if let Some(last) = last.filter(|last| version <= last.version) {
        return Err(("number", format!("was seen before: version {} in batch {}, now {}", last.version, last.batch_number, last.stage)));
    }
    if version > next {
        return Err(("version", format!("is not the next version: expected {next}")));
    }
    let mut replaced: Vec<DocumentId> = tries().filter(|prior| !prior.superseded).map(|prior| prior.document_id).collect();
    if let Some(last) = last.filter(|last| !last.superseded) {
        if last.stage.check_move(Stage::Superseded).is_err() {
            let rule = format!("version {} is {} and can't be replaced; correct it by a credit memo", last.version, last.stage.label());
            return Err(("version", rule));
        }
        if last.settled {
            return Err(("version", format!("version {} is settled in part; take the application back first", last.version)));
        }
        replaced.push(last.document_id);
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prior(version: i32, stage: Stage) -> Prior {
        Prior {
            document_id: DocumentId(uuid::Uuid::from_u128(version.unsigned_abs().into())),
            kind: DocumentKind::Invoice,
            number: "INV-1".into(),
            version,
            stage,
            rejected: stage == Stage::Rejected,
            superseded: stage == Stage::Superseded,
            batch_number: "B".into(),
            settled: false,
        }
    }

    fn check(version: i32, priors: &[(i32, Stage)]) -> std::result::Result<usize, &'static str> {
        let priors: Vec<Prior> = priors.iter().map(|(version, stage)| prior(*version, *stage)).collect();
        succession(version, &priors).map(|replaced| replaced.len()).map_err(|(field, _)| field)
    }

    #[test]
    fn the_next_version_replaces_the_last_one() {
        use Stage::*;
        assert_eq!(check(1, &[]), Ok(0));
        assert_eq!(check(2, &[]), Err("version"));
        for stage in [Finalized, Held, Exception] {
            assert_eq!(check(2, &[(1, stage)]), Ok(1), "{stage}");
            assert_eq!(check(1, &[(1, stage)]), Err("number"), "{stage}");
            assert_eq!(check(3, &[(1, stage)]), Err("version"), "{stage}");
        }
        assert_eq!(check(3, &[(1, Superseded), (2, Finalized)]), Ok(1));
    }

    #[test]
    fn what_may_be_in_the_erp_is_not_replaced() {
        use Stage::*;
        for stage in [Queued, InFlight, Unknown, Posted, Confirmed, Mismatch, Resolved, Voided] {
            assert_eq!(check(2, &[(1, stage)]), Err("version"), "{stage}");
        }
    }

    #[test]
    fn a_rejected_row_reserves_nothing() {
        use Stage::*;
        assert_eq!(check(1, &[(1, Rejected)]), Ok(1));
        assert_eq!(check(2, &[(1, Rejected)]), Ok(1));
        assert_eq!(check(3, &[(1, Rejected)]), Err("version"));
        // a rejected correction: both it and the version that counts give way
        assert_eq!(check(2, &[(1, Finalized), (2, Rejected)]), Ok(2));
        assert_eq!(check(3, &[(1, Finalized), (2, Rejected)]), Ok(2));
    }
}
