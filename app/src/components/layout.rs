//! The frame around every page: navigation at the side, the page's head on top, one main landmark.

use super::{
    facts::Moment,
    nav::Navigation,
    query::{Query, use_query},
    state::Done,
    top_bar::TopBar,
};
use domain::view::CallerView;
use leptos::prelude::*;
use leptos_meta::Title;

/// Where plain forms of the frame post to.
pub const SIGN_OUT: &str = "/fn/sign_out";
pub const SET_THEME: &str = "/fn/set_theme";

/// Navigation and the place for a page. The page is a `Page`.
#[component]
pub fn Layout(caller: CallerView, query: Query, children: Children) -> AnyView {
    let carried = query.only(&["entity", "period"]).at("").href();
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <div class="shell">
            <Navigation caller path=query.path() carried/>
            {children()}
        </div>
    }
    .into_any()
}

/// One page: its title in the tab and on top, its content in the main landmark. Who is signed in comes from the layout.
#[component]
pub fn Page(
    #[prop(into)] title: String,
    #[prop(optional)] crumbs: Vec<(String, String)>,
    #[prop(default = true)] scoped: bool,
    #[prop(into, optional)] as_of: Option<Moment>,
    children: Children,
) -> AnyView {
    let caller = expect_context::<CallerView>();
    view! {
        <Title text=title.clone()/>
        <main class="main" id="main" tabindex="-1">
            <TopBar title query=use_query() caller crumbs scoped as_of=as_of/>
            <Done/>
            {children()}
        </main>
    }
    .into_any()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::{
        access::{Action, Role},
        id::EntityId,
        period::AccountingPeriod,
        view::EntityView,
    };

    pub(in super::super) fn caller(role: Role) -> CallerView {
        let period = AccountingPeriod::new(2026, 10).unwrap();
        let entity = |code: &str, name: &str| EntityView {
            entity_id: EntityId(uuid::Uuid::nil()),
            code: code.to_owned(),
            name: name.to_owned(),
            functional_currency: "EUR".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        };
        CallerView {
            name: "Ada Moreau".to_owned(),
            email: "ada@lumen.example".to_owned(),
            roles: vec![role],
            actions: Action::ALL.iter().copied().filter(|action| role.may(*action)).collect(),
            entities: vec![entity("US", "Lumen Analytics Inc."), entity("DE", "Lumen Analytics GmbH")],
            periods: vec![period, period.previous()],
            unread: 3,
        }
    }

    #[test]
    fn navigation_carries_entity_and_period_and_nothing_else() {
        let query = Query::new("/exceptions", &[("entity", "DE"), ("period", "2026-09"), ("kind", "mapping")]);
        let html = view! { <Layout caller=caller(Role::Controller) query>""</Layout> }.to_html();
        assert!(html.contains("href=\"/batches?entity=DE&amp;period=2026-09\""), "{html}");
        assert!(html.contains("href=\"#main\""), "{html}");
    }
}
