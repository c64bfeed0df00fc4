//! What the rules suggest: each way to apply the payment argues its case and can be pressed as it stands, or taken over into the form
//! below and changed.

use super::FROM;
use crate::{
    api::form_error,
    components::{Amount, Notice, Query, Submit, Time, Tone, amount::plain, money_text},
    pages::cash::{BackTo, customer_href, rules_href},
};
use domain::{
    receivable::{OpenItemRow, SuggestedPart, SuggestionView, SuggestionsView},
    stage::DocumentKind,
};
use leptos::prelude::*;
use rust_decimal::Decimal;

#[component]
pub fn Suggestions(
    #[prop(optional_no_strip)] suggestions: Option<SuggestionsView>,
    item: OpenItemRow,
    #[prop(optional_no_strip)] may_not: Option<String>,
    query: Query,
) -> AnyView {
    let error = form_error("apply_cash").map(|error| error.to_string());
    let error = error.map(|text| view! { <Notice tone=Tone::Off title="Nothing was applied" text/> });
    let Some(SuggestionsView { decided_at, rules, suggestions, words }) = suggestions.filter(|view| !view.suggestions.is_empty()) else {
        return view! { {error}<p class="muted nothing">"The rules suggest nothing for it: what it could pay is below."</p> }.into_any();
    };
    let cards = suggestions.into_iter().zip(1..).map(|(suggestion, number): (SuggestionView, usize)| {
        view! { <Card suggestion number item=item.clone() may_not=may_not.clone() query=query.clone()/> }
    });
    let cards = cards.collect_view();
    let words = words.into_iter().map(|words| view! { <li>{words}</li> }).collect_view();
    view! {
        {error}
        <section class="suggestions" aria-labelledby="suggested">
            <div class="table-head"><h2 id="suggested">"The rules suggest"</h2><small><a href=rules_href(&item.entity_code, rules)>{format!("rule table {rules}")}</a>", evaluated "<Time at=decided_at/></small></div>
            <div class="choices">{cards}</div>
            <ul class="rivalry">{words}</ul>
        </section>
    }
    .into_any()
}

#[component]
fn Card(
    suggestion: SuggestionView,
    number: usize,
    item: OpenItemRow,
    #[prop(optional_no_strip)] may_not: Option<String>,
    query: Query,
) -> AnyView {
    let SuggestionView { title, customer, parts, residual, residual_reason, write_off, score, evidence, against, why_not } = suggestion;
    let (currency, back) = (item.currency.clone(), query.here_without(FROM).href());
    let given: Decimal = parts.iter().map(|part| if part.kind == DocumentKind::CreditMemo { -part.amount } else { part.amount }).sum();
    let heading = if parts.is_empty() { "Nothing to pay: keep it".to_owned() } else { title.clone() };
    let change = (!parts.is_empty() && why_not.is_none()).then(|| {
        let href = format!("{}#by-hand", query.here_with(FROM, number).href());
        view! { <a class="button quiet" href=href>"Change it"</a> }
    });
    let payer = new_payer(&item, customer.as_ref().map(|(code, _)| code.as_str()));
    let customer = customer.map(|(code, name)| {
        let href = customer_href(&item.entity_code, &code);
        view! { <small><a href=href>{name}</a>" · "{code}</small> }
    });
    let rest = (!residual.is_zero()).then(|| format!("{} {residual_reason}", money_text(residual.abs(), &currency)));
    let rest = rest.or((!residual_reason.is_empty()).then_some(residual_reason));
    let act = if parts.is_empty() {
        view! { <Keep item may_not=may_not.or(why_not) back/> }.into_any()
    } else {
        let fields = parts.iter().enumerate().map(|(row, part)| {
            let why = write_off.filter(|_| !part.write_off.is_zero()).map_or("", |reason| reason.as_str());
            view! { <Given row part=part.clone() currency=currency.clone() why/> }
        });
        let fields = fields.collect_view();
        let text = match &payer {
            Some(code) => format!("{code} paid it: apply {}", money_text(given, &currency)),
            None => format!("Apply {}", money_text(given, &currency)),
        };
        view! {
            <form class="actions" method="post" action="/fn/apply_cash">
                <BackTo href=back/>
                <input type="hidden" name="credit" value=item.document_id.to_string()/>
                {payer.map(|code| view! { <input type="hidden" name="payer" value=code/> })}
                <input type="hidden" name="reason" value=format!("Suggestion taken: {title}, score {score}")/>
                {fields}
                <Submit text primary=number==1 why_not=may_not.or(why_not)/>
                {change}
            </form>
        }
        .into_any()
    };
    view! {
        <article class="card pane suggestion" data-suggestion=number.to_string() aria-labelledby=format!("suggestion-{number}")>
            <div class="pane-head">
                <div><h3 id=format!("suggestion-{number}")><kbd>{number}</kbd>" "{heading}</h3>{customer}</div>
                <div class="score"><b>{score}</b><small>"score"</small></div>
            </div>
            <Parts parts currency/>
            {rest.map(|rest| view! { <p>{rest}</p> })}
            <Evidence evidence against/>
            {act}
        </article>
    }
    .into_any()
}

