//! `additionalData.hmacSignature`, as the vendor makes it [NODE], and as a forger would. The time is not signed: an old webhook that is
//! sent again is genuine, and only its key tells.

use crate::gateway::{Dressed, Forgery};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

pub(super) fn dress(item: &Value, key: &str, forgery: Option<Forgery>) -> Dressed {
    let mut item = item.clone();
    let key = if forgery == Some(Forgery::WrongSecret) { "00112233445566778899AABBCCDDEEFF" } else { key };
    if forgery != Some(Forgery::OtherScheme) {
        item["additionalData"]["hmacSignature"] = signature(&item, key).into();
    }
    match forgery {
        Some(Forgery::AlteredBody) => item["amount"]["value"] = 99_999_999.into(),
        Some(Forgery::OldTimestamp) => item["success"] = if item["success"] == "true" { "false" } else { "true" }.into(),
        _ => {}
    }
    let body = json!({ "live": "false", "notificationItems": [{ "NotificationRequestItem": item }] });
    Dressed { headers: Vec::new(), body: body.to_string() }
}

fn signature(item: &Value, key: &str) -> String {
    let text =
        |value: &Value| value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
    let fields = ["pspReference", "originalReference", "merchantAccountCode", "merchantReference"].map(|name| text(&item[name]));
    let amount = ["value", "currency"].map(|name| text(&item["amount"][name]));
    let rest = ["eventCode", "success"].map(|name| text(&item[name]));
    let signed = fields.into_iter().chain(amount).chain(rest).collect::<Vec<_>>().join(":");
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&hex::decode(key).unwrap_or_default()) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(signed.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
