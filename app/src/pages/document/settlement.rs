//! What a document settles or is settled by: what is open of it, its applications, and the way to the workbench.

use crate::{
    components::{Amount, Fact, Facts},
    pages::cash::{StatusBadge, WORKBENCH, applications::Applications, customer_href},
};
use domain::{
    access::Action,
    receivable::{OpenItemRow, Settlement},
    stage::DocumentKind,
    view::CallerView,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

#[component]
pub fn Settled(settlement: Settlement) -> AnyView {
    let Settlement { item, applications } = settlement;
    let caller = expect_context::<CallerView>();
    let may_not = (!caller.actions.contains(&Action::ApplyCash)).then(|| "Your roles do not allow this.".to_owned());
    view! { {item.map(|item| view! { <Open item/> })}<Applications applications may_not/> }.into_any()
}

/// What is open of it now, and where that is worked on.
#[component]
fn Open(item: OpenItemRow) -> AnyView {
    let account = (!item.customer_code.is_empty()).then(|| {
        let href = customer_href(&item.entity_code, &item.customer_code);
        view! { <a class="button" href=href>"Customer’s account"</a> }
    });
    let bench = (item.kind != DocumentKind::Invoice).then(|| {
        let text = if item.open.is_zero() { "Open on the workbench" } else { "Apply it" };
        view! { <a class="button" href=format!("{WORKBENCH}/{}", item.document_id)>{text}</a> }
    });
    let status = (!item.open.is_zero()).then(|| view! { " "<StatusBadge kind=item.kind status=item.status/> });
    let money = |value: Decimal| view! { <Amount value currency=item.currency.clone() code=true/> };
    let (open, applied) = (money(item.open), money(item.amount - item.open));
    view! {
        <section class="card pane record" aria-label="What is open of it">
            <Facts>
                <Fact label="Open"><b>{open}</b>{status}</Fact>
                <Fact label="Applied">{applied}</Fact>
            </Facts>
            <div class="actions">{bench}{account}</div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::super::cash::tests::item, *};

    #[test]
    fn money_leads_to_the_workbench_and_an_invoice_to_its_customer() {
        let payment = view! { <Open item=item(1, DocumentKind::Payment, 60)/> }.to_html();
        assert!(payment.contains("/cash/workbench/0") && payment.contains("60.00") && payment.contains("40.00"), "{payment}");
        let invoice = view! { <Open item=item(1, DocumentKind::Invoice, 0)/> }.to_html();
        assert!(invoice.contains("/cash/customer?entity=DE&amp;customer=C-1") && !invoice.contains("workbench"), "{invoice}");
        assert!(!invoice.contains("badge"), "nothing is open, so nothing stands: {invoice}");
    }
}
