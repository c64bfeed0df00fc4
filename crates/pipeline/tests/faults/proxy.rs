//! Between the workers and Odoo: passes every call on, and makes something go wrong with some of them, drawn by a seed and
//! struck by counting. Every connection carries one call, so that cutting it concerns nobody else.

use crate::{ledger::Ledger, workers::Crew};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Pool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};

/// So long nobody answers at the door.
const DOOR_SHUT: Duration = Duration::from_secs(3);
/// A held back request arrives so long after its client gave up.
const LATE: Duration = Duration::from_secs(4);

/// The three steps of a send; probes take the first and the last as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    Look,
    Create,
    Post,
}

impl Call {
    fn of(path: &str) -> Option<Self> {
        match path.strip_prefix("/json/2/account.move/")? {
            "search_read" => Some(Self::Look),
            "create" => Some(Self::Create),
            "action_post" => Some(Self::Post),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Odoo did it; the connection is cut instead of an answer.
    AnswerCut,
    /// Odoo did it; its answer is kept until the client has given up.
    AnswerLate,
    /// Odoo did it; a gateway answers 502.
    FailedAfterCommit,
    /// The client has given up when the request reaches Odoo.
    ArrivesLate,
    /// Odoo gets it longer after than it may: its absence was proved, and the next send has just begun.
    Overdue,
    /// 503, Odoo never hears of it.
    Unavailable,
    Throttled,
    /// The next calls find nobody listening.
    Refused,
    /// Odoo made the draft; the worker dies before it hears of it.
    Killed,
    /// Odoo made the draft; the worker stands still with the answer at its door.
    Stopped,
}

/// Which calls, by their number among those of their kind, meet with what.
pub struct Script {
    faults: HashMap<(Call, usize), Fault>,
    calls: HashMap<Call, usize>,
}

impl Script {
    /// The fixed ones where they are, the others so often as said, among the first `within` calls of their kind.
    pub fn new(seed: u64, within: usize, fixed: &[(Call, usize, Fault)], drawn: &[(Call, Fault, usize)]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut faults: HashMap<_, _> = fixed.iter().map(|(call, number, fault)| ((*call, *number), *fault)).collect();
        for call in [Call::Look, Call::Create, Call::Post] {
            let mut free: Vec<usize> = (1..=within).filter(|number| !faults.contains_key(&(call, *number))).collect();
            free.shuffle(&mut random);
            let wanted = drawn.iter().filter(|(on, _, _)| *on == call).flat_map(|(_, fault, times)| std::iter::repeat_n(*fault, *times));
            faults.extend(wanted.zip(free).map(|(fault, number)| ((call, number), fault)));
        }
        Self { faults, calls: HashMap::new() }
    }

    fn next(&mut self, call: Call) -> Option<Fault> {
        let number = self.calls.entry(call).or_default();
        *number += 1;
        self.faults.get(&(call, *number)).copied()
    }

    /// It found nobody to strike: the next call that nothing else strikes meets with it.
    fn postpone(&mut self, call: Call, fault: Fault) {
        let last = self.calls[&call];
        let free = (last + 1..).find(|number| !self.faults.contains_key(&(call, *number)));
        self.faults.extend(free.map(|number| ((call, number), fault)));
    }
}

/// A worker that was struck between a draft and its posting.
#[derive(Debug, Clone)]
pub struct Struck {
    pub fault: Fault,
    pub worker: String,
    pub key: String,
    pub draft: String,
}

/// What really happened; a fault that found nothing to spoil is not counted.
#[derive(Default)]
pub struct Tally {
    pub faults: BTreeMap<(Fault, Call), usize>,
    pub struck: Vec<Struck>,
}

pub struct Proxy {
    pub address: SocketAddr,
    ledger: Ledger,
    pool: Pool,
    crew: Arc<Crew>,
    script: Mutex<Script>,
    /// How long a client may stay on the line.
    request_time: Duration,
    tally: Mutex<Tally>,
    /// By posting key.
    overdue: Mutex<HashMap<String, Request>>,
    shut: Notify,
}

impl Proxy {
    pub async fn open(ledger: Ledger, pool: Pool, crew: Arc<Crew>, script: Script, request_time: Duration) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, tally, overdue) = (Mutex::new(script), Mutex::default(), Mutex::default());
        let proxy = Arc::new(Self { address, ledger, pool, crew, script, request_time, tally, overdue, shut: Notify::new() });
        tokio::spawn(proxy.clone().accept(listener));
        proxy
    }

    pub fn tally<T>(&self, with: impl FnOnce(&mut Tally) -> T) -> T {
        with(&mut self.tally.lock().unwrap())
    }

    async fn accept(self: Arc<Self>, mut listener: TcpListener) {
        loop {
            tokio::select! {
                () = self.shut.notified() => {
                    drop(listener);
                    sleep(DOOR_SHUT).await;
                    listener = self.reopen().await;
                }
                accepted = listener.accept() => {
                    let (stream, _) = accepted.unwrap();
                    tokio::spawn(self.clone().serve(stream));
                }
            }
        }
    }

    async fn reopen(&self) -> TcpListener {
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return listener,
                // an outgoing connection may have taken the port for a moment
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some(request) = Request::read(&mut stream).await else { return };
        let call = Call::of(&request.path);
        if call == Some(Call::Look) {
            self.deliver_overdue(&request).await;
        }
        match call.and_then(|call| Some((call, self.script.lock().unwrap().next(call)?))) {
            None => self.pass_on(&request).await.send(stream).await,
            Some((call, fault)) => {
                if self.strike(fault, request, stream).await {
                    self.happened(fault, call);
                }
            }
        }
    }

