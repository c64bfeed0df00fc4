//! Filters of the queue under a name: a person's own, or shared with everyone who reads the entity that the filter names.

use super::WorkError;
use crate::{Context, retry::transaction};
use domain::{
    access::{Caller, Scope},
    id::{EntityId, ViewId},
};
use store::saved_views::{self, NewView};
use uuid::Uuid;

const NAME_CHARS: usize = 60;
/// Of the filter as it is encoded.
const QUERY_CHARS: usize = 2000;

/// Keeps a filter; `query` is the query of its URL.
pub async fn save(
    cx: &Context,
    caller: &Caller,
    name: &str,
    query: &str,
    entity_id: Option<EntityId>,
    shared: bool,
) -> Result<ViewId, WorkError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(WorkError::invalid("name", format!("Give it a name of at most {NAME_CHARS} characters.")));
    }
    if query.chars().count() > QUERY_CHARS {
        return Err(WorkError::invalid("query", "The filter is too long to be kept: take a condition out."));
    }
    let view_id = ViewId(Uuid::now_v7());
    let new = NewView { view_id, user_id: caller.user_id, name, query, entity_id, shared, at: cx.clock.now() };
    match transaction!(&cx.pool, |tx| saved_views::insert(tx, &new).await) {
        Ok(()) => Ok(view_id),
        Err(error) if error.is_conflict_on("saved_view_name") => Err(WorkError::invalid("name", "You have a view of this name.")),
        Err(error) => Err(error.into()),
    }
}

pub async fn delete(cx: &Context, caller: &Caller, id: ViewId) -> Result<(), WorkError> {
    let gone = transaction!(&cx.pool, |tx| saved_views::delete(tx, caller.user_id, id).await)?;
    if gone { Ok(()) } else { Err(WorkError::NotFound) }
}

/// What the queue opens with; `None`: everything.
pub async fn set_default(cx: &Context, caller: &Caller, scope: &Scope, id: Option<ViewId>) -> Result<(), WorkError> {
    let set = transaction!(&cx.pool, |tx| saved_views::set_default(tx, caller.user_id, scope, id).await)?;
    if set { Ok(()) } else { Err(WorkError::NotFound) }
}
