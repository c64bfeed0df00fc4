//! Posting: the production worker from queued to posted, with attempt rows, movements, totals and outbox.

use super::{DOCUMENTS, Lab, ROUNDS, Report, check, company, graphile::Graphile, median, per_second, ratio};
use anyhow::ensure;
use domain::stage::Stage;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

const SLOTS: i32 = 500;
/// A round that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

pub async fn run() -> anyhow::Result<Report> {
    let graphile = Graphile::install().await?;
    let lab = Lab::open().await?;
    let cx = lab.database("prepared", None).await?;
    let entity = company::furnish(&cx, SLOTS).await?;
    company::import(&cx, entity, company::batch_file(DOCUMENTS, "B")?).await?;
    company::map(&cx, &company::instant_erps(&cx).await?).await?;
    cx.pool.close().await;

    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mine = post_all(&lab, &format!("round{round}")).await?;
        let peer = graphile.drain(&lab, &format!("graphile{round}")).await?;
        eprintln!("round {}: {mine} postings/s, graphile-worker {peer} jobs/s", round + 1);
        ratios.push(ratio(mine, peer)?);
        ours.push(mine);
        theirs.push(peer);
    }
    Ok(Report {
        name: "posting",
        figures: BTreeMap::from([
            ("documents".into(), DOCUMENTS.into()),
            ("postings_per_second".into(), median(ours)),
            ("graphile_default_jobs_per_second".into(), median(theirs)),
        ]),
        ratios: BTreeMap::from([("vs_graphile_default".into(), median(ratios))]),
    })
}

/// Posts every queued document of a copy of the prepared database.
async fn post_all(lab: &Lab, name: &str) -> anyhow::Result<rust_decimal::Decimal> {
    let cx = lab.database(name, Some("prepared")).await?;
    let erps = Arc::new(company::instant_erps(&cx).await?);
    let cancel = CancellationToken::new();
    let began = Instant::now();
    let worker = tokio::spawn(pipeline::posting::worker::run(cx.clone(), erps, "bench".into(), cancel.clone()));
    while store::bench::count_in(&cx.pool, Stage::Posted).await? < i64::from(DOCUMENTS) {
        ensure!(began.elapsed() < PATIENCE, "not posted after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    cancel.cancel();
    worker.await?;
    check(&cx).await?;
    lab.drop_database(name, cx).await?;
    Ok(per_second(DOCUMENTS, took))
}
