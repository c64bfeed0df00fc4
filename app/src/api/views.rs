//! Filters of the exception queue under a name.

use super::{ApiError, exceptions::ExceptionQuery};
use domain::bulk::SavedView;
use leptos::prelude::*;

#[server(prefix = "/fn", endpoint = "list_views")]
pub async fn list_views() -> Result<Vec<SavedView>, ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    Ok(store::saved_views::list(&super::context().pool, caller.user_id, &scope).await?)
}

/// Keeps the filter that a page shows, and leads to it.
#[server(prefix = "/fn", endpoint = "save_view")]
pub async fn save_view(name: String, #[server(default)] shared: bool, #[server(default)] query: ExceptionQuery) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    // a filter that can't be read is not kept
    super::exceptions::ssr::filter(&query, ctx.clock.now())?;
    let entity = match query.entity.as_deref().filter(|code| !code.is_empty()) {
        Some(code) => super::arguments::scope_of(&ctx, &scope, Some(code)).await?.entities().first().copied(),
        None => None,
    };
    let href = crate::components::Query::new("", &query.pairs()).href();
    let text = href.trim_start_matches('?');
    let view_id = pipeline::workbench::views::save(&ctx, &caller, &name, text, entity, shared).await?;
    let and = if text.is_empty() { "" } else { "&" };
    super::go_back(&format!("/exceptions?view={view_id}{and}{text}"), "view saved");
    Ok(())
}

#[server(prefix = "/fn", endpoint = "delete_view")]
pub async fn delete_view(view: String) -> Result<(), ApiError> {
    let (caller, _) = super::require(domain::access::Action::ReadFinance)?;
    let id = view.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::workbench::views::delete(&super::context(), &caller, id).await?;
    super::go_back("/exceptions?view=all", "view deleted");
    Ok(())
}

/// What the queue opens with; an empty view: everything.
#[server(prefix = "/fn", endpoint = "set_default_view")]
pub async fn set_default_view(#[server(default)] view: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let id = super::arguments::word("view", Some(view.as_str()))?;
    pipeline::workbench::views::set_default(&super::context(), &caller, &scope, id).await?;
    super::go_back(&back, if id.is_some() { "the queue opens with this view" } else { "the queue opens with everything" });
    Ok(())
}
