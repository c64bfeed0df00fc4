//! Worker processes in one: each takes a step of the protocol as the product's own functions do it, and is killed (its future is
//! dropped), or stopped (its future is not polled) and continued, at a place that was drawn.

use super::erp::{Gate, Line, SimulatedErp};
use crate::world::Company;
use domain::id::CorrelationId;
use futures::future::{BoxFuture, join_all};
use pipeline::{
    Context,
    erps::Erps,
    posting::{
        Desk,
        send::{Completion, Hand},
        worker,
    },
};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Instant,
};
use store::connections::Connection;

/// What strikes a process on its way from a claim to what follows from the answers.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Unharmed,
    /// Answers are written in several transactions, out of order.
    InParts,
    /// The commit's answer was lost, so it writes them again.
    WritesTwice,
    /// At so many awaits of the claim.
    KilledInClaim(usize),
    KilledBeforeSend,
    /// Before (or after the answer of) the call of this place in its hand.
    KilledInSend {
        answered: bool,
        calls: usize,
    },
    KilledBeforeWriting,
    KilledInWriting(usize),
    StoppedBeforeSend,
    StoppedInSend {
        answered: bool,
        calls: usize,
    },
    StoppedBeforeWriting,
    /// In a look for what is unknown.
    StoppedInLook {
        answered: bool,
    },
    KilledInLook(usize),
}

impl Fate {
    /// What strikes most of the time, and little.
    pub fn mild(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..10) {
            0..6 => Self::Unharmed,
            6..9 => Self::InParts,
            _ => Self::WritesTwice,
        }
    }

    pub fn severe(rng: &mut ChaCha8Rng, calls: usize) -> Self {
        let (answered, calls, awaits) = (rng.random(), rng.random_range(0..calls), rng.random_range(0..24));
        match rng.random_range(0..13) {
            0 => Self::KilledInClaim(awaits),
            1 => Self::KilledBeforeSend,
            2 => Self::KilledInSend { answered, calls },
            3 => Self::KilledBeforeWriting,
            4 => Self::KilledInWriting(awaits * 2),
            5 => Self::StoppedBeforeSend,
            6 | 7 => Self::StoppedInSend { answered, calls },
            8 => Self::StoppedBeforeWriting,
            9 | 10 => Self::StoppedInLook { answered },
            11 => Self::KilledInLook(awaits * 2),
            _ => Self::WritesTwice,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Unharmed => "unharmed",
            Self::InParts => "answers written out of order",
            Self::WritesTwice => "answers written twice",
            Self::KilledInClaim(_) => "killed in its claim",
            Self::KilledBeforeSend => "killed before its sends",
            Self::KilledInSend { answered: false, .. } => "killed in its sends, before a call",
            Self::KilledInSend { answered: true, .. } => "killed in its sends, after an answer",
            Self::KilledBeforeWriting => "killed before it wrote answers",
            Self::KilledInWriting(_) => "killed while it wrote answers",
            Self::StoppedBeforeSend => "stopped before its sends",
            Self::StoppedInSend { answered: false, .. } => "stopped in its sends, before a call",
            Self::StoppedInSend { answered: true, .. } => "stopped in its sends, after an answer",
            Self::StoppedBeforeWriting => "stopped before it wrote answers",
            Self::StoppedInLook { answered: false } => "stopped in a look, before it asked",
            Self::StoppedInLook { answered: true } => "stopped in a look, after the answer",
            Self::KilledInLook(_) => "killed in a look",
        }
    }
}

/// A process that stands still, with where it is and what it has in hand.
pub struct Stopped(Held);

