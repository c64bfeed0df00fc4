//! Routes and layers, and serving them until told to stop.

use crate::{
    guard,
    http::{self, AppState},
    metrics, security,
    session_store::Sessions,
};
use anyhow::Context as _;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, Request, header},
    middleware::from_fn_with_state,
};
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};
use std::{future::IntoFuture, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use tower_sessions::{SessionManagerLayer, cookie::SameSite};

const COOKIE: &str = "tieout_session";
/// A form; files have routes of their own with limits of their own.
const FORM_BYTES_MAX: usize = 1024 * 1024;
/// How long running requests may take after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Every route of the program with every layer.
pub fn router(state: AppState) -> Router {
    let site = &state.settings.site_root;
    let static_files = Router::new()
        .nest_service("/pkg", ServeDir::new(site.join("pkg")).precompressed_br())
        .nest_service("/fonts", ServeDir::new(site.join("fonts")))
        .route_service("/favicon.svg", ServeFile::new(site.join("favicon.svg")))
        // names carry no hash: the browser asks, and is told "not modified"
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    Router::new()
        .merge(static_files)
        .merge(http::health::router())
        .merge(http::api::router(&state))
        .merge(http::webhooks::router())
        .merge(pages(&state))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::x_request_id(NewRequestId))
                .layer(TraceLayer::new_for_http())
                .layer(PropagateRequestIdLayer::x_request_id())
                .layer(from_fn_with_state(state.clone(), metrics::measure))
                .layer(from_fn_with_state(state.clone(), security::headers))
                .layer(CatchPanicLayer::new()),
        )
        .with_state(state)
}

/// Pages, server functions and exports: what browsers use, behind session and guard.
fn pages(state: &AppState) -> Router<AppState> {
    let context = {
        let pipeline = state.context.clone();
        move || {
            provide_context(pipeline.clone());
            security::set_page_policy();
        }
    };
    let sessions = SessionManagerLayer::new(Sessions::new(state.context.clone(), state.settings.session_limits()))
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(state.settings.over_https());
    let shell = {
        let options = state.leptos.clone();
        move || app::shell(options.clone())
    };
    Router::new()
        .leptos_routes_with_context(state, generate_route_list(app::App), context.clone(), shell.clone())
        .merge(http::exports::router())
        .merge(http::uploads::router())
        .merge(http::live::router())
        .fallback(leptos_axum::file_and_error_handler_with_context::<AppState, _>(context, move |_| shell()))
        // the last one is met first
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn_with_state(state.clone(), guard::pages))
        .layer(sessions)
        .layer(from_fn_with_state(state.clone(), security::same_origin))
        .layer(from_fn_with_state(state.clone(), security::client_address))
}

#[derive(Debug, Clone, Copy)]
struct NewRequestId;

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&uuid::Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

/// Answers on `listener` until `stop`, then lets running requests end, but not for ever.
pub async fn serve(state: AppState, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let live = http::live::Live::start(state.context.pool.clone(), stop.clone());
    let service = router(AppState { live, ..state }).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = serving => served.context("serving")?,
        () = drained => tracing::warn!("some requests were cut off"),
    }
    Ok(())
}

/// Ends with SIGTERM or SIGINT.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(token)
}
