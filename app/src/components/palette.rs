//! Go anywhere by name: pages, saved views, a document, exception or batch by its number, and what can be done on the present
//! page. Nothing is posted from here: an act is led to its button, where its reader sees what he presses.

use crate::api::find::{Found, find_anything};
use leptos::{
    ev, html,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::JsCast,
    web_sys::{Element, HtmlElement},
};
use std::time::Duration;
use web_sys::KeyboardEvent;

/// How long one pauses before the server is asked.
const PAUSE: Duration = Duration::from_millis(150);

/// A line to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Command {
    kind: String,
    label: String,
    detail: String,
    target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Page(String),
    /// The so-manieth thing of the page that can be done.
    Here(u32),
}

/// Lines that hold every word that was typed.
fn matching(all: &[Command], typed: &str) -> Vec<Command> {
    let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
    let holds = |command: &&Command| words.iter().all(|word| command.label.to_lowercase().contains(word.as_str()));
    all.iter().filter(holds).cloned().collect()
}

fn doable() -> Option<leptos::web_sys::NodeList> {
    document().query_selector_all("[data-command]:not(:disabled)").ok()
}

/// What the present page offers, once each.
fn of_this_page() -> Vec<Command> {
    let Some(found) = doable() else { return Vec::new() };
    let mut commands: Vec<Command> = Vec::new();
    for index in 0..found.length() {
        let label = found.item(index).and_then(|node| node.dyn_into::<Element>().ok()?.get_attribute("data-command"));
        let Some(label) = label.filter(|label| commands.iter().all(|known| known.label != *label)) else { continue };
        commands.push(Command { kind: "Here".into(), label, detail: String::new(), target: Target::Here(index) });
    }
    commands
}

fn go(target: &Target) {
    match target {
        Target::Page(href) => drop(window().location().set_href(href)),
        Target::Here(index) => {
            let Some(element) = doable().and_then(|found| found.item(*index)?.dyn_into::<HtmlElement>().ok()) else { return };
            if element.get_attribute("type").as_deref() == Some("submit") { drop(element.focus()) } else { element.click() }
        }
    }
}

fn found(found: Found) -> Command {
    Command { kind: found.kind, label: found.label, detail: found.detail, target: Target::Page(found.href) }
}

/// The button that opens it, and the dialog. `pages`: label and address of what the reader may see.
#[island]
pub fn Palette(pages: Vec<(String, String)>) -> impl IntoView {
    let (dialog, field) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Input>::new());
    let (ready, known, lines) = (RwSignal::new(false), RwSignal::new(Vec::<Command>::new()), RwSignal::new(Vec::<Command>::new()));
    let (at, asked) = (RwSignal::new(0_usize), StoredValue::new(0_u32));
    let pages: Vec<Command> = pages
        .into_iter()
        .map(|(label, href)| Command { kind: "Page".into(), label, detail: String::new(), target: Target::Page(href) })
        .collect();
    let open = Callback::new(move |()| {
        let Some(dialog) = dialog.get_untracked().filter(|dialog| !dialog.open()) else { return };
        known.set(of_this_page().into_iter().chain(pages.clone()).collect());
        lines.set(known.get_untracked());
        at.set(0);
        drop(dialog.show_modal());
        if let Some(field) = field.get_untracked() {
            field.set_value("");
            drop(field.focus());
        }
    });
    let choose = move |index: usize| {
        if let (Some(dialog), Some(line)) = (dialog.get_untracked(), lines.get_untracked().get(index)) {
            dialog.close();
            go(&line.target);
        }
    };
    let typed = move |event| {
        let text = event_target_value(&event);
        let turn = asked.get_value().wrapping_add(1);
        asked.set_value(turn);
        lines.set(matching(&known.get_untracked(), &text));
        at.set(0);
        if text.trim().is_empty() {
            return;
        }
        set_timeout(
            move || {
                if asked.get_value() != turn {
                    return;
                }
                spawn_local(async move {
                    let more = find_anything(text).await.unwrap_or_default();
                    if asked.get_value() == turn {
                        lines.update(|lines| lines.extend(more.into_iter().map(found)));
                    }
                });
            },
            PAUSE,
        );
    };
    let pressed = move |event: KeyboardEvent| {
        let last = lines.with_untracked(Vec::len).saturating_sub(1);
        let now = at.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => at.set(if now >= last { 0 } else { now + 1 }),
            "ArrowUp" => at.set(if now == 0 { last } else { now - 1 }),
            "Enter" => choose(now),
            _ => return,
        }
        event.prevent_default();
        if let Some(line) = document().get_element_by_id(&format!("palette-{}", at.get_untracked())) {
            line.scroll_into_view_with_bool(false);
        }
    };
    Effect::new(move |_| {
        ready.set(true);
        let keys = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                event.prevent_default();
                open.run(());
            }
        });
        on_cleanup(move || keys.remove());
    });
    let list = move || {
        let line = |(index, line): (usize, Command)| {
            let chosen = move || (at.get() == index).to_string();
            view! {
                <li id=format!("palette-{index}") role="option" aria-selected=chosen on:click=move |_| choose(index)>
                    <span>{line.label}</span><small>{line.detail}</small><small class="kind">{line.kind}</small>
                </li>
            }
        };
        lines.get().into_iter().enumerate().map(line).collect_view()
    };
    let none = move || lines.with(Vec::is_empty);
    let count = move || if none() { "Nothing is called so.".to_owned() } else { format!("{} found", lines.with(Vec::len)) };
    let active = move || (!none()).then(|| format!("palette-{}", at.get()));
    view! {
        <button type="button" class="find" hidden=move || !ready.get() on:click=move |_| open.run(())>
            "Find "<kbd>"Ctrl K"</kbd>
        </button>
        <dialog node_ref=dialog class="sheet palette" aria-label="Find">
            <input
                node_ref=field
                type="text"
                role="combobox"
                aria-label="Page, view, number or act"
                aria-autocomplete="list"
                aria-controls="palette-lines"
                aria-expanded=move || (!none()).to_string()
                aria-activedescendant=active
                placeholder="Page, view, number or act"
                autocomplete="off"
                on:input=typed
                on:keydown=pressed
            />
            <ul id="palette-lines" role="listbox" aria-label="Found" hidden=none>{list}</ul>
            <p class="muted" role="status">{count}</p>
        </dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(label: &str) -> Command {
        Command { kind: "Page".into(), label: label.into(), detail: String::new(), target: Target::Here(0) }
    }

    #[test]
    fn a_line_holds_every_word_in_any_order_and_case() {
        let all = ["Exceptions", "Export as CSV", "Replay all that match"].map(command);
        let labels = |typed: &str| matching(&all, typed).into_iter().map(|line| line.label).collect::<Vec<_>>();
        assert_eq!(labels("EX"), ["Exceptions", "Export as CSV"]);
        assert_eq!(labels("csv export"), ["Export as CSV"]);
        assert_eq!(labels("match x"), Vec::<String>::new());
        assert_eq!(labels("  ").len(), 3, "before anything is typed");
    }
}
