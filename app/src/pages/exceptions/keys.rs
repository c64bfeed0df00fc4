//! The queue by keyboard, over the table that the server made: a key moves the focus or presses what stands on the page, so
//! whatever it does can be seen, and done without it. The exception that is opened comes beside the list.

use crate::components::{
    keyboard::{KeyHelp, all, focus, is_taken, one, switched_off},
    write_to_clipboard,
};
use leptos::{
    ev,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::{JsCast, JsValue},
    web_sys::{Element, HtmlElement},
};
use std::{cell::Cell, time::Duration};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, DomParser, HtmlInputElement, KeyboardEvent, MouseEvent, RequestInit, Response, SupportedType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Next,
    Previous,
    Select,
    Replay,
    Assign,
    Comment,
    Edit,
    Undo,
    Find,
    Help,
}

/// What each key does, in the order of the help.
const KEYS: [(&str, Act, &str); 10] = [
    ("j", Act::Next, "next exception"),
    ("k", Act::Previous, "the one before"),
    ("x", Act::Select, "tick or untick it"),
    ("r", Act::Replay, "replay what is ticked: Enter freezes it into a set"),
    ("a", Act::Assign, "give what is ticked an owner"),
    ("c", Act::Comment, "comment on it"),
    ("e", Act::Edit, "fix the cause, or open the exception"),
    ("u", Act::Undo, "undo the last assignment"),
    ("/", Act::Find, "filter"),
    ("?", Act::Help, "this help"),
];

/// Keys that the browser knows already.
const OTHERS: [(&str, &str); 3] =
    [("Enter", "open the exception beside the list"), ("Esc", "close it"), ("Ctrl K", "go anywhere, find a number")];

fn act_of(key: &str) -> Option<Act> {
    KEYS.iter().find(|(known, ..)| *known == key).map(|(_, act, _)| *act)
}

/// From here on there is room for two; below, the panel is the page.
const WIDE: &str = "(width >= 900px)";

/// Focuses a field and selects what stands in it, ready to be typed over.
fn focus_field(selector: &str) -> bool {
    let Some(field) = one::<HtmlElement>(selector) else { return false };
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.select();
    }
    field.focus().is_ok()
}

fn is_wide() -> bool {
    window().match_media(WIDE).ok().flatten().is_none_or(|media| media.matches())
}

/// Enter in a field of the selection presses the button beside it; the form's own first button does nothing.
fn press_beside(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok()).filter(|_| event.key() == "Enter");
    let pair = target.filter(|target| target.tag_name() == "INPUT").and_then(|target| target.closest(".selection .pair").ok()?);
    let button = pair.and_then(|pair| pair.query_selector("button:enabled").ok()??.dyn_into::<HtmlElement>().ok());
    if let Some(button) = button.filter(|_| !event.is_composing()) {
        event.prevent_default();
        button.click();
        return true;
    }
    false
}

/// Which exception an address opens.
fn opened(search: &str) -> Option<&str> {
    search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("open=")).filter(|id| !id.is_empty())
}

fn opened_here() -> Option<String> {
    opened(&window().location().search().ok()?).map(str::to_owned)
}

/// Whoever holds a key down goes through many exceptions; only the one where he stops is asked for.
const PASSING: Duration = Duration::from_millis(150);

/// The part of another page that stands beside the list.
async fn part(url: &str, signal: Option<AbortSignal>) -> Option<String> {
    let asked = RequestInit::new();
    asked.set_signal(signal.as_ref());
    let answer = JsFuture::from(window().fetch_with_str_and_init(&format!("{url}&part=beside"), &asked));
    let answer: Response = answer.await.ok()?.dyn_into().ok()?;
    let text = JsFuture::from(answer.text().ok()?).await.ok()?.as_string()?;
    let page = DomParser::new().ok()?.parse_from_string(&text, SupportedType::TextHtml).ok()?;
    let within = page.query_selector("#beside").ok()??.inner_html();
    (answer.ok() && !within.is_empty()).then_some(within)
}

/// The address of the page, and of every form that leads back to it.
fn set_address(url: &str, push: bool) {
    if let Ok(history) = window().history() {
        let set = if push {
            history.push_state_with_url(&JsValue::NULL, "", Some(url))
        } else {
            history.replace_state_with_url(&JsValue::NULL, "", Some(url))
        };
        // an address that can't be set is not worth the panel
        drop(set);
    }
    for back in all("main input[name=back]") {
        if let Ok(back) = back.dyn_into::<HtmlInputElement>() {
            back.set_value(url);
        }
    }
}

fn panel() -> Option<Element> {
    one("#beside")
}

fn is_open() -> bool {
    panel().is_some_and(|panel| panel.child_element_count() > 0)
}

