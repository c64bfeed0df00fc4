//! The posting worker's loops: one per connection for sends, one for leases, probes and what is late, one per process for mapping.

use super::{BATCH, Desk, control, map, send::Completion};
use crate::{Context, erps::Erps};
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use store::{Result, connections::AttachedEntity};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How long an idle worker sleeps before it looks again.
const IDLE: Duration = Duration::from_millis(400);
/// Sends claimed in one transaction at most; at a fast ERP the next claim runs beside the last completion.
pub const CLAIM: usize = BATCH / 2;
/// How long answers are gathered, so that one transaction completes many.
const GATHER: Duration = Duration::from_millis(4);
/// A worker whose database is away waits before it tries again.
const TROUBLED: Duration = Duration::from_secs(2);

/// Runs posting for every connection until cancelled; what is in flight then is answered and written first.
pub async fn run(cx: Context, erps: Arc<Erps>, worker: Arc<str>, cancel: CancellationToken) {
    let mut tasks = JoinSet::new();
    for desk in erps.desks(&cx, &worker) {
        let (sends, watches) = (desk.clone(), desk);
        tasks.spawn(keep_up(cancel.clone(), move |cancel| send_loop(sends.clone(), cancel)));
        tasks.spawn(keep_up(cancel.clone(), move |cancel| watch_loop(watches.clone(), cancel)));
    }
    tasks.spawn(keep_up(cancel, move |cancel| map_loop(cx.clone(), erps.clone(), cancel)));
    tasks.join_all().await;
}

/// Begins a loop anew when it panics: a fault in one connector must not end its posting until somebody restarts the process.
/// What it had in hand has no answer then, so its leases end and probes decide.
async fn keep_up<F: Future<Output = ()>>(cancel: CancellationToken, begin: impl Fn(CancellationToken) -> F) {
    while AssertUnwindSafe(begin(cancel.clone())).catch_unwind().await.is_err() {
        tracing::error!("a posting loop panicked and begins anew");
        rest(&cancel, TROUBLED).await;
    }
}

/// Rests about so long; spread, so that many processes don't look at the same moment.
async fn rest(cancel: &CancellationToken, time: Duration) {
    let spread = time * rand::random_range(80..120) / 100;
    tokio::select! { () = cancel.cancelled() => {}, () = tokio::time::sleep(spread) => {} }
}

async fn map_loop(cx: Context, erps: Arc<Erps>, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        match map_all(&cx, &erps).await {
            Ok(0) => rest(&cancel, IDLE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "mapping failed");
                rest(&cancel, TROUBLED).await;
            }
        }
    }
}

/// Maps what is finalized in every entity, a batch each, and compares batches that are mapped whole. Returns how much was done.
pub async fn map_all(cx: &Context, erps: &Erps) -> Result<usize> {
    let mut moved = 0;
    for entity in attached(cx).await? {
        moved += map::map_finalized(cx, erps, &entity).await?;
    }
    Ok(moved + control::compare_waiting(cx).await?)
}

async fn attached(cx: &Context) -> Result<Vec<AttachedEntity>> {
    store::connections::attached_entities(&mut *cx.pool.acquire().await?).await
}

async fn watch_loop(desk: Desk, cancel: CancellationToken) {
    while !cancel.is_cancelled() {
        match watch(&desk).await {
            Ok(0) => rest(&cancel, IDLE).await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, connection.code = %desk.connection.code, "probing failed");
                rest(&cancel, TROUBLED).await;
            }
        }
    }
}

async fn watch(desk: &Desk) -> Result<usize> {
    // last, because a probe may have queued what its period does not take any more
    Ok(desk.sweep().await? + desk.probe().await? + desk.stop_late().await?)
}

