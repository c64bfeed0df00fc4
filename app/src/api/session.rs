//! Signing in and out. Two steps, each a plain form: password, then code. The session's id changes at both, so that one
//! known before is worth nothing after.

use super::ApiError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Keys of the session's data; the server's session layer reads them too.
pub const USER: &str = "user_id";
pub const PENDING: &str = "pending";

/// Which form the sign-in page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    Password,
    Code,
    /// The authenticator app is not set up yet.
    Enrol {
        secret: String,
        url: String,
        qr_svg: String,
    },
}

#[cfg(feature = "ssr")]
mod ssr {
    use super::*;
    use crate::api::guard::{client_address, context, internal, session};
    use chrono::{DateTime, TimeDelta, Utc};
    use domain::id::UserId;
    use pipeline::access::sign_in::{self, Next, SignInError};
    use tower_sessions::Session;

    /// How long the second step may take.
    const PENDING_MINUTES: i64 = 10;

    /// A right password that waits for its code.
    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub(super) struct Pending {
        user_id: UserId,
        enrol: bool,
        at: DateTime<Utc>,
        next: String,
    }

    pub(super) async fn pending() -> Result<Option<Pending>, ApiError> {
        let found = session()?.get::<Pending>(PENDING).await?;
        Ok(found.filter(|pending| context().clock.now() - pending.at < TimeDelta::minutes(PENDING_MINUTES)))
    }

    pub(super) async fn step() -> Result<Step, ApiError> {
        match pending().await? {
            None => Ok(Step::Password),
            Some(pending) if pending.enrol => {
                let made = sign_in::enrolment(&context(), pending.user_id).await.map_err(|error| refused(error, "code"))?;
                Ok(Step::Enrol { secret: made.secret, url: made.url, qr_svg: made.qr_svg })
            }
            Some(_) => Ok(Step::Code),
        }
    }

    pub(super) async fn password(email: &str, password: &str, next: &str) -> Result<(), ApiError> {
        let (ctx, session) = (context(), session()?);
        let checked = sign_in::check_password(&ctx, email, password, &client_address()?).await;
        let (user_id, found) = checked.map_err(|error| refused(error, "password"))?;
        begin_again(&session).await?;
        if found == Next::SignedIn {
            session.insert(USER, user_id).await?;
            return go(next);
        }
        let pending = Pending { user_id, enrol: found == Next::Enrol, at: ctx.clock.now(), next: next.to_owned() };
        session.insert(PENDING, pending).await?;
        go("/login")
    }

    pub(super) async fn code(code: &str) -> Result<(), ApiError> {
        let Some(pending) = pending().await? else { return go("/login") };
        let checked = sign_in::check_code(&context(), pending.user_id, code, &client_address()?).await;
        checked.map_err(|error| refused(error, "code"))?;
        let session = session()?;
        begin_again(&session).await?;
        session.insert(USER, pending.user_id).await?;
        go(&pending.next)
    }

    /// An empty session under another id. (`flush` alone would keep the id for what is stored next.)
    async fn begin_again(session: &Session) -> Result<(), ApiError> {
        session.clear().await;
        Ok(session.cycle_id().await?)
    }

    /// A path on this server, or home: a link must not lead elsewhere after sign-in.
    fn go(next: &str) -> Result<(), ApiError> {
        let local = next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && next.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        leptos_axum::redirect(if local { next } else { "/" });
        Ok(())
    }

    fn refused(error: SignInError, field: &'static str) -> ApiError {
        match error {
            SignInError::Refused if field == "code" => ApiError::invalid(field, "This code is not right, or was used before."),
            SignInError::Refused => ApiError::invalid(field, "E-mail address and password do not fit together."),
            SignInError::Throttled => ApiError::invalid(field, "Too many tries. Wait a quarter of an hour, then try again."),
            SignInError::Store(error) => error.into(),
            SignInError::Other(error) => internal(format!("{error:#}")),
        }
    }
}

/// Where the visitor stands.
#[server(prefix = "/fn", endpoint = "sign_in_step")]
pub async fn sign_in_step() -> Result<Step, ApiError> {
    ssr::step().await
}

/// First step. `next` is where to go afterwards.
#[server(prefix = "/fn", endpoint = "sign_in")]
pub async fn sign_in(email: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    ssr::password(&email, &password, &next).await
}

/// Second step, also the first code of a new authenticator app.
#[server(prefix = "/fn", endpoint = "confirm_code")]
pub async fn confirm_code(code: String) -> Result<(), ApiError> {
    ssr::code(&code).await
}

#[server(prefix = "/fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    super::guard::session()?.flush().await?;
    leptos_axum::redirect("/login");
    Ok(())
}
