//! The second factor: time-based one-time codes of RFC 6238 (six digits, 30 seconds, SHA-1, which is what authenticator
//! apps know). A code is good for its step and one to each side, and only once.

use anyhow::Context as _;
use qrcode::{QrCode, render::svg};
use rand::RngCore;
use totp_rs::{Algorithm, TOTP};

const DIGITS: usize = 6;
const STEP_SECONDS: i64 = 30;
/// Steps to each side that clocks may differ (RFC 6238 §5.2 recommends one).
const SKEW_STEPS: i64 = 1;
/// RFC 4226 §4 R6 recommends 160 bits.
const SECRET_BYTES: usize = 20;
const ISSUER: &str = "Tieout";
/// Side of the QR code in pixels.
const QR_PIXELS: u32 = 200;

/// What a person needs to set up an authenticator app.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Base32, to be typed where no camera is at hand.
    pub secret: String,
    /// `otpauth://` of the same secret.
    pub url: String,
    /// The URL as a QR code, an SVG element.
    pub qr_svg: String,
}

pub(super) fn new_secret() -> Vec<u8> {
    let mut secret = vec![0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut secret);
    secret
}

fn totp(secret: &[u8], account: &str) -> anyhow::Result<TOTP> {
    let step = u64::try_from(STEP_SECONDS)?;
    // the separator of issuer and account can't be part of either
    let account = account.replace(':', "");
    TOTP::new(Algorithm::SHA1, DIGITS, 0, step, secret.to_vec(), Some(ISSUER.into()), account).context("second factor")
}

pub(super) fn enrolment(secret: &[u8], account: &str) -> anyhow::Result<Enrolment> {
    let totp = totp(secret, account)?;
    let url = totp.get_url();
    let image = QrCode::new(&url)?.render::<svg::Color<'_>>().min_dimensions(QR_PIXELS, QR_PIXELS).build();
    let qr_svg = image[image.find("<svg").context("QR code without an svg element")?..].to_owned();
    Ok(Enrolment { secret: totp.get_secret_base32(), url, qr_svg })
}

/// The step a code belongs to, if it is good at this time (seconds since 1970).
pub(super) fn step_of(secret: &[u8], account: &str, code: &str, time: i64) -> anyhow::Result<Option<i64>> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let totp = totp(secret, account)?;
    let now = time.div_euclid(STEP_SECONDS);
    let mut found = None;
    for step in (now - SKEW_STEPS)..=(now + SKEW_STEPS) {
        let expected = totp.generate(u64::try_from(step * STEP_SECONDS)?);
        // every step is compared in full: no answer is faster than another
        if same(expected.as_bytes(), code.as_bytes()) {
            found = Some(step);
        }
    }
    Ok(found)
}

fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
pub(super) fn code_at(secret: &[u8], time: i64) -> String {
    totp(secret, "test").unwrap().generate(u64::try_from(time).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B: the secret is the ASCII text below; its eight digits end in these six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")] {
            assert_eq!(step_of(secret, "a", code, time).unwrap(), Some(time / 30), "{time}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_or_late_and_not_two() {
        let (secret, time) = (new_secret(), 1_800_000_000);
        let code = code_at(&secret, time);
        for (late, good) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(step_of(&secret, "a", &code, time + late).unwrap().is_some(), good, "{late}");
        }
        assert_eq!(step_of(&secret, "a", "", time).unwrap(), None);
    }

    #[test]
    fn the_qr_code_is_an_svg_without_inline_style() {
        let made = enrolment(&new_secret(), "ann@example.com").unwrap();
        assert!(made.url.starts_with("otpauth://totp/Tieout:"), "{}", made.url);
        assert!(made.qr_svg.starts_with("<svg") && !made.qr_svg.contains("style"), "{}", made.qr_svg);
    }
}
