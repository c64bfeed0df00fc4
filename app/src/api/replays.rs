//! Replays: freezing what a list or a filter shows, deciding, running, and what became of each item.

use super::{ApiError, exceptions::ExceptionQuery, reach::Reach};
use domain::{
    replay::{FieldChange, ReplayItem, ReplaySetView, StageCount, VerdictCount},
    view::Paged,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
const PAGE: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaysView {
    pub sets: Paged<ReplaySetView>,
}

#[server(prefix = "/fn", endpoint = "list_replays")]
pub async fn list_replays(entity: Option<String>, after: Option<String>) -> Result<ReplaysView, ApiError> {
    use super::arguments::{page, paged, scope_of, word};
    let (_, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let scope = scope_of(&ctx, &scope, entity.as_deref()).await?;
    let rows = store::replays::list(&ctx.pool, &scope, word("after", after.as_deref())?, page(PAGE)).await?;
    Ok(ReplaysView { sets: paged(rows, PAGE, |set| set.number.to_string()) })
}

/// Which items the page of a set shows, as it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplayQuery {
    pub result: Option<String>,
    pub stage: Option<String>,
    pub after: Option<String>,
    /// The item whose changes are shown.
    pub item: Option<String>,
}

/// What a replay would change in one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemChanges {
    pub item: i32,
    pub changes: Vec<FieldChange>,
    /// Why nothing can be said.
    pub obstacle: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayDetail {
    pub set: ReplaySetView,
    /// Of the items whose turn has not come, while the set stands still.
    pub verdicts: Vec<VerdictCount>,
    /// Where the queued ones are now.
    pub stages: Vec<StageCount>,
    pub items: Paged<ReplayItem>,
    pub opened: Option<ItemChanges>,
    pub reach: Reach,
}

/// A preview looks at every item: not while the page is asked for again every few seconds.
#[cfg(feature = "ssr")]
fn previewed(state: domain::replay::ReplayState) -> bool {
    use domain::replay::ReplayState;
    matches!(state, ReplayState::Waiting | ReplayState::Paused)
}

#[server(prefix = "/fn", endpoint = "get_replay")]
pub async fn get_replay(id: String, #[server(default)] query: ReplayQuery) -> Result<ReplayDetail, ApiError> {
    use super::{
        arguments::{page, paged, word},
        reach::{entities, reach},
    };
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let set = store::replays::find(&ctx.pool, &scope, id).await?.ok_or(ApiError::NotFound)?;
    let wanted = store::replays::Page {
        result: word("result", query.result.as_deref())?,
        stage: word("stage", query.stage.as_deref())?,
        after: word("after", query.after.as_deref())?.unwrap_or_default(),
    };
    let rows = store::replays::items(&ctx.pool, &scope, id, wanted, page(PAGE)).await?;
    let opened = match word("item", query.item.as_deref())? {
        Some(item) => Some(ssr::changes(&ctx, &scope, id, item).await?),
        None => None,
    };
    Ok(ReplayDetail {
        verdicts: if previewed(set.state) { store::replays::verdicts(&ctx.pool, &scope, id).await? } else { Vec::new() },
        stages: store::replays::stages(&ctx.pool, &scope, id).await?,
        items: paged(rows, PAGE, |row| row.item.to_string()),
        opened,
        reach: reach(&caller, &entities(&ctx).await?),
        set,
    })
}

/// Replays listed documents.
#[server(prefix = "/fn", endpoint = "replay_documents")]
pub async fn replay_documents(#[server(default)] documents: Vec<String>) -> Result<(), ApiError> {
    let documents = super::exceptions::ssr::ids(&documents)?;
    ssr::prepare(store::replays::Source::Documents(&documents), &ssr::listed(documents.len())).await
}

/// Replays what was ticked in the queue.
#[server(prefix = "/fn", endpoint = "replay_exceptions")]
pub async fn replay_exceptions(#[server(default)] exceptions: Vec<String>) -> Result<(), ApiError> {
    let (_, scope) = super::require(domain::access::Action::Replay)?;
    let ids = super::exceptions::ssr::ids(&exceptions)?;
    let mut conn = super::context().pool.acquire().await.map_err(store::Error::from)?;
    let documents = store::exceptions::documents_of(&mut conn, &scope, &ids).await?;
    drop(conn);
    ssr::prepare(store::replays::Source::Documents(&documents), &ssr::listed(documents.len())).await
}

/// Replays everything that a filter shows, whatever the page; of one cause when the filter names one; `passing`, only what nothing
/// of ours stands in the way of.
#[server(prefix = "/fn", endpoint = "replay_matching")]
pub async fn replay_matching(
    #[server(default)] query: ExceptionQuery,
    #[server(default)] title: String,
    #[server(default)] passing: bool,
) -> Result<(), ApiError> {
    use store::replays::Source;
    let ctx = super::context();
    let mut filter = super::exceptions::ssr::filter(&query, ctx.clock.now())?;
    filter.after = None;
    let (_, scope) = super::require(domain::access::Action::Replay)?;
    let scope = super::arguments::scope_of(&ctx, &scope, query.entity.as_deref()).await?;
    let title = if title.trim().is_empty() { "everything that the filter shows" } else { title.trim() };
    let source = if passing { Source::Passing(&filter) } else { Source::Matching(&filter) };
    ssr::prepare_in(&scope, source, title).await
}

/// A second person lets a set run, or refuses it.
#[server(prefix = "/fn", endpoint = "decide_replay")]
pub async fn decide_replay(replay: String, approve: bool, #[server(default)] comment: String, back: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Approve)?;
    let id = replay.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::workbench::replay::decide(&super::context(), &caller, &scope, id, approve, Some(&comment)).await?;
    super::go_back(&back, if approve { "approved, it runs" } else { "refused" });
    Ok(())
}

/// Pauses, resumes, cancels, or sets the rate of a set.
#[server(prefix = "/fn", endpoint = "control_replay")]
pub async fn control_replay(replay: String, act: String, #[server(default)] per_minute: String, back: String) -> Result<(), ApiError> {
    use pipeline::workbench::replay::Control;
    let (caller, scope) = super::require(domain::access::Action::Replay)?;
    let id = replay.parse().map_err(|_| ApiError::NotFound)?;
    let (act, done) = match act.as_str() {
        "pause" => (Control::Pause, "paused"),
        "resume" => (Control::Resume, "it goes on"),
        "cancel" => (Control::Cancel, "cancelled; what was not sent stays in exception"),
        _ => (Control::Rate(super::arguments::word("per_minute", Some(per_minute.as_str()))?), "rate set"),
    };
    pipeline::workbench::replay::control(&super::context(), &caller, &scope, id, act).await?;
    super::go_back(&back, done);
    Ok(())
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ApiError, ItemChanges};
    use domain::{
        access::{Action, Scope},
        id::ReplaySetId,
    };
    use pipeline::{Context, erps::Erps, workbench::replay};
    use store::replays::Source;

    pub fn listed(count: usize) -> String {
        if count == 1 { "one listed document".to_owned() } else { format!("{count} listed documents") }
    }

    pub async fn prepare(source: Source<'_>, title: &str) -> Result<(), ApiError> {
        let (_, scope) = crate::api::require(Action::Replay)?;
        prepare_in(&scope, source, title).await
    }

    /// Freezes a set and leads to it.
    pub async fn prepare_in(scope: &Scope, source: Source<'_>, title: &str) -> Result<(), ApiError> {
        let (caller, _) = crate::api::require(Action::Replay)?;
        let set = replay::prepare(&crate::api::context(), &caller, scope, source, title).await?;
        leptos_axum::redirect(&format!("/replays/{set}"));
        Ok(())
    }

    pub async fn changes(ctx: &Context, scope: &Scope, id: ReplaySetId, item: i32) -> Result<ItemChanges, ApiError> {
        let erps = Erps::load(ctx).await.map_err(|error| crate::api::internal(format!("{error:#}")))?;
        Ok(match replay::changes(ctx, &erps, scope, id, item).await? {
            Ok(changes) => ItemChanges { item, changes, obstacle: None },
            Err(obstacle) => ItemChanges { item, changes: Vec::new(), obstacle: Some(obstacle) },
        })
    }
}
