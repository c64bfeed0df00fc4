//! The exception queue: the first page of every filter and of every pair of filters, each by a common and by a rare value, at
//! 5,000 and at 500,000 open exceptions, taken in turns.

use super::{Lab, ROUNDS, Report, Sizes, books, check, median, ratio};
use chrono::TimeDelta;
use domain::{access::Scope, exception::ExceptionKind, posting::ErpSystem};
use pipeline::Context;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, time::Instant};
use store::views::exceptions::{Filter, list};

const SMALL: u32 = 5_000;
const PAGE: i64 = 51;
/// Requests of a filter and round.
const REQUESTS: usize = 20;

pub async fn run(sizes: Sizes) -> anyhow::Result<Report> {
    let lab = Lab::open().await?;
    let small = Queue::open(&lab, SMALL).await?;
    let large = Queue::open(&lab, sizes.exceptions).await?;
    let (mut slowest, mut worst) = ((Decimal::ZERO, String::new()), (Decimal::ZERO, String::new()));
    let mut p95s = Vec::new();
    for (index, (name, _)) in small.filters.iter().enumerate() {
        let (mut grown, mut times) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (few, many) = (small.page(index).await?, large.page(index).await?);
            grown.push(ratio(many.median, few.median)?);
            times.push(many.p95);
        }
        let (grown, p95) = (median(grown), median(times));
        if grown > worst.0 {
            worst = (grown, name.clone());
        }
        if p95 > slowest.0 {
            slowest = (p95, name.clone());
        }
        if grown > Decimal::from(2) {
            eprintln!("{name}: {grown} times as long, p95 {p95} ms");
        }
        p95s.push(p95);
    }
    eprintln!("slowest: {} ({} ms); worst ratio: {} ({})", slowest.1, slowest.0, worst.1, worst.0);
    check(&large.cx).await?;
    let figures = BTreeMap::from([
        ("exceptions".into(), sizes.exceptions.into()),
        ("filters".into(), Decimal::from(p95s.len())),
        ("p95_ms_median".into(), median(p95s)),
        ("p95_ms_slowest".into(), slowest.0),
    ]);
    Ok(Report { name: "exceptions", figures, ratios: BTreeMap::from([("vs_5k_worst".into(), worst.0)]) })
}

struct Queue {
    cx: Context,
    scope: Scope,
    filters: Vec<(String, Filter)>,
}

struct Times {
    median: Decimal,
    p95: Decimal,
}

impl Queue {
    async fn open(lab: &Lab, exceptions: u32) -> anyhow::Result<Self> {
        let cx = lab.database(&format!("queue{exceptions}"), None).await?;
        let entities = books::furnish(&cx, books::Size { posted: 0, exceptions, queued: 0 }).await?;
        let connections = store::connections::list(&cx.pool).await?;
        let connections = connections.iter().map(|c| c.connection_id).collect::<Vec<_>>();
        let filters = filters(&cx, &entities, &connections)?;
        Ok(Self { cx, scope: Scope::of_system(entities), filters })
    }

    async fn page(&self, index: usize) -> anyhow::Result<Times> {
        let filter = &self.filters[index].1;
        list(&self.cx.pool, &self.scope, filter, PAGE).await?;
        let mut times = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let began = Instant::now();
            list(&self.cx.pool, &self.scope, filter, PAGE).await?;
            times.push(Decimal::from(u64::try_from(began.elapsed().as_micros())?) / Decimal::from(1000));
        }
        times.sort_unstable();
        Ok(Times { median: times[REQUESTS / 2], p95: times[REQUESTS * 95 / 100] })
    }
}

/// What one filter narrows to; a pair narrows to both.
type Narrow = Box<dyn Fn(&mut Filter)>;

fn filters(
    cx: &Context,
    entities: &[domain::id::EntityId],
    connections: &[domain::id::ConnectionId],
) -> anyhow::Result<Vec<(String, Filter)>> {
    let now = cx.clock.now();
    let mut all: Vec<(&str, &str, Narrow)> = Vec::new();
    for (share, entity) in [("common", entities[0]), ("rare", entities[3])] {
        all.push(("entity", share, Box::new(move |f| f.entity_id = Some(entity))));
    }
    for (share, connection) in [("common", connections[0]), ("rare", connections[1])] {
        all.push(("connection", share, Box::new(move |f| f.connection_id = Some(connection))));
    }
    for (share, currency) in [("common", "USD"), ("rare", "CHF")] {
        all.push(("currency", share, Box::new(move |f| f.currency = Some(currency.into()))));
    }
    for (share, kind) in [("common", ExceptionKind::Mapping), ("rare", ExceptionKind::Duplicate)] {
        all.push(("kind", share, Box::new(move |f| f.kind = Some(kind))));
    }
    for (share, days) in [("common", 30), ("rare", 84)] {
        all.push(("age", share, Box::new(move |f| f.opened_before = Some(now - TimeDelta::days(days)))));
    }
    for (share, days) in [("common", 0), ("rare", 86)] {
        all.push(("due", share, Box::new(move |f| f.due_before = Some(now - TimeDelta::days(days) + books::SLA))));
    }
    for (share, amount) in [("common", 1_000), ("rare", 109_500)] {
        all.push(("amount", share, Box::new(move |f| f.amount_min = Some(amount.into()))));
    }
    for (share, owner) in [("common", books::OWNERS[0]), ("rare", books::OWNERS[2])] {
        all.push(("owner", share, Box::new(move |f| f.owner = Some(owner.into()))));
    }
    for (share, period) in [("common", "2026-10"), ("rare", "2026-08")] {
        let period = period.parse()?;
        all.push(("period", share, Box::new(move |f| f.period = Some(period))));
    }
    for (share, number) in [("common", 0), ("rare", 199)] {
        let fingerprint = books::cause(number).fingerprint(Some(ErpSystem::Netsuite));
        all.push(("cluster", share, Box::new(move |f| f.fingerprint = Some(fingerprint.clone()))));
    }
    let mut filters = vec![("none".to_owned(), Filter::default())];
    for (n, (name, share, narrow)) in all.iter().enumerate() {
        let mut one = Filter::default();
        narrow(&mut one);
        for (other, other_share, narrow) in all[n + 1..].iter().filter(|(other, ..)| other != name) {
            let mut both = one.clone();
            narrow(&mut both);
            filters.push((format!("{share} {name}, {other_share} {other}"), both));
        }
        filters.push((format!("{share} {name}"), one));
    }
    Ok(filters)
}
