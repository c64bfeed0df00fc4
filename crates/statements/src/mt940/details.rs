//! `:86:`, information to the account holder: every bank has its own idea of it.

use super::{free, german, slash};
use crate::{input::decode, model::Line, reference::StructuredReference};

/// Adds what the field says to its entry.
pub(super) fn describe(line: &mut Line, raw: &[u8]) {
    let text = decode(raw);
    if let Some(subfields) = german::subfields(&text) {
        german::describe(line, &subfields);
    } else if let Some(coded) = slash::coded(&text) {
        slash::describe(line, &coded);
    } else {
        free::describe(line, &text);
    }
    for reference in StructuredReference::find(&line.text) {
        if !line.structured_references.contains(&reference) {
            line.structured_references.push(reference);
        }
    }
}

/// Adds a text behind another, on a line of its own.
pub(super) fn add_text(line: &mut Line, text: &str) {
    let text = text.trim();
    if !line.text.is_empty() && !text.is_empty() {
        line.text.push('\n');
    }
    line.text.push_str(text);
}

/// A word that may have been cut at the end of a line of the bank.
pub(super) fn unwrapped(text: &str) -> String {
    text.split('\n').collect()
}
