//! Account numbers in full, with a reason, once.

use super::ApiError;
use domain::unmask::Unmasked;
use leptos::prelude::*;

/// Asks for the numbers of a subject, and leads to where they are shown. `line`: which line of a statement.
#[server(prefix = "/fn", endpoint = "unmask")]
pub async fn unmask(subject: String, #[server(default)] line: String, reason: String) -> Result<(), ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Unmask)?;
    let subject = if line.is_empty() { subject } else { format!("{subject}/{line}") };
    let id = pipeline::workbench::unmask::ask(&super::context(), &caller, &scope, &subject, &reason).await?;
    leptos_axum::redirect(&format!("/cash/unmasked/{id}"));
    Ok(())
}

/// What was asked for; it is gone with the page.
#[server(prefix = "/fn", endpoint = "get_unmasked")]
pub async fn get_unmasked(id: String) -> Result<Unmasked, ApiError> {
    let (caller, scope) = super::require(domain::access::Action::Unmask)?;
    let id = id.parse().map_err(|_| ApiError::NotFound)?;
    Ok(pipeline::workbench::unmask::show(&super::context(), &caller, &scope, id).await?)
}
