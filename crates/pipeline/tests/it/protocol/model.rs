//! What may happen to a document, written a second time from the design alone: the table of stages (DESIGN §1, lines 28 to 42)
//! and the six rules of posting (DESIGN §3, lines 82 to 87). It knows what the ERP told whom, which leases ended and what people
//! asked for, and says of each movement whether that allows it. Nothing of the product's own rules is asked.

use super::erp::{Books, Call, Look, Told};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// From where to where (DESIGN §1, lines 28 to 40), as far as imports, mapping, posting and replay go.
const TABLE: &[(&str, &[&str])] = &[
    ("finalized", &["queued", "held", "exception"]),
    ("held", &["finalized"]),
    ("queued", &["in_flight", "held", "exception", "posted"]),
    ("in_flight", &["posted", "unknown", "exception", "queued"]),
    ("unknown", &["posted", "queued", "mismatch"]),
    ("exception", &["queued", "posted", "resolved"]),
    ("posted", &["confirmed", "mismatch"]),
    ("confirmed", &["mismatch"]),
    ("mismatch", &["confirmed", "resolved"]),
];

/// A movement as the database has it, with what its posting says now.
#[derive(sqlx::FromRow)]
pub struct Movement {
    pub document_id: Uuid,
    pub number: String,
    pub sequence: i32,
    pub from_stage: Option<String>,
    pub to_stage: String,
    pub correlation_id: Uuid,
    pub moved_at: DateTime<Utc>,
    pub attempts: Option<i32>,
    pub payload_hash: Option<Vec<u8>>,
}

#[derive(Default)]
struct Document {
    number: String,
    path: Vec<String>,
    stage: String,
    /// What each claim froze.
    claims: HashMap<Uuid, Vec<u8>>,
    /// The last of them.
    claim: Uuid,
    payload: Option<Vec<u8>>,
    /// Tries that count.
    tries: i32,
    not_before: Option<DateTime<Utc>>,
    /// A person asked for a replay.
    replayed: bool,
}

pub struct Model {
    pub processing: TimeDelta,
    pub tries_max: i32,
    pub slots: usize,
    documents: HashMap<Uuid, Document>,
    by_number: HashMap<String, Uuid>,
    in_stages: BTreeMap<String, HashSet<Uuid>>,
    calls: HashMap<(Uuid, String), Call>,
    ended: HashMap<Uuid, DateTime<Utc>>,
    pub movements: usize,
    /// Movements by from and to.
    pub seen: BTreeMap<(String, String), u64>,
    /// Throttled answers after which the tries were compared.
    pub throttled: usize,
}

type Verdict = Result<(), String>;

fn allow(allowed: bool, why_not: impl FnOnce() -> String) -> Verdict {
    if allowed { Ok(()) } else { Err(why_not()) }
}

impl Model {
    pub fn new(processing: i64, tries_max: i32, slots: usize) -> Self {
        Self {
            processing: TimeDelta::seconds(processing),
            tries_max,
            slots,
            documents: HashMap::new(),
            by_number: HashMap::new(),
            in_stages: BTreeMap::new(),
            calls: HashMap::new(),
            ended: HashMap::new(),
            movements: 0,
            seen: BTreeMap::new(),
            throttled: 0,
        }
    }

    pub fn in_stage(&self, stage: &str) -> Vec<Uuid> {
        self.in_stages.get(stage).into_iter().flatten().copied().collect()
    }

    pub fn stages(&self) -> BTreeMap<&str, usize> {
        self.in_stages.iter().map(|(stage, documents)| (stage.as_str(), documents.len())).filter(|(_, count)| *count > 0).collect()
    }

    pub fn leases_ended(&mut self, leases: &[Uuid], at: DateTime<Utc>) {
        self.ended.extend(leases.iter().map(|lease| (*lease, at)));
    }

