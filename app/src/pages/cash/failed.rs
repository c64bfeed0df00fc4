//! Payments whose attempts to collect failed: what became of them, why, and when the gateway tries again.

use crate::components::{Amount, Badge, Column, Count, DataTable, Percent, Shape, Time, Tone};
use chrono::{DateTime, NaiveDate, Utc};
use domain::attempt::{FailedPayment, Recovery, Standing};
use leptos::prelude::*;
use rust_decimal::Decimal;

/// The share of failed payments that came in the end.
#[component]
pub fn Recoveries(recoveries: Vec<Recovery>, from: NaiveDate) -> AnyView {
    let columns = vec![
        Column::text("Account"),
        Column::number("Failed at first"),
        Column::number("Recovered"),
        Column::number("Share recovered"),
        Column::number("To be tried again"),
    ];
    let rows = recoveries.into_iter().map(|recovery| view! { <RecoveryRow recovery/> }).collect_view();
    let note = format!("payments whose first attempt failed since {from} (UTC); recovered: the gateway collected them later");
    view! { <DataTable caption="Failed payments" note columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

#[component]
fn RecoveryRow(recovery: Recovery) -> AnyView {
    let currency = recovery.currency.code();
    let money = |count: i64, value: Decimal| view! { <Count value=count/><small class="below"><Amount value currency code=true/></small> };
    view! {
        <tr class="two-line">
            <th scope="row">{recovery.entity_code}" · "{recovery.code}</th>
            <td class="num" data-label="Failed at first">{money(recovery.failed, recovery.failed_amount)}</td>
            <td class="num" data-label="Recovered">{money(recovery.recovered, recovery.recovered_amount)}</td>
            <td class="num" data-label="Share recovered"><Percent part=recovery.recovered whole=recovery.failed/></td>
            <td class="num" data-label="To be tried again"><Count value=recovery.retried/></td>
        </tr>
    }
    .into_any()
}

#[component]
pub fn FailedPayments(caption: &'static str, payments: Vec<FailedPayment>, now: DateTime<Utc>, with_customer: bool) -> AnyView {
    let mut columns = vec![
        Column::text("Invoice"),
        Column::text("Customer"),
        Column::text("Last attempt"),
        Column::text("Reason"),
        Column::number("Amount"),
        Column::text("Outcome"),
    ];
    if !with_customer {
        columns.remove(1);
    }
    let rows = payments.into_iter().map(|payment| view! { <FailedRow payment now with_customer/> }).collect_view();
    let note = "attempts that failed move no money and make no document";
    view! { <DataTable caption note columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

#[component]
fn FailedRow(payment: FailedPayment, now: DateTime<Utc>, with_customer: bool) -> AnyView {
    let standing = payment.standing(now);
    let (invoice, customer) = match payment.invoice {
        Some((id, name)) => (view! { <a class="nowrap" href=format!("/documents/{id}")>{payment.payment}</a> }.into_any(), name),
        None => (payment.payment.into_any(), String::new()),
    };
    let tried = if payment.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", payment.attempts) };
    view! {
        <tr class="two-line">
            <th scope="row">{invoice}<small class="below">{payment.code}</small></th>
            {with_customer.then(|| view! { <td data-label="Customer">{customer}</td> })}
            <td class="nowrap" data-label="Last attempt"><Time at=payment.last_at/><small class="below">{tried}" failed"</small></td>
            <td data-label="Reason">{payment.failure}<small class="below">{payment.reason_code}</small></td>
            <td class="num" data-label="Amount"><Amount value=payment.amount currency=payment.currency.code() code=true/></td>
            <td data-label="Outcome"><Outcome standing/></td>
        </tr>
    }
    .into_any()
}

#[component]
fn Outcome(standing: Standing) -> AnyView {
    let (tone, shape, text, at) = match standing {
        Standing::Recovered(at) => (Tone::Ties, Shape::Ties, "recovered", Some(at)),
        Standing::Retried(at) => (Tone::Timing, Shape::Timing, "tried again", Some(at)),
        Standing::GivenUp => (Tone::Off, Shape::Pause, "not tried again", None),
    };
    view! { <Badge tone shape text/>{at.map(|at| view! { <small class="below"><Time at/></small> })} }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        id::{DocumentId, GatewayAccountId},
        money::Currency,
    };

    fn payment(next_retry: Option<i64>) -> FailedPayment {
        FailedPayment {
            code: "STRIPE-US".into(),
            payment: "INV-1".into(),
            invoice: Some((DocumentId(uuid::Uuid::nil()), "Acme".into())),
            attempts: 2,
            amount: 110.into(),
            currency: Currency::USD,
            reason_code: Some("card_declined".into()),
            failure: Some("Your card has insufficient funds.".into()),
            last_at: DateTime::UNIX_EPOCH,
            next_retry_at: next_retry.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
            recovered_at: None,
        }
    }

    #[test]
    fn a_failed_payment_says_why_and_whether_it_is_tried_again() {
        let html = |next_retry| {
            let payments = vec![payment(next_retry)];
            view! { <FailedPayments caption="Failed" payments now=DateTime::UNIX_EPOCH with_customer=true/> }.to_html().replace("<!>", "")
        };
        let again = html(Some(3600));
        for part in ["card_declined", "insufficient funds", "2 attempts failed", "tried again", "110.00", "Acme"] {
            assert!(again.contains(part), "{part}: {again}");
        }
        assert!(html(None).contains("not tried again"), "{}", html(None));
    }

    #[test]
    fn the_share_recovered_stands_beside_its_counts() {
        let recovery = Recovery {
            gateway_account_id: GatewayAccountId(uuid::Uuid::nil()),
            entity_code: "US".into(),
            code: "STRIPE-US".into(),
            currency: Currency::USD,
            failed: 10,
            failed_amount: 1_000.into(),
            recovered: 7,
            recovered_amount: 650.into(),
            retried: 1,
        };
        let html = view! { <Recoveries recoveries=vec![recovery] from="2026-11-01".parse().unwrap()/> }.to_html();
        for part in ["70.0 %", "1,000.00", "650.00", "2026-11-01"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
