//! What every answer says to browsers, and which writes are refused for where they come from.

use crate::http::AppState;
use app::api::ClientAddress;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::{nonce::use_nonce, prelude::use_context};
use leptos_axum::ResponseOptions;
use std::net::SocketAddr;

/// For answers that are not pages: nothing of them may run.
const STRICT_CSP: &str = "default-src 'none'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

/// Set during rendering, because scripts of the page carry the nonce of this rendering.
pub fn set_page_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else { return };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Headers of every answer. Forms need the referrer within the site: errors come back to the page it names.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, STRICT_CSP);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    // static files say otherwise
    set(header::CACHE_CONTROL, "no-store");
    if state.settings.over_https() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// Refuses a write that another site made the browser send. `SameSite=Lax` cookies are the first guard, this the second.
pub async fn same_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || is_same_origin(request.headers(), state.settings.public_url.as_deref()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This request came from another site.").into_response()
}

fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(source) = text(header::ORIGIN).or_else(|| text(header::REFERER)) else { return false };
    let Some(source) = authority(source) else { return false };
    let ours = public_url.and_then(authority).or_else(|| text(header::HOST));
    ours.is_some_and(|ours| ours.eq_ignore_ascii_case(source))
}

/// Host and port of an address.
fn authority(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

/// Notes where the request came from, for throttling and the audit log.
pub async fn client_address(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let address = address_of(&request, state.settings.trust_forwarded_for);
    request.extensions_mut().insert(ClientAddress(address.unwrap_or_else(|| "unknown".to_owned())));
    next.run(request).await
}

fn address_of(request: &Request, trust_forwarded_for: bool) -> Option<String> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
    if !trust_forwarded_for {
        return peer;
    }
    let last = request.headers().get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    last.and_then(|value| value.rsplit(',').next()).map(|address| address.trim().to_owned()).or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_write_comes_from_the_page_it_belongs_to() {
        let check = |pairs, public, expected| assert_eq!(is_same_origin(&headers(pairs), public), expected, "{pairs:?}");
        check(&[("host", "t.example:3000"), ("origin", "http://t.example:3000")], None, true);
        check(&[("host", "t.example:3000"), ("referer", "http://t.example:3000/users?x=1")], None, true);
        check(&[("host", "t.example:3000"), ("origin", "http://evil.example")], None, false);
        check(&[("host", "t.example:3000"), ("origin", "http://t.example:3000.evil.example")], None, false);
        check(&[("host", "t.example:3000"), ("origin", "null"), ("referer", "http://t.example:3000/")], None, false);
        check(&[("host", "t.example:3000")], None, false);
        check(&[("host", "inner:80"), ("origin", "https://t.example")], Some("https://t.example/"), true);
        check(&[("host", "inner:80"), ("origin", "http://inner:80")], Some("https://t.example"), false);
    }
}
