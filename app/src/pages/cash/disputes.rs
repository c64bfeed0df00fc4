//! Disputes: what was charged back, until when evidence is taken, and how it ended.

use crate::components::{Amount, Badge, Column, DataTable, Due, Shape, Time, Tone};
use chrono::{DateTime, Utc};
use domain::{clearing::DisputeView, settlement::DisputeStatus};
use leptos::prelude::*;

#[component]
pub fn Disputes(disputes: Vec<DisputeView>, now: DateTime<Utc>) -> AnyView {
    let columns = vec![
        Column::text("Dispute"),
        Column::text("Customer"),
        Column::text("Status"),
        Column::text("Answer by"),
        Column::number("Amount"),
        Column::text("Payment"),
        Column::text("Chargeback"),
    ];
    let rows = disputes.into_iter().map(|dispute| view! { <DisputeRow dispute now/> }).collect_view();
    let note = "what waits for an answer first; the invoice is owed again as disputed until it is decided";
    view! { <DataTable caption="Disputes" note columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
}

#[component]
fn DisputeRow(dispute: DisputeView, now: DateTime<Utc>) -> AnyView {
    let (customer, payment) = match dispute.payment {
        Some((id, number, customer)) => (customer, Some((id, number))),
        None => (String::new(), None),
    };
    let link = |document: Option<(domain::id::DocumentId, String)>| {
        document.map(|(id, number)| view! { <a class="nowrap" href=format!("/documents/{id}")>{number}</a> })
    };
    let deadline = dispute.respond_by.filter(|_| !dispute.status.is_decided());
    let day = deadline.map(|at| view! { <small class="below"><Time at/></small> });
    view! {
        <tr class="two-line">
            <th scope="row">{dispute.dispute_id}<small class="below">{dispute.code}</small></th>
            <td data-label="Customer">{customer}</td>
            <td data-label="Status"><StatusBadge status=dispute.status/><small class="below">{dispute.reason}</small></td>
            <td data-label="Answer by"><Due at=deadline as_of=now/>{day}</td>
            <td class="num" data-label="Amount"><Amount value=dispute.amount currency=dispute.currency.code() code=true/></td>
            <td data-label="Payment">{link(payment)}</td>
            <td data-label="Chargeback">{link(dispute.chargeback)}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn StatusBadge(status: DisputeStatus) -> AnyView {
    let (tone, shape, text) = match status {
        DisputeStatus::Inquiry => (Tone::Timing, Shape::Alert, "inquiry"),
        DisputeStatus::NeedsResponse => (Tone::Off, Shape::Alert, "needs an answer"),
        DisputeStatus::UnderReview => (Tone::Timing, Shape::Timing, "under review"),
        DisputeStatus::Won => (Tone::Ties, Shape::Ties, "won"),
        DisputeStatus::Lost => (Tone::Off, Shape::Pause, "lost"),
        DisputeStatus::Closed => (Tone::Calm, Shape::Pause, "closed"),
    };
    view! { <Badge tone shape text/> }.into_any()
}