enum Held {
    Claim(Desk, Hand),
    Sending(Desk, BoxFuture<'static, Vec<Completion>>, Arc<Gate>),
    Answers(Desk, Vec<Completion>),
    Looking(BoxFuture<'static, usize>, Arc<Gate>),
}

/// What processes are made of.
pub struct Office {
    pub cx: Context,
    pub erp: SimulatedErp,
    pub connection: Arc<Connection>,
    pub erps: Erps,
}

impl Office {
    /// Processes that post for the US to this ERP.
    pub async fn of(company: &Company, erp: &SimulatedErp) -> Self {
        let rows = store::connections::list(&company.world.db.pool).await.unwrap();
        let connection = rows.into_iter().find(|row| row.connection_id == company.us_connection).unwrap();
        let erps = Erps::of(vec![(connection.clone(), Arc::new(Line::plain(erp)))]);
        Self { cx: company.world.cx.clone(), erp: erp.clone(), connection: Arc::new(connection), erps }
    }

    fn desk(&self, line: Line) -> Desk {
        Desk {
            cx: self.cx.clone(),
            connection: self.connection.clone(),
            erp: Arc::new(line),
            worker: "process".into(),
            queue: Arc::default(),
        }
    }

    pub fn plain(&self) -> Desk {
        self.desk(Line::plain(&self.erp))
    }

    fn gated(&self, answered: bool, gate: &Arc<Gate>) -> Desk {
        let (before, after) = if answered { (None, Some(gate.clone())) } else { (Some(gate.clone()), None) };
        self.desk(Line { erp: self.erp.clone(), before, after })
    }

    /// One hand of at most `room` postings, from the claim to what follows.
    pub async fn turn(&self, room: usize, fate: Fate, order: u64) -> Option<Stopped> {
        match fate {
            Fate::KilledInClaim(awaits) => {
                killed_after(awaits, self.plain().take(room)).await;
                None
            }
            Fate::KilledInLook(awaits) => {
                killed_after(awaits, self.plain().probe()).await;
                None
            }
            Fate::StoppedInLook { answered } => {
                let gate = Gate::after(0);
                let desk = self.gated(answered, &gate);
                let mut look: BoxFuture<'static, usize> = Box::pin(async move { desk.probe().await.unwrap() });
                let is_stopped = stands_still(&mut look, &gate).await.is_none();
                is_stopped.then_some(Stopped(Held::Looking(look, gate)))
            }
            Fate::KilledInSend { answered, calls } | Fate::StoppedInSend { answered, calls } => {
                let gate = Gate::after(calls);
                let desk = self.gated(answered, &gate);
                let hand = desk.take(room).await.unwrap();
                let mut sending: BoxFuture<'static, Vec<Completion>> = Box::pin(send_all(desk.clone(), hand));
                match stands_still(&mut sending, &gate).await {
                    Some(answers) => desk.complete(&answers).await.unwrap(),
                    None if matches!(fate, Fate::StoppedInSend { .. }) => return Some(Stopped(Held::Sending(desk, sending, gate))),
                    None => {}
                }
                None
            }
            _ => self.turn_undivided(room, fate, order).await,
        }
    }

    async fn turn_undivided(&self, room: usize, fate: Fate, order: u64) -> Option<Stopped> {
        let desk = self.plain();
        let hand = desk.take(room).await.unwrap();
        match fate {
            Fate::KilledBeforeSend => return None,
            Fate::StoppedBeforeSend => return Some(Stopped(Held::Claim(desk, hand))),
            _ => {}
        }
        let mut answers = send_all(desk.clone(), hand).await;
        match fate {
            Fate::KilledBeforeWriting => {}
            Fate::KilledInWriting(awaits) => {
                killed_after(awaits, desk.complete(&answers)).await;
            }
            Fate::StoppedBeforeWriting => return Some(Stopped(Held::Answers(desk, answers))),
            Fate::WritesTwice => {
                desk.complete(&answers).await.unwrap();
                desk.complete(&answers).await.unwrap();
            }
            Fate::InParts => {
                answers.shuffle(&mut <ChaCha8Rng as rand::SeedableRng>::seed_from_u64(order));
                for part in answers.chunks(answers.len().div_ceil(3).max(1)) {
                    desk.complete(part).await.unwrap();
                }
            }
            _ => desk.complete(&answers).await.unwrap(),
        }
        None
    }

    /// Looks at what is unknown and due, in so many rounds at most.
    pub async fn look(&self, rounds: usize) {
        let desk = self.plain();
        for _ in 0..rounds {
            if desk.probe().await.unwrap() == 0 {
                return;
            }
        }
    }

    /// Ends what leases are over, and maps; each may be killed at an await.
    pub async fn tidy(&self, killed_at: Option<usize>) {
        let desk = self.plain();
        let work = async {
            worker::map_all(&self.cx, &self.erps).await.unwrap();
            while desk.sweep().await.unwrap() > 0 {}
        };
        match killed_at {
            Some(awaits) => drop(killed_after(awaits, work).await),
            None => work.await,
        }
    }
}

impl Stopped {
    /// Goes on where it stood. What was not sent is sent only when its lease has not ended: its clock tells it, as a real
    /// process's does.
    pub async fn goes_on(self, lease_ended: bool) {
        match self.0 {
            Held::Claim(desk, mut hand) => {
                if lease_ended {
                    hand.lease_ends = Instant::now();
                }
                let answers = send_all(desk.clone(), hand).await;
                desk.complete(&answers).await.unwrap();
            }
            Held::Sending(desk, sending, gate) => {
                gate.open();
                desk.complete(&sending.await).await.unwrap();
            }
            Held::Answers(desk, answers) => desk.complete(&answers).await.unwrap(),
            Held::Looking(look, gate) => {
                gate.open();
                look.await;
            }
        }
    }

    /// The claim whose lease tells it whether it may still send.
    pub fn claim(&self) -> Option<CorrelationId> {
        match &self.0 {
            Held::Claim(_, hand) => Some(hand.correlation_id),
            _ => None,
        }
    }
}

async fn send_all(desk: Desk, hand: Hand) -> Vec<Completion> {
    join_all(hand.claimed.into_iter().map(|claimed| desk.send(claimed, hand.correlation_id, hand.lease_ends))).await
}

/// `None`: it reached the gate and is not polled any more.
async fn stands_still<T>(process: &mut BoxFuture<'static, T>, gate: &Gate) -> Option<T> {
    tokio::select! {
        biased;
        done = process => Some(done),
        () = gate.reached.notified() => None,
    }
}

/// Dropped after it waited so often, wherever it is then: in a query, at the commit, between two transactions.
pub async fn killed_after<F: Future>(waits: usize, process: F) -> Option<F::Output> {
    stopped_after(waits, pin!(process)).await
}

/// Polled until it waited so often, and not any more; `None`: it stands still, and goes on when it is awaited.
pub async fn stopped_after<F: Future>(waits: usize, mut process: Pin<&mut F>) -> Option<F::Output> {
    let mut left = waits;
    poll_fn(|cx| match process.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
