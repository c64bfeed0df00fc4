//! Standard webhooks. Adyen signs each item and not the body: HMAC-SHA256 with the hex-decoded key over eight fields joined
//! by colons, in base64 [NODE].

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use domain::{
    money::{Currency, Money},
    settlement::{Gateway, PaymentAttempt, PaymentEvent, PaymentStatus},
};
use hmac::{Hmac, KeyInit, Mac};
use rust_decimal::Decimal;
use serde_json::Value;
use sha2::Sha256;

/// The event that brings a report: `pspReference` is the file's name, `reason` where it lies [OAS].
pub const REPORT_AVAILABLE: &str = "REPORT_AVAILABLE";
/// The answer of the payer's bank to an attempt [OAS].
const AUTHORISATION: &str = "AUTHORISATION";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    #[error("no HMAC key is configured for this endpoint")]
    NoKey,
    #[error("the HMAC key is not hexadecimal")]
    KeyNotHex,
    #[error("unreadable webhook: {0}")]
    Unreadable(String),
    #[error("item {item}: {field} is missing")]
    NoField { item: usize, field: &'static str },
    #[error("item {item} has no hmacSignature")]
    NoSignature { item: usize },
    #[error("item {item}: the hmacSignature does not fit its fields and a key of this endpoint")]
    WrongSignature { item: usize },
}

/// A key of the endpoint, as the Customer Area shows it: hexadecimal.
#[derive(Clone)]
pub struct HmacKey(Vec<u8>);

impl std::str::FromStr for HmacKey {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        hex::decode(text.trim()).ok().filter(|bytes| !bytes.is_empty()).map(Self).ok_or(WebhookError::KeyNotHex)
    }
}

/// The events of a webhook, in its order, if every item is signed with one of these keys (two while one is being replaced).
/// One forged item refuses the whole webhook. Answer with 2xx as soon as the events are kept.
pub fn receive(body: &[u8], keys: &[HmacKey]) -> Result<Vec<PaymentEvent>, WebhookError> {
    if keys.is_empty() {
        return Err(WebhookError::NoKey);
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| WebhookError::Unreadable(error.to_string()))?;
    let items = body["notificationItems"].as_array().ok_or_else(|| WebhookError::Unreadable("no notificationItems".to_owned()))?;
    items.iter().enumerate().map(|(place, wrapper)| Item { place, fields: &wrapper["NotificationRequestItem"] }.event(keys)).collect()
}

struct Item<'a> {
    place: usize,
    fields: &'a Value,
}

impl Item<'_> {
    fn event(&self, keys: &[HmacKey]) -> Result<PaymentEvent, WebhookError> {
        self.verify(keys)?;
        let psp_reference = self.need("pspReference")?;
        let (event_code, success) = (self.need("eventCode")?, self.need("success")?);
        let occurred_at = DateTime::parse_from_rfc3339(self.need("eventDate")?)
            .map_err(|_| WebhookError::NoField { item: self.place, field: "eventDate" })?;
        Ok(PaymentEvent {
            gateway: Gateway::Adyen,
            // Delivered at least once: the same three fields are the same event (contract: Webhook; wording U).
            dedupe_key: format!("{psp_reference}:{event_code}:{success}"),
            event_type: event_code.to_owned(),
            object_id: psp_reference.to_owned(),
            occurred_at: occurred_at.with_timezone(&Utc),
            payload: self.fields.clone(),
        })
    }

    fn verify(&self, keys: &[HmacKey]) -> Result<(), WebhookError> {
        let written = self.fields["additionalData"]["hmacSignature"].as_str().ok_or(WebhookError::NoSignature { item: self.place })?;
        let wrong = || WebhookError::WrongSignature { item: self.place };
        let signature = BASE64_STANDARD.decode(written).map_err(|_| wrong())?;
        let signed = self.signed()?;
        let fits = |key: &HmacKey| mac(key, &signed).verify_slice(&signature).is_ok();
        if keys.iter().any(fits) { Ok(()) } else { Err(wrong()) }
    }

    /// `pspReference:originalReference:merchantAccountCode:merchantReference:value:currency:eventCode:success`, nothing escaped;
    /// `success` is the text "true" or "false" [NODE, OAS].
    fn signed(&self) -> Result<String, WebhookError> {
        let amount = &self.fields["amount"];
        let value = amount["value"].as_i64().ok_or(WebhookError::NoField { item: self.place, field: "amount.value" })?;
        Ok([
            self.need("pspReference")?,
            self.fields["originalReference"].as_str().unwrap_or_default(),
            self.need("merchantAccountCode")?,
            self.need("merchantReference")?,
            &value.to_string(),
            amount["currency"].as_str().ok_or(WebhookError::NoField { item: self.place, field: "amount.currency" })?,
            self.need("eventCode")?,
            self.need("success")?,
        ]
        .join(":"))
    }

    fn need(&self, field: &'static str) -> Result<&str, WebhookError> {
        self.fields[field].as_str().ok_or(WebhookError::NoField { item: self.place, field })
    }
}

