//! What an answer to a POST or PATCH means: exactly one outcome, and never a guess towards success.

use super::wire::Answer;
use domain::posting::{Outcome, Refusal};
use reqwest::StatusCode;
use serde_json::Value;

/// A document with our external id is there [P; which of the first two REST uses is U], or the async key was used before
/// [H:subsect_164494900632].
const DUPLICATE: &[&str] = &["DUP_RCRD", "UNIQUE_RCRD_ID_REQD", "IDEMPOTENCY_ERROR"];
/// Another change got in between; nothing was done [P].
const LOCKED: &[&str] = &["RCRD_HAS_BEEN_CHANGED", "CANT_UPDATE_RECRD_HAS_CHANGED"];
const CREDENTIALS: &[&str] = &["INVALID_LOGIN", "INVALID_LOGIN_ATTEMPT", "INSUFFICIENT_PERMISSION", "PERMISSION_VIOLATION"];
const THROTTLED: &[&str] = &["CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"];
/// Our request is wrong, not the document [H:section_156570709583].
const MALFORMED: &[&str] = &["INVALID_REQUEST", "NONEXISTENT_ID"];
/// Codes that REST may wrap in `USER_ERROR` or `INVALID_CONTENT` (U); recognised in the text then.
const WRAPPED: &[&str] = &[
    "CLOSED_TRAN_PRD",
    "TRAN_PRD_CLOSED",
    "TRAN_PERIOD_CLOSED",
    "INVALID_ACCT_PRD",
    "DATE_PRD_MISMATCH",
    "MISMATCHED_CURRENCY",
    "INVALID_CRNCY_EXCH_RATE",
    "SUBSIDIARY_MISMATCH",
    "INVALID_TAX_CODE_FOR_SUB",
    "ROUNDING_ERROR",
    "CANT_APPLY_PMT",
    "DUP_RCRD",
    "UNIQUE_RCRD_ID_REQD",
];

/// `number` is ours, sent as `tranId`: the 204 has no body to read it from [H:section_1545141395]. `known` is the key of what a
/// PATCH changed; a POST's answer tells it.
pub(super) fn outcome(answer: &Answer, number: &str, known: Option<String>) -> Outcome {
    match answer.status.as_u16() {
        204 => match known.or_else(|| answer.location.as_deref().and_then(internal_id)) {
            Some(erp_id) => Outcome::Accepted { erp_id, erp_number: number.to_owned() },
            None => Outcome::Ambiguous { reason: "204 without the id of the record".to_owned() },
        },
        429 => Outcome::Throttled { retry_after_seconds: answer.retry_after_seconds },
        401 | 403 => Outcome::Auth { reason: summary(answer) },
        408 => Outcome::Ambiguous { reason: summary(answer) },
        400..=499 => refused(answer),
        _ => Outcome::Ambiguous { reason: summary(answer) },
    }
}

fn refused(answer: &Answer) -> Outcome {
    let Some(refusal) = refusal(&answer.body) else {
        let message = format!("unreadable refusal, HTTP {}", answer.status.as_u16());
        return Outcome::Permanent(Refusal { code: format!("HTTP_{}", answer.status.as_u16()), message, field: None });
    };
    let code = refusal.code.as_str();
    if DUPLICATE.contains(&code) || refusal.message.to_lowercase().contains("already exists") {
        // Whatever the code: where something exists already, a probe decides and not the text.
        Outcome::Duplicate { reason: format!("{code}: {}", refusal.message) }
    } else if THROTTLED.contains(&code) {
        Outcome::Throttled { retry_after_seconds: answer.retry_after_seconds }
    } else if CREDENTIALS.contains(&code) {
        Outcome::Auth { reason: format!("{code}: {}", refusal.message) }
    } else if LOCKED.contains(&code) {
        Outcome::Transient { reason: format!("{code}: {}", refusal.message) }
    } else if MALFORMED.contains(&code) {
        Outcome::Permanent(refusal)
    } else {
        Outcome::Business(refusal)
    }
}

/// The first of `o:errorDetails` [B, H:section_156570709583].
fn refusal(body: &str) -> Option<Refusal> {
    let envelope: Value = serde_json::from_str(body).ok()?;
    let first = &envelope["o:errorDetails"][0];
    let code = first["o:errorCode"].as_str().or_else(|| envelope["o:errorCode"].as_str())?;
    let detail = first["detail"].as_str().or_else(|| envelope["title"].as_str()).unwrap_or(code);
    let field = ["o:errorPath", "o:errorQueryParam", "o:errorHeader"].iter().find_map(|name| first[*name].as_str());
    Some(Refusal { code: unwrapped(code, detail).to_owned(), message: readable(detail), field: field.map(str::to_owned) })
}

fn unwrapped<'a>(code: &'a str, detail: &str) -> &'a str {
    let inside =
        || detail.split(|c: char| !c.is_ascii_uppercase() && c != '_').find_map(|word| WRAPPED.iter().find(|known| **known == word));
    if matches!(code, "USER_ERROR" | "INVALID_CONTENT") { inside().copied().unwrap_or(code) } else { code }
}

/// Without the error id, which names a machine's log and makes every message unique.
fn readable(detail: &str) -> String {
    detail.split("Error ID").next().unwrap_or(detail).trim().to_owned()
}

/// `…/record/v1/invoice/123` [H:section_1545141395].
fn internal_id(location: &str) -> Option<String> {
    let id = location.rsplit('/').next()?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then(|| id.to_owned())
}

