//! The upload page: a file goes in by a plain form; what became of it is read back from what was kept.

use super::{batch::Violations, batches::UPLOAD};
use crate::{
    api::batches::get_intake,
    components::{Failure, Field, Notice, Page, Submit, Time, Tone, use_query},
};
use domain::{
    access::Action,
    view::{CallerView, ImportOutcome, IntakeView},
};
use leptos::prelude::*;

#[component]
pub fn UploadPage() -> impl IntoView {
    let query = use_query();
    let intake = query.get("intake").map(str::to_owned);
    let trouble = query.get("error").map(trouble);
    let may = expect_context::<CallerView>().actions.contains(&Action::ImportBatch);
    let outcome = intake.map(|id| {
        let intake = Resource::new_blocking(move || id.clone(), get_intake);
        view! {
            <Suspense>
                {move || Suspend::new(async move {
                    match intake.await {
                        Ok(intake) => view! { <Outcome intake/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        }
    });
    view! {
        <Page title="Upload a batch" crumbs=vec![("Batches".to_owned(), "/batches".to_owned())] scoped=false>
            {outcome}
            <section class="card pane record">
                <p>
                    "Invoices and credit memos as JSON or CSV in the format "<code>"tieout.invoice-batch/1"</code>
                    ", with a manifest of count, total and tax per currency. All of it comes in, or nothing: when the rows do not add up to the manifest, \
                    the batch is refused with the exact difference. Sending the same file again changes nothing."
                </p>
                <form class="form" method="post" action=UPLOAD enctype="multipart/form-data">
                    <Field name="file" label="File" kind="file" hint="JSON or CSV, at most 256 MB; larger ones with tieout import" required=true error=trouble/>
                    <div class="actions">
                        <Submit text="Import" primary=true why_not=(!may).then(|| "Your roles do not allow imports.".to_owned())/>
                    </div>
                </form>
            </section>
        </Page>
    }
}

/// What kept the file from being read, by the word in the URL.
pub(super) fn trouble(word: &str) -> String {
    match word {
        "none" => "Choose a file.",
        "no_table" => "The file is no table that names a date and an amount in its header.",
        "unknown" => "This is not an account that you import for.",
        "too_large" => "The file is larger than 256 MB; use tieout import.",
        _ => "The file did not arrive in one piece; try again.",
    }
    .to_owned()
}

/// The verdict on a file that did not become a batch of its own.
fn verdict(outcome: ImportOutcome) -> (Tone, &'static str) {
    match outcome {
        ImportOutcome::Imported => (Tone::Ties, "The batch is in."),
        ImportOutcome::Unchanged => (Tone::None, "This batch is here already with the same content; nothing was changed."),
        ImportOutcome::Conflict => (Tone::Off, "This batch number is taken by other content; nothing was changed."),
        ImportOutcome::Refused => (Tone::Off, "The batch was refused; nothing of it came in."),
    }
}

#[component]
fn Outcome(intake: IntakeView) -> AnyView {
    let (tone, title) = verdict(intake.outcome);
    let batch =
        intake.batch_id.map(|id| view! { <p class="actions"><a class="button" href=format!("/batches/{id}")>"Open the batch"</a></p> });
    let errors = intake.errors;
    view! {
        <Notice tone title/>
        <p class="muted">{intake.file_name}", "<Time at=intake.received_at/></p>
        {batch}
        {(!errors.is_empty()).then(|| view! { <Violations violations=errors/> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::document::Violation;

    #[test]
    fn a_refusal_names_every_place() {
        let errors =
            vec![Violation { line: 7, field: "manifest.total".into(), rule: "is off by 0.01 USD".into(), value: "3290.00".into() }];
        let intake = IntakeView {
            intake_id: uuid::Uuid::nil(),
            received_at: "2026-10-31T17:00:00Z".parse().unwrap(),
            actor: "ada@lumen.example".to_owned(),
            file_name: "october.json".to_owned(),
            raw_hash: String::new(),
            byte_length: 1,
            outcome: ImportOutcome::Refused,
            batch_id: None,
            errors,
        };
        let html = view! { <Outcome intake/> }.to_html();
        for part in ["role=\"alert\"", "refused", "manifest.total", "is off by 0.01 USD", "3290.00", "october.json"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("Open the batch"), "a refused batch reserves nothing: {html}");
    }
}
