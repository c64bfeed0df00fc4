//! How a bank writes tables: learned from one that is handed over, confirmed by a person, used from then on.

use crate::{
    api::form_error,
    components::{Column, DataTable, Field, Notice, Submit, Tone},
};
use domain::{access::Action, id::BankAccountId, view::CallerView};
use leptos::prelude::*;
use serde_json::Value;

/// Hand a table over; when the last one suggested how tables read, confirm that first.
#[component]
pub fn Tables(account: BankAccountId, suggested: Option<String>, trouble: Option<String>) -> AnyView {
    let caller = expect_context::<CallerView>();
    let may = |action| caller.actions.contains(&action);
    let suggested = suggested.map(|proposal| {
        let why_not = (!may(Action::ManageBankAccounts)).then(|| "Your roles do not allow this.".to_owned());
        view! { <Confirm account proposal why_not/> }
    });
    view! {
        {suggested}
        <section class="card pane record">
            <h2>"Hand over a table"</h2>
            <p>
                "A table (CSV) is read by the columns of this bank. The first one suggests them; a person confirms, once, and hands the table over again. \
                camt.053, MT940 and BAI2 name their account themselves."
            </p>
            <form class="form" method="post" action=format!("/cash/accounts/{account}/upload") enctype="multipart/form-data">
                <Field name="file" label="Table" kind="file" hint="At most 256 MB" required=true error=trouble/>
                <div class="actions">
                    <Submit text="Import" why_not=(!may(Action::ImportBatch)).then(|| "Your roles do not allow imports.".to_owned())/>
                </div>
            </form>
        </section>
    }
    .into_any()
}

/// What the bank's columns seem to mean.
fn meanings(profile: &Value) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    for (name, value) in profile["columns"].as_object().into_iter().flatten() {
        say(name, value, &mut shown);
    }
    for name in ["currency", "date_format", "decimal_separator", "thousands_separator", "delimiter", "order"] {
        say(name, &profile[name], &mut shown);
    }
    shown
}

fn say(what: &str, value: &Value, shown: &mut Vec<(String, String)>) {
    let words = |what: &str| what.replace('_', " ");
    match value {
        Value::Null => {}
        Value::Array(list) if list.is_empty() => {}
        Value::Array(list) => shown.push((words(what), list.iter().map(column).collect::<Vec<_>>().join(", "))),
        // of several columns: how an amount is written
        Value::Object(parts) if !parts.contains_key("name") && !parts.contains_key("index") => {
            for (part, value) in parts {
                say(&format!("{what} {part}"), value, shown);
            }
        }
        other => shown.push((words(what), column(other))),
    }
}

/// A column by its name or its place from 0; any other value as it is.
fn column(value: &Value) -> String {
    let named = value.get("name").or_else(|| value.get("index")).unwrap_or(value);
    named.as_str().map_or_else(|| named.to_string(), str::to_owned)
}

#[component]
fn Confirm(account: BankAccountId, proposal: String, why_not: Option<String>) -> AnyView {
    let Ok(read) = serde_json::from_str::<Value>(&proposal) else {
        return view! { <Notice tone=Tone::Off title="What the table suggested could not be read" text="Hand it over again."/> }.into_any();
    };
    let error = form_error("learn_table").map(|error| error.to_string());
    let profile = &read["profile"];
    let lines = meanings(profile).into_iter().map(|(what, column)| view! { <tr><th scope="row">{what}</th><td>{column}</td></tr> });
    let lines = lines.collect_view();
    let doubts =
        read["doubts"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|doubt| view! { <li>{doubt.to_owned()}</li> });
    let doubts = doubts.collect::<Vec<_>>();
    view! {
        {error.map(|text| view! { <Notice tone=Tone::Off title="The columns were not kept" text/> })}
        <DataTable
            caption="What the columns seem to mean"
            note="nothing came in yet: confirm, then hand the table over again"
            columns=vec![Column::text("Meaning"), Column::text("Column or sign")]
        >
            <tbody>{lines}</tbody>
        </DataTable>
        {(!doubts.is_empty()).then(|| view! { <section class="card pane record"><h2>"In doubt"</h2><ul>{doubts}</ul></section> })}
        <form class="form" method="post" action="/fn/learn_table">
            <input type="hidden" name="account" value=account.to_string()/>
            <input type="hidden" name="profile" value=profile.to_string()/>
            <div class="actions"><Submit text="Confirm these columns" primary=true why_not/></div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_means_something_is_shown_and_none_else() {
        let profile = serde_json::json!({
            "columns": {
                "booking_date": {"name": "Buchungstag"}, "value_date": null, "text": [{"name": "Zweck"}, {"index": 7}],
                "amount": {"signed": {"column": {"name": "Betrag"}, "positive": "credit"}},
            },
            "date_format": "%d.%m.%Y", "decimal_separator": ",", "thousands_separator": null, "delimiter": ";", "order": "oldest_first",
            "currency": {"always": "EUR"},
        });
        let shown = meanings(&profile);
        let of = |what: &str| shown.iter().find(|(name, _)| name == what).map(|(_, column)| column.as_str());
        assert_eq!(of("booking date"), Some("Buchungstag"));
        assert_eq!(of("text"), Some("Zweck, 7"));
        assert_eq!(of("amount signed column"), Some("Betrag"));
        assert_eq!(of("currency always"), Some("EUR"));
        assert_eq!(of("value date"), None);
    }
}