/// Compared by `verify_slice`, in constant time.
fn mac(key: &HmacKey, signed: &str) -> Hmac<Sha256> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.0) else { unreachable!("HMAC takes keys of any length") };
    mac.update(signed.as_bytes());
    mac
}

/// The name of the report and its address, where the event brings one.
pub fn report_of(event: &PaymentEvent) -> Option<(&str, &str)> {
    let is_there = event.event_type == REPORT_AVAILABLE && event.payload["success"] == "true";
    is_there.then(|| event.payload["reason"].as_str()).flatten().map(|address| (event.object_id.as_str(), address))
}

/// A refused authorisation: an attempt that moves nothing. Adyen lists none, so its webhook is all that tells of one.
pub fn refused_of(event: &PaymentEvent) -> Option<PaymentAttempt> {
    let (item, text) = (&event.payload, |field: &str| event.payload[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    if event.event_type != AUTHORISATION || item["success"] != "false" {
        return None;
    }
    let currency: Currency = item["amount"]["currency"].as_str()?.parse().ok()?;
    // of nothing: only the card was looked at
    let minor = item["amount"]["value"].as_i64().filter(|minor| *minor > 0)?;
    let amount = Decimal::try_new(minor, currency.minor_units()).ok()?;
    Some(PaymentAttempt {
        id: event.object_id.clone(),
        payment_reference: None,
        amount: Money::new(amount, currency).ok()?,
        status: PaymentStatus::Failed,
        created_at: event.occurred_at,
        method: text("paymentMethod"),
        customer_reference: None,
        invoice_numbers: text("merchantReference").into_iter().collect(),
        merchant_reference: text("merchantReference"),
        reason_code: Some("refused".to_owned()),
        failure: text("reason"),
        next_retry_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

    fn keys(written: &[&str]) -> Vec<HmacKey> {
        written.iter().map(|key| key.parse().unwrap()).collect()
    }

    fn an_item() -> Value {
        json!({
            "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant", "merchantReference": "TestPayment-1407325143704",
            "amount": { "currency": "EUR", "value": 1130 }, "eventCode": "AUTHORISATION", "success": "true", "reason": "",
            "eventDate": "2026-10-31T10:00:00+01:00", "paymentMethod": "visa",
        })
    }

    fn sign(mut item: Value, key: &str) -> Value {
        let mac = mac(&key.parse().unwrap(), &Item { place: 0, fields: &item }.signed().unwrap());
        item["additionalData"]["hmacSignature"] = BASE64_STANDARD.encode(mac.finalize().into_bytes()).into();
        item
    }

    fn webhook(items: &[Value]) -> Vec<u8> {
        let items: Vec<Value> = items.iter().map(|item| json!({ "NotificationRequestItem": item })).collect();
        json!({ "live": "false", "notificationItems": items }).to_string().into_bytes()
    }

    /// The example that Adyen gives with its libraries.
    #[test]
    fn a_signature_of_adyens_own_example_is_accepted() {
        let mut item = an_item();
        item["additionalData"]["hmacSignature"] = "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=".into();
        let events = receive(&webhook(&[item]), &keys(&[KEY])).unwrap();
        assert_eq!(events[0].dedupe_key, "7914073381342284:AUTHORISATION:true");
        assert_eq!(events[0].occurred_at.to_rfc3339(), "2026-10-31T09:00:00+00:00");
    }

    #[test]
    fn a_forged_item_refuses_the_whole_webhook() {
        let good = sign(an_item(), KEY);
        for (field, value) in [
            ("success", json!("false")),
            ("merchantReference", json!("OTHER")),
            ("amount", json!({ "currency": "EUR", "value": 113_000 })),
            ("originalReference", json!("x")),
        ] {
            let mut forged = good.clone();
            forged[field] = value;
            assert_eq!(receive(&webhook(&[good.clone(), forged]), &keys(&[KEY])), Err(WebhookError::WrongSignature { item: 1 }), "{field}");
        }
        let (other, mut unsigned) = ("00".repeat(32), good.clone());
        assert_eq!(receive(&webhook(std::slice::from_ref(&good)), &keys(&[&other])), Err(WebhookError::WrongSignature { item: 0 }));
        assert!(receive(&webhook(&[good]), &keys(&[&other, KEY])).is_ok(), "while a key is replaced, either fits");
        unsigned["additionalData"] = json!({});
        assert_eq!(receive(&webhook(&[unsigned]), &keys(&[KEY])), Err(WebhookError::NoSignature { item: 0 }));
        assert_eq!(receive(b"{}", &[]), Err(WebhookError::NoKey));
        assert!(matches!("not hex".parse::<HmacKey>(), Err(WebhookError::KeyNotHex)));
    }

    #[test]
    fn the_same_event_has_the_same_key_in_whatever_order_it_comes() {
        let (first, mut second) = (sign(an_item(), KEY), an_item());
        second["eventCode"] = "CAPTURE".into();
        let second = sign(second, KEY);
        let keys_of = |items: &[Value]| {
            let mut keys: Vec<String> = receive(&webhook(items), &keys(&[KEY])).unwrap().into_iter().map(|e| e.dedupe_key).collect();
            keys.sort();
            keys.dedup();
            keys
        };
        assert_eq!(keys_of(&[first.clone(), second.clone(), first.clone()]), keys_of(&[second, first]));
    }

    #[test]
    fn a_refused_authorisation_is_an_attempt_at_the_invoice_that_it_names_and_an_accepted_one_is_none() {
        let read = |item: &Value| receive(&webhook(&[sign(item.clone(), KEY)]), &keys(&[KEY])).unwrap().remove(0);
        let mut item = an_item();
        assert_eq!(refused_of(&read(&item)), None);
        (item["success"], item["reason"], item["merchantReference"]) = ("false".into(), "Refused".into(), "INV-7".into());
        let refused = refused_of(&read(&item)).unwrap();
        assert_eq!((refused.id.as_str(), refused.amount.to_string().as_str()), ("7914073381342284", "11.30 EUR"));
        assert_eq!((refused.invoice_numbers, refused.failure.as_deref()), (vec!["INV-7".to_owned()], Some("Refused")));
        item["amount"]["value"] = 0.into();
        assert_eq!(refused_of(&read(&item)), None, "a card that was only looked at was to pay nothing");
        (item["amount"]["value"], item["eventCode"]) = (1130.into(), "CAPTURE_FAILED".into());
        assert_eq!(refused_of(&read(&item)), None, "what failed later moved money first");
    }

    #[test]
    fn a_report_is_where_its_event_says() {
        let mut item = an_item();
        (item["eventCode"], item["pspReference"], item["reason"]) =
            ("REPORT_AVAILABLE".into(), "batch_4.csv".into(), "https://x/batch_4.csv".into());
        let read = |item: &Value| receive(&webhook(&[sign(item.clone(), KEY)]), &keys(&[KEY])).unwrap().remove(0);
        assert_eq!(report_of(&read(&item)), Some(("batch_4.csv", "https://x/batch_4.csv")));
        item["success"] = "false".into();
        assert_eq!(report_of(&read(&item)), None);
    }
}
