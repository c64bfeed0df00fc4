//! Access: signing in, the second factor, people and their roles, API keys. Every change is audited in its transaction.

pub mod grants;
pub mod keys;
mod password;
pub mod sign_in;
#[cfg(test)]
mod tests;
mod totp;
pub mod users;

pub use totp::Enrolment;

use crate::Context;
use domain::access::{Actor, Scope};
use std::ops::DerefMut;
use store::Conn;

/// Who grants access, and in which entities he may.
#[derive(Debug, Clone)]
pub struct Granter {
    pub actor: Actor,
    pub scope: Scope,
}

/// Why a change of access was refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("your access does not reach that far")]
    OutOfScope,
    #[error("nobody changes his own access")]
    Oneself,
    /// Somebody was faster, or another one has to do it.
    #[error("{0}")]
    Conflict(&'static str),
    #[error("no such person")]
    NotFound,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl AccessError {
    fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

/// A connection for single statements outside a transaction.
async fn connection(ctx: &Context) -> store::Result<impl DerefMut<Target = Conn> + use<>> {
    ctx.pool.acquire().await.map_err(store::Error::from)
}