/// Keeps the connection's slots full: claims while there is room, completes what was answered beside it.
async fn send_loop(desk: Desk, cancel: CancellationToken) {
    let mut flying: JoinSet<Completion> = JoinSet::new();
    let mut completing: JoinSet<usize> = JoinSet::new();
    let mut answered_in_hand = 0;
    loop {
        while let Some(ended) = completing.try_join_next() {
            answered_in_hand -= written(ended);
        }
        let in_hand = flying.len() + answered_in_hand;
        let taken = if cancel.is_cancelled() { Ok(0) } else { launch(&desk, &mut flying, in_hand).await };
        if let Err(error) = &taken {
            tracing::error!(%error, connection.code = %desk.connection.code, "claiming failed");
            rest(&cancel, TROUBLED).await;
        }
        if flying.is_empty() {
            match completing.join_next().await {
                Some(ended) => answered_in_hand -= written(ended),
                None if cancel.is_cancelled() => return,
                None if matches!(taken, Ok(0)) => rest(&cancel, IDLE).await,
                None => {}
            }
            continue;
        }
        let patience = (flying.len() + answered_in_hand < desk.slots()).then_some(IDLE);
        let answered = gather(&mut flying, patience).await;
        if !answered.is_empty() {
            answered_in_hand += answered.len();
            completing.spawn(complete(desk.clone(), answered));
        }
    }
}

/// How many answers are written. Nobody knows it of a task that panicked, so the loop begins anew.
fn written(ended: std::result::Result<usize, JoinError>) -> usize {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Writes answers; they are kept in hand until the database takes them. If we die first the lease ends and a probe decides.
async fn complete(desk: Desk, answered: Vec<Completion>) -> usize {
    while let Err(error) = desk.complete(&answered).await {
        tracing::error!(%error, connection.code = %desk.connection.code, "completing failed");
        tokio::time::sleep(TROUBLED).await;
    }
    answered.len()
}

/// Takes what there is room for beside the `in_hand` ones.
async fn launch(desk: &Desk, flying: &mut JoinSet<Completion>, in_hand: usize) -> Result<usize> {
    let room = desk.slots().saturating_sub(in_hand).min(CLAIM);
    if room == 0 {
        return Ok(0);
    }
    let hand = desk.take(room).await?;
    let taken = hand.claimed.len();
    for claimed in hand.claimed {
        let desk = desk.clone();
        flying.spawn(async move { desk.send(claimed, hand.correlation_id, hand.lease_ends).await });
    }
    Ok(taken)
}

/// Waits for the first answer, then takes along what comes within a moment. With slots free it has no patience: one slow
/// answer must not keep them empty.
async fn gather(flying: &mut JoinSet<Completion>, patience: Option<Duration>) -> Vec<Completion> {
    let mut answered = Vec::new();
    let mut until = patience.map(|patience| tokio::time::Instant::now() + patience);
    while answered.len() < BATCH {
        let next = match until {
            None => flying.join_next().await,
            Some(until) => match tokio::time::timeout_at(until, flying.join_next()).await {
                Ok(next) => next,
                Err(_) => break,
            },
        };
        match next {
            Some(Ok(completion)) => answered.push(completion),
            // a panic in a connector is the same as no answer: its lease ends and a probe decides
            Some(Err(error)) => tracing::error!(%error, "a send ended without an answer"),
            None => break,
        }
        let moment = tokio::time::Instant::now() + GATHER;
        until = Some(until.map_or(moment, |until| until.min(moment)));
    }
    answered
}

/// Does everything that is due at the clock's time, and returns when nothing is: tests and the demo's past.
pub async fn drain(cx: &Context, erps: &Erps, worker: &Arc<str>) -> Result<()> {
    let desks = erps.desks(cx, worker);
    loop {
        let mut moved = map_all(cx, erps).await?;
        for desk in &desks {
            moved += watch(desk).await?;
            moved += drain_sends(desk).await?;
        }
        if moved == 0 {
            return Ok(());
        }
    }
}

async fn drain_sends(desk: &Desk) -> Result<usize> {
    let mut flying = JoinSet::new();
    let mut sent = 0;
    loop {
        let in_hand = flying.len();
        let taken = launch(desk, &mut flying, in_hand).await?;
        if taken == 0 && flying.is_empty() {
            return Ok(sent);
        }
        sent += taken;
        let answered = gather(&mut flying, None).await;
        desk.complete(&answered).await?;
    }
}
