//! A customer's account in one entity: what is open on both sides, what is disputed, and what was applied.

use super::{
    BackTo, CashTab, CashTabs,
    applications::Applications,
    collections::TriggerTable,
    failed::FailedPayments,
    items::ItemTable,
    receivables::AgingTable,
    refunds::{Asked, Payable},
    transfers::Transfers,
};
use crate::{
    api::{
        form_error,
        receivables::{ACCOUNT, CustomerView, get_customer},
    },
    components::{Empty, Failure, Fold, Notice, Page, Submit, TextField, Tone, use_query},
};
use domain::{
    access::Action,
    receivable::{OpenItemRow, OpenStatus},
};
use leptos::prelude::*;

#[component]
pub fn CustomerPage() -> impl IntoView {
    let query = use_query();
    let key = |key: &str| query.get(key).unwrap_or_default().to_owned();
    let asked = (key("entity"), key("customer"));
    let account = Resource::new_blocking(move || asked.clone(), |(entity, customer)| get_customer(entity, customer));
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match account.await {
                    Ok(account) => view! { <Account account/> }.into_any(),
                    Err(error) => view! { <Page title="Customer" crumbs=crumbs() scoped=false><Failure error/></Page> }.into_any(),
                }
            })}
        </Suspense>
    }
}

fn crumbs() -> Vec<(String, String)> {
    vec![("Receivables".to_owned(), super::RECEIVABLES.to_owned())]
}

#[component]
fn Account(account: CustomerView) -> AnyView {
    let CustomerView {
        today,
        entity_code,
        customer_code,
        customer_name,
        cells,
        invoices,
        credit_memos,
        money,
        payable,
        transfers,
        waiting,
        triggers,
        failed,
        now,
        applications,
        reach,
    } = account;
    let title = customer_name.map_or_else(|| customer_code.clone(), |name| format!("{name} · {customer_code}"));
    let may_not = reach.why_not_in(Action::ApplyCash, &entity_code);
    let error = ["keep_item", "withdraw_refund", "reverse_transfer"].into_iter().find_map(form_error).map(|error| error.to_string());
    let table = move |caption: &'static str, items: Vec<OpenItemRow>| {
        let whole = items.len() < ACCOUNT;
        (!items.is_empty()).then(|| view! { <ItemTable caption items today whole/> })
    };
    let none = cells.is_empty();
    let marks = view! { <Disputes invoices=invoices.clone() may_not=may_not.clone() back=use_query().href()/> };
    view! {
        <Page title crumbs=crumbs() scoped=false>
            <CashTabs current=CashTab::Receivables/>
            {error.map(|text| view! { <Notice tone=Tone::Off title="Nothing was changed" text/> })}
            {if none {
                view! { <Empty title="Nothing is open of this customer" text=format!("As of {today} in {entity_code}. What was applied stands below.")/> }.into_any()
            } else {
                view! { <AgingTable cells caption="Account" as_of=today.to_string() customer=customer_code/> }.into_any()
            }}
            {(!triggers.is_empty()).then(|| view! { <TriggerTable caption="Collection" triggers with_customer=false/> })}
            {(!failed.is_empty()).then(|| view! { <FailedPayments caption="Failed payments" payments=failed now with_customer=false/> })}
            {table("Open invoices", invoices)}
            {marks}
            {table("Open credit memos", credit_memos)}
            {table("Money that is not applied", money)}
            <Payable refunds=payable may_not=may_not.clone() back=use_query().href()/>
            <Asked waiting/>
            <Transfers transfers may_not=may_not.clone() back=use_query().href()/>
            <Applications applications may_not/>
        </Page>
    }
    .into_any()
}

/// Marks an invoice as disputed, or ends that.
#[component]
fn Disputes(invoices: Vec<OpenItemRow>, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    if invoices.is_empty() {
        return ().into_any();
    }
    let (disputed, others): (Vec<_>, Vec<_>) = invoices.into_iter().partition(|item| item.status == OpenStatus::Disputed);
    let form = move |items: Vec<OpenItemRow>, on: bool, may_not: Option<String>| {
        let back = back.clone();
        (!items.is_empty()).then(|| view! { <DisputeForm items on may_not back/> })
    };
    view! {
        <Fold summary="Disputes">
            <div class="form-pair">{form(others, true, may_not.clone())}{form(disputed, false, may_not)}</div>
        </Fold>
    }
    .into_any()
}

#[component]
fn DisputeForm(items: Vec<OpenItemRow>, on: bool, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let (label, text, id) = if on {
        ("The customer disputes", "Mark as disputed", "disputed")
    } else {
        ("Settled between us", "End the dispute", "undisputed")
    };
    let options = items.iter().map(|item| {
        let text = format!("{} · {}", item.number, crate::components::money_text(item.open, &item.currency));
        (item.document_id.to_string(), text)
    });
    let options = options.collect();
    view! {
        <form class="form" method="post" action="/fn/keep_item">
            <BackTo href=back/>
            <input type="hidden" name="on" value=on.to_string()/>
            <crate::components::Choice id name="item" label options/>
            <TextField id=format!("{id}-because") name="reason" label="Because" required=true/>
            <div class="actions"><Submit text why_not=may_not/></div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::item, *};
    use domain::stage::DocumentKind;

    #[test]
    fn a_disputed_invoice_can_only_be_freed_and_another_only_be_marked() {
        let mut disputed = item(1, DocumentKind::Invoice, 10);
        disputed.status = OpenStatus::Disputed;
        let html =
            view! { <Disputes invoices=vec![disputed, item(2, DocumentKind::Invoice, 20)] may_not=None back="/x".to_owned()/> }.to_html();
        let (mark, end) = html.split_once("Settled between us").unwrap();
        assert!(mark.contains("N-2 · 20.00 EUR") && !mark.contains("N-1 ·"), "{html}");
        assert!(end.contains("N-1 · 10.00 EUR") && end.contains("End the dispute"), "{html}");
    }
}
