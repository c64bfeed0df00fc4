//! Stripe's objects in the words of the domain.

use super::fields::Fields;
use crate::gateway::GatewayError;
use domain::{
    money::Money,
    settlement::{
        DisputeStatus, EntryKind, Gateway, GatewayDispute, GatewayEntry, GatewayRefund, PaymentAttempt, PaymentEvent, PaymentStatus,
        Payout, PayoutStatus, RefundStatus,
    },
};

const PAYOUT_STATUSES: &[(&str, PayoutStatus)] = &[
    ("pending", PayoutStatus::Pending),
    ("in_transit", PayoutStatus::InTransit),
    ("paid", PayoutStatus::Paid),
    ("failed", PayoutStatus::Failed),
    ("canceled", PayoutStatus::Canceled),
];
const PAYMENT_STATUSES: &[(&str, PaymentStatus)] =
    &[("pending", PaymentStatus::Pending), ("succeeded", PaymentStatus::Succeeded), ("failed", PaymentStatus::Failed)];
const REFUND_STATUSES: &[(&str, RefundStatus)] = &[
    ("pending", RefundStatus::Pending),
    ("requires_action", RefundStatus::RequiresAction),
    ("succeeded", RefundStatus::Succeeded),
    ("failed", RefundStatus::Failed),
    ("canceled", RefundStatus::Canceled),
];
const DISPUTE_STATUSES: &[(&str, DisputeStatus)] = &[
    ("warning_needs_response", DisputeStatus::Inquiry),
    ("warning_under_review", DisputeStatus::Inquiry),
    ("warning_closed", DisputeStatus::Closed),
    ("prevented", DisputeStatus::Closed),
    ("needs_response", DisputeStatus::NeedsResponse),
    ("under_review", DisputeStatus::UnderReview),
    ("won", DisputeStatus::Won),
    ("lost", DisputeStatus::Lost),
];

/// A balance transaction whose `source` is expanded. Our own reference is the source's metadata under `reference_key`.
pub(super) fn entry(row: Fields<'_>, payout: Option<&str>, reference_key: &str) -> Result<GatewayEntry, GatewayError> {
    let source = Fields(&row.0["source"]);
    let (gross, fee, net) = (row.money("amount")?, row.money("fee")?, row.money("net")?);
    let kind = kind(row, source, net)?;
    let paid = paid(kind, source)?.unwrap_or(gross);
    let metadata = Fields(&source.0["metadata"]);
    let payment = if source.text("object") == Some("payment_intent") { source.text("id") } else { source.reference("payment_intent") };
    Ok(GatewayEntry {
        id: row.need("id")?.to_owned(),
        kind,
        amount: if gross.amount().is_sign_negative() { -paid.amount().abs() } else { paid.amount().abs() },
        currency: paid.currency(),
        gross: gross.amount(),
        fee: fee.amount(),
        net: net.amount(),
        settlement_currency: gross.currency(),
        exchange_rate: row.rate("exchange_rate")?,
        created_at: row.time("created")?,
        available_on: Some(row.date("available_on")?),
        payout: payout.map(str::to_owned),
        source: row.reference("source").map(str::to_owned),
        payment_reference: payment.map(str::to_owned),
        merchant_reference: metadata.owned(reference_key),
        invoice_numbers: Vec::new(),
        customer_reference: source.reference("customer").map(str::to_owned),
        reason: reason(kind, row, source).map(str::to_owned),
    })
}

/// By `reporting_category`, which tells apart what `type` calls an adjustment (docs.stripe.com/reports/reporting-categories).
/// A category that is not known is an adjustment: its money counts whatever it is.
fn kind(row: Fields<'_>, source: Fields<'_>, net: Money) -> Result<EntryKind, GatewayError> {
    let (category, written) = (row.need("reporting_category")?, row.need("type")?);
    let is_held = written.contains("reserve") || written.contains("minimum_balance") || category.contains("reserved_funds");
    Ok(match category {
        "charge" => EntryKind::Charge,
        "charge_failure" => EntryKind::Return,
        "refund" | "partial_capture_reversal" => EntryKind::Refund,
        "refund_failure" => EntryKind::RefundFailure,
        "dispute" => EntryKind::Dispute,
        "dispute_reversal" => EntryKind::DisputeReversal,
        "payout" => EntryKind::Payout,
        "payout_reversal" => EntryKind::PayoutFailure,
        "fee" | "network_cost" | "tax" if source.text("object") == Some("dispute") => EntryKind::DisputeFee,
        "fee" | "network_cost" | "tax" => EntryKind::Fee,
        _ if is_held && net.amount().is_sign_negative() => EntryKind::Reserve,
        _ if is_held => EntryKind::ReserveRelease,
        _ => EntryKind::Adjustment,
    })
}

