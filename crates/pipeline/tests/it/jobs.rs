//! The queue: nothing runs twice at once, nothing is lost with its worker, and what failed says why.

use crate::{
    fake_erp::Posting,
    invoices::{World, batch, invoice},
    world::{Company, person},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::Actor,
    id::JobId,
    job::{JobKind, JobState, JobView},
    stage::Stage,
};
use pipeline::{
    erps::Erps,
    jobs::{Workshop, drain, page, run, run_now},
    workbench::replay::{self, Control},
};
use std::{sync::Arc, time::Duration};
use store::{
    Error,
    access::sessions::SessionLimits,
    jobs::{self, Claimed, Ended, NewJob},
};
use tokio_util::sync::CancellationToken;

fn workshop(world: &World, erps: Arc<Erps>, worker: &str) -> Workshop {
    let sessions = SessionLimits { idle: TimeDelta::minutes(30), absolute: TimeDelta::hours(12) };
    Workshop { cx: world.cx.clone(), erps, worker: worker.into(), sessions }
}

fn new(kind: JobKind, run_at: DateTime<Utc>) -> NewJob<'static> {
    NewJob { job_id: JobId(uuid::Uuid::now_v7()), kind, subject: "", run_at, created_by: "test" }
}

async fn enqueue(world: &World, kind: JobKind) -> JobId {
    let now = world.cx.clock.now();
    jobs::enqueue(&mut world.db.pool.acquire().await.unwrap(), &new(kind, now), now).await.unwrap()
}

async fn claim(world: &World, lease_seconds: i32) -> Option<Claimed> {
    jobs::claim(&mut world.db.pool.acquire().await.unwrap(), "w", lease_seconds, world.cx.clock.now()).await.unwrap()
}

async fn runs(world: &World, kind: JobKind) -> Vec<JobView> {
    jobs::last_runs(&world.db.pool, kind, 50).await.unwrap()
}

