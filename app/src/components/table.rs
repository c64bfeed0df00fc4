//! Data tables: real headings with a scope, a caption, head and totals that stay in sight, cards on a phone.
//! Rows are plain `<tr>`; a cell that needs its heading on a phone says it in `data-label`.

use super::icon::{Icon, Shape};
use leptos::prelude::*;

/// A column heading. Figures stand at the right.
#[derive(Debug, Clone, Default)]
pub struct Column {
    label: String,
    number: bool,
    sort: Option<(String, bool)>,
}

impl Column {
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    pub fn number(label: impl Into<String>) -> Self {
        Self { label: label.into(), number: true, sort: None }
    }

    /// Makes the heading a link that sorts by it; `current` marks the column that decides the order now.
    pub fn sorted_by(self, href: impl Into<String>, current: bool) -> Self {
        Self { sort: Some((href.into(), current)), ..self }
    }
}

/// A table with its caption. `cards`: each row becomes a card on a phone; `wide`: it scrolls in a box of its own.
/// The children are the `<tbody>`s and the `<tfoot>`.
#[component]
pub fn DataTable(
    #[prop(into)] caption: String,
    #[prop(into, optional)] note: Option<String>,
    columns: Vec<Column>,
    #[prop(optional)] cards: bool,
    #[prop(optional)] wide: bool,
    children: Children,
) -> AnyView {
    let class = match (cards, wide) {
        (true, true) => "table cards wide",
        (true, false) => "table cards",
        (false, true) => "table wide",
        (false, false) => "table",
    };
    let label = caption.clone();
    view! {
        <div class=class>
            <div class="table-box" role="region" aria-label=label tabindex=if wide { Some("0") } else { None }>
                <table>
                    <caption><h2>{caption}</h2>{note.map(|note| view! { <small>{note}</small> })}</caption>
                    <thead><tr>{columns.into_iter().map(heading).collect_view()}</tr></thead>
                    {children()}
                </table>
            </div>
        </div>
    }
    .into_any()
}

fn heading(column: Column) -> impl IntoView {
    let Column { label, number, sort } = column;
    let current = sort.as_ref().is_some_and(|(_, current)| *current);
    let text = match sort {
        Some((href, _)) => view! { <a href=href>{label}{current.then(|| view! { <Icon shape=Shape::Down/> })}</a> }.into_any(),
        None if label.is_empty() => view! { <span class="vh">"Actions"</span> }.into_any(),
        None => label.into_any(),
    };
    view! { <th scope="col" class=number.then_some("num") aria-sort=current.then_some("descending")>{text}</th> }
}

/// A heading that groups the rows below it.
#[component]
pub fn GroupRow(columns: u32, #[prop(into)] title: String, #[prop(into, optional)] note: Option<String>) -> AnyView {
    view! {
        <tr class="group">
            <th colspan=columns.to_string() scope="rowgroup">{title}{note.map(|note| view! { " "<small>{note}</small> })}</th>
        </tr>
    }
    .into_any()
}

/// Older and newer pages of a list read by key; there is no page number, because nobody counts the rows.
#[component]
pub fn Pager(
    #[prop(into)] shown: String,
    #[prop(into)] newer: Option<String>,
    #[prop(into)] older: Option<String>,
    /// What back and on mean in this list.
    #[prop(default = ("Newer", "Older"))]
    words: (&'static str, &'static str),
) -> AnyView {
    view! {
        <nav class="pager" aria-label="Pages">
            <span>{shown}</span>
            <span class="actions">
                {newer.map(|href| view! { <a class="button" rel="prev" href=href><Icon shape=Shape::Left/>{words.0}</a> })}
                {older.map(|href| view! { <a class="button" rel="next" href=href>{words.1}<Icon shape=Shape::Right/></a> })}
            </span>
        </nav>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_a_scope_and_the_sorted_one_says_so() {
        let columns = vec![Column::text("Entity"), Column::number("Amount").sorted_by("/x?sort=amount", true), Column::text("")];
        let html = view! { <DataTable caption="Batches" columns=columns><tbody></tbody></DataTable> }.to_html();
        assert_eq!(html.matches("scope=\"col\"").count(), 3, "{html}");
        assert_eq!(html.matches("aria-sort=\"descending\"").count(), 1, "{html}");
        assert!(html.contains("Actions"), "a heading is never empty: {html}");
    }
}