/// What moved in the currency of the payment, where the source is what moved.
fn paid(kind: EntryKind, source: Fields<'_>) -> Result<Option<Money>, GatewayError> {
    use EntryKind::{Charge, Dispute, DisputeReversal, Refund, RefundFailure, Return};
    let is_it = matches!(
        (kind, source.text("object")),
        (Charge | Return, Some("charge")) | (Refund | RefundFailure, Some("refund")) | (Dispute | DisputeReversal, Some("dispute"))
    );
    is_it.then(|| source.money("amount")).transpose()
}

fn reason<'a>(kind: EntryKind, row: Fields<'a>, source: Fields<'a>) -> Option<&'a str> {
    match kind {
        EntryKind::Adjustment => row.text("reporting_category"),
        EntryKind::Return => source.text("failure_message"),
        EntryKind::Refund | EntryKind::RefundFailure | EntryKind::Dispute | EntryKind::DisputeReversal => source.text("reason"),
        _ => None,
    }
    .or_else(|| row.text("description"))
}

pub(super) fn payout(object: Fields<'_>) -> Result<Payout, GatewayError> {
    let amount = object.money("amount")?;
    Ok(Payout {
        id: object.need("id")?.to_owned(),
        amount: amount.amount(),
        currency: amount.currency(),
        status: object.word("status", PAYOUT_STATUSES)?,
        created_at: object.time("created")?,
        arrival_date: object.date("arrival_date")?,
        trace_id: Fields(&object.0["trace_id"]).owned("value"),
        bank_text: object.owned("statement_descriptor"),
        entry: object.reference("balance_transaction").map(str::to_owned),
        // Manual and instant payouts are never itemised [FIX: not_applicable].
        is_itemised: object.text("reconciliation_status") == Some("completed"),
        reversed_by: object.reference("reversed_by").map(str::to_owned),
        failure: object.owned("failure_message").or_else(|| object.owned("failure_code")),
    })
}

pub(super) fn attempt(charge: Fields<'_>, reference_key: &str) -> Result<PaymentAttempt, GatewayError> {
    Ok(PaymentAttempt {
        id: charge.need("id")?.to_owned(),
        payment_reference: charge.reference("payment_intent").map(str::to_owned),
        amount: charge.money("amount")?,
        status: if charge.reference("failure_balance_transaction").is_some() {
            PaymentStatus::Returned
        } else {
            charge.word("status", PAYMENT_STATUSES)?
        },
        created_at: charge.time("created")?,
        method: Fields(&charge.0["payment_method_details"]).owned("type"),
        customer_reference: charge.reference("customer").map(str::to_owned),
        merchant_reference: Fields(&charge.0["metadata"]).owned(reference_key),
        invoice_numbers: Vec::new(),
        reason_code: charge.owned("failure_code"),
        failure: charge.owned("failure_message"),
        next_retry_at: None,
    })
}

pub(super) fn refund(object: Fields<'_>) -> Result<GatewayRefund, GatewayError> {
    Ok(GatewayRefund {
        id: object.need("id")?.to_owned(),
        charge: object.reference("charge").map(str::to_owned),
        payment_reference: object.reference("payment_intent").map(str::to_owned),
        amount: object.money("amount")?,
        status: object.word("status", REFUND_STATUSES)?,
        created_at: object.time("created")?,
        reason: object.owned("reason"),
        failure: object.owned("failure_reason"),
        entry: object.reference("balance_transaction").map(str::to_owned),
    })
}

pub(super) fn dispute(object: Fields<'_>) -> Result<GatewayDispute, GatewayError> {
    let entries = object.0["balance_transactions"].as_array().into_iter().flatten();
    let evidence = Fields(&object.0["evidence_details"]);
    Ok(GatewayDispute {
        id: object.need("id")?.to_owned(),
        charge: object.reference("charge").map(str::to_owned),
        payment_reference: object.reference("payment_intent").map(str::to_owned),
        amount: object.money("amount")?,
        status: object.word("status", DISPUTE_STATUSES)?,
        created_at: object.time("created")?,
        respond_by: if evidence.0["due_by"].is_null() { None } else { Some(evidence.time("due_by")?) },
        reason: object.owned("reason"),
        entries: entries.filter_map(|entry| Fields(entry).owned("id")).collect(),
    })
}

