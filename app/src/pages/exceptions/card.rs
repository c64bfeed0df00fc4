//! The card of the chosen cause: what it is, what began it, the form that fixes it, what a replay of all of it would come to, and the
//! replay.

use super::cause::{FixForm, WatchForm, extent, never_replayed, title, unmapped};
use crate::{
    api::exceptions::ExceptionsView,
    components::{Due, Pill, Sparkline, Submit, Time, Tone, use_query},
};
use domain::{
    access::Action,
    cluster::{Foreseen, Origin},
    view::{Cluster, StageMoney},
};
use leptos::prelude::*;

#[component]
pub fn CauseCard(cluster: Cluster, exceptions: ExceptionsView) -> AnyView {
    let ExceptionsView { replay, fixes, foreseen, origin, watched, reach, as_of, .. } = exceptions;
    let subject = cluster.missing_code.clone().map_or_else(String::new, |code| format!(": {code}"));
    let heading = format!("{}{subject}", title(cluster.kind, cluster.missing_kind));
    let why_not = reach.why_not(Action::Replay, &cluster.entities).or_else(|| unmapped(&fixes));
    let fixes = fixes.into_iter().map(|fix| view! { <FixForm fix reach=reach.clone()/> }).collect_view();
    let answer = cluster
        .missing_code
        .is_none()
        .then(|| view! { <p class="answer"><code>{cluster.code.clone()}</code>" "{cluster.message.clone()}</p> });
    let act = match never_replayed(cluster.kind) {
        Some(reason) => view! { <p class="muted">{format!("Not replayed: {reason}.")}</p> }.into_any(),
        None => view! { <Replay cluster=cluster.clone() heading=heading.clone() replay foreseen why_not/> }.into_any(),
    };
    view! {
        <section class="card pane" aria-labelledby="cause">
            <div class="pane-head">
                <div>
                    <h2 id="cause">{heading}</h2>
                    <small>
                        {extent(&cluster.money)}" · "{cluster.entities.join(", ")}" · first "<Time at=cluster.first_seen/>", last "<Time at=cluster.last_seen/>" · "<Due at=cluster.due_at as_of/>
                    </small>
                </div>
                <div class="line"><Pill tone=Tone::Off text="needs a person"/><WatchForm name="cause" value=cluster.fingerprint.clone() watched/></div>
            </div>
            {origin.map(|origin| view! { <Began origin/> })}
            <Grows cluster=cluster.clone()/>
            {answer}
            <p>{cluster.kind.advice()}</p>
            {fixes}
            {act}
        </section>
    }
    .into_any()
}

/// How many came per day, and whose close is held up.
#[component]
fn Grows(cluster: Cluster) -> AnyView {
    let closing: Vec<String> = cluster.closing.iter().map(|(entity, period)| format!("{period} of {entity}")).collect();
    let closing = (!closing.is_empty()).then(|| {
        let text = format!("{} is closing and cannot be complete without these.", closing.join(", "));
        view! { <p><Pill tone=Tone::Timing text="blocks close"/>" "{text}</p> }
    });
    view! { <p class="trend"><Sparkline values=cluster.trend what="opened a day"/></p>{closing} }.into_any()
}

#[component]
fn Began(origin: Origin) -> AnyView {
    match origin {
        Origin::Mapping { kind, code, version, target, activated_at, by } => {
            let what = format!("{} {code} v{version}", kind.label().to_lowercase());
            view! {
                <p>"Began with mapping "<b>{what}</b>" to "<code>{target}</code>", activated "<Time at=activated_at/>" by "{by}"."</p>
            }
            .into_any()
        }
        Origin::Release { release, first_ran_at } => {
            view! { <p>"Began with release "<b>{release}</b>" of Tieout, which first ran here "<Time at=first_ran_at/>"."</p> }.into_any()
        }
    }
}

/// The replay of all of a cause; once it is evaluated, of what would pass.
#[component]
fn Replay(cluster: Cluster, heading: String, replay: Vec<StageMoney>, foreseen: Option<Vec<Foreseen>>, why_not: Option<String>) -> AnyView {
    let elsewhere = hidden_by_filter(&cluster, &replay);
    let all = if replay.is_empty() { extent(&cluster.money) } else { extent(&replay) };
    let passing = foreseen.as_deref().map(Foreseen::passing);
    let (text, why_not) = match &passing {
        None => (format!("Replay all of this cause: {all}"), why_not),
        Some(passing) if passing.is_empty() => {
            ("Replay what would pass".to_owned(), why_not.or_else(|| Some("when something would pass".into())))
        }
        Some(passing) => (format!("Replay what would pass: {}", extent(passing)), why_not),
    };
    let preview = use_query().here_with("preview", "1").href();
    let said = foreseen.map(|foreseen| view! { <Preview cluster=cluster.clone() foreseen/> });
    let ask = said.is_none().then(|| view! { <a class="button" href=preview>"What would pass?"</a> });
    view! {
        {said}
        <form class="actions" method="post" action="/fn/replay_matching">
            <input type="hidden" name="query[cause]" value=cluster.fingerprint/>
            <input type="hidden" name="title" value=heading/>
            {passing.is_some().then(|| view! { <input type="hidden" name="passing" value="true"/> })}
            <Submit text why_not primary=true/>
            {ask}
            {elsewhere.then(|| view! { <small>"All entities and periods you may replay in, whatever the filter shows"</small> })}
        </form>
    }
    .into_any()
}

/// What the evaluation said: in one sentence, and where the ones go that do not pass.
#[component]
fn Preview(cluster: Cluster, foreseen: Vec<Foreseen>) -> AnyView {
    let cause = cluster.missing_kind.zip(cluster.missing_code.as_deref());
    let words = Foreseen::in_words(&foreseen, cause);
    let rest = foreseen.into_iter().filter(|seen| seen.verdict != domain::replay::ReplayVerdict::WillPost).map(|seen| {
        let why = match &seen.missing {
            Some((kind, code)) => format!("{} mapping missing: {code}", kind.label()),
            None => seen.verdict.label().to_owned(),
        };
        view! { <li>{extent(&[seen.money])}" · "{why}</li> }
    });
    let rest = rest.collect_view();
    view! {
        <div class="foreseen" role="status">
            <b>{words}</b>
            <small>"Evaluated now with the mappings in force; nothing was sent. The ERP has the last word."</small>
            <ul>{rest}</ul>
        </div>
    }
    .into_any()
}

/// Whether a replay takes more or less than the list shows.
fn hidden_by_filter(cluster: &Cluster, replay: &[StageMoney]) -> bool {
    !replay.is_empty() && replay.iter().map(|sum| sum.count).sum::<i64>() != cluster.count
}
