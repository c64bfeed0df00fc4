//! Pages, warm, one client: the whole server's time per answer at 10,000 and at 100,000 documents, taken in turns.

use super::{Lab, ROUNDS, Report, check, company, median, ratio};
use crate::{config::Settings, http::AppState, serve};
use anyhow::{Context as _, ensure};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use domain::{
    access::{Grant, Role},
    id::EntityId,
    stage::Stage,
    view::{BatchView, DocumentRow},
};
use pipeline::{
    Context,
    access::users::{NewPerson, cli_granter, create},
};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, net::SocketAddr, time::Instant};
use tower::ServiceExt;

const SIZES: [u32; 2] = [10_000, 100_000];
/// Requests per route and round.
const REQUESTS: usize = 40;
const WARM_UP: usize = 5;
const EMAIL: &str = "bench@tieout.example";
const PASSWORD: &str = "a long sentence for the bench";
const HOST: &str = "bench.local";

pub async fn run() -> anyhow::Result<Report> {
    let lab = Lab::open().await?;
    let mut sites = Vec::new();
    for size in SIZES {
        sites.push(Site::open(&lab, size).await?);
    }
    let routes = sites[0].routes.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let (mut figures, mut ratios) = (BTreeMap::new(), BTreeMap::new());
    let (mut slowest, mut worst) = (Decimal::ZERO, Decimal::ZERO);
    for (index, route) in routes.iter().enumerate() {
        let mut p95 = [Vec::new(), Vec::new()];
        let mut grown = Vec::new();
        for _ in 0..ROUNDS {
            let (small, large) = (sites[0].p95(index).await?, sites[1].p95(index).await?);
            grown.push(ratio(large, small)?);
            p95[0].push(small);
            p95[1].push(large);
        }
        let [small, large] = p95.map(median);
        let grown = median(grown);
        eprintln!("{route}: p95 {small} ms at 10,000, {large} ms at 100,000, ratio {grown}");
        (slowest, worst) = (slowest.max(large), worst.max(grown));
        figures.insert(format!("p95_ms_100k {route}"), large);
        ratios.insert(format!("100k_vs_10k {route}"), grown);
    }
    figures.insert("p95_ms_100k_slowest".into(), slowest);
    ratios.insert("100k_vs_10k_worst".into(), worst);
    for site in &sites {
        check(&site.cx).await?;
    }
    Ok(Report { name: "pages", figures, ratios })
}

/// A program over a database of so many documents, and somebody signed in.
struct Site {
    cx: Context,
    router: Router,
    cookie: String,
    routes: Vec<(&'static str, String)>,
}

impl Site {
    async fn open(lab: &Lab, documents: u32) -> anyhow::Result<Self> {
        let cx = lab.database(&format!("pages{documents}"), None).await?;
        let entity = company::furnish(&cx, company::SLOTS).await?;
        fill(&cx, entity, documents).await?;
        store::bench::analyze(&cx.pool).await?;
        let grants = [Role::Controller, Role::Auditor].map(|role| Grant { role, entity_id: entity }).to_vec();
        let person = NewPerson { email: EMAIL.into(), name: "Bench".into(), password: PASSWORD.into(), totp_required: false, grants };
        create(&cx, &cli_granter(&cx, "bench").await?, person).await?;
        let router = serve::router(AppState::new(cx.clone(), Settings::default()));
        let cookie = sign_in(&router).await?;
        let routes = routes(&cx, entity).await?;
        Ok(Self { cx, router, cookie, routes })
    }

    /// 95th percentile of one round, in milliseconds.
    async fn p95(&self, route: usize) -> anyhow::Result<Decimal> {
        let (name, path) = &self.routes[route];
        let mut times = Vec::with_capacity(REQUESTS);
        for n in 0..WARM_UP + REQUESTS {
            let began = Instant::now();
            let response = self.router.clone().oneshot(request(Method::GET, path, Some(&self.cookie), Body::empty())?).await?;
            let status = response.status();
            to_bytes(response.into_body(), usize::MAX).await?;
            ensure!(status == StatusCode::OK, "{name} answers {status}");
            if n >= WARM_UP {
                times.push(Decimal::from(u64::try_from(began.elapsed().as_micros())?) / Decimal::from(1000));
            }
        }
        times.sort_unstable();
        Ok(times[REQUESTS * 95 / 100].round_dp(2))
    }
}

/// Batches of 5,000: most posted, one still finalized, one in exception for want of a mapping.
async fn fill(cx: &Context, entity: EntityId, documents: u32) -> anyhow::Result<()> {
    const BATCH: u32 = 5_000;
    let erps = company::instant_erps(cx).await?;
    for n in 0..documents / BATCH {
        let items = if n == 1 { "NEW" } else { company::MAPPED };
        company::import(cx, entity, company::batch_file(BATCH, &format!("B{n}"), items)?).await?;
        if n + 1 < documents / BATCH {
            pipeline::posting::worker::drain(cx, &erps, &"bench".into()).await?;
        }
    }
    Ok(())
}

async fn routes(cx: &Context, entity: EntityId) -> anyhow::Result<Vec<(&'static str, String)>> {
    let scope = domain::access::Scope::of_system(vec![entity]);
    let batches: Vec<BatchView> = store::views::batches::list(&cx.pool, &scope, &store::views::batches::Filter::default(), 1).await?;
    let posted = store::views::documents::Filter { stages: Some(vec![Stage::Posted]), ..Default::default() };
    let documents: Vec<DocumentRow> = store::views::documents::list(&cx.pool, &scope, &posted, 1).await?;
    let (batch, document) = (&batches.first().context("no batch")?.batch_id, &documents.first().context("no document")?.document_id);
    Ok(vec![
        ("/", "/".into()),
        ("/batches", "/batches".into()),
        ("/batches/{id}", format!("/batches/{batch}")),
        ("/documents", "/documents?stage=posted&period=2026-10".into()),
        ("/documents, few", "/documents?stage=exception&period=2026-10".into()),
        ("/documents/{id}", format!("/documents/{document}")),
        ("/exceptions", "/exceptions".into()),
        ("/replays", "/replays".into()),
        ("/reconciliation", "/reconciliation?period=2026-10".into()),
        ("/connections", "/connections".into()),
        ("/mappings", "/mappings".into()),
        ("/jobs", "/jobs".into()),
    ])
}

fn request(method: Method, path: &str, cookie: Option<&str>, body: Body) -> anyhow::Result<Request<Body>> {
    let mut request =
        Request::builder().method(method).uri(path).header(header::HOST, HOST).header(header::ORIGIN, format!("http://{HOST}"));
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let mut request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)?;
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
    Ok(request)
}

async fn sign_in(router: &Router) -> anyhow::Result<String> {
    let form = format!("email={EMAIL}&password={}&next=%2F", PASSWORD.replace(' ', "+"));
    let response = router.clone().oneshot(request(Method::POST, "/fn/sign_in", None, Body::from(form))?).await?;
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let session = cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("tieout_session="));
    Ok(session.with_context(|| format!("signing in answered {}", response.status()))?.to_owned())
}
