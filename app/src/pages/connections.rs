//! Connections: which ERP keeps whose receivables, whether calls go through, how busy it is, what failed last.

use crate::{
    api::connections::list_connections,
    components::{Column, Count, DataTable, Empty, Fact, Facts, Failure, Page, Pill, Shape, Time, Tone, Verdict},
};
use domain::{
    money::grouped,
    view::{ConnectionView, FailedAttemptView, LaneDepth},
};
use leptos::prelude::*;

#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let connections = Resource::new_blocking(|| (), |()| list_connections());
    view! {
        <Page title="Connections" scoped=false>
            <Suspense>
                {move || Suspend::new(async move {
                    match connections.await {
                        Ok(list) if list.is_empty() => {
                            view! { <Empty title="No connection" text="An entity of yours has to be attached to an ERP first."/> }.into_any()
                        }
                        Ok(list) => list.into_iter().map(|connection| view! { <ConnectionCard connection/> }).collect_view().into_any(),
                        Err(error) => view! { <Failure error/> }.into_any(),
                    }
                })}
            </Suspense>
        </Page>
    }
}

/// The circuit in shape, word and colour.
fn circuit(connection: &ConnectionView) -> (Tone, Shape, &'static str) {
    match connection.circuit.as_str() {
        "closed" if connection.in_flight > 0 => (Tone::Ties, Shape::Ties, "sending"),
        "closed" => (Tone::Ties, Shape::Ties, "ready"),
        _ => (Tone::Off, Shape::Alert, "stopped"),
    }
}

#[component]
fn ConnectionCard(connection: ConnectionView) -> AnyView {
    let code = connection.code.clone();
    let (tone, shape, word) = circuit(&connection);
    let id = format!("connection-{}", connection.code);
    let labelled_by = id.clone();
    let open = connection.circuit != "closed";
    let mappings = format!("/mappings?connection={}", connection.connection_id);
    let waiting = format!("/exceptions?connection={}", connection.connection_id);
    let slots = connection.slots_now.max(0).to_string();
    let slowed = (connection.slots_now < connection.slots).then(|| format!("of {} by contract, fewer after throttling", connection.slots));
    let used = connection.in_flight.to_string();
    let drained = drained(connection.queued, connection.posted_per_minute);
    let errors = connection.last_errors;
    view! {
        <section class="card pane connection" aria-labelledby=labelled_by>
            <div class="pane-head">
                <div>
                    <h2 id=id>{connection.code}" "{connection.sandbox.then(|| view! { <Pill tone=Tone::Timing text="sandbox"/> })}</h2>
                    <small>{connection.system.label()}" for "{connection.entities.join(", ")}</small>
                </div>
                <Verdict tone shape>{word}</Verdict>
            </div>
            {open.then(|| view! {
                <p class="answer">
                    {connection.circuit_reason.unwrap_or_else(|| "The ERP refused the credentials.".to_owned())}
                    {connection.circuit_probe_at.map(|at| view! { <small class="below">"One call is let through at "<Time at/></small> })}
                </p>
            })}
            <Facts>
                <Fact label="Slots in use">
                    {connection.in_flight}" of "{slots.clone()}
                    <meter class="slots" min="0" max=slots value=used aria-label="Slots in use"></meter>
                    {slowed.map(|text| view! { <small class="below">{text}</small> })}
                </Fact>
                <Fact label="Queued">
                    <Count value=connection.queued/>
                    {drained.map(|text| view! { <small class="below">{text}</small> })}
                </Fact>
                <Fact label="By lane, first to last">{lanes(&connection.lanes)}</Fact>
                <Fact label="Posted in the last minute">
                    <Count value=connection.posted_per_minute/>
                    {connection.per_minute.map(|most| view! { <small class="below">{format!("at most {} are begun", grouped(most.into()))}</small> })}
                </Fact>
                <Fact label="Throttled, ever">
                    <Count value=connection.throttled/>
                    {connection.throttled_until.map(|at| view! { <small class="below">"left alone until "<Time at/></small> })}
                </Fact>
                <Fact label="Outcome unknown, probing"><Count value=connection.probing/></Fact>
                <Fact label="Longest processing, by contract">{seconds(connection.processing_seconds_max)}</Fact>
                <Fact label="Request times out after">{seconds(connection.request_seconds_max)}</Fact>
            </Facts>
            {if errors.is_empty() {
                view! { <p class="muted">"No failed attempt."</p> }.into_any()
            } else {
                view! { <LastErrors of=code errors/> }.into_any()
            }}
            <div class="actions"><a class="button" href=waiting>"Its exceptions"</a><a class="button" href=mappings>"Its mappings"</a></div>
        </section>
    }
    .into_any()
}

