//! What the frame of every page needs: who is signed in, and the theme.

use super::ApiError;
use crate::components::Theme;
use domain::view::CallerView;
use leptos::prelude::*;

/// Periods offered in the switch; older ones are typed.
#[cfg(feature = "ssr")]
const PERIODS_OFFERED: usize = 12;

/// Who is signed in, what he may do and where. Read before the page is rendered and handed to it with the request: a frame that
/// waited for it would hold the pages' own resources, and then an answer may never end (leptos-rs/leptos#4866).
#[cfg(feature = "ssr")]
pub async fn caller_view(ctx: &pipeline::Context, caller: &domain::access::Caller) -> Result<CallerView, store::Error> {
    use domain::{access::Action, period::AccountingPeriod};
    let mut conn = ctx.pool.acquire().await?;
    let mut entities = store::entities::list(&mut conn).await?;
    let unread = store::notices::unread(&mut conn, caller.user_id, &caller.scope(Action::ReadFinance)).await?;
    entities.retain(|entity| caller.grants.iter().any(|grant| grant.entity_id == entity.entity_id));
    let mut roles: Vec<_> = caller.grants.iter().map(|grant| grant.role).collect();
    roles.sort_unstable();
    roles.dedup();
    let now = AccountingPeriod::of(ctx.clock.now().date_naive());
    Ok(CallerView {
        actions: Action::ALL.iter().copied().filter(|action| caller.may(*action)).collect(),
        name: caller.name.clone(),
        email: caller.email.clone(),
        roles,
        entities,
        periods: std::iter::successors(Some(now), |period| Some(period.previous())).take(PERIODS_OFFERED).collect(),
        unread,
    })
}

/// The signed-in person of this request.
#[cfg(feature = "ssr")]
pub fn signed_in() -> Option<CallerView> {
    use_context::<axum::http::request::Parts>()?.extensions.get::<CallerView>().cloned()
}

/// Pages are rendered on the server only.
#[cfg(not(feature = "ssr"))]
pub fn signed_in() -> Option<CallerView> {
    None
}

/// Remembers the theme in a cookie; the form's answer leads back to its page.
#[server(prefix = "/fn", endpoint = "set_theme")]
pub async fn set_theme(theme: Theme) -> Result<(), ApiError> {
    use axum::http::{HeaderValue, header::SET_COOKIE};
    let cookie = HeaderValue::from_str(&theme.to_cookie()).map_err(super::guard::internal)?;
    expect_context::<leptos_axum::ResponseOptions>().append_header(SET_COOKIE, cookie);
    Ok(())
}