/// The customer who has to be said to have paid before his invoices can be settled.
pub fn new_payer(item: &OpenItemRow, customer: Option<&str>) -> Option<String> {
    customer.filter(|code| item.kind == DocumentKind::Payment && *code != item.customer_code).map(str::to_owned)
}

/// Hidden fields of one item, as the form by hand would send them.
#[component]
fn Given(row: usize, part: SuggestedPart, currency: String, why: &'static str) -> impl IntoView {
    let name = |field: &str| format!("rows[{row}][{field}]");
    let write_off = if why.is_empty() { String::new() } else { plain(part.write_off, &currency) };
    view! {
        <input type="hidden" name=name("debit") value=part.document_id.to_string()/>
        <input type="hidden" name=name("number") value=part.number/>
        <input type="hidden" name=name("take") value="true"/>
        <input type="hidden" name=name("deduct") value=(part.kind == DocumentKind::CreditMemo).to_string()/>
        <input type="hidden" name=name("amount") value=plain(part.amount, &currency)/>
        <input type="hidden" name=name("write_off") value=write_off/>
        <input type="hidden" name=name("why") value=why/>
    }
}

#[component]
fn Keep(item: OpenItemRow, #[prop(optional_no_strip)] may_not: Option<String>, back: String) -> AnyView {
    let why_not = may_not.or_else(|| item.customer_code.is_empty().then(|| "say who paid first, below".to_owned()));
    view! {
        <form class="actions" method="post" action="/fn/keep_item">
            <BackTo href=back/>
            <input type="hidden" name="item" value=item.document_id.to_string()/>
            <input type="hidden" name="on" value="true"/>
            <input type="hidden" name="reason" value="Suggestion taken: nothing to pay"/>
            <Submit text="Keep on account" why_not/>
        </form>
    }
    .into_any()
}

/// Items with what each gets.
#[component]
fn Parts(parts: Vec<SuggestedPart>, currency: String) -> AnyView {
    if parts.is_empty() {
        return ().into_any();
    }
    let lines = parts.into_iter().map(|part| {
        let partly = (part.amount + part.write_off != part.open).then(|| view! { <small>" of "{money_text(part.open, &currency)}</small> });
        let deducted = (part.kind == DocumentKind::CreditMemo).then(|| view! { <small>" deducted"</small> });
        let given_up =
            (!part.write_off.is_zero()).then(|| view! { <small>" and "{money_text(part.write_off, &currency)}" written off"</small> });
        view! {
            <li>
                <span><a href=format!("/documents/{}", part.document_id)>{part.number}</a>" "<small>{part.due.to_string()}</small></span>
                <span class="num"><Amount value=part.amount currency=currency.clone()/>{deducted}{partly}{given_up}</span>
            </li>
        }
    });
    view! { <ul class="parts">{lines.collect_view()}</ul> }.into_any()
}

