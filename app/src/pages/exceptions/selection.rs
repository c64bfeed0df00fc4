//! What is chosen in the queue, and what is done with it: what is ticked, or all that the filter shows.

use super::cause::extent;
use crate::{
    api::{
        exceptions::{ExceptionQuery, Extent},
        form_error,
        reach::Reach,
    },
    components::{Field, Query},
};
use chrono::{DateTime, Utc};
use domain::{access::Action, view::StageMoney};
use leptos::{ev, prelude::*, wasm_bindgen::JsCast};
use std::collections::BTreeSet;
use web_sys::HtmlInputElement;

/// The name of the boxes to tick.
pub const TICK: &str = "exceptions[]";

/// How the rows of the page are chosen; it stands in the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// One by one.
    Ticked,
    Listed,
    /// All that the filter shows, on every page.
    Matching,
}

impl Select {
    pub fn of(query: &Query) -> Self {
        match query.get("select") {
            Some("all") => Self::Listed,
            Some("matching") => Self::Matching,
            _ => Self::Ticked,
        }
    }
}

/// `4,012 · 148,220.15 EUR`, or that there are more than were looked at.
pub fn whole(extent_of: &Extent) -> String {
    let more = if extent_of.more { "more than " } else { "" };
    format!("{more}{}", extent(&extent_of.money))
}

/// The filter of the page as an act needs it: what came in since the page was made is not meant.
#[component]
fn Matching(query: ExceptionQuery, as_of: DateTime<Utc>) -> impl IntoView {
    let fields = query.pairs().into_iter().map(|(key, value)| (format!("query[{key}]"), value.to_owned()));
    let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    view! { {fields}<input type="hidden" name="query[until]" value=as_of.to_rfc3339()/> }
}

#[component]
pub fn SelectionBar(
    query: Query,
    select: Select,
    listed: Vec<(String, StageMoney)>,
    entities: Vec<String>,
    all: Option<Extent>,
    reach: Reach,
    as_of: DateTime<Utc>,
) -> AnyView {
    let (replay, work) = (reach.why_not(Action::Replay, &entities), reach.why_not(Action::WorkExceptions, &entities));
    let none = query.here_without("select").href();
    let tick = if select == Select::Ticked { (query.here_with("select", "all").href(), "Tick all listed") } else { (none, "Tick none") };
    let count = all.as_ref().map(|all| all.money.iter().map(|sum| sum.count).sum::<i64>());
    let matching = select == Select::Matching;
    let choose = (!matching).then(|| {
        let text = count
            .map_or("Select all that match".to_owned(), |count| format!("Select all {} that match", domain::money::grouped(count.into())));
        let label = text.clone();
        view! { <a class="button quiet" data-command=label href=query.here_with("select", "matching").href()>{text}</a> }
    });
    let (assign, comment, replays) = if matching {
        ("Assign all that match", "Comment all that match", "Replay all that match")
    } else {
        ("Assign ticked", "Comment ticked", "Replay ticked")
    };
    let replay_to = if matching { "/fn/replay_matching" } else { "/fn/replay_exceptions" };
    let chosen = match all {
        Some(all) if matching => {
            view! { <span class="ticked" role="status">{format!("All that match: {}", whole(&all))}</span> }.into_any()
        }
        _ => view! { <Ticked rows=listed all=select == Select::Listed/> }.into_any(),
    };
    let error = form_error("comment_exceptions").and_then(|error| error.of_field("comment"));
    view! {
        // Enter presses a form's first button: this one does nothing, so that in the comment it does not assign
        <button type="submit" disabled=true hidden=true></button>
        {matching.then(|| view! { <input type="hidden" name="select" value="matching"/><Matching query=ExceptionQuery::of(|key| query.get(key)) as_of/> })}
        <div class="selection">
            <div class="line"><a class="button quiet" href=tick.0>{tick.1}</a>{choose}{chosen}</div>
            <span class="pair">
                <Field id="assign-owner" name="owner" label="New owner (empty: nobody)" value=reach.email/>
                <button type="submit" data-command=assign disabled=work.is_some()>{assign}</button>
            </span>
            <span class="pair">
                <Field id="bulk-comment" name="comment" label="Comment" error/>
                <button type="submit" formaction="/fn/comment_exceptions" data-command=comment disabled=work.is_some()>{comment}</button>
            </span>
            <button type="submit" formaction=replay_to data-key="replay" data-command=replays disabled=replay.is_some()>{replays}</button>
            {work.map(|reason| view! { <small class="reason">"Assign and comment "{reason}</small> })}
            {replay.map(|reason| view! { <small class="reason">"Replay "{reason}</small> })}
        </div>
    }
    .into_any()
}

