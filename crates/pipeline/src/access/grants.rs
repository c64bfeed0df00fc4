//! Roles in entities. What a person gives waits for another administrator, who sees what conflicts with it; the command line acts for
//! the company and gives at once. Taking away is immediate.

use super::{
    AccessError, Granter,
    users::{Change, Reach, begin, commit, in_scope, open},
};
use crate::Context;
use domain::{
    access::{Action, Actor, Caller, Grant},
    id::{GrantRequestId, UserId},
};
use serde_json::json;
use store::{
    Tx,
    access::grants::{self, Decision, Given},
};
use uuid::Uuid;

/// Makes the person's grants, as far as the granter's entities go, those wanted. Returns how many of them wait for a second
/// administrator now.
pub async fn set(ctx: &Context, granter: &Granter, user_id: UserId, wanted: &[Grant]) -> Result<usize, AccessError> {
    in_scope(granter, wanted)?;
    let (mut tx, person) = open(ctx, granter, user_id, Reach::Any).await?;
    let held: Vec<Grant> = person.grants.into_iter().filter(|grant| granter.scope.contains(grant.entity_id)).collect();
    for grant in held.iter().filter(|grant| !wanted.contains(grant)) {
        grants::delete(&mut tx, user_id, grant).await?;
    }
    let new: Vec<Grant> = wanted.iter().filter(|grant| !held.contains(grant)).cloned().collect();
    let waiting = give(ctx, &mut tx, granter, user_id, &new).await?;
    let after = json!({ "wanted": wanted, "waiting": waiting });
    commit(ctx, tx, &granter.actor, Change { action: "user.grant", user_id, before: Some(json!(held)), after: Some(after) }).await?;
    Ok(waiting.len())
}

/// Writes grants of the command line; asks a second administrator about those of a person, and returns them.
pub(super) async fn give(ctx: &Context, tx: &mut Tx, granter: &Granter, user: UserId, new: &[Grant]) -> store::Result<Vec<Grant>> {
    let (by, now) = (granter.actor.to_string(), ctx.clock.now());
    let at_once = matches!(granter.actor, Actor::Cli(_));
    let mut waiting = Vec::new();
    for grant in new {
        if at_once {
            grants::insert(tx, user, grant, &Given { by: &by, at: now, approved: None }).await?;
        } else {
            grants::request(tx, GrantRequestId(Uuid::now_v7()), user, grant, &by, now).await?;
            waiting.push(grant.clone());
        }
    }
    Ok(waiting)
}

/// A second administrator's decision about what he was shown ([`GrantRequest::shown`](domain::approval::GrantRequest::shown)). Refused to who gave the role, to who receives it, and when the roles beside it changed since. Only a person
/// who is signed in decides: it takes a [`Caller`].
pub async fn decide(
    ctx: &Context,
    caller: &Caller,
    id: GrantRequestId,
    shown: &str,
    approve: bool,
    comment: Option<&str>,
) -> Result<(), AccessError> {
    let (scope, now) = (caller.scope(Action::ManageUsers), ctx.clock.now());
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    let mut tx = begin(ctx).await?;
    grants::lock_person(&mut tx, id).await?;
    let request = grants::waiting(&mut tx, &scope, Some(id), 1).await?.pop().ok_or(AccessError::NotFound)?;
    if request.requested_by == caller.email {
        return Err(AccessError::Conflict("Nobody approves a role that he gave."));
    }
    if request.user_id == caller.user_id {
        return Err(AccessError::Oneself);
    }
    if request.shown != shown {
        return Err(AccessError::Conflict("The person's roles changed since they were shown; look again."));
    }
    grants::decide(&mut tx, id, &Decision { approve, by: &caller.email, at: now, comment, shown }).await?;
    if approve {
        let given = Given { by: &request.requested_by, at: request.requested_at, approved: Some((&caller.email, now)) };
        grants::insert(&mut tx, request.user_id, &request.grant(), &given).await?;
    }
    let after = json!({
        "grant": request.grant(), "approved": approve, "comment": comment, "requested_by": request.requested_by,
        "conflicts": request.conflicts(),
    });
    commit(ctx, tx, &caller.actor(), Change { action: "user.decide_grant", user_id: request.user_id, before: None, after: Some(after) })
        .await
}
