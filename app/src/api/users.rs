//! People and their roles, for admins; auditors read.

use super::ApiError;
use domain::{
    access::{ReviewRow, UserRow},
    approval::GrantRequest,
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
    /// Roles that wait for a second administrator, as far as the reader may see people.
    pub waiting: Vec<GrantRequest>,
    /// The roles of the person that was chosen, who gave them, and who let them in.
    pub review: Vec<ReviewRow>,
}

/// Requests on one page.
#[cfg(feature = "ssr")]
const REQUESTS: i64 = 200;

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
pub async fn list_users(after: Option<String>, user: Option<String>) -> Result<UsersView, ApiError> {
    use domain::access::Action;
    use store::access::grants;
    let (caller, scope) = super::require(Action::ReadUsers)?;
    let mut conn = super::context().pool.acquire().await.map_err(store::Error::from)?;
    let review = match user {
        Some(user) => grants::review(&mut conn, &scope, Some(ssr::user(&user)?)).await?,
        None => Vec::new(),
    };
    Ok(UsersView {
        users: store::access::users::list(&mut conn, after.as_deref()).await?,
        entities: store::entities::list(&mut conn).await?,
        administers: caller.scope(Action::ManageUsers).entities().to_vec(),
        reader: caller.user_id,
        waiting: grants::waiting(&mut conn, &scope, None, REQUESTS).await?,
        review,
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

/// `grants` are the ticked boxes, each `role:entity`. What is taken away is gone, what is new waits for a second administrator.
#[server(prefix = "/fn", endpoint = "set_grants")]
pub async fn set_grants(user_id: String, #[server(default)] grants: Vec<String>) -> Result<(), ApiError> {
    let granter = ssr::granter()?;
    let waiting = pipeline::access::grants::set(&super::context(), &granter, ssr::user(&user_id)?, &ssr::grants(&grants)?).await?;
    let done = if waiting == 0 { "roles saved" } else { "what was given waits for another administrator" };
    super::go_back("/users", done);
    Ok(())
}

/// The second administrator's word about a role; `shown` is what he was shown.
#[server(prefix = "/fn", endpoint = "decide_grant")]
pub async fn decide_grant(request: String, shown: String, approve: bool, comment: Option<String>, back: String) -> Result<(), ApiError> {
    let (caller, _) = super::require(domain::access::Action::ManageUsers)?;
    let id = request.parse().map_err(|_| ApiError::NotFound)?;
    pipeline::access::grants::decide(&super::context(), &caller, id, &shown, approve, comment.as_deref()).await?;
    super::go_back(&back, if approve { "approved" } else { "refused" });
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
