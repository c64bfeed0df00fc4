//! Secrets at rest: connection credentials and second factors are stored encrypted (XChaCha20-Poly1305), bound to what
//! they belong to, so that a row copied over another one does not open.

use anyhow::{Context as _, bail, ensure};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use rand::RngCore;
use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The installation's key.
#[derive(Clone)]
pub struct Cipher(XChaCha20Poly1305);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

impl Cipher {
    pub fn new(key: [u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// A key of 64 hexadecimal digits: the setting `TIEOUT_SECRET_KEY`.
    pub fn from_hex(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        ensure!(text.len() == KEY_BYTES * 2 && text.is_ascii(), "a secret key has {} hexadecimal digits", KEY_BYTES * 2);
        let mut key = [0; KEY_BYTES];
        for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16).context("a secret key is hexadecimal")?;
        }
        Ok(Self::new(key))
    }

    /// The key in this file; made, readable by its owner only, when there is none.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_hex(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; KEY_BYTES];
                rand::rng().fill_bytes(&mut key);
                let created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                match created {
                    Ok(mut file) => {
                        writeln!(file, "{}", domain::seal::hex(&key))?;
                        file.sync_all()?;
                        Ok(Self::new(key))
                    }
                    // another process was first
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::from_file(path),
                    Err(error) => Err(error).with_context(|| path.display().to_string()),
                }
            }
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// `owner` says what the secret belongs to; the same words open it.
    pub fn seal(&self, secret: &[u8], owner: &str) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let Ok(sealed) = self.0.encrypt(&nonce.into(), Payload { msg: secret, aad: owner.as_bytes() }) else {
            bail!("the secret of {owner} is too long to encrypt");
        };
        Ok([&nonce[..], &sealed].concat())
    }

    pub fn open(&self, stored: &[u8], owner: &str) -> anyhow::Result<Vec<u8>> {
        let (nonce, sealed) = stored.split_first_chunk::<NONCE_BYTES>().context("the stored secret is too short")?;
        let Ok(secret) = self.0.decrypt(&(*nonce).into(), Payload { msg: sealed, aad: owner.as_bytes() }) else {
            bail!("the secret of {owner} does not open with this installation's key");
        };
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_opens_only_for_its_owner_and_unchanged() {
        let cipher = Cipher::new([7; 32]);
        let mut sealed = cipher.seal(b"token", "connection 1").unwrap();
        assert_eq!(cipher.open(&sealed, "connection 1").unwrap(), b"token");
        assert!(cipher.open(&sealed, "connection 2").is_err());
        assert!(Cipher::new([8; 32]).open(&sealed, "connection 1").is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(cipher.open(&sealed, "connection 1").is_err());
    }

    #[test]
    fn the_same_secret_twice_looks_different() {
        let cipher = Cipher::new([7; 32]);
        assert_ne!(cipher.seal(b"x", "a").unwrap(), cipher.seal(b"x", "a").unwrap());
    }

    #[test]
    fn the_key_file_is_private_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.key");
        let sealed = Cipher::from_file(&path).unwrap().seal(b"x", "a").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Cipher::from_file(&path).unwrap().open(&sealed, "a").unwrap(), b"x");
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(Cipher::from_hex("abc").is_err());
        assert!(Cipher::from_hex(&"g".repeat(64)).is_err());
    }
}
