//! Transfers of money between customers: the form, and what went to or from a customer.

use super::{BackTo, WORKBENCH, customer_href};
use crate::components::{Amount, Choice, Column, DataTable, Field, Fold, Submit, TextField, Time, amount::plain};
use domain::{receivable::OpenItemRow, transfer::TransferView, view::EntityView};
use leptos::prelude::*;

/// Gives open money to another customer; `entities` are those of the caller.
#[component]
pub fn TransferForm(
    item: OpenItemRow,
    entities: Vec<EntityView>,
    #[prop(optional_no_strip)] may_not: Option<String>,
    back: String,
    open: bool,
) -> AnyView {
    let options = entities.into_iter().map(|entity| (entity.entity_id.to_string(), format!("{} · {}", entity.code, entity.name))).collect();
    view! {
        <section class="card pane">
            <Fold summary="Transfer it" open>
                <form class="form" method="post" action="/fn/transfer_money">
                    <BackTo href=back/>
                    <input type="hidden" name="credit" value=item.document_id.to_string()/>
                    <Field id="transfer-amount" name="amount" label=format!("Amount in {}", item.currency) value=plain(item.open, &item.currency) required=true/>
                    <Choice id="transfer-entity" name="entity" label="Entity" options selected=item.entity_id.to_string()
                        hint="another one is owed it by this one; both periods have to be open"/>
                    <Field id="transfer-customer" name="customer" label="To customer code" autocomplete="off" required=true/>
                    <TextField id="transfer-because" name="reason" label="Because" hint="for the auditor" required=true/>
                    <div class="actions"><Submit text="Transfer it" why_not=may_not/><small>"Above your limit an approver is asked."</small></div>
                </form>
            </Fold>
        </section>
    }
    .into_any()
}

/// What went to or from a customer, newest first.
#[component]
pub fn Transfers(transfers: Vec<TransferView>, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    if transfers.is_empty() {
        return ().into_any();
    }
    let lines = transfers.into_iter().map(|transfer| view! { <Line transfer may_not=may_not.clone() back=back.clone()/> }).collect_view();
    let columns = vec![
        Column::text("Transfer"),
        Column::text("Comes as"),
        Column::number("Amount"),
        Column::text("From"),
        Column::text("To"),
        Column::text("Because"),
        Column::text("By"),
        Column::text(""),
    ];
    view! { <DataTable caption="Transfers" note="money that went to or from this customer, newest first" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn Line(transfer: TransferView, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let (id, number) = (transfer.out_id.to_string(), transfer.out_number);
    let href = format!("/documents/{id}");
    let text = format!("Take back {number}");
    let approved = transfer.approved_by.map(|by| format!(", approved by {by}"));
    let customer = |entity: &str, code: &str| {
        let href = customer_href(entity, code);
        view! { <a href=href>{code.to_owned()}</a>" "<small>{entity.to_owned()}</small> }
    };
    let act = if transfer.is_reversed {
        view! { <small>"taken back"</small> }.into_any()
    } else if transfer.is_reversal {
        view! { <small>"takes one back"</small> }.into_any()
    } else {
        view! {
            <Fold summary="Take back">
                <form class="form" method="post" action="/fn/reverse_transfer">
                    <BackTo href=back/>
                    <input type="hidden" name="transfer" value=id.clone()/>
                    <TextField id=format!("transfer-{id}") name="reason" label="Because" required=true/>
                    <div class="actions"><Submit text why_not=may_not danger=true/></div>
                </form>
            </Fold>
        }
        .into_any()
    };
    view! {
        <tr class="tall">
            <th scope="row"><a href=href>{number}</a></th>
            <td data-label="Comes as"><a href=format!("{WORKBENCH}/{}", transfer.in_id)>{transfer.in_number.clone()}</a></td>
            <td class="num" data-label="Amount"><Amount value=transfer.amount currency=transfer.currency.clone() code=true/></td>
            <td data-label="From">{customer(&transfer.from_entity, &transfer.from_customer)}</td>
            <td data-label="To">{customer(&transfer.to_entity, &transfer.to_customer)}</td>
            <td data-label="Because" class="prose">{transfer.reason}</td>
            <td data-label="By">{transfer.requested_by}{approved}<small class="below"><Time at=transfer.made_at/></small></td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::DocumentId;
    use uuid::Uuid;

    fn shown(is_reversal: bool, is_reversed: bool) -> String {
        let transfer = TransferView {
            out_id: DocumentId(Uuid::from_u128(1)),
            out_number: "TR-2026-000001".into(),
            in_id: DocumentId(Uuid::from_u128(2)),
            in_number: "TI-2026-000001".into(),
            from_entity: "US".into(),
            from_customer: "C-1".into(),
            to_entity: "DE".into(),
            to_customer: "C-2".into(),
            currency: "EUR".into(),
            amount: 60.into(),
            reason: "paid to the wrong entity".into(),
            requested_by: "ann".into(),
            approved_by: None,
            made_at: chrono::DateTime::UNIX_EPOCH,
            is_reversal,
            is_reversed,
        };
        view! { <Transfers transfers=vec![transfer] may_not=None back="/x".to_owned()/> }.to_html()
    }

    #[test]
    fn a_transfer_is_taken_back_once_and_what_takes_one_back_never() {
        let html = shown(false, false);
        for part in ["Take back TR-2026-000001", "60.00", "TI-2026-000001", "entity=DE&amp;customer=C-2"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        for html in [shown(false, true), shown(true, false)] {
            assert!(!html.contains("<form"), "{html}");
        }
    }
}
