//! The workbench by keyboard: a key moves the focus or presses what stands on the page, so it can be seen, and done without it.

use crate::components::keyboard::{KeyHelp, all, focus, is_taken, one, switched_off};
use leptos::{ev, prelude::*, wasm_bindgen::JsCast, web_sys::HtmlElement};
use web_sys::KeyboardEvent;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Next,
    Previous,
    /// The button of a suggestion, from 1.
    Suggestion(u8),
    ByHand,
    Find,
    Help,
}

/// What each key does, in the order of the help.
const KEYS: [(&str, Act, &str); 8] = [
    ("j", Act::Next, "next payment"),
    ("k", Act::Previous, "the one before"),
    ("1", Act::Suggestion(1), "to the first suggestion: Enter applies it"),
    ("2", Act::Suggestion(2), "to the second"),
    ("3", Act::Suggestion(3), "to the third"),
    ("c", Act::ByHand, "choose invoices by hand"),
    ("/", Act::Find, "filter"),
    ("?", Act::Help, "this help"),
];

/// Keys that the browser knows already.
const OTHERS: [(&str, &str); 3] =
    [("Space", "tick the invoice"), ("Enter", "press what has the focus"), ("Ctrl K", "go anywhere, find a number")];

fn act_of(key: &str) -> Option<Act> {
    KEYS.iter().find(|(known, ..)| *known == key).map(|(_, act, _)| *act)
}

/// Which payment a step leads to; one that is not listed any more is before the first.
fn step(here: Option<usize>, forward: bool) -> Option<usize> {
    match (here, forward) {
        (None, true) => Some(0),
        (None, false) => None,
        (Some(at), true) => Some(at + 1),
        (Some(at), false) => at.checked_sub(1),
    }
}

fn go(forward: bool) -> Result<(), &'static str> {
    let payments = all("a[data-payment]");
    let here = payments.iter().position(|link| link.has_attribute("aria-current"));
    let next = step(here, forward).and_then(|next| payments.get(next)).and_then(|link| link.dyn_ref::<HtmlElement>());
    let next = next.ok_or(if forward { "The last on this page." } else { "The first on this page." })?;
    next.click();
    Ok(())
}

/// A filter that is folded is unfolded first.
fn find() {
    if let Some(fold) = one::<HtmlElement>(".payments details:not([open]) > summary") {
        fold.click();
    }
    focus(".payments .filters select");
}

fn press(help: KeyHelp, event: &KeyboardEvent) {
    if is_taken(event) {
        return;
    }
    let Some(act) = act_of(&event.key()).filter(|_| !switched_off()) else { return };
    event.prevent_default();
    let done = match act {
        Act::Next => go(true),
        Act::Previous => go(false),
        Act::Suggestion(number) => {
            let button = format!("[data-suggestion='{number}'] form > button:enabled");
            if focus(&button) { Ok(()) } else { Err("There is no such suggestion to press.") }
        }
        Act::ByHand => {
            if focus("#apply [data-part=take]") || focus(".whose input") {
                Ok(())
            } else {
                Err("Nothing is open of it.")
            }
        }
        Act::Find => {
            find();
            Ok(())
        }
        Act::Help => {
            help.open();
            Ok(())
        }
    };
    if let Err(words) = done {
        help.said.set(words.to_owned());
    }
}

#[island]
pub fn BenchKeys() -> impl IntoView {
    let help = KeyHelp::new();
    Effect::new(move |_| {
        help.wake();
        let keys = window_event_listener(ev::keydown, move |event| press(help, &event));
        on_cleanup(move || keys.remove());
    });
    help.view(KEYS.iter().map(|(key, _, words)| (*key, *words)).chain(OTHERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_does_one_thing_and_is_in_the_help() {
        for (index, (key, act, words)) in KEYS.iter().enumerate() {
            assert_eq!(act_of(key), Some(*act));
            assert!(!words.is_empty() && KEYS[..index].iter().all(|(other, ..)| other != key), "{key}");
        }
        assert_eq!(act_of("4"), None);
    }

    #[test]
    fn a_payment_that_was_just_applied_leads_to_the_first_that_is_left() {
        assert_eq!((step(None, true), step(None, false)), (Some(0), None));
        assert_eq!((step(Some(3), true), step(Some(3), false), step(Some(0), false)), (Some(4), Some(2), None));
    }
}
