//! `Stripe-Signature: t=<unix>,v1=<hex>[,v1=…][,v0=…]`: HMAC-SHA256 with the endpoint's secret over `t`, a full stop and the
//! raw body [PY]. Only `v1` counts; there are several while a secret is being rolled.

use super::{fields::Fields, read};
use chrono::{DateTime, TimeDelta, Utc};
use domain::settlement::PaymentEvent;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How old a signature may be [PY].
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("no secret is configured for this endpoint")]
    NoSecret,
    #[error("Stripe-Signature has no readable t: {0:?}")]
    NoTimestamp(String),
    #[error("Stripe-Signature has no v1 signature: {0:?}")]
    NoSignature(String),
    #[error("no v1 signature of Stripe-Signature fits the body and a secret of this endpoint")]
    WrongSignature,
    #[error("signed {age_seconds} seconds ago; at most {} are allowed", TOLERANCE.num_seconds())]
    TooOld { age_seconds: i64 },
    #[error("signed, but not an event: {0}")]
    Unreadable(String),
}

/// Whether Stripe signed these bytes not long ago. `secrets` (`whsec_…`) are all that are valid now.
pub fn verify(header: &str, body: &[u8], secrets: &[String], now: DateTime<Utc>) -> Result<(), WebhookError> {
    if secrets.is_empty() {
        return Err(WebhookError::NoSecret);
    }
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let written = parts().find(|(name, _)| *name == "t").map_or("", |(_, value)| value);
    let signed_at: i64 = written.parse().map_err(|_| WebhookError::NoTimestamp(header.to_owned()))?;
    let signatures: Vec<&str> = parts().filter(|(name, _)| *name == "v1").map(|(_, value)| value).collect();
    if signatures.is_empty() {
        return Err(WebhookError::NoSignature(header.to_owned()));
    }
    let fits = |secret: &String| {
        let mac = signed(secret, written, body);
        signatures.iter().any(|signature| hex::decode(signature).is_ok_and(|bytes| mac.clone().verify_slice(&bytes).is_ok()))
    };
    if !secrets.iter().any(fits) {
        return Err(WebhookError::WrongSignature);
    }
    let age_seconds = now.timestamp() - signed_at;
    if age_seconds > TOLERANCE.num_seconds() { Err(WebhookError::TooOld { age_seconds }) } else { Ok(()) }
}

/// The event in a verified webhook.
pub fn receive(header: &str, body: &[u8], secrets: &[String], now: DateTime<Utc>) -> Result<PaymentEvent, WebhookError> {
    verify(header, body, secrets, now)?;
    let payload = serde_json::from_slice(body).map_err(|error| WebhookError::Unreadable(error.to_string()))?;
    read::event(Fields(&payload)).map_err(|error| WebhookError::Unreadable(error.to_string()))
}

/// Compared by `verify_slice`, in constant time.
fn signed(secret: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { unreachable!("HMAC takes keys of any length") };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"charge.succeeded","created":1760000000,"data":{"object":{"id":"ch_1"}}}"#;
    const SIGNED_AT: i64 = 1_760_000_000;

    fn hex_of(secret: &str, body: &[u8]) -> String {
        hex::encode(signed(secret, &SIGNED_AT.to_string(), body).finalize().into_bytes())
    }

    fn check(header: &str, body: &[u8], secrets: &[&str], late_by: i64) -> Result<(), WebhookError> {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        verify(header, body, &secrets, DateTime::from_timestamp(SIGNED_AT + late_by, 0).unwrap())
    }

    /// Computed with another implementation of HMAC-SHA256.
    #[test]
    fn a_signature_made_elsewhere_is_accepted() {
        let signature = "6dae283ab75fec0753d64a520601f7611da42133bc6b997c1e109a3bd197d7d6";
        assert_eq!(check(&format!("t={SIGNED_AT},v1={signature}"), BODY, &["whsec_a"], 0), Ok(()));
        assert_eq!(check(&format!("t={SIGNED_AT},v1={}", &signature[..32]), BODY, &["whsec_a"], 0), Err(WebhookError::WrongSignature));
    }

    #[test]
    fn only_what_stripe_signed_lately_is_accepted() {
        let good = format!("t={SIGNED_AT},v1={}", hex_of("whsec_a", BODY));
        assert_eq!(check(&good, BODY, &["whsec_a"], 0), Ok(()));
        assert_eq!(check(&good, BODY, &["whsec_a"], 300), Ok(()));
        assert_eq!(check(&good, BODY, &["whsec_a"], 301), Err(WebhookError::TooOld { age_seconds: 301 }));
        assert_eq!(check(&good, &BODY.to_ascii_uppercase(), &["whsec_a"], 0), Err(WebhookError::WrongSignature));
        assert_eq!(check(&good, BODY, &["whsec_b"], 0), Err(WebhookError::WrongSignature));
        assert_eq!(check(&good, BODY, &[], 0), Err(WebhookError::NoSecret));
        let redated = format!("t={},v1={}", SIGNED_AT + 1, hex_of("whsec_a", BODY));
        assert_eq!(check(&redated, BODY, &["whsec_a"], 0), Err(WebhookError::WrongSignature), "the time is signed too");
    }

    #[test]
    fn a_v0_signature_alone_is_none() {
        let header = format!("t={SIGNED_AT},v0={}", hex_of("whsec_a", BODY));
        assert_eq!(check(&header, BODY, &["whsec_a"], 0), Err(WebhookError::NoSignature(header.clone())));
        assert!(matches!(check("v1=00", BODY, &["whsec_a"], 0), Err(WebhookError::NoTimestamp(_))));
        assert!(matches!(check("", BODY, &["whsec_a"], 0), Err(WebhookError::NoTimestamp(_))));
        assert_eq!(check(&format!("t={SIGNED_AT},v1=not hex"), BODY, &["whsec_a"], 0), Err(WebhookError::WrongSignature));
    }

    #[test]
    fn while_a_secret_is_rolled_either_of_two_fits() {
        let header = format!("t={SIGNED_AT},v1={},v1={}", hex_of("whsec_old", BODY), hex_of("whsec_new", BODY));
        for secrets in [&["whsec_old"][..], &["whsec_new"], &["whsec_other", "whsec_new"]] {
            assert_eq!(check(&header, BODY, secrets, 0), Ok(()));
        }
    }

    #[test]
    fn a_replayed_event_has_the_key_it_had() {
        let secrets = ["whsec_a".to_owned()];
        let header = format!("t={SIGNED_AT},v1={}", hex_of("whsec_a", BODY));
        let event = receive(&header, BODY, &secrets, DateTime::from_timestamp(SIGNED_AT, 0).unwrap()).unwrap();
        assert_eq!((event.dedupe_key.as_str(), event.event_type.as_str(), event.object_id.as_str()), ("evt_1", "charge.succeeded", "ch_1"));
        let array = format!("t={SIGNED_AT},v1={}", hex_of("whsec_a", b"[]"));
        let unreadable = receive(&array, b"[]", &secrets, DateTime::from_timestamp(SIGNED_AT, 0).unwrap());
        assert!(matches!(unreadable, Err(WebhookError::Unreadable(_))));
    }
}