/// A 404 of a proxy or a wrong path proves nothing; only the code does.
pub(super) fn is_absent(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && refusal(&answer.body).is_some_and(|refusal| refusal.code == "NONEXISTENT_ID")
}

/// The external id as the record holds it: they are case-insensitive, and the query may not be [H:section_N3433806].
pub(super) fn external_id(body: &str) -> Result<String, String> {
    let record: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    record["externalId"].as_str().map(str::to_owned).ok_or_else(|| "a record without externalId".to_owned())
}

pub(super) fn summary(answer: &Answer) -> String {
    match refusal(&answer.body) {
        Some(refusal) => format!("HTTP {} {}: {}", answer.status.as_u16(), refusal.code, refusal.message),
        None => format!("HTTP {}", answer.status.as_u16()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::posting::OutcomeKind;

    fn answer(status: u16, location: Option<&str>, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            location: location.map(str::to_owned),
            retry_after_seconds: None,
            body: body.into(),
        }
    }

    fn envelope(code: &str, detail: &str) -> String {
        serde_json::json!({ "type": "t", "title": "x", "status": 400, "o:errorDetails": [{ "detail": detail, "o:errorCode": code, "o:errorPath": "entity" }] })
            .to_string()
    }

    #[test]
    fn every_answer_is_exactly_one_outcome() {
        use OutcomeKind::*;
        let cases = [
            (204, Some("https://x/services/rest/record/v1/invoice/77"), String::new(), Accepted),
            (204, None, String::new(), Ambiguous),
            (204, Some("https://x/services/rest/async/v1/job/a"), String::new(), Ambiguous),
            (200, None, "{}".into(), Ambiguous),
            (202, None, String::new(), Ambiguous),
            (302, Some("https://x/login"), String::new(), Ambiguous),
            (400, None, envelope("DUP_RCRD", "x"), Duplicate),
            (400, None, envelope("UNIQUE_RCRD_ID_REQD", "x"), Duplicate),
            (400, None, envelope("IDEMPOTENCY_ERROR", "x"), Duplicate),
            (400, None, envelope("USER_ERROR", "This record already exists."), Duplicate),
            (400, None, envelope("USER_ERROR", "DUP_RCRD: x"), Duplicate),
            (400, None, envelope("CLOSED_TRAN_PRD", "x"), Business),
            (400, None, envelope("USER_ERROR", "period"), Business),
            (400, None, envelope("INVALID_CONTENT", "x"), Business),
            (400, None, envelope("CANT_APPLY_PMT", "x"), Business),
            (400, None, envelope("SOMETHING_NEW", "x"), Business),
            (400, None, envelope("RCRD_HAS_BEEN_CHANGED", "x"), Transient),
            (400, None, envelope("INSUFFICIENT_PERMISSION", "x"), Auth),
            (401, None, envelope("INVALID_LOGIN", "x"), Auth),
            (403, None, String::new(), Auth),
            (400, None, envelope("INVALID_REQUEST", "x"), Permanent),
            (404, None, envelope("NONEXISTENT_ID", "x"), Permanent),
            (400, None, "<html>".into(), Permanent),
            (429, None, envelope("CONCURRENCY_LIMIT_EXCEEDED", "x"), Throttled),
            (400, None, envelope("SSS_REQUEST_LIMIT_EXCEEDED", "x"), Throttled),
            (408, None, String::new(), Ambiguous),
            (500, None, envelope("UNEXPECTED_ERROR", "x"), Ambiguous),
            (502, None, "<html>".into(), Ambiguous),
            (503, None, String::new(), Ambiguous),
        ];
        for (status, location, body, expected) in cases {
            let found = outcome(&answer(status, location, &body), "INV-1", None);
            assert_eq!(found.kind(), expected, "{status} {location:?} {body}");
        }
    }

    #[test]
    fn a_change_is_accepted_under_the_key_it_was_sent_for_and_only_with_a_204() {
        let known = || Some("77/tieout-US-app-A-1-v1".to_owned());
        let accepted = Outcome::Accepted { erp_id: known().unwrap(), erp_number: "A-1".into() };
        assert_eq!(outcome(&answer(204, None, ""), "A-1", known()), accepted);
        assert_eq!(outcome(&answer(200, None, "{}"), "A-1", known()).kind(), OutcomeKind::Ambiguous);
        assert_eq!(outcome(&answer(404, None, &envelope("NONEXISTENT_ID", "x")), "A-1", known()).kind(), OutcomeKind::Permanent);
    }

    #[test]
    fn a_refusal_names_code_field_and_reason_without_machine_ids() {
        let body = envelope("USER_ERROR", "CLOSED_TRAN_PRD The period is closed. Error ID: ks81hd");
        let Outcome::Business(refusal) = outcome(&answer(400, None, &body), "INV-1", None) else { panic!("not business") };
        assert_eq!(refusal.code, "CLOSED_TRAN_PRD");
        assert_eq!(refusal.message, "CLOSED_TRAN_PRD The period is closed.");
        assert_eq!(refusal.field.as_deref(), Some("entity"));
    }

    #[test]
    fn a_404_proves_absence_only_with_its_code() {
        assert!(is_absent(&answer(404, None, &envelope("NONEXISTENT_ID", "x"))));
        assert!(!is_absent(&answer(404, None, "<html>not found</html>")));
        assert!(!is_absent(&answer(400, None, &envelope("NONEXISTENT_ID", "x"))));
    }
}