fn ended(world: &World) -> Ended {
    Ended { at: world.cx.clock.now(), duration_ms: 5 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_once_for_two_workers() {
    let posting = Posting::new().await;
    let (one, two) = (workshop(&posting.world, posting.erps.clone(), "one"), workshop(&posting.world, posting.erps.clone(), "two"));
    drain(&one).await.unwrap();
    assert!(runs(&posting.world, JobKind::ReadBack).await.is_empty(), "its time has not come");
    for round in 1..=4 {
        posting.clock.advance(TimeDelta::minutes(5));
        let (a, b) = tokio::join!(drain(&one), drain(&two));
        a.unwrap();
        b.unwrap();
        assert_eq!(runs(&posting.world, JobKind::ReadBack).await.len(), round);
    }
    posting.clock.advance(TimeDelta::days(3));
    drain(&one).await.unwrap();
    assert_eq!(runs(&posting.world, JobKind::ReadBack).await.len(), 5, "what was missed is made up for once");
}

#[tokio::test]
async fn every_kind_of_job_is_done_at_its_time() {
    let posting = Posting::new().await;
    posting.world.imported(&batch("B-1", &[invoice("INV-1", 100)])).await;
    posting.post().await;
    let shop = workshop(&posting.world, posting.erps.clone(), "w");
    drain(&shop).await.unwrap();
    posting.clock.advance(TimeDelta::days(1));
    drain(&shop).await.unwrap();
    for kind in JobKind::ALL {
        let run = runs(&posting.world, *kind).await.remove(0);
        assert_eq!((run.state, run.attempt), (JobState::Completed, 1), "{run:?}");
        assert!(run.result.is_some() && run.duration_ms.is_some());
    }
    assert_eq!(posting.stage("INV-1").await, Stage::Confirmed);
    let read = runs(&posting.world, JobKind::ReadBack).await.remove(0);
    assert_eq!(read.result.as_deref(), Some("1 read, 0 gone, 1 confirmed, 0 differ"));
    run_now(&posting.world.cx, &Actor::Cli("ops".into()), JobKind::ReadBack, None).await.unwrap();
    drain(&shop).await.unwrap();
    let compared = runs(&posting.world, JobKind::Reconcile).await.remove(0);
    assert_eq!((compared.created_by.as_str(), compared.state), ("read_back", JobState::Completed), "a comparison follows a read-back");
    let shown = page(&posting.world.cx).await.unwrap();
    assert_eq!(shown.len(), JobKind::ALL.len());
    assert!(shown.iter().all(|schedule| schedule.next_run_at > posting.world.cx.clock.now() && !schedule.runs.is_empty()));
}

#[tokio::test]
async fn pressing_run_now_twice_is_one_job() {
    let world = World::new().await;
    let ann = Actor::User("ann@lumen.example".into());
    let first = run_now(&world.cx, &ann, JobKind::Verify, None).await.unwrap();
    assert_eq!(run_now(&world.cx, &ann, JobKind::Verify, None).await.unwrap(), first);
    assert_ne!(run_now(&world.cx, &ann, JobKind::Reconcile, Some(world.us)).await.unwrap(), first);
    assert_eq!(runs(&world, JobKind::Verify).await.len(), 1);
    assert_eq!(world.text("select count(*)::text from audit_event where action = 'job.run'").await, "3");
    drain(&workshop(&world, Arc::default(), "w")).await.unwrap();
    assert_eq!(runs(&world, JobKind::Verify).await[0].state, JobState::Completed);
    assert_ne!(run_now(&world.cx, &ann, JobKind::Verify, None).await.unwrap(), first, "a finished one is no obstacle");
}

#[tokio::test]
async fn a_retry_that_waits_comes_forward_when_it_is_asked_for() {
    let world = World::new().await;
    let job = enqueue(&world, JobKind::Verify).await;
    let claimed = claim(&world, 60).await.unwrap();
    let later = world.cx.clock.now() + TimeDelta::hours(1);
    jobs::fail(&mut world.db.pool.acquire().await.unwrap(), &claimed, "no luck", Some(later), ended(&world)).await.unwrap();
    assert!(claim(&world, 60).await.is_none(), "not before its time");
    assert_eq!(enqueue(&world, JobKind::Verify).await, job);
    assert_eq!(claim(&world, 60).await.unwrap().attempt, 2);
}

#[tokio::test]
async fn a_claimed_job_is_nobody_elses() {
    let world = World::new().await;
    enqueue(&world, JobKind::Verify).await;
    let mut first = world.db.pool.begin().await.unwrap();
    let claimed = jobs::claim(&mut first, "one", 60, world.cx.clock.now()).await.unwrap();
    assert!(claimed.is_some());
    assert!(claim(&world, 60).await.is_none(), "skipped while the first has not committed");
    first.commit().await.unwrap();
    assert!(claim(&world, 60).await.is_none());
}

#[tokio::test]
async fn a_lease_that_ends_gives_the_job_back_and_shuts_its_worker_out() {
    let world = World::new().await;
    enqueue(&world, JobKind::Verify).await;
    let dead = claim(&world, 0).await.unwrap();
    let alive = claim(&world, 60).await;
    assert!(alive.is_none(), "running until the sweep");
    let mut conn = world.db.pool.acquire().await.unwrap();
    assert_eq!(jobs::sweep(&mut conn, world.cx.clock.now()).await.unwrap(), 1);
    let next = claim(&world, 60).await.unwrap();
    assert_eq!((next.job_id, next.attempt), (dead.job_id, 2));
    assert_eq!(jobs::sweep(&mut conn, world.cx.clock.now()).await.unwrap(), 0, "a lease in time is left alone");
    assert!(!jobs::extend(&world.db.pool, &dead, 60).await.unwrap());
    let late = jobs::complete(&mut conn, &dead, "done", ended(&world)).await;
    assert!(matches!(late, Err(Error::RowsAffected { expected: 1, actual: 0 })), "{late:?}");
    jobs::complete(&mut conn, &next, "done", ended(&world)).await.unwrap();
    let run = runs(&world, JobKind::Verify).await.remove(0);
    assert_eq!((run.state, run.errors.len()), (JobState::Completed, 1));
    assert_eq!(run.errors[0].error, "the worker's lease ended without a result");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    let world = World::new().await;
    enqueue(&world, JobKind::Verify).await;
    for _ in 0..JobKind::Verify.attempts_max() {
        claim(&world, 0).await.unwrap();
        jobs::sweep(&mut world.db.pool.acquire().await.unwrap(), world.cx.clock.now()).await.unwrap();
    }
    assert!(claim(&world, 60).await.is_none());
    assert_eq!(runs(&world, JobKind::Verify).await[0].state, JobState::Discarded);
}

#[tokio::test]
async fn completion_is_undone_with_its_transaction() {
    let world = World::new().await;
    enqueue(&world, JobKind::Verify).await;
    let claimed = claim(&world, 60).await.unwrap();
    let mut tx = world.db.pool.begin().await.unwrap();
    jobs::complete(&mut tx, &claimed, "done", ended(&world)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(runs(&world, JobKind::Verify).await[0].state, JobState::Running);
}

#[tokio::test]
async fn a_discarded_job_keeps_every_error() {
    let posting = Posting::new().await;
    posting.erp.ledger().silent = true;
    let shop = workshop(&posting.world, posting.erps.clone(), "w");
    run_now(&posting.world.cx, &Actor::Cli("ops".into()), JobKind::ReadBack, Some(posting.world.us)).await.unwrap();
    let mut tried = 0;
    while runs(&posting.world, JobKind::ReadBack).await.iter().any(|run| run.finished_at.is_none()) {
        drain(&shop).await.unwrap();
        posting.clock.advance(TimeDelta::seconds(100));
        tried += 1;
        assert!(tried < 20, "never given up");
    }
    let run = runs(&posting.world, JobKind::ReadBack).await.into_iter().find(|run| !run.subject.is_empty()).unwrap();
    assert_eq!((run.state, run.attempt), (JobState::Discarded, JobKind::ReadBack.attempts_max()));
    assert_eq!(run.errors.len(), 5);
    assert!(run.result.unwrap().contains("connection cut"));
}

#[tokio::test]
async fn a_panic_fails_its_job_and_nothing_else() {
    let posting = Posting::new().await;
    posting.erp.ledger().broken = true;
    let shop = workshop(&posting.world, posting.erps.clone(), "w");
    let cli = Actor::Cli("ops".into());
    run_now(&posting.world.cx, &cli, JobKind::ReadBack, None).await.unwrap();
    run_now(&posting.world.cx, &cli, JobKind::Verify, None).await.unwrap();
    drain(&shop).await.unwrap();
    assert_eq!(runs(&posting.world, JobKind::ReadBack).await[0].state, JobState::Retryable);
    assert_eq!(runs(&posting.world, JobKind::Verify).await[0].state, JobState::Completed);
}

#[tokio::test]
async fn a_replay_with_a_pace_waits_in_the_queue_and_the_sweep_takes_no_turn_of_it() {
    let company = Company::refused(&["I-1", "I-2", "I-3", "I-4"]).await;
    company.limit(1_000).await;
    let mut documents = Vec::new();
    for number in ["I-1", "I-2", "I-3", "I-4"] {
        documents.push(company.document(number).await);
    }
    let (cx, scope, ann) = (&company.world.cx, company.scope(), person("ann@lumen.example"));
    let set = company.prepare("ann@lumen.example", &scope, &documents).await.unwrap();
    replay::control(cx, &ann, &scope, set, Control::Rate(Some(1))).await.unwrap();
    let shop = workshop(&company.world, company.erps.clone(), "w");
    // at 18:04:30, so that the sweep at 18:05 comes between two turns
    company.clock.advance(TimeDelta::seconds(270));
    for (seconds, turns) in [(0, 1), (30, 1), (29, 1), (1, 2), (60, 3)] {
        company.clock.advance(TimeDelta::seconds(seconds));
        drain(&shop).await.unwrap();
        assert_eq!(company.set(set).await.done(), turns, "{seconds} s later");
    }
    let mine = async || runs(&company.world, JobKind::Replay).await.into_iter().filter(|run| !run.subject.is_empty()).collect::<Vec<_>>();
    assert_eq!(mine().await.len(), 1, "one job, put off with every turn");
    assert_eq!(mine().await[0].attempts_max - mine().await[0].attempt, JobKind::Replay.attempts_max(), "a turn is no failed try");
    // the job was given up: the sweep finds its set
    company.execute("update job set state = 'discarded', finished_at = now() where kind = 'replay' and subject <> ''").await;
    company.clock.advance(TimeDelta::minutes(5));
    drain(&shop).await.unwrap();
    assert_eq!(company.set(set).await.queued, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_run_and_stop() {
    let posting = Posting::new().await;
    run_now(&posting.world.cx, &Actor::Cli("ops".into()), JobKind::ReadBack, None).await.unwrap();
    let cancel = CancellationToken::new();
    let working = tokio::spawn(run(workshop(&posting.world, posting.erps.clone(), "w"), cancel.clone()));
    tokio::time::timeout(Duration::from_secs(20), async {
        while runs(&posting.world, JobKind::ReadBack).await[0].state != JobState::Completed {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the job is done");
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(20), working).await.expect("stops").unwrap();
}
