//! What a person watches, and what he is told.

use super::ApiError;
use domain::{notice::NoticeView, view::Paged};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxView {
    pub notices: Paged<NoticeView>,
}

#[server(prefix = "/fn", endpoint = "list_inbox")]
pub async fn list_inbox(after: Option<String>) -> Result<InboxView, ApiError> {
    use super::arguments::{cursor, page, paged};
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let rows = store::notices::list(&super::context().pool, caller.user_id, &scope, cursor(after.as_deref())?, page(PAGE)).await?;
    Ok(InboxView { notices: paged(rows, PAGE, |row| format!("{}~{}", row.at.to_rfc3339(), row.notice_id)) })
}

/// Marks a notice as read, or all of them.
#[server(prefix = "/fn", endpoint = "read_notices")]
pub async fn read_notices(#[server(default)] notice: String, back: String) -> Result<(), ApiError> {
    let (caller, _) = super::require(domain::access::Action::ReadFinance)?;
    let one = super::arguments::word("notice", Some(notice.as_str()))?;
    pipeline::workbench::read_notices(&super::context(), &caller, one).await?;
    super::go_back(&back, if one.is_some() { "read" } else { "all read" });
    Ok(())
}

/// Begins to watch an exception, or all of a cause, or ends it.
#[server(prefix = "/fn", endpoint = "watch")]
pub async fn watch(#[server(default)] exception: String, #[server(default)] cause: String, on: bool, back: String) -> Result<(), ApiError> {
    use store::notices::Watched;
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let what = match super::arguments::word("exception", Some(exception.as_str()))? {
        Some(id) => Watched::Exception(id),
        None => Watched::Cause(&cause),
    };
    pipeline::workbench::watch(&super::context(), &caller, &scope, what, on).await?;
    super::go_back(&back, if on { "you are told what happens to it" } else { "not watched any more" });
    Ok(())
}