/// Lanes in which something waits, with how much.
fn lanes(depths: &[LaneDepth]) -> String {
    let shown = depths.iter().filter(|depth| depth.waiting > 0).map(|LaneDepth { lane, waiting }| {
        let more = if *waiting >= LaneDepth::COUNTED { "at least " } else { "" };
        format!("{} {more}{}", lane.label(), grouped((*waiting).into()))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if shown.is_empty() { "nothing waits".to_owned() } else { shown }
}

/// When the queue is empty at the rate of the last minute.
fn drained(queued: i64, per_minute: i64) -> Option<String> {
    match (queued, per_minute) {
        (0, _) => None,
        (_, 0) => Some("nothing was posted in the last minute".to_owned()),
        (queued, rate) if queued <= rate => Some("empty in under a minute".to_owned()),
        (queued, rate) if queued / rate < 120 => Some(format!("empty in about {} min", (queued + rate - 1) / rate)),
        (queued, rate) => Some(format!("empty in about {} h", queued / rate / 60)),
    }
}

fn seconds(count: i32) -> String {
    if count >= 120 && count % 60 == 0 { format!("{} min", count / 60) } else { format!("{count} s") }
}

#[component]
fn LastErrors(of: String, errors: Vec<FailedAttemptView>) -> AnyView {
    let columns = ["Document", "Outcome", "The ERP said", "When"].map(Column::text).to_vec();
    let lines = errors.into_iter().map(|error| {
        view! {
            <tr>
                <th scope="row"><a href=format!("/documents/{}", error.document_id)>{error.number}</a></th>
                <td data-label="Outcome">{error.outcome.replace('_', " ")}</td>
                <td data-label="The ERP said" class="prose">{error.message.unwrap_or_else(|| "nothing".to_owned())}</td>
                <td data-label="When">{error.finished_at.map(|at| view! { <Time at/> })}</td>
            </tr>
        }
    });
    let lines = lines.collect_view();
    view! { <DataTable caption=format!("Last errors of {of}") columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{id::ConnectionId, posting::ErpSystem};

    fn connection(circuit: &str, in_flight: i64) -> ConnectionView {
        ConnectionView {
            connection_id: ConnectionId(uuid::Uuid::nil()),
            code: "NS-US".into(),
            system: ErpSystem::Netsuite,
            sandbox: true,
            slots: 8,
            slots_now: 8,
            per_minute: None,
            lanes: Vec::new(),
            throttled: 0,
            throttled_until: None,
            posted_per_minute: 0,
            in_flight,
            queued: 0,
            probing: 0,
            circuit: circuit.into(),
            circuit_reason: Some("invalid_grant".into()),
            circuit_probe_at: None,
            processing_seconds_max: 300,
            request_seconds_max: 75,
            entities: vec!["US".into()],
            last_errors: Vec::new(),
        }
    }

    #[test]
    fn a_stopped_connection_says_why() {
        let html = view! { <ConnectionCard connection=connection("open", 0)/> }.to_html();
        assert!(html.contains("stopped") && html.contains("invalid_grant") && html.contains("sandbox"), "{html}");
        let html = view! { <ConnectionCard connection=connection("closed", 3)/> }.to_html();
        assert!(html.contains("sending") && !html.contains("invalid_grant"), "{html}");
    }

    #[test]
    fn what_is_queued_says_when_it_will_be_gone() {
        let said = |queued, rate| drained(queued, rate).unwrap_or_default();
        assert_eq!([said(0, 0), said(90, 0), said(90, 100)], ["", "nothing was posted in the last minute", "empty in under a minute"]);
        assert_eq!([said(950, 100), said(60_000, 100)], ["empty in about 10 min", "empty in about 10 h"]);
        let mut slowed = connection("closed", 2);
        slowed.slots_now = 4;
        let html = view! { <ConnectionCard connection=slowed/> }.to_html();
        assert!(html.contains("of 8 by contract"), "{html}");
    }

    #[test]
    fn lanes_are_told_in_their_order_and_a_long_one_as_what_was_counted() {
        use domain::lane::Lane;
        let depth = |lane, waiting| LaneDepth { lane, waiting };
        assert_eq!(lanes(&[depth(Lane::Closing, 0), depth(Lane::Normal, 0)]), "nothing waits");
        let told = lanes(&[depth(Lane::Closing, 12), depth(Lane::OldestMoney, 0), depth(Lane::Normal, LaneDepth::COUNTED)]);
        assert_eq!(told, "closing period 12, normal at least 10,000");
    }

    #[test]
    fn long_times_are_told_in_minutes() {
        assert_eq!([seconds(300), seconds(75), seconds(60)], ["5 min", "75 s", "60 s"]);
    }
}
