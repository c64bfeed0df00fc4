//! Filters under a name: chosen, kept, shared, deleted; one of them the queue opens with.

use crate::{
    api::{exceptions::ExceptionQuery, form_error},
    components::{Check, Field, Icon, Query, Shape, Submit},
};
use domain::bulk::SavedView;
use leptos::prelude::*;

/// Opens the queue without the default view.
const ALL: &str = "/exceptions?view=all";

/// Where the queue leads instead of showing everything: the default view, with the entity and period carried along where the
/// view does not choose its own. Only a bare address is led on: whoever has chosen anything gets what he chose.
pub fn led_to(query: &Query, views: &[SavedView]) -> Option<String> {
    let bare = *query == query.only(&["entity", "period"]);
    let view = views.iter().find(|view| view.is_default).filter(|_| bare)?;
    let chosen = format!("&{}", view.query);
    let carried = ["entity", "period"].into_iter().filter(|key| !chosen.contains(&format!("&{key}=")));
    let carried: Vec<_> = carried.filter_map(|key| Some((key, query.get(key)?))).collect();
    let carried = Query::new("", &carried).href();
    Some(format!("{}{}", view.href(), carried.replacen('?', "&", 1)))
}

/// Whether the filter is no more what the view keeps.
fn changed(query: &Query, view: &SavedView) -> bool {
    let sorted = |text: &str| {
        let mut pairs: Vec<String> = text.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        pairs.sort_unstable();
        pairs
    };
    let now = query.only(&ExceptionQuery::KEYS).moved("").href();
    sorted(now.trim_start_matches('?')) != sorted(&view.query)
}

#[component]
pub fn Views(views: Vec<SavedView>, query: Query) -> AnyView {
    let current = query.get("view").and_then(|id| views.iter().find(|view| view.view_id.to_string() == id)).cloned();
    let called = match &current {
        Some(view) if changed(&query, view) => format!("{}, changed", view.name),
        Some(view) => view.name.clone(),
        None => "all".to_owned(),
    };
    let links = views.into_iter().map(|view| {
        let here = current.as_ref().is_some_and(|current| current.view_id == view.view_id).then_some("true");
        let whose = match (view.own, view.shared, view.is_default) {
            (_, _, true) => "default".to_owned(),
            (true, true, _) => "shared by you".to_owned(),
            (true, false, _) => String::new(),
            (false, ..) => format!("by {}", view.by),
        };
        let href = view.href();
        view! { <a href=href aria-current=here>{view.name}<small>{whose}</small></a> }
    });
    let links = links.collect_view();
    let error = form_error("save_view");
    let open = error.is_some();
    let error = error.map(|error| error.to_string());
    let fields = ExceptionQuery::of(|key| query.get(key));
    let fields = fields.pairs().into_iter().map(|(key, value)| (format!("query[{key}]"), value.to_owned()));
    let fields = fields.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view();
    view! {
        <details class="pick views" name="switch" open=open>
            <summary>"View "<b>{called}</b><Icon shape=Shape::Down/></summary>
            <div class="list">
                <nav aria-label="Views">
                    <a href=ALL aria-current=current.is_none().then_some("true")>"All exceptions"</a>
                    {links}
                </nav>
                {current.map(|view| view! { <OfView view back=query.href()/> })}
                <form class="keep" method="post" action="/fn/save_view">
                    {fields}
                    <Field id="view-name" name="name" label="Keep this filter as" required=true autocomplete="off" error/>
                    <Check name="shared" label="Share with everyone who may see it"/>
                    <Submit text="Save view"/>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// What is done with the view that is open.
#[component]
fn OfView(view: SavedView, back: String) -> AnyView {
    let (id, default) = (view.view_id.to_string(), if view.is_default { String::new() } else { view.view_id.to_string() });
    let text = if view.is_default { "Open with everything instead" } else { "Open the queue with it" };
    view! {
        <form method="post" action="/fn/set_default_view">
            <input type="hidden" name="view" value=default/>
            <input type="hidden" name="back" value=back/>
            <button type="submit">{text}</button>
        </form>
        {view.own.then(|| view! {
            <form method="post" action="/fn/delete_view">
                <input type="hidden" name="view" value=id/>
                <button type="submit" class="danger">{format!("Delete “{}”", view.name)}</button>
            </form>
        })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::ViewId;

    fn view(query: &str, is_default: bool) -> SavedView {
        SavedView {
            view_id: ViewId(uuid::Uuid::nil()),
            name: "Mine".into(),
            query: query.into(),
            shared: false,
            by: "Ann".into(),
            own: true,
            is_default,
        }
    }

    const ID: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn only_a_bare_address_is_led_to_the_default_view() {
        let views = [view("kind=mapping", true)];
        let led = |pairs: &[(&str, &str)]| led_to(&Query::new("/exceptions", pairs), &views);
        assert_eq!(led(&[]), Some(format!("/exceptions?view={ID}&kind=mapping")));
        assert_eq!(led(&[("entity", "DE")]), Some(format!("/exceptions?view={ID}&kind=mapping&entity=DE")));
        assert_eq!(led(&[("view", "all")]), None);
        assert_eq!(led(&[("kind", "tax")]), None);
        assert_eq!(led_to(&Query::new("/exceptions", &[]), &[view("", false)]), None);
        let own = [view("kind=mapping&entity=US", true)];
        assert_eq!(
            led_to(&Query::new("/exceptions", &[("entity", "DE")]), &own),
            Some(format!("/exceptions?view={ID}&kind=mapping&entity=US"))
        );
    }

    #[test]
    fn a_view_says_when_the_filter_is_no_more_its_own() {
        let kept = view("entity=DE&kind=mapping", false);
        let at = |pairs: &[(&str, &str)]| changed(&Query::new("/exceptions", pairs), &kept);
        assert!(!at(&[("kind", "mapping"), ("view", ID), ("entity", "DE"), ("after", "x"), ("open", "y")]));
        assert!(at(&[("kind", "tax"), ("entity", "DE")]));
    }
}