thread_local! {
    /// Ends the request for the panel that was asked for last. A page has one, and a server none: it has no threads to share it with.
    static REQUEST: Cell<Option<AbortController>> = const { Cell::new(None) };
}

/// Where the reader is in the list.
#[derive(Clone, Copy)]
struct Desk {
    /// The row he was on last.
    at: StoredValue<Option<String>>,
    /// The panel that was asked for last; an earlier one that comes later is not shown.
    asked: StoredValue<u32>,
    /// The exception that the page shows; back and forward lead to another one, a link within the page does not.
    shown: StoredValue<Option<String>>,
    said: RwSignal<String>,
}

impl Desk {
    fn say(self, text: impl Into<String>) {
        self.said.set(text.into());
    }

    /// The row with the focus, or the one that had it last.
    fn row(self) -> Option<Element> {
        let focused = document().active_element().and_then(|element| element.closest("tr[data-row]").ok()?);
        let last = || self.at.get_value().and_then(|id| one(&format!("tr[data-row='{id}']")));
        focused.or_else(last)
    }

    fn row_or_first(self) -> Option<Element> {
        self.row().or_else(|| one("tr[data-row]"))
    }

    fn go_to(self, row: &Element) {
        self.at.set_value(row.get_attribute("data-row"));
        let Some(link) = link_of(row) else { return };
        drop(link.focus());
        if is_open() {
            self.open(&link, false);
        }
    }

    fn step(self, forward: bool) {
        let rows = all("tr[data-row]");
        let here = self.row().and_then(|row| rows.iter().position(|other| *other == row));
        let next = match here {
            None => Some(0),
            Some(at) if forward => Some(at + 1),
            Some(at) => at.checked_sub(1),
        };
        match next.and_then(|next| rows.get(next)) {
            Some(row) => self.go_to(row),
            None => self.say(if forward { "The last on this page." } else { "The first on this page." }),
        }
    }

    fn tick(self) {
        let Some(row) = self.row_or_first() else { return };
        self.go_to(&row);
        match box_of(&row) {
            Some(tick) if tick.disabled() => self.say("All that match are chosen."),
            Some(tick) => tick.click(),
            None => {}
        }
    }

    /// An act needs something to act on: with nothing ticked it is the row one stands on.
    fn tick_something(self) {
        if one::<Element>("tr[data-row] input:checked").is_none()
            && let Some(tick) = self.row_or_first().as_ref().and_then(box_of)
        {
            tick.click();
        }
    }

    fn replay(self) {
        self.tick_something();
        if focus("[data-key=replay]:enabled") {
            self.say("Press Enter to freeze what is ticked into a replay set.");
        } else {
            self.say("You may not replay these.");
        }
    }

    fn assign(self) {
        self.tick_something();
        focus_field("#assign-owner");
    }

    fn comment(self) {
        if !focus("#beside textarea[name=body]") {
            self.tick_something();
            focus_field("#bulk-comment");
        }
    }

    fn edit(self) {
        if focus("main input[name=target_ref]") {
            return;
        }
        if let Some(link) = self.row_or_first().as_ref().and_then(link_of) {
            self.open(&link, true);
        }
    }

    /// Opens the exception of a link beside the list; where there is no room for two, its page.
    fn open(self, link: &HtmlElement, enter: bool) {
        let Some(url) = link.get_attribute("data-beside").filter(|_| is_wide()) else { return link.click() };
        let turn = self.ask_anew();
        let link = link.clone();
        let fetch = move || {
            if self.asked.get_value() == turn {
                spawn_local(self.fetch(turn, url, link, enter));
            }
        };
        if enter { fetch() } else { set_timeout(fetch, PASSING) }
    }

    /// Gives up what was asked for last.
    fn ask_anew(self) -> u32 {
        if let Some(request) = REQUEST.take() {
            request.abort();
        }
        self.asked.update_value(|turn| *turn = turn.wrapping_add(1));
        self.asked.get_value()
    }

    async fn fetch(self, turn: u32, url: String, link: HtmlElement, enter: bool) {
        let request = AbortController::new().ok();
        REQUEST.set(request.clone());
        let within = part(&url, request.map(|request| request.signal())).await;
        if self.asked.get_value() != turn {
            return;
        }
        let (Some(within), Some(panel)) = (within, panel()) else {
            // signed out, or it is gone: the server says which
            drop(window().location().set_href(&url));
            return;
        };
        let push = !is_open();
        panel.set_inner_html(&within);
        panel.set_scroll_top(0);
        set_address(&url, push);
        self.shown.set_value(opened_here());
        mark(Some(&link));
        self.say(format!("{} is open beside the list.", link.text_content().unwrap_or_default()));
        if enter {
            let _ = focus("#beside input[name=target_ref]") || focus("#beside h2");
        }
    }

