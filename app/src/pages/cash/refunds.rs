//! Refunds: the form that gives money back, and what is payable until it left.

use super::{BackTo, WORKBENCH};
use crate::components::{Amount, Choice, Column, DataTable, Field, Fold, StageBadge, Submit, TextField, Time, amount::plain};
use domain::{
    approval::ApprovalView,
    receivable::OpenItemRow,
    refund::{RefundPayable, RefundWay},
};
use leptos::prelude::*;

/// Gives back what is open of a payment or a credit memo. Without an account in its currency there is no form.
#[component]
pub fn RefundForm(
    item: OpenItemRow,
    ways: Vec<RefundWay>,
    #[prop(optional_no_strip)] may_not: Option<String>,
    back: String,
    open: bool,
) -> AnyView {
    let none = ways.is_empty().then(|| format!("no account of ours in {} is known", item.currency));
    let options = ways.into_iter().map(|way| (way.id.to_string(), way.name)).collect();
    view! {
        <section class="card pane">
            <Fold summary="Refund it" open>
                <form class="form" method="post" action="/fn/refund_money">
                    <BackTo href=back/>
                    <input type="hidden" name="credit" value=item.document_id.to_string()/>
                    <Field id="refund-amount" name="amount" label=format!("Amount in {}", item.currency) value=plain(item.open, &item.currency) required=true/>
                    <Choice id="refund-way" name="way" label="It leaves" options/>
                    <TextField id="refund-because" name="reason" label="Because" hint="for the auditor" required=true/>
                    <div class="actions"><Submit text="Refund it" why_not=may_not.or(none)/><small>"Above your limit an approver is asked."</small></div>
                </form>
            </Fold>
        </section>
    }
    .into_any()
}

/// What is agreed and did not leave yet: beside AR, never inside.
#[component]
pub fn Payable(refunds: Vec<RefundPayable>, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    if refunds.is_empty() {
        return ().into_any();
    }
    let lines = refunds.into_iter().map(|refund| view! { <PayableLine refund may_not=may_not.clone() back=back.clone()/> }).collect_view();
    let columns = vec![
        Column::text("Refund"),
        Column::number("Amount"),
        Column::text("Of"),
        Column::text("Leaves"),
        Column::text("Because"),
        Column::text("Agreed"),
        Column::text(""),
    ];
    let note = "agreed and posted; payable until the bank or the gateway shows that the money left";
    view! { <DataTable caption="Refunds payable" note columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn PayableLine(refund: RefundPayable, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let id = refund.document_id.to_string();
    let approved = refund.approved_by.map(|by| format!(", approved by {by}"));
    view! {
        <tr class="tall">
            <th scope="row"><a href=format!("/documents/{id}")>{refund.number.clone()}</a><small class="below"><StageBadge place=refund.stage/></small></th>
            <td class="num" data-label="Amount"><Amount value=refund.amount currency=refund.currency code=true/></td>
            <td data-label="Of"><a href=format!("{WORKBENCH}/{}", refund.credit_id)>{refund.credit_number}</a></td>
            <td data-label="Leaves">{refund.way}</td>
            <td data-label="Because" class="prose">{refund.reason}</td>
            <td data-label="Agreed">{refund.requested_by}{approved}<small class="below"><Time at=refund.agreed_at/></small></td>
            <td>
                <Fold summary="Not paid out">
                    <form class="form" method="post" action="/fn/withdraw_refund">
                        <BackTo href=back/>
                        <input type="hidden" name="refund" value=id.clone()/>
                        <TextField id=format!("withdraw-{id}") name="reason" label="Because" required=true/>
                        <div class="actions"><Submit text=format!("Withdraw {}", refund.number) why_not=may_not danger=true/></div>
                    </form>
                </Fold>
            </td>
        </tr>
    }
    .into_any()
}

/// What about a customer's money waits for a second person; he decides on the page of approvals.
#[component]
pub fn Asked(waiting: Vec<ApprovalView>) -> AnyView {
    if waiting.is_empty() {
        return ().into_any();
    }
    let lines = waiting.into_iter().map(|asked| {
        view! {
            <tr class="tall">
                <th scope="row"><a href=format!("/documents/{}", asked.document_id)>{asked.number}</a></th>
                <td data-label="What" class="prose"><b>{asked.act.label()}</b><small class="below">{asked.plan}</small></td>
                <td data-label="Because" class="prose">{asked.reason}</td>
                <td data-label="Prepared by">{asked.requested_by}<small class="below"><Time at=asked.requested_at/></small></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = ["Document", "What", "Because", "Prepared by"].map(Column::text).to_vec();
    view! {
        <DataTable caption="Waits for an approver" note="nothing of it is done before he agrees" columns cards=true><tbody>{lines}</tbody></DataTable>
        <p class="actions"><a class="button" href="/approvals">"Approvals"</a></p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::item, *};
    use domain::{
        id::*,
        stage::{DocumentKind, Stage},
    };
    use uuid::Uuid;

    fn payable(approved_by: Option<&str>) -> RefundPayable {
        RefundPayable {
            document_id: DocumentId(Uuid::from_u128(5)),
            number: "RF-2026-000001".into(),
            entity_id: EntityId(Uuid::nil()),
            entity_code: "DE".into(),
            customer_code: "C-1".into(),
            currency: "EUR".into(),
            amount: 60.into(),
            credit_id: DocumentId(Uuid::from_u128(6)),
            credit_number: "RC-2026-000009".into(),
            way: "Operating".into(),
            reason: "paid twice".into(),
            requested_by: "ann".into(),
            approved_by: approved_by.map(str::to_owned),
            agreed_at: chrono::DateTime::UNIX_EPOCH,
            stage: Stage::Posted,
        }
    }

    #[test]
    fn the_form_offers_what_is_open_and_says_why_it_can_not_be_pressed() {
        let form = |ways: Vec<RefundWay>| {
            view! { <RefundForm item=item(1, DocumentKind::Payment, 60) ways may_not=None back="/x".to_owned() open=false/> }.to_html()
        };
        let html = form(vec![RefundWay { id: Uuid::from_u128(3), name: "Operating ••••6789".into() }]);
        assert!(html.contains("value=\"60.00\"") && html.contains("Operating ••••6789") && !html.contains("disabled"), "{html}");
        assert!(form(Vec::new()).contains("no account of ours in EUR is known"));
    }

    #[test]
    fn what_is_payable_says_who_agreed_and_can_be_withdrawn() {
        let html = view! { <Payable refunds=vec![payable(Some("bob"))] may_not=None back="/x".to_owned()/> }.to_html().replace("<!>", "");
        for part in ["RF-2026-000001", "60.00", "RC-2026-000009", "ann, approved by bob", "Withdraw RF-2026-000001"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!view! { <Payable refunds=vec![payable(None)] may_not=None back="/x".to_owned()/> }.to_html().contains("approved by"));
        assert_eq!(view! { <Payable refunds=Vec::new() may_not=None back="/x".to_owned()/> }.to_html().matches("table").count(), 0);
    }
}
