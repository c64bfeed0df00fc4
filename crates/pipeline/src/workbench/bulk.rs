//! One act on many exceptions: on what is listed, or on all that a filter shows. Each item is written down with what became of
//! it, so nothing is left alone in silence, and an assignment has a way back as long as nothing else changed.

use super::{WorkError, entry, text};
use crate::{Context, retry::transaction};
use domain::{
    access::Caller,
    bulk::BulkAct,
    id::{BulkEditId, ExceptionId},
    money::grouped,
    notice::{NoticeKind, mentions},
};
use store::{
    access::{audit, users},
    bulk::{self, NewEdit, Reach},
    notices,
    views::exceptions::{Filter, chosen},
};
use uuid::Uuid;

/// More than a company ever has open of one cause; more than so many are two acts.
const ITEMS_MAX: i64 = 1_000_000;

#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    Listed(&'a [ExceptionId]),
    /// All that a filter shows, whatever the page.
    Matching(&'a Filter),
}

#[derive(Debug, Clone, Copy)]
pub enum Edit<'a> {
    /// A new owner by e-mail; empty takes him away.
    Assign(&'a str),
    Comment(&'a str),
}

/// Does one act to all that is chosen. What the caller may not see is not chosen; what he may not work on is left alone and told.
pub async fn edit(cx: &Context, caller: &Caller, reach: Reach<'_>, which: Chosen<'_>, edit: Edit<'_>) -> Result<BulkEditId, WorkError> {
    let (act, owner, comment) = match edit {
        // as people are kept
        Edit::Assign(owner) => (BulkAct::Assign, Some(owner.trim().to_lowercase()).filter(|owner| !owner.is_empty()), None),
        Edit::Comment(body) => (BulkAct::Comment, None, Some(text("comment", body)?)),
    };
    let listed: Vec<ExceptionId>;
    let exceptions = match which {
        Chosen::Listed(exceptions) => exceptions,
        Chosen::Matching(filter) => {
            listed = chosen(&cx.pool, reach.seen, filter, ITEMS_MAX + 1).await?;
            within_one_act(&listed)?
        }
    };
    let (edit_id, made_at) = (BulkEditId(Uuid::now_v7()), cx.clock.now());
    let new = NewEdit { edit_id, act, made_by: &caller.email, made_at, owner: owner.as_deref(), comment: comment.as_deref() };
    transaction!(&cx.pool, |tx| {
        if let Some(owner) = &owner
            && !users::is_active(tx, owner).await?
        {
            return Ok(Err(WorkError::invalid("owner", format!("{owner} is nobody who works here."))));
        }
        let (done, left_alone) = bulk::decide(tx, &new, reach, exceptions).await?;
        if done + left_alone == 0 {
            return Ok(Err(WorkError::NotFound));
        }
        let touched = bulk::done(tx, edit_id).await?;
        match act {
            BulkAct::Assign => {
                bulk::assign(tx, edit_id).await?;
                if let Some(owner) = &owner {
                    notices::tell_owner(tx, &touched, owner, &caller.email, made_at).await?;
                }
            }
            BulkAct::Comment => {
                let notes: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(touched.len()).collect();
                bulk::comment(tx, edit_id, &notes).await?;
                let names = comment.as_deref().map(mentions).unwrap_or_default();
                let written: Vec<_> = touched.iter().copied().zip(notes).collect();
                notices::mention(tx, &written, &names, &caller.email, made_at).await?;
                notices::tell(tx, &touched, NoticeKind::Noted, Some(&caller.email), None, made_at).await?;
            }
        }
        let after = serde_json::json!({ "owner": owner, "edit": edit_id, "done": done, "left_alone": left_alone });
        audit::append(tx, &entry(cx, caller, audited(act), &subject(exceptions), None, after)).await?;
        Ok(Ok(edit_id))
    })?
}

/// Gives back the owners from before; what somebody closed or assigned since stays. Returns how many came back.
pub async fn undo(cx: &Context, caller: &Caller, reach: Reach<'_>, id: BulkEditId) -> Result<i32, WorkError> {
    let now = cx.clock.now();
    transaction!(&cx.pool, |tx| {
        let Some(edit) = bulk::lock(tx, id).await? else { return Ok(Err(WorkError::NotFound)) };
        if edit.made_by != caller.email {
            return Ok(Err(WorkError::NotFound));
        }
        if !edit.can_be_undone_by(&caller.email) {
            return Ok(Err(WorkError::Conflict("It was undone already, or there is nothing to undo.".into())));
        }
        let undone = bulk::undo(tx, reach.works, id, now).await?;
        let after = serde_json::json!({ "edit": id, "undone": undone });
        audit::append(tx, &entry(cx, caller, "exception.undo", &format!("{} exceptions", edit.done), None, after)).await?;
        Ok(Ok(undone))
    })?
}

fn within_one_act(exceptions: &[ExceptionId]) -> Result<&[ExceptionId], WorkError> {
    if i64::try_from(exceptions.len()).is_ok_and(|count| count <= ITEMS_MAX) {
        return Ok(exceptions);
    }
    Err(WorkError::Conflict(format!("More than {} match: narrow the filter, one act takes no more.", grouped(ITEMS_MAX.into()))))
}

fn audited(act: BulkAct) -> &'static str {
    match act {
        BulkAct::Assign => "exception.assign",
        BulkAct::Comment => "exception.comment",
    }
}

fn subject(exceptions: &[ExceptionId]) -> String {
    match exceptions {
        [one] => format!("exception:{one}"),
        many => format!("{} exceptions", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_act_takes_is_refused_and_not_cut() {
        let many = vec![ExceptionId(Uuid::nil()); 1_000_001];
        assert!(within_one_act(&many[1..]).is_ok_and(|all| all.len() == 1_000_000));
        let refused = within_one_act(&many).unwrap_err().to_string();
        assert!(refused.starts_with("More than 1,000,000 match"), "{refused}");
    }
}