    pub fn replay_asked(&mut self, documents: &[Uuid]) {
        for id in documents {
            self.documents.get_mut(id).unwrap().replayed = true;
        }
    }

    /// What moved and what was called since the last time, each document in order.
    pub fn observe(&mut self, movements: &[Movement], books: &mut Books) -> Verdict {
        let calls = std::mem::take(&mut books.calls);
        for call in &calls {
            // a second send needs a claim of its own (DESIGN §3 (1), (5))
            let again = self.calls.insert((call.lease, call.number.clone()), call.clone());
            allow(again.is_none(), || format!("{} was sent twice under one claim", call.number))?;
        }
        for (at, movement) in movements.iter().enumerate() {
            let is_last = movements.get(at + 1).is_none_or(|next| next.document_id != movement.document_id);
            let looks = books.looks.get(&movement.number).map_or(&[][..], Vec::as_slice);
            self.moved(movement, is_last, looks, books).map_err(|why| {
                let known = self.documents.get(&movement.document_id);
                let path = known.map(|document| document.path.join(" ")).unwrap_or_default();
                format!("{} after {path}, to {}: {why}", movement.number, movement.to_stage)
            })?;
        }
        for call in &calls {
            let document = self.by_number.get(&call.number).and_then(|id| self.documents.get(id));
            Self::called(call, document.ok_or_else(|| format!("{} was sent, and is none of ours", call.number))?)?;
        }
        let in_flight = self.in_stage("in_flight").iter().filter(|id| !self.ended.contains_key(&self.documents[id].claim)).count();
        allow(in_flight <= self.slots, || format!("{in_flight} in flight, {} slots (DESIGN §3 (1))", self.slots))
    }

    /// One call: claimed before, with the payload that the claim froze, and after the document it depends on (DESIGN §3 (1), §1
    /// line 42).
    fn called(call: &Call, document: &Document) -> Verdict {
        let Some(frozen) = document.claims.get(&call.lease) else { return Err(format!("{} was sent without a claim", call.number)) };
        allow(frozen.as_slice() == call.payload, || format!("{} was sent with another payload than was claimed", call.number))?;
        allow(!call.overtook, || format!("{} overtook the invoice that it corrects", call.number))
    }

    fn moved(&mut self, movement: &Movement, is_last: bool, looks: &[Look], books: &Books) -> Verdict {
        let Movement { from_stage, to_stage: to, .. } = movement;
        let document = self.documents.entry(movement.document_id).or_default();
        let step = i32::try_from(document.path.len()).unwrap() + 1;
        if movement.sequence < step {
            return Ok(());
        }
        allow(movement.sequence == step, || format!("sequence {} after {}", movement.sequence, step - 1))?;
        let Some(from) = from_stage else {
            document.number.clone_from(&movement.number);
            self.by_number.insert(movement.number.clone(), movement.document_id);
            self.remember(movement);
            return allow(to == "finalized", || "no entry".into());
        };
        allow(*from == document.stage, || format!("it was {}, not {from}", document.stage))?;
        let successors = TABLE.iter().find(|(stage, _)| stage == from).map_or(&[][..], |(_, to)| *to);
        allow(successors.contains(&to.as_str()), || format!("not in the table of stages from {from}"))?;

        self.is_allowed(movement, from, to, looks, books)?;
        let tries = self.tries_after(movement, from, to);
        self.remember(movement);
        let document = self.documents.get_mut(&movement.document_id).unwrap();
        if to == "queued" && (from == "finalized" || from == "exception") {
            document.payload.clone_from(&movement.payload_hash);
            document.replayed = false;
        }
        if to == "in_flight" {
            document.claim = movement.correlation_id;
            document.claims.insert(movement.correlation_id, document.payload.clone().unwrap());
        }
        match tries {
            Some(tries) => document.tries = tries,
            None => document.tries = movement.attempts.unwrap_or_default(),
        }
        if !is_last {
            return Ok(());
        }
        let (ours, theirs) = (document.tries, movement.attempts.unwrap_or_default());
        allow(ours == theirs, || format!("{theirs} tries are counted, {ours} were made that count (DESIGN §3 (3))"))?;
        allow(document.payload == movement.payload_hash, || "its payload changed after it was frozen (DESIGN §1 line 42)".into())
    }

