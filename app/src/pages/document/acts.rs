//! What people may do about a document that the machine can't settle: decide an unknown outcome, correct what the ERP holds.

use crate::{
    api::form_error,
    components::{Amount, Column, DataTable, Fact, Facts, Field, Fold, GroupRow, Notice, Submit, TextField, Time, Tone},
};
use chrono::{DateTime, Utc};
use domain::{
    correction::{CorrectionView, Effect},
    stage::{Side, Stage},
    view::{DocumentView, PostingView},
};
use leptos::prelude::*;

/// Probes that find nothing before a document counts as absent.
const ABSENT_PROOF: i16 = 2;

/// The acts that fit where the document stands; none, where the page has nothing to offer.
pub fn acts(document: &DocumentView, corrections: Vec<CorrectionView>, why_not: Option<String>, as_of: DateTime<Utc>) -> AnyView {
    let id = document.row.document_id.to_string();
    match (document.row.stage, document.posting.clone()) {
        (Stage::Unknown, Some(posting)) => view! { <Undecided id posting why_not as_of/> }.into_any(),
        (Stage::Posted | Stage::Confirmed | Stage::Mismatch, _) => {
            let error = form_error("correct_document").map(|error| error.to_string());
            view! { <Corrections id currency=document.row.currency.clone() corrections why_not error/> }.into_any()
        }
        _ => ().into_any(),
    }
}

/// An outcome that nobody knows: what is looked at when, what was found, and the word of two people.
#[component]
fn Undecided(id: String, posting: PostingView, #[prop(optional_no_strip)] why_not: Option<String>, as_of: DateTime<Utc>) -> AnyView {
    let error = form_error("decide_unknown");
    let of = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let (reason, number) = (of("reason"), of("erp_number"));
    let form = error.as_ref().and_then(|error| error.of_form(&["reason", "erp_number"]));
    let working = posting.processed_by.filter(|by| *by > as_of);
    let early = working.map(|by| format!("the ERP may be working on it until {}", by.format("%H:%M UTC")));
    let absent = format!("{} of {ABSENT_PROOF} that prove it is not there", posting.absent_probes);
    view! {
        {form.map(|title| view! { <Notice tone=Tone::Off title/> })}
        <section class="card pane record" aria-labelledby="undecided">
            <h2 id="undecided">"Outcome unknown"</h2>
            <p>"It was sent and the answer never came. It is looked for under its posting key, and never sent while nobody knows. Each look is below, with the ERP’s answer."</p>
            <Facts>
                <Fact label="Next look">{posting.due_at.map_or_else(|| "none planned".into_any(), |at| view! { <Time at/> }.into_any())}</Fact>
                <Fact label="The ERP may work on it until">{posting.processed_by.map(|at| view! { <Time at/> })}</Fact>
                <Fact label="Looks after that which found nothing">{absent}</Fact>
            </Facts>
            <Fold summary="Decide it by hand, with a second person">
                <form class="form" method="post" action="/fn/decide_unknown">
                    <input type="hidden" name="document" value=id.clone()/>
                    <Field name="erp_number" label="The ERP holds it, as number" autocomplete="off" required=true error=number/>
                    <TextField id="taken-because" name="reason" label="How do you know" required=true error=reason.clone()/>
                    <div class="actions"><Submit text="Ask an approver to take the number" why_not=why_not.clone()/></div>
                </form>
                <form class="form" method="post" action="/fn/decide_unknown">
                    <input type="hidden" name="document" value=id/>
                    <TextField id="absent-because" name="reason" label="The ERP does not hold it: how do you know" hint="Sent again with the same key and payload; an ERP that has it after all refuses the second one" required=true error=reason/>
                    <div class="actions"><Submit text="Ask an approver to send it again" why_not=why_not.or(early) danger=true/></div>
                </form>
            </Fold>
        </section>
    }
    .into_any()
}

