//! Nothing without permission: every page asks for a session, every server function for what its row in
//! `app::api::GUARDS` says, before its arguments are read. What has no row is refused.

use crate::http::AppState;
use app::{
    api::{ApiError, GUARDS, Guard, PREFIX, session::USER, shell::caller_view},
    components::Query,
};
use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{access::Caller, id::UserId};
use leptos::server_fn::error::FromServerFnError;
use tower_sessions::Session;

const LOGIN: &str = "/login";
/// An error is a line of text.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// Pages and exports: puts the caller into the request, or sends the visitor to sign in.
pub async fn pages(State(state): State<AppState>, session: Session, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('/')) {
        return functions(state, session, request, next).await;
    }
    match caller(&state, &session).await {
        Ok(Some(caller)) if path != LOGIN => {
            match caller_view(&state.context, &caller).await {
                Ok(view) => request.extensions_mut().insert(view),
                Err(error) => return broken(&error.into()),
            };
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(Some(_)) => Redirect::to("/").into_response(),
        Ok(None) if path == LOGIN => next.run(request).await,
        Ok(None) => to_login(request.uri()),
        Err(error) => broken(&error),
    }
}

async fn functions(state: AppState, session: Session, mut request: Request, next: Next) -> Response {
    let endpoint = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().trim_start_matches('/');
    let guard = GUARDS.iter().find(|(name, _)| *name == endpoint).map(|(_, guard)| *guard);
    let caller = match caller(&state, &session).await {
        Ok(caller) => caller,
        Err(error) => return broken(&error),
    };
    let refusal = match (guard, &caller) {
        (Some(Guard::Public), _) | (Some(Guard::SignedIn), Some(_)) => None,
        (Some(Guard::May(action)), Some(caller)) if caller.may(action) => None,
        (_, None) => Some(ApiError::Unauthenticated),
        (_, Some(_)) => Some(ApiError::Forbidden),
    };
    let form = accepts_html(request.headers());
    if let Some(refusal) = refusal {
        return refuse(&refusal, form, request.headers());
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    clean_referer(request.headers_mut());
    let response = next.run(request).await;
    if form { see_other(response) } else { with_status(response).await }
}

/// The person of the session, if he is still active.
async fn caller(state: &AppState, session: &Session) -> anyhow::Result<Option<Caller>> {
    let Some(user) = session.get::<UserId>(USER).await? else { return Ok(None) };
    let mut conn = state.context.pool.acquire().await?;
    Ok(store::access::users::caller(&mut conn, user).await?)
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn refuse(error: &ApiError, form: bool, headers: &HeaderMap) -> Response {
    if !form {
        return (status(error), Json(error)).into_response();
    }
    if *error != ApiError::Unauthenticated {
        return (status(error), error.to_string()).into_response();
    }
    // the session ran out while the form was being filled in
    let page = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()).and_then(|referer| referer.parse::<Uri>().ok());
    page.map_or_else(|| Redirect::to(LOGIN).into_response(), |page| to_login(&page))
}

fn to_login(page: &Uri) -> Response {
    let next = page.path_and_query().map_or("/", |path| path.as_str());
    if next == "/" {
        return Redirect::to(LOGIN).into_response();
    }
    Redirect::to(&Query::new(LOGIN, &[("next", next)]).href()).into_response()
}

fn status(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn broken(error: &anyhow::Error) -> Response {
    tracing::error!(error = format!("{error:#}"), "cannot tell who calls");
    (StatusCode::SERVICE_UNAVAILABLE, "The database cannot be reached. Try again in a moment.").into_response()
}

/// A form sent again after an error must not pile the old error on the new one.
fn clean_referer(headers: &mut HeaderMap) {
    let Some(referer) = headers.get(header::REFERER).and_then(|value| value.to_str().ok()) else { return };
    let Some((page, query)) = referer.split_once('?') else { return };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("__path=") && !pair.starts_with("__err=")).collect();
    let cleaned = if kept.is_empty() { page.to_owned() } else { format!("{page}?{}", kept.join("&")) };
    if let Ok(value) = HeaderValue::from_str(&cleaned) {
        headers.insert(header::REFERER, value);
    }
}

/// leptos answers a form with 302; 303 says that what follows is a GET (RFC 9110 §15.4.4).
fn see_other(mut response: Response) -> Response {
    if response.status() == StatusCode::FOUND {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

/// leptos answers every error with 500; the error itself knows better.
async fn with_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ERROR_BYTES_MAX).await else { return parts.into_response() };
    parts.status = status(&ApiError::de(bytes.clone()));
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_error_leaves_the_referer() {
        for (referer, cleaned) in [
            ("http://t/login?next=%2Fusers&__path=%2Ffn%2Fsign_in&__err=abc", "http://t/login?next=%2Fusers"),
            ("http://t/login?__path=x&__err=y", "http://t/login"),
            ("http://t/users?user=1", "http://t/users?user=1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, HeaderValue::from_static(referer));
            clean_referer(&mut headers);
            assert_eq!(headers[header::REFERER], cleaned);
        }
    }
}
