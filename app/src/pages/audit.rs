//! The audit log, newest first: who changed what, from what to what; and whether its chain is whole.

use crate::{
    api::audit::{AuditView, list_audit},
    components::{AuditTable, Chain, Empty, Failure, Field, FilterBar, Page, Pager, use_query},
};
use leptos::prelude::*;

#[component]
pub fn AuditPage() -> impl IntoView {
    let query = use_query();
    let asked = (query.get("subject").map(str::to_owned), query.get("after").map(str::to_owned));
    let log = Resource::new_blocking(move || asked.clone(), |(subject, after)| list_audit(subject, after));
    view! {
        <Page title="Audit" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match log.await {
                        Ok(view) => view! { <Audit view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Audit(view: AuditView) -> AnyView {
    let query = use_query();
    let subject = query.get("subject").unwrap_or_default().to_owned();
    let count = view.rows.rows.len();
    let older = view.rows.next.map(|next| query.with("after", next).href());
    let newest = query.get("after").map(|_| query.without("after").href());
    let table = if count == 0 {
        view! { <Empty title="Nothing like this was written" text="The log holds every change of access, mappings and documents by people, and every start of a job by hand."/> }.into_any()
    } else {
        view! {
            <AuditTable caption="Log, newest first" note="append-only" rows=view.rows.rows/>
            <Pager shown=format!("{count} on this page") newer=newest older/>
        }
        .into_any()
    };
    view! {
        {view.chain.map(|chain| view! { <Chain chain verified=view.verified/> })}
        <FilterBar query own=&["subject"]>
            <Field name="subject" label="History of" value=subject hint="An identifier from the column “To”, in full"/>
        </FilterBar>
        {table}
    }
    .into_any()
}
