//! What came in since the page was made, told as it comes. The rows stay where they are; a link shows the new ones.

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
};
use web_sys::{EventSource, MessageEvent};

/// A connection that tells into `count`. It ends when the server says so, and is not opened again then.
fn listen(live: &str, count: RwSignal<String>) -> Option<EventSource> {
    let source = EventSource::new(live).ok()?;
    let told = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| count.set(event.data().as_string().unwrap_or_default()));
    drop(source.add_event_listener_with_callback("new", told.as_ref().unchecked_ref()));
    let ending = source.clone();
    let ended = Closure::<dyn Fn()>::new(move || ending.close());
    drop(source.add_event_listener_with_callback("end", ended.as_ref().unchecked_ref()));
    // both live as long as the page
    told.forget();
    ended.forget();
    Some(source)
}

/// `live` is where the server tells, `newer` the page of what is new.
#[island]
pub fn News(live: String, newer: String) -> impl IntoView {
    let count = RwSignal::new(String::new());
    Effect::new(move |_| {
        let source = StoredValue::new_local(listen(&live, count));
        // a tab that nobody sees needs no connection
        let live = live.clone();
        let seen = window_event_listener(ev::visibilitychange, move |_| {
            if let Some(source) = source.get_value() {
                source.close();
            }
            source.set_value(if document().hidden() { None } else { listen(&live, count) });
        });
        on_cleanup(move || seen.remove());
    });
    view! {
        <span class="news" role="status">
            {move || {
                let new = count.get();
                let href = newer.clone();
                (!matches!(new.as_str(), "" | "0")).then(|| view! { <a class="button" href=href>{format!("{new} new")}<span class="vh">" since this page was loaded: show them"</span></a> })
            }}
        </span>
    }
}
