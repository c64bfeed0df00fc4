//! The chart of the last weeks: documents that came in, were posted and were confirmed, by day.

use crate::{
    api::home::FLOW_DAYS,
    components::{Chart, Empty, Plot, Series},
};
use chrono::{DateTime, Utc};
use domain::home::{Flow, FlowDay};
use leptos::prelude::*;

#[component]
pub fn FlowChart(flow: Flow, now: DateTime<Utc>) -> AnyView {
    let Some(counted_at) = flow.counted_at else {
        return view! {
            <section id="flow" class="anchor record">
                <Empty title="Documents by day are not counted yet" text="A job counts them every quarter of an hour; the Jobs page can run it now."/>
            </section>
        }
        .into_any();
    };
    // an entity ahead of UTC may have begun its next day
    let last = flow.days.last().map_or(now.date_naive(), |flow| flow.day.max(now.date_naive()));
    let days = flow.calendar(last, FLOW_DAYS);
    let series =
        |name: &str, of: fn(&FlowDay) -> i64| Series { name: name.to_owned(), values: days.iter().map(|day| of(day).into()).collect() };
    let labels = days.iter().map(|day| day.day.format("%m-%d").to_string()).collect();
    let note = format!("last {FLOW_DAYS} days in each entity’s time zone, counted {}", counted_at.format("%Y-%m-%d %H:%M UTC"));
    view! {
        <section id="flow" class="anchor">
            <Chart
                title="Documents by day"
                note
                unit="documents"
                plot=Plot::Line
                labels
                series=vec![series("Came in", |day| day.came_in), series("Posted", |day| day.posted), series("Confirmed", |day| day.confirmed)]
            />
        </section>
    }
    .into_any()
}
