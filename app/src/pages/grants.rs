//! Roles of people: what waits for a second administrator, and who gave and let in what is held.

use super::{approvals::Decision, exceptions::cause::Back};
use crate::components::{Column, DataTable, Field, Pill, Time, Tone};
use domain::{
    access::{Grant, ReviewRow, conflicts},
    approval::GrantRequest,
    id::EntityId,
};
use leptos::prelude::*;

/// Roles that were given and wait, with what would be in conflict; on Approvals and on Users.
#[component]
pub fn GrantRequests(requests: Vec<GrantRequest>, reader: String, administers: Vec<EntityId>) -> AnyView {
    let columns = ["Person", "Role", "Entity", "In conflict", "Given by", "Decision"].map(Column::text).to_vec();
    let lines = requests.into_iter().map(|request| {
        let why_not = why_not(&request, &reader, &administers);
        let id = request.request_id.to_string();
        let conflicts = request.conflicts().into_iter().map(|text| view! { <div><Pill tone=Tone::Timing text/></div> }).collect::<Vec<_>>();
        let none = conflicts.is_empty().then(|| view! { <span class="na">"nothing"</span> });
        let about = format!("{} for {}", request.role.label(), request.email);
        view! {
            <tr class="tall">
                <th scope="row">{request.name}<small class="below">{request.email}</small></th>
                <td data-label="Role">{request.role.label()}</td>
                <td data-label="Entity">{request.entity_code}</td>
                <td data-label="In conflict" class="prose">{conflicts}{none}</td>
                <td data-label="Given by">{request.requested_by}<small class="below"><Time at=request.requested_at/></small></td>
                <td>
                    <form class="decision" method="post" action="/fn/decide_grant">
                        <Back/>
                        <input type="hidden" name="request" value=id.clone()/>
                        <input type="hidden" name="shown" value=request.shown/>
                        {why_not.is_none().then(|| view! { <Field id=format!("comment-{id}") name="comment" label="Comment (optional)" autocomplete="off"/> })}
                        <Decision about why_not/>
                    </form>
                </td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! { <DataTable caption="Roles" note="given by one administrator, let in by another" columns cards=true><tbody>{lines}</tbody></DataTable> }
        .into_any()
}

/// Nobody lets in what he gave or what he receives.
fn why_not(request: &GrantRequest, reader: &str, administers: &[EntityId]) -> Option<String> {
    if request.requested_by == reader {
        Some("you gave it".to_owned())
    } else if request.email == reader {
        Some("it is your own".to_owned())
    } else if administers.contains(&request.entity_id) {
        None
    } else {
        Some(format!("needs Admin role for {}", request.entity_code))
    }
}

/// The roles of one person, with who answers for them.
#[component]
pub fn Review(rows: Vec<ReviewRow>) -> AnyView {
    let grants: Vec<Grant> = rows.iter().map(|row| Grant { role: row.role, entity_id: row.entity_id }).collect();
    let columns = ["Role", "Entity", "Granted by", "Approved by", "In conflict"].map(Column::text).to_vec();
    let lines = rows.iter().map(|row| {
        let found = conflicts(&grants, row.entity_id).into_iter().map(|text| view! { <div>{text}</div> }).collect::<Vec<_>>();
        let none = found.is_empty().then(|| view! { <span class="na">"nothing"</span> });
        view! {
            <tr class="tall">
                <th scope="row">{row.role.label()}</th>
                <td data-label="Entity">{row.entity_code.clone()}</td>
                <td data-label="Granted by">{row.granted_by.clone()}<small class="below"><Time at=row.granted_at/></small></td>
                <td data-label="Approved by">{row.let_in_by().to_owned()}{row.approved_at.map(|at| view! { <small class="below"><Time at/></small> })}</td>
                <td data-label="In conflict" class="prose">{found}{none}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! { <DataTable caption="Access review" columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::{
        access::Role,
        id::{GrantRequestId, UserId},
    };

    #[test]
    fn nobody_lets_in_what_he_gave_or_receives() {
        let us = EntityId(uuid::Uuid::from_u128(1));
        let request = GrantRequest {
            request_id: GrantRequestId(uuid::Uuid::nil()),
            user_id: UserId(uuid::Uuid::nil()),
            email: "bob@lumen.example".into(),
            name: "Bob".into(),
            role: Role::Approver,
            entity_id: us,
            entity_code: "US".into(),
            held: vec![Role::Controller],
            shown: String::new(),
            requested_by: "ann@lumen.example".into(),
            requested_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(why_not(&request, "ann@lumen.example", &[us]).as_deref(), Some("you gave it"));
        assert_eq!(why_not(&request, "bob@lumen.example", &[us]).as_deref(), Some("it is your own"));
        assert_eq!(why_not(&request, "eve@lumen.example", &[]).as_deref(), Some("needs Admin role for US"));
        assert_eq!(why_not(&request, "eve@lumen.example", &[us]), None);
    }
}
