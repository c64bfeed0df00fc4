//! What settles what: applications with their reasons, and the way back. Shown on the workbench, on a customer's account and on the
//! page of a document.

use super::BackTo;
use crate::{
    api::form_error,
    components::{Amount, Column, DataTable, Fold, Notice, Pill, StageBadge, Submit, TextField, Time, Tone, use_query},
};
use domain::receivable::{AllocationView, ApplicationView};
use leptos::prelude::*;

/// Of this many items an application names each.
const NAMED: usize = 8;

/// `may_not`: why the caller can't take any of them back.
#[component]
pub fn Applications(applications: Vec<ApplicationView>, #[prop(optional_no_strip)] may_not: Option<String>) -> AnyView {
    if applications.is_empty() {
        return ().into_any();
    }
    let error = form_error("reverse_application").map(|error| error.to_string());
    let back = use_query().href();
    let lines = applications.into_iter().map(|application| view! { <Line application may_not=may_not.clone() back=back.clone()/> });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Application"),
        Column::text("Gives"),
        Column::text("To"),
        Column::number("Amount"),
        Column::text("Decided"),
        Column::text(""),
    ];
    view! {
        {error.map(|text| view! { <Notice tone=Tone::Off title="Nothing was taken back" text/> })}
        <DataTable caption="Applications" note="the newest first; an application is never deleted, a reversal takes it back" columns cards=true>
            <tbody>{lines}</tbody>
        </DataTable>
    }
    .into_any()
}

#[component]
fn Line(application: ApplicationView, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let amount = application.amount();
    let by = application.decided_by.clone().unwrap_or_else(|| "the rules".to_owned());
    let by = application.score.map_or(by.clone(), |score| format!("{by}, score {score}"));
    let credit = format!("{} {}", application.credit_kind.label(), application.credit_number);
    let act = match application.reversed_by {
        Some(reversal) => view! { <a href=format!("/documents/{reversal}")><Pill tone=Tone::None text="taken back"/></a> }.into_any(),
        None => view! { <TakeBack id=application.document_id.to_string() number=application.number.clone() may_not back/> }.into_any(),
    };
    view! {
        <tr class="tall">
            <th scope="row" class="nowrap"><a href=format!("/documents/{}", application.document_id)>{application.number}</a><small class="below"><StageBadge place=application.stage/></small></th>
            <td data-label="Gives"><a href=format!("/documents/{}", application.credit_id)>{credit}</a></td>
            <td data-label="To"><Items allocations=application.allocations currency=application.currency.clone()/></td>
            <td class="num" data-label="Amount"><Amount value=amount currency=application.currency code=true/></td>
            <td data-label="Decided" class="prose">{by}<small class="below"><Time at=application.decided_at/></small><small class="below">{application.reason}</small></td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}

/// The items with what each gets; of a long remittance the first ones.
#[component]
fn Items(allocations: Vec<AllocationView>, currency: String) -> AnyView {
    let more = allocations.len().checked_sub(NAMED).filter(|more| *more > 0);
    let one = allocations.len() == 1;
    let items = allocations.into_iter().take(NAMED).map(|allocation| {
        let amount = (!one).then(|| view! { " "<small><Amount value=allocation.amount currency=currency.clone()/></small> });
        view! { <div class="nowrap"><a href=format!("/documents/{}", allocation.debit_id)>{allocation.number}</a>{amount}</div> }
    });
    let items = items.collect_view();
    view! { {items}{more.map(|more| view! { <small>{format!("and {more} more")}</small> })} }.into_any()
}

#[component]
fn TakeBack(id: String, number: String, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    view! {
        <Fold summary="Take back">
            <form class="form" method="post" action="/fn/reverse_application">
                <BackTo href=back/>
                <input type="hidden" name="application" value=id.clone()/>
                <TextField id=format!("back-{id}") name="reason" label="Because" required=true/>
                <div class="actions"><Submit text=format!("Take back {number}") why_not=may_not danger=true/></div>
            </form>
        </Fold>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        id::DocumentId,
        stage::{DocumentKind, Stage},
    };
    use uuid::Uuid;

    fn application(items: u128, reversed_by: Option<DocumentId>) -> ApplicationView {
        let allocation = |id| AllocationView { debit_id: DocumentId(Uuid::from_u128(id)), number: format!("INV-{id}"), amount: 10.into() };
        ApplicationView {
            document_id: DocumentId(Uuid::nil()),
            number: "AP-2026-000001".into(),
            stage: Stage::Confirmed,
            currency: "EUR".into(),
            credit_id: DocumentId(Uuid::nil()),
            credit_number: "RC-2026-000001".into(),
            credit_kind: DocumentKind::Payment,
            decided_at: chrono::DateTime::UNIX_EPOCH,
            decided_by: None,
            reason: "number written in full".into(),
            score: Some(95),
            reversed_by,
            allocations: (1..=items).map(allocation).collect(),
        }
    }

    #[test]
    fn an_application_that_was_taken_back_offers_no_second_time() {
        let line = |reversed| {
            view! { <table><tbody><Line application=application(1, reversed) may_not=None back="/x".to_owned()/></tbody></table> }.to_html()
        };
        assert!(line(None).contains("Take back AP-2026-000001"));
        let html = line(Some(DocumentId(Uuid::nil())));
        assert!(html.contains("taken back") && !html.contains("<form"), "{html}");
    }

    #[test]
    fn a_long_remittance_names_its_first_items_and_sums_all() {
        let html =
            view! { <table><tbody><Line application=application(180, None) may_not=None back="/x".to_owned()/></tbody></table> }.to_html();
        assert!(html.contains("INV-8<") && !html.contains("INV-9<") && html.contains("and 172 more"), "{html}");
        assert!(html.contains("1,800.00") && html.contains("the rules, score 95"), "{html}");
    }
}
