//! The state of a page is its URL: path and query string. Links and forms change one key and keep the others.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use std::str::FromStr;

/// Where a list stands; meaningless as soon as anything else about the list changes.
const POSITION: [&str; 2] = ["after", "before"];

/// What a form's answer says was done; shown once, carried nowhere.
pub const DONE: &str = "done";
/// The act on many whose answer it is, when it left something alone; and the one that can be undone.
pub const DID: &str = "did";
pub const UNDO: &str = "undo";
const ANSWER: [&str; 3] = [DONE, DID, UNDO];

/// Whether a key belongs to the answer of a form, not to the page.
pub fn is_answer(key: &str) -> bool {
    ANSWER.contains(&key) || key.starts_with("__")
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Query {
    pub fn new(path: impl Into<String>, pairs: &[(&str, &str)]) -> Self {
        Self { path: path.into(), pairs: pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect() }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key; an empty one (a form field left blank) is no value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, value)| k == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The value in its type; what can't be read is ignored, as a hand-made link should not break a page.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    /// The same page with one key set and the list back at its beginning.
    pub fn with(&self, key: &str, value: impl ToString) -> Self {
        let mut changed = self.without(key);
        changed.pairs.push((key.to_owned(), value.to_string()));
        changed
    }

    /// The same place in the list with one key changed: what is ticked or opened on it.
    pub fn here_with(&self, key: &str, value: impl ToString) -> Self {
        let mut changed = self.here_without(key);
        changed.pairs.push((key.to_owned(), value.to_string()));
        changed
    }

    pub fn here_without(&self, key: &str) -> Self {
        self.keeping(|k| k != key)
    }

    pub fn without(&self, key: &str) -> Self {
        self.keeping(|k| k != key && !POSITION.contains(&k))
    }

    /// The same keys at another path, without the position in the list left behind: used by links that drill down.
    pub fn at(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.keeping(|k| !POSITION.contains(&k)) }
    }

    /// The same keys and the same place at another path: the way to one thing of a list, and back.
    pub fn moved(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// Only the keys named, nothing else.
    pub fn only(&self, keys: &[&str]) -> Self {
        self.keeping(|k| keys.contains(&k))
    }

    pub fn href(&self) -> String {
        let mut out = self.path.clone();
        for (index, (key, value)) in self.pairs.iter().filter(|(_, value)| !value.is_empty()).enumerate() {
            out.push(if index == 0 { '?' } else { '&' });
            push_escaped(&mut out, key);
            out.push('=');
            push_escaped(&mut out, value);
        }
        out
    }

    /// Hidden fields for a GET form that asks for `own` itself and must keep the rest.
    pub fn hidden(&self, own: &[&str]) -> impl IntoView + use<> {
        self.keeping(|k| !own.contains(&k) && !POSITION.contains(&k))
            .pairs
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
            .collect_view()
    }

    fn keeping(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self { path: self.path.clone(), pairs: self.pairs.iter().filter(|(key, _)| keep(key)).cloned().collect() }
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3), so that a period stays readable.
fn push_escaped(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The query of the page being rendered, without what the answer of a form said in it.
pub fn use_query() -> Query {
    let pairs = use_query_map().get_untracked().into_iter().map(|(key, value)| (key.into_owned(), value));
    let own = |(key, _): &(String, String)| !is_answer(key);
    Query { path: use_location().pathname.get_untracked(), pairs: pairs.filter(own).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        Query::new("/batches", &[("entity", "DE"), ("period", "2026-10"), ("after", "abc"), ("q", "")])
    }

    #[test]
    fn a_link_changes_one_key_and_starts_the_list_again() {
        assert_eq!(query().with("entity", "US").href(), "/batches?period=2026-10&entity=US");
        assert_eq!(query().with("after", "xyz").href(), "/batches?entity=DE&period=2026-10&after=xyz");
        assert_eq!(query().without("entity").href(), "/batches?period=2026-10");
        assert_eq!(query().at("/exceptions").href(), "/exceptions?entity=DE&period=2026-10");
    }

    #[test]
    fn a_value_can_not_break_out_of_its_place() {
        assert_eq!(Query::new("/x", &[("q", "a&b=c\"<")]).href(), "/x?q=a%26b%3Dc%22%3C");
    }

    #[test]
    fn a_blank_field_is_no_value() {
        assert_eq!(query().get("q"), None);
        assert_eq!(query().parsed::<u32>("entity"), None);
        assert_eq!(query().get("entity"), Some("DE"));
    }

    #[test]
    fn a_form_keeps_what_it_does_not_ask_for() {
        let html = query().hidden(&["entity"]).to_html();
        assert!(html.contains("name=\"period\" value=\"2026-10\""), "{html}");
        assert!(!html.contains("entity") && !html.contains("after"), "{html}");
    }
}
