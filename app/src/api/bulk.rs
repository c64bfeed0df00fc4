//! Acts on many exceptions: on what is ticked, or on all that a filter shows.

use super::{ApiError, exceptions::ExceptionQuery};
use domain::bulk::{BulkEditView, LeftAlone};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Of what was left alone, so many are listed.
#[cfg(feature = "ssr")]
const LISTED: i64 = 100;

/// What an act did, for whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditView {
    pub edit: BulkEditView,
    pub left_alone: Vec<LeftAlone>,
}

#[server(prefix = "/fn", endpoint = "get_edit")]
pub async fn get_edit(id: String) -> Result<EditView, ApiError> {
    let (caller, scope) = super::require(domain::access::Action::ReadFinance)?;
    let ctx = super::context();
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    let edit = store::bulk::find(&ctx.pool, &caller.email, id).await?.ok_or(ApiError::NotFound)?;
    Ok(EditView { left_alone: store::bulk::left_alone(&ctx.pool, &scope, id, LISTED).await?, edit })
}

/// Gives exceptions an owner; an empty owner takes him away.
#[server(prefix = "/fn", endpoint = "assign_exceptions")]
pub async fn assign_exceptions(
    #[server(default)] exceptions: Vec<String>,
    #[server(default)] select: String,
    #[server(default)] query: ExceptionQuery,
    #[server(default)] owner: String,
    back: String,
) -> Result<(), ApiError> {
    ssr::edit(&exceptions, &select, query, pipeline::workbench::bulk::Edit::Assign(&owner), &back).await
}

/// Writes one comment to each.
#[server(prefix = "/fn", endpoint = "comment_exceptions")]
pub async fn comment_exceptions(
    #[server(default)] exceptions: Vec<String>,
    #[server(default)] select: String,
    #[server(default)] query: ExceptionQuery,
    #[server(default)] comment: String,
    back: String,
) -> Result<(), ApiError> {
    ssr::edit(&exceptions, &select, query, pipeline::workbench::bulk::Edit::Comment(&comment), &back).await
}

/// Takes an assignment back, as far as nothing else changed.
#[server(prefix = "/fn", endpoint = "undo_edit")]
pub async fn undo_edit(edit: String, back: String) -> Result<(), ApiError> {
    let (caller, works) = super::require(domain::access::Action::WorkExceptions)?;
    let ctx = super::context();
    let id = edit.parse().map_err(|_| ApiError::NotFound)?;
    let reach = store::bulk::Reach { seen: &works, works: &works };
    let undone = pipeline::workbench::bulk::undo(&ctx, &caller, reach, id).await?;
    let edit = store::bulk::find(&ctx.pool, &caller.email, id).await?.ok_or(ApiError::NotFound)?;
    super::go_back(&back, &undone_words(undone, edit.done - undone));
    Ok(())
}

#[cfg(feature = "ssr")]
fn undone_words(undone: i32, changed: i32) -> String {
    let rest = if changed > 0 { format!("; {changed} changed since and stay as they are") } else { String::new() };
    format!("{undone} given back{rest}")
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::{ApiError, ExceptionQuery};
    use crate::{
        api::{arguments::scope_of, context, exceptions::ssr, go_back_with, require},
        components::query::{DID, DONE, UNDO},
    };
    use domain::{
        access::Action,
        bulk::{BulkAct, BulkEditView},
        id::ExceptionId,
    };
    use pipeline::workbench::bulk::{self, Chosen, Edit};
    use store::bulk::Reach;

    pub async fn edit(exceptions: &[String], select: &str, query: ExceptionQuery, edit: Edit<'_>, back: &str) -> Result<(), ApiError> {
        let (caller, works) = require(Action::WorkExceptions)?;
        let ctx = context();
        let read = caller.scope(Action::ReadFinance);
        let id = if select == "matching" {
            let seen = scope_of(&ctx, &read, query.entity.as_deref()).await?;
            let filter = store::views::exceptions::Filter { after: None, ..ssr::filter(&query, ctx.clock.now())? };
            bulk::edit(&ctx, &caller, Reach { seen: &seen, works: &works }, Chosen::Matching(&filter), edit).await?
        } else {
            let ids: Vec<ExceptionId> = ssr::ids(exceptions)?;
            bulk::edit(&ctx, &caller, Reach { seen: &read, works: &works }, Chosen::Listed(&ids), edit).await?
        };
        let edit = store::bulk::find(&ctx.pool, &caller.email, id).await?.ok_or(ApiError::NotFound)?;
        let (done, id) = (words(&edit), id.to_string());
        let mut answer = vec![(DONE, done.as_str())];
        answer.extend((edit.left_alone > 0).then_some((DID, id.as_str())));
        answer.extend(edit.can_be_undone_by(&caller.email).then_some((UNDO, id.as_str())));
        go_back_with(back, &answer);
        Ok(())
    }

    pub fn words(edit: &BulkEditView) -> String {
        let done = match edit.act {
            BulkAct::Assign => "assigned",
            BulkAct::Comment => "commented",
        };
        let rest = if edit.left_alone > 0 { format!("; {} left alone", edit.left_alone) } else { String::new() };
        format!("{} {done}{rest}", edit.done)
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_what_was_not_done() {
        let mut edit = BulkEditView {
            edit_id: domain::id::BulkEditId(uuid::Uuid::nil()),
            act: domain::bulk::BulkAct::Assign,
            made_by: "a@b".into(),
            made_at: chrono::DateTime::UNIX_EPOCH,
            owner: None,
            done: 12,
            left_alone: 0,
            undone_at: None,
            undone: 0,
        };
        assert_eq!(ssr::words(&edit), "12 assigned");
        edit.left_alone = 3;
        assert_eq!(ssr::words(&edit), "12 assigned; 3 left alone");
        assert_eq!(undone_words(10, 2), "10 given back; 2 changed since and stay as they are");
    }
}
