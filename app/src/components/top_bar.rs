//! The head of a page: its title, the switches of entity and period, and on paper the line that says what was printed.

use super::{
    facts::{Moment, Time},
    icon::{Icon, Shape},
    nav::pages,
    palette::Palette,
    query::Query,
};
use domain::{period::AccountingPeriod, view::CallerView};
use leptos::prelude::*;

#[component]
pub fn TopBar(
    #[prop(into)] title: String,
    query: Query,
    caller: CallerView,
    /// Label and link of the pages above.
    #[prop(optional)]
    crumbs: Vec<(String, String)>,
    /// Whether entity and period mean something on this page.
    #[prop(default = true)]
    scoped: bool,
    #[prop(into, optional_no_strip)] as_of: Option<Moment>,
) -> AnyView {
    let entity = query.get("entity").and_then(|code| caller.entities.iter().find(|entity| entity.code == code));
    let entity_words = entity.map_or("all".to_owned(), |entity| format!("{} {}", entity.code, entity.name));
    let period_words = query.get("period").unwrap_or("all").to_owned();
    let pages = pages(&caller, &query.only(&["entity", "period"]).at("").href());
    let crumbs =
        crumbs.into_iter().map(|(label, href)| view! { <a href=href>{label}</a><span aria-hidden="true">"/"</span> }).collect::<Vec<_>>();
    view! {
        <header class="top">
            <div class="titles">
                {(!crumbs.is_empty()).then(|| view! { <nav class="crumbs" aria-label="Breadcrumb">{crumbs}</nav> })}
                <h1>{title}</h1>
                {scoped.then(|| view! {
                    <p class="print-only">"Entity "{entity_words}" · period "{period_words}{as_of.map(|at| view! { " · as of "<Time at/> })}</p>
                })}
            </div>
            <Palette pages/>
            {scoped.then(|| view! { <EntitySwitch query=query.clone() caller=caller.clone()/><PeriodSwitch query caller/> })}
        </header>
    }
    .into_any()
}

#[component]
fn EntitySwitch(query: Query, caller: CallerView) -> AnyView {
    let chosen = query.get("entity").unwrap_or_default().to_owned();
    let current = if chosen.is_empty() { format!("All {}", caller.entities.len()) } else { chosen.clone() };
    let links = caller.entities.into_iter().map(|entity| {
        let here = (entity.code == chosen).then_some("true");
        let href = query.with("entity", &entity.code).href();
        view! { <a href=href aria-current=here>{entity.name}<small>{entity.code}</small></a> }
    });
    let links = links.collect_view();
    view! {
        <details class="pick" name="switch">
            <summary>"Entity "<b>{current}</b><Icon shape=Shape::Down/></summary>
            <nav class="list" aria-label="Entity">
                <a href=query.without("entity").href() aria-current=chosen.is_empty().then_some("true")>"All entities"</a>
                {links}
            </nav>
        </details>
    }
    .into_any()
}

#[component]
fn PeriodSwitch(query: Query, caller: CallerView) -> AnyView {
    let chosen: Option<AccountingPeriod> = query.parsed("period");
    let to = |period: AccountingPeriod| query.with("period", period).href();
    let link = |period: &AccountingPeriod| view! { <a href=to(*period) aria-current=(Some(*period) == chosen).then_some("true")>{period.to_string()}</a> };
    let links: Vec<_> = caller.periods.iter().map(link).collect();
    let previous =
        chosen.map(|period| view! { <a href=to(period.previous()) rel="prev" aria-label="Previous period"><Icon shape=Shape::Left/></a> });
    let next = chosen.map(|period| view! { <a href=to(period.next()) rel="next" aria-label="Next period"><Icon shape=Shape::Right/></a> });
    view! {
        <div class="period">
            {previous}
            <details class="pick" name="switch">
                <summary>"Period "<b>{chosen.map_or("all".to_owned(), |period| period.to_string())}</b><Icon shape=Shape::Down/></summary>
                <div class="list">
                    <nav aria-label="Period">
                        <a href=query.without("period").href() aria-current=chosen.is_none().then_some("true")>"All periods"</a>
                        {links}
                    </nav>
                    <form method="get" action=query.path().to_owned()>
                        {query.hidden(&["period"])}
                        <input name="period" aria-label="Another period" placeholder="2026-10" pattern="[0-9]{4}-(0[1-9]|1[0-2])" required/>
                        <button type="submit">"Go"</button>
                    </form>
                </div>
            </details>
            {next}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::caller;
    use super::*;
    use domain::access::Role;

    #[test]
    fn switching_the_entity_keeps_every_other_key() {
        let query = Query::new("/exceptions", &[("entity", "US"), ("period", "2026-09"), ("kind", "mapping"), ("after", "k")]);
        let html = view! { <TopBar title="Exceptions" query caller=caller(Role::Controller)/> }.to_html();
        assert!(html.contains("href=\"/exceptions?period=2026-09&amp;kind=mapping&amp;entity=DE\""), "{html}");
        assert!(html.contains("name=\"kind\" value=\"mapping\"") && !html.contains("after"), "{html}");
    }

    #[test]
    fn paper_says_entity_and_period() {
        let html = view! { <TopBar title="Batches" query=Query::new("/batches", &[("entity", "DE"), ("period", "2026-10")]) caller=caller(Role::Controller)/> }.to_html();
        let text = html.replace("<!>", "");
        assert!(text.contains("Entity DE Lumen Analytics GmbH · period 2026-10"), "{text}");
    }
}
