//! Checkpoint 3: what was issued against what the ERPs hold, by entity, currency and side; the breaks that explain the
//! difference, and how old they are. No data is never a tie.

pub mod aging;
mod batches;
mod breaks;
mod cells;

use crate::{
    api::reconciliation::{BATCHES, ReconciliationQuery, ReconciliationView, get_reconciliation},
    api::{form_error, reach::Reach},
    components::{Failure, Notice, Page, Query, Submit, Tone, use_query},
};
pub use batches::BatchCells;

use aging::AgingTable;
use breaks::Breaks;
use cells::{Cells, in_short};
use domain::{access::Action, reconciliation::BatchCell};
use leptos::prelude::*;

/// The breaks behind a figure of this page.
pub const BREAKS: &str = "#breaks";

fn asked(query: &Query) -> ReconciliationQuery {
    let key = |key: &str| query.get(key).map(str::to_owned);
    ReconciliationQuery {
        entity: key("entity"),
        period: key("period"),
        currency: key("currency"),
        kind: key("kind"),
        batch: key("batch"),
        after: key("after"),
    }
}

#[component]
pub fn ReconciliationPage() -> impl IntoView {
    let query = asked(&use_query());
    let view = Resource::new_blocking(move || query.clone(), get_reconciliation);
    view! {
        <Page title="Reconciliation">
            <Suspense>
                {move || Suspend::new(async move {
                    match view.await {
                        Ok(view) => view! { <Reconciliation view/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Reconciliation(view: ReconciliationView) -> AnyView {
    let query = use_query();
    let sentence = in_short(&view.cells, &view.read, view.period);
    let entities: Vec<String> = view.read.iter().map(|state| state.entity_code.clone()).collect();
    view! {
        <div class="intro">
            <p>{sentence}</p>
            <ReadBack query=query.clone() reach=view.reach entities/>
        </div>
        <Cells cells=view.cells read=view.read period=view.period/>
        {(!view.off.is_empty()).then(|| view! {
            <BatchCells caption="Batches that do not tie" note=off_note(&view.off) cells=view.off.clone()/>
        })}
        <Breaks breaks=view.breaks now=view.now query/>
        {(!view.aging.is_empty()).then(|| view! {
            <AgingTable
                caption="How old the breaks are"
                note="all periods, absolute amounts, aged by when the break was opened; timing inside its time is left out"
                cells=view.aging
                list=Query::new("/reconciliation", &[])
                fragment=BREAKS
            />
        })}
    }
    .into_any()
}

fn off_note(off: &[BatchCell]) -> String {
    let shown = i64::try_from(off.len()).unwrap_or(i64::MAX);
    let first = if shown < BATCHES { String::new() } else { format!("the newest {shown} lines; ") };
    format!("{first}what each batch brought against what stands for it in the ERP; batches that tie are left out")
}

/// Asks the ERPs again; the comparison follows by itself.
#[component]
fn ReadBack(query: Query, reach: Reach, entities: Vec<String>) -> AnyView {
    let error = form_error("read_back_now");
    let why_not = if entities.is_empty() { Some("no ERP to read".to_owned()) } else { reach.why_not(Action::Reconcile, &entities) };
    let entity = query.get("entity").unwrap_or_default().to_owned();
    view! {
        <form class="actions" method="post" action="/fn/read_back_now">
            {error.map(|error| view! { <Notice tone=Tone::Off title=error.to_string()/> })}
            <input type="hidden" name="entity" value=entity/>
            <input type="hidden" name="back" value=query.href()/>
            <Submit text="Read back and compare now" primary=true why_not/>
        </form>
    }
    .into_any()
}
