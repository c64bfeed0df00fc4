//! Passwords: argon2id, off the async threads, and the same work for an account that does not exist.

use anyhow::{Context as _, anyhow};
use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use rand::RngCore;

/// NIST SP 800-63B asks for at least 8, and 15 where a password stands alone.
const LENGTH_MIN: usize = 12;
/// Bounds the work of one hash.
const LENGTH_MAX: usize = 256;

/// Hash of a random password nobody kept, with the parameters of [`Argon2::default`]: what an unknown account is
/// checked against, so that it takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDAwMDAwMDAwMDAwMDAwMA$yd3sPz2Yq1xYHZrH0SQ8m0iY5iHk8m3sYc9mYQ0c1kE";

/// Why a new password is refused, in words for the form.
pub(super) fn objection(password: &str) -> Option<String> {
    let length = password.chars().count();
    if length < LENGTH_MIN {
        return Some(format!("A password has at least {LENGTH_MIN} characters."));
    }
    (length > LENGTH_MAX).then(|| format!("A password has at most {LENGTH_MAX} characters."))
}

pub(super) async fn hash(password: String) -> anyhow::Result<String> {
    tokio::task::spawn_blocking(move || {
        let mut salt = [0; 16];
        rand::rng().fill_bytes(&mut salt);
        let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow!("salt: {error}"))?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(|error| anyhow!("hash: {error}"))?;
        Ok(hash.to_string())
    })
    .await
    .context("password hashing stopped")?
}

/// Whether the password is that of the stored hash; never for nobody's.
pub(super) async fn verify(password: String, stored: Option<String>) -> anyhow::Result<bool> {
    tokio::task::spawn_blocking(move || {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
        let hash = PasswordHash::new(&stored).map_err(|error| anyhow!("stored password hash: {error}"))?;
        // a longer one was never accepted; cut, so that it costs no more
        let password: String = password.chars().take(LENGTH_MAX + 1).collect();
        Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known)
    })
    .await
    .context("password check stopped")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let stored = hash("correct horse battery".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("correct horse battery".into(), Some(stored.clone())).await.unwrap());
        assert!(!verify("correct horse batterz".into(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_costs_the_same_work_and_never_verifies() {
        let made = hash("correct horse battery".into()).await.unwrap();
        let (made, nobody) = (PasswordHash::new(&made).unwrap(), PasswordHash::new(NOBODY).unwrap());
        assert_eq!((made.algorithm, made.version, made.params.to_string()), (nobody.algorithm, nobody.version, nobody.params.to_string()));
        assert_eq!(made.hash.unwrap().len(), nobody.hash.unwrap().len());
        assert!(!verify("correct horse battery".into(), None).await.unwrap());
    }

    #[test]
    fn short_passwords_are_refused_in_words() {
        assert!(objection("short").is_some());
        assert!(objection("long enough, surely").is_none());
        assert!(objection(&"x".repeat(LENGTH_MAX + 1)).is_some());
    }
}
