//! Forms that work without a script. The text of an error is tied to its field.

use super::{
    icon::{Icon, Shape},
    query::Query,
};
use leptos::prelude::*;

/// The ids of the texts that explain a field, for `aria-describedby`.
fn described(name: &str, hint: Option<&str>, error: Option<&str>) -> Option<String> {
    let ids: Vec<String> = [(hint, "hint"), (error, "error")]
        .into_iter()
        .filter(|(text, _)| text.is_some())
        .map(|(_, kind)| format!("{name}-{kind}"))
        .collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

#[component]
fn Wrapped(name: String, label: String, hint: Option<String>, error: Option<String>, children: Children) -> AnyView {
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            {children()}
            {hint.map(|hint| view! { <span class="hint" id=format!("{name}-hint")>{hint}</span> })}
            {error.map(|error| view! { <span class="error" id=format!("{name}-error")><Icon shape=Shape::Alert/>{error}</span> })}
        </div>
    }
    .into_any()
}

/// A one-line field. `kind` is the HTML input type.
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// Where two forms of a page ask for the same name.
    #[prop(into, optional)]
    id: Option<String>,
    #[prop(into, optional)] value: Option<String>,
    #[prop(into, default = "text".to_owned())] kind: String,
    #[prop(into, optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
    #[prop(into, optional)] autocomplete: Option<String>,
    #[prop(optional)] required: bool,
) -> AnyView {
    let id = id.unwrap_or_else(|| name.clone());
    let (described, invalid) = (described(&id, hint.as_deref(), error.as_deref()), error.is_some().then_some("true"));
    view! {
        <Wrapped name=id.clone() label hint error>
            <input
                type=kind
                id=id
                name=name
                value=value
                required=required
                autocomplete=autocomplete
                aria-describedby=described
                aria-invalid=invalid
            />
        </Wrapped>
    }
    .into_any()
}

/// A longer text.
#[component]
pub fn TextField(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// Where two forms of a page ask for the same name.
    #[prop(into, optional)]
    id: Option<String>,
    #[prop(into, optional)] value: Option<String>,
    #[prop(into, optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
    #[prop(optional)] required: bool,
) -> AnyView {
    let id = id.unwrap_or_else(|| name.clone());
    let (described, invalid) = (described(&id, hint.as_deref(), error.as_deref()), error.is_some().then_some("true"));
    view! {
        <Wrapped name=id.clone() label hint error>
            <textarea id=id name=name required=required aria-describedby=described aria-invalid=invalid>{value}</textarea>
        </Wrapped>
    }
    .into_any()
}

/// One of a list: (value, text). An empty value is "any" in a filter.
#[component]
pub fn Choice(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(into, optional)] id: Option<String>,
    options: Vec<(String, String)>,
    #[prop(into, optional)] selected: Option<String>,
    #[prop(into, optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> AnyView {
    let id = id.unwrap_or_else(|| name.clone());
    let (described, invalid) = (described(&id, hint.as_deref(), error.as_deref()), error.is_some().then_some("true"));
    let options = options.into_iter().map(move |(value, text)| {
        let chosen = selected.as_deref().unwrap_or_default() == value;
        view! { <option value=value selected=chosen>{text}</option> }
    });
    let options = options.collect_view();
    view! {
        <Wrapped name=id.clone() label hint error>
            <select id=id name=name aria-describedby=described aria-invalid=invalid>{options}</select>
        </Wrapped>
    }
    .into_any()
}

/// Yes or no.
#[component]
pub fn Check(#[prop(into)] name: String, #[prop(into)] label: String, #[prop(optional)] checked: bool) -> impl IntoView {
    view! { <label class="check"><input type="checkbox" name=name value="true" checked=checked/>{label}</label> }
}

/// A GET form over the page's own URL: asks for `own` keys, keeps all others, and can be bookmarked.
#[component]
pub fn FilterBar(query: Query, own: &'static [&'static str], children: Children) -> AnyView {
    let cleared = own.iter().fold(query.clone(), |query, key| query.without(key)).href();
    let set = own.iter().any(|key| query.get(key).is_some());
    view! {
        <form class="filters" method="get" action=query.path().to_owned() role="search" aria-label="Filter">
            {query.hidden(own)}
            {children()}
            <button type="submit">"Apply"</button>
            {set.then(|| view! { <a class="button quiet" href=cleared>"Clear"</a> })}
        </form>
    }
    .into_any()
}

/// Says what a press will do; when it may not be pressed, says why instead of being silent.
#[component]
pub fn Submit(
    #[prop(into)] text: String,
    #[prop(optional_no_strip)] why_not: Option<String>,
    #[prop(optional)] primary: bool,
    #[prop(optional)] danger: bool,
) -> impl IntoView {
    let class = if danger {
        "danger"
    } else if primary {
        "primary"
    } else {
        ""
    };
    match why_not {
        Some(reason) => view! { <button type="submit" disabled=true>{text}</button><small>{reason}</small> }.into_any(),
        None => view! { <button type="submit" class=class>{text}</button> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_tied_to_its_field() {
        let html = view! { <Field name="email" label="E-mail" hint="Work address" error=Some("is not an address".to_owned())/> }.to_html();
        assert!(html.contains("aria-describedby=\"email-hint email-error\"") && html.contains("aria-invalid=\"true\""), "{html}");
        assert!(html.contains("id=\"email-error\"") && html.contains("for=\"email\""), "{html}");
        let fine = view! { <Field name="email" label="E-mail"/> }.to_html();
        assert!(!fine.contains("aria-"), "{fine}");
    }

    #[test]
    fn a_filter_keeps_entity_and_period_and_offers_to_clear_itself() {
        let query = Query::new("/exceptions", &[("entity", "DE"), ("kind", "mapping"), ("after", "x")]);
        let html = view! { <FilterBar query own=&["kind"]>""</FilterBar> }.to_html();
        assert!(html.contains("name=\"entity\" value=\"DE\"") && !html.contains("name=\"kind\"") && !html.contains("after"), "{html}");
        assert!(html.contains("href=\"/exceptions?entity=DE\""), "{html}");
    }
}
