//! One document with its whole history: what it says, where it went, what was sent and what came back.

mod acts;
mod settlement;

use super::batch::Violations;
use crate::{
    api::{
        ApiError,
        documents::{DocumentSeen, get_document},
    },
    components::{
        Amount, Column, DataTable, Fact, Facts, Failure, Fold, Id, Notice, Page, Payload, Pill, StageBadge, TieMark, Time, Tone,
        marks::Place, money_text,
    },
};
use acts::acts;
use domain::{
    checkpoint::Tie,
    document::DocumentLine,
    money::grouped,
    posting::OutcomeKind,
    stage::{DocumentKind, Stage},
    statement::masked,
    transfer::Between,
    view::{AttemptView, DocumentRow, DocumentView, MovementView, PostingView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use rust_decimal::Decimal;
use settlement::Settled;

#[component]
pub fn DocumentPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let document = Resource::new_blocking(move || id.clone(), get_document);
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match document.await {
                    Ok(seen) => view! { <Detail seen/> }.into_any(),
                    Err(error) => view! { <Unseen error/> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Unseen(error: ApiError) -> AnyView {
    let crumbs = vec![("Documents".to_owned(), "/documents".to_owned())];
    view! { <Page title="Document" crumbs scoped=false><Failure error/></Page> }.into_any()
}

#[component]
fn Detail(seen: DocumentSeen) -> AnyView {
    let DocumentSeen { document, corrections, ask_why_not, settlement, as_of } = seen;
    let batch = format!("/batches/{}", document.batch_id);
    let crumbs = vec![("Batches".to_owned(), "/batches".to_owned()), (document.batch_number.clone(), batch)];
    let title = format!("{} {}", document.row.kind.label(), document.row.number);
    let acts = acts(&document, corrections, ask_why_not, as_of);
    view! {
        <Page title crumbs scoped=false>
            <Callouts document=document.clone()/>
            <Head document=document.clone()/>
            {(!document.violations.is_empty()).then(|| view! { <Violations violations=document.violations.clone()/> })}
            <Settled settlement/>
            <Lines lines=document.lines row=document.row/>
            <section class="card pane record"><h2>"What happened"</h2><Timeline movements=document.movements/></section>
            {acts}
            {document.posting.map(|posting| view! { <Posting posting/> })}
            <Attempts attempts=document.attempts/>
        </Page>
    }
    .into_any()
}

/// What the reader has to know first, with the way to it.
#[component]
fn Callouts(document: DocumentView) -> AnyView {
    let exception = document.exception_id.map(|id| {
        view! { <Notice tone=Tone::Off title="A person is needed"/><p class="actions"><a class="button" href=format!("/exceptions/{id}")>"Open the exception"</a></p> }
    });
    let superseded = document.superseded_by.map(|id| {
        view! { <Notice tone=Tone::None title="A newer version took its place"/><p class="actions"><a class="button" href=format!("/documents/{id}")>"Open the newer version"</a></p> }
    });
    let rejected = (document.row.stage == Stage::Rejected).then(|| {
        let text = "It is kept and never sent. Correct it at the source and import it as a new version.";
        view! { <Notice tone=Tone::Off title="This row broke a rule when it came in" text=text.to_owned()/> }
    });
    view! { {exception}{superseded}{rejected} }.into_any()
}

#[component]
fn Head(document: DocumentView) -> AnyView {
    let DocumentRow {
        version, customer_name, entity_code, currency, amount, tax, posting_date, period, stage, stage_at, erp_number, ..
    } = document.row;
    view! {
        <section class="card pane record" aria-label="About this document">
            <div class="verdicts">
                <div><b><Amount value=amount currency=currency.clone() code=true/></b><small>"gross"</small></div>
                <div><b><Amount value=tax currency=currency code=true/></b><small>"of it tax"</small></div>
                <div><b><StageBadge place=stage/></b><small>"since "<Time at=stage_at/></small></div>
                <div><b>{erp_number.clone().unwrap_or_else(|| "–".to_owned())}</b><small>"number in the ERP"</small></div>
            </div>
            <Facts>
                <Fact label="Customer">{customer_name}" "<small class="nowrap">{document.customer_code}</small></Fact>
                <Fact label="Entity">{entity_code}</Fact>
                <Fact label="Accounting period">{period.to_string()}</Fact>
                <Fact label="Issue date">{document.issue_date.to_string()}</Fact>
                <Fact label="Posting date">{posting_date.to_string()}</Fact>
                <Fact label="Due date">{document.due_date.to_string()}</Fact>
                <Fact label="Version">{version}</Fact>
                {document.applies_to.map(|number| {
                    let href = crate::components::Query::new("/documents", &[("number", &number)]).href();
                    view! { <Fact label="Corrects"><a href=href>{number}</a></Fact> }
                })}
                <Fact label="Batch"><a href=format!("/batches/{}", document.batch_id)>{document.batch_number}</a></Fact>
            </Facts>
            <Facts><Fact label="Content hash (BLAKE3)"><Id value=document.content_hash/></Fact></Facts>
        </section>
    }
    .into_any()
}

#[component]
fn Lines(lines: Vec<DocumentLine>, row: DocumentRow) -> AnyView {
    let currency = row.currency;
    let (net, tax): (Decimal, Decimal) = (lines.iter().map(|line| line.net).sum(), lines.iter().map(|line| line.tax).sum());
    let difference = row.amount - net - tax;
    let (tie, words) = if difference.is_zero() {
        (Tie::Ties, "ties".to_owned())
    } else {
        (Tie::Off, format!("off by {}", money_text(difference, &currency)))
    };
    let code = currency.clone();
    let money = move |value: Decimal| view! { <Amount value currency=code.clone()/> };
    let rows = lines.iter().map(|line| {
        view! {
            <tr>
                <th scope="row">{item_of(row.kind, line)}</th>
                <td data-label="Description">{line.description.clone()}</td>
                <td data-label="Tax code">{line.tax_code.clone()}</td>
                <td class="num" data-label="Quantity"><span class="amount">{grouped(line.quantity.normalize())}</span></td>
                <td class="num" data-label="Unit price">{money(line.unit_price.normalize())}</td>
                <td class="num" data-label="Net">{money(line.net)}</td>
                <td class="num" data-label="Tax">{money(line.tax)}</td>
                <td class="num" data-label="Gross">{money(line.net + line.tax)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let texts = ["Item", "Description", "Tax code"].map(Column::text);
    let columns = texts.into_iter().chain(["Quantity", "Unit price", "Net", "Tax", "Gross"].map(Column::number)).collect();
    view! {
        <DataTable caption="Lines" note=format!("in {currency}") columns cards=true>
            <tbody>{rows}</tbody>
            <tfoot>
                <tr>
                    <th scope="row" colspan="5">"Of the lines"</th>
                    <td class="num" data-label="Net">{money(net)}</td>
                    <td class="num" data-label="Tax">{money(tax)}</td>
                    <td class="num" data-label="Gross">{money(net + tax)}</td>
                </tr>
                <tr>
                    <th scope="row" colspan="5">{format!("Of the document, {currency} ")}<TieMark tie text=words/></th>
                    <td class="num" data-label="Net">{money(row.amount - row.tax)}</td>
                    <td class="num" data-label="Tax">{money(row.tax)}</td>
                    <td class="num" data-label="Gross">{money(row.amount)}</td>
                </tr>
            </tfoot>
        </DataTable>
    }
    .into_any()
}

/// The item of a line. Of money it is our account, whose number is never shown in full.
fn item_of(kind: DocumentKind, line: &DocumentLine) -> String {
    if kind.is_money() && !Between::is_named(&line.item_code) { masked(&line.item_code) } else { line.item_code.clone() }
}

#[component]
fn Timeline(movements: Vec<MovementView>) -> AnyView {
    let items = movements.into_iter().map(|movement| {
        let place = Place::from(movement.to_stage);
        view! {
            <li class=place.tone().class()>
                <div><StageBadge place/>" "<small><Time at=movement.moved_at/>{format!(" · {}", movement.actor)}</small></div>
                <div>{movement.reason}</div>
            </li>
        }
    });
    view! { <ol class="timeline">{items.collect_view()}</ol> }.into_any()
}

#[component]
fn Posting(posting: PostingView) -> AnyView {
    view! {
        <section class="card pane record" aria-label="Posting">
            <h2>{format!("Posting to {}", posting.connection_code)}</h2>
            <Facts>
                <Fact label="Posting key"><Id value=posting.posting_key/></Fact>
                <Fact label="Attempts">{posting.attempts}</Fact>
                {posting.work.map(|work| view! { <Fact label="Next step">{work.replace('_', " ")}</Fact> })}
                {posting.due_at.map(|at| view! { <Fact label="Not before"><Time at/></Fact> })}
                {posting.erp_number.map(|number| view! { <Fact label="ERP number"><Id value=number/></Fact> })}
                {posting.erp_id.map(|id| view! { <Fact label="ERP id"><Id value=id/></Fact> })}
                <Fact label="Payload frozen">
                    {posting.frozen_at.map_or_else(|| "not yet: it may still be mapped again".into_any(), |at| view! { <Time at/> }.into_any())}
                </Fact>
            </Facts>
            <Facts><Fact label="Payload hash (BLAKE3)"><Id value=posting.payload_hash/></Fact></Facts>
            <Fold summary="Payload"><Payload text=posting.payload/></Fold>
        </section>
    }
    .into_any()
}

/// How a call ended, in the colour of where it takes the document. What no send ends with is the word of a probe.
fn outcome(outcome: Option<&str>) -> (Tone, String) {
    let Some(outcome) = outcome else { return (Tone::Calm, "under way".to_owned()) };
    let tone = match (outcome.parse::<OutcomeKind>(), outcome) {
        (Ok(kind), _) if kind.stage() == Stage::Queued => Tone::Timing,
        (Ok(kind), _) => Place::from(kind.stage()).tone(),
        (Err(_), "found") => Tone::Ties,
        (Err(_), "absent") => Tone::Timing,
        (Err(_), "not_answered") => Tone::Unknown,
        (Err(_), _) => Tone::Off,
    };
    (tone, outcome.replace('_', " "))
}

#[component]
fn Attempts(attempts: Vec<AttemptView>) -> AnyView {
    if attempts.is_empty() {
        return view! { <section class="card pane record"><h2>"Attempts"</h2><p class="muted">"Nothing has been sent yet."</p></section> }
            .into_any();
    }
    let count = attempts.len();
    let items =
        attempts.into_iter().zip(1..).map(|(attempt, ordinal): (AttemptView, usize)| view! { <Attempt attempt ordinal/> }).collect_view();
    let note = if count == 1 { "one call".to_owned() } else { format!("{count} calls") };
    view! { <section class="card pane record" aria-label="Attempts"><h2>"Attempts "<small>{format!("{note}, secrets masked")}</small></h2>{items}</section> }.into_any()
}

#[component]
fn Attempt(attempt: AttemptView, ordinal: usize) -> AnyView {
    let (tone, word) = outcome(attempt.outcome.as_deref());
    let what = format!("{ordinal}. {}", attempt.purpose.replace('_', " "));
    let status = attempt.http_status.map(|status| format!("HTTP {status}"));
    let field = attempt.field.filter(|field| !field.is_empty()).map(|field| format!("at {field}"));
    let code = attempt.code.into_iter().chain(field).collect::<Vec<_>>().join(" ");
    let body = |title: &'static str, text: Option<String>| text.map(|text| view! { <Fold summary=title><Payload text/></Fold> });
    view! {
        <article class="attempt">
            <h3>
                {what}" "<Pill tone text=word/>{attempt.late.then(|| view! { " "<Pill tone=Tone::Timing text="came after its lease"/> })}
                {status.map(|status| view! { " "<small>{status}</small> })}
            </h3>
            <p class="muted">
                <Time at=attempt.claimed_at/>
                {attempt.finished_at.map(|at| format!(" · took {} ms", (at - attempt.claimed_at).num_milliseconds()))}
                {format!(" · {}", attempt.worker)}
            </p>
            {attempt.message.map(|message| view! { <p>{message}" "<small>{code}</small></p> })}
            {body("Request", attempt.request)}
            {body("Answer", attempt.answer)}
        </article>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::documents::tests::document, *};
    fn line(net: &str, tax: &str) -> DocumentLine {
        DocumentLine {
            item_code: "API".to_owned(),
            description: "calls".to_owned(),
            quantity: "1000000.000".parse().unwrap(),
            unit_price: "0.000700".parse().unwrap(),
            net: net.parse().unwrap(),
            tax: tax.parse().unwrap(),
            tax_code: "S".to_owned(),
        }
    }

    #[test]
    fn lines_that_do_not_add_up_are_seen() {
        let row = document("EUR", DocumentKind::Invoice, 11);
        let html = view! { <Lines lines=vec![line("7.00", "0.70"), line("3.00", "0.30")] row=row.clone()/> }.to_html();
        assert!(html.contains("is-ties") && html.contains(">1,000,000<") && html.contains(">0.0007<"), "{html}");
        let html = view! { <Lines lines=vec![line("7.00", "0.70")] row/> }.to_html();
        assert!(html.contains("off by 3.30 EUR"), "{html}");
    }

    #[test]
    fn the_line_of_a_payment_does_not_tell_our_account() {
        let of_money = DocumentLine { item_code: "DE89370400440532013000".to_owned(), ..line("7.00", "0") };
        assert!(!item_of(DocumentKind::Payment, &of_money).contains("37040044"));
        assert_eq!(item_of(DocumentKind::Invoice, &line("7.00", "0")), "API");
    }

    #[test]
    fn an_attempt_has_the_colour_of_where_it_leads() {
        for (word, tone) in [("accepted", Tone::Ties), ("throttled", Tone::Timing), ("business", Tone::Off), ("no_answer", Tone::Unknown)] {
            assert_eq!(outcome(Some(word)), (tone, word.replace('_', " ")));
        }
        assert_eq!(outcome(Some("found_twice")).0, Tone::Off);
        assert_eq!(outcome(None).1, "under way");
    }

    #[test]
    fn a_timeline_says_who_what_and_why() {
        let movement = MovementView {
            sequence: 1,
            from_stage: None,
            to_stage: Stage::Exception,
            actor: "system:post".to_owned(),
            reason: "no mapping for item API".to_owned(),
            correlation_id: domain::id::CorrelationId(uuid::Uuid::nil()),
            moved_at: "2026-10-31T17:00:00Z".parse().unwrap(),
        };
        let html = view! { <Timeline movements=vec![movement]/> }.to_html();
        for part in ["is-off", "exception", "system:post", "no mapping for item API", "2026-10-31 17:00 UTC"] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
