//! What was sent and what came back, as it was.

use leptos::prelude::*;

/// A payload is scrolled by keyboard too, hence the tab stop.
#[component]
pub fn Payload(#[prop(into)] text: String) -> impl IntoView {
    view! { <pre class="payload" tabindex="0">{indented(&text)}</pre> }
}

/// JSON on many lines. Only white space changes: digits stay as they were sent, and what is no JSON stays as it is.
fn indented(text: &str) -> String {
    let Some(start) = text.find(['{', '[']) else { return text.to_owned() };
    let (head, body) = text.split_at(start);
    if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() {
        return text.to_owned();
    }
    let mut out = head.to_owned();
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    let mut chars = body.chars().peekable();
    while let Some(char) = chars.next() {
        if quoted {
            out.push(char);
            (quoted, escaped) = (escaped || char != '"', !escaped && char == '\\');
            continue;
        }
        match char {
            '{' | '[' => {
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                out.push(char);
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                quoted = true;
                out.push(char);
            }
            white if white.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_white_space_changes() {
        let sent = r#"POST /record HTTP/1.1

{"amount":10.500,"name":"a\"{,:","lines":[{"n":1} , {}],"none":[ ]}"#;
        let expected = "POST /record HTTP/1.1\n\n{\n  \"amount\": 10.500,\n  \"name\": \"a\\\"{,:\",\n  \"lines\": [\n    {\n      \"n\": 1\n    },\n    {}\n  ],\n  \"none\": []\n}";
        assert_eq!(indented(sent), expected);
        for other in ["{not json", "502 Bad Gateway", "", "<html>[x]</html>"] {
            assert_eq!(indented(other), other);
        }
    }
}
