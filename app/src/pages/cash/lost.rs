//! What lost disputes left owed, and asking that it be written off; a second person always decides.

use super::BackTo;
use crate::{
    api::form_error,
    components::{Amount, Column, DataTable, Fold, Notice, Submit, TextField, Tone},
};
use domain::clearing::LostDispute;
use leptos::prelude::*;

#[component]
pub fn LostDisputes(lost: Vec<LostDispute>, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let error =
        form_error("write_off_dispute").map(|error| view! { <Notice tone=Tone::Off title="Nobody was asked" text=error.to_string()/> });
    let columns =
        vec![Column::text("Invoice"), Column::text("Customer"), Column::text("Dispute"), Column::number("Owed"), Column::text("Write-off")];
    let rows = lost.into_iter().map(|lost| view! { <LostRow lost may_not=may_not.clone() back=back.clone()/> }).collect_view();
    let note = "the customer owes it until a credit memo or an approved write-off settles it";
    view! {
        {error}
        <DataTable caption="Lost disputes, still owed" note columns cards=true><tbody>{rows}</tbody></DataTable>
    }
    .into_any()
}

#[component]
fn LostRow(lost: LostDispute, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let (id, href) = (lost.document_id.to_string(), format!("/documents/{}", lost.document_id));
    let act = match lost.asked_by {
        Some(person) => view! { "asked by "{person}", waits for an approver" }.into_any(),
        None => view! {
            <Fold summary="Write off">
                <form class="form" method="post" action="/fn/write_off_dispute">
                    <BackTo href=back/>
                    <input type="hidden" name="invoice" value=id.clone()/>
                    <TextField id=format!("because-{id}") name="reason" label="Because" required=true/>
                    <div class="actions"><Submit text="Ask for the write-off" why_not=may_not/><small>"A second person decides."</small></div>
                </form>
            </Fold>
        }
        .into_any(),
    };
    view! {
        <tr class="two-line">
            <th scope="row"><a class="nowrap" href=href>{lost.number}</a></th>
            <td data-label="Customer">{lost.customer_name}</td>
            <td data-label="Dispute">{lost.dispute_id}<small class="below">{lost.code}</small></td>
            <td class="num" data-label="Owed"><Amount value=lost.open currency=lost.currency.code() code=true/></td>
            <td data-label="Write-off">{act}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{id::DocumentId, money::Currency};

    #[test]
    fn what_waits_for_an_approver_can_not_be_asked_for_again() {
        let lost = |asked_by: Option<&str>| LostDispute {
            code: "STRIPE-US".into(),
            dispute_id: "dp_1".into(),
            document_id: DocumentId(uuid::Uuid::nil()),
            number: "INV-1".into(),
            customer_name: "Acme".into(),
            open: 110.into(),
            currency: Currency::USD,
            asked_by: asked_by.map(str::to_owned),
        };
        let html =
            |asked_by| view! { <table><tbody><LostRow lost=lost(asked_by) may_not=None back="/x".to_owned()/></tbody></table> }.to_html();
        assert!(html(None).contains("action=\"/fn/write_off_dispute\"") && html(None).contains("110.00"), "{}", html(None));
        let waits = html(Some("ann@lumen.example"));
        assert!(waits.contains("asked by ") && waits.contains("ann@lumen.example") && !waits.contains("<form"), "{waits}");
    }
}
