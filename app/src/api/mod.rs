//! Server functions, one module per concept: the only place where the interface touches store and pipeline. Reads go to
//! `store`, writes to `pipeline`. Each has a row in [`GUARDS`]; a server function without one is refused to everybody.

pub mod applications;
#[cfg(feature = "ssr")]
mod arguments;
pub mod audit;
pub mod batches;
pub mod bulk;
pub mod calendars;
pub mod cash;
pub mod clearing;
pub mod collections;
pub mod connections;
pub mod documents;
pub mod exceptions;
pub mod find;
#[cfg(feature = "ssr")]
mod guard;
pub mod home;
pub mod inbox;
pub mod jobs;
pub mod mappings;
pub mod reach;
pub mod receivables;
pub mod reconciliation;
pub mod refunds;
pub mod replays;
pub mod rules;
pub mod session;
pub mod shell;
pub mod transfers;
pub mod unmask;
pub mod users;
pub mod views;

#[cfg(feature = "ssr")]
pub use guard::{ClientAddress, GUARDS, Guard, caller, context, internal, require};
#[cfg(feature = "ssr")]
use guard::{go_back, go_back_with};

use leptos::server_fn::{codec::JsonEncoding, error::FromServerFnError, error::ServerFnErrorErr, error::ServerFnUrlError};
use serde::{Deserialize, Serialize};

/// Every server function lives below this path.
pub const PREFIX: &str = "/fn";

/// What a server function answers instead of a value. Texts of internal errors stay on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ApiError {
    #[error("Please sign in.")]
    Unauthenticated,
    #[error("Your roles do not allow this.")]
    Forbidden,
    #[error("There is no such thing, or it is not yours to see.")]
    NotFound,
    /// The form's field, and what is wrong with it.
    #[error("{message}")]
    Invalid { field: String, message: String },
    #[error("{message}")]
    Conflict { message: String },
    #[error("Something failed on our side. Reference {request_id}.")]
    Internal { request_id: String },
    /// The call did not arrive in one piece, or its answer did not.
    #[error("The request could not be read: {0}")]
    Transport(String),
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self::Transport(error.to_string())
    }
}

impl ApiError {
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Invalid { .. } => 422,
            Self::Conflict { .. } => 409,
            Self::Internal { .. } => 500,
            Self::Transport(_) => 400,
        }
    }

    /// The text for one field of a form.
    pub fn of_field(&self, name: &str) -> Option<String> {
        match self {
            Self::Invalid { field, message } if field == name => Some(message.clone()),
            _ => None,
        }
    }

    /// The text for the head of a form: whatever belongs to none of its fields.
    pub fn of_form(&self, fields: &[&str]) -> Option<String> {
        match self {
            Self::Invalid { field, .. } if fields.contains(&field.as_str()) => None,
            other => Some(other.to_string()),
        }
    }
}

/// What a plain form's post brought back in the address of its page: the error, if it was this server function's.
pub fn form_error(endpoint: &str) -> Option<ApiError> {
    use leptos::prelude::*;
    let query = leptos_router::hooks::use_query_map().get_untracked();
    let path = query.get("__path")?;
    (path == format!("{PREFIX}/{endpoint}")).then(|| ServerFnUrlError::<ApiError>::decode_err(&query.get("__err").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_belongs_to_its_field_or_to_the_form() {
        let error = ApiError::invalid("email", "is taken");
        assert_eq!(error.of_field("email").as_deref(), Some("is taken"));
        assert_eq!(error.of_field("name"), None);
        assert_eq!(error.of_form(&["email", "name"]), None);
        assert_eq!(error.of_form(&["name"]).as_deref(), Some("is taken"), "no field shows it");
        assert!(ApiError::Forbidden.of_form(&["email"]).is_some());
    }

    #[test]
    fn an_error_survives_the_way_to_the_browser() {
        let error = ApiError::invalid("email", "is “taken”");
        assert_eq!(ApiError::de(error.ser()), error);
    }
}
