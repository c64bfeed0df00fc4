//! Figures about the program for Prometheus: requests by route and status, their duration, the pool.

use crate::http::AppState;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use std::time::Instant;
use store::Pool;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    /// The route's pattern, never the path: identifiers would make a series each.
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    connections: Gauge,
    connections_idle: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<Answered, Counter>::default();
        // 1 ms to 8 s
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 14)));
        let (connections, connections_idle) = (Gauge::default(), Gauge::default());
        let mut registry = Registry::with_prefix("tieout");
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to the head of the answer", seconds.clone());
        registry.register("db_connections", "Connections to the database", connections.clone());
        registry.register("db_connections_idle", "Connections that nobody uses", connections_idle.clone());
        Self { registry, requests, seconds, connections, connections_idle }
    }
}

impl Metrics {
    /// All figures in the text format.
    pub fn text(&self, pool: &Pool) -> Result<String, std::fmt::Error> {
        self.connections.set(pool.size().into());
        self.connections_idle.set(i64::try_from(pool.num_idle()).unwrap_or(i64::MAX));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Counts and times a request.
pub async fn measure(State(state): State<AppState>, route: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
    let (method, began) = (request.method().to_string(), Instant::now());
    let response = next.run(request).await;
    state.metrics.seconds.get_or_create(&Route { route: route.clone() }).observe(began.elapsed().as_secs_f64());
    state.metrics.requests.get_or_create(&Answered { method, route, status: response.status().as_u16() }).inc();
    response
}