/// Points and what was seen, for and against.
#[component]
fn Evidence(evidence: Vec<(i32, String)>, against: Vec<(i32, String)>) -> AnyView {
    let line = |(points, seen): (i32, String)| {
        let tone = if points < 0 { Tone::Off } else { Tone::Ties };
        view! { <li class=tone.class()><b>{format!("{points:+}")}</b><span>{seen}</span></li> }
    };
    let lines = evidence.into_iter().chain(against).map(line).collect_view();
    view! { <ul class="evidence" aria-label="For and against">{lines}</ul> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::{super::super::tests::item, *};
    use domain::{
        id::DocumentId,
        receivable::WriteOffReason,
        stage::DocumentKind::{CreditMemo, Invoice, Payment},
    };
    use uuid::Uuid;

    fn suggestion() -> SuggestionView {
        let part = SuggestedPart {
            document_id: DocumentId(Uuid::from_u128(7)),
            number: "INV-7".into(),
            kind: Invoice,
            due: "2026-10-01".parse().unwrap(),
            open: 1000.into(),
            amount: 988.into(),
            write_off: 12.into(),
        };
        SuggestionView {
            title: "INV-7".into(),
            customer: Some(("C-1".into(), "Acme".into())),
            parts: vec![part],
            residual: (-12).into(),
            residual_reason: "is missing: a bank’s fee, written off".into(),
            write_off: Some(WriteOffReason::BankFee),
            score: 78,
            evidence: vec![(60, "INV-7 written in full".into())],
            against: vec![(-3, "names 4711 too".into())],
            why_not: None,
        }
    }

    fn card(suggestion: SuggestionView, customer: &str) -> String {
        let mut payment = item(1, Payment, 988);
        payment.customer_code = customer.into();
        let query = Query::new("/cash/workbench/1", &[("entity", "DE")]);
        view! { <Card suggestion number=1 item=payment may_not=None query/> }.to_html()
    }

    #[test]
    fn a_card_argues_for_and_against_and_its_button_says_what_it_gives() {
        let html = card(suggestion(), "C-1");
        for part in ["+60", "-3", "names 4711 too", "Apply 988.00 EUR", "12.00 EUR is missing: a bank’s fee", "written off"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(html.contains("name=\"rows[0][amount]\" value=\"988.00\"") && html.contains("value=\"bank_fee\""), "{html}");
        assert!(html.contains("entity=DE&amp;from=1#by-hand"), "{html}");
    }

    #[test]
    fn what_the_payer_deducted_is_sent_as_such_and_the_button_says_what_the_payment_gives() {
        let mut with_memo = suggestion();
        let memo = SuggestedPart { number: "CM-8".into(), kind: CreditMemo, amount: 100.into(), ..with_memo.parts[0].clone() };
        with_memo.parts.push(memo);
        let html = card(with_memo, "C-1");
        assert!(html.contains("Apply 888.00 EUR") && html.contains("100.00") && html.contains("deducted"), "{html}");
        assert!(
            html.contains("name=\"rows[0][deduct]\" value=\"false\"") && html.contains("name=\"rows[1][deduct]\" value=\"true\""),
            "{html}"
        );
    }

    #[test]
    fn a_payment_of_somebody_unknown_says_who_paid_before_it_settles() {
        assert!(card(suggestion(), "").contains("C-1 paid it: apply 988.00 EUR"));
        assert!(card(suggestion(), "").contains("name=\"payer\" value=\"C-1\""));
        assert!(!card(suggestion(), "C-1").contains("name=\"payer\""));
    }

    #[test]
    fn what_can_not_be_applied_says_why_instead() {
        let html = card(SuggestionView { why_not: Some("The items are in USD.".into()), ..suggestion() }, "C-1");
        assert!(html.contains("disabled") && html.contains("The items are in USD.") && !html.contains("Change it"), "{html}");
    }

    #[test]
    fn money_that_pays_nothing_can_be_kept_once_its_payer_is_known() {
        let kept = || SuggestionView { parts: Vec::new(), ..suggestion() };
        assert!(card(kept(), "C-1").contains("action=\"/fn/keep_item\""));
        assert!(card(kept(), "").contains("say who paid first"));
    }
}
