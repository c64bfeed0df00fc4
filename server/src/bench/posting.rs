//! Posting: the production worker from queued to posted, with attempt rows, movements, totals and outbox. Beside it bare SQL that
//! writes the same rows, and job queues with no-op jobs.

use super::{Lab, ROUNDS, Report, Sizes, check, company, median, peers::PEERS, per_second, ratio};
use anyhow::{Context as _, ensure};
use domain::{
    id::{AttemptId, CorrelationId},
    stage::Stage,
};
use pipeline::{Context, posting::worker::CLAIM};
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A round that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    for peer in &PEERS {
        peer.install().await?;
    }
    let documents = sizes.documents;
    let lab = Lab::open().await?;
    let cx = lab.database("prepared", None).await?;
    let entity = company::furnish(&cx, company::SLOTS).await?;
    company::import(&cx, entity, company::batch_file(documents, "B", company::MAPPED)?).await?;
    company::map(&cx, &company::instant_erps(&cx).await?).await?;
    cx.pool.close().await;

    let mut megabytes = Decimal::ZERO;
    let (mut rates, mut ratios) = (BTreeMap::<String, Vec<Decimal>>::new(), BTreeMap::<String, Vec<Decimal>>::new());
    for round in 0..ROUNDS {
        let ours = round_of(&lab, &format!("round{round}"), documents, &mut megabytes).await?;
        let mut theirs = vec![("bare_sql", bare(&lab, &format!("bare{round}"), documents).await?)];
        for peer in &PEERS {
            theirs.push((peer.name, peer.drain(&lab, round).await?));
        }
        eprintln!("round {}: {ours} postings/s, a second of {theirs:?}", round + 1);
        rates.entry("postings_per_second".into()).or_default().push(ours);
        for (name, rate) in theirs {
            rates.entry(format!("{name}_per_second")).or_default().push(rate);
            ratios.entry(format!("vs_{name}")).or_default().push(ratio(ours, rate)?);
        }
    }
    let medians = |of: BTreeMap<String, Vec<Decimal>>| of.into_iter().map(|(name, values)| (name, median(values)));
    let mut figures: BTreeMap<String, Decimal> = medians(rates).collect();
    figures.extend([("documents".into(), documents.into()), ("worker_megabytes".into(), megabytes)]);
    Ok(Report { name: "posting", figures, ratios: medians(ratios).collect() })
}

/// Posts every queued document of a copy of the prepared database.
async fn round_of(lab: &Lab, name: &str, documents: u32, megabytes: &mut Decimal) -> anyhow::Result<Decimal> {
    let cx = lab.database(name, Some("prepared")).await?;
    let rate = post(&cx, documents, megabytes).await?;
    check(&cx).await?;
    lab.drop_database(name, cx).await?;
    Ok(rate)
}

/// Lets a worker run until so many more are posted; what this process holds meanwhile is more than the worker's memory.
pub async fn post(cx: &Context, documents: u32, megabytes: &mut Decimal) -> anyhow::Result<Decimal> {
    let erps = Arc::new(company::instant_erps(cx).await?);
    let cancel = CancellationToken::new();
    let before = store::bench::count_in(&cx.pool, Stage::Posted).await?;
    let began = Instant::now();
    let worker = tokio::spawn(pipeline::posting::worker::run(cx.clone(), erps, "bench".into(), cancel.clone()));
    let posted = loop {
        let posted = store::bench::count_in(&cx.pool, Stage::Posted).await? - before;
        *megabytes = (*megabytes).max(super::resident("VmRSS:")?);
        if posted >= i64::from(documents) {
            break posted;
        }
        ensure!(began.elapsed() < PATIENCE, "not posted after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let took = began.elapsed();
    cancel.cancel();
    worker.await?;
    Ok(per_second(u32::try_from(posted)?, took))
}

/// The same rows by bare SQL, in batches as large as a worker's claim.
async fn bare(lab: &Lab, name: &str, documents: u32) -> anyhow::Result<Decimal> {
    let cx = lab.database(name, Some("prepared")).await?;
    let connection = store::connections::list(&cx.pool).await?.first().context("no connection")?.connection_id;
    let mut conn = cx.pool.acquire().await?;
    let (mut posted, began) = (0, Instant::now());
    while posted < documents {
        let lease = CorrelationId(Uuid::now_v7());
        let attempts: Vec<AttemptId> = (0..CLAIM).map(|_| AttemptId(Uuid::now_v7())).collect();
        let taken = store::bench::bare::claim(&mut conn, connection, lease, &attempts, cx.clock.now()).await?;
        ensure!(!taken.is_empty(), "bare SQL found nothing more to post");
        store::bench::bare::complete(&mut conn, lease, &taken, &attempts[..taken.len()], cx.clock.now()).await?;
        posted += u32::try_from(taken.len())?;
    }
    let took = began.elapsed();
    drop(conn);
    check(&cx).await?;
    lab.drop_database(name, cx).await?;
    Ok(per_second(documents, took))
}
