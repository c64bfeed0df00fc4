//! People and their roles: who may do what, in which entity. Admins change, auditors read.

use super::grants::{GrantRequests, Review};
use crate::{
    api::{
        ApiError, form_error,
        users::{UsersView, list_users},
    },
    components::{Column, DataTable, Empty, Field, Fold, Notice, Page, Pill, Submit, Time, Tone, use_query},
};
use domain::{
    access::{Role, UserRow, conflicts},
    approval::GrantRequest,
    view::{CallerView, EntityView},
};
use leptos::prelude::*;

/// As many as `store` lists at once.
const PAGE: usize = 200;

#[component]
pub fn UsersPage() -> impl IntoView {
    let key = |key: &str| use_query().get(key).map(str::to_owned);
    let asked = (key("after"), key("user"));
    let users = Resource::new_blocking(move || asked.clone(), |(after, user)| list_users(after, user));
    view! {
        <Page title="Users" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match users.await {
                        Ok(users) => view! { <Users users/> }.into_any(),
                        Err(error) => view! { <Notice tone=Tone::Off title=error.to_string()/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Users(users: UsersView) -> impl IntoView {
    let query = use_query();
    let may_manage = !users.administers.is_empty();
    let reader = expect_context::<CallerView>().email;
    let decision = form_error("decide_grant").map(|error| error.to_string());
    let chosen = query.get("user").and_then(|id| users.users.iter().find(|user| user.user_id.to_string() == id)).cloned();
    let older = (users.users.len() == PAGE).then(|| users.users.last().map(|user| query.with("after", &user.email).href())).flatten();
    let rows =
        users.users.iter().map(|user| view! { <UserLine user=user.clone() entities=users.entities.clone() may_manage/> }).collect_view();
    let columns = ["Name", "E-mail", "Roles", "Second factor", "Last sign-in", ""].map(Column::text).to_vec();
    view! {
        {may_manage.then(|| view! { <NewUser/> })}
        {decision.map(|title| view! { <Notice tone=Tone::Off title/> })}
        {(!users.waiting.is_empty()).then(|| view! { <GrantRequests requests=users.waiting.clone() reader administers=users.administers.clone()/> })}
        {chosen.map(|user| view! { <Access user users=users.clone() may_manage/> })}

        {if users.users.is_empty() {
            view! { <Empty title="Nobody here"/> }.into_any()
        } else {
            view! { <DataTable caption="People" columns cards=true><tbody>{rows}</tbody></DataTable> }.into_any()
        }}
        <p class="actions">
            {older.map(|href| view! { <a class="button" rel="next" href=href>"More"</a> })}
            <a class="button" href="/export/access-review.csv" download>"Access review (CSV)"</a>
        </p>
    }
}

/// One role with the entities it holds in.
fn roles(user: &UserRow, entities: &[EntityView]) -> Vec<String> {
    let codes = |role| {
        let held = |entity: &&EntityView| user.grants.iter().any(|grant| grant.role == role && grant.entity_id == entity.entity_id);
        let codes: Vec<&str> = entities.iter().filter(held).map(|entity| entity.code.as_str()).collect();
        if codes.len() == entities.len() { "all entities".to_owned() } else { codes.join(", ") }
    };
    let held = |role: &&Role| user.grants.iter().any(|grant| grant.role == **role);
    Role::ALL.iter().filter(held).map(|role| format!("{}: {}", role.label(), codes(*role))).collect()
}

#[component]
fn UserLine(user: UserRow, entities: Vec<EntityView>, may_manage: bool) -> impl IntoView {
    let conflict = entities.iter().any(|entity| !conflicts(&user.grants, entity.entity_id).is_empty());
    let factor = match (user.enrolled, user.totp_required) {
        (true, _) => (Tone::Ties, "set up"),
        (false, true) => (Tone::Timing, "at next sign-in"),
        (false, false) => (Tone::None, "not asked for"),
    };
    let roles = roles(&user, &entities).into_iter().map(|text| view! { <div>{text}</div> }).collect_view();
    let seen = user.last_login_at.map_or_else(|| "never".into_any(), |at| view! { <Time at/> }.into_any());
    let edit = use_query().with("user", user.user_id).href();
    view! {
        <tr>
            <th scope="row">{user.name}</th>
            <td data-label="E-mail">{user.email}{(!user.active).then(|| view! { " "<Pill tone=Tone::None text="deactivated"/> })}</td>
            <td data-label="Roles">{roles}{conflict.then(|| view! { <Pill tone=Tone::Timing text="roles in conflict"/> })}</td>
            <td data-label="Second factor"><Pill tone=factor.0 text=factor.1/></td>
            <td data-label="Last sign-in">{seen}</td>
            <td><a href=edit>{if may_manage && user.active { "Change access" } else { "Access" }}</a></td>
        </tr>
    }
}

#[component]
fn NewUser() -> impl IntoView {
    let error = form_error("create_user");
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (email, name, password) = (of("email"), of("name"), of("password"));
    let form = error.as_ref().and_then(|error| error.of_form(&["email", "name", "password"]));
    view! {
        <Fold summary="Add a person" open=error.is_some()>
            <form class="form" method="post" action="/fn/create_user">
                {form.map(|text| view! { <Notice tone=Tone::Off title=text/> })}
                <Field name="email" label="E-mail" kind="email" autocomplete="off" required=true error=email/>
                <Field name="name" label="Name" autocomplete="off" required=true error=name/>
                <Field name="password" label="First password" kind="password" hint="At least 12 characters" autocomplete="new-password" required=true error=password/>
                <Submit text="Add" primary=true/>
            </form>
        </Fold>
    }
}

/// The access of one person: who answers for it; and, for who may change it, grants, password, second factor, the end.
#[component]
fn Access(user: UserRow, users: UsersView, may_manage: bool) -> impl IntoView {
    let errors = ["set_grants", "set_password", "deactivate_user", "reset_second_factor"];
    let error: Option<ApiError> = errors.into_iter().find_map(form_error);
    let password = error.as_ref().and_then(|error| error.of_field("password"));
    let form = error.as_ref().and_then(|error| error.of_form(&["password"]));
    let oneself = user.user_id == users.reader;
    let id = user.user_id.to_string();
    let act = |action: &'static str, text: &'static str| {
        let id = id.clone();
        view! { <form method="post" action=format!("/fn/{action}")><input type="hidden" name="user_id" value=id/><Submit text danger=true/></form> }
    };
    view! {
        <section class="card pane record" aria-labelledby="access">
            <h2 id="access">{format!("Access of {}", user.name)}</h2>
            {form.map(|text| view! { <Notice tone=Tone::Off title=text/> })}
            <Review rows=users.review.clone()/>
            {oneself.then(|| view! { <Notice tone=Tone::None title="Nobody changes his own access; ask another admin."/> })}
            {(may_manage && user.active && !oneself).then(|| view! {
                <Grants user=user.clone() users=users.clone()/>
                <form class="form" method="post" action="/fn/set_password">
                    <input type="hidden" name="user_id" value=id.clone()/>
                    <Field name="password" label="New password" kind="password" hint="At least 12 characters" autocomplete="new-password" required=true error=password/>
                    <Submit text="Set password"/>
                </form>
                <div class="actions">{act("reset_second_factor", "Reset second factor")}{act("deactivate_user", "Deactivate")}</div>
            })}
        </section>
    }
}

/// Role × entity; only the entities that the reader administers can be ticked.
#[component]
fn Grants(user: UserRow, users: UsersView) -> impl IntoView {
    let entities: Vec<EntityView> = users.entities.iter().filter(|entity| users.administers.contains(&entity.entity_id)).cloned().collect();
    let columns = std::iter::once("Role".to_owned()).chain(entities.iter().map(|entity| entity.code.clone())).map(Column::text).collect();
    let row = |role: &Role| {
        let cells = entities.iter().map(|entity| {
            let held = user.grants.iter().any(|grant| grant.role == *role && grant.entity_id == entity.entity_id);
            let asked = |request: &GrantRequest| {
                request.user_id == user.user_id && request.role == *role && request.entity_id == entity.entity_id
            };
            let waits = users.waiting.iter().any(asked).then(|| view! { <small class="below">"waits"</small> });
            let label = format!("{} in {}", role.label(), entity.code);
            let value = format!("{role}:{}", entity.entity_id);
            view! { <td data-label=entity.code.clone()><input type="checkbox" name="grants[]" value=value checked=held aria-label=label/>{waits}</td> }
        });
        view! { <tr><th scope="row">{role.label()}</th>{cells.collect_view()}</tr> }
    };
    let rows = Role::ALL.iter().map(row).collect_view();
    let conflicts: Vec<String> = entities
        .iter()
        .flat_map(|entity| conflicts(&user.grants, entity.entity_id).into_iter().map(|text| format!("{}: {text}", entity.code)))
        .collect();
    view! {
        {conflicts.into_iter().map(|text| view! { <Notice tone=Tone::Timing title=text/> }).collect_view()}
        <form method="post" action="/fn/set_grants">
            <input type="hidden" name="user_id" value=user.user_id.to_string()/>
            <DataTable caption="Roles by entity" columns cards=true><tbody>{rows}</tbody></DataTable>
            <p class="hint">"What is taken away ends at once; what is given waits for another administrator."</p>
            <Submit text="Save roles" primary=true/>
        </form>
    }
}
