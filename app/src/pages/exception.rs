//! One exception: what happened to which document, what the ERP said, and everything a person can do about it.

use super::exceptions::cause::{Back, FixForm, WatchForm, never_replayed, title, unmapped};
use crate::{
    api::{
        ApiError,
        exceptions::{ExceptionDetail, get_exception},
        form_error,
    },
    components::{
        Amount, Due, Fact, Facts, Failure, Field, Fold, Id, Notice, Page, Payload, Pill, StageBadge, Submit, TextField, Time, Tone, age,
        money_text, use_query,
    },
};
use domain::{
    access::Action,
    view::{AttemptView, MovementView, NoteView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

#[component]
pub fn ExceptionPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let exception = Resource::new_blocking(move || id.clone(), get_exception);
    let list = use_query().moved("/exceptions").href();
    view! {
        <Page title="Exception" crumbs=vec![("Exceptions".to_owned(), list)] scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match exception.await {
                        Ok(detail) => view! { <Detail detail/> }.into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

#[component]
fn Detail(detail: ExceptionDetail) -> AnyView {
    let document = detail.document.clone();
    view! {
        <div class="split reversed">
            <div class="stack">
                <Trouble detail=detail.clone()/>
                <LastAttempt attempts=document.attempts payload=document.posting.map(|posting| posting.payload)/>
                <History movements=document.movements/>
            </div>
            <div class="stack"><Acts detail=detail.clone()/><Notes detail/></div>
        </div>
    }
    .into_any()
}

/// The document, its money, the cause in words, and what fixes it.
#[component]
pub fn Trouble(detail: ExceptionDetail) -> AnyView {
    let ExceptionDetail { exception, document, fix, reach, as_of, watched, .. } = detail;
    let row = exception.row;
    let open = exception.closed_at.is_none();
    let (currency, tax_currency) = (row.currency.clone(), row.currency.clone());
    let href = format!("/documents/{}", row.document_id);
    let fix = fix.filter(|_| open).map(|fix| view! { <FixForm fix reach=reach.clone()/> });
    let blocks = exception.blocks_close.then(|| {
        let text = format!("{} of {} is closing and cannot be complete without it.", row.period, row.entity_code);
        view! { <p><Pill tone=Tone::Timing text="blocks close"/>" "{text}</p> }
    });
    let closed = exception.closed_at.map(|at| {
        let how = format!("Closed: {}", exception.closed_as.clone().unwrap_or_default());
        view! { <p><Pill tone=Tone::Ties text=how/>" "<Time at/></p> }
    });
    view! {
        <section class="card pane" aria-labelledby="trouble">
            <div class="pane-head">
                <div>
                    <h2 id="trouble">{title(row.kind, exception.missing_kind)}</h2>
                    <small>{row.document_kind.label()}" "<a href=href.clone()>{row.number.clone()}</a>" · "{row.customer_name.clone()}</small>
                </div>
                <div class="line"><StageBadge place=row.stage/><WatchForm name="exception" value=row.exception_id.to_string() watched/></div>
            </div>
            {closed}
            {blocks}
            <p class="answer"><code>{exception.code}</code>" "{row.message.clone()}</p>
            {open.then(|| view! { <p>{row.kind.advice()}</p> })}
            {fix}
            <Facts>
                <Fact label="Amount"><b><Amount value=row.amount currency code=true/></b></Fact>
                <Fact label="Tax"><Amount value=document.row.tax currency=tax_currency code=true/></Fact>
                <Fact label="Entity">{row.entity_code}</Fact>
                <Fact label="Connection">{row.connection_code.unwrap_or_else(|| "none yet".to_owned())}</Fact>
                <Fact label="Accounting period">{row.period.to_string()}</Fact>
                <Fact label="Posting date">{document.row.posting_date.to_string()}</Fact>
                <Fact label="Due date">{document.due_date.to_string()}</Fact>
                <Fact label="Opened"><Time at=row.opened_at/>{open.then(|| format!(", {} ago", age(row.opened_at, as_of)))}</Fact>
                <Fact label="Clock">{if open { view! { <Due at=row.due_at as_of/> }.into_any() } else { "stopped".into_any() }}</Fact>
                <Fact label="Field">{exception.field.unwrap_or_else(|| "n/a".to_owned())}</Fact>
                <Fact label="Owner">{row.owner.unwrap_or_else(|| "nobody".to_owned())}</Fact>
                <Fact label="Batch"><a href=format!("/batches/{}", document.batch_id)>{document.batch_number}</a></Fact>
                <Fact label="Document"><a href=href>{format!("{} with every attempt", row.number)}</a></Fact>
            </Facts>
        </section>
    }
    .into_any()
}

/// Replay, assign, resolve: each says why it can't be done when it can't.
#[component]
pub fn Acts(detail: ExceptionDetail) -> AnyView {
    let ExceptionDetail { exception, reach, limit_left, fix, .. } = detail;
    let (row, id) = (exception.row.clone(), exception.row.exception_id.to_string());
    if exception.closed_at.is_some() {
        return view! { <section class="card pane"><h2>"Nothing to do"</h2><p>"It is closed. A new failure opens a new exception."</p></section> }.into_any();
    }
    let endpoints = ["replay_documents", "assign_exceptions", "resolve_exception", "posted_by_hand"];
    let error: Option<ApiError> = endpoints.into_iter().find_map(form_error);
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (reason, erp_number) = (of("reason"), of("erp_number"));
    let form = error.as_ref().and_then(|error| error.of_form(&["reason", "erp_number"]));
    let may = |action| reach.why_not_in(action, &row.entity_code);
    let waits = exception.approval_id.is_some();
    let replay_why = never_replayed(row.kind).map(str::to_owned).or_else(|| may(Action::Replay)).or_else(|| unmapped(fix.as_slice()));
    let resolve_why = if waits { Some("a request waits for its approver".to_owned()) } else { may(Action::Resolve) };
    let hint = limit_left.map(|left| limit_hint(left, row.amount, &row.currency));
    view! {
        {form.map(|title| view! { <Notice tone=Tone::Off title/> })}
        {waits.then(|| view! { <Notice tone=Tone::Timing title="Waits for an approver" text="A second person decides on its resolution. See Approvals."/> })}
        <section class="card pane" aria-label="Actions">
            <form class="actions" method="post" action="/fn/replay_documents">
                <input type="hidden" name="documents[]" value=row.document_id.to_string()/>
                <Submit text=format!("Replay: {}", money_text(row.amount, &row.currency)) why_not=replay_why primary=true/>
            </form>
            <form class="form" method="post" action="/fn/assign_exceptions">
                <Back/>
                <input type="hidden" name="exceptions[]" value=id.clone()/>
                <Field id="exception-owner" name="owner" label="Owner" hint="E-mail; empty takes him away" value=row.owner.unwrap_or_else(|| reach.email.clone())/>
                <div class="actions"><Submit text="Assign" why_not=may(Action::WorkExceptions)/></div>
            </form>
        </section>
        <section class="card pane" aria-labelledby="resolve">
            <h2 id="resolve">"Resolve by hand"</h2>
            <form class="form" method="post" action="/fn/posted_by_hand">
                <Back/>
                <input type="hidden" name="exception" value=id.clone()/>
                <Field name="erp_number" label="It is in the ERP, as number" hint="Read back and compared like one of ours" autocomplete="off" required=true error=erp_number/>
                <div class="actions"><Submit text="Take over the number" why_not=resolve_why.clone()/></div>
            </form>
            <form class="form" method="post" action="/fn/resolve_exception">
                <Back/>
                <input type="hidden" name="exception" value=id/>
                <TextField name="reason" label="It will not be posted, because" hint=hint.unwrap_or_default() required=true error=reason/>
                <div class="actions"><Submit text=format!("Resolve {}", money_text(row.amount, &row.currency)) why_not=resolve_why danger=true/></div>
            </form>
        </section>
    }
    .into_any()
}

/// Whether the amount can be closed alone, before anything is pressed.
fn limit_hint(left: rust_decimal::Decimal, amount: rust_decimal::Decimal, currency: &str) -> String {
    let left = left.max(rust_decimal::Decimal::ZERO);
    if amount <= left {
        format!("Within your limit: {} are left today", money_text(left, currency))
    } else {
        format!("Above your limit ({} left today): an approver will be asked", money_text(left, currency))
    }
}

#[component]
pub fn Notes(detail: ExceptionDetail) -> AnyView {
    let why_not = detail.reach.why_not_in(Action::WorkExceptions, &detail.exception.row.entity_code);
    let error = form_error("comment_exception").map(|error| error.to_string());
    let notes = detail.exception.notes.into_iter().map(|NoteView { author, written_at, body }| {
        view! { <li><small><b>{author}</b>" · "<Time at=written_at/></small><p class="note-body">{body}</p></li> }
    });
    let notes = notes.collect_view();
    view! {
        <section class="card pane" aria-labelledby="notes">
            <h2 id="notes">"Notes"</h2>
            <ol class="notes">{notes}</ol>
            <form class="form" method="post" action="/fn/comment_exception">
                <Back/>
                <input type="hidden" name="exception" value=detail.exception.row.exception_id.to_string()/>
                <TextField name="body" label="Comment" hint="@name tells that person" required=true error/>
                <div class="actions"><Submit text="Add comment" why_not/></div>
            </form>
        </section>
    }
    .into_any()
}

/// What was sent last, and what came back. Secrets are masked before they are stored.
#[component]
pub fn LastAttempt(attempts: Vec<AttemptView>, payload: Option<String>) -> AnyView {
    let tries = attempts.len();
    let last = attempts.into_iter().max_by_key(|attempt| attempt.claimed_at);
    let said = last.map(|attempt| {
        let status = attempt.http_status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
        let outcome = attempt.outcome.unwrap_or_else(|| "under way".to_owned()).replace('_', " ");
        view! {
            <p>{format!("Attempt {tries} of {tries}: {outcome}, {status}, by {}, ", attempt.worker)}<Time at=attempt.claimed_at/></p>
            {attempt.request.map(|text| view! { <Fold summary="Request"><Payload text/></Fold> })}
            {attempt.answer.map(|text| view! { <Fold summary="The ERP’s answer" open=true><Payload text/></Fold> })}
        }
    });
    view! {
        <section class="card pane" aria-labelledby="attempt">
            <h2 id="attempt">"Last attempt"</h2>
            {if said.is_some() { said.into_any() } else { view! { <p class="muted">"Nothing was sent."</p> }.into_any() }}
            {payload.map(|text| view! { <Fold summary="Payload as mapped"><Payload text/></Fold> })}
        </section>
    }
    .into_any()
}

#[component]
pub fn History(movements: Vec<MovementView>) -> AnyView {
    let moves = movements.into_iter().rev().map(|movement| {
        let correlation = movement.correlation_id.to_string();
        view! {
            <li>
                <div class="line"><StageBadge place=movement.to_stage/><small><Time at=movement.moved_at/></small></div>
                <small>{movement.reason}" · "{movement.actor}</small>
                <small><Id value=correlation/></small>
            </li>
        }
    });
    let moves = moves.collect_view();
    view! { <section class="card pane" aria-labelledby="history"><h2 id="history">"History, newest first"</h2><ol class="timeline">{moves}</ol></section> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_says_before_the_press_whether_a_second_person_is_asked() {
        assert_eq!(limit_hint(100.into(), 100.into(), "EUR"), "Within your limit: 100.00 EUR are left today");
        assert!(limit_hint(100.into(), 101.into(), "EUR").starts_with("Above your limit (100.00 EUR left"));
        assert!(limit_hint((-5).into(), 1.into(), "JPY").contains("(0 JPY left"), "nothing is less than nothing");
    }
}
