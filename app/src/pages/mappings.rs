//! Mappings: what our codes are called at each ERP. One person proposes; what would release more than his limit
//! another puts in force.

use super::approvals::Proposals;
use crate::{
    api::{
        form_error,
        mappings::{MappingsView, list_mappings},
        reach::Reach,
    },
    components::{
        Choice, Column, DataTable, Empty, Failure, Field, FilterBar, Fold, Notice, Page, Pager, Query, Submit, Tab, Tabs, Time, Tone,
        use_query,
    },
};
use domain::{
    access::Action,
    mapping::MappingKind,
    view::{ConnectionView, MappingView, Paged},
};
use leptos::prelude::*;

/// The code being changed, as the URL says it: `item:SKU-1`.
const CHANGE: &str = "change";

#[component]
pub fn MappingsPage() -> impl IntoView {
    let query = use_query();
    let key = |key: &str| query.get(key).map(str::to_owned);
    let asked = (key("connection"), key("kind"), key("search"), key("after"));
    let mappings =
        Resource::new_blocking(move || asked.clone(), |(connection, kind, search, after)| list_mappings(connection, kind, search, after));
    view! {
        <Page title="Mappings" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match mappings.await {
                        Ok(mappings) => view! { <Mappings mappings/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Mappings(mappings: MappingsView) -> AnyView {
    let MappingsView { connections, proposals, active, reach } = mappings;
    let query = use_query();
    let here = query
        .get("connection")
        .and_then(|id| connections.iter().find(|c| c.connection_id.to_string() == id))
        .or(connections.first())
        .cloned();
    let Some(connection) = here else {
        return view! { <Empty title="No connection" text="An entity of yours has to be attached to an ERP first."/> }.into_any();
    };
    let tabs = connections.iter().map(|c| Tab {
        label: format!("{} · {}", c.code, c.entities.join(", ")),
        href: query.only(&["kind", "search"]).with("connection", c.connection_id).href(),
        count: None,
        current: c.connection_id == connection.connection_id,
    });
    let tabs = tabs.collect();
    view! {
        {(!proposals.is_empty()).then(|| view! { <Proposals proposals reach=reach.clone()/> })}
        <Tabs label="Connections" tabs/>
        <Propose connection=connection.clone() active=active.rows.clone() reach=reach.clone()/>
        <KindFilter query=query.clone()/>
        <Active active connection query reach/>
    }
    .into_any()
}

fn kinds(any: Option<&str>) -> Vec<(String, String)> {
    let all = MappingKind::ALL.iter().map(|kind| (kind.to_string(), kind.label().to_owned()));
    any.map(|any| (String::new(), any.to_owned())).into_iter().chain(all).collect()
}

#[component]
fn KindFilter(query: Query) -> AnyView {
    let bar = query.clone();
    let now = move |key: &str| query.get(key).unwrap_or_default().to_owned();
    view! {
        <FilterBar query=bar own=&["kind", "search", CHANGE]>
            <Choice name="kind" label="Kind" options=kinds(Some("any kind")) selected=now("kind")/>
            <Field name="search" label="Code contains" kind="search" value=now("search")/>
        </FilterBar>
    }
    .into_any()
}

/// A new mapping, or the next version of one. The server measures what it releases and decides whether it may be in
/// force at once.
#[component]
fn Propose(connection: ConnectionView, active: Vec<MappingView>, reach: Reach) -> AnyView {
    let query = use_query();
    let error = form_error("propose_mapping");
    let fields = ["kind", "source_code", "target_ref"];
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (kind_error, code_error, target_error) = (of("kind"), of("source_code"), of("target_ref"));
    let form = error.as_ref().and_then(|error| error.of_form(&fields));
    let (kind, code) = query.get(CHANGE).and_then(|text| text.split_once(':')).unwrap_or_default();
    let (kind, code, back) = (kind.to_owned(), code.to_owned(), query.here_without(CHANGE).href());
    let now = active.iter().find(|m| m.kind.as_str() == kind && m.source_code == code).map(|m| m.target_ref.clone());
    let changing = !code.is_empty();
    let summary =
        if changing { format!("Change {code} at {}", connection.code) } else { format!("Propose a mapping at {}", connection.code) };
    let hint = now.as_ref().map(|now| format!("now {now}"));
    let why_not = reach.why_not(Action::EditMapping, &connection.entities);
    view! {
        <Fold summary open=changing || error.is_some()>
            <form class="form row card pane" method="post" action="/fn/propose_mapping">
                {form.map(|title| view! { <Notice tone=Tone::Off title/> })}
                <input type="hidden" name="back" value=back/>
                <input type="hidden" name="connection" value=connection.connection_id.to_string()/>
                <Choice name="kind" id="new-kind" label="What" options=kinds(None) selected=kind error=kind_error/>
                <Field name="source_code" label="Our code" value=code autocomplete="off" required=true error=code_error/>
                <Field name="target_ref" label="Reference in the ERP" hint=hint.unwrap_or_default() autocomplete="off" required=true error=target_error/>
                <div class="actions"><Submit text="Propose" why_not primary=true/></div>
            </form>
            <p class="muted">"In force at once when the money it releases is within your limit; above it an approver is asked."</p>
        </Fold>
    }
    .into_any()
}

#[component]
fn Active(active: Paged<MappingView>, connection: ConnectionView, query: Query, reach: Reach) -> AnyView {
    if active.rows.is_empty() {
        let text = format!("No mapping at {} matches.", connection.code);
        return view! { <Empty title="No mappings" text/> }.into_any();
    }
    let may = reach.why_not(Action::EditMapping, &connection.entities).is_none();
    let columns = ["What", "Our code", "Reference in the ERP", "Version", "In force by", "Since", ""].map(Column::text).to_vec();
    let shown = format!("{} shown", active.rows.len());
    let lines = active.rows.into_iter().map(|mapping| {
        let href = query.here_with(CHANGE, format!("{}:{}", mapping.kind, mapping.source_code)).href();
        let label = format!("Change {}", mapping.source_code);
        view! {
            <tr>
                <td data-label="What">{mapping.kind.label()}</td>
                <th scope="row"><code class="id">{mapping.source_code}</code></th>
                <td data-label="Reference"><code>{mapping.target_ref}</code></td>
                <td data-label="Version">{mapping.version}</td>
                <td data-label="In force by">{mapping.decided_by.unwrap_or(mapping.proposed_by)}</td>
                <td data-label="Since"><Time at=mapping.proposed_at/></td>
                <td>{may.then(|| view! { <a href=href aria-label=label>"Change"</a> })}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    let (first, next) =
        (query.get("after").map(|_| query.without("after").href()), active.next.map(|next| query.with("after", next).href()));
    view! {
        <DataTable caption=format!("In force at {}", connection.code) columns cards=true><tbody>{lines}</tbody></DataTable>
        <Pager shown newer=first older=next words=("First page", "Next")/>
    }
    .into_any()
}
