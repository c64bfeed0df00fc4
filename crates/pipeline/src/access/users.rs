//! People: created with roles in entities, deactivated. Nobody changes his own access, and nobody grants beyond the
//! entities he administers.

use super::{AccessError, Granter, grants::give, password};
use crate::Context;
use domain::{
    access::{Actor, Caller, Grant, Scope},
    id::UserId,
};
use serde_json::{Value, json};
use store::{
    Tx,
    access::{
        api_keys,
        audit::{self, AuditEntry},
        grants, sessions,
        users::{self, NewUser},
    },
};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub struct NewPerson {
    pub email: String,
    pub name: String,
    pub password: String,
    pub totp_required: bool,
    pub grants: Vec<Grant>,
}

/// Everything the command line may administer: it acts for the company.
pub async fn cli_granter(ctx: &Context, account: &str) -> Result<Granter, AccessError> {
    let entities = store::entities::list(&mut *super::connection(ctx).await?).await?;
    let scope = Scope::of_system(entities.into_iter().map(|entity| entity.entity_id).collect());
    Ok(Granter { actor: Actor::Cli(account.to_owned()), scope })
}

/// Creates a person with grants; audited in the same transaction.
pub async fn create(ctx: &Context, granter: &Granter, new: NewPerson) -> Result<UserId, AccessError> {
    let email = new.email.trim().to_lowercase();
    let name = new.name.trim().to_owned();
    if !email.split_once('@').is_some_and(|(box_, host)| !box_.is_empty() && !host.is_empty() && !email.contains(char::is_whitespace)) {
        return Err(AccessError::invalid("email", "This is not an e-mail address."));
    }
    if name.is_empty() {
        return Err(AccessError::invalid("name", "A person has a name."));
    }
    if let Some(objection) = password::objection(&new.password) {
        return Err(AccessError::invalid("password", objection));
    }
    in_scope(granter, &new.grants)?;
    let password_hash = password::hash(new.password).await?;
    let (user_id, now, by) = (UserId(Uuid::now_v7()), ctx.clock.now(), granter.actor.to_string());
    let user = NewUser {
        user_id,
        email: &email,
        name: &name,
        password_hash: &password_hash,
        totp_required: new.totp_required,
        created_by: &by,
        created_at: now,
    };
    let mut tx = begin(ctx).await?;
    match users::insert(&mut tx, &user).await {
        Err(error) if error.is_conflict_on("person_email") => {
            return Err(AccessError::invalid("email", "Somebody with this e-mail address exists."));
        }
        inserted => inserted?,
    }
    let waiting = give(ctx, &mut tx, granter, user_id, &new.grants).await?;
    let after = json!({ "email": email, "name": name, "totp_required": new.totp_required, "grants": new.grants, "waiting": waiting });
    commit(ctx, tx, &granter.actor, Change { action: "user.create", user_id, before: None, after: Some(after) }).await?;
    Ok(user_id)
}

/// Ends the person's access: sessions and keys end in the same transaction.
pub async fn deactivate(ctx: &Context, granter: &Granter, user_id: UserId) -> Result<(), AccessError> {
    let (mut tx, _) = open(ctx, granter, user_id, Reach::Whole).await?;
    let (now, by) = (ctx.clock.now(), granter.actor.to_string());
    users::deactivate(&mut tx, user_id, &by, now).await?;
    let ended = json!({
        "sessions": sessions::delete_of(&mut tx, user_id).await?,
        "keys": api_keys::revoke_of(&mut tx, user_id, &by, now).await?,
        "requests": grants::void_of(&mut tx, user_id, &by, now).await?,
    });
    commit(ctx, tx, &granter.actor, Change { action: "user.deactivate", user_id, before: None, after: Some(ended) }).await
}

/// Forgets the second factor; the person sets up another one at the next sign-in. Sessions end: whoever stole the
/// device may hold one.
pub async fn reset_second_factor(ctx: &Context, granter: &Granter, user_id: UserId) -> Result<(), AccessError> {
    let (mut tx, _) = open(ctx, granter, user_id, Reach::Whole).await?;
    users::reset_totp(&mut tx, user_id).await?;
    sessions::delete_of(&mut tx, user_id).await?;
    commit(ctx, tx, &granter.actor, Change { action: "user.reset_second_factor", user_id, before: None, after: None }).await
}

/// Replaces a password; sessions end.
pub async fn set_password(ctx: &Context, granter: &Granter, user_id: UserId, new: String) -> Result<(), AccessError> {
    if let Some(objection) = password::objection(&new) {
        return Err(AccessError::invalid("password", objection));
    }
    let hash = password::hash(new).await?;
    let (mut tx, _) = open(ctx, granter, user_id, Reach::Whole).await?;
    users::set_password(&mut tx, user_id, &hash).await?;
    sessions::delete_of(&mut tx, user_id).await?;
    commit(ctx, tx, &granter.actor, Change { action: "user.set_password", user_id, before: None, after: None }).await
}

/// How much of a person's access the granter must administer.
pub(super) enum Reach {
    /// What he changes is checked by itself.
    Any,
    /// All entities in which the person holds a role: the act ends access everywhere.
    Whole,
}

/// A transaction that holds an active person, other than the granter and within his reach.
pub(super) async fn open(ctx: &Context, granter: &Granter, user_id: UserId, reach: Reach) -> Result<(Tx, Caller), AccessError> {
    let mut tx = begin(ctx).await?;
    users::lock(&mut tx, user_id).await?;
    let person = users::caller(&mut tx, user_id).await?.ok_or(AccessError::NotFound)?;
    if granter.actor == person.actor() {
        return Err(AccessError::Oneself);
    }
    if matches!(reach, Reach::Whole) && !person.grants.iter().all(|grant| granter.scope.contains(grant.entity_id)) {
        return Err(AccessError::OutOfScope);
    }
    Ok((tx, person))
}

pub(super) async fn begin(ctx: &Context) -> store::Result<Tx> {
    ctx.pool.begin().await.map_err(store::Error::from)
}

/// What the audit log will say.
pub(super) struct Change {
    pub action: &'static str,
    pub user_id: UserId,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub(super) async fn commit(ctx: &Context, mut tx: Tx, actor: &Actor, change: Change) -> Result<(), AccessError> {
    let Change { action, user_id, before, after } = change;
    let entry =
        AuditEntry { at: ctx.clock.now(), actor: actor.clone(), action, subject: user_id.to_string(), entity_id: None, before, after };
    audit::append(&mut tx, &entry).await?;
    Ok(tx.commit().await.map_err(store::Error::from)?)
}

pub(super) fn in_scope(granter: &Granter, grants: &[Grant]) -> Result<(), AccessError> {
    if grants.iter().all(|grant| granter.scope.contains(grant.entity_id)) { Ok(()) } else { Err(AccessError::OutOfScope) }
}