    fn close(self) {
        self.ask_anew();
        let url = one::<Element>("#beside a.close").and_then(|link| link.get_attribute("href"));
        if let (Some(panel), Some(url)) = (panel(), url) {
            panel.set_inner_html("");
            set_address(&url, false);
            self.shown.set_value(opened_here());
            mark(None);
            if let Some(link) = self.row().as_ref().and_then(link_of) {
                drop(link.focus());
            }
        }
    }

    fn press(self, event: &KeyboardEvent, help: impl Fn()) {
        if press_beside(event) || is_taken(event) {
            return;
        }
        if event.key() == "Escape" && is_open() {
            return self.close();
        }
        let Some(act) = act_of(&event.key()).filter(|_| !switched_off()) else { return };
        event.prevent_default();
        match act {
            Act::Next => self.step(true),
            Act::Previous => self.step(false),
            Act::Select => self.tick(),
            Act::Replay => self.replay(),
            Act::Assign => self.assign(),
            Act::Comment => self.comment(),
            Act::Edit => self.edit(),
            Act::Undo => {
                if !focus("[data-key=undo]") {
                    self.say("There is nothing to undo.");
                }
            }
            Act::Find => drop(focus(".filters select, .filters input:not([type=hidden])")),
            Act::Help => help(),
        }
    }

    fn click(self, event: &MouseEvent) {
        let plain = event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()).filter(|_| plain) else { return };
        let within = |selector: &str| target.closest(selector).ok().flatten();
        if within("#beside a.close").is_some() {
            event.prevent_default();
            self.close();
        } else if let Some(text) = within("#beside button[data-copy]").and_then(|button| button.get_attribute("data-copy")) {
            // the panel was fetched as HTML: its islands have no script of their own
            self.say(if write_to_clipboard(&text).is_ok() { "Copied." } else { "The browser does not let a page copy here." });
        } else if let Some(link) = within("a[data-beside]").and_then(|link| link.dyn_into::<HtmlElement>().ok()).filter(|_| is_wide()) {
            event.prevent_default();
            self.at.set_value(link.closest("tr[data-row]").ok().flatten().and_then(|row| row.get_attribute("data-row")));
            self.open(&link, true);
        }
    }
}

fn link_of(row: &Element) -> Option<HtmlElement> {
    row.query_selector("a[data-beside]").ok()??.dyn_into().ok()
}

fn box_of(row: &Element) -> Option<HtmlInputElement> {
    row.query_selector("input[type=checkbox]").ok()??.dyn_into().ok()
}

/// Shows in the list which one is open.
fn mark(link: Option<&HtmlElement>) {
    for other in all("a[data-beside][aria-current]") {
        drop(other.remove_attribute("aria-current"));
    }
    if let Some(link) = link {
        drop(link.set_attribute("aria-current", "true"));
    }
}

/// The button of the help, the help, and the keys themselves.
#[island]
pub fn Keys() -> impl IntoView {
    let help = KeyHelp::new();
    let desk = Desk { at: StoredValue::new(None), asked: StoredValue::new(0), shown: StoredValue::new(None), said: help.said };
    Effect::new(move |_| {
        help.wake();
        desk.shown.set_value(opened_here());
        let keys = window_event_listener(ev::keydown, move |event| desk.press(&event, || help.open()));
        let clicks = window_event_listener(ev::click, move |event| desk.click(&event));
        // back and forward: the address says what is open, and the server shows it
        let moved = window_event_listener(ev::popstate, move |_| {
            if desk.shown.get_value() != opened_here() {
                drop(window().location().reload());
            }
        });
        on_cleanup(move || {
            keys.remove();
            clicks.remove();
            moved.remove();
        });
    });
    let own = KEYS.iter().map(|(key, _, words)| (*key, *words));
    help.view(own.chain(OTHERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_within_the_page_opens_no_other_exception() {
        assert_eq!(opened("?kind=tax&open=17"), Some("17"));
        assert_eq!((opened(""), opened("?reopen=1"), opened("?open=")), (None, None, None));
    }

    #[test]
    fn every_key_does_one_thing_and_is_in_the_help() {
        for (index, (key, act, words)) in KEYS.iter().enumerate() {
            assert_eq!(act_of(key), Some(*act));
            assert!(!words.is_empty() && KEYS[..index].iter().all(|(other, ..)| other != key), "{key}");
        }
        assert_eq!(act_of("J"), None, "a capital is somebody else's");
        assert_eq!(act_of("Tab"), None);
    }
}
