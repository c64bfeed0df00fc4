//! What pages with keys share: finding what stands on the page, keys that belong to something else, and the help with the switch.

use leptos::{
    html,
    prelude::*,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement},
};
use web_sys::KeyboardEvent;

/// Where single keys are switched off (WCAG 2.1.4), remembered by the browser.
const OFF: &str = "tieout-keys-off";

pub fn one<T: JsCast>(selector: &str) -> Option<T> {
    document().query_selector(selector).ok()??.dyn_into().ok()
}

pub fn all(selector: &str) -> Vec<Element> {
    let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

pub fn focus(selector: &str) -> bool {
    one::<HtmlElement>(selector).is_some_and(|element| element.focus().is_ok())
}

pub fn switched_off() -> bool {
    window().local_storage().ok().flatten().and_then(|kept| kept.get_item(OFF).ok().flatten()).is_some()
}

/// Keys that belong to something else: to a field, to a dialog, to the browser.
pub fn is_taken(event: &KeyboardEvent) -> bool {
    let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let typed = target.is_some_and(|target| {
        target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog").is_ok_and(|found| found.is_some())
    });
    modified || typed || event.default_prevented() || event.is_composing() || one::<Element>("dialog[open]").is_some()
}

/// The help of a page's keys: its button, its dialog with the switch, and what is said aloud.
#[derive(Clone, Copy)]
pub struct KeyHelp {
    dialog: NodeRef<html::Dialog>,
    off: RwSignal<bool>,
    ready: RwSignal<bool>,
    pub said: RwSignal<String>,
}

impl KeyHelp {
    #[expect(clippy::new_without_default, reason = "it makes signals: not a value that another is made from")]
    pub fn new() -> Self {
        Self { dialog: NodeRef::new(), off: RwSignal::new(false), ready: RwSignal::new(false), said: RwSignal::new(String::new()) }
    }

    /// Shows the button, now that the keys work.
    pub fn wake(self) {
        self.off.set(switched_off());
        self.ready.set(true);
    }

    pub fn open(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            drop(dialog.show_modal());
        }
    }

    fn switch(self) {
        self.off.update(|off| *off = !*off);
        if let Ok(Some(kept)) = window().local_storage() {
            drop(if self.off.get_untracked() { kept.set_item(OFF, "1") } else { kept.remove_item(OFF) });
        }
    }

    /// `lines`: each key and what it does.
    pub fn view(self, lines: impl Iterator<Item = (&'static str, &'static str)>) -> impl IntoView {
        let lines = lines.map(|(key, words)| view! { <div><dt><kbd>{key}</kbd></dt><dd>{words}</dd></div> }).collect_view();
        view! {
            <button type="button" class="quiet" data-command="Keyboard help" hidden=move || !self.ready.get() on:click=move |_| self.open()>"Keyboard "<kbd>"?"</kbd></button>
            <span class="vh" role="status">{move || self.said.get()}</span>
            <dialog node_ref=self.dialog class="sheet" aria-labelledby="keys-title">
                <form method="dialog" class="sheet-head"><h2 id="keys-title">"Keyboard"</h2><button type="submit" class="quiet">"Close"</button></form>
                <dl class="keys">{lines}</dl>
                <label class="check"><input type="checkbox" prop:checked=move || !self.off.get() on:change=move |_| self.switch()/>"Single keys act on this page"</label>
            </dialog>
        }
    }
}
