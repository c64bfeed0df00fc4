//! What else can be done about money: say who paid, keep it on account or end that, give it to another customer, or back.

use crate::{
    api::form_error,
    components::{Field, Fold, Notice, Submit, TextField, Tone, money_text},
    pages::cash::{BackTo, customer_href, refunds::RefundForm, transfers::TransferForm},
};
use domain::{
    receivable::{OpenItemRow, OpenStatus},
    refund::RefundWay,
    stage::DocumentKind,
    view::CallerView,
};
use leptos::prelude::*;

#[component]
pub fn Acts(item: OpenItemRow, ways: Vec<RefundWay>, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let error = ["identify_payer", "keep_item", "refund_money", "transfer_money"].into_iter().find_map(form_error);
    let error = error.map(|error| view! { <Notice tone=Tone::Off title="Nothing was changed" text=error.to_string()/> });
    let unknown = item.customer_code.is_empty();
    let account = (!unknown).then(|| {
        let href = customer_href(&item.entity_code, &item.customer_code);
        view! { <p class="actions"><a class="button" href=href>"Customer’s account"</a></p> }
    });
    let money = item.kind == DocumentKind::Payment;
    let refund = (!unknown).then(|| {
        let open = form_error("refund_money").is_some();
        view! { <RefundForm item=item.clone() ways may_not=may_not.clone() back=back.clone() open/> }
    });
    let transfer = (money && !unknown).then(|| {
        let (open, entities) = (form_error("transfer_money").is_some(), expect_context::<CallerView>().entities);
        view! { <TransferForm item=item.clone() entities may_not=may_not.clone() back=back.clone() open/> }
    });
    view! {
        {error}
        {(money && unknown).then(|| view! { <Identify item=item.clone() may_not=may_not.clone() back=back.clone()/> })}
        {(money && !unknown).then(|| view! { <KeepIt item may_not back/> })}
        {transfer}
        {refund}
        {account}
    }
    .into_any()
}

#[component]
fn Identify(item: OpenItemRow, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let failed = form_error("identify_payer").is_some();
    view! {
        <section class="card pane">
            <Fold summary="Say who paid" open=failed>
                <form class="form" method="post" action="/fn/identify_payer">
                    <BackTo href=back/>
                    <input type="hidden" name="payment" value=item.document_id.to_string()/>
                    <Field id="identify-customer" name="customer" label="Customer code" autocomplete="off" required=true/>
                    <TextField id="identify-because" name="reason" label="How do you know" required=true/>
                    <div class="actions"><Submit text="This customer paid" why_not=may_not/><small>"The next payment from there is known by itself."</small></div>
                </form>
            </Fold>
        </section>
    }
    .into_any()
}

#[component]
fn KeepIt(item: OpenItemRow, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let kept = item.status == OpenStatus::OnAccount;
    let amount = money_text(item.open, &item.currency);
    let (summary, text) = if kept {
        ("Not on account any more", format!("Apply {amount} again"))
    } else {
        ("Keep it on account", format!("Keep {amount} on account"))
    };
    view! {
        <section class="card pane">
            <Fold summary>
                <form class="form" method="post" action="/fn/keep_item">
                    <BackTo href=back/>
                    <input type="hidden" name="item" value=item.document_id.to_string()/>
                    <input type="hidden" name="on" value=(!kept).to_string()/>
                    <TextField id="keep-because" name="reason" label="Because" required=true/>
                    <div class="actions"><Submit text why_not=may_not/></div>
                </form>
            </Fold>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::super::tests::item, *};

    #[test]
    fn what_nobody_is_known_to_have_paid_can_not_be_kept_for_him() {
        let mut payment = item(1, DocumentKind::Payment, 60);
        let known = view! { <KeepIt item=payment.clone() may_not=None back="/x".to_owned()/> }.to_html();
        assert!(known.contains("Keep 60.00 EUR on account") && known.contains("name=\"on\" value=\"true\""), "{known}");
        payment.status = OpenStatus::OnAccount;
        assert!(view! { <KeepIt item=payment may_not=None back="/x".to_owned()/> }.to_html().contains("name=\"on\" value=\"false\""));
    }
}
