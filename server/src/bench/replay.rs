//! Freezing a replay set, by the use case, against a bare `insert … select` of the same ids and hashes into an empty copy of its table;
//! ours grows by the sets of the rounds before.

use super::{Lab, ROUNDS, Report, Sizes, books, check, median, ratio, seconds};
use anyhow::ensure;
use domain::{
    access::{Caller, Grant, Role, Scope},
    id::{EntityId, ReplaySetId, UserId},
};
use pipeline::workbench::replay::{self, Control};
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use store::{replays::Source, views::exceptions::Filter};
use uuid::Uuid;

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let lab = Lab::open().await?;
    let cx = lab.database("replay", None).await?;
    let entities = books::furnish(&cx, books::Size { posted: 0, exceptions: sizes.documents, queued: 0 }).await?;
    let caller = caller(&entities);
    let scope = Scope::of_system(entities);
    let (mut ours, mut bares, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let began = Instant::now();
        let frozen = replay::prepare(&cx, &caller, &scope, Source::Matching(&Filter::default()), "everything").await;
        let mine = began.elapsed();
        let set = frozen.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let bare = bare(&cx, set, sizes.documents).await?;
        replay::control(&cx, &caller, &scope, set, Control::Cancel).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        eprintln!("round {}: frozen in {mine:?}, bare insert in {bare:?}", round + 1);
        ratios.push(ratio(seconds(mine), seconds(bare))?);
        ours.push(seconds(mine));
        bares.push(seconds(bare));
        store::bench::books::settle(&cx.pool).await?;
    }
    check(&cx).await?;
    let figures = BTreeMap::from([
        ("items".into(), Decimal::from(sizes.documents)),
        ("freeze_seconds".into(), median(ours)),
        ("bare_insert_seconds".into(), median(bares)),
    ]);
    Ok(Report { name: "replay", figures, ratios: BTreeMap::from([("vs_bare_insert".into(), median(ratios))]) })
}

async fn bare(cx: &pipeline::Context, set: ReplaySetId, items: u32) -> anyhow::Result<Duration> {
    store::bench::empty_copy(&cx.pool).await?;
    let began = Instant::now();
    let inserted = store::bench::copy_items(&cx.pool, set).await?;
    let took = began.elapsed();
    ensure!(inserted == u64::from(items), "{inserted} items were frozen, not {items}");
    Ok(took)
}

/// Somebody who may prepare replays; above his limit, so that the sets wait.
fn caller(entities: &[EntityId]) -> Caller {
    let grants = entities.iter().map(|entity_id| Grant { role: Role::Controller, entity_id: *entity_id }).collect();
    Caller { user_id: UserId(Uuid::now_v7()), email: "bench@tieout.example".into(), name: "Bench".into(), grants }
}
