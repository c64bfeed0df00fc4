//! What waits for a second person: resolutions, write-offs, refunds and transfers above their author's limit, mappings that release more than it, rules of cash application,
//! and roles that an administrator gave.

use super::{cash::rules_href, exceptions::cause::Back, grants::GrantRequests};
use crate::{
    api::{
        exceptions::{ApprovalsView, list_approvals},
        form_error,
        mappings::Proposal,
        reach::Reach,
    },
    components::{Amount, Column, Count, DataTable, Empty, Failure, Field, Notice, Page, Sums, Time, Tone, use_query},
};
use domain::{access::Action, approval::ApprovalView, replay::ReplaySetView, rules::RuleApprovalView};
use leptos::prelude::*;

#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let entity = use_query().get("entity").map(str::to_owned);
    let waiting = Resource::new_blocking(move || entity.clone(), list_approvals);
    view! {
        <Page title="Approvals">
            <Suspense>
                {move || Suspend::new(async move {
                    match waiting.await {
                        Ok(waiting) => view! { <Approvals waiting/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Approvals(waiting: ApprovalsView) -> AnyView {
    let ApprovalsView { resolutions, proposals, replays, rules, grants, administers, reach } = waiting;
    if resolutions.is_empty() && proposals.is_empty() && replays.is_empty() && rules.is_empty() && grants.is_empty() {
        return view! { <Empty title="Nothing waits for a second person" text="Resolutions, write-offs, refunds, transfers and replays above a limit, mappings that release more than one, rules of cash application, and roles that an administrator gave, appear here."/> }.into_any();
    }
    let error = ["decide_approval", "decide_grant"].into_iter().find_map(form_error).map(|error| error.to_string());
    let reader = reach.email.clone();
    view! {
        {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
        {(!resolutions.is_empty()).then(|| view! { <Resolutions resolutions reach=reach.clone()/> })}
        {(!replays.is_empty()).then(|| view! { <Waiting replays/> })}
        {(!rules.is_empty()).then(|| view! { <Rules rules/> })}
        {(!proposals.is_empty()).then(|| view! { <Proposals proposals reach/> })}
        {(!grants.is_empty()).then(|| view! { <GrantRequests requests=grants reader administers/> })}
    }
    .into_any()
}

/// Replays are decided on their own page, which shows what would become of each document.
#[component]
fn Waiting(replays: Vec<ReplaySetView>) -> AnyView {
    let lines = replays.into_iter().map(|set| {
        view! {
            <tr class="tall">
                <th scope="row"><a href=format!("/replays/{}", set.set_id)>{format!("Replay {}", set.number)}</a><small class="below prose">{set.title}</small></th>
                <td data-label="Entities">{set.entities.join(", ")}</td>
                <td class="num" data-label="Documents"><Count value=i64::from(set.items)/></td>
                <td class="num" data-label="Amount"><Sums money=set.money/></td>
                <td data-label="Prepared by"><div>{set.prepared_by}<small class="below"><Time at=set.prepared_at/></small></div></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = vec![
        Column::text("Replay"),
        Column::text("Entities"),
        Column::number("Documents"),
        Column::number("Amount"),
        Column::text("Prepared by"),
    ];
    view! { <DataTable caption="Replays" note="open one to see what it would do, and to decide" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

/// Rules are decided on their own page, which shows what they would have done.
#[component]
fn Rules(rules: Vec<RuleApprovalView>) -> AnyView {
    let lines = rules.into_iter().map(|rules| {
        let href = rules_href(&rules.entity_code, rules.version);
        view! {
            <tr class="tall">
                <th scope="row"><a href=href>{format!("Rule table {}", rules.version)}</a></th>
                <td data-label="Entity">{rules.entity_code}</td>
                <td data-label="What" class="prose">{rules.plan}</td>
                <td data-label="Because" class="prose">{rules.reason}</td>
                <td data-label="Prepared by">{rules.requested_by}<small class="below"><Time at=rules.requested_at/></small></td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let columns = ["Version", "Entity", "What", "Because", "Prepared by"].map(Column::text).to_vec();
    view! { <DataTable caption="Rules of cash application" note="open one to see what it would have done, and to decide" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

/// Nobody approves what he prepared; others need the role for every entity that it reaches.
fn why_not(reach: &Reach, prepared_by: &str, entities: &[String]) -> Option<String> {
    if reach.email == prepared_by { Some("you prepared it".to_owned()) } else { reach.why_not_in_all(Action::Approve, entities) }
}

/// Two buttons of one form; both say the same reason when they can't be pressed.
#[component]
pub fn Decision(about: String, #[prop(optional_no_strip)] why_not: Option<String>) -> AnyView {
    let off = why_not.is_some();
    let (yes, no) = (format!("Approve {about}"), format!("Refuse {about}"));
    view! {
        <span class="actions">
            <button type="submit" name="approve" value="true" class=(!off).then_some("primary") disabled=off aria-label=yes>"Approve"</button>
            <button type="submit" name="approve" value="false" disabled=off aria-label=no>"Refuse"</button>
            {why_not.map(|reason| view! { <small>{reason}</small> })}
        </span>
    }
    .into_any()
}

#[component]
fn Resolutions(resolutions: Vec<ApprovalView>, reach: Reach) -> AnyView {
    let columns = vec![
        Column::text("Document"),
        Column::text("Entity"),
        Column::number("Amount"),
        Column::text("What"),
        Column::text("Because"),
        Column::text("Prepared by"),
        Column::text("Decision"),
    ];
    let lines = resolutions.into_iter().map(|approval| {
        let why_not = why_not(&reach, &approval.requested_by, std::slice::from_ref(&approval.entity_code));
        let id = approval.approval_id.to_string();
        let field = format!("comment-{id}");
        view! {
            <tr class="tall">
                <th scope="row"><a href=format!("/documents/{}", approval.document_id)>{approval.number.clone()}</a></th>
                <td data-label="Entity">{approval.entity_code}</td>
                <td class="num" data-label="Amount"><Amount value=approval.amount currency=approval.currency code=true/></td>
                <td data-label="What" class="prose"><b>{approval.act.label()}</b><small class="below">{approval.plan}</small></td>
                <td data-label="Because" class="prose">{approval.reason}</td>
                <td data-label="Prepared by">{approval.requested_by}<small class="below"><Time at=approval.requested_at/></small></td>
                <td>
                    <form class="decision" method="post" action="/fn/decide_approval">
                        <Back/>
                        <input type="hidden" name="approval" value=id/>
                        {why_not.is_none().then(|| view! { <Field id=field name="comment" label="Comment (optional)" autocomplete="off"/> })}
                        <Decision about=approval.number why_not/>
                    </form>
                </td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! {
        <DataTable caption="About one document" note="a decision is bound to what is shown; if the document changes, the request is void" columns cards=true>
            <tbody>{lines}</tbody>
        </DataTable>
    }
    .into_any()
}

/// Proposed mappings with what they change and the money they release; on this page and on Mappings.
#[component]
pub fn Proposals(proposals: Vec<Proposal>, reach: Reach) -> AnyView {
    let error = form_error("decide_mapping").map(|error| error.to_string());
    let columns = ["Code", "Connection", "Reference", "Instead of"].map(Column::text).into_iter();
    let columns = columns.chain([Column::number("Releases"), Column::text("Prepared by"), Column::text("Decision")]).collect();
    let lines = proposals.into_iter().map(|Proposal { mapping, entities, instead_of, releases }| {
        let why_not = why_not(&reach, &mapping.proposed_by, &entities);
        let money = releases.into_iter().map(|(currency, amount)| view! { <span><Amount value=amount currency code=true/></span> }).collect::<Vec<_>>();
        let none = money.is_empty().then(|| view! { <span class="amount zero">"–"</span> });
        let about = format!("{} {}", mapping.kind.label(), mapping.source_code);
        view! {
            <tr class="tall">
                <th scope="row"><code>{mapping.source_code}</code><small class="below">{mapping.kind.label()}</small></th>
                <td data-label="Connection">{mapping.connection_code}<small class="below">{entities.join(", ")}</small></td>
                <td data-label="Reference"><code>{mapping.target_ref}</code><small class="below">{format!("version {}", mapping.version)}</small></td>
                <td data-label="Instead of">{instead_of.map_or_else(|| view! { <span class="na">"nothing"</span> }.into_any(), |now| view! { <code>{now}</code> }.into_any())}</td>
                <td class="num" data-label="Releases"><span class="sums">{money}{none}</span></td>
                <td data-label="Prepared by">{mapping.proposed_by}<small class="below"><Time at=mapping.proposed_at/></small></td>
                <td>
                    <form class="decision" method="post" action="/fn/decide_mapping">
                        <Back/>
                        <input type="hidden" name="mapping" value=mapping.mapping_id.to_string()/>
                        <Decision about why_not/>
                    </form>
                </td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! {
        {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
        <DataTable caption="Proposed mappings" note="each releases what waits in exception for it" columns cards=true><tbody>{lines}</tbody></DataTable>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_approves_what_he_prepared() {
        let reach = Reach { email: "ana@lumen.example".into(), entities: vec![(Action::Approve, vec!["DE".into()])] };
        let de = ["DE".to_owned()];
        assert_eq!(why_not(&reach, "ana@lumen.example", &de).as_deref(), Some("you prepared it"));
        assert_eq!(why_not(&reach, "ben@lumen.example", &de), None);
        assert_eq!(
            why_not(&reach, "ben@lumen.example", &["DE".to_owned(), "US".to_owned()]).as_deref(),
            Some("needs Approver role for US")
        );
    }
}
