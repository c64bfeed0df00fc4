//! People and their roles, for admins; auditors read.

use super::ApiError;
use domain::{
    access::UserRow,
    id::{EntityId, UserId},
    view::EntityView,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What the Users page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsersView {
    pub users: Vec<UserRow>,
    /// All, to name those of grants.
    pub entities: Vec<EntityView>,
    /// Those in which the reader may grant roles.
    pub administers: Vec<EntityId>,
    /// Nobody changes his own access.
    pub reader: UserId,
}

#[cfg(feature = "ssr")]
mod ssr {
    use crate::api::{ApiError, require};
    use domain::{
        access::{Action, Grant},
        id::UserId,
    };
    use pipeline::access::Granter;

    /// The caller as one who grants access.
    pub(super) fn granter() -> Result<Granter, ApiError> {
        let (caller, scope) = require(Action::ManageUsers)?;
        Ok(Granter { actor: caller.actor(), scope })
    }

    pub(super) fn user(id: &str) -> Result<UserId, ApiError> {
        id.parse().map_err(|_| ApiError::NotFound)
    }

    /// Boxes of the matrix come as `role:entity`.
    pub(super) fn grants(boxes: &[String]) -> Result<Vec<Grant>, ApiError> {
        let parse = |text: &String| {
            let (role, entity) = text.split_once(':')?;
            Some(Grant { role: role.parse().ok()?, entity_id: entity.parse().ok()? })
        };
        boxes.iter().map(|text| parse(text).ok_or_else(|| ApiError::invalid("grants", "Choose roles from the table."))).collect()
    }
}

#[server(prefix = "/fn", endpoint = "list_users")]
pub async fn list_users(after: Option<String>) -> Result<UsersView, ApiError> {
    use domain::access::Action;
    let (caller, _) = super::require(Action::ReadUsers)?;
    let mut conn = super::context().pool.acquire().await.map_err(store::Error::from)?;
    Ok(UsersView {
        users: store::access::users::list(&mut conn, after.as_deref()).await?,
        entities: store::entities::list(&mut conn).await?,
        administers: caller.scope(Action::ManageUsers).entities().to_vec(),
        reader: caller.user_id,
    })
}

/// Creates a person without roles; the page of the person grants them.
#[server(prefix = "/fn", endpoint = "create_user")]
pub async fn create_user(email: String, name: String, password: String) -> Result<(), ApiError> {
    use pipeline::access::users::{NewPerson, create};
    let granter = ssr::granter()?;
    let new = NewPerson { email, name, password, totp_required: true, grants: Vec::new() };
    let user = create(&super::context(), &granter, new).await?;
    leptos_axum::redirect(&format!("/users?user={user}"));
    Ok(())
}

/// `grants` are the ticked boxes, each `role:entity`.
#[server(prefix = "/fn", endpoint = "set_grants")]
pub async fn set_grants(user_id: String, #[server(default)] grants: Vec<String>) -> Result<(), ApiError> {
    let granter = ssr::granter()?;
    pipeline::access::users::set_grants(&super::context(), &granter, ssr::user(&user_id)?, &ssr::grants(&grants)?).await?;
    leptos_axum::redirect("/users");
    Ok(())
}

#[server(prefix = "/fn", endpoint = "deactivate_user")]
pub async fn deactivate_user(user_id: String) -> Result<(), ApiError> {
    let granter = ssr::granter()?;
    pipeline::access::users::deactivate(&super::context(), &granter, ssr::user(&user_id)?).await?;
    leptos_axum::redirect("/users");
    Ok(())
}

#[server(prefix = "/fn", endpoint = "reset_second_factor")]
pub async fn reset_second_factor(user_id: String) -> Result<(), ApiError> {
    let granter = ssr::granter()?;
    pipeline::access::users::reset_second_factor(&super::context(), &granter, ssr::user(&user_id)?).await?;
    leptos_axum::redirect("/users");
    Ok(())
}

#[server(prefix = "/fn", endpoint = "set_password")]
pub async fn set_password(user_id: String, password: String) -> Result<(), ApiError> {
    let granter = ssr::granter()?;
    pipeline::access::users::set_password(&super::context(), &granter, ssr::user(&user_id)?, password).await?;
    leptos_axum::redirect("/users");
    Ok(())
}
