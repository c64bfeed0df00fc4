//! `Stripe-Signature`, as the vendor makes it, and as a forger would.

use crate::gateway::{Dressed, Forgery};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

const OLD_SECONDS: i64 = 3600;

pub(super) fn dress(event: &Value, secret: &str, forgery: Option<Forgery>, now: DateTime<Utc>) -> Dressed {
    let secret = if forgery == Some(Forgery::WrongSecret) { "whsec_stolen_from_another_endpoint" } else { secret };
    let time = now.timestamp() - if forgery == Some(Forgery::OldTimestamp) { OLD_SECONDS } else { 0 };
    let scheme = if forgery == Some(Forgery::OtherScheme) { "v0" } else { "v1" };
    let body = event.to_string();
    let header = format!("t={time},{scheme}={}", signature(secret, time, &body));
    let body = if forgery == Some(Forgery::AlteredBody) { body.replacen("\"amount\":", "\"amount\":9", 1) + " " } else { body };
    Dressed { headers: vec![("Stripe-Signature", header)], body }
}

fn signature(secret: &str, time: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { unreachable!("HMAC takes keys of any length") };
    mac.update(format!("{time}.{body}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
