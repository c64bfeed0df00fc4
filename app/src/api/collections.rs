//! Collection triggers: what customers owe past its due date.

use super::ApiError;
use domain::{dunning::Trigger, view::Paged};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 50;

/// The filter as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TriggerQuery {
    pub entity: Option<String>,
    /// 1, 2 or 3.
    pub step: Option<String>,
    /// `true` or `false`.
    pub silent: Option<String>,
    pub after: Option<String>,
}

/// The triggers behind a query, as far as the caller may see them: for the page and for the export.
#[cfg(feature = "ssr")]
pub async fn matching(
    ctx: &pipeline::Context,
    scope: &domain::access::Scope,
    query: &TriggerQuery,
    limit: i64,
) -> Result<Vec<Trigger>, ApiError> {
    use super::arguments::{scope_of, word};
    use store::receivables::{TriggerFilter, triggers};
    let scope = scope_of(ctx, scope, query.entity.as_deref()).await?;
    let bad = || ApiError::invalid("after", "is no place in this list");
    let after = match query.after.as_deref().filter(|after| !after.is_empty()) {
        Some(after) => {
            let (step, id) = after.split_once('~').ok_or_else(bad)?;
            Some((step.parse().map_err(|_| bad())?, id.parse().map_err(|_| bad())?))
        }
        None => None,
    };
    let filter = TriggerFilter {
        step: word("step", query.step.as_deref())?,
        silent: word("silent", query.silent.as_deref())?,
        customer: None,
        after,
    };
    Ok(triggers(&ctx.pool, &scope, &filter, limit).await?)
}

/// The place in a list after this trigger.
pub fn place(trigger: &Trigger) -> String {
    format!("{}~{}", trigger.step, trigger.trigger_id)
}

#[server(prefix = "/fn", endpoint = "list_triggers")]
pub async fn list_triggers(#[server(default)] query: TriggerQuery) -> Result<Paged<Trigger>, ApiError> {
    use super::arguments::{page, paged};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let rows = matching(&super::context(), &scope, &query, page(PAGE)).await?;
    Ok(paged(rows, PAGE, place))
}
