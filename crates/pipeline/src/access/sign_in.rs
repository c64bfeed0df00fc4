//! Signing in: password, then second factor. Unknown account, wrong password and deactivated person get the same answer
//! after the same work. Tries are counted before they are checked, per account and per address.

use super::{Enrolment, connection, password, totp};
use crate::{Context, retry::transaction};
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{access::Actor, id::UserId};
use store::{
    Conn,
    access::{audit, audit::AuditEntry, throttle, users, users::Credentials},
};

/// Tries without success after which an account waits for the end of the window.
const ACCOUNT_ATTEMPTS_MAX: i32 = 5;
/// More people share an address.
const ADDRESS_ATTEMPTS_MAX: i32 = 50;
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// What follows a right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    SignedIn,
    /// Asks for a code.
    SecondFactor,
    /// Shows a secret to set up, then asks for a code.
    Enrol,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The account is unknown or deactivated, or the password or code is wrong: nobody learns which.
    #[error("refused")]
    Refused,
    #[error("too many tries")]
    Throttled,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// The first step.
pub async fn check_password(ctx: &Context, email: &str, password: &str, address: &str) -> Result<(UserId, Next), SignInError> {
    let email = email.trim().to_lowercase();
    let (account, address) = (format!("account:{email}"), format!("address:{address}"));
    let mut conn = connection(ctx).await?;
    count_try(ctx, &mut conn, &account, &address).await?;
    let found = users::credentials_by_email(&mut conn, &email).await?;
    // hashing takes long; others may use the connection
    drop(conn);
    let right = password::verify(password.to_owned(), found.as_ref().map(|user| user.password_hash.clone())).await?;
    let Some(user) = found.filter(|_| right) else {
        note(ctx, &email, "session.refuse", &address).await?;
        return Err(SignInError::Refused);
    };
    let next = match (user.totp_required, user.totp_confirmed) {
        (false, false) => Next::SignedIn,
        (_, true) => Next::SecondFactor,
        (true, false) => Next::Enrol,
    };
    if next == Next::SignedIn {
        complete(ctx, &user, &account, &address).await?;
    }
    Ok((user.user_id, next))
}

/// The second step, for the person whose password was right.
pub async fn check_code(ctx: &Context, user_id: UserId, code: &str, address: &str) -> Result<(), SignInError> {
    let mut conn = connection(ctx).await?;
    let user = users::credentials(&mut conn, user_id).await?.ok_or(SignInError::Refused)?;
    // the account's own count: otherwise who knows the password could guess codes for ever
    let (account, address) = (format!("account:{}", user.email), format!("address:{address}"));
    count_try(ctx, &mut conn, &account, &address).await?;
    let sealed = user.totp_secret.as_deref().ok_or(SignInError::Refused)?;
    let secret = ctx.secrets.open(sealed, &owner(user_id))?;
    let now = ctx.clock.now();
    let used = match totp::step_of(&secret, &user.email, code, now.timestamp())? {
        Some(step) => users::use_totp_step(&mut conn, user_id, step, now).await?,
        None => false,
    };
    drop(conn);
    if !used {
        note(ctx, &user.email, "session.refuse_code", &address).await?;
        return Err(SignInError::Refused);
    }
    complete(ctx, &user, &account, &address).await
}

/// The secret to set up, made at the first call and the same until a code confirmed it.
pub async fn enrolment(ctx: &Context, user_id: UserId) -> Result<Enrolment, SignInError> {
    let mut conn = connection(ctx).await?;
    let user = users::credentials(&mut conn, user_id).await?.ok_or(SignInError::Refused)?;
    if user.totp_confirmed {
        return Err(SignInError::Refused);
    }
    let secret = match &user.totp_secret {
        Some(sealed) => ctx.secrets.open(sealed, &owner(user_id))?,
        None => {
            let secret = totp::new_secret();
            users::enrol_totp(&mut conn, user_id, &ctx.secrets.seal(&secret, &owner(user_id))?).await?;
            secret
        }
    };
    Ok(totp::enrolment(&secret, &user.email).context("enrolment")?)
}

fn owner(user: UserId) -> String {
    format!("totp:{user}")
}

async fn count_try(ctx: &Context, conn: &mut Conn, account: &str, address: &str) -> Result<(), SignInError> {
    let now = ctx.clock.now();
    let of_address = throttle::count(conn, address, WINDOW, now).await?;
    let of_account = throttle::count(conn, account, WINDOW, now).await?;
    if of_address > ADDRESS_ATTEMPTS_MAX || of_account > ACCOUNT_ATTEMPTS_MAX {
        return Err(SignInError::Throttled);
    }
    Ok(())
}

/// Forgets the tries, notes the sign-in.
async fn complete(ctx: &Context, user: &Credentials, account: &str, address: &str) -> Result<(), SignInError> {
    let now = ctx.clock.now();
    transaction!(&ctx.pool, |tx| {
        throttle::forget(tx, account).await?;
        throttle::take_back(tx, address).await?;
        users::note_login(tx, user.user_id, now).await?;
        audit::append(tx, &entry(ctx, &user.email, "session.sign_in", address)).await.map(|_| ())
    })?;
    Ok(())
}

async fn note(ctx: &Context, email: &str, action: &'static str, address: &str) -> Result<(), SignInError> {
    transaction!(&ctx.pool, |tx| audit::append(tx, &entry(ctx, email, action, address)).await.map(|_| ()))?;
    Ok(())
}

fn entry(ctx: &Context, email: &str, action: &'static str, address: &str) -> AuditEntry {
    AuditEntry {
        at: ctx.clock.now(),
        actor: Actor::User(email.to_owned()),
        action,
        subject: email.to_owned(),
        entity_id: None,
        before: None,
        after: Some(serde_json::json!({ "from": address })),
    }
}

/// Removes tries whose window is over.
pub(crate) async fn sweep(conn: &mut store::Conn, now: DateTime<Utc>) -> Result<u64, store::Error> {
    throttle::sweep(conn, WINDOW, now).await
}