/// Corrections as proposals: possible ones with their effect on the books, the others with why not.
#[component]
fn Corrections(
    id: String,
    currency: String,
    corrections: Vec<CorrectionView>,
    #[prop(optional_no_strip)] why_not: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> AnyView {
    let (possible, others): (Vec<_>, Vec<_>) = corrections.into_iter().partition(|view| view.refusal.is_none());
    let possible = possible.into_iter().map(|proposal| {
        view! { <Possible id=id.clone() currency=currency.clone() proposal why_not=why_not.clone()/> }
    });
    let possible = possible.collect_view();
    let others = others.into_iter().map(|view| {
        let why = view.refusal.unwrap_or_default();
        view! { <li><b>{view.correction.label()}</b>" "<small>{why}</small></li> }
    });
    let others = others.collect_view();
    view! {
        <section class="card pane record" aria-labelledby="corrections">
            <h2 id="corrections">"Correct it"</h2>
            <p class="muted">"A posted document never changes; a correction is a document of its own. Above your limit an approver is asked."</p>
            {error.map(|title| view! { <Notice tone=Tone::Off title/> })}
            {possible}
            <ul class="plain">{others}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Possible(id: String, currency: String, proposal: CorrectionView, #[prop(optional_no_strip)] why_not: Option<String>) -> AnyView {
    let CorrectionView { correction, effects, .. } = proposal;
    let name = correction.to_string();
    view! {
        <Fold summary=format!("{}: {}", correction.label(), correction.purpose())>
            <Effects of=correction.label() currency effects/>
            <form class="form" method="post" action="/fn/correct_document">
                <input type="hidden" name="document" value=id/>
                <input type="hidden" name="correction" value=name.clone()/>
                <TextField id=format!("{name}-because") name="reason" label="Because" required=true/>
                <div class="actions"><Submit text=correction.label() why_not danger=true/></div>
            </form>
        </Fold>
    }
    .into_any()
}

/// Debits and credits of each document that a correction makes.
#[component]
fn Effects(of: &'static str, currency: String, effects: Vec<Effect>) -> AnyView {
    let mut groups: Vec<(String, Vec<Effect>)> = Vec::new();
    for effect in effects {
        let title = format!("{}, period {}", effect.number, effect.period);
        match groups.last_mut().filter(|(last, _)| *last == title) {
            Some((_, lines)) => lines.push(effect),
            None => groups.push((title, vec![effect])),
        }
    }
    let groups = groups.into_iter().map(|(title, lines)| {
        let lines = lines.into_iter().map(|line| {
            let on = |side| (line.side == side).then(|| view! { <Amount value=line.amount currency=currency.clone()/> });
            view! {
                <tr>
                    <th scope="row">{line.account.clone()}</th>
                    <td class="num" data-label="Debit">{on(Side::Debit)}</td>
                    <td class="num" data-label="Credit">{on(Side::Credit)}</td>
                </tr>
            }
        });
        let lines = lines.collect_view();
        view! { <tbody><GroupRow columns=3 title/>{lines}</tbody> }
    });
    let groups = groups.collect_view();
    let columns = vec![Column::text("Account"), Column::number("Debit"), Column::number("Credit")];
    view! { <DataTable caption=format!("{of}: effect on the books") note=format!("in {currency}") columns cards=true>{groups}</DataTable> }
        .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::correction::Correction;

    #[test]
    fn an_effect_stands_on_its_side_and_what_is_not_possible_says_why() {
        let effect = |account: &str, side| Effect {
            number: "INV-1-CR".into(),
            period: "2026-11".parse().unwrap(),
            account: account.into(),
            side,
            amount: 110.into(),
        };
        let effects = vec![effect("Accounts receivable", Side::Credit), effect("Revenue 4000", Side::Debit)];
        let corrections = vec![
            CorrectionView { correction: Correction::Credit, refusal: None, effects },
            CorrectionView { correction: Correction::Void, refusal: Some("It was issued.".into()), effects: Vec::new() },
        ];
        let html = view! { <Corrections id="d".to_owned() currency="USD".to_owned() corrections why_not=None error=None/> }.to_html();
        assert!(html.contains("INV-1-CR, period 2026-11") && html.contains("It was issued."), "{html}");
        assert_eq!(html.matches("action=\"/fn/correct_document\"").count(), 1, "only what is possible has a form: {html}");
    }
}
