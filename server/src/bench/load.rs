//! Books at scale: loading, proving and posting on top of millions of postings, against the rate on top of few.

use super::{Lab, ROUNDS, Report, Sizes, books, check, median, posting, ratio, seconds};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, time::Instant};

/// The history that the large one is compared with.
const SMALL: u32 = 50_000;

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let lab = Lab::open().await?;
    let few = lab.database("few", None).await?;
    books::furnish(&few, books::Size { posted: SMALL, exceptions: 0, queued: 0 }).await?;
    few.pool.close().await;
    let many = lab.database("many", None).await?;
    let began = Instant::now();
    books::furnish(&many, books::Size { posted: sizes.postings, exceptions: sizes.exceptions, queued: 0 }).await?;
    let loaded = began.elapsed();
    let megabytes = store::bench::books::megabytes(&many.pool).await?;
    eprintln!("loaded in {loaded:?}, {megabytes} MB");

    let mut resident = Decimal::ZERO;
    let (mut rates, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..u32::try_from(ROUNDS)? {
        let name = format!("few{round}");
        let few = lab.database(&name, Some("few")).await?;
        books::queue(&few, SMALL, sizes.documents).await?;
        let on_few = posting::post(&few, sizes.documents, &mut resident).await?;
        check(&few).await?;
        lab.drop_database(&name, few).await?;
        books::queue(&many, sizes.postings + sizes.exceptions + round * sizes.documents, sizes.documents).await?;
        let on_many = posting::post(&many, sizes.documents, &mut resident).await?;
        eprintln!("round {}: {on_few} postings/s on {SMALL}, {on_many} on {}", round + 1, sizes.postings);
        ratios.push(ratio(on_many, on_few)?);
        rates[0].push(on_few);
        rates[1].push(on_many);
    }
    let began = Instant::now();
    check(&many).await?;
    let [on_few, on_many] = rates.map(median);
    let figures = BTreeMap::from([
        ("postings".into(), sizes.postings.into()),
        ("exceptions".into(), sizes.exceptions.into()),
        ("load_seconds".into(), seconds(loaded)),
        ("database_megabytes".into(), megabytes.into()),
        ("verify_seconds".into(), seconds(began.elapsed())),
        ("postings_per_second_on_few".into(), on_few),
        ("postings_per_second_on_many".into(), on_many),
        ("worker_megabytes".into(), resident),
    ]);
    Ok(Report { name: "load", figures, ratios: BTreeMap::from([("vs_history".into(), median(ratios))]) })
}
