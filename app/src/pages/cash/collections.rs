//! Collection: what customers owe past its due date, by step; silent where a dispute or unapplied cash speaks against asking.

use super::{CashTab, CashTabs, customer_href};
use crate::{
    api::collections::{TriggerQuery, list_triggers},
    components::{Amount, Choice, Column, DataTable, Empty, Failure, FilterBar, Page, Pager, Pill, Query, Time, Tone, use_query},
};
use domain::{
    dunning::{Trigger, TriggerItem},
    view::Paged,
};
use leptos::prelude::*;

const OWN: &[&str] = &["step", "silent"];
/// Items named in a line; the customer's account has all of them.
const NAMED: usize = 3;

#[component]
pub fn CollectionsPage() -> impl IntoView {
    let query = use_query();
    let key = |key: &str| query.get(key).map(str::to_owned);
    let asked = TriggerQuery { entity: key("entity"), step: key("step"), silent: key("silent"), after: key("after") };
    let triggers = Resource::new_blocking(move || asked.clone(), list_triggers);
    view! {
        <Page title="Cash">
            <CashTabs current=CashTab::Collections/>
            <Suspense>
                {move || Suspend::new(async move {
                    match triggers.await {
                        Ok(triggers) => view! { <Triggers triggers query=use_query()/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Triggers(triggers: Paged<Trigger>, query: Query) -> AnyView {
    let options = |all: &str, rest: &[(&str, &str)]| {
        std::iter::once(("", all)).chain(rest.iter().copied()).map(|(value, text)| (value.to_owned(), text.to_owned())).collect::<Vec<_>>()
    };
    let steps = options("Every step", &[("1", "Step 1"), ("2", "Step 2"), ("3", "Step 3")]);
    let silence = options("Silent or not", &[("false", "To be asked"), ("true", "Silent")]);
    let [step, silent] = ["step", "silent"].map(|key| query.get(key).unwrap_or_default().to_owned());
    let filters = view! {
        <FilterBar query=query.clone() own=OWN>
            <Choice name="step" label="Step" options=steps selected=step/>
            <Choice name="silent" label="Silence" options=silence selected=silent/>
        </FilterBar>
    };
    let first = query.get("after").map(|_| query.without("after").href());
    let next = triggers.next.map(|next| query.with("after", next).href());
    let shown = format!("{} on this page", triggers.rows.len());
    let export = query.only(&["entity", "step", "silent"]).at("/export/collections.csv").href();
    view! {
        <div class="intro"><p>"A worker raises these every hour by the entity’s days past due. Nothing is sent to anybody."</p></div>
        {filters}
        {if triggers.rows.is_empty() {
            view! { <Empty title="Nobody is to be asked to pay" text="No customer of these entities owes anything that is past due by the days of a step."/> }.into_any()
        } else {
            view! { <TriggerTable caption="Collection triggers" triggers=triggers.rows with_customer=true/> }.into_any()
        }}
        <Pager shown newer=first older=next words=("First page", "Next")/>
        <p class="actions"><a class="button" href=export download>"Collection triggers (CSV)"</a></p>
    }
    .into_any()
}

/// On the list and on a customer's account.
#[component]
pub fn TriggerTable(#[prop(into)] caption: String, triggers: Vec<Trigger>, with_customer: bool) -> AnyView {
    let lines = triggers.into_iter().map(|trigger| view! { <Line trigger with_customer/> }).collect_view();
    let columns = vec![
        Column::text(if with_customer { "Customer" } else { "Entity" }),
        Column::text("Step"),
        Column::number("Past due"),
        Column::text("Items"),
        Column::text("Asked?"),
        Column::text("Raised"),
    ];
    view! { <DataTable caption note="the highest step first" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn Line(trigger: Trigger, with_customer: bool) -> AnyView {
    let why = trigger.why();
    let head = if with_customer {
        let href = customer_href(&trigger.entity_code, &trigger.customer_code);
        let of = format!("{} · {}", trigger.entity_code, trigger.customer_code);
        view! { <a href=href>{trigger.customer_name.clone()}</a><small class="below">{of}</small> }.into_any()
    } else {
        trigger.entity_code.clone().into_any()
    };
    let more = trigger.items.len().checked_sub(NAMED).filter(|more| *more > 0);
    let items = trigger.items.iter().take(NAMED).map(|TriggerItem { document_id, number, due_on, .. }| {
        view! { <div><a href=format!("/documents/{document_id}")>{number.clone()}</a>" due "{due_on.to_string()}</div> }
    });
    let items = items.collect_view();
    let asked = match trigger.silent {
        Some(silence) => view! { <Pill tone=Tone::None text="silent"/><small class="below">{silence.label()}</small> }.into_any(),
        None => view! { <Pill tone=Tone::Timing text="to be asked"/> }.into_any(),
    };
    view! {
        <tr class="tall">
            <th scope="row">{head}</th>
            <td data-label="Step">{format!("Step {}", trigger.step)}<small class="below">{why}</small></td>
            <td class="num" data-label="Past due"><Amount value=trigger.amount currency=trigger.currency code=true/></td>
            <td data-label="Items"><div>{items}{more.map(|more| format!("and {more} more"))}</div></td>
            <td data-label="Asked?">{asked}</td>
            <td data-label="Raised"><Time at=trigger.raised_at/></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{dunning::Silence, id::DocumentId};

    #[test]
    fn a_trigger_says_who_owes_what_since_when_and_why_nobody_asks() {
        let item = |number: u128| TriggerItem {
            document_id: DocumentId(uuid::Uuid::from_u128(number)),
            number: format!("INV-{number}"),
            due_on: "2026-10-01".parse().unwrap(),
            open: 10.into(),
        };
        let trigger = Trigger {
            trigger_id: uuid::Uuid::nil(),
            entity_code: "DE".into(),
            customer_code: "C-1".into(),
            customer_name: "Acme".into(),
            currency: "EUR".into(),
            step: 2,
            days: 23,
            from_days: 21,
            amount: 50.into(),
            silent: Some(Silence::Dispute),
            raised_at: chrono::DateTime::UNIX_EPOCH,
            items: (1..=5).map(item).collect(),
        };
        let html = view! { <TriggerTable caption="T" triggers=vec![trigger] with_customer=true/> }.to_html();
        for said in ["Acme", "oldest item 23 days past due; step 2 counts from day 21", "INV-3", "and 2 more", "an invoice is in dispute"] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(!html.contains("INV-4"), "{html}");
    }
}