    fn remember(&mut self, movement: &Movement) {
        let document = self.documents.get_mut(&movement.document_id).unwrap();
        if let Some(left) = self.in_stages.get_mut(&document.stage) {
            left.remove(&movement.document_id);
        }
        self.in_stages.entry(movement.to_stage.clone()).or_default().insert(movement.document_id);
        document.path.push(movement.to_stage.clone());
        document.stage.clone_from(&movement.to_stage);
        self.movements += 1;
        let from = movement.from_stage.clone().unwrap_or_default();
        *self.seen.entry((from, movement.to_stage.clone())).or_default() += 1;
    }

    fn is_allowed(&self, movement: &Movement, from: &str, to: &str, looks: &[Look], books: &Books) -> Verdict {
        let document = &self.documents[&movement.document_id];
        let call = self.calls.get(&(document.claim, document.number.clone()));
        let told = call.map(|call| call.told);
        match (from, to) {
            // a throttled one waits as told (§3 (3))
            ("queued", "in_flight") => {
                allow(document.not_before.is_none_or(|at| at <= movement.moved_at), || "the ERP asked to wait longer".into())
            }
            ("in_flight", "posted") => {
                allow(told == Some(Told::Accepted) && books.entry(&document.number).is_some(), || format!("the ERP told {told:?}"))
            }
            // surely not processed, or never called (§3 (2), (3))
            ("in_flight", "queued") => {
                let surely_not =
                    matches!(told, None | Some(Told::Throttled(_) | Told::Transient | Told::Unreachable | Told::CredentialsRefused));
                allow(surely_not, || format!("the ERP told {told:?}"))?;
                self.is_absent(document, books)
            }
            // no answer, or a crash, which is the same (§3 (3), (5)); or a refusal that proves nothing of an earlier send
            ("in_flight", "unknown") => {
                let no_answer = matches!(told, Some(Told::NoWord | Told::Duplicate)) || self.ended.contains_key(&document.claim);
                allow(no_answer || (told == Some(Told::Refused) && document.claims.len() > 1), || format!("the ERP told {told:?}"))
            }
            ("in_flight", "exception") => {
                let used_up = told == Some(Told::Transient) && document.tries + 1 >= self.tries_max;
                allow(told == Some(Told::Refused) || used_up, || format!("the ERP told {told:?} at try {}", document.tries + 1))?;
                self.is_absent(document, books)
            }
            // absent is proved by two looks apart, both after the processing time (§3 (4))
            ("unknown", "queued") => {
                let since = self.may_have_left(document) + self.processing;
                let empty = looks.iter().filter(|look| look.answered && look.found.is_none() && look.at >= since);
                let apart = empty.map(|look| look.at).collect::<HashSet<_>>().len();
                allow(apart >= 2, || format!("{apart} empty looks apart since {since}, of {looks:?}"))?;
                self.is_absent(document, books)
            }
            ("unknown", "mismatch") => {
                allow(looks.iter().any(|look| self.found(document, look) == Some(false)), || "no look found another document".into())
            }
            ("unknown", "posted") => {
                let found = looks.iter().any(|look| self.found(document, look) == Some(true));
                allow(found || self.was_accepted(document), || "no look found it, no call was accepted".into())
            }
            // a late answer is kept and adopted (§3 (5))
            ("queued" | "exception", "posted") => allow(self.was_accepted(document), || "no call was accepted".into()),
            ("exception", "queued") => {
                allow(document.replayed, || "nobody asked for a replay".into())?;
                self.is_absent(document, books)
            }
            _ => Ok(()),
        }
    }

