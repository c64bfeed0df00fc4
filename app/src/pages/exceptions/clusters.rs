//! The left side of the queue: causes that need a person, and what clears by itself.

use super::cause::title;
use crate::components::{Count, Pill, Query, Sparkline, Sums, Time, Tone};
use domain::{
    stage::Stage,
    view::{Cluster, StageMoney, WaitingGroup},
};
use leptos::prelude::*;

/// Causes as links: choosing one keeps the filter. `count`: of all causes, listed here or not.
#[component]
pub fn Causes(clusters: Vec<Cluster>, count: i64, query: Query) -> AnyView {
    let chosen = query.get("cause").map(str::to_owned);
    let links = Cluster::merged(clusters).into_iter().map(|cluster| {
        let current = chosen.as_deref() == Some(cluster.fingerprint.as_str());
        let href = query.with("cause", &cluster.fingerprint).href();
        view! { <Cause cluster href current/> }
    });
    view! {
        <nav class="card" aria-label="Causes">
            <a class="cluster" href=query.without("cause").href() aria-current=chosen.is_none().then_some("true")>
                <span class="line"><span class="cause">"All causes"</span><span class="money"><Count value=count/></span></span>
            </a>
            {links.collect_view()}
        </nav>
    }
    .into_any()
}

#[component]
fn Cause(cluster: Cluster, href: String, current: bool) -> AnyView {
    let blocks = !cluster.closing.is_empty();
    let at = cluster.connection_code.unwrap_or_else(|| "before any ERP".to_owned());
    let what = cluster.missing_code.map_or(cluster.message, |code| format!("{code} → {at}"));
    let where_ =
        if cluster.missing_kind.is_some() { cluster.entities.join(", ") } else { format!("{at} · {}", cluster.entities.join(", ")) };
    view! {
        <a class="cluster" href=href aria-current=current.then_some("true")>
            <span class="line">
                <span class="cause">{title(cluster.kind, cluster.missing_kind)}</span>
                <span class="money"><Sums money=cluster.money/></span>
            </span>
            <small class="what">{what}</small>
            <span class="line"><small><Count value=cluster.count/>" · "{where_}</small><small>"since "<Time at=cluster.first_seen/></small></span>
            <span class="line">
                <Sparkline values=cluster.trend what="opened a day"/>
                {blocks.then(|| view! { <Pill tone=Tone::Timing text="blocks close"/> })}
            </span>
        </a>
    }
    .into_any()
}

/// What needs no one, in words: (title, why it clears, the stage its documents are in).
fn waits_for(what: &str) -> (&'static str, &'static str, Stage) {
    match what {
        "unknown" => ("Outcome unknown, probing", "a probe asks the ERP before anything is sent again", Stage::Unknown),
        "held" => ("Waits for its invoice", "goes on when the invoice is posted", Stage::Held),
        _ => ("Throttled or busy, retrying", "sent again under the same key", Stage::Queued),
    }
}

#[component]
pub fn Waiting(groups: Vec<WaitingGroup>, query: Query) -> AnyView {
    let mut kinds: Vec<String> = groups.iter().map(|group| group.what.clone()).collect();
    kinds.dedup();
    let cards = kinds.into_iter().map(|what| {
        let of: Vec<WaitingGroup> = groups.iter().filter(|group| group.what == what).cloned().collect();
        view! { <WaitingFor what of query=query.clone()/> }
    });
    let cards = cards.collect_view();
    view! {
        <h2 class="list-title">"No one is needed for these"</h2>
        {if groups.is_empty() {
            view! { <p class="muted">"Nothing waits."</p> }.into_any()
        } else {
            view! { <div class="card">{cards}</div> }.into_any()
        }}
    }
    .into_any()
}

#[component]
fn WaitingFor(what: String, of: Vec<WaitingGroup>, query: Query) -> AnyView {
    let (title, why, stage) = waits_for(&what);
    let href = query.only(&["entity"]).at("/documents").with("stage", stage).href();
    let count: i64 = of.iter().map(|group| group.count).sum();
    let mut entities: Vec<&str> = of.iter().map(|group| group.entity_code.as_str()).collect();
    entities.dedup();
    let entities = entities.join(", ");
    let money = StageMoney::per_currency(of.iter().map(|group| StageMoney {
        currency: group.currency.clone(),
        count: group.count,
        amount: group.amount,
    }));
    let next = of.iter().filter_map(|group| group.next_at).min();
    view! {
        <a class="cluster" href=href>
            <span class="line"><span class="cause">{title}</span><span class="money"><Sums money/></span></span>
            <span class="line"><small><Count value=count/>" · "{entities}</small><Pill tone=Tone::Calm text="clears by itself"/></span>
            <small>{why}{next.map(|at| view! { ", next "<Time at/> })}</small>
        </a>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::exception::ExceptionKind;

    fn cluster(connection: &str, currency: &str) -> Cluster {
        Cluster {
            fingerprint: "netsuite|X".into(),
            kind: ExceptionKind::Period,
            code: "X".into(),
            message: "closed".into(),
            connection_id: None,
            connection_code: Some(connection.into()),
            missing_kind: None,
            missing_code: None,
            entities: vec!["US".into()],
            count: 2,
            money: vec![StageMoney { currency: currency.into(), count: 2, amount: 20.into() }],
            first_seen: DateTime::UNIX_EPOCH,
            last_seen: DateTime::UNIX_EPOCH,
            due_at: None,
            trend: vec![0, 3],
            closing: Vec::new(),
        }
    }

    #[test]
    fn a_cause_at_two_accounts_is_shown_once_and_currencies_stay_apart() {
        let causes = Cluster::merged(vec![cluster("NS-1", "USD"), cluster("NS-2", "USD"), cluster("NS-2", "EUR")]);
        assert_eq!(causes.len(), 1);
        assert_eq!((causes[0].count, causes[0].money.len(), causes[0].money[0].amount), (6, 2, 40.into()));
        assert_eq!(causes[0].trend, [0, 9]);
    }

    #[test]
    fn a_link_to_a_cause_keeps_the_filter_and_leaves_the_place_in_the_list() {
        let query = Query::new("/exceptions", &[("entity", "US"), ("after", "x")]);
        let html = view! { <Causes clusters=vec![cluster("NS-1", "USD")] count=4_321 query/> }.to_html();
        assert!(html.contains("4,321"), "not only what the listed ones come to: {html}");
        assert!(html.contains("href=\"/exceptions?entity=US&amp;cause=netsuite%7CX\""), "{html}");
    }
}