fn boxes() -> Vec<HtmlInputElement> {
    let Ok(found) = document().query_selector_all(&format!("input[name='{TICK}']")) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

fn ticked_now() -> BTreeSet<String> {
    boxes().iter().filter(|tick| tick.checked()).map(HtmlInputElement::value).collect()
}

/// Ticks or unticks, as the box that was clicked now is, everything between it and the one that was clicked before.
fn tick_between(before: &str, clicked: &HtmlInputElement) {
    let boxes = boxes();
    let place = |value: &str| boxes.iter().position(|tick| tick.value() == value);
    let (Some(from), Some(to)) = (place(before), place(&clicked.value())) else { return };
    for tick in boxes.get(from.min(to)..=from.max(to)).unwrap_or_default() {
        tick.set_checked(clicked.checked());
    }
}

/// What is ticked, in count and money. Without a script the server says it for all listed.
#[island]
fn Ticked(rows: Vec<(String, StageMoney)>, all: bool) -> impl IntoView {
    let ticked: RwSignal<BTreeSet<String>> =
        RwSignal::new(if all { rows.iter().map(|(id, _)| id.clone()).collect() } else { BTreeSet::new() });
    let before = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        // what was ticked before this ran counts too
        ticked.set(ticked_now());
        let clicked = window_event_listener(ev::click, move |event| {
            let target = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            let Some(input) = target.filter(|input| input.name() == TICK) else { return };
            if let Some(before) = before.get_value().filter(|_| event.shift_key()) {
                tick_between(&before, &input);
            }
            before.set_value(Some(input.value()));
            ticked.set(ticked_now());
        });
        on_cleanup(move || clicked.remove());
    });
    view! { <span class="ticked" role="status">{move || ticked.with(|ids| ticked_words(&rows, ids))}</span> }
}

fn ticked_words(rows: &[(String, StageMoney)], ticked: &BTreeSet<String>) -> Option<String> {
    let chosen = rows.iter().filter(|(id, _)| ticked.contains(id)).map(|(_, money)| money.clone());
    let sums = StageMoney::per_currency(chosen);
    (!sums.is_empty()).then(|| format!("{} ticked", extent(&sums)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, currency: &str, amount: i64) -> (String, StageMoney) {
        (id.to_owned(), StageMoney { currency: currency.into(), count: 1, amount: amount.into() })
    }

    #[test]
    fn what_is_ticked_is_told_in_count_and_money_per_currency() {
        let rows = [row("1", "EUR", 10), row("2", "USD", 20), row("3", "EUR", 5)];
        let ticked = |ids: &[&str]| ticked_words(&rows, &ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(ticked(&["1", "3", "9"]).as_deref(), Some("2 · 15.00 EUR ticked"));
        assert_eq!(ticked(&["2", "3"]).as_deref(), Some("2 · 20.00 USD · 5.00 EUR ticked"));
        assert_eq!(ticked(&[]), None);
    }

    #[test]
    fn all_that_match_are_told_with_money_and_never_as_fewer_than_they_are() {
        let money = vec![StageMoney { currency: "EUR".into(), count: 10_001, amount: 10.into() }];
        assert_eq!(whole(&Extent { money: money.clone(), more: false }), "10,001 · 10.00 EUR");
        assert_eq!(whole(&Extent { money, more: true }), "more than 10,001 · 10.00 EUR");
    }

    #[test]
    fn an_act_on_all_that_match_carries_the_filter_and_the_time_of_the_page() {
        let query =
            ExceptionQuery { kind: Some("mapping".into()), owner: Some(String::new()), after: Some("x".into()), ..Default::default() };
        let html = view! { <Matching query as_of=DateTime::UNIX_EPOCH/> }.to_html();
        assert!(html.contains("name=\"query[kind]\" value=\"mapping\"") && html.contains("name=\"query[until]\" value=\"1970-"), "{html}");
        assert!(!html.contains("owner") && !html.contains("after"), "{html}");
    }
}
