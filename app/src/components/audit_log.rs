//! The audit log on screen: the state of its chain, and its entries.

use super::{
    dialog::Fold,
    facts::{Fact, Facts, Id, Time},
    icon::Shape,
    marks::{Tone, Verdict},
    query::Query,
    state::Notice,
    table::{Column, DataTable},
};
use domain::{
    audit::{AuditRow, ChainView},
    job::{JobState, JobView},
    money::grouped,
};
use leptos::prelude::*;

/// A chain in the same database proves accident, not intent: without an anchor the word is never "clean".
fn proved(verified: Option<&JobView>) -> (Tone, Shape, &'static str) {
    match verified {
        Some(run) if run.state == JobState::Completed => (Tone::Ties, Shape::Ties, "proved from raw rows"),
        Some(run) if run.state == JobState::Discarded => (Tone::Off, Shape::Off, "the last proof failed"),
        Some(_) => (Tone::Timing, Shape::Timing, "the last proof is not finished"),
        None => (Tone::None, Shape::Dash, "not proved yet"),
    }
}

#[component]
pub fn Chain(chain: ChainView, #[prop(optional_no_strip)] verified: Option<JobView>) -> AnyView {
    let (tone, shape, words) = proved(verified.as_ref());
    let at = verified.as_ref().and_then(|run| run.finished_at);
    let failure = verified.filter(|run| run.state == JobState::Discarded).and_then(|run| run.result);
    view! {
        {failure.map(|text| view! { <Notice tone=Tone::Off title="The books do not verify" text/> })}
        <section class="card pane record" aria-label="State of the chain">
            <Facts>
                <Fact label="Entries">{grouped(chain.sequence.into())}</Fact>
                <Fact label="Head of the chain"><Id value=chain.hash/></Fact>
                <Fact label="Anchor"><Verdict tone=Tone::Timing shape=Shape::Timing>"unanchored since "<Time at=chain.unanchored_since/></Verdict></Fact>
                <Fact label="Chain"><Verdict tone shape>{words}</Verdict>{at.map(|at| view! { " "<small><Time at/></small> })}</Fact>
            </Facts>
        </section>
    }
    .into_any()
}

/// JSON as people read it; what is no JSON is shown as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

/// Entries as a table.
#[component]
pub fn AuditTable(#[prop(into)] caption: String, #[prop(into)] note: String, rows: Vec<AuditRow>) -> AnyView {
    let lines = rows.into_iter().map(|row| view! { <AuditLine row/> }).collect_view();
    let texts = ["When", "Who", "Did", "To", "Entity", "Change"].map(Column::text);
    let columns = std::iter::once(Column::number("No.")).chain(texts).collect();
    view! { <DataTable caption note columns cards=true><tbody>{lines}</tbody></DataTable> }.into_any()
}

#[component]
fn AuditLine(row: AuditRow) -> AnyView {
    let history = Query::new("/audit", &[("subject", &row.subject)]).href();
    let part = |title: &'static str, text: Option<String>| {
        text.map(|text| view! { <div><h3>{title}</h3><pre class="payload">{pretty(&text)}</pre></div> })
    };
    let summary = match (&row.before, &row.after) {
        (Some(_), Some(_)) => "Before and after",
        (Some(_), None) => "Before",
        (None, Some(_)) => "What was written",
        (None, None) => "Seal",
    };
    let (before, after) = (part("Before", row.before), part("After", row.after));
    view! {
        <tr class="tall">
            <td class="num" data-label="No.">{grouped(row.sequence.into())}</td>
            <td data-label="When"><Time at=row.at/></td>
            <td data-label="Who">{row.actor}</td>
            <th scope="row" data-label="Did">{row.action}</th>
            <td data-label="To"><a class="id" href=history title="Its history">{row.subject}</a></td>
            <td data-label="Entity">{row.entity_code.unwrap_or_else(|| "–".to_owned())}</td>
            <td><Fold summary>{before}{after}<p class="muted">"Hash "<span class="id">{row.hash}</span></p></Fold></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditRow {
        AuditRow {
            sequence: 1204,
            at: chrono::DateTime::UNIX_EPOCH,
            actor: "ada@lumen.example".into(),
            action: "mapping.propose".into(),
            subject: "mapping:1 & 2".into(),
            entity_code: None,
            before: None,
            after: Some(r#"{"target":"<M-40017>"}"#.into()),
            hash: "9f3c".into(),
        }
    }

    #[test]
    fn a_line_shows_what_was_written_and_leads_to_the_history() {
        let html = view! { <AuditLine row=row()/> }.to_html();
        assert!(html.contains("/audit?subject=mapping%3A1%20%26%202") && html.contains("1,204"), "{html}");
        assert!(html.contains("What was written") && html.contains("&lt;M-40017&gt;"), "{html}");
    }

    #[test]
    fn without_an_anchor_the_chain_is_never_called_clean() {
        let chain = ChainView { sequence: 7, hash: "ab".into(), unanchored_since: chrono::DateTime::UNIX_EPOCH };
        let html = view! { <Chain chain verified=None/> }.to_html();
        assert!(html.contains("unanchored since") && html.contains("not proved yet") && !html.contains("clean"), "{html}");
    }
}
