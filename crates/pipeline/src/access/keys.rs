//! API keys: made once, shown once, kept as a hash. A key has an owner, scopes, entities and an expiry.

use super::{AccessError, Granter};
use crate::{Context, retry::transaction};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use domain::{
    access::{Action, KeyCaller},
    id::EntityId,
    seal::{Canonical, Hash, hex},
};
use rand::RngCore;
use serde_json::json;
use store::access::{
    api_keys::{self, NewApiKey},
    audit::{self, AuditEntry},
    users,
};
use uuid::Uuid;

/// Tells our keys apart for people and secret scanners.
const MARK: &str = "tieout_";
/// How much of a key lists may show.
const PREFIX_LETTERS: usize = MARK.len() + 6;
const RANDOM_BYTES: usize = 32;

#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub owner_email: String,
    pub scopes: Vec<Action>,
    pub entities: Vec<EntityId>,
    pub expires_at: DateTime<Utc>,
}

/// Makes a key and returns it; nobody can read it again.
pub async fn create(ctx: &Context, granter: &Granter, new: &NewKey) -> Result<String, AccessError> {
    let now = ctx.clock.now();
    if new.name.trim().is_empty() {
        return Err(AccessError::invalid("name", "A key has a name."));
    }
    if new.scopes.is_empty() || new.scopes.contains(&Action::Approve) {
        return Err(AccessError::invalid("scope", "A key has at least one scope, and never approves."));
    }
    if new.expires_at <= now {
        return Err(AccessError::invalid("expires", "A key expires in the future."));
    }
    if new.entities.is_empty() || !new.entities.iter().all(|entity| granter.scope.contains(*entity)) {
        return Err(AccessError::OutOfScope);
    }
    let mut random = [0; RANDOM_BYTES];
    rand::rng().fill_bytes(&mut random);
    let key = format!("{MARK}{}", hex(&random));
    let by = granter.actor.to_string();
    let email = new.owner_email.trim().to_lowercase();
    let created = transaction!(&ctx.pool, |tx| {
        let Some(owner) = users::credentials_by_email(tx, &email).await? else { return Ok(Err(AccessError::NotFound)) };
        let Some(caller) = users::caller(tx, owner.user_id).await? else { return Ok(Err(AccessError::NotFound)) };
        for action in &new.scopes {
            let reach = caller.scope(*action);
            if !new.entities.iter().all(|entity| reach.contains(*entity)) {
                return Ok(Err(AccessError::invalid("scope", format!("The owner may not {action} in all of these entities."))));
            }
        }
        let row = NewApiKey {
            api_key_id: Uuid::now_v7(),
            name: new.name.trim(),
            prefix: &key[..PREFIX_LETTERS],
            key_hash: &hash(&key),
            owner_id: owner.user_id,
            scopes: &new.scopes,
            entities: &new.entities,
            created_at: now,
            created_by: &by,
            expires_at: new.expires_at,
        };
        api_keys::insert(tx, &row).await?;
        let after = json!({ "owner": email, "scopes": new.scopes, "entities": new.entities, "expires_at": new.expires_at });
        audit::append(tx, &entry(ctx, granter, "key.create", row.name, Some(after))).await?;
        Ok(Ok(()))
    });
    match created {
        Err(error) if error.is_conflict_on("api_key_name") => Err(AccessError::invalid("name", "A key of this name exists.")),
        created => created?.map(|()| key),
    }
}

/// Ends a key by its name.
pub async fn revoke(ctx: &Context, granter: &Granter, name: &str) -> Result<(), AccessError> {
    let (now, by) = (ctx.clock.now(), granter.actor.to_string());
    let revoked = transaction!(&ctx.pool, |tx| {
        let revoked = api_keys::revoke(tx, name, &by, now).await?;
        if revoked {
            audit::append(tx, &entry(ctx, granter, "key.revoke", name, None)).await?;
        }
        Ok(revoked)
    })?;
    if revoked { Ok(()) } else { Err(AccessError::NotFound) }
}

/// Who presents this key, if it may be used now.
pub async fn authenticate(ctx: &Context, key: &str) -> anyhow::Result<Option<KeyCaller>> {
    if !key.starts_with(MARK) {
        return Ok(None);
    }
    let mut conn = super::connection(ctx).await.context("connect")?;
    let Some(found) = api_keys::find(&mut conn, &hash(key), ctx.clock.now()).await? else { return Ok(None) };
    let owner = users::caller(&mut conn, found.owner_id).await?;
    Ok(owner.map(|owner| KeyCaller { name: found.name, owner, scopes: found.scopes, entities: found.entities }))
}

fn hash(key: &str) -> Hash {
    Canonical::new("api key").text(key).finish()
}

fn entry(ctx: &Context, granter: &Granter, action: &'static str, name: &str, after: Option<serde_json::Value>) -> AuditEntry {
    AuditEntry {
        at: ctx.clock.now(),
        actor: granter.actor.clone(),
        action,
        subject: format!("key:{name}"),
        entity_id: None,
        before: None,
        after,
    }
}