    /// The ERP neither holds a document under the key nor is about to: whatever is sent with another payload from here on can't
    /// be a second one. What a process delivers that stood still past its lease is beyond anybody's proof (§3 (6)); the fence
    /// is for that.
    fn is_absent(&self, document: &Document, books: &Books) -> Verdict {
        let pending = books.pending.iter().filter(|(_, number, _)| *number == document.number).map(|(_, _, entry)| entry);
        let of_ours = books.entry(&document.number).into_iter().chain(pending).find(|e| !e.late && document.claims.contains_key(&e.lease));
        allow(of_ours.is_none(), || "the ERP holds it, or will".into())
    }

    fn may_have_left(&self, document: &Document) -> DateTime<Utc> {
        let of_claim = |lease: &Uuid| {
            let call = self.calls.get(&(*lease, document.number.clone())).filter(|call| !call.late);
            self.ended.get(lease).copied().into_iter().chain(call.map(|call| call.at)).max()
        };
        document.claims.keys().filter_map(of_claim).max().unwrap_or_default()
    }

    /// Whether a look found it equal, or different; `None`: it found nothing.
    fn found(&self, document: &Document, look: &Look) -> Option<bool> {
        look.found.filter(|_| look.answered).map(|found| document.payload.as_deref() == Some(found.as_slice()))
    }

    fn was_accepted(&self, document: &Document) -> bool {
        let accepted = |lease: &Uuid| self.calls.get(&(*lease, document.number.clone())).is_some_and(|c| c.told == Told::Accepted);
        document.claims.keys().any(accepted)
    }

    /// How many tries count after a movement; `None`: the design says nothing. A throttled answer burns none (§3 (3)), neither
    /// does what was not sent.
    fn tries_after(&mut self, movement: &Movement, from: &str, to: &str) -> Option<i32> {
        let document = self.documents.get_mut(&movement.document_id).unwrap();
        let told = self.calls.get(&(document.claim, document.number.clone())).map(|call| (call.told, call.at));
        document.not_before = None;
        match (from, to) {
            ("exception", "queued") => Some(0),
            ("in_flight", "queued") => {
                if let Some((Told::Throttled(wait), at)) = told {
                    document.not_before = wait.map(|seconds| at + TimeDelta::seconds(i64::try_from(seconds).unwrap()));
                    self.throttled += 1;
                }
                Some(document.tries + i32::from(matches!(told, Some((Told::Transient, _)))))
            }
            ("in_flight", _) => Some(document.tries + 1),
            (_, "posted") => None,
            _ => Some(document.tries),
        }
    }

    /// At the end: everything is in the ERP once, and where it is not posted a document of an older payload is there, which
    /// a process delivered that stood still past its lease.
    pub fn at_the_end(&self, books: &Books) -> Verdict {
        let mut times: HashMap<&str, usize> = HashMap::new();
        for (number, _) in &books.ledger {
            *times.entry(number).or_default() += 1;
        }
        for document in self.documents.values() {
            let held = times.remove(document.number.as_str()).unwrap_or_default();
            allow(held == 1, || format!("{} is {held} times in the ERP after {}", document.number, document.path.join(" ")))?;
            let entry = books.entry(&document.number).unwrap();
            let is_equal = document.payload.as_deref() == Some(entry.payload.as_slice());
            match document.stage.as_str() {
                "posted" => allow(is_equal || entry.late, || format!("{} is posted with another payload", document.number))?,
                "mismatch" => allow(!is_equal && entry.late, || format!("{} is a mismatch, and equal", document.number))?,
                stage => return Err(format!("{} ended as {stage}", document.number)),
            }
        }
        allow(books.left_to_the_fence.is_empty(), || format!("sent again while the ERP held them: {:?}", books.left_to_the_fence))?;
        allow(times.is_empty(), || format!("the ERP holds what we never had: {times:?}"))
    }
}