/// Deduplicated by `event.id` (contract: Webhooks); what happened is to be read again from the object.
pub(super) fn event(object: Fields<'_>) -> Result<PaymentEvent, GatewayError> {
    Ok(PaymentEvent {
        gateway: Gateway::Stripe,
        dedupe_key: object.need("id")?.to_owned(),
        event_type: object.need("type")?.to_owned(),
        // Not every event has an object with an id (`balance.available`).
        object_id: Fields(&object.0["data"]["object"]).owned("id").unwrap_or_default(),
        occurred_at: object.time("created")?,
        payload: object.0.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn a_row(category: &str, kind: &str, amount: i64, fee: i64, source: &Value) -> Value {
        json!({
            "id": "txn_1", "object": "balance_transaction", "amount": amount, "fee": fee, "net": amount - fee, "currency": "usd",
            "reporting_category": category, "type": kind, "source": source, "created": 1_760_000_000, "available_on": 1_760_200_000,
            "exchange_rate": null, "description": null,
        })
    }

    fn read(row: &Value) -> GatewayEntry {
        entry(Fields(row), None, "reference").unwrap()
    }

    #[test]
    fn the_kind_comes_from_the_reporting_category_and_nothing_is_lost() {
        use EntryKind::*;
        let dispute = json!({ "id": "dp_1", "object": "dispute", "amount": 100, "currency": "usd", "reason": "fraudulent" });
        for (category, written, amount, source, expected) in [
            ("charge", "payment", 100, json!("py_1"), Charge),
            ("charge_failure", "payment_failure_refund", -100, json!("py_1"), Return),
            ("refund", "refund", -100, json!("re_1"), Refund),
            ("refund_failure", "refund_failure", 100, json!("re_1"), RefundFailure),
            ("dispute", "adjustment", -100, dispute.clone(), Dispute),
            ("dispute_reversal", "adjustment", 100, dispute.clone(), DisputeReversal),
            ("fee", "adjustment", -1500, dispute, DisputeFee),
            ("fee", "stripe_fee", -300, Value::Null, Fee),
            ("payout", "payout", -100, json!("po_1"), Payout),
            ("payout_reversal", "payout_failure", 100, json!("po_1"), PayoutFailure),
            ("risk_reserved_funds", "reserve_hold", -100, Value::Null, Reserve),
            ("risk_reserved_funds", "reserve_transaction", 100, Value::Null, ReserveRelease),
            ("other_adjustment", "adjustment", 7, Value::Null, Adjustment),
            ("something_new", "something_new", -7, Value::Null, Adjustment),
        ] {
            let found = read(&a_row(category, written, amount, 0, &source));
            assert_eq!(found.kind, expected, "{category} {written}");
            assert!(found.ties());
        }
        assert_eq!(read(&a_row("something_new", "x", 1, 0, &Value::Null)).reason.as_deref(), Some("something_new"));
    }

    #[test]
    fn a_converted_charge_keeps_both_currencies_and_the_rate_to_its_last_digit() {
        let charge = json!({
            "id": "ch_1", "object": "charge", "amount": 10000, "currency": "eur", "payment_intent": "pi_1", "customer": { "id": "cus_1" },
            "metadata": { "reference": "ORDER-7" },
        });
        let mut row = a_row("charge", "charge", 10873, 345, &charge);
        row["exchange_rate"] = serde_json::from_str("1.08731234567890123").unwrap();
        let found = read(&row);
        assert_eq!((found.amount.to_string().as_str(), found.currency.code()), ("100.00", "EUR"));
        assert_eq!((found.gross.to_string().as_str(), found.net.to_string().as_str()), ("108.73", "105.28"));
        assert_eq!(found.exchange_rate.unwrap().to_string(), "1.08731234567890123");
        assert_eq!((found.payment_reference.as_deref(), found.customer_reference.as_deref()), (Some("pi_1"), Some("cus_1")));
        assert_eq!(found.merchant_reference.as_deref(), Some("ORDER-7"));
    }

    #[test]
    fn an_object_that_cannot_be_read_is_named_with_its_field_and_value() {
        let mut row = a_row("charge", "charge", 100, 3, &json!("ch_1"));
        row["fee"] = json!("three");
        let error = entry(Fields(&row), None, "reference").unwrap_err();
        assert_eq!(error.to_string(), "unreadable answer: balance_transaction txn_1: fee is \"three\"");
    }
}
