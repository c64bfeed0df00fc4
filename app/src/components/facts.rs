//! Identifiers, times and other facts about one thing.

use super::icon::{Icon, Shape};
use chrono::{DateTime, FixedOffset, Offset, Utc};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

/// Facts as term and description.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

#[component]
pub fn Fact(#[prop(into)] label: String, children: Children) -> impl IntoView {
    view! { <div><dt>{label}</dt><dd>{children()}</dd></div> }
}

/// An instant and the zone it is shown in; UTC unless an entity's zone is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    utc: DateTime<Utc>,
    offset: FixedOffset,
    zone: String,
}

impl From<DateTime<Utc>> for Moment {
    fn from(utc: DateTime<Utc>) -> Self {
        Self { utc, offset: Utc.fix(), zone: "UTC".to_owned() }
    }
}

impl Moment {
    /// `zone` as people say it: Berlin.
    pub fn in_zone(local: DateTime<FixedOffset>, zone: impl Into<String>) -> Self {
        Self { utc: local.with_timezone(&Utc), offset: *local.offset(), zone: zone.into() }
    }

    fn text(&self) -> String {
        format!("{} {}", self.utc.with_timezone(&self.offset).format("%Y-%m-%d %H:%M"), self.zone)
    }
}

/// A time with its zone; UTC to the second in the title.
#[component]
pub fn Time(#[prop(into)] at: Moment) -> impl IntoView {
    view! { <time class="nowrap" datetime=at.utc.to_rfc3339() title=at.utc.format("%Y-%m-%d %H:%M:%S UTC").to_string()>{at.text()}</time> }
}

/// How long something has been open, as operations count: hours, then days.
pub fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - since).num_hours() {
        ..1 => "< 1 h".to_owned(),
        hours @ 1..24 => format!("{hours} h"),
        hours @ 24..168 if hours % 24 != 0 => format!("{} d {} h", hours / 24, hours % 24),
        hours => format!("{} d", hours / 24),
    }
}

#[wasm_bindgen]
extern "C" {
    /// Refused outside a secure context.
    #[wasm_bindgen(catch, js_namespace = ["navigator", "clipboard"], js_name = writeText)]
    pub fn write_to_clipboard(text: &str) -> Result<JsValue, JsValue>;
}

/// An identifier in full; a button beside it copies it.
#[component]
pub fn Id(#[prop(into)] value: String) -> impl IntoView {
    view! { <span class="id">{value.clone()}</span><CopyButton text=value/> }
}

#[island]
pub fn CopyButton(text: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let label = format!("Copy {text}");
    view! {
        <button type="button" class="copy" aria-label=label data-copy=text.clone() on:click=move |_| copied.set(write_to_clipboard(&text).is_ok())>
            {move || if copied.get() { view! { <Icon shape=Shape::Ties/> } } else { view! { <Icon shape=Shape::Copy/> } }}
        </button>
        <span class="vh" role="status">{move || copied.get().then_some("copied")}</span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn an_age_is_told_in_hours_and_days() {
        let since = DateTime::UNIX_EPOCH;
        let after = |hours| age(since, since + TimeDelta::hours(hours));
        assert_eq!([after(0), after(5), after(24), after(76), after(200)], ["< 1 h", "5 h", "1 d", "3 d 4 h", "8 d"]);
    }

    #[test]
    fn a_time_shows_its_zone_and_keeps_utc() {
        let local = DateTime::parse_from_rfc3339("2026-10-31T18:00:00+01:00").unwrap();
        let html = view! { <Time at=Moment::in_zone(local, "Berlin")/> }.to_html();
        assert!(html.contains("2026-10-31 18:00 Berlin") && html.contains("title=\"2026-10-31 17:00:00 UTC\""), "{html}");
        assert!(view! { <Time at=local.with_timezone(&Utc)/> }.to_html().contains("2026-10-31 17:00 UTC"));
    }
}
