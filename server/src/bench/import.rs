//! Import against `COPY` of the identical document, line and movement rows, indexes and keys on.

use super::{Lab, ROUNDS, Report, Sizes, check, company, median, ratio, seconds};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let documents = sizes.documents;
    let lab = Lab::open().await?;
    let cx = lab.database("empty", None).await?;
    let entity = company::furnish(&cx, 10).await?;
    cx.pool.close().await;

    let (mut ours, mut copies, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("import{round}");
        let cx = lab.database(&name, Some("empty")).await?;
        let file = company::batch_file(documents, "B", company::MAPPED)?;
        let began = Instant::now();
        company::import(&cx, entity, file).await?;
        let mine = began.elapsed();
        check(&cx).await?;
        let rows = store::bench::dump_batch(&cx.pool).await?;
        lab.drop_database(&name, cx).await?;

        let copy = copy_rows(&lab, &format!("copy{round}"), &rows).await?;
        eprintln!("round {}: import {mine:?}, COPY {copy:?}", round + 1);
        ratios.push(ratio(seconds(copy), seconds(mine))?);
        ours.push(seconds(mine));
        copies.push(seconds(copy));
    }
    let figures = BTreeMap::from([
        ("documents".into(), documents.into()),
        ("import_seconds".into(), median(ours)),
        ("copy_seconds".into(), median(copies)),
        // the dump for the baseline is part of it
        ("peak_resident_megabytes".into(), super::resident("VmHWM:")?),
    ]);
    Ok(Report { name: "import", figures, ratios: BTreeMap::from([("vs_copy".into(), median(ratios))]) })
}

async fn copy_rows(lab: &Lab, name: &str, rows: &store::bench::BatchDump) -> anyhow::Result<Duration> {
    let cx = lab.database(name, Some("empty")).await?;
    let began = Instant::now();
    store::bench::load_batch(&cx.pool, rows).await?;
    let took = began.elapsed();
    lab.drop_database(name, cx).await?;
    Ok(took)
}
