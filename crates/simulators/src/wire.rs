//! Connections that can be cut without an answer.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::fmt;
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt;

/// Marks an answer that never leaves: the connection is cut instead.
#[derive(Debug, Clone, Copy)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection cut by a fault")
    }
}

impl std::error::Error for Cut {}

pub(crate) fn cut() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Cut);
    response
}

/// Accepts until it is aborted; then every connection is dropped.
pub(crate) async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| answer(router.clone(), request.map(Body::new)));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

/// On a task of its own: a vendor does not stop working because the client went away.
async fn answer(router: Router, request: Request<Body>) -> Result<Response, Cut> {
    let Ok(Ok(response)) = tokio::spawn(router.oneshot(request)).await else { return Err(Cut) };
    if response.extensions().get::<Cut>().is_some() { Err(Cut) } else { Ok(response) }
}