    fn happened(&self, fault: Fault, call: Call) {
        self.tally(|tally| *tally.faults.entry((fault, call)).or_default() += 1);
    }

    /// What is overdue arrives before the look of the send that follows it.
    async fn deliver_overdue(&self, look: &Request) {
        let body = look.body();
        let Some(key) = body["domain"][0][2].as_str().filter(|key| self.overdue.lock().unwrap().contains_key(*key)) else { return };
        if self.sender(key).await.is_some() {
            let request = self.overdue.lock().unwrap().remove(key);
            if let Some(request) = request
                && self.pass_on(&request).await.is_done()
            {
                self.happened(Fault::Overdue, Call::Create);
            }
        }
    }

    /// The worker that is sending the document now; none while it is probed.
    async fn sender(&self, key: &str) -> Option<String> {
        sqlx::query_scalar(
            "select a.worker from posting p join posting_attempt a using (document_id, attempt_id) join posting_payload b using (document_id)
            where b.posting_key = $1 and p.work = 'lease'",
        )
        .bind(key)
        .fetch_optional(&self.pool)
        .await
        .unwrap()
    }

    /// Says whether it really went wrong; what is overdue does later.
    async fn strike(&self, fault: Fault, request: Request, mut stream: TcpStream) -> bool {
        match fault {
            Fault::AnswerCut => self.pass_on(&request).await.is_done(),
            Fault::AnswerLate => {
                let answer = self.pass_on(&request).await;
                self.gave_up(&mut stream).await && answer.is_done()
            }
            Fault::FailedAfterCommit => {
                let answer = self.pass_on(&request).await;
                Answer::bare(502).send(stream).await;
                answer.is_done()
            }
            Fault::ArrivesLate => {
                let gave_up = self.gave_up(&mut stream).await;
                sleep(LATE).await;
                let answer = self.pass_on(&request).await;
                gave_up && answer.is_done()
            }
            Fault::Overdue => {
                self.gave_up(&mut stream).await;
                self.overdue.lock().unwrap().insert(request.created_key(), request);
                false
            }
            Fault::Unavailable | Fault::Throttled => {
                Answer::bare(if fault == Fault::Throttled { 429 } else { 503 }).send(stream).await;
                true
            }
            Fault::Refused => {
                self.shut.notify_one();
                self.pass_on(&request).await.send(stream).await;
                true
            }
            Fault::Killed | Fault::Stopped => {
                let answer = self.pass_on(&request).await;
                let struck = self.strike_worker(fault, &request, &answer).await;
                answer.send(stream).await;
                if struck.is_none() {
                    self.script.lock().unwrap().postpone(Call::Create, fault);
                }
                let happened = struck.is_some();
                self.tally(|tally| tally.struck.extend(struck));
                happened
            }
        }
    }

    /// Strikes the worker whose draft Odoo has made, before it hears of it. `None`: it was struck already.
    async fn strike_worker(&self, fault: Fault, request: &Request, answer: &Answer) -> Option<Struck> {
        let key = request.created_key();
        let worker = self.sender(&key).await?;
        let is_struck = answer.is_done() && if fault == Fault::Killed { self.crew.kill(&worker) } else { self.crew.stop(&worker) };
        let draft = answer.body()[0].to_string();
        (is_struck && self.ledger.state(&draft).await == "draft").then_some(Struck { fault, worker, key, draft })
    }

    /// The client closed its end. One that stands still never does, and is not waited for longer than others.
    async fn gave_up(&self, stream: &mut TcpStream) -> bool {
        let closed = timeout(self.request_time + LATE, stream.read(&mut [0; 16])).await;
        matches!(closed, Ok(Ok(0) | Err(_)))
    }

    async fn pass_on(&self, request: &Request) -> Answer {
        let mut passed = self.ledger.http.post(format!("{}{}", self.ledger.text("url"), request.path)).body(request.body.clone());
        for name in ["authorization", "content-type", "x-odoo-database", "x-request-id"] {
            passed = passed.header(name, &request.headers[name]);
        }
        let response = passed.send().await.unwrap();
        Answer { status: response.status().as_u16(), body: response.bytes().await.unwrap().to_vec() }
    }
}

struct Request {
    path: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let rest = bytes.split_off(end + 4);
                break String::from_utf8(std::mem::replace(&mut bytes, rest)).ok()?;
            }
            read_more(stream, &mut bytes).await?;
        };
        let mut lines = head.lines();
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        let headers: HashMap<_, _> = lines.filter_map(header).collect();
        let length: usize = headers.get("content-length")?.parse().ok()?;
        while bytes.len() < length {
            read_more(stream, &mut bytes).await?;
        }
        Some(Self { path, headers, body: bytes })
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn created_key(&self) -> String {
        self.body()["vals_list"][0]["ref"].as_str().unwrap().to_owned()
    }
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    (stream.read_buf(bytes).await.ok()? > 0).then_some(())
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn bare(status: u16) -> Self {
        Self { status, body: Vec::new() }
    }

    fn is_done(&self) -> bool {
        self.status == 200
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    async fn send(&self, mut stream: TcpStream) {
        let wait = if self.status == 429 { "retry-after: 1\r\n" } else { "" };
        let (status, length) = (self.status, self.body.len());
        let head =
            format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n{wait}connection: close\r\ncontent-length: {length}\r\n\r\n");
        // whoever went away meanwhile hears nothing
        stream.write_all(head.as_bytes()).await.ok();
        stream.write_all(&self.body).await.ok();
    }
}
