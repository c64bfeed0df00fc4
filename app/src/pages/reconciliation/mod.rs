//! The five checkpoints: left against right, by entity, currency and side; the breaks that explain the difference, how old they are, and how
//! long is normal. No data is never a tie.

pub mod aging;
mod batches;
mod breaks;
mod cells;
mod checkpoints;
mod timing;

use crate::{
    api::reconciliation::{BATCHES, ReconciliationQuery, ReconciliationView, get_reconciliation},
    api::{form_error, reach::Reach},
    components::{Failure, Notice, Page, Query, Submit, Tone, use_query},
};
pub use batches::BatchCells;

use aging::AgingTable;
use breaks::Breaks;
use cells::{Cells, Compared, in_short};
use checkpoints::Checkpoints;
use domain::{access::Action, checkpoint::Checkpoint, reconciliation::BatchCell};
use leptos::prelude::*;

/// The breaks behind a figure of this page.
pub const BREAKS: &str = "#breaks";

fn asked(query: &Query) -> ReconciliationQuery {
    let key = |key: &str| query.get(key).map(str::to_owned);
    ReconciliationQuery {
        checkpoint: key("checkpoint"),
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
    let checkpoint = view.checkpoint;
    let with_erp: Vec<String> = view.read.iter().map(|state| state.entity_code.clone()).collect();
    let compared = Compared { checkpoint, period: view.period, entities: entities(&view), read: view.read };
    let sentence = in_short(&view.cells, &compared);
    let list = Query::new("/reconciliation", &[]).with("checkpoint", checkpoint);
    view! {
        <Checkpoints states=view.states chosen=checkpoint query=query.clone()/>
        <div class="intro">
            <p>{sentence}</p>
            <ReadBack query=query.clone() reach=view.reach.clone() entities=with_erp/>
        </div>
        <Cells cells=view.cells compared/>
        {(!view.off.is_empty()).then(|| view! {
            <BatchCells checkpoint caption="Batches that do not tie" note=off_note(&view.off) cells=view.off.clone()/>
        })}
        <Breaks checkpoint breaks=view.breaks now=view.now query=query.clone()/>
        {(!view.aging.is_empty()).then(|| view! {
            <AgingTable
                caption="How old the breaks are"
                note="all periods, absolute amounts, aged by when the break was opened; timing inside its time is left out"
                cells=view.aging
                list
                fragment=BREAKS
            />
        })}
        <timing::Normal checkpoint rows=view.timing reach=view.reach back=query.href()/>
    }
    .into_any()
}

/// Entities that the checkpoint is about: those with an ERP, or all of the caller.
fn entities(view: &ReconciliationView) -> Vec<String> {
    if view.checkpoint == Checkpoint::Receivables {
        return view.read.iter().map(|state| state.entity_code.clone()).collect();
    }
    let mut codes: Vec<String> = view.timing.iter().map(|row| row.entity_code.clone()).collect();
    codes.dedup();
    codes
}

fn off_note(off: &[BatchCell]) -> String {
    let shown = i64::try_from(off.len()).unwrap_or(i64::MAX);
    let first = if shown < BATCHES { String::new() } else { format!("the newest {shown} lines; ") };
    format!("{first}what each batch brought against what stands for it on the right; batches that tie are left out")
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
